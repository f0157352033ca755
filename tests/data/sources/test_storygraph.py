"""StoryGraph's export, with the header as the service writes it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from data.errors import BadConfig, BadFile
from data.sources.base import Options
from data.sources.catalogue import recognise
from data.sources.storygraph import StoryGraph
from data.sources.upload import Upload
from tests.data.sources.parsing import parse, text_of

HEADER = (
    "Title,Authors,Contributors,ISBN/UID,Format,Read Status,Date Added,Last Date Read,Dates Read,Read Count,Moods,Pace,"
    "Character- or Plot-Driven?,Strong Character Development?,Loveable Characters?,Diverse Characters?,"
    "Flawed Characters?,Star Rating,Review,Content Warnings,Content Warning Description,Tags,Owned?\n"
)


def row(title: str, isbn: str, status: str, last: str = "", dates: str = "", count: str = "", stars: str = "") -> str:
    said = f"dark,fast,,,,,,{stars},secret,,,my tag,No"
    return f'{title},Le Guin,,{isbn},,{status},2021/05/10,{last},"{dates}",{count},{said}\n'


def write(path: Path, *rows: str) -> Path:
    path.write_text(HEADER + "".join(rows), encoding="utf-8")
    return path


def test_statuses_dates_counts_and_stars(tmp_path: Path) -> None:
    path = write(
        tmp_path / "ann.csv",
        row("Read", "9780520227354", "read", "2022/03/04", "2021/01/05-2021/01/10, 2022/03/01-2022/03/04", "2", "4.25"),
        row("Wish", "9780374538651", "to-read", count="0"),
        row("Reading", "9780140449136", "currently-reading", dates="2021/01/05-", stars="0.0"),
        row("Paused", "9780141439518", "paused"),
        row("Dropped", "9780141439587", "did-not-finish", stars="0.5"),
        row("Owned", "9780142437209", ""),
    )
    parsed = parse(StoryGraph(), path)
    assert parsed.readings.rows() == [
        ("ann", "9780520227354", dt.date(2022, 3, 4), "day", 4.25, "read", 2, "ann.csv", 2),
        ("ann", "9780374538651", None, "unknown", None, "wish", 1, "ann.csv", 3),
        ("ann", "9780140449136", None, "unknown", None, "reading", 1, "ann.csv", 4),
        ("ann", "9780141439518", None, "unknown", None, "reading", 1, "ann.csv", 5),
        ("ann", "9780141439587", None, "unknown", 0.5, "dropped", 1, "ann.csv", 6),
        ("ann", "9780142437209", None, "unknown", None, "wish", 1, "ann.csv", 7),
    ]
    assert parsed.rejects.is_empty()
    assert (parsed.n_rows, parsed.rating_scale) == (6, (0.25, 5.0))
    assert "secret" not in text_of(parsed)
    assert "my tag" not in text_of(parsed)


@pytest.mark.parametrize(
    ("last", "dates", "count", "expected"),
    [
        ("2022", "", "1", (dt.date(2022, 1, 1), "year", 1)),
        ("", "2021/01/05-2021/01/10, 2022/03", "1", (dt.date(2022, 3, 1), "month", 2)),
        ("", "2022/03/01-2022/03/04, 2021/01", "5", (dt.date(2022, 3, 4), "day", 5)),
        ("", "2023/01/02-2023/01/20, 2023/09/01-", "", (dt.date(2023, 1, 20), "day", 1)),
        ("", "2024-02-12-2024-02-20", "", (dt.date(2024, 2, 20), "day", 1)),
        ("", "", "0", (None, "unknown", 1)),
    ],
)
def test_the_date_is_the_last_end(
    tmp_path: Path, last: str, dates: str, count: str, expected: tuple[dt.date | None, str, int]
) -> None:
    path = write(tmp_path / "a.csv", row("T", "", "read", last, dates, count))
    found = parse(StoryGraph(), path).readings
    assert found.select("read_on", "read_on_precision", "n_times").rows() == [expected]


def test_what_cannot_be_read_is_rejected_with_its_line(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.csv",
        row("T", "", "read", dates="last spring"),
        row("T", "", "read", count="often"),
        row("T", "", "read", stars="5.25"),
        row("T", "", "burnt"),
        row("", "", "read"),
        "Dune, Part Two,Frank Herbert,,,,read\n",
    )
    parsed = parse(StoryGraph(), path)
    assert parsed.readings.is_empty()
    assert parsed.rejects.rows() == [
        ("a.csv", 2, "date cannot be read", "read_on", "last spring"),
        ("a.csv", 3, "number of times cannot be read", "n_times", "often"),
        ("a.csv", 4, "rating is outside 0.25 to 5", "rating", "5.25"),
        ("a.csv", 5, "status is not known", "status", "burnt"),
        ("a.csv", 6, "no book", "book", None),
        ("a.csv", 7, "wrong number of fields", None, "7 fields, expected 23"),
    ]
    assert parsed.n_rows == 6


def test_books_go_by_isbn_then_uid_then_title(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.csv",
        row("With ISBN", "0374538654", "read"),
        row("With UID", "7d1f-e5a0", "read"),
        row("With ASIN", "B012345671", "read"),
        row("Café &amp; Co", "", "read"),
    )
    parsed = parse(StoryGraph(), path)
    assert parsed.books.select("book", "title", "authors", "isbn13", "edition").rows() == [
        ("9780374538651", "With ISBN", "Le Guin", "9780374538651", None),
        ("7d1f-e5a0", "With UID", "Le Guin", None, "storygraph:7d1f-e5a0"),
        ("asin:B012345671", "With ASIN", "Le Guin", None, "asin:B012345671"),
        ("cafeco|guin le", "Café & Co", "Le Guin", None, None),
    ]
    assert parsed.readings["book"].to_list() == parsed.books["book"].to_list()


def test_several_exports_are_several_readers(tmp_path: Path) -> None:
    (tmp_path / "friends").mkdir()
    write(tmp_path / "ann.csv", row("T", "", "read"))
    write(tmp_path / "friends" / "bob.csv", row("T", "", "read"))
    (tmp_path / "notes.csv").write_text("Title,Authors\nx,y\n")
    assert recognise(Upload.open(tmp_path)).name == "storygraph"
    parsed = parse(StoryGraph(), tmp_path)
    assert parsed.readings["reader"].to_list() == ["ann", "friends/bob"]
    assert parsed.books["title"].to_list() == ["T"]  # described by the first, not by each
    with pytest.raises(BadConfig, match="exports of 2 readers"):
        parse(StoryGraph(), tmp_path, Options(reader="me"))
    assert parse(StoryGraph(), tmp_path / "ann.csv", Options(reader="me")).readings["reader"].to_list() == ["me"]


def test_other_tables_are_not_its_own(tmp_path: Path) -> None:
    path = tmp_path / "goodreads_library_export.csv"
    path.write_text("Book Id,Title,Author,ISBN,Exclusive Shelf\n1,T,A,,read\n")
    assert not StoryGraph().recognises(Upload.open(path))
    with pytest.raises(BadFile, match="Read Status"):
        parse(StoryGraph(), path)
    (tmp_path / "notes.csv").write_text("Title,Authors\nx,y\n")
    with pytest.raises(BadFile, match="no such file"):
        StoryGraph().files(Upload.open(tmp_path), Options())
    (tmp_path / "binary.csv").write_bytes(bytes(range(256)))
    assert not StoryGraph().recognises(Upload.open(tmp_path / "binary.csv"))


def test_an_export_without_books_is_empty(tmp_path: Path) -> None:
    assert parse(StoryGraph(), write(tmp_path / "a.csv")).readings.is_empty()
