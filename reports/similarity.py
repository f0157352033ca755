"""The similarity report of a release: is it good, how sure is it, which books are near which, what changed.

The page describes the release, and is made from the release, and the one before it, alone. Nothing on it names a
reader.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from data.release import Release
from data.store import Store
from pipeline.changes import Changes, changes, previous_release
from pipeline.metrics import METRICS
from pipeline.query import chance_similarity, far_threshold
from reports.changed import changed_in_words
from reports.document import UNKNOWN, count, render
from reports.export import export
from reports.map import book_map
from reports.provenance import day, provenance
from reports.quality import METRIC_NAMES, quality_by_split, verdict_on_quality
from reports.space import Hubness, Similarities, readers_chart
from reports.sure import Sure
from reports.watch import WatchList, watch_list

NAME = "similarity"


def similarity_report(store: Store, release: Release) -> Path:
    """Write the page of a release, and its watch list as CSV and Parquet beside it; return the page's path.

    The page of the release that serves is also copied to ``reports/similarity.html``. The same release
    gives the same bytes, whenever and wherever the page is written, as long as the release that served before it is
    kept: what changed since then is on the page.
    """
    previous = previous_release(store, release)
    watch = watch_list(release, chance_similarity(release))
    page = similarity_page(release, watch, changes(release, previous))
    path = store.report(release.id, NAME)
    export(store, release, watch, path)
    store.write_whole(path, page)
    if release.id == store.current:
        store.write_whole(store.current_report(NAME), page)
    return path


def similarity_page(release: Release, watch: WatchList, changed: Changes) -> str:
    """Return the page of a release."""
    quality, sure = release.quality["rows"], Sure.of(release)
    accounts = release.manifest["history"]["batches"]
    content = {
        "release": release.id,
        "manifest": release.manifest,
        "verdict": verdict_on_quality(quality, release.spaces),
        "facts": _facts(release, accounts),
        "metrics": [METRIC_NAMES[metric] for metric in METRICS],
        "splits": quality_by_split(quality, release.spaces),
        "sure": sure,
        "watch": watch,
        "far_min_readers": far_threshold(release),
        "changed": changed_in_words(release, changed),
        "n_books": len(release.books),
        "similarities": Similarities.of(release),
        "readers_chart": readers_chart(release.books.n_readers),
        "hubness": Hubness.of(release),
        "map": book_map(release, watch.rows),
        "provenance": provenance(release, accounts),
    }
    return render("similarity.html", content)


def _facts(release: Release, accounts: list[dict[str, Any]]) -> list[tuple[str, str]]:
    corpus = release.manifest["corpus"]
    sizes = [(name, count(corpus[f"n_{name}"])) for name in ("readers", "books", "readings")]
    ingested = sorted(day(account["ingested_at"]) for account in accounts)
    first, last = (ingested[0], ingested[-1]) if ingested else (UNKNOWN, UNKNOWN)
    return [*sizes, ("ingested", first if first == last else f"{first} to {last}")]
