"""From a pinned history to a corpus: units, thresholds, vocabularies, arrays."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
import polars as pl

from data.artifact import made_by, read_json
from data.authors import first_author_key
from data.corpus import FORMAT as CORPUS_FORMAT
from data.corpus import KIND, NO_DATE, Corpus, binary_rows
from data.digest import digest_of
from data.errors import EmptyCorpus
from data.history import ReadingHistory
from data.schema import PRECISIONS
from data.store import Store
from data.vocabulary import Vocabulary
from data.works.table import Works
from pipeline.config import AUTHOR, WORK, CorpusConfig
from pipeline.make_works import make_works

AUTHOR_PREFIX = "author:"
AUTHORS_FORMAT = 1  # raise it when the same texts would make other authors
_AUTHOR_KEYS = {"authors": pl.String, "key": pl.String}


def make_corpus(store: Store, history: ReadingHistory, config: CorpusConfig) -> tuple[Path, bool]:
    """Return the folder of the corpus of a history, and whether it had to be built."""
    works = make_works(store, history)[0] if config.unit == WORK else None
    rules = f"authors {AUTHORS_FORMAT}" if config.unit == AUTHOR else works.name if works else None
    digest = digest_of([CORPUS_FORMAT, history.digest, asdict(config), rules])
    provenance: dict[str, object] = {"history_version": history.version, "history_digest": history.digest}
    provenance["works"] = works.name if works else None

    def make(folder: Path) -> None:
        corpus = build_corpus(history, config, Works.load(works) if works else None)
        corpus.save(folder, asdict(config), {**provenance, "made_by": made_by()})

    return store.get_or_make(KIND, digest, make)


def corpus_digest(folder: Path) -> str:
    """Return the digest of a saved corpus's content without opening its arrays."""
    return str(read_json(folder / "manifest.json")["provenance"]["digest"])


def build_corpus(history: ReadingHistory, config: CorpusConfig, works: Works | None = None) -> Corpus:
    """Return the corpus of a history: of its works if they are given, else of its authors or editions.

    A reader who read several editions of a work read it once: when, is the best known date, and of two as well
    known the earlier. A work goes by the id of its most read edition (of several, the smallest). So with authors:
    the books of the corpus are then first authors, by the id ``author:`` and their folded name (`data.authors`), and
    a book that names no author is left out.

    Only status ``read`` counts. Books with fewer than `config.min_readers` readers and readers with
    fewer than `config.min_books` books are left out, again and again until both hold. Readers are
    ordered by their first row in the history, books by id; the books of a reader by date, undated ones
    after dated ones, then by their place in the history.

    Raises
    ------
    EmptyCorpus
        If nothing is left.
    """
    rows = _rows(history)
    read = rows.filter(pl.col("status") == "read")
    if works is not None:
        read = _by_work(read, works)
    elif config.unit == AUTHOR:
        read = _by_author(read, history)
    kept = _above_thresholds(read, config)
    if kept.is_empty():
        raise EmptyCorpus(
            f"no reading is left with at least {config.min_readers} readers a book and {config.min_books} books a "
            "reader; lower corpus.min_readers or corpus.min_books, or ingest more"
        )
    first_rows = rows.sort("nth_batch", "position").unique("reader", keep="first")
    readers = first_rows.join(kept, on="reader", how="semi").sort("nth_batch", "position")
    books = kept["book"].unique().sort()
    ordered = (
        kept.join(readers.with_row_index("row").select("reader", "row"), on="reader")
        .join(pl.DataFrame({"book": books}).with_row_index("column"), on="book")
        .sort("row", pl.col("read_on").is_null(), "read_on", "nth_batch", "position")
    )
    row, column = ordered["row"].to_numpy().astype(np.int64), ordered["column"].to_numpy().astype(np.int32)
    # a month or a year orders a reader's books, but is no day: it would put a December book before a cut in June
    day_known = pl.when(pl.col("read_on_precision") == "day").then(pl.col("read_on").cast(pl.Int32))
    days = ordered.select(day_known.fill_null(NO_DATE)).to_series().to_numpy().astype(np.int32)
    counts = binary_rows(row, column, (len(readers), len(books)))
    tokens = _tokens(readers, history)
    return Corpus(Vocabulary.of(readers["reader"]), Vocabulary.of(books), counts, column, days, tokens)


def _rows(history: ReadingHistory) -> pl.DataFrame:
    order = history.batches.select("batch").with_row_index("nth_batch")
    columns = ("reader", "book", "read_on", "read_on_precision", "status", "batch", "position")
    return history.readings.select(columns).collect().join(order, on="batch").drop("batch")


def _by_work(read: pl.DataFrame, works: Works) -> pl.DataFrame:
    """Return one row per reader and work, its book being the work's most read edition."""
    editions = read["book"].value_counts(name="n_readers")
    editions = editions.with_columns(works.of(editions["book"])).sort("n_readers", "book", descending=[True, False])
    named = editions.with_columns(pl.col("book").first().over("work").alias("most_read"))
    return _read_once(
        read.join(named.select("book", "most_read"), on="book").drop("book").rename({"most_read": "book"})
    )


def _by_author(read: pl.DataFrame, history: ReadingHistory) -> pl.DataFrame:
    """Return one row per reader and first author, its book being the author's id."""
    return _read_once(read.join(author_of_books(history), on="book").drop("book").rename({"author": "book"}))


def author_of_books(history: ReadingHistory) -> pl.DataFrame:
    """Return `book` and `author`, the id of its first author, of every book that names one."""
    books = history.books.select("book", "authors").filter(pl.col("authors").is_not_null()).collect()
    texts = books["authors"].unique().to_list()
    keys = pl.DataFrame({"authors": texts, "key": [first_author_key(text) for text in texts]}, schema=_AUTHOR_KEYS)
    named = books.join(keys.filter(pl.col("key") != ""), on="authors")
    return named.select("book", pl.concat_str(pl.lit(AUTHOR_PREFIX), "key").alias("author"))


def _read_once(rows: pl.DataFrame) -> pl.DataFrame:
    """Return one row per reader and book: the place of the first, the best known date (else the earlier)."""
    precision = pl.col("read_on_precision").replace_strict(PRECISIONS, range(len(PRECISIONS)), return_dtype=pl.Int8)
    pair, place, date = ["reader", "book"], ["nth_batch", "position"], ["read_on", "read_on_precision"]
    best_known = rows.sort(precision, "read_on", *place, nulls_last=True).unique(
        pair, keep="first", maintain_order=True
    )
    first = rows.sort(place).unique(pair, keep="first", maintain_order=True)
    return first.drop(date).join(best_known.select(*pair, *date), on=pair)


def _above_thresholds(rows: pl.DataFrame, config: CorpusConfig) -> pl.DataFrame:
    """Drop rare books and light readers until none is left (each drop may make another)."""
    while True:
        before = len(rows)
        rows = rows.filter(pl.len().over("book") >= config.min_readers)
        rows = rows.filter(pl.len().over("reader") >= config.min_books)
        if len(rows) == before:
            return rows


def _tokens(readers: pl.DataFrame, history: ReadingHistory) -> np.ndarray:
    """Number each reader by batch and position of the first row, kept or not: two readers never share one."""
    batches = np.array([int(batch, 16) for batch in history.batches["batch"]], dtype=np.uint64)
    tokens: np.ndarray = batches[readers["nth_batch"].to_numpy()] + readers["position"].to_numpy().astype(np.uint64)
    return tokens
