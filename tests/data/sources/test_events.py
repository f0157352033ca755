"""Any table with a mapping: CSV, JSONL, Parquet, with books beside or within."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from zipfile import ZipFile

import polars as pl
import pytest

from data.errors import BadConfig, BadFile
from data.progress import Quiet
from data.sources import encoding
from data.sources.base import Mapping, Options, Parsed
from data.sources.catalogue import recognise
from data.sources.events import Events, read_mapping
from data.sources.upload import Upload
from tests.data.sources import parsing

READINGS = {"reader": "user", "book": "book", "read_on": "finished", "rating": "stars"}
WITH_BOOKS = Mapping(
    READINGS,
    {
        "book": "id",
        "title": "name",
        "imprint": "label",
        "format": "kind",
        "year": "published",
        "isbn13": "isbn",
    },
    "books.csv",
    (1, 5),
)


def parse(path: Path, mapping: Mapping | None, reader: str | None = None) -> Parsed:
    return parsing.parse(Events(), path, Options(mapping, reader))


def test_books_in_a_second_file(tmp_path: Path) -> None:
    (tmp_path / "books.csv").write_text(
        "id,name,label,kind,published,isbn\n"
        "b1,吾輩は猫である (新潮文庫),,Bunko,2003年6月,9784101010014\n"
        "b2,こころ (新潮文庫),岩波文庫,scroll,0,123; 4101010137\n"
        "b3,,,,,\n"
        "b1,again,,,,\n"
    )
    path = tmp_path / "r.csv"
    path.write_text("user,book,finished,stars\nu,b1,2024年5月,4\nu,b2,,\nu,b3,,\nu,b9,,\nu,b1,x,\n")
    parsed = parse(path, WITH_BOOKS)
    assert parsed.readings.rows() == [
        ("u", "b1", dt.date(2024, 5, 1), "month", 4.0, "read", 1, "r.csv", 2),
        ("u", "b2", None, "unknown", None, "read", 1, "r.csv", 3),
    ]
    assert parsed.rejects.rows() == [
        ("books.csv", 4, "no title", "title", None),
        ("books.csv", 5, "book is described again", "book", "b1"),
        ("r.csv", 4, "book is not in books.csv", "book", "b3"),
        ("r.csv", 5, "book is not in books.csv", "book", "b9"),
        ("r.csv", 6, "date cannot be read", "read_on", "x"),
    ]
    assert parsed.books.select("book", "imprint", "format", "year", "isbn13").rows() == [
        ("b1", "新潮文庫", "bunko", 2003, "9784101010014"),
        ("b2", "岩波文庫", "unknown", None, "9784101010137"),
    ]
    assert parsed.n_rows == 5
    assert parsed.rating_scale == (1, 5)


def test_books_within_take_the_first_text_of_each_column(tmp_path: Path) -> None:
    path = tmp_path / "r.tsv"
    path.write_text("who\tid\tname\tby\nu\tb1\t\t\nv\tb1\tEmma\t\nw\tb1\tEMMA!\tAusten\nw\tb2\t\t\n")
    mapping = Mapping({"reader": "who", "book": "id"}, {"title": "name", "authors": "by"})
    parsed = parse(path, mapping)
    assert parsed.books.select("book", "title", "authors").rows() == [("b1", "Emma", "Austen")]
    assert parsed.readings.height == 4  # a reading stands without a description of its book
    assert parsed.rejects.rows() == [("r.tsv", 5, "no title", "title", None)]
    assert parsed.rating_scale is None


def test_a_book_in_many_parts_is_described_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoding, "BLOCK_BYTES", 16)
    path = tmp_path / "loans.csv"
    row = "u,b{0},{1}\n"
    books = [("1", "Emma"), ("2", ""), ('"""3"""', "Persuasion")]
    later = [("1", "EMMA"), ("2", "Lady Susan"), ("3", "Again")]
    path.write_text("who,id,name\n" + "".join(row.format(*book).replace('b"', '"') for book in books * 5 + later))
    mapping = Mapping({"reader": "who", "book": "id"}, {"title": "name"})
    assert len(list(Events().parse(Upload.open(path), Options(mapping), Quiet()))) > 5
    parsed = parse(path, mapping)
    assert parsed.readings["book"].to_list() == ["b1", "b2", "3"] * 5 + ["b1", "b2", "b3"]
    assert parsed.books.select("book", "title").rows() == [
        ("b1", "Emma"),
        ("3", "Persuasion"),
        ("b2", "Lady Susan"),
        ("b3", "Again"),
    ]
    assert parsed.rejects.select("line", "reason").rows() == [(3, "no title")]  # said once, not in every part


def test_books_without_ids_are_told_apart_by_title_and_author(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text("who,name,by\nu,I am a Cat,Soseki\nv,I AM  A CAT, soseki\nv,I am a Cat,Else\nv,,x\n")
    parsed = parse(path, Mapping({"reader": "who"}, {"title": "name", "authors": "by"}))
    assert parsed.readings["book"].to_list() == ["iamacat|soseki", "iamacat|soseki", "iamacat|else"]
    assert parsed.books["title"].to_list() == ["I am a Cat", "I am a Cat"]
    assert parsed.rejects.select("line", "reason").rows() == [(5, "no book")]


def test_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    lines = [
        json.dumps({"user": 7, "book": "b", "title": "T", "by": ["A", "B"], "stars": 4.5}),
        "{not json: alice}",
        "",
        "[1]",
        json.dumps({"user": "x", "book": "c", "stars": None, "title": "\ud800"}),
    ]
    path.write_text("\n".join(lines))
    mapping = Mapping(
        {"reader": "user", "book": "book", "rating": "stars"},
        {"title": "title", "authors": "by"},
        None,
        (1, 5),
    )
    parsed = parse(path, mapping)
    assert parsed.readings.select("reader", "book", "rating", "line").rows() == [
        ("7", "b", 4.5, 1),
        ("x", "c", None, 5),
    ]
    assert parsed.rejects.rows() == [
        ("r.jsonl", 2, "line is not JSON", None, None),
        ("r.jsonl", 4, "line is not a JSON object", None, None),
    ]
    assert parsed.books["authors"].to_list() == ["A; B", None]
    assert parsed.n_rows == 4


def test_parquet(tmp_path: Path) -> None:
    path = tmp_path / "r.parquet"
    frame = pl.DataFrame(
        {"user": [1, 2], "book": ["a", None], "finished": [dt.datetime(2024, 5, 6, 7)] * 2, "x": [0, 0]}
    )
    frame.write_parquet(path)
    mapping = Mapping({"reader": "user", "book": "book", "read_on": "finished"}, {})
    parsed = parse(path, mapping)
    assert parsed.readings.select("reader", "read_on", "line").rows() == [("1", dt.date(2024, 5, 6), 1)]
    assert parsed.rejects.select("line", "reason").rows() == [(2, "no book")]
    content = path.read_bytes()
    for damaged in (
        b"",
        b"PAR1",
        content[: len(content) // 2],
        content[:-20] + bytes(20),
        b"user,book\n1,2\n",
    ):
        path.write_bytes(damaged)
        with pytest.raises(BadFile, match=r"r\.parquet"):
            parse(path, mapping)


def test_a_mapping_beside_the_file_explains_it(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text("x,y\nu,b\n")
    source = Events()
    assert not source.recognises(Upload.open(path))
    (tmp_path / "mapping.toml").write_text('[readings]\nreader = "x"\nbook = "y"\n')
    assert source.recognises(Upload.open(path))
    assert parse(path, None).readings.height == 1
    (tmp_path / "r.toml").write_text('[readings]\nreader = "y"\nbook = "x"\n')
    assert parse(path, None).readings["reader"].to_list() == ["b"]


def test_a_mapping_in_a_folder_says_which_files_are_what(tmp_path: Path) -> None:
    for year in (2023, 2024):
        (tmp_path / f"{year}.csv").write_text(f"x,y,z\nu,b,{year}-01-02\n")
    (tmp_path / "other.csv").write_text("x,y\n1,2\n")
    (tmp_path / "y.csv").write_text("y,name\nb,Emma\n")
    mapping = tmp_path / "mapping.toml"
    mapping.write_text('[readings]\nreader = "x"\nbook = "y"\n[books]\nfile = "y.csv"\nbook = "y"\ntitle = "name"\n')
    assert Events().recognises(Upload.open(tmp_path))
    with pytest.raises(BadFile, match=r"2023\.csv, 2024\.csv, other\.csv"):
        parse(tmp_path, None)
    mapping.write_text(
        '[readings]\nfile = ["2024.csv", "2023.csv"]\nreader = "x"\nbook = "y"\nread_on = "z"\n'
        '[books]\nfile = "y.csv"\nbook = "y"\ntitle = "name"\n'
    )
    parsed = parse(tmp_path, None)
    assert parsed.readings.select("read_on", "file").rows() == [
        (dt.date(2024, 1, 2), "2024.csv"),
        (dt.date(2023, 1, 2), "2023.csv"),
    ]
    assert parsed.books["title"].to_list() == ["Emma"]


def test_a_mapping_in_or_beside_an_archive(tmp_path: Path) -> None:
    path = tmp_path / "r.zip"
    text = '[readings]\nfile = "a/r.csv"\nreader = "x"\nbook = "y"\n'
    with ZipFile(path, "w") as archive:
        archive.writestr("a/r.csv", "x,y\nu,b\n")
        archive.writestr("a/s.csv", "x,y\nv,c\n")
    (tmp_path / "mapping.toml").write_text(text)
    assert parse(path, None).readings["reader"].to_list() == ["u"]
    with ZipFile(path, "a") as archive:
        archive.writestr("mapping.toml", text.replace("a/r", "a/s"))
    assert parse(path, None).readings["reader"].to_list() == ["v"]


def test_settings_of_dates_and_ratings(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text(
        "u,b,d,e,r\nx,1,4.3.2024,5.3.2024,0\nx,2,13/12/2023 10:00,,0.0\nx,3,12/13/2023,,4\nx,4,,2.1.2024,７\n"
    )
    columns = {"reader": "u", "book": "b", "read_on": "d", "ended_on": "e", "rating": "r"}
    mapping = Mapping(columns, {}, rating_scale=(1, 5), no_rating="0", date_order="dmy")
    parsed = parse(path, mapping)
    assert parsed.readings.select("book", "read_on", "rating").rows() == [
        ("1", dt.date(2024, 3, 4), None),
        ("2", dt.date(2023, 12, 13), None),
    ]
    assert parsed.rejects.select("line", "reason", "found").rows() == [
        (4, "no such date", "2023-13-12"),
        (5, "rating is outside 1 to 5", "７"),
    ]


def test_all_rows_may_be_of_one_reader(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text("b\n1\n2\n")
    mapping = Mapping({"book": "b"}, {})
    assert parse(path, mapping, "ann").readings["reader"].to_list() == ["ann", "ann"]
    with pytest.raises(BadConfig, match="which column is the reader"):
        parse(path, mapping)


def test_missing_files_and_columns(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text("user,book,finished,stars\n")
    with pytest.raises(BadFile, match=r"books\.csv"):
        parse(path, WITH_BOOKS)
    with pytest.raises(BadFile, match="columns user, book, finished, stars"):
        parse(path, Mapping({"reader": "usr", "book": "book"}, {}))
    options = Options(Mapping({"reader": "user", "book": "book"}, {}))
    assert list(Events().parse(Upload.open(path), options, Quiet())) == []  # no rows, no parts


def test_read_mapping(tmp_path: Path) -> None:
    path = tmp_path / "m.toml"
    path.write_text(
        '[readings]\nreader = "user"\nbook = "book"\nrating = "stars"\nrating_scale = [1, 5]\n'
        '[books]\nfile = "books.csv"\nbook = "book"\ntitle = "title"\n'
    )
    assert read_mapping(path) == Mapping(
        {"reader": "user", "book": "book", "rating": "stars"},
        {"book": "book", "title": "title"},
        "books.csv",
        (1.0, 5.0),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[readings]\nreadr = "u"\n', "'readr'; the closest known one is 'reader'"),
        ('[reading]\nreader = "u"\n', "'reading'; the closest known one is 'readings'"),
        ('[readings]\nreader = "u"\nbook = "b"\n[books]\ntitel = "t"\n', "closest known one is 'title'"),
        ('[readings]\nreadr = "r"\nended = "b"\n', "closest known one is 'reader'"),
        ('[readings]\nended = "b"\n', "'ended'; the closest known one is 'ended_on'"),
        ('[readings]\nreader = "u"\n', "which column is the book"),
        ('[readings]\nreader = 3\nbook = "b"\n', "reader = 3, expected the name of a column"),
        ('[readings]\nreader = "u"\nbook = "b"\nrating = "r"\n', "must say rating_scale"),
        ('[readings]\nreader = "u"\nbook = "b"\nrating_scale = [5, 1]\n', r"rating_scale = \[5, 1\]"),
        ('[readings]\nreader = "u"\nbook = "b"\n[books]\nfile = "x.csv"\n', "book and title"),
        ('[readings]\nreader = "u"\nbook = "b"\ndate_order = "ydm"\n', "'ydm', expected one of ymd, dmy, mdy"),
        ('[readings]\nreader = "u"\nbook = "b"\nno_rating = []\n', r"no_rating = \[\], expected"),
        ('[readings]\nreader = "u"\nbook = "b"\nfile = ["a.csv", 3]\n', "file = 3, expected the name of a file"),
        ('[readings]\nreader = "u"\nbook = "b"\nfile = "../a.csv"\n', "a file of the upload"),
        ("readings = 3\n", "must be a table"),
        ("[readings\n", "not TOML"),
    ],
)
def test_bad_mappings(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "m.toml"
    path.write_text(text)
    with pytest.raises(BadConfig, match=message):
        read_mapping(path)


@pytest.mark.realdata
def test_library_loans_need_no_mapping(shared: Path) -> None:
    path = shared / "data" / "unil_library_loans"
    assert recognise(Upload.open(path)).name == "events"
    options = Events().options_for(Upload.open(path), Options())
    assert options.mapping == Mapping(
        {"reader": "u", "book": "i", "read_on": "t"},
        {"book": "i", "title": "Title", "authors": "Author", "publisher": "Publisher", "isbn13": "ISBN Valid"},
        "items.csv",
        readings_files=("interactions_train.csv",),
    )
    parsed = parse(path, options.mapping)
    readings, books = parsed.readings, parsed.books
    assert (readings.height, parsed.n_rows, parsed.n_skipped, parsed.rejects.height) == (87_047, 87_047, 0, 0)
    assert (readings["reader"].n_unique(), readings["book"].n_unique()) == (7_838, 15_109)
    assert readings.select("reader", "book").n_unique() == 64_003
    assert readings["read_on"].min() == dt.date(2023, 1, 2)
    assert readings["read_on"].max() == dt.date(2024, 10, 14)
    assert (readings["read_on"].dt.year() == 2023).sum() == 58_729
    assert books.height == 15_291
    assert not books["title"].str.contains(r"/$|\s[:;=]$").any()  # 97 % of them ended so
    assert books["isbn13"].null_count() == 723 + 20  # no number, and numbers of films and games


@pytest.mark.realdata
def test_a_file_that_a_spreadsheet_damaged(shared: Path) -> None:
    path = shared / "data" / "bookcrossing_excel_mangled" / "BX-Book-Ratings.cyadusha.csv"
    columns = {"reader": "User-ID", "book": "ISBN", "rating": "Book-Rating"}
    parsed = parse(path, Mapping(columns, {}, None, (0, 10)))
    assert parsed.n_rows == 9_005  # of 908,732 lines; the others are blank
    assert parsed.readings.height == 9_000
    assert parsed.readings["book"][0] == "034545104X"
    assert parsed.rejects["line"].to_list()[-1] == 908_732
    assert parsed.rejects["reason"].unique().to_list() == ["no reader"]
