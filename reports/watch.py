"""The watch list: for each book a person asked to see, its nearest and its farthest books."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from data.release import Books, Release
from pipeline.lookup import find_books, suggest
from pipeline.query import Neighbours, farthest, nearest

N_MOST_READ = 12
N_LISTED = 5


@dataclass(frozen=True)
class Bar:
    """Where a similarity is drawn, in per cent of the bar's width.

    Attributes
    ----------
    zero, left, width
        Place of similarity 0, and start and length of the filled part.
    chance
        Place of the similarity that one random pair in a hundred exceeds.
    """

    zero: float
    left: float
    width: float
    chance: float


@dataclass(frozen=True)
class Beside:
    """One row of a card's table."""

    rank: int
    title: str
    details: str
    n_readers: int
    similarity: float
    bar: Bar
    is_same_work: bool


@dataclass(frozen=True)
class Card:
    """One book with the books beside it."""

    title: str
    details: str
    n_readers: int
    popularity_rank: int
    near: Sequence[Beside]
    far: Sequence[Beside]


@dataclass(frozen=True)
class Unresolved:
    """A watched title that names no book, or several.

    Attributes
    ----------
    candidates
        The books it names, most read first, or the titles closest to it.
    n_matches
        Books it names; 0 if it is unknown.
    """

    text: str
    candidates: Sequence[str]
    n_matches: int


@dataclass(frozen=True)
class WatchList:
    """The cards, and the titles for which there is none; `is_chosen` is false where nobody named a title."""

    cards: Sequence[Card]
    unresolved: Sequence[Unresolved]
    is_chosen: bool
    rows: Sequence[int]


def watch_list(release: Release, chance: float) -> WatchList:
    """Return the watch list of a release, as its own settings have it; without titles, its most read books.

    Parameters
    ----------
    chance
        Similarity that one random pair of books in a hundred exceeds, marked in every bar.
    """
    settings, books = release.manifest["settings"]["report"], release.books
    rows, unresolved = _resolve(books, settings["watch"])
    if not settings["watch"]:
        rows = most_read(books, N_MOST_READ)
    n_near, n_far = settings["n_near"], settings["n_far"]
    beside = {row: (nearest(release, row, n_near), farthest(release, row, n_far)) for row in rows}
    low = min((float(side.similarity.min(initial=0)) for both in beside.values() for side in both), default=0.0)
    ranks = np.empty(len(books), np.int64)
    ranks[most_read(books, len(books))] = np.arange(1, len(books) + 1)
    cards = []
    for row, (near, far) in beside.items():
        tables = [_beside(books, row, side, low, chance) for side in (near, far)]
        cards.append(
            Card(books.columns["title"][row], details(books, row), int(books.n_readers[row]), int(ranks[row]), *tables)
        )
    return WatchList(cards, unresolved, bool(settings["watch"]), rows)


def most_read(books: Books, n: int) -> list[int]:
    """Return the rows of the `n` most read books, most read first."""
    order: list[int] = np.argsort(-books.n_readers, kind="stable")[:n].tolist()
    return order


def details(books: Books, row: int) -> str:
    """Return authors, publisher or imprint, and year of a book, as far as they are known."""
    column = books.columns
    imprint, publisher = column["imprint"][row], column["publisher"][row]
    made = f"{imprint} ({publisher})" if imprint and publisher and imprint != publisher else imprint or publisher
    return " · ".join(part for part in (column["authors"][row], made, str(books.year[row] or "")) if part)


def _resolve(books: Books, watch: Sequence[str]) -> tuple[list[int], list[Unresolved]]:
    """Rows of the titles that name one book, each once, and what is to be said about the others."""
    rows: dict[int, None] = {}
    unresolved = []
    for text in watch:
        found = find_books(books, text)
        if len(found) == 1:
            rows[found[0]] = None
            continue
        listed = sorted(found, key=lambda i: (-int(books.n_readers[i]), i))[:N_LISTED]
        candidates = [books.describe(i) for i in listed] if found else suggest(books, text)
        unresolved.append(Unresolved(text, candidates, len(found)))
    return list(rows), unresolved


def _beside(books: Books, row: int, side: Neighbours, low: float, chance: float) -> list[Beside]:
    work = books.columns["work"][row]
    return [_line(record, work, low, chance) for record in side.records(books)]


def _line(record: dict[str, Any], work: str, low: float, chance: float) -> Beside:
    similarity = record["similarity"]
    made = record["imprint"] or record["publisher"]
    shown = " · ".join(part for part in (record["authors"], "" if made in record["title"] else made) if part)
    same_work = bool(work) and record["work"] == work
    bar = _bar(similarity, low, chance)
    return Beside(record["rank"], record["title"], shown, record["n_readers"], similarity, bar, same_work)


def _bar(similarity: float, low: float, chance: float) -> Bar:
    """Scale from `low` (at most 0) to 1, the same for the whole page."""
    zero, value, mark = (round(100 * (at - low) / (1 - low), 1) for at in (0.0, similarity, chance))
    return Bar(zero, min(zero, value), round(abs(value - zero), 1), min(max(mark, 0.0), 100.0))
