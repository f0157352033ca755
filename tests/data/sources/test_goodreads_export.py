"""A reader's Goodreads export: shelves are statuses, wrapped ISBNs are ISBNs, nothing private is kept."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from data.errors import BadConfig, BadFile
from data.sources.base import Options
from data.sources.catalogue import recognise
from data.sources.goodreads_export import NO_SHELF, GoodreadsExport
from data.sources.upload import Upload
from tests.data.sources.parsing import parse

SOURCE = GoodreadsExport()
HEADER = (
    "Book Id,Title,Author,Author l-f,Additional Authors,ISBN,ISBN13,My Rating,Average Rating,Publisher,Binding,"
    "Number of Pages,Year Published,Original Publication Year,Date Read,Date Added,Bookshelves,"
    "Bookshelves with positions,Exclusive Shelf,My Review,Spoiler,Private Notes,Read Count,Owned Copies\n"
)
ROWS = (
    '234225,"Dune (Dune, #1)",Frank Herbert,"Herbert, Frank","Jane Doe, Juan Pérez","=""0441013597""",'
    '"=""9780441013593""",5,4.27,Ace,Mass Market Paperback,604,2005,1965,2024/01/15,2024/01/03,"sci-fi, loved",'
    '"sci-fi (#1)",read,"Secret, with ""quotes""\nand a line",true,Mum\'s copy,3,1\n'
    '4671,The Great Gatsby,F. Scott Fitzgerald,"Fitzgerald, F. Scott",,"=""""","=""""",0,3.93,Scribner,Kindle Edition,'
    "180,2004,1925,,2023/05/02,,,read,,,,0,0\n"
    '5,吾輩は猫である (新潮文庫),夏目 漱石,"漱石, 夏目",,"=""4101010013""","=""""",0,3.9,新潮社,文庫,'
    "610,2003,1905,2020/01/01,2023/05/02,to-read,,to-read,,,,1,0\n"
    "6,Emma,Jane Austen,,,,,0,4,,Audible Audio,,,1815,,2023/05/02,,,currently-reading,,,,1,0\n"
    "7,Ulysses,James Joyce,,,,,1,4,,Hardcover,,,1922,2022/12,2023/05/02,,,did-not-finish,,,,1,0\n"
    "8,Paused,A,,,,,0,4,,ebook,,,,2021/02/03,2023/05/02,,,paused,,,,0,0\n"
    "9,Loved,A,,,,,4,4,,,,,,,2023/05/02,,,favourites-2020,,,,1,0\n"
    "10,Bare,A,,,,,4,4,,,,,,,2023/05/02,,,,,,,1,0\n"
    ",No id,A,,,,,4,4,,,,,,,2023/05/02,,,read,,,,1,0\n"
    "11,,A,,,,,4,4,,,,,,15/01/2024,2023/05/02,,,read,,,,1,0\n"
    "12,Six,A,,,,,6,4,,,,,,,2023/05/02,,,read,,,,1,0\n"
    "13,Often,A,,,,,1,4,,,,,,,2023/05/02,,,read,,,,often,0\n"
    "14,Short,A\n"
)


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_known_answer(tmp_path: Path) -> None:
    path = write(tmp_path / "anna.csv", HEADER + ROWS)
    parsed = parse(SOURCE, path)
    unknown = (None, "unknown")
    assert parsed.readings.drop("file").rows() == [
        ("anna", "234225", dt.date(2024, 1, 15), "day", 5.0, "read", 3, 2),
        ("anna", "4671", *unknown, None, "read", 1, 4),
        ("anna", "5", *unknown, None, "wish", 1, 5),
        ("anna", "6", *unknown, None, "reading", 1, 6),
        ("anna", "7", dt.date(2022, 12, 1), "month", 1.0, "dropped", 1, 7),
        ("anna", "8", *unknown, None, "reading", 1, 8),
    ]
    assert parsed.rejects.drop("file").rows() == [
        (9, "status is not known", "status", "favourites-2020"),
        (10, NO_SHELF, "status", None),
        (11, "no book", "book", None),
        (12, "date cannot be read", "read_on", "15/01/2024"),
        (12, "no title", "title", None),
        (13, "rating is outside 1 to 5", "rating", "6"),
        (14, "number of times cannot be read", "n_times", "often"),
        (15, "wrong number of fields", None, "3 fields, expected 24"),
    ]
    assert (parsed.n_rows, parsed.rating_scale, parsed.encoding) == (13, (1, 5), "utf-8")


