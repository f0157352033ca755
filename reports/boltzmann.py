"""The page of the Boltzmann machine of a release: is it any good, did its gradients correct anything, what it is like.

The page describes the release and is made from it alone. Readers on it are samples of the machine, none is a real one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from data.release import Release
from data.store import Store
from reports.boltzmann_chains import (
    MEETING_COLUMNS,
    course_chart,
    course_sentence,
    meetings_chart,
    meetings_rows,
    training_chart,
)
from reports.boltzmann_readers import samples_of, samples_sentence, units_of
from reports.boltzmann_systems import MEASURES, n_judged, systems_of
from reports.boltzmann_verdict import (
    correction_sentence,
    layers_sentence,
    likelihood_sentence,
    meeting_sentence,
    recall_sentence,
    sampling_sentence,
)
from reports.document import count, render
from reports.provenance import provenance

NAME = "boltzmann"


def boltzmann_report(store: Store, release: Release) -> Path:
    """Write the page of the machine of a release and return its path.

    The page of the release that serves is also copied to ``reports/boltzmann.html``. A release without a machine has a
    page that says so, and why: one of an earlier release must not stand under the lasting name. The same release gives
    the same bytes, whenever and wherever the page is written.
    """
    path, page = store.report(release.id, NAME), boltzmann_page(release)
    store.write_whole(path, page)
    if release.id == store.current:
        store.write_whole(store.current_report(NAME), page)
    return path


def boltzmann_page(release: Release) -> str:
    """Return the page of the machine of a release."""
    found = release.boltzmann
    content: dict[str, Any] = {
        "release": release.id,
        "manifest": release.manifest,
        "provenance": provenance(release, release.manifest["history"]["batches"]),
        "rows": found.get("rows", []),
        "left_out": found.get("left_out", ""),
    }
    return render("boltzmann.html", {**content, **_found(release)} if content["rows"] else content)


def _found(release: Release) -> dict[str, Any]:
    """What the page shows of a machine, by name."""
    found, portrait = release.boltzmann, release.boltzmann.get("portrait")
    sizes = release.manifest["boltzmann"]["config"]["hidden_sizes"]
    n_likely, n_asked = n_judged(found)
    return {
        "verdict": f"{likelihood_sentence(found)} {recall_sentence(found)}",
        "layers": layers_sentence(found),
        "sampling": sampling_sentence(found),
        "correction": correction_sentence(portrait) if portrait else "",
        "facts": _facts(found, sizes),
        "measures": list(MEASURES.values()),
        "systems": systems_of(found, sizes),
        "n_likely": n_likely,
        "n_asked": n_asked,
        "portrait": _portrait(release, portrait) if portrait else None,
    }


def _portrait(release: Release, portrait: dict[str, Any]) -> dict[str, Any]:
    course, meetings = portrait["course"], portrait["meetings"]
    least = release.manifest["settings"]["corpus"]["min_readers"]
    samples = samples_of(release.books, portrait["typical_readers"], least)
    return {
        "course": course_chart(course),
        "course_told": course_sentence(course),
        "training": training_chart(course["meetings"]) if course["meetings"] else None,
        "told": [meeting_sentence(name, met) for name, met in meetings.items()],
        "chart": meetings_chart(meetings),
        "meeting_columns": MEETING_COLUMNS,
        "meetings": meetings_rows(meetings),
        "samples": samples,
        "samples_told": samples_sentence(samples),
        "units": units_of(release.books, portrait["hidden_units"], least),
        "min_readers": least,
    }


def _facts(found: dict[str, Any], sizes: list[int]) -> list[tuple[str, str]]:
    n_likely, n_asked = n_judged(found)
    return [
        ("books it knows", count(found["n_books"])),
        ("hidden units", " – ".join(map(count, sizes))),
        ("held-out readers", count(n_likely)),
        ("asked for hidden books", count(n_asked)),
    ]
