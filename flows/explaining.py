"""Commands that explain: why two books are near, and what tells the editions of a work apart. They read the corpus."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from data.errors import WagahaiError
from data.release import Books, Release
from flows.answers import between, in_words, percent
from flows.reading import open_store, row_of
from flows.tables import write_csv, write_json, write_table
from pipeline.editions_beside import N_LOOKED_AT, N_NEAR, Edition, Editions, editions_beside, find_work
from pipeline.lookup import find_book
from pipeline.shared_topics import MIN_SHARE
from pipeline.why import N_LISTED, Place, Why, open_corpus
from pipeline.why import why as explain

_ALSO = {"lift": "lift", "n_shared": "of them", "n_readers": "readers", "title": "title", "authors": "authors"}
_TOPIC = {
    "model": "model",
    "topic": "topic",
    "share_of_first": "of the first",
    "share_of_second": "of the second",
    "name": "name",
}
_EDITION = {
    "edition": "#",
    "n_readers": "readers",
    "share": "share",
    "format": "format",
    "made_by": "published by",
    "year": "year",
    "shared": "read both",
    "similarity": "similarity",
    "title": "title",
    "book": "id",
}
_NEAR = {
    "edition": "#",
    "similarity": "similarity",
    "only_here": "only here",
    "n_readers": "readers",
    "title": "title",
    "authors": "authors",
}
_CSV_DETAILS = ("imprint", "publisher", "language", "year", "title", "book")


def why(chosen: argparse.Namespace) -> int:
    """Print why two books are near: who reads both, against chance, what else these readers read, shared topics."""
    store = open_store(chosen.store)
    release = Release.open(store, chosen.release)
    books = release.books
    rows = [find_book(books, title) for title in chosen.title] + [row_of(books, book) for book in chosen.book]
    if len(rows) != 2:
        raise WagahaiError(f"name two books: titles in quotes, or --book ID; {len(rows)} named")
    found = explain(release, open_corpus(store, release), *rows)
    if chosen.format == "json":
        write_json({"release": release.id, **_why_as_json(books, rows, found)})
    elif chosen.format == "csv":
        write_csv(_also(books, found), [*_ALSO, "book"])
    else:
        _print_why(release, rows, found)
    return 0


def editions(chosen: argparse.Namespace) -> int:
    """Print the editions of a work side by side, and what each is near."""
    store = open_store(chosen.store)
    release = Release.open(store, chosen.release)
    if len(chosen.title) + len(chosen.book) != 1:
        raise WagahaiError("name one book: a title in quotes, or --book ID")
    row = row_of(release.books, chosen.book[0]) if chosen.book else find_work(release.books, chosen.title[0])
    found = editions_beside(release, open_corpus(store, release), row)
    records = [_edition(release.books, found, i) for i in range(len(found.editions))]
    if chosen.format == "json":
        write_json({"release": release.id, "work": found.work, "editions": records})
    elif chosen.format == "csv":
        names = ("edition", "n_readers", "share", "n_shared", "similarity", "low", "high", "format", *_CSV_DETAILS)
        write_csv(records, names)
    else:
        _print_editions(release, found, records)
    return 0


# ---- why ----------------------------------------------------------------------------------


def _print_why(release: Release, rows: list[int], found: Why) -> None:
    one, other = (release.books.columns["title"][row] for row in rows)
    shared, place = found.shared, found.of_other
    facts = {
        "similarity": between(found.similarity, place.low, place.high),
        f"{other} in the list of {one}": _place(place),
        f"{one} in the list of {other}": _place(found.of_one),
        "readers": " and ".join(f"{int(release.books.n_readers[row]):,}" for row in rows),
        "readers of both": _told(shared.n_shared),
        "expected by chance": f"{shared.n_expected:,.1f}",
        "lift (found over expected)": _told(shared.lift, ",.1f"),
        "Jaccard (both over either)": _told(shared.jaccard, ".3f"),
    }
    lines = [{"what": what, "value": value} for what, value in facts.items()]
    write_table(f"{one} and {other}, release {release.id}", lines, {"what": "what", "value": "how much"})
    if found.also:
        write_table("What readers of both read more than others do", _also(release.books, found), _ALSO)
    else:
        sys.stdout.write(f"No other book is told that their shared readers have read. {_rule(shared.min_readers)}")
    _print_topics(release, found)


def _print_topics(release: Release, found: Why) -> None:
    """Print which topics the books share; nothing of a release that has no topics."""
    least = percent(MIN_SHARE).strip()
    if found.topics:
        shares = ("share_of_first", "share_of_second")
        lines = [{**line, **{name: percent(line[name]) for name in shares}} for line in _topics(found)]
        write_table(f"Topics that have {least} or more of the readings of both", lines, _TOPIC)
    elif release.topic_models:
        sys.stdout.write(f"No topic has {least} or more of the readings of both.\n")


def _place(place: Place) -> str:
    sure = (
        "" if place.p_top is None else f", among the first {N_LISTED} with probability {percent(place.p_top).strip()}"
    )
    return f"rank {place.rank:,}{sure}"


def _told(value: float | None, how: str = ",") -> str:
    return "not told" if value is None else f"{value:{how}}"


def _rule(least: int) -> str:
    return f"How many share books is told where at least {least} do and at least {least} readers of each do not.\n"


def _also(books: Books, found: Why) -> list[dict[str, Any]]:
    return [{"lift": round(also.lift, 2), "n_shared": also.n_shared, **_book(books, also.row)} for also in found.also]


def _book(books: Books, row: int) -> dict[str, Any]:
    named = {name: books.columns[name][row] for name in ("title", "authors", "book")}
    return {"n_readers": int(books.n_readers[row]), **named}


def _why_as_json(books: Books, rows: list[int], found: Why) -> dict[str, Any]:
    return {
        "books": [_book(books, row) for row in rows],
        "similarity": round(found.similarity, 4),
        "low": found.of_other.low,
        "high": found.of_other.high,
        "place_of_second": {"rank": found.of_other.rank, "p_top": found.of_other.p_top},
        "place_of_first": {"rank": found.of_one.rank, "p_top": found.of_one.p_top},
        **vars(found.shared),
        "also": _also(books, found),
        "topics": _topics(found),
    }


def _topics(found: Why) -> list[dict[str, Any]]:
    return [
        {
            "model": shared.model,
            "topic": shared.topic + 1,
            "name": shared.name,
            "share_of_first": round(shared.of_one, 4),
            "share_of_second": round(shared.of_other, 4),
        }
        for shared in found.topics
    ]


# ---- editions -----------------------------------------------------------------------------


def _edition(books: Books, found: Editions, i: int) -> dict[str, Any]:
    edition = found.editions[i]
    details = {name: books.columns[name][edition.row] for name in ("format", "imprint", "publisher", "language")}
    place = edition.place
    return {
        "edition": i + 1,
        **_book(books, edition.row),
        **details,
        "year": books.year[edition.row],
        "share": round(edition.share, 4),
        "n_shared": edition.n_shared,
        "min_readers": found.min_readers,
        "similarity": None if edition.similarity is None else round(edition.similarity, 4),
        "low": place and place.low,
        "high": place and place.high,
        "near": _near(books, edition),
    }


def _near(books: Books, edition: Edition) -> list[dict[str, Any]]:
    records = edition.near.records(books)
    return [{**record, "only_here": only} for record, only in zip(records, edition.only_here, strict=True)]


def _print_editions(release: Release, found: Editions, records: list[dict[str, Any]]) -> None:
    several = len(records) > 1
    counted = f"{len(records):,} editions" if several else "1 edition"
    title = f"{records[0]['title']}: {counted} with enough readers, release {release.id}"
    columns = {name: heading for name, heading in _EDITION.items() if name != "shared" or len(records) == 2}
    write_table(title, [_edition_in_words(record, several=several) for record in records], columns)
    if len(records) == 2 and found.editions[0].n_shared is None:
        sys.stdout.write(_rule(found.min_readers))
    near = [
        {**line, "edition": record["edition"], "only_here": "*" if line["only_here"] and several else ""}
        for record in records
        for line in in_words(record["near"])
    ]
    marked = f"; * among the nearest {N_LOOKED_AT} of no other edition" if several else ""
    write_table(f"The {N_NEAR} nearest books of other works{marked}", near, _NEAR)


def _edition_in_words(record: dict[str, Any], *, several: bool) -> dict[str, Any]:
    is_first = record["similarity"] is None
    return {
        **record,
        "share": percent(record["share"]) if several else "",
        "made_by": record["imprint"] or record["publisher"],
        "shared": _told(record["n_shared"]),
        "similarity": "most read" if is_first else between(record["similarity"], record["low"], record["high"]),
    }
