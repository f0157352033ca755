"""The page of topics of a release: which model to trust, how good topics are, what each is about, which are the same.

The page describes the release and is made from it alone. Nothing on it names a reader.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from data.release import Release
from data.store import Store
from data.topics import Topics
from pipeline.trust_topics import MODEL_NAMES
from reports.document import count, render
from reports.provenance import provenance
from reports.topic_cards import MIN_SHARED, Card, cards_of, paired, shares_chart
from reports.topic_map import topic_map
from reports.topic_quality import measures

NAME = "topics"


@dataclass(frozen=True)
class ModelSection:
    """The topics of one model: its name, whether it is the one to read, a chart of their sizes, a card each."""

    name: str
    is_trusted: bool
    chart: Markup
    cards: Sequence[Card]


def topics_report(store: Store, release: Release) -> Path:
    """Write the page of topics of a release and return its path.

    The page of the release that serves is also copied to ``reports/topics.html``. A release without topics has a page
    that says so: one of an earlier release must not stand under the lasting name. The same release gives the same
    bytes, whenever and wherever the page is written.
    """
    path, page = store.report(release.id, NAME), topics_page(release)
    store.write_whole(path, page)
    if release.id == store.current:
        store.write_whole(store.current_report(NAME), page)
    return path


def topics_page(release: Release) -> str:
    """Return the page of topics of a release."""
    models = [release.topics(kind) for kind in release.topic_models]
    content: dict[str, Any] = {
        "release": release.id,
        "manifest": release.manifest,
        "provenance": provenance(release, release.manifest["history"]["batches"]),
        "models": [],
    }
    return render("topics.html", {**content, **_found(release, models)} if models else content)


def _found(release: Release, models: Sequence[Topics]) -> dict[str, Any]:
    """What the page shows of topics, by name."""
    quality, cards = release.topic_quality, cards_of(release, models)
    trusted = quality["verdict"]["read"]
    names, rows = measures(quality["models"], release.quality["rows"])
    sections = [
        ModelSection(
            MODEL_NAMES[topics.kind],
            topics.kind == trusted,
            shares_chart(topics.kind, cards[topics.kind]),
            cards[topics.kind],
        )
        for topics in models
    ]
    return {
        "verdict": quality["verdict"],
        "facts": _facts(release, models, quality),
        "names": names,
        "measures": rows,
        "n_held": next(iter(quality["models"].values()))["n_held_readers"],
        "n_seeds": next(iter(quality["models"].values()))["n_seeds"],
        "pairs": paired(models, cards),
        "least_shared": MIN_SHARED,
        "map": topic_map(models, cards),
        "models": sections,
    }


def _facts(release: Release, models: Sequence[Topics], quality: dict[str, Any]) -> list[tuple[str, str]]:
    corpus = release.manifest["corpus"]
    sizes = [(name, count(corpus[f"n_{name}"])) for name in ("readers", "books", "readings")]
    of_models = [(f"topics of {MODEL_NAMES[topics.kind]}", count(len(topics))) for topics in models]
    held = next(iter(quality["models"].values()))["n_held_readers"]
    return [*sizes, *of_models, ("held-out readers", count(held))]
