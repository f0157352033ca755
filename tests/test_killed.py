"""``kill -9`` at any moment of a refresh: the last release still answers, the next refresh completes."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from data.history import History
from data.release import Release
from data.store import Store
from pipeline.query import nearest
from tests.refreshing import refresh

# Flushes of a refresh: sample, corpus, four models, evaluation, release, CURRENT. Beyond the last, nothing dies.
MOMENTS = (1, 5, 10, 16, 22, 28, 33, 37, 40, 43)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store with one release that serves."""
    store = Store(tmp_path_factory.mktemp("served"))
    assert refresh(store, seed=0).passed
    return store


@pytest.mark.parametrize("nth", MOMENTS)
def test_the_last_release_answers_and_the_next_refresh_completes(served: Store, tmp_path: Path, nth: int) -> None:
    store = Store(tmp_path / "store")
    shutil.copytree(served.root, store.root)
    before = Release.open(store)

    killed = subprocess.run([sys.executable, "-m", "tests.refreshing", str(store.root), "1", str(nth)], check=False)

    assert killed.returncode == -signal.SIGKILL, "the refresh has fewer flushes than MOMENTS assumes"
    after = Release.open(store)
    assert len(nearest(after, 0, 10).rows) == 10
    assert after.manifest["digest"] == before.manifest["digest"] or after.manifest["passed"]
    outcome = refresh(store, seed=1)
    assert outcome.passed
    assert store.current == outcome.release_id
    assert len(History(store.history).latest().batches) == 2
    assert not list(store.root.rglob(".making-*"))
