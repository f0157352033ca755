"""The rules on two real catalogues: how many works, and how often title and author are wrong."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from data.history import History
from data.progress import Quiet
from data.sources.catalogue import recognise
from data.sources.upload import Upload
from data.store import Store
from data.works.derive import derive_works
from pipeline.ingest import ingest

pytestmark = pytest.mark.realdata
IDS = ("isbn13", "work", "edition")


@pytest.fixture(scope="module")
def books(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    store = Store(tmp_path_factory.mktemp("store"))
    for name in ("goodbooks10k_sample", "bookcrossing"):
        upload = shared / "data" / name
        ingest(store, upload, recognise(Upload.open(upload)), Quiet())
    return History(store.history).latest().books.collect()


def test_two_catalogues_are_joined_and_no_work_swallows_others(books: pl.DataFrame) -> None:
    works = derive_works(books)
    sizes = works.books.group_by("work").len()["len"]
    assert len(books) == 27_384
    assert 24_000 < works.n_works < 24_400
    assert sizes.max() == 11  # editions of Wuthering Heights
    by_rule = dict(works.links["rule"].value_counts().iter_rows())
    assert by_rule["ISBN"] == 681  # of 682 that both have; one is the ISBN of a boxed set
    assert by_rule["title and author"] > 2400


def test_title_and_author_alone_agree_with_goodreads_and_with_isbns(books: pl.DataFrame) -> None:
    """Goodreads' own works and shared ISBNs are the truth that the rule does not see."""
    blind = derive_works(books.with_columns(pl.lit(None, pl.String).alias(name) for name in IDS)).books
    judged = books.join(blind.select("book", pl.col("work").alias("found")), on="book")
    of_goodreads = judged.filter(pl.col("work").is_not_null()).group_by("found").agg(pl.col("work").n_unique())
    assert (of_goodreads["work"] > 1).sum() <= 6  # works joined wrongly, of 10,000
    same_isbn = (
        judged.filter(pl.col("isbn13").is_not_null()).group_by("isbn13").agg(pl.len(), pl.col("found").n_unique())
    )
    same_isbn = same_isbn.filter(pl.col("len") > 1)
    assert (same_isbn["found"] == 1).sum() / len(same_isbn) > 0.8
