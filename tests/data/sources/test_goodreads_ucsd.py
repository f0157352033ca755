"""UCSD Book Graph: JSON and CSV of the same readers agree, wishes stay wishes, companions are found."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from data.errors import BadFile
from data.sources.base import Options
from data.sources.catalogue import recognise
from data.sources.goodreads_ucsd import GoodreadsUcsd
from data.sources.upload import Upload
from tests.data.sources.parsing import parse

SOURCE = GoodreadsUcsd()
ANNA, BEN = "8842281e1d1347389f2ab93d60773d4d", "d3ddb4d6bdbf3bb11f9a4a7e0cf0d0c3"


def interaction(user: str, book: str, **said: Any) -> dict[str, Any]:
    return {
        "user_id": user,
        "book_id": book,
        "review_id": "5cd416f3efc3f944fce4ce2db2290d5e",
        "is_read": True,
        "rating": 5,
        "review_text_incomplete": "secret thoughts",
        "date_added": "Fri Aug 25 13:55:02 -0700 2017",
        "date_updated": "Mon Oct 09 08:55:59 -0700 2017",
        "read_at": "",
        "started_at": "",
    } | said


INTERACTIONS = [
    interaction(ANNA, "24375664", read_at="Sat Oct 07 23:59:59 -0700 2017"),
    interaction(ANNA, "18245960", rating=0, read_at="Wed Jan 01 00:00:00 -0800 0001"),
    interaction(ANNA, "6392944", rating=0, is_read=False),
    interaction(BEN, "22078596", rating=0, is_read=False, started_at="Thu Jul 30 07:44:10 -0700 2009"),
    interaction(BEN, "6644782", is_read=False, started_at="x", read_at="Thu Jul 30 07:44:10 -0700 2009"),
    interaction(BEN, "1", rating=0, read_at=""),
    interaction(BEN, "2", rating=7),
    interaction("", "3"),
    interaction(BEN, "4", is_read="perhaps"),
]
BOOKS: list[dict[str, Any]] = [
    {
        "isbn": "0312853122",
        "isbn13": "9780312853129",
        "series": ["11", "12"],
        "language_code": "--",
        "authors": [{"author_id": "604031", "role": ""}, {"author_id": "9", "role": "Illustrator"}],
        "publisher": "St. Martin&#39;s Press",
        "publication_year": "1984",
        "book_id": "24375664",
        "work_id": "5400751",
        "format": "Paperback",
        "is_ebook": "false",
        "title": "W.C. Fields: A Life on Film",
        "title_without_series": "W.C. Fields: A Life on Film",
        "popular_shelves": [{"count": "3", "name": "to-read"}],
    },
    {
        "isbn": "",
        "isbn13": "",
        "series": ["12"],
        "language_code": "eng",
        "authors": [{"author_id": "9", "role": "Editor"}, {"author_id": "77", "role": "Translator"}],
        "publisher": "",
        "publication_year": "",
        "book_id": "18245960",
        "work_id": "",
        "format": "",
        "is_ebook": "true",
        "title": "三体 (Remembrance of Earth’s Past, #1)",
        "title_without_series": "三体",
    },
    {
        "book_id": "3",
        "title": "",
        "authors": [],
        "work_id": "5",
        "title_without_series": "",
    },
]
AUTHORS = [
    {"average_rating": "3.98", "author_id": "604031", "text_reviews_count": "7", "name": "Ronald J. Fields"},
    {"average_rating": "4.08", "author_id": "9", "text_reviews_count": "7", "name": "Liu Cixin"},
]
SERIES = [{"numworks": "9", "series_id": "11", "title": "Lives", "description": "", "note": ""}]


def review(user: str, book: str) -> dict[str, Any]:
    """A review, which has its text and does not say that the book was read."""
    said = interaction(user, book, review_text="secret thoughts", read_at="Tue Jul 01 00:00:00 -0700 2014")
    return {key: value for key, value in said.items() if key not in ("is_read", "review_text_incomplete")}


def write(path: Path, objects: list[dict[str, Any]], *more: str) -> Path:
    text = "".join(json.dumps(value) + "\n" for value in objects) + "".join(f"{line}\n" for line in more)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "goodreads_interactions_dedup.json.gz", INTERACTIONS, "", '{"user_id": "cut')
    write(tmp_path / "goodreads_books.json.gz", BOOKS)
    write(tmp_path / "goodreads_book_authors.json.gz", AUTHORS)
    write(tmp_path / "goodreads_book_series.json.gz", SERIES)
    write(tmp_path / "goodreads_reviews_dedup.json.gz", [review(ANNA, "9")])
    write(tmp_path / "goodreads_book_works.json.gz", [{"work_id": "5400751", "best_book_id": "1"}])
    return tmp_path


def test_known_answer(folder: Path) -> None:
    name = "goodreads_interactions_dedup.json"
    parsed = parse(SOURCE, folder)
    assert parsed.readings.drop("file").rows() == [
        (ANNA, "24375664", dt.date(2017, 10, 7), "day", 5.0, "read", 1, 1),
        (ANNA, "6392944", None, "unknown", None, "wish", 1, 3),
        (BEN, "22078596", None, "unknown", None, "reading", 1, 4),
        (BEN, "6644782", None, "unknown", 5.0, "wish", 1, 5),
        (BEN, "1", None, "unknown", None, "read", 1, 6),
    ]
    reasons = parsed.rejects.rows()
    assert [row[:2] for row in reasons] == [("goodreads_books.json", 3), *((name, line) for line in (2, 7, 8, 9, 11))]
    assert [row[3] for row in reasons] == ["title", "read_on", "rating", "reader", "is_read", None]
    assert parsed.rejects["found"].to_list()[-3:] == [None, "perhaps", None]
    assert (parsed.n_rows, parsed.rating_scale, parsed.encoding) == (10, (1, 5), "utf-8")


def test_books(folder: Path) -> None:
    fields, cixin = parse(SOURCE, folder).books.to_dicts()
    assert fields == {
        "book": "24375664",
        "title": "W.C. Fields: A Life on Film",
        "authors": "Ronald J. Fields",
        "publisher": "St. Martin's Press",
        "imprint": None,
        "format": "paperback",
        "year": 1984,
        "language": None,
        "isbn13": "9780312853129",
        "work": "goodreads:5400751",
        "edition": "goodreads:24375664",
        "series": "Lives",
        "volume": None,
    }
    assert (cixin["authors"], cixin["series"], cixin["volume"]) == ("Liu Cixin", "Remembrance of Earth’s Past", 1.0)
    assert (cixin["format"], cixin["language"], cixin["work"], cixin["isbn13"]) == ("ebook", "eng", None, None)


def test_the_csv_has_the_readers_and_books_of_the_json(tmp_path: Path) -> None:
    csv = tmp_path / "goodreads_interactions.csv"
    csv.write_text(
        "rating,user_id,book_id,is_read,is_reviewed\n"
        "5,0,948,1,0\n0,0,947,0,0\n0,1,948,1,1\n6,1,947,1,0\n3,7,948,1,0\n3,1,949,1,0\n3,,948,1,0\n3,1,948,2,0\n3,1\n"
    )
    (tmp_path / "book_id_map.csv").write_text("book_id_csv,book_id\n947,12\n948,24375664\n948,13\n")
    (tmp_path / "user_id_map.csv").write_text(f"user_id_csv,user_id\n1,{BEN}\n0,{ANNA}\n")
    write(tmp_path / "goodreads_books.json", BOOKS[:1])
    for path in (tmp_path, csv):
        parsed = parse(SOURCE, path)
        assert parsed.readings.select("reader", "book", "rating", "status", "read_on", "line").rows() == [
            (ANNA, "24375664", 5.0, "read", None, 2),
            (ANNA, "12", None, "wish", None, 3),
            (BEN, "24375664", None, "read", None, 4),
        ]
        assert parsed.rejects.rows() == [
            (csv.name, 5, "rating is outside 1 to 5", "rating", "6"),
            (csv.name, 6, "reader is not in the map of ids", "reader", None),
            (csv.name, 7, "book is not in the map of ids", "book", None),
            (csv.name, 8, "no reader", "reader", None),
            (csv.name, 9, "is_read is neither true nor false", "is_read", "2"),
            (csv.name, 10, "wrong number of fields", None, "2 fields, expected 5"),
        ]
        assert parsed.books["book"].to_list() == ["24375664"]
        assert parsed.n_rows == 9


def test_the_csv_without_maps_keeps_its_numbers_apart(tmp_path: Path) -> None:
    csv = tmp_path / "any name.csv"
    csv.write_text("user_id,book_id,is_read,rating,is_reviewed\n0,948,1,5,0\n")
    assert recognise(Upload.open(csv)).name == SOURCE.name
    assert parse(SOURCE, csv).readings.select("reader", "book").rows() == [("csv-0", "csv-948")]
    write(tmp_path / "goodreads_books.json", BOOKS)
    with pytest.raises(BadFile, match=r"book_id_map\.csv"):
        parse(SOURCE, csv)


def test_reviews_are_readings(tmp_path: Path) -> None:
    path = write(tmp_path / "goodreads_reviews_poetry.json.gz", [review(ANNA, "5")])
    (reading,) = parse(SOURCE, path).readings.rows()
    assert reading[:6] == (ANNA, "5", dt.date(2014, 7, 1), "day", 5.0, "read")


def test_the_older_name_of_is_read(tmp_path: Path) -> None:
    old = interaction(ANNA, "5", isRead=False)
    del old["is_read"]
    path = write(tmp_path / "goodreads_interactions_poetry.json", [old])
    assert parse(SOURCE, path).readings["status"].to_list() == ["wish"]


def names(path: Path) -> list[str]:
    return [file.name for file in SOURCE.files(Upload.open(path), Options())]


def test_a_single_file_finds_its_companions(tmp_path: Path) -> None:
    poetry = write(tmp_path / "goodreads_interactions_poetry.json.gz", INTERACTIONS[:1])
    write(tmp_path / "goodreads_interactions_comics.json.gz", INTERACTIONS[:1])
    assert names(poetry) == ["goodreads_interactions_poetry.json"]
    write(tmp_path / "goodreads_books.json.gz", BOOKS)
    write(tmp_path / "goodreads_books_comics.json.gz", BOOKS)
    write(tmp_path / "goodreads_book_authors.json.gz", AUTHORS)
    assert names(poetry) == ["goodreads_books.json", "goodreads_book_authors.json", poetry.name.removesuffix(".gz")]
    write(tmp_path / "goodreads_books_poetry.json.gz", BOOKS)
    assert names(poetry)[0] == "goodreads_books_poetry.json"
    assert parse(SOURCE, poetry).books["authors"].to_list() == ["Ronald J. Fields", "Liu Cixin"]


def test_what_another_file_has_is_not_read(folder: Path) -> None:
    assert "goodreads_reviews_dedup.json" not in names(folder)
    (folder / "goodreads_interactions_dedup.json.gz").rename(folder / "goodreads_interactions_poetry.json.gz")
    write(folder / "goodreads_reviews_poetry.json", [review(ANNA, "9")])
    assert names(folder)[-2:] == ["goodreads_interactions_poetry.json", "goodreads_reviews_dedup.json"]
    (folder / "goodreads_reviews_dedup.json.gz").unlink()
    assert names(folder)[-2:] == ["goodreads_book_series.json", "goodreads_interactions_poetry.json"]
    write(folder / "goodreads_reviews_comics.json", [review(ANNA, "9")])
    assert names(folder)[-2:] == ["goodreads_interactions_poetry.json", "goodreads_reviews_comics.json"]


def test_a_zip(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    archive = tmp_path_factory.mktemp("zip") / "goodreads.zip"
    with zipfile.ZipFile(archive, "w") as written:
        for path in folder.iterdir():
            written.writestr(f"goodreads/{path.name.removesuffix('.gz')}", gzip.decompress(path.read_bytes()))
    assert parse(SOURCE, archive).readings.drop("file").equals(parse(SOURCE, folder).readings.drop("file"))


def test_recognised_by_its_keys_alone(tmp_path: Path) -> None:
    path = write(tmp_path / "x.json", INTERACTIONS)
    assert recognise(Upload.open(path)).name == SOURCE.name
    for keys in ({"user_id": "1", "book_id": "2", "rating": 3}, {"title": "t", "authors": []}):
        assert not SOURCE.recognises(Upload.open(write(path, [keys])))
    (tmp_path / "goodreads_interactions.csv").write_text("user_id,book_id,rating\n1,2,3\n")
    assert not SOURCE.recognises(Upload.open(tmp_path))
    with pytest.raises(BadFile, match="goodreads_interactions"):
        parse(SOURCE, tmp_path)
