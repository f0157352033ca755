"""goodbooks-10k: joined on the right id, titles taken apart, strays rejected."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from data.errors import BadFile
from data.sources.base import Options
from data.sources.goodbooks10k import Goodbooks10k
from data.sources.upload import Upload
from tests.data.sources.parsing import parse

HEADER = "book_id,goodreads_book_id,work_id,isbn,isbn13,authors,original_publication_year,title,language_code\n"
BOOKS = HEADER + (
    '1,2,77,439023483,9.780439e+12,Suzanne Collins,2008.0,"The Hunger Games (The Hunger Games, #1)",eng\n'
    "2,1,78,,,Homer &amp; others,-720.0,The Iliad,\n"
    "3,3,79,439023484,,Nobody,,,eng\n"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "books.csv").write_text(BOOKS)
    (tmp_path / "ratings.csv").write_text("user_id,book_id,rating\n7,1,5\n7,2,\n8,3,4\n8,9,4\n9,1,6\n,1,5\n")
    return tmp_path


def test_known_answer(folder: Path) -> None:
    parsed = parse(Goodbooks10k(), folder)
    assert parsed.readings.rows() == [
        ("7", "1", None, "unknown", 5.0, "read", 1, "ratings.csv", 2),
        ("7", "2", None, "unknown", None, "read", 1, "ratings.csv", 3),
    ]
    assert parsed.rejects.rows() == [
        ("books.csv", 4, "no title", "title", None),
        ("ratings.csv", 4, "book is not in books.csv", "book", "3"),
        ("ratings.csv", 5, "book is not in books.csv", "book", "9"),
        ("ratings.csv", 6, "rating is outside 1 to 5", "rating", "6"),
        ("ratings.csv", 7, "no reader", "reader", None),
    ]
    assert (parsed.n_rows, parsed.rating_scale, parsed.encoding) == (6, (1, 5), "utf-8")
    games, iliad = parsed.books.to_dicts()
    assert games["title"] == "The Hunger Games (The Hunger Games, #1)"
    assert (games["series"], games["volume"], games["year"]) == ("The Hunger Games", 1.0, 2008)
    assert (games["isbn13"], games["format"]) == ("9780439023481", "unknown")
    assert (games["work"], games["edition"]) == ("goodreads:77", "goodreads:2")
    assert (iliad["authors"], iliad["year"], iliad["language"]) == ("Homer & others", -720, None)


def test_what_readers_want_to_read_is_a_wish(folder: Path) -> None:
    (folder / "to_read.csv").write_text("user_id,book_id\n7,2\n7,3\n")
    parsed = parse(Goodbooks10k(), folder)
    assert parsed.n_rows == 8
    wishes = parsed.readings.filter(pl.col("file") == "to_read.csv")
    assert wishes.select("reader", "book", "status", "rating", "line").rows() == [("7", "2", "wish", None, 2)]
    assert parsed.rejects.rows()[-1] == ("to_read.csv", 3, "book is not in books.csv", "book", "3")
    assert Goodbooks10k().recognises(Upload.open(folder))
    (folder / "to_read.csv").write_text("user,book\n7,2\n")
    with pytest.raises(BadFile, match="to_read"):
        parse(Goodbooks10k(), folder)


def test_recognised_by_content(folder: Path) -> None:
    source = Goodbooks10k()
    assert source.recognises(Upload.open(folder))
    assert source.recognises(Upload.open(folder / "ratings.csv"))  # with the books beside it
    (folder / "books.csv").write_text("id,book_id,title\n1,2,t\n")
    assert not source.recognises(Upload.open(folder))
    with pytest.raises(BadFile, match="goodreads_book_id"):  # the copy with renamed ids
        parse(source, folder)


def test_which_file_of_ratings(folder: Path) -> None:
    source = Goodbooks10k()
    (folder / "ratings_more.csv").write_text("x")
    assert source.files(Upload.open(folder), Options())[1].name == "ratings.csv"
    (folder / "ratings.csv").rename(folder / "ratings_less.csv")
    with pytest.raises(BadFile, match=r"ratings_less\.csv, .*ratings_more\.csv"):
        source.files(Upload.open(folder), Options())
    (folder / "ratings_more.csv").unlink()
    assert source.files(Upload.open(folder), Options())[1].name == "ratings_less.csv"


@pytest.mark.realdata
def test_real_data(shared: Path) -> None:
    parsed = parse(Goodbooks10k(), shared / "data" / "goodbooks10k_sample")
    readings = parsed.readings
    assert (readings.height, parsed.n_rows, parsed.rejects.height) == (298_176, 298_176, 0)
    assert (readings["reader"].n_unique(), readings["book"].n_unique()) == (2_672, 9_990)
    assert parsed.books.height == 10_000
    assert parsed.books["language"].null_count() == 1_084
    assert parsed.books.filter(pl.col("year") < 0).height == 31
    top = readings.group_by("book").len().sort("len", descending=True).join(parsed.books, on="book")
    assert top.select("title", "len").row(0) == ("The Hunger Games (The Hunger Games, #1)", 1_138)
