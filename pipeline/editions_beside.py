"""The editions of one work side by side: who reads which, and what each is near that the others are not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from data.corpus import Corpus
from data.errors import AmbiguousTitle, UnknownBook
from data.release import Books, Release
from pipeline.disclosure import is_told, least_told
from pipeline.lookup import N_LISTED, find_books, suggest
from pipeline.query import Neighbours, nearest
from pipeline.why import Place, place_in, readers_of

N_NEAR = 5  # books of other works listed beside each edition
N_LOOKED_AT = 20  # books near the other editions, among which a book is not its own


@dataclass(frozen=True)
class Edition:
    """One edition of a work.

    Attributes
    ----------
    row
        Of the book in the release.
    share
        Its share of the readers of all editions, somebody who read two counting twice (so that nothing follows from
        it about the few who did).
    n_shared
        Of its readers, those who read the other edition too; None where that is not told (`pipeline.disclosure`), and
        unless there are two editions: of more, what is not told of two would follow from sums and differences.
    similarity, place
        To the most read edition, and where this one stands in that one's list; None of itself.
    near
        What it is near among other works.
    only_here
        Of each book in `near`, whether it is among the nearest `N_LOOKED_AT` of no other edition.
    """

    row: int
    share: float
    n_shared: int | None
    similarity: float | None
    place: Place | None
    near: Neighbours
    only_here: tuple[bool, ...]


@dataclass(frozen=True)
class Editions:
    """The editions of a work, most read first."""

    work: str
    editions: tuple[Edition, ...]
    min_readers: int  # who must have read both of two editions, and of each only the one, for it to be told


def find_work(books: Books, text: str) -> int:
    """Return the row of the most read book that `text` names, if all that it names are editions of one work.

    Raises
    ------
    AmbiguousTitle
        If they are several works; lists the most read book of each.
    UnknownBook
        If there is none; suggests the closest titles.
    """
    rows = sorted(find_books(books, text), key=lambda row: (-int(books.n_readers[row]), row))
    if not rows:
        raise UnknownBook(text, suggest(books, text))
    first = {_work(books, row): row for row in reversed(rows)}
    if len(first) > 1:
        listed = sorted(first.values(), key=rows.index)
        raise AmbiguousTitle(text, [books.describe(row) for row in listed[:N_LISTED]], len(listed))
    return rows[0]


def editions_beside(release: Release, corpus: Corpus, row: int) -> Editions:
    """Return the editions of the work that the book in `row` is of, with what tells them apart."""
    books, least = release.books, least_told(release)
    work = _work(books, row)
    rows = sorted(
        (i for i in range(len(books)) if _work(books, i) == work), key=lambda i: (-int(books.n_readers[i]), i)
    )
    n_shared, near = _shared(corpus, rows, least), _near(release, rows)
    n_readings = int(books.n_readers[rows].sum())
    editions = [
        Edition(
            i,
            int(books.n_readers[i]) / n_readings,
            n_shared,
            None if i == rows[0] else float(release.vectors[i] @ release.vectors[rows[0]]),
            None if i == rows[0] else place_in(release, rows[0], i),
            *beside,
        )
        for i, beside in zip(rows, near, strict=True)
    ]
    return Editions(work, tuple(editions), least)


def _work(books: Books, row: int) -> str:
    """The work of a book; one without is a work of its own."""
    return books.columns["work"][row] or books.columns["book"][row]


def _shared(corpus: Corpus, rows: Sequence[int], min_readers: int) -> int | None:
    """Return how many read both of two editions, None where that is not told or there are not two."""
    if len(rows) != 2:
        return None
    one, other = (readers_of(corpus, row) for row in rows)
    n_shared = len(np.intersect1d(one, other, assume_unique=True))
    return n_shared if is_told(n_shared, len(one), len(other), min_readers) else None


def _near(release: Release, rows: Sequence[int]) -> list[tuple[Neighbours, tuple[bool, ...]]]:
    """Return what each edition is near among other works, and whether no other edition is."""
    others = np.ones(len(release.books), bool)
    others[list(rows)] = False
    lists = [nearest(release, row, N_LOOKED_AT, others) for row in rows]
    n_lists = np.bincount(np.concatenate([one.rows for one in lists]), minlength=len(others))
    first = [one.first(N_NEAR) for one in lists]
    return [(near, tuple((n_lists[near.rows] == 1).tolist())) for near in first]
