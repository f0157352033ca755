"""The command `complete`: books missing of what a reader has read, with probabilities and two kinds of doubt."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from data.release import TEXT_COLUMNS, Release
from flows.placing import reader_id
from flows.reading import filters_of, open_store
from flows.tables import write_csv, write_json, write_table
from models.dbm import Dbm
from pipeline.complete import LEVEL, Missing, condition, machine_of, missing_books
from pipeline.filters import allowed, described
from pipeline.fold_in import reader_books

_COLUMNS = {
    "rank": "rank",
    "chance": "chance",
    "error": "+-",
    "n_readers": "readers",
    "title": "title",
    "authors": "authors",
}
_CSV = ("rank", "p", "low", "high", "sd", "error", "n_readers", "title", "authors", "book", "verdict")


def complete(chosen: argparse.Namespace) -> int:
    """Print the books that are likeliest missing of what a reader has read."""
    store = open_store(chosen.store)
    release = Release.open(store, chosen.release)
    model = machine_of(store, release)
    rows = reader_books(store, release, reader_id(chosen.reader), chosen.namespace)
    filters = filters_of(chosen, release.books, tuple(rows.tolist()))
    may = allowed(release.books, filters, rows.tolist())
    found = missing_books(model, rows, len(release.books), may, release.manifest["seed"])
    records, said = missing_records(release, found, chosen.k), described(release.books, filters)
    told = release.boltzmann["verdict"]["told"]
    if chosen.format == "json":
        counts = {"n_books": len(rows), "n_known": found.n_known, "n_asked_of": model.units.n_known}
        facts = {**counts, "condition": condition(model)}
        answer = {"release": release.id, "verdict": told, "asked": facts, "level": LEVEL, "filters": said}
        write_json({**answer, "books": records})
    elif chosen.format == "csv":
        write_csv([{**record, "verdict": told} for record in records], _CSV)
    else:
        _print(release, model, found, records, said)
    return 0


def missing_records(release: Release, found: Missing, k: int) -> list[dict[str, Any]]:
    """Return the `k` likeliest books as JSON values."""
    books = release.books
    return [
        {
            "rank": i + 1,
            **{name: float(getattr(found, name)[i]) for name in ("p", "low", "high", "sd", "error")},
            "n_readers": int(books.n_readers[row]),
            **{name: books.columns[name][row] for name in TEXT_COLUMNS},
            "year": books.year[row],
        }
        for i, row in enumerate(found.rows[:k].tolist())
    ]


def _print(release: Release, model: Dbm, found: Missing, records: list[dict[str, Any]], filters: list[str]) -> None:
    if not records:
        sys.stdout.write("no book is left\n")
        return
    among = f"; {', '.join(filters)}" if filters else ""
    who = f"a reader ({found.n_known:,} of the {model.units.n_known:,} most read books)"
    shown = [{**record, "chance": _chance(record), "error": f"{100 * record['error']:.1f}"} for record in records]
    write_table(f"Missing of {who}, release {release.id}{among}", shown, _COLUMNS)
    sys.stdout.write(
        f"chance: to be read as well, {condition(model)}; in brackets where it would lie with {100 * LEVEL:.0f} % if "
        "the machine's hidden units were known. +-: standard error of the chance, from sampling alone, in points.\n"
        f"{release.boltzmann['verdict']['told']}\n"
    )


def _chance(record: dict[str, Any]) -> str:
    return f"{100 * record['p']:.2g} % ({100 * record['low']:.2g} to {100 * record['high']:.2g})"
