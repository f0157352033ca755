"""LibraryThing's exports: tab-separated text with the header as the service writes it, and JSON."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from data.errors import BadConfig, BadFile
from data.sources.base import Options
from data.sources.catalogue import recognise
from data.sources.librarything import LibraryThing
from data.sources.upload import Upload
from tests.data.sources.parsing import parse, text_of

COLUMNS = (
    "Book Id|Title|Sort Character|Primary Author|Primary Author Role|Secondary Author|Secondary Author Roles|"
    "Publication|Date|Review|Rating|Comment|Private Comment|Summary|Media|Physical Description|Weight|Height|Thickness|"
    "Length|Dimensions|Page Count|LCCN|Acquired|Date Started|Date Read|Barcode|BCID|Tags|Collections|Languages|"
    "Original Languages|LC Classification|ISBN|ISBNs|Subjects|Dewey Decimal|Dewey Wording|Other Call Number|Copies|"
    "Source|Entry Date|From Where|OCLC|Work id|Lending Patron|Lending Status|Lending Start|Lending End"
)
HEADER = COLUMNS.split("|")


def write(path: Path, *books: dict[str, str], encoding: str = "utf-8") -> Path:
    lines = ["\t".join(HEADER), *("\t".join(book.get(name, "") for name in HEADER) for book in books)]
    path.write_text("\n".join(lines) + "\n", encoding=encoding)
    return path


def book(title: str, **cells: str) -> dict[str, str]:
    named = {name.replace("_", " "): cell for name, cell in cells.items()}
    return {"Book Id": "5498194", "Title": title, "Collections": "Your library", "Entry Date": "[2006-08-09]"} | named


def statuses(tmp_path: Path, *books: dict[str, str]) -> list[str]:
    return parse(LibraryThing(), write(tmp_path / "a.tsv", *books)).readings["status"].to_list()


MARELLE = book(
    "Marelle",
    Primary_Author="Cortázar, Julio",
    Secondary_Author="Guille-Bataillon, Laure|Rosset, Françoise",
    Publication="Gallimard (1979), Poche",
    Date="1979",
    Review="secret",
    Rating="4.5",
    Private_Comment="secret",
    Media="Paperback",
    Date_Started="[2007-04-16]",
    Date_Read="[2007-05-08]",
    Languages="French",
    ISBN="[2070291340]",
    ISBNs="2070291340, 9782070291342",
    Work_id="57814",
    Tags="secret",
    From_Where="secret",
)


@pytest.mark.parametrize(("encoding", "reported"), [("utf-8", "utf-8"), ("utf-16", "utf-16"), ("latin-1", "latin-1")])
def test_a_book_in_full(tmp_path: Path, encoding: str, reported: str) -> None:
    path = write(tmp_path / "librarything_ann.tsv", MARELLE, encoding=encoding)
    assert recognise(Upload.open(path)).name == "librarything"
    parsed = parse(LibraryThing(), path)
    assert parsed.readings.rows() == [
        ("librarything_ann", "9782070291342", dt.date(2007, 5, 8), "day", 4.5, "read", 1, "librarything_ann.tsv", 2)
    ]
    assert parsed.books.rows() == [
        (
            "9782070291342",
            "Marelle",
            "Cortázar, Julio; Guille-Bataillon, Laure; Rosset, Françoise",
            "Gallimard",
            None,
            "paperback",
            1979,
            "French",
            "9782070291342",
            "librarything:57814",
            None,
            None,
            None,
        )
    ]
    assert (parsed.encoding, parsed.rating_scale, parsed.n_rows) == (reported, (0.5, 5.0), 1)
    assert "secret" not in text_of(parsed)


def test_no_unread_book_is_a_reading(tmp_path: Path) -> None:
    assert (
        statuses(
            tmp_path,
            book("owned"),
            book("wanted", Collections="Wishlist"),
            book("to read", Collections="Your library, To read"),
            book("to read, yet rated", Collections="Your library, To read", Rating="3"),
            book("of a collection of their own", Collections="Books I read about"),
            book("not rated", Rating="0"),
            book("reviewed by others", Review="good"),
        )
        == ["wish"] * 7
    )


def test_evidence_of_reading(tmp_path: Path) -> None:
    assert (
        statuses(
            tmp_path,
            book("dated", Date_Read="[2007]"),
            book("borrowed", Collections="Read but unowned"),
            book("rated", Rating=".5"),
            book("rated, and wanted", Collections="Wishlist", Rating="5"),
            book("dated, though to read again", Collections="To read|Favorites", Date_Read="[2007-05]"),
            book("read again", Collections="Currently reading", Date_Read="[2007-05-08]", Date_Started="[2024-01-01]"),
        )
        == ["read"] * 6
    )


def test_books_begun_and_given_up(tmp_path: Path) -> None:
    assert statuses(
        tmp_path,
        book("now", Collections="Your library, Currently reading", Rating="4"),
        book("begun", Date_Started="[2007-04-16]"),
        book("given up", Collections="Your library, Did not finish", Date_Read="[2007-04-16]", Rating="1"),
    ) == ["reading", "reading", "dropped"]


def test_dirty_rows(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.tsv",
        book("Day unknown", Date_Read="[2007-13-08]"),
        book("Too good", Rating="11"),
        book(""),
        {"Book Id": "cut short"},
        book('"Exterminate All the Brutes": One Man\'s Odyssey', Rating="5"),
        book('A 9" Disk', Rating="5"),
        book("&#1058;&#1080;&#1093;&#1080;&#1081; &amp; &#1044;&#1086;&#1085;", Rating="5"),
    )
    with path.open("a") as file:
        file.write("5498194\ttoo\tfew\n")
    parsed = parse(LibraryThing(), path)
    assert parsed.books["title"].to_list() == [
        "Day unknown",
        "Too good",
        "Exterminate All the Brutes: One Man's Odyssey",
        'A 9" Disk',
        "Тихий & Дон",
    ]
    assert parsed.readings["line"].to_list() == [6, 7, 8]
    assert parsed.rejects.rows() == [
        ("a.tsv", 2, "no such date", "read_on", "2007-13-08"),
        ("a.tsv", 3, "rating is outside 0.5 to 5", "rating", "11"),
        ("a.tsv", 4, "no book", "book", None),
        ("a.tsv", 5, "no book", "book", None),
        ("a.tsv", 9, "wrong number of fields", None, "3 fields, expected 49"),
    ]


SAGA: dict[str, Any] = {
    "books_id": "105446547",
    "title": "Saga, Vol. 2",
    "primaryauthor": "Vaughan, Brian K.",
    "authors": [{"lf": "Vaughan, Brian K.", "fl": "Brian K. Vaughan"}, {"lf": "Staples, Fiona", "role": "Illustrator"}],
    "tags": ["secret"],
    "collections_idA": [1],
    "collections": ["Your library", "Read but unowned"],
    "originalisbn": "1607066920",
    "isbn": {"0": "1607066920", "2": "9781607066927"},
    "publication": "Image Comics (2013), Edition: 0, Paperback, 144 pages",
    "date": "2013",
    "language": ["English"],
    "language_codeA": ["eng", "xxx"],
    "series": "Saga",
    "workcode": "13335982",
    "format": [{"code": "1.1.1", "text": "Paperback"}],
    "rating": 4.5,
    "review": "secret",
    "datestarted": "2014-01-02",
    "dateread": "2014-01-21",
}
MAGIC: dict[str, Any] = {
    "books_id": "105446525",
    "title": "Magic, Science, and Religion",
    "primaryauthor": "Malinowski, Bronislaw",
    "authors": [{"lf": "Malinowski, Bronislaw", "fl": "Bronislaw Malinowski"}],
    "collections": ["Your library"],
    "originalisbn": "B000K0BNEW",
    "isbn": ["B000K0BNEW"],
    "publication": "Publisher Unknown",
    "date": "?",
    "language_codeA": ["xxx"],
    "lcc": [],
}


def test_json(tmp_path: Path) -> None:
    path = tmp_path / "librarything_bob.json"
    path.write_text(json.dumps({"105446547": SAGA, "105446525": MAGIC}, indent=1), encoding="utf-8")
    assert recognise(Upload.open(path)).name == "librarything"
    parsed = parse(LibraryThing(), path)
    name = "librarything_bob"
    assert parsed.readings.rows() == [
        (name, "9781607066927", dt.date(2014, 1, 21), "day", 4.5, "read", 1, f"{name}.json", 1),
        (name, "asin:B000K0BNEW", None, "unknown", None, "wish", 1, f"{name}.json", 2),
    ]
    assert parsed.books.drop("book", "imprint", "volume").rows() == [
        (
            "Saga, Vol. 2",
            "Vaughan, Brian K.; Staples, Fiona",
            "Image Comics",
            "paperback",
            2013,
            "eng",
            "9781607066927",
            "librarything:13335982",
            None,
            "Saga",
        ),
        (
            "Magic, Science, and Religion",
            "Malinowski, Bronislaw",
            None,
            "unknown",
            None,
            None,
            None,
            None,
            "asin:B000K0BNEW",
            None,
        ),
    ]
    assert "secret" not in text_of(parsed)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"1": {"books_id": "1", "title": ', "no JSON from line 1 on"),
        ("[" * 100_000, "no JSON"),
        ('"books_id"', "JSON without records"),
        ('{"n": 1}', "JSON without records"),
        ('[{"books_id": "1"}]', "columns books_id"),
        ("", "an empty file"),
    ],
)
def test_json_that_is_none(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(text)
    assert not LibraryThing().recognises(Upload.open(path))
    with pytest.raises(BadFile, match=message):
        parse(LibraryThing(), path)


def test_a_record_that_is_none_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps([SAGA, 7, MAGIC]))
    parsed = parse(LibraryThing(), path)
    assert parsed.readings["line"].to_list() == [1, 3]
    assert parsed.rejects.rows() == [("a.json", 2, "record is not a JSON object", None, None)]


def test_several_exports_are_several_readers(tmp_path: Path) -> None:
    write(tmp_path / "ann.tsv", MARELLE)
    (tmp_path / "bob.json").write_text(json.dumps({"105446547": SAGA}))
    parsed = parse(LibraryThing(), tmp_path)
    assert parsed.readings["reader"].to_list() == ["ann", "bob"]
    with pytest.raises(BadConfig, match="exports of 2 readers"):
        parse(LibraryThing(), tmp_path, Options(reader="me"))


def test_the_same_edition_of_two_members_is_one_book(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tsv", MARELLE, MARELLE | {"Book Id": "1", "ISBN": "[9782070291342]", "ISBNs": ""})
    assert parse(LibraryThing(), path).books.height == 1
