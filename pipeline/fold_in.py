"""New readers and new books in the space of a release, without a refit.

A reader is where their books are: the mean of the books' unit vectors. A book that came after the release is placed
from its readers, and is then ``warm``. The plain mean of its readers will not do: readers of any book are mostly
readers of the bestsellers, and the mean lies among these (of the ten nearest books that a model trained with the book
finds, it finds one). So three things are mended, all from the release alone:

    r_i = unit(sum of the books of reader i)          m = sum_i n_i^a r_i / sum_i n_i^a
    p   = unit(sum_b N_b v_b)                         m' = m - (m . p) p
    G   = sum_b N_b^(1/2) v_b v_b^T, of mean diagonal 1
    v   = unit((G + (c / n) I)^-1 m')

A long list says more surely where its reader is (a = 1/4). What all readers share is taken out (p; N_b: readers of a
book). And directions in which all readers differ much count for less than those in which few do (G): a ridge
regression of who read the book on where its readers are, more cautious the fewer they are (c = 10). For a truncated
SVD of the readings whose columns are scaled by N_b^(-1/4), as `models.spectral` has it, this is nearly the projection
of the new column. Numbers in CHANGELOG.md.

A book with too few readers, and a reader of unknown books, is ``unknown`` and has no vector: a zero vector would be
as near to everything as to nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from data.erasure import FORGET
from data.errors import WagahaiError
from data.history import History, ReadingHistory
from data.pseudonym import pseudonym
from data.release import Release
from data.store import Store
from data.vectors import unit_rows
from data.works.table import Works
from pipeline.build_corpus import author_of_books
from pipeline.config import AUTHOR, EDITION, WORK
from pipeline.explain_works import find_edition
from pipeline.make_works import make_works
from pipeline.refusals import refuse_another_key

KNOWN, WARM, UNKNOWN = "known", "warm", "unknown"
LENGTH_WEIGHT = 0.25  # a
POPULARITY = 0.5  # exponent of N_b in G
CAUTION = 10.0  # c
_SMALLEST = 1e-6  # length of a direction that is rounding


@dataclass(frozen=True)
class Placed:
    """A book or a reader in a space.

    Attributes
    ----------
    vector
        float32 (n_dims,), of length 1; None if unknown.
    state
        ``known`` in the release (of a reader: by their books), ``warm`` placed from its readers, or ``unknown``.
    n
        What it was placed from: readers of a book, books of a reader.
    reason
        Why it is unknown, or from what it was placed; one line.
    row
        Row in the release, of a book that is known.
    """

    vector: np.ndarray | None
    state: str
    n: int
    reason: str
    row: int | None = None


# ---- in a space -------------------------------------------------------------------------


@dataclass(frozen=True)
class Background:
    """What the books of a space have in common.

    Attributes
    ----------
    popular
        float64 (n_dims,), direction of the mean reading.
    spread
        float64 (n_dims, n_dims), how much readings vary, of mean diagonal 1.
    """

    popular: np.ndarray
    spread: np.ndarray

    @classmethod
    def of(cls, vectors: np.ndarray, n_readers: np.ndarray) -> Background:
        """Return the background of unit vectors (n_books, n_dims) and of the readers of each book (n_books,)."""
        popular = n_readers.astype(np.float64) @ vectors
        scaled = vectors * (n_readers[:, None] ** (POPULARITY / 2)).astype(np.float32)
        spread = (scaled.T @ scaled).astype(np.float64)
        return cls(popular / max(float(np.linalg.norm(popular)), _SMALLEST), spread / spread.diagonal().mean())


def place_reader(vectors: np.ndarray, rows: Sequence[int] | np.ndarray) -> Placed:
    """Return where a reader of the books in `rows` is: the direction of the mean of their unit vectors."""
    rows = np.unique(np.asarray(rows, np.int64))
    if not len(rows):
        return Placed(None, UNKNOWN, 0, "none of the reader's books is in the release")
    mean = vectors[rows].mean(axis=0, dtype=np.float64)
    if np.linalg.norm(mean) < _SMALLEST:
        return Placed(None, UNKNOWN, len(rows), f"the reader's {len(rows)} books point in opposite directions")
    return Placed(unit_rows(mean[None])[0], KNOWN, len(rows), f"placed from {len(rows):,} books")


def place_book(
    vectors: np.ndarray, readers: Iterable[np.ndarray], min_readers: int, background: Background, row: int | None = None
) -> Placed:
    """Return where a book is that the release does not have, by its readers.

    Parameters
    ----------
    vectors
        float32 (n_books, n_dims), unit rows.
    readers
        Rows of the books that each reader of the book has read. Readers of no known book do not count.
    min_readers
        Readers below which a book is unknown.
    row
        Row of the book itself, if it has one: it is left out.
    """
    known = [books[books != row] for books in (np.unique(np.asarray(rows, np.int64)) for rows in readers)]
    placed = [(place_reader(vectors, books).vector, len(books)) for books in known]
    at = [(vector, n_books) for vector, n_books in placed if vector is not None]
    if len(at) < (needed := max(min_readers, 1)):
        found = f"{len(at)} of its {len(known)} readers have read a book of the release"
        return Placed(None, UNKNOWN, len(at), f"{found}; it takes {needed}")
    weights = np.array([n_books for _, n_books in at], np.float64) ** LENGTH_WEIGHT
    mean = weights @ np.stack([vector for vector, _ in at]) / weights.sum()
    own = mean - (mean @ background.popular) * background.popular
    if np.linalg.norm(own) < _SMALLEST:
        return Placed(None, UNKNOWN, len(at), f"its {len(at)} readers are as readers of any book")
    direction = np.linalg.solve(background.spread + CAUTION / len(at) * np.eye(len(own)), own)
    return Placed(unit_rows(direction[None])[0], WARM, len(at), f"placed from {len(at):,} readers, not learned")


# ---- from the history -------------------------------------------------------------------


def warm_book(store: Store, release: Release, text: str, space: str | None = None, *, in_full: bool = False) -> Placed:
    """Return where the book is that `text` names in the latest history, by the readers it has there.

    Of a release of works the readers of all editions count. The book of the release itself, if it is one, is known.
    With `in_full`, only an id or a whole title names a book.

    Raises
    ------
    UnknownBook, AmbiguousTitle
        If the history has no such book, or several.
    """
    history = History(store.history).latest()
    works = Works.load(make_works(store, history)[0])
    units = Units(history, works, release)
    asked = units.of(pl.Series([find_edition(history, works, text, in_full=in_full)]))
    vectors = release.space(space)
    if (row := units.rows.get(asked[0] or "")) is not None:
        return Placed(vectors[row], KNOWN, int(release.books.n_readers[row]), "it is in the release", row)
    lists = [] if asked[0] is None else units.lists_of_readers(str(asked[0]))
    min_readers = int(release.manifest["settings"]["corpus"]["min_readers"])
    return place_book(vectors, lists, min_readers, Background.of(vectors, release.books.n_readers))


def reader_books(store: Store, release: Release, raw: str, namespace: str | None = None) -> np.ndarray:
    """Return the rows of the books of a release that a reader of the latest history has read, int64, ascending.

    Parameters and errors are those of `reader_readings`.
    """
    readings = reader_readings(store, release, raw, namespace).filter(pl.col("status") == "read")
    return readings["row"].unique().sort().to_numpy().astype(np.int64)


def reader_readings(store: Store, release: Release, raw: str, namespace: str | None = None) -> pl.DataFrame:
    """Return what a reader of the latest history did with books of a release.

    Parameters
    ----------
    raw
        The reader's id as the source writes it. No message holds it.
    namespace
        Namespace of the source; None: the only one with readings of that id.

    Returns
    -------
    DataFrame
        ``row`` (int64, of the book in the release), ``reader`` (pseudonym), ``status, rating, rating_min, rating_max``;
        a row of the release may occur several times, for several editions of a work or books of an author.

    Raises
    ------
    WagahaiError
        If the history has no such reader, was written with another key, or several namespaces have readings of that id.
    """
    history = History(store.history).latest()
    of_namespaces = _pseudonyms(store, history, raw, namespace)
    columns = ("reader", "status", "rating", "rating_min", "rating_max")
    read = history.readings.filter(pl.col("reader").is_in(list(of_namespaces)))
    found_rows = read.select("book", *columns).collect()
    found = sorted(of_namespaces[one] for one in found_rows["reader"].unique())
    if not found:
        told = ", ".join(of_namespaces.values())
        raise WagahaiError(f"no reader of that id in {told}; give the id as the source writes it")
    if len(found) > 1:
        told = ", ".join(found)
        raise WagahaiError(f"readers of that id are in {told}: they may be other people. Say which with --namespace")
    units = Units(history, _works_of(store, history, release), release)
    row = units.of(found_rows["book"]).replace_strict(units.rows, default=None, return_dtype=pl.Int64).alias("row")
    return found_rows.select(row, *columns).drop_nulls("row")


def _pseudonyms(store: Store, history: ReadingHistory, raw: str, namespace: str | None) -> dict[str, str]:
    """Return pseudonym -> namespace of a raw id, in each namespace of the history or the one that is named."""
    batches = history.batches
    names = list(dict.fromkeys(batches.filter(pl.col("source") != FORGET)["namespace"]))
    if not raw.strip():
        raise WagahaiError("the id is empty; give it as the source writes it")
    if namespace is not None and namespace not in names:
        raise WagahaiError(f"namespace {namespace!r}: the history has {', '.join(names)}")
    key = store.reader_key()
    refuse_another_key(History(store.history), key)
    return {pseudonym(raw, name, key): name for name in ([namespace] if namespace else names)}


def _works_of(store: Store, history: ReadingHistory, release: Release) -> Works | None:
    return Works.load(make_works(store, history)[0]) if _unit(release) == WORK else None


def _unit(release: Release) -> str:
    return str(release.manifest["settings"]["corpus"].get("unit", EDITION))  # of what there was no setting for once


class Units:
    """Books of the history as what a release counts as a book: editions, works or authors.

    Parameters
    ----------
    works
        Works of the history; needed where works are the unit.
    """

    def __init__(self, history: ReadingHistory, works: Works | None, release: Release) -> None:
        self._history, self._works, self._unit = history, works, _unit(release)
        ids = pl.Series(release.books.columns["book"], dtype=pl.String)
        own = works.of(ids) if works is not None and self._unit == WORK else ids
        self.rows = {unit: row for row, unit in enumerate(own)}  # unit -> row in the release

    def of(self, books: pl.Series) -> pl.Series:
        """Return the unit of each book; null for a book without author where authors are the unit."""
        if self._unit == AUTHOR:
            named = pl.DataFrame({"book": books}).join(
                author_of_books(self._history), on="book", how="left", maintain_order="left"
            )
            return named["author"]
        return self._works.of(books) if self._works is not None and self._unit == WORK else books

    def lists_of_readers(self, unit: str) -> list[np.ndarray]:
        """Return the known books of each reader of a unit, in the order of the readers."""
        readings = self._history.readings.filter(pl.col("status") == "read").select("reader", "book")
        books = readings.select(pl.col("book").unique()).collect()["book"]
        of = pl.DataFrame({"book": books, "unit": self.of(books)}, schema={"book": pl.String, "unit": pl.String})
        editions = of.filter(pl.col("unit") == unit)["book"]
        readers = readings.filter(pl.col("book").is_in(editions.implode())).select("reader").unique()
        rows = pl.DataFrame(
            {"unit": list(self.rows), "row": list(self.rows.values())}, schema={"unit": pl.String, "row": pl.Int64}
        )
        theirs = readings.join(readers, on="reader", how="semi").collect().join(of, on="book")
        lists = theirs.join(rows, on="unit", how="left").group_by("reader").agg(pl.col("row").drop_nulls().unique())
        return [np.array(sorted(one), np.int64) for one in lists.sort("reader")["row"]]
