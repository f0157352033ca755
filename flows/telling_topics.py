"""The command `topics`: which topics a release has, those of a book, those of a reader. Loads numpy and a release.

Only the topics of a reader need more: the history and the model, which the caller loads (`OfReader`).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from data.errors import WagahaiError
from data.release import Release
from data.store import Store
from data.topics import NOT_TOLD, Topics
from flows.answers import percent
from flows.reading import open_store, row_of
from flows.tables import write_csv, write_json, write_table
from pipeline.lookup import find_book
from pipeline.topic_names import base_title, topic_names

_N_REMINDING = 3  # typical books that remind of what a topic is, beside its name
LEAST = 0.01  # topics of a book or reader with a smaller share are left out of a table
_LISTED = {
    "topic": "topic", "share": "share", "n_main": "readers", "npmi": "coherence", "stability": "stable",
    "name": "name", "books": "most typical books",
}  # fmt: skip
_OF = {"topic": "topic", "share": "share", "name": "name", "books": "most typical books"}
_CSV = (
    "model",
    "topic",
    "name",
    "share",
    "n_main",
    "npmi",
    "stability",
    "rank",
    "book",
    "title",
    "authors",
    "p",
    "lift",
)
_CSV_OF = ("model", "topic", "name", "share", "low", "high")


@dataclass(frozen=True)
class Shares:
    """The topics of a reader.

    Attributes
    ----------
    share
        float64 (n_topics,), expected share of each.
    low, high
        float64 (n_topics,), between which it lies with probability `level`.
    n_books
        Books it was worked out from.
    """

    share: np.ndarray
    low: np.ndarray
    high: np.ndarray
    level: float
    n_books: int


OfReader: TypeAlias = Callable[[Store, Release, str, str, str | None], Shares]


def topics(chosen: argparse.Namespace, of_reader: OfReader) -> int:
    """Print the topics of a release, of a book or of a reader."""
    if sum(named is not None for named in (chosen.title, chosen.book, chosen.reader)) > 1:
        raise WagahaiError("name one book, by a title or with --book ID, or a reader with --reader ID")
    if chosen.namespace is not None and chosen.reader is None:
        raise WagahaiError("--namespace is of a reader: name one with --reader ID")
    store = open_store(chosen.store)
    release = Release.open(store, chosen.release)
    kind = chosen.model or default_model(release)
    found = release.topics(kind)
    if chosen.reader is not None:
        shares = of_reader(store, release, kind, chosen.reader, chosen.namespace)
        _print_shares(chosen, release, found, _of_reader(shares))
    elif chosen.title is not None or chosen.book is not None:
        by_id = chosen.book is not None
        row = row_of(release.books, chosen.book) if by_id else find_book(release.books, chosen.title)
        _print_shares(chosen, release, found, _of_book(release, found, row))
    else:
        _print_topics(chosen, release, found)
    return 0


def default_model(release: Release) -> str:
    """Return the model that is trusted to say which topics there are; the first where none is.

    Raises
    ------
    WagahaiError
        If the release was made without topics.
    """
    if not release.topic_models:
        raise WagahaiError(f"release {release.id} was made without topics; name some in topics.models of the profile")
    return release.topic_quality["verdict"]["read"] or release.topic_models[0]


# ---- the topics of a release ------------------------------------------------------------------


def topic_records(release: Release, topics: Topics, n: int) -> list[dict[str, Any]]:
    """Return one dict per topic, the largest first: name, size, how far to trust it, and its most typical books."""
    names = topic_names(release.books, topics)
    records = []
    for k in np.argsort(-topics.shares, kind="stable").tolist():
        n_main = int(topics.n_main[k])
        records.append(
            {
                "model": topics.kind,
                "topic": k + 1,
                "name": names[k],
                "share": round(float(topics.shares[k]), 4),
                "n_main": None if n_main == NOT_TOLD else n_main,
                "npmi": round(float(topics.npmi[k]), 4),
                "stability": round(float(topics.stability[k]), 4) if len(topics.stability) else None,
                "books": _book_records(release, topics, k, n),
            }
        )
    return records


def _book_records(release: Release, topics: Topics, topic: int, n: int) -> list[dict[str, Any]]:
    rows = topics.most_typical(topic, n)
    lift, columns = topics.lift(topic, rows), release.books.columns
    return [
        {
            "rank": i + 1,
            "p": float(topics.p[topic, row]),
            "lift": round(float(lift[i]), 2),
            "n_readers": int(release.books.n_readers[row]),
            **{name: columns[name][row] for name in ("book", "title", "authors")},
        }
        for i, row in enumerate(rows.tolist())
    ]


def _print_topics(chosen: argparse.Namespace, release: Release, topics: Topics) -> None:
    records, told = topic_records(release, topics, chosen.n), release.topic_quality["verdict"]
    if chosen.format == "json":
        write_json({"release": release.id, "model": topics.kind, "verdict": told, "topics": records})
    elif chosen.format == "csv":
        write_csv([{**record, **book} for record in records for book in record["books"]], _CSV)
    else:
        said = [
            {
                **record,
                "share": percent(record["share"]),
                "stability": None if record["stability"] is None else percent(record["stability"]),
                "n_main": "not told" if record["n_main"] is None else record["n_main"],
                "books": _in_words(release, topics, record["topic"] - 1, chosen.n),
            }
            for record in records
        ]
        write_table(f"Topics of {topics.kind}, release {release.id}", said, _LISTED)
        sys.stdout.write(
            "share: of the readings, as the model weighs them. readers: whose main topic it is. coherence: NPMI of the "
            "ten most typical books, 1 always read together, 0 by chance. stable: how much of them returns when it is "
            "learned again from resampled readers.\n"
            f"{told['to_read']}\n"
        )


def _in_words(release: Release, topics: Topics, topic: int, n: int) -> str:
    return " · ".join(base_title(release.books, row) for row in topics.most_typical(topic, n).tolist())


# ---- the topics of a book or of a reader ------------------------------------------------------


@dataclass(frozen=True)
class Asked:
    """A book or a reader of whom topics are told: how it is called, as JSON, and the topics."""

    called: str
    record: dict[str, Any]
    share: np.ndarray
    of_reader: Shares | None = None


def _of_book(release: Release, topics: Topics, row: int) -> Asked:
    book, title = (release.books.columns[name][row] for name in ("book", "title"))
    return Asked(title, {"book": book, "title": title}, topics.profile(row))


def _of_reader(found: Shares) -> Asked:
    called = f"a reader ({found.n_books:,} books of the release read)"
    return Asked(called, {"n_books": found.n_books}, found.share, found)


def share_records(release: Release, topics: Topics, asked: Asked) -> list[dict[str, Any]]:
    """Return one dict per topic, the largest share first; `low` and `high` are None of a book."""
    names, of_reader = topic_names(release.books, topics), asked.of_reader
    return [
        {
            "model": topics.kind,
            "topic": k + 1,
            "name": names[k],
            "share": round(float(asked.share[k]), 4),
            "low": None if of_reader is None else round(float(of_reader.low[k]), 4),
            "high": None if of_reader is None else round(float(of_reader.high[k]), 4),
        }
        for k in np.argsort(-asked.share, kind="stable").tolist()
    ]


def _print_shares(chosen: argparse.Namespace, release: Release, topics: Topics, asked: Asked) -> None:
    records = share_records(release, topics, asked)
    level = None if asked.of_reader is None else asked.of_reader.level
    if chosen.format == "json":
        of = {"book" if level is None else "reader": asked.record}
        write_json({"release": release.id, "model": topics.kind, "asked": of, "level": level, "topics": records})
    elif chosen.format == "csv":
        write_csv(records, _CSV_OF)
    else:
        said = [
            {
                **record,
                "share": _with_interval(record),
                "books": _in_words(release, topics, record["topic"] - 1, min(chosen.n, _N_REMINDING)),
            }
            for record in records
            if record["share"] >= LEAST
        ]
        write_table(f"Topics of {asked.called}, model {topics.kind}, release {release.id}", said, _OF)
        sys.stdout.write(_meaning(level))


def _meaning(level: float | None) -> str:
    if level is None:
        return "share: of the readings of this book, by the model.\n"
    return (
        f"share: of what the reader reads; in brackets the model's {100 * level:.0f} % interval, given these books and "
        "its topics. Of readers drawn from known topics 8 shares in 10 lie in theirs: topics are learned too.\n"
    )


def _with_interval(record: dict[str, Any]) -> str:
    share = percent(record["share"])
    if record["low"] is None:
        return share
    return f"{share} ({percent(record['low']).strip()} to {percent(record['high']).strip()})"
