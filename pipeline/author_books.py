"""Authors as a release holds books: what describes an author when authors are the unit of a corpus."""

from __future__ import annotations

import polars as pl

from data.corpus import Corpus
from data.history import ReadingHistory
from data.schema import BOOKS
from pipeline.build_corpus import AUTHOR_PREFIX, author_of_books


def author_books(corpus: Corpus, history: ReadingHistory) -> pl.DataFrame:
    """Return the authors of a corpus (``corpus.unit = "author"``) as rows of books, in the corpus's order.

    Title and authors are the text that most readers met as the author's name (of several, the smallest), the language
    is that in which most read the author. A text that fewer readers met than any author of the corpus has may
    give away a rare book: where there is no other, the author goes by the folded name in the id.

    Returns
    -------
    DataFrame
        `book` (the author's id), `n_readers`, the columns of the table `books` but source and batch, `work` last and
        the same as `book`; format is ``unknown``; what a single author has none of is null.
    """
    ids = pl.DataFrame({"book": corpus.books.ids, "n_readers": corpus.readers_per_book})
    told = author_of_books(history).join(history.books.select("book", "authors", "language").collect(), on="book")
    read = history.readings.filter(pl.col("status") == "read").select("reader", "book").collect()
    met = read.join(told.rename({"author": "id"}), on="book").drop("book").rename({"id": "book"})
    names = _most_met(met, "authors", int(corpus.readers_per_book.min()))
    described = ids.join(names, on="book", how="left", maintain_order="left").join(
        _most_met(met, "language", 1), on="book", how="left", maintain_order="left"
    )
    folded = pl.col("book").str.strip_prefix(AUTHOR_PREFIX)
    given = described.with_columns(
        pl.coalesce("authors", folded).alias("authors"),
        pl.coalesce("authors", folded).alias("title"),
        pl.lit("unknown").alias("format"),
        pl.col("book").alias("work"),
    )
    columns = [name for name in BOOKS.dtypes if name not in ("book", "work", "source", "batch")]
    missing = [pl.lit(None, BOOKS.dtypes[name]).alias(name) for name in columns if name not in given.columns]
    return given.with_columns(missing).select("book", "n_readers", *columns, "work")


def _most_met(met: pl.DataFrame, column: str, at_least: int) -> pl.DataFrame:
    """Return `book` and the value of `column` that most of its readers met, if `at_least` so many did."""
    counted = met.drop_nulls(column).group_by("book", column).agg(pl.col("reader").n_unique().alias("n"))
    enough = counted.filter(pl.col("n") >= at_least).sort("book", "n", column, descending=[False, True, False])
    return enough.unique("book", keep="first", maintain_order=True).select("book", column)