def test_books(tmp_path: Path) -> None:
    books = parse(SOURCE, write(tmp_path / "anna.csv", HEADER + ROWS)).books.rows_by_key(
        "book", named=True, unique=True
    )
    assert books["234225"] == {
        "title": "Dune (Dune, #1)",
        "authors": "Frank Herbert; Jane Doe; Juan Pérez",
        "publisher": "Ace",
        "imprint": None,
        "format": "paperback",
        "year": 2005,
        "language": None,
        "isbn13": "9780441013593",
        "work": None,
        "edition": "goodreads:234225",
        "series": "Dune",
        "volume": 1.0,
    }
    cat = books["5"]
    assert (cat["isbn13"], cat["imprint"], cat["format"]) == ("9784101010014", "新潮文庫", "bunko")
    formats = {id_: books[id_]["format"] for id_ in ("4671", "6", "7", "8", "9")}
    assert formats == {"4671": "ebook", "6": "audio", "7": "hardcover", "8": "ebook", "9": "unknown"}
    assert books["4671"]["isbn13"] is None


def test_nothing_private_is_kept(tmp_path: Path) -> None:
    parsed = parse(SOURCE, write(tmp_path / "anna.csv", HEADER + ROWS))
    kept = str([frame.rows() for frame in (parsed.readings, parsed.books, parsed.rejects)])
    assert not [word for word in ("Secret", "Mum", "sci-fi", "loved") if word in kept]


@pytest.mark.parametrize(
    ("shelf", "status"),
    [
        ("DNF", "dropped"),
        ("abandoned", "dropped"),
        ("didn't-finish", "dropped"),
        ("unfinished", "dropped"),
        ("on-hold", "reading"),
        ("Want to Read", "wish"),
        ("tbr", "wish"),
        (" read ", "read"),
    ],
)
def test_shelves_of_known_meaning(tmp_path: Path, shelf: str, status: str) -> None:
    path = write(tmp_path / "a.csv", f'Exclusive Shelf,Title,Book Id\n"{shelf}",T,1\n')
    assert parse(SOURCE, path).readings["status"].to_list() == [status]


def test_few_columns_in_another_order(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "\ufeffExclusive Shelf;Title;ISBN;Book Id\r\nread;Dune;441013597;234225\r\n")
    parsed = parse(SOURCE, path)
    assert parsed.readings.select("reader", "book", "rating", "read_on", "n_times").rows() == [
        ("a", "234225", None, None, 1)
    ]
    assert parsed.books.select("authors", "isbn13").rows() == [(None, "9780441013593")]
    assert parsed.encoding == "utf-8-sig"


def test_a_folder_of_several_readers(tmp_path: Path) -> None:
    row = "1,T,read\n"
    for name in ("anna", "ben"):
        write(tmp_path / name / "goodreads_library_export.csv", "Book Id,Title,Exclusive Shelf\n" + row)
    write(tmp_path / "other.csv", "Book Id,Title\n1,T\n")
    assert recognise(Upload.open(tmp_path)).name == SOURCE.name
    parsed = parse(SOURCE, tmp_path)
    readers = parsed.readings["reader"].to_list()
    assert parsed.books["title"].to_list() == ["T"]
    assert readers == ["anna/goodreads_library_export", "ben/goodreads_library_export"]
    with pytest.raises(BadConfig, match="2 readers"):
        parse(SOURCE, tmp_path, Options(reader="carol"))
    one = tmp_path / "anna" / "goodreads_library_export.csv"
    assert parse(SOURCE, one, Options(reader="carol")).readings["reader"].to_list() == ["carol"]


def test_other_tables_are_not_recognised(tmp_path: Path) -> None:
    path = write(tmp_path / "goodreads_library_export.csv", "Book Id,Title,Shelf\n1,T,read\n")
    assert not SOURCE.recognises(Upload.open(path))
    with pytest.raises(BadFile, match="Exclusive Shelf"):
        parse(SOURCE, path)
