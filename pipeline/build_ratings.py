"""From a pinned history to ratings over the vocabularies of a corpus: one scale, one rating a reader and book."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import polars as pl

from data.artifact import made_by, read_json
from data.corpus import Corpus
from data.digest import digest_of
from data.errors import WagahaiError
from data.history import ReadingHistory
from data.ratings import FORMAT as RATINGS_FORMAT
from data.ratings import KIND, Ratings
from data.store import Store
from data.works.table import Works
from pipeline.build_corpus import AUTHORS_FORMAT, author_of_books, corpus_digest
from pipeline.config import AUTHOR, EDITION, WORK
from pipeline.make_works import make_works

FORMAT = 1  # of these rules
MIN_RATINGS = 500  # fewer, and there is nothing to learn and to judge by
MAX_LEVELS = 25  # more, and a rating is a number, not one of a few


class NoRatings(WagahaiError):
    """There are no ratings to learn from; says why."""


@dataclass(frozen=True)
class Account:
    """What became of the ratings of a corpus's readings.

    Attributes
    ----------
    low, high
        The scale: the one that most ratings are on.
    n_kept
        Ratings, one a reader and book.
    n_other_scale
        Left out: on another scale, or on none.
    n_repeated
        Ratings by one reader of further editions of a work, or of further books of an author.
    """

    low: float
    high: float
    n_kept: int
    n_other_scale: int
    n_repeated: int


def make_ratings(store: Store, history: ReadingHistory, corpus: Path) -> tuple[Path, bool]:
    """Return the folder of the ratings of the readings of a corpus, and whether they had to be gathered.

    The artifact's settings are their `Account`.

    Raises
    ------
    NoRatings
        As `build_ratings` does; then nothing is made.
    """
    unit = str(read_json(corpus / "manifest.json")["config"].get("unit", EDITION))
    works = make_works(store, history)[0] if unit == WORK else None
    rules = f"authors {AUTHORS_FORMAT}" if unit == AUTHOR else works.name if works else None
    data = {"corpus": corpus_digest(corpus), "history": history.digest}
    digest = digest_of([KIND, RATINGS_FORMAT, FORMAT, data, unit, rules])

    def make(folder: Path) -> None:
        opened = Corpus.load(corpus)
        ratings, account = build_ratings(history, opened, unit, Works.load(works) if works else None)
        ratings.save(folder, asdict(account), opened.books.digest, {"data": data, "made_by": made_by()})

    return store.get_or_make(KIND, digest, make)


def build_ratings(
    history: ReadingHistory, corpus: Corpus, unit: str = EDITION, works: Works | None = None
) -> tuple[Ratings, Account]:
    """Return the ratings of the readings of a corpus, and what became of the others.

    Only ratings of what was read count, as in the corpus: who dropped a book has rated another thing. Of several
    scales the one that most ratings are on is taken (of equally common ones, the one with the lower end, then the
    shorter): points of another scale are other words, and nobody knows how to translate them. The levels are those that
    its ratings use, so that half stars are levels where they are given. Of several ratings by one reader of a work's
    editions, or of an author's books, the median stands (the lower one of two): it needs no dates, and one odd
    edition does not decide.

    Parameters
    ----------
    unit
        What a book of the corpus is: an edition, a work (then `works` are needed) or an author.

    Raises
    ------
    NoRatings
        If there are fewer than `MIN_RATINGS`, only one level, or more than `MAX_LEVELS`.
    """
    rated = _of_units(_rated(history), history, unit, works)
    rows = rated.join(_numbered(_units_of(corpus, unit, works), "unit", "column"), on="unit").join(
        _numbered(list(corpus.readers.ids), "reader", "row"), on="reader"
    )
    on_scale, low, high = _most_used_scale(rows)
    once = on_scale.group_by("row", "column").agg(pl.col("rating").quantile(0.5, "lower")).sort("row", "column")
    account = Account(low, high, len(once), len(rows) - len(on_scale), len(on_scale) - len(once))
    levels = once["rating"].unique().sort().to_numpy().astype(np.float32)
    _refuse_few(account, len(levels))
    ratings = Ratings(
        once["row"].to_numpy().astype(np.int32),
        once["column"].to_numpy().astype(np.int32),
        once["rating"].to_numpy().astype(np.float32),
        levels,
        corpus.n_readers,
        corpus.n_books,
    )
    return ratings, account


def account_of(ratings: Path) -> Account:
    """Return what became of the ratings in an artifact that `make_ratings` made."""
    found: Mapping[str, float] = read_json(ratings / "manifest.json")["config"]
    return Account(**found)  # type: ignore[arg-type]  # written by us from an Account


def _rated(history: ReadingHistory) -> pl.DataFrame:
    """Return `reader, book, rating, rating_min, rating_max` of what was read and rated."""
    columns = ("reader", "book", "rating", "rating_min", "rating_max")
    rated = history.readings.filter((pl.col("status") == "read") & pl.col("rating").is_not_null())
    return rated.select(columns).collect()


def _of_units(rated: pl.DataFrame, history: ReadingHistory, unit: str, works: Works | None) -> pl.DataFrame:
    """Return the ratings with the `unit` each is of; a book without author is of none."""
    if unit == AUTHOR:
        return rated.join(author_of_books(history), on="book").rename({"author": "unit"})
    if unit == WORK:
        assert works is not None
        return rated.with_columns(works.of(rated["book"]).alias("unit"))
    return rated.with_columns(pl.col("book").alias("unit"))


def _units_of(corpus: Corpus, unit: str, works: Works | None) -> list[str]:
    """Return the unit of every book of the corpus: a work goes by its most read edition there."""
    ids = pl.Series(corpus.books.ids, dtype=pl.String)
    return (works.of(ids) if unit == WORK and works is not None else ids).to_list()


def _numbered(ids: list[str], name: str, number: str) -> pl.DataFrame:
    return pl.DataFrame({name: ids}, schema={name: pl.String}).with_row_index(number)


def _most_used_scale(rows: pl.DataFrame) -> tuple[pl.DataFrame, float, float]:
    """Return the rows on the scale that most are on, and its ends."""
    ends = ["rating_min", "rating_max"]
    scales = rows.drop_nulls(ends).group_by(ends).len().sort("len", *ends, descending=[True, False, False])
    if scales.is_empty():
        raise NoRatings("the readings have no ratings")
    low, high = (float(scales[end][0]) for end in ends)
    return rows.filter((pl.col("rating_min") == low) & (pl.col("rating_max") == high)), low, high


def _refuse_few(account: Account, n_levels: int) -> None:
    scale = f"{account.low:g} to {account.high:g}"
    if account.n_kept < MIN_RATINGS:
        raise NoRatings(f"{account.n_kept:,} ratings from {scale}: it takes {MIN_RATINGS:,} to learn from and to judge")
    if n_levels < 2:
        raise NoRatings(f"all {account.n_kept:,} ratings from {scale} are the same: there is nothing to predict")
    if n_levels > MAX_LEVELS:
        raise NoRatings(f"ratings from {scale} have {n_levels} levels: it takes at most {MAX_LEVELS}")
