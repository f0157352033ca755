"""The command `recommend`: books a reader has not read, the likeliest next first, and how they would be liked."""

from __future__ import annotations

import argparse
import datetime as dt
import sys
from typing import Any

import numpy as np

from data.errors import WagahaiError
from data.release import TEXT_COLUMNS, Release
from flows.answers import percent
from flows.placing import reader_id
from flows.predicting import liked_record, read_record
from flows.reading import filters_of, open_store
from flows.tables import write_csv, write_json, write_table
from pipeline.asked_reader import AskedReader, asked_reader
from pipeline.disclosure import least_told
from pipeline.doubt_config import RATING, WILL_READ
from pipeline.filters import allowed, described
from pipeline.judge_will_read import NET
from pipeline.predictions import Asked

_COLUMNS = {
    "rank": "rank", "read": "read next", "liked": "rating", "why": "unsure", "n_readers": "readers", "title": "title",
    "authors": "authors",
}  # fmt: skip
_CSV = (
    "rank",
    "p_read",
    "p_low",
    "p_high",
    "rating",
    "low90",
    "high90",
    "of_book",
    "of_reader",
    "n_readers",
    "title",
    "authors",
    "book",
)


def recommend(chosen: argparse.Namespace) -> int:
    """Print the books that a reader is likeliest to read next."""
    store = open_store(chosen.store)
    release = Release.open(store, chosen.release)
    asked = Asked(store, release)
    if (why := asked.why_not(WILL_READ)) is not None:
        raise WagahaiError(f"release {release.id} does not predict what a reader reads next: {why}")
    if chosen.seed is not None and not chosen.explore:
        raise WagahaiError("--seed is of --explore: without it nothing is drawn")
    explore = None
    if chosen.explore:
        explore = int(dt.datetime.now(dt.UTC).strftime("%Y%m%d")) if chosen.seed is None else chosen.seed
    reader = asked_reader(store, release, reader_id(chosen.reader), chosen.namespace, *asked.scale)
    filters = filters_of(chosen, release.books, tuple(reader.rows.tolist()))
    rows = np.flatnonzero(allowed(release.books, filters, reader.rows.tolist()))
    records = recommended(asked, reader, rows, chosen.k, explore)
    by = f"one draw, seed {explore}" if explore is not None else "it" if asked.rank_by == NET else asked.rank_by
    said = described(release.books, filters)
    if chosen.format == "json":
        facts = {"release": release.id, "asked": {"n_books": len(reader.rows), "n_ratings": len(reader.rated.rows)}}
        how = {"ranked_by": by, "explore_seed": explore, "note": note_of(reader)}
        write_json({**facts, **how, "filters": said, "books": records})
    elif chosen.format == "csv":
        write_csv([_flat(record) for record in records], _CSV)
    else:
        _print(asked, reader, records, by, said)
    return 0


def recommended(
    asked: Asked, reader: AskedReader, rows: np.ndarray, k: int, explore: int | None
) -> list[dict[str, Any]]:
    """Return the `k` books that are ranked first among `rows` of the release, as JSON values.

    Of equal scores the book of more readers comes first: all of them are, for a reader of whom nothing is known.
    """
    known, books = asked.known(reader), asked.release.books
    chosen = rows[np.lexsort((-books.n_readers[rows], -asked.scores(known, rows, explore)))[:k]]
    read = asked.read_next(known, chosen)
    liked = asked.liked(reader, chosen) if RATING in asked.tasks and len(chosen) else None
    return [
        {
            "rank": i + 1,
            "will_read": read_record(read, i),
            "rating": None if liked is None else liked_record(liked, i, least_told(asked.release)),
            "n_readers": int(books.n_readers[row]),
            **{name: books.columns[name][row] for name in TEXT_COLUMNS},
            "year": books.year[row],
        }
        for i, row in enumerate(chosen.tolist())
    ]


def note_of(reader: AskedReader) -> str | None:
    """Return in words that nothing is known of what a reader read; None where something is."""
    if len(reader.rows):
        return None
    return (
        "nothing is known of what this reader read: no book of the release is among it, so that the list says what "
        "everybody reads, and nothing of this reader"
    )


def _flat(record: dict[str, Any]) -> dict[str, Any]:
    read, rating = record["will_read"], record["rating"] or {}
    low, high = rating.get("sets", {}).get("90", (None, None))
    flat = {"p_read": read["p"], "p_low": read["low"], "p_high": read["high"], "rating": rating.get("mean")}
    parts = {part: rating.get(part) for part in ("of_book", "of_reader")}
    return {**record, **flat, "low90": low, "high90": high, **parts}


def _print(asked: Asked, reader: AskedReader, records: list[dict[str, Any]], by: str, filters: list[str]) -> None:
    who = f"a reader ({len(reader.rows):,} books of the release read, {len(reader.rated.rows):,} rated)"
    among = f"; {', '.join(filters)}" if filters else ""
    heading = f"For {who}, release {asked.release.id}{among}\nRanked by {_in_words(by)}."
    if not records:
        sys.stdout.write("no book is left\n")
        return
    shown = [_shown(record) for record in records]
    without = {} if RATING in asked.tasks else {"liked", "why"}
    write_table(heading, shown, {key: name for key, name in _COLUMNS.items() if key not in without})
    if (note := note_of(reader)) is not None:
        sys.stdout.write(f"{note}.\n")
    times = asked.reading.sampling.p_hidden / (1 - asked.reading.sampling.p_hidden)
    sys.stdout.write(f"read next: chance to be among as many further books as {times:.2g} times those read.\n")
    if RATING in asked.tasks:
        sys.stdout.write(
            "rating: expected, and where it lies 9 times in 10. unsure: share of that doubt that more ratings by this "
            "reader would take away.\n"
        )
    elif (why := asked.why_not(RATING)) is not None:
        sys.stdout.write(f"rating: not predicted. {why}\n")


def _in_words(by: str) -> str:
    if by == "it":
        return "the chance to be read next"
    if by.startswith("one draw"):
        return f"{by}: one opinion out of those that fit what is known; another seed is another opinion"
    return f"{by}: the chance to be read next, beside it, ranks no better by more than chance"


def _shown(record: dict[str, Any]) -> dict[str, Any]:
    shown = {**record, "read": f"{100 * record['will_read']['p']:.2g} %"}
    if (rating := record["rating"]) is not None:
        low, high = rating["sets"]["90"]
        shown |= {"liked": f"{rating['mean']:.1f} ({low:g} to {high:g})", "why": percent(rating["of_reader"])}
    return shown
