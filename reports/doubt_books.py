"""The books a release is most unsure of, apart by the reason: few rated them, or those who did disagree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from data.release import Release
from pipeline.book_doubt import FOLDER, BookDoubt
from pipeline.disclosure import least_told
from pipeline.doubt_config import RATING
from reports.document import count, decimal

N_LISTED = 12


@dataclass(frozen=True)
class Unsure:
    """A line of a list.

    Attributes
    ----------
    n_ratings
        In words: a small number is not told.
    sd
        The part of the doubt that the list is about, in points, as a standard deviation.
    width
        Of its bar, in per cent.
    """

    rank: int
    title: str
    authors: str
    n_readers: int
    n_ratings: str
    sd: str
    width: float


@dataclass(frozen=True)
class UnsureBooks:
    """Books of which more ratings would tell more, and books of which they would not."""

    few: Sequence[Unsure]
    disagree: Sequence[Unsure]
    min_readers: int


def unsure_books(release: Release) -> UnsureBooks | None:
    """Return the books that a release is most unsure of; None where that was not measured.

    A book with fewer readers than may be told is in no list. Of the second list a book needs as many ratings: below,
    it is not known that readers disagree. Of equal doubt the book with more readers comes first.
    """
    folder = release.predictor(RATING) / FOLDER
    if not folder.is_dir():
        return None
    doubt, least = BookDoubt.load(folder, release.manifest["vocabulary"]), least_told(release)
    enough = release.books.n_readers >= least
    few = _lines(release, doubt.of_model + doubt.of_book, enough, doubt.n_ratings, least)
    disagree = _lines(release, doubt.stays, enough & (doubt.n_ratings >= least), doubt.n_ratings, least)
    return UnsureBooks(few, disagree, least)


def _lines(
    release: Release, variance: np.ndarray, listed: np.ndarray, n_ratings: np.ndarray, least: int
) -> list[Unsure]:
    books, rows = release.books, np.flatnonzero(listed)
    sd = np.sqrt(variance.astype(np.float64)).round(2)  # as it is shown: what looks equal counts as equal
    order = rows[np.lexsort((rows, -books.n_readers[rows], -sd[rows]))][:N_LISTED]
    widest = max(float(sd[order].max(initial=0)), 1e-9)
    return [
        Unsure(
            rank,
            books.columns["title"][row],
            books.columns["authors"][row],
            int(books.n_readers[row]),
            _told(int(n_ratings[row]), least),
            f"± {decimal(float(sd[row]), 2)}",
            round(100 * float(sd[row]) / widest, 1),
        )
        for rank, row in enumerate(order.tolist(), start=1)
    ]


def _told(n: int, least: int) -> str:
    """Return a number of ratings in words; a release does not know how many, or whether any, where there are few."""
    return count(n) if n >= least else f"under {least}"
