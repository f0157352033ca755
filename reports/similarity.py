"""The similarity report of a release: is it good, which books are near which, what does a number mean.

The page describes the release, and is made from the release alone. Nothing on it names a reader.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from data.release import Release
from data.store import Store
from pipeline.metrics import METRICS
from pipeline.query import far_threshold
from reports.document import UNKNOWN, Table, count, render
from reports.map import book_map
from reports.quality import METRIC_NAMES, quality_by_split, verdict_on_quality
from reports.space import Hubness, Similarities, readers_chart
from reports.watch import watch_list

NAME = "similarity"
_DAYS = ("ingested_at", "first_read_on", "last_read_on")


def similarity_report(store: Store, release: Release) -> Path:
    """Write the page of a release and return its path.

    The page of the release that serves is also copied to ``reports/similarity.html``. The same release
    gives the same bytes, whenever and wherever the page is written.
    """
    page = similarity_page(release)
    path = store.report(release.id, NAME)
    store.write_whole(path, page)
    if release.id == store.current:
        store.write_whole(store.current_report(NAME), page)
    return path


def similarity_page(release: Release) -> str:
    """Return the page of a release."""
    similarities = Similarities.of(release)
    watch = watch_list(release, similarities.chance)
    quality = release.quality["rows"]
    published = next(iter(release.manifest["models"]))
    accounts = release.manifest["history"]["batches"]
    content = {
        "release": release.id,
        "manifest": release.manifest,
        "verdict": verdict_on_quality(quality, published),
        "facts": _facts(release, accounts),
        "metrics": [METRIC_NAMES[metric] for metric in METRICS],
        "splits": quality_by_split(quality, published),
        "watch": watch,
        "far_min_readers": far_threshold(release),
        "n_books": len(release.books),
        "similarities": similarities,
        "readers_chart": readers_chart(release.books.n_readers),
        "hubness": Hubness.of(release),
        "map": book_map(release, watch.rows),
        "provenance": _provenance(release, accounts),
    }
    return render("similarity.html", content)


def _facts(release: Release, accounts: list[dict[str, Any]]) -> list[tuple[str, str]]:
    corpus = release.manifest["corpus"]
    sizes = [(name, count(corpus[f"n_{name}"])) for name in ("readers", "books", "readings")]
    ingested = sorted(_day(account["ingested_at"]) for account in accounts)
    first, last = (ingested[0], ingested[-1]) if ingested else (UNKNOWN, UNKNOWN)
    return [*sizes, ("ingested", first if first == last else f"{first} to {last}")]


def _day(moment: str | None) -> str:
    """Day of an ISO moment."""
    return moment[:10] if moment else UNKNOWN


def _provenance(release: Release, accounts: list[dict[str, Any]]) -> dict[str, Any]:
    manifest = release.manifest
    history, corpus = manifest["history"], manifest["corpus"]
    gates = [(gate["name"], "passed" if gate["passed"] else "failed", gate["detail"]) for gate in manifest["gates"]]
    batches = [
        (
            *(account[name] for name in ("batch", "source", "files", "n_kept")),
            *(_day(account[name]) for name in _DAYS),
        )
        for account in accounts
    ]
    models = [
        (kind, model["artifact"], model["seed"], model["stage"], _settings(model["config"]))
        for kind, model in manifest["models"].items()
    ]
    settings = [(name, _settings(table)) for name, table in manifest["settings"].items() if name != "report"]
    return {
        "release": [
            ("release", release.id),
            ("made", manifest["created_at"]),
            ("digest of all ingredients", manifest["digest"]),
            ("root seed", str(manifest["seed"])),
            ("history version", f"{history['version']} ({history['digest']})"),
            ("corpus", f"{corpus['artifact']} ({_settings(corpus['config'])})"),
            ("evaluations", ", ".join(manifest["evaluations"])),
        ],
        "gates": Table(("gate", "outcome", "why"), gates),
        "batches": Table(("batch", "source", "files", "readings", "ingested", "first read", "last read"), batches),
        "models": Table(("model", "artifact", "seed", "stage", "settings"), models),
        "settings": Table(("settings", "values"), settings),
        "made_by": list(manifest["made_by"].items()),
    }


def _settings(table: Mapping[str, Any]) -> str:
    """Settings as one line; the defaults, where none is named."""
    return ", ".join(f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in table.items()) or "defaults"
