"""A reader of whom something is asked: what they read and rated by now, and what of it a release has counted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
import scipy.sparse as sp

from data.corpus import Corpus, binary_rows
from data.errors import WagahaiError
from data.history import History
from data.ratings import KIND as RATINGS
from data.ratings import Ratings
from data.release import Release
from data.store import Store
from data.works.table import Works
from pipeline.doubt_config import RATING
from pipeline.explain_works import find_edition
from pipeline.fold_in import Units, reader_readings
from pipeline.make_works import make_works


@dataclass(frozen=True)
class Rated:
    """Ratings of one reader on the scale of a release.

    Attributes
    ----------
    rows
        int64 (n,), rows of the books in the release, ascending.
    values
        float32 (n,), each one of the release's levels.
    """

    rows: np.ndarray
    values: np.ndarray

    @classmethod
    def none(cls) -> Rated:
        """Return no ratings."""
        return cls(np.empty(0, np.int64), np.empty(0, np.float32))

    def as_ratings(self, levels: np.ndarray, n_books: int) -> Ratings:
        """Return them as the ratings of one reader."""
        row = np.zeros(len(self.rows), np.int32)
        return Ratings(row, self.rows.astype(np.int32), self.values, levels, 1, n_books)


@dataclass(frozen=True)
class AskedReader:
    """A reader by the latest history; does not hold their id.

    Attributes
    ----------
    rows
        int64 (n,), rows of the books of the release they read, ascending.
    rated
        How they rated these books, on the release's scale.
    counted
        Those ratings that the release has learned from.
    n_other
        Ratings of these books on another scale, or of a level that the release has not seen.
    """

    rows: np.ndarray
    rated: Rated
    counted: Rated
    n_other: int

    def visible(self, n_books: int) -> sp.csr_matrix:
        """Return the books read as one row, csr float32 (1, n_books)."""
        return binary_rows(np.zeros(len(self.rows), np.int64), self.rows, (1, n_books))


def asked_reader(
    store: Store, release: Release, raw: str, namespace: str | None, levels: np.ndarray, scale: tuple[float, float]
) -> AskedReader:
    """Return a reader of the latest history.

    Parameters
    ----------
    raw, namespace
        As for `pipeline.fold_in.reader_readings`, whose errors are raised.
    levels, scale
        Levels of the release's ratings, float32 (n_levels,), and the ends of its scale; no levels if it has none.

    Raises
    ------
    WagahaiError
        If the ratings that the release has counted are no longer in the store: what the reader contributed to them
        could not be left out of what others think.
    """
    readings = reader_readings(store, release, raw, namespace)
    read = readings.filter(pl.col("status") == "read")
    rows = read["row"].unique().sort().to_numpy().astype(np.int64)
    rated = read.drop_nulls("rating") if len(levels) else read.clear()
    on_scale = rated.filter((pl.col("rating_min") == scale[0]) & (pl.col("rating_max") == scale[1]))
    usual = on_scale.filter(pl.col("rating").is_in(pl.Series(levels, dtype=pl.Float32).implode()))
    once = usual.group_by("row").agg(pl.col("rating").quantile(0.5, "lower")).sort("row")  # as `build_ratings` has it
    ratings = Rated(once["row"].to_numpy().astype(np.int64), once["rating"].to_numpy().astype(np.float32))
    counted = _counted(store, release, readings["reader"].unique().to_list()) if len(levels) else Rated.none()
    return AskedReader(rows, ratings, counted, len(rated) - len(usual))


def _counted(store: Store, release: Release, pseudonyms: list[str]) -> Rated:
    """Return the reader's ratings that the release learned from; WagahaiError if the store no longer has them."""
    of_task = release.manifest["predictors"][RATING]
    corpus = store.artifact("corpus", release.manifest["corpus"]["artifact"])
    ratings = store.artifact(RATINGS, of_task["data"]["ratings"])
    if gone := [name for name, folder in (("corpus", corpus), ("ratings", ratings)) if not folder.is_dir()]:
        raise WagahaiError(
            "how a reader likes books cannot be worked out any more without counting the reader's own ratings: "
            f"{' and '.join(gone)} of release {release.id} are not in {store.root}. Make it anew: wagahai refresh"
        )
    readers = Corpus.load(corpus).readers
    if not pseudonyms or pseudonyms[0] not in readers:
        return Rated.none()
    found = Ratings.load(ratings)
    own = np.flatnonzero(found.reader == readers.index(pseudonyms[0]))
    return Rated(found.book[own].astype(np.int64), found.value[own])


def book_of_history(store: Store, release: Release, text: str) -> tuple[int | None, str, str]:
    """Return the book of the latest history that `text` names: its row in the release, if any, its title and authors.

    It has a row where it is another edition, or another book of an author, that the release has as one.

    Raises
    ------
    UnknownBook, AmbiguousTitle
        If the history has no such book, or several.
    """
    history = History(store.history).latest()
    works = Works.load(make_works(store, history)[0])
    book = find_edition(history, works, text)
    units = Units(history, works, release)
    described = history.books.filter(pl.col("book") == book).select("title", "authors").collect()
    title, authors = described.row(0) if len(described) else (book, None)
    return units.rows.get(units.of(pl.Series([book]))[0] or ""), title, authors or ""
