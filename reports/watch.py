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
    interval
        Start and length of the interval of the similarity; None where it was not measured.
    """

    zero: float
    left: float
    width: float
    chance: float
    interval: tuple[float, float] | None


@dataclass(frozen=True)
class Beside:
    """One row of a card's table.

    Attributes
    ----------
    low, high, p_top
        As in `pipeline.query.Neighbours`; None where they were not measured.
    """

    row: int
    rank: int
    title: str
    details: str
    n_readers: int
    similarity: float
    low: float | None
    high: float | None
    p_top: float | None
    bar: Bar
    is_same_work: bool


@dataclass(frozen=True)
class Card:
    """One book with the books beside it."""

    row: int
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

    @property
    def rows(self) -> list[int]:
        """Rows of the books that have a card."""
        return [card.row for card in self.cards]


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
    low = min((_lowest(side) for both in beside.values() for side in both), default=0.0)
    ranks = np.empty(len(books), np.int64)
    ranks[most_read(books, len(books))] = np.arange(1, len(books) + 1)
    cards = []
    for row, (near, far) in beside.items():
        about = (row, books.columns["title"][row], details(books, row), int(books.n_readers[row]), int(ranks[row]))
        cards.append(Card(*about, *(_beside(books, row, side, low, chance) for side in (near, far))))
    return WatchList(cards, unresolved, bool(settings["watch"]))


def _lowest(side: Neighbours) -> float:
    """The lowest similarity to be drawn, intervals included; at most 0, where the bars begin."""
    drawn = side.similarity if side.low is None else side.low
    return float(drawn.min(initial=0))


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
    work, records = books.columns["work"][row], side.records(books)
    return [
        _line(beside, record, work, low, chance) for beside, record in zip(side.rows.tolist(), records, strict=True)
    ]


def _line(row: int, record: dict[str, Any], work: str, low: float, chance: float) -> Beside:
    made = record["imprint"] or record["publisher"]
    shown = " · ".join(part for part in (record["authors"], "" if made in record["title"] else made) if part)
    return Beside(
        row=row,
        details=shown,
        bar=_bar(record, low, chance),
        is_same_work=bool(work) and record["work"] == work,
        **{name: record[name] for name in ("rank", "title", "n_readers", "similarity", "low", "high", "p_top")},
    )


def _bar(record: dict[str, Any], low: float, chance: float) -> Bar:
    """Scale from `low` (at most 0) to 1, the same for the whole page."""

    def place(at: float) -> float:
        return round(100 * (at - low) / (1 - low), 1)

    zero, value, mark = place(0.0), place(record["similarity"]), place(chance)
    interval = None
    if record["low"] is not None:
        interval = (place(record["low"]), round(place(record["high"]) - place(record["low"]), 1))
    return Bar(zero, min(zero, value), round(abs(value - zero), 1), min(max(mark, 0.0), 100.0), interval)
