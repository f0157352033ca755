"""A release with a Boltzmann machine of readers of two tastes (`topic_release`), through the real steps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from data.progress import Quiet
from data.release import Release, kept_releases
from data.store import Store
from pipeline.boltzmann import Boltzmann, make_boltzmann
from pipeline.config import TopicsConfig
from pipeline.publish import publish
from pipeline.represent import READERS, Part
from tests.pipeline import topic_release

SETTINGS = replace(
    topic_release.SETTINGS,
    topics=TopicsConfig(models=()),
    models={
        "spectral": {"n_dims": 4},
        "dbm": {"n_visible": 30, "hidden_sizes": [6, 3], "epochs": 60, "n_chains": 100, "learning_rate": 0.02},
    },
)


def build(root: Path, patch: pytest.MonkeyPatch) -> Store:
    """Publish a release without a machine, and then one with it."""
    store = topic_release.build(root, patch, SETTINGS)
    made = topic_release.ingredients(store, SETTINGS)
    machine = make_boltzmann(store, Part(made.corpus, READERS, 0), SETTINGS, Quiet())
    assert isinstance(machine, Boltzmann)
    publish(store, replace(made, boltzmann=machine))
    return store


def with_machine(store: Store) -> Release:
    """Return the release that has it."""
    return next(release for release in kept_releases(store) if release.boltzmann)


def without_machine(store: Store) -> Release:
    """Return the release that has none."""
    return next(release for release in kept_releases(store) if not release.boltzmann)
