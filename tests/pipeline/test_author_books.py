"""Authors described as books, by hand."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from data.corpus import Corpus
from data.history import History
from data.progress import Quiet
from data.schema import BOOKS
from data.store import KEY_VARIABLE, Store
from pipeline.author_books import author_books
from pipeline.book_columns import books_of
from pipeline.build_corpus import make_corpus
from pipeline.config import CorpusConfig
from pipeline.ingest import ingest
from tests.pipeline.tsv import Tsv

BOOKS_READ = """
B v Dune Herbert,_Frank
B w Dune_Messiah Frank_Herbert
B x Emma Jane_Austen
B z Persuasion JANE_AUSTEN
B s Secrets Nobody,_Ann
B r More Ann_Nobody
B y Beowulf Anonymous
a v
a w
b w
c v
c w
a x
b z
a s
b r
c y
"""


@pytest.fixture
def described(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pl.DataFrame:
    """Two readers met ``Frank Herbert`` and a third too, two ``Herbert, Frank``; all others' names one reader each."""
    monkeypatch.setenv(KEY_VARIABLE, "a key of the tests")
    store = Store(tmp_path / "store")
    (tmp_path / "books.tsv").write_text(BOOKS_READ.strip().replace(" ", "\t").replace("_", " "))
    ingest(store, tmp_path / "books.tsv", Tsv(), Quiet())
    history = History(store.history).latest()
    folder, _ = make_corpus(store, history, CorpusConfig(min_readers=2, min_books=1, unit="author"))
    return author_books(Corpus.load(folder), history)


def test_an_author_goes_by_the_name_most_readers_met(described: pl.DataFrame) -> None:
    rows = {row["book"]: (row["n_readers"], row["title"], row["authors"]) for row in described.iter_rows(named=True)}
    assert rows["author:frank herbert"] == (3, "Frank Herbert", "Frank Herbert")
    assert list(rows) == ["author:ann nobody", "author:austen jane", "author:frank herbert"]


def test_a_name_that_too_few_readers_met_is_not_told(described: pl.DataFrame) -> None:
    # each spelling of Austen was met by one reader, and two must have met what is published
    row = described.row(1, named=True)
    assert (row["n_readers"], row["title"], row["authors"]) == (2, "austen jane", "austen jane")


def test_the_frame_is_that_of_a_releases_books(described: pl.DataFrame) -> None:
    columns = [name for name in BOOKS.dtypes if name not in ("book", "work", "source", "batch")]
    assert described.columns == ["book", "n_readers", *columns, "work"]
    assert {name: described.schema[name] for name in columns} == {name: BOOKS.dtypes[name] for name in columns}
    assert described["work"].to_list() == described["book"].to_list()
    assert set(described["format"]) == {"unknown"}
    unknown = ["publisher", "imprint", "year", "isbn13", "edition", "series", "volume", "language"]
    assert described.select(pl.col(unknown).is_null().all()).row(0) == (True,) * len(unknown)
    assert books_of(described).row("author:frank herbert") == 2
