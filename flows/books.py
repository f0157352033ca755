"""Questions about the books of the history: which editions are one work, and why."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from data.errors import WagahaiError
from data.history import History
from data.store import Store
from data.works.table import Works
from flows.progress import TerminalProgress
from flows.tables import write_csv, write_json, write_table
from pipeline.explain_works import Explanation, Step, explain, find_edition, say
from pipeline.make_works import make_works

_EDITIONS = {"book": "edition", "n_readers": "readers", "title": "title", "authors": "authors", "because": "because"}
_NEAR_MISSES = {
    "other": "not joined",
    "title": "title",
    "authors": "authors",
    "considered": "considered by",
    "why": "why not",
}


def explain_work(chosen: argparse.Namespace) -> int:
    """Print the editions of a work with the evidence for each, and the merges that were refused."""
    if (chosen.title is None) == (chosen.book is None):
        raise WagahaiError("name one book: a title, or --book ID")
    store = Store.from_environment(chosen.store)
    history = History(store.history).latest()
    with TerminalProgress() as progress:
        works = Works.load(make_works(store, history, progress)[0])
    asked = find_edition(history, works, chosen.title) if chosen.book is None else chosen.book
    found = explain(history, works, asked)
    if chosen.format == "json":
        write_json(_as_json(found))
    elif chosen.format == "csv":
        write_csv(_editions(found), list(_EDITIONS))
    else:
        _print(found)
    return 0


def _print(found: Explanation) -> None:
    editions = _editions(found)
    title = next(edition["title"] for edition in editions if edition["book"] == found.asked)
    counted = "1 edition" if len(editions) == 1 else f"{len(editions):,} editions"
    write_table(f"{title}: work {found.work}, {counted}", editions, _EDITIONS)
    if not found.near_misses:
        sys.stdout.write("No other book came near.\n")
        return
    misses = [{**miss, "considered": say(miss["rule"], miss["value"])} for miss in found.near_misses]
    write_table("Considered and refused", misses, _NEAR_MISSES)


def _editions(found: Explanation) -> list[dict[str, Any]]:
    return [{**edition, "because": _because(found.evidence[edition["book"]])} for edition in found.editions]


def _because(steps: list[Step]) -> str:
    """One line: what leads from the asked book to this one."""
    if not steps:
        return "asked for"
    return ", then ".join(step.said if step is steps[-1] else f"{step.said} (with {step.other})" for step in steps)


def _as_json(found: Explanation) -> dict[str, Any]:
    columns = ("book", "n_readers", "title", "authors", "year", "language", "isbn13", "edition", "work")
    return {
        "work": found.work,
        "asked": found.asked,
        "editions": [
            {name: edition[name] for name in columns}
            | {"evidence": [{**vars(step), "said": step.said} for step in found.evidence[edition["book"]]]}
            for edition in found.editions
        ],
        "refused": [{**miss, "said": say(miss["rule"], miss["value"])} for miss in found.near_misses],
    }
