"""Amazon reviews of three editions: every form gives the same readings, and ids tell columns apart."""

from __future__ import annotations

import datetime as dt
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from data.errors import BadFile
from data.sources.amazon_reviews import AmazonReviews
from data.sources.base import Options
from data.sources.catalogue import recognise
from data.sources.upload import Upload
from tests.data.sources.parsing import parse

SOURCE = AmazonReviews()
ANNA, BEN = "A10000012B7CGYKOMPQ4L", "A2S166WSCFIFP5"
DUNE, KINDLE, PRINTED = "0441013597", "B00B7NPRY8", "000100039X"
OF_2014: list[dict[str, Any]] = [
    {
        "reviewerID": ANNA,
        "asin": PRINTED,
        "reviewerName": "Adam Smith",
        "helpful": [0, 0],
        "reviewText": "Spiritually uplifting!",
        "overall": 5.0,
        "summary": "Wonderful!",
        "unixReviewTime": 1355616000,
        "reviewTime": "12 16, 2012",
    },
    {"reviewerID": BEN, "asin": KINDLE, "overall": 4.0, "reviewTime": "01 5, 2013"},
    {"reviewerID": BEN, "asin": DUNE, "overall": 0.0, "unixReviewTime": 1355616000},
    {"reviewerID": None, "asin": DUNE, "overall": 3.0, "unixReviewTime": 1355616000},
    {"reviewerID": BEN, "asin": DUNE, "overall": 3.0, "unixReviewTime": -1},
]
OF_2018: list[dict[str, Any]] = [
    {
        "overall": "5.0",
        "vote": "2",
        "verified": True,
        "reviewTime": "09 13, 2009",
        "reviewerID": BEN,
        "asin": DUNE,
        "style": {"Format:": " Hardcover"},
        "reviewerName": "Amazon Customer",
        "reviewText": "[sic]",
        "summary": "Five Stars",
        "unixReviewTime": 1252800000,
    }
]
OF_2023: list[dict[str, Any]] = [
    {
        "rating": 5.0,
        "title": "Such a lovely scent",
        "text": "secret",
        "images": [],
        "asin": "B00YQ6X8EO",
        "parent_asin": DUNE,
        "user_id": "AGKHLEW2SOWHNMFQIJGBECAF7INQ",
        "timestamp": 1588687728923,
        "helpful_vote": 0,
        "verified_purchase": True,
    },
    {"rating": 3, "asin": KINDLE, "parent_asin": "", "user_id": BEN, "timestamp": 1588687728},
]


def write(path: Path, objects: list[dict[str, Any]], *more: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    text = "".join(json.dumps(value) + "\n" for value in objects) + "".join(f"{line}\n" for line in more)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def test_2014(tmp_path: Path) -> None:
    path = write(tmp_path / "reviews_Books_5.json.gz", OF_2014, "{'reviewerID': 'x'}")
    parsed = parse(SOURCE, path)
    assert parsed.readings.drop("file").rows() == [
        (ANNA, PRINTED, dt.date(2012, 12, 16), "day", 5.0, "read", 1, 1),
        (BEN, KINDLE, dt.date(2013, 1, 5), "day", 4.0, "read", 1, 2),
    ]
    assert parsed.rejects.drop("file").rows() == [
        (3, "rating is outside 1 to 5", "rating", "0"),
        (4, "no reader", "reader", None),
        (5, "date cannot be read", "read_on", "-1"),
        (6, "line is not JSON", None, None),
    ]
    assert (parsed.n_rows, parsed.rating_scale) == (6, (1, 5))
    assert parsed.books.select("book", "isbn13", "edition").rows() == [
        (PRINTED, "9780001000391", None),
        (KINDLE, None, f"asin:{KINDLE}"),
    ]


def test_2014_as_python_literals(tmp_path: Path) -> None:
    path = tmp_path / "reviews_Books.json"
    path.write_text("".join(f"{value!r}\n" for value in OF_2014[:2]) + "{'reviewerID':\n")
    assert recognise(Upload.open(path)).name == SOURCE.name
    parsed = parse(SOURCE, path)
    assert parsed.readings.equals(parse(SOURCE, write(tmp_path / "x" / path.name, OF_2014[:2])).readings)
    assert parsed.rejects.select("line", "reason").rows() == [(3, "line is not JSON")]


def test_2018(tmp_path: Path) -> None:
    path = write(tmp_path / "Books.json", OF_2018)
    assert parse(SOURCE, path).readings.row(0)[:6] == (BEN, DUNE, dt.date(2009, 9, 13), "day", 5.0, "read")


def test_2023(tmp_path: Path) -> None:
    path = write(tmp_path / "Books.jsonl.gz", OF_2023)
    assert parse(SOURCE, path).readings.select("reader", "book", "read_on", "rating").rows() == [
        (OF_2023[0]["user_id"], DUNE, dt.date(2020, 5, 5), 5.0),
        (BEN, KINDLE, dt.date(2020, 5, 5), 3.0),
    ]


@pytest.mark.parametrize(
    "text",
    [
        f"{ANNA},{DUNE},5.0,1355616000\n{BEN},{KINDLE},3.0,1355616001\n{BEN},{DUNE},2.0\n",  # ratings_Books.csv, 2014
        f"{DUNE},{ANNA},5.0,1355616000\n{KINDLE},{BEN},3.0,1355616001\n{BEN},{DUNE},2.0\n",  # Books.csv, 2018
        f"{ANNA},{DUNE},5,1355616000123\n{BEN},{KINDLE},3,1355616000\n{BEN}\n",
    ],
)
def test_ratings_without_a_header(tmp_path: Path, text: str) -> None:
    path = tmp_path / "some.csv"
    more = 20  # lines, so that one in ten may be broken
    lines = text + "".join(line for line in text.splitlines(keepends=True)[:1] for _ in range(more))
    path.write_text(lines)
    assert recognise(Upload.open(path)).name == SOURCE.name
    parsed = parse(SOURCE, path)
    assert parsed.readings.select("reader", "book", "read_on", "rating", "line").rows()[:3] == [
        (ANNA, DUNE, dt.date(2012, 12, 16), 5.0, 1),
        (BEN, KINDLE, dt.date(2012, 12, 16), 3.0, 2),
        (ANNA, DUNE, dt.date(2012, 12, 16), 5.0, 4),
    ]
    assert parsed.rejects.select("line", "reason").rows() == [(3, "wrong number of fields")]
    assert parsed.books.select("book", "title").rows() == [
        (DUNE, f"(unknown title, id {DUNE})"),
        (KINDLE, f"(unknown title, id {KINDLE})"),
    ]


def test_ratings_of_2023_with_a_header(tmp_path: Path) -> None:
    path = tmp_path / "Books.train.csv"
    path.write_text(f"timestamp,rating,history,parent_asin,user_id\n1588687728923,4.0,a b,{DUNE},{ANNA}\n")
    assert recognise(Upload.open(path)).name == SOURCE.name
    (reading,) = parse(SOURCE, path).readings.rows()
    assert reading[:5] == (ANNA, DUNE, dt.date(2020, 5, 5), "day", 4.0)


def test_a_header_of_2023_is_no_row(tmp_path: Path) -> None:
    path = tmp_path / "Books.csv"
    path.write_text("user_id,parent_asin,rating,timestamp\n" + f"{ANNA},{DUNE},4.0,1588687728923\n" * 20)
    parsed = parse(SOURCE, path)
    assert (parsed.n_rows, parsed.readings.height, parsed.rejects.height) == (20, 20, 0)


@pytest.mark.parametrize(
    "text",
    [
        "1,2,5.0,1355616000\n",
        f"{ANNA},{DUNE},5.0\n",
        f"{ANNA},{DUNE},10,1355616000\n",
        f"{ANNA},{DUNE},5.0,2012\n",
        f"{ANNA},{BEN},5.0,1355616000\n",
        "user,item,rating,timestamp\n1,2,5.0,1355616000\n",
        "",
    ],
)
def test_other_tables_are_not_recognised(tmp_path: Path, text: str) -> None:
    path = tmp_path / "ratings_Books.csv"
    path.write_text(text)
    assert not SOURCE.recognises(Upload.open(path))
    with pytest.raises(BadFile, match="reviewerID"):
        parse(SOURCE, path)


def test_metadata_of_2014_are_python_literals(tmp_path: Path) -> None:
    lines = [
        "{'asin': '0441013597', 'title': \"Frank's \\x22Dune\\x22 \\d\", 'salesRank': {'Books': 1}, 'imUrl': 'http://x',"
        " 'categories': [['Books']], 'brand': ''}",
        "{'asin': 'B00B7NPRY8', 'imUrl': 'http://x'}",
        "{'asin': __import__('os').getcwd(), 'title': 'x'}",
        "{'asin': 'x', " + "(" * 5000,
        "{('a', 'b'): 1, 'asin': 'y'}",
    ]
    path = write(tmp_path / "reviews_Books_5.json.gz", OF_2014[:2])
    write(tmp_path / "meta_Books.json.gz", [], *lines)
    parsed = parse(SOURCE, path)
    assert parsed.books.select("book", "title", "isbn13", "edition").rows() == [
        (DUNE, 'Frank\'s "Dune" \\d', "9780441013593", None),
        (PRINTED, f"(unknown title, id {PRINTED})", "9780001000391", None),
        (KINDLE, f"(unknown title, id {KINDLE})", None, f"asin:{KINDLE}"),
    ]
    assert parsed.rejects.rows() == [
        ("meta_Books.json", 2, "no title", "title", None),
        ("meta_Books.json", 3, "line is not JSON", None, None),
        ("meta_Books.json", 4, "line is not JSON", None, None),
        ("meta_Books.json", 5, "line is not JSON", None, None),
    ]


def test_metadata_of_2018(tmp_path: Path) -> None:
    write(tmp_path / "Books_5.json", OF_2018)
    books: list[dict[str, Any]] = [
        {
            "category": ["Books", "Science Fiction"],
            "title": "Dune &amp; more",
            "brand": "Visit Amazon's Frank Herbert Page",
            "main_cat": "Books",
            "details": {"Publisher:": "Ace; Anniversary ed. edition (August 2, 2005)", "ISBN-10:": "0441013597"},
            "asin": DUNE,
        },
        {"title": "var aPageStart = (new Date()).getTime();", "brand": "", "category": [], "asin": KINDLE},
    ]
    write(tmp_path / "meta_Books.json", books)
    parsed = parse(SOURCE, tmp_path)
    assert parsed.books.select("book", "title", "authors", "publisher", "year", "isbn13").rows() == [
        (DUNE, "Dune & more", "Frank Herbert", "Ace", 2005, "9780441013593")
    ]
    assert parsed.rejects.select("file", "line", "reason").rows() == [("meta_Books.json", 2, "no title")]


def test_metadata_of_2023(tmp_path: Path) -> None:
    books: list[dict[str, Any]] = [
        {
            "main_category": "Books",
            "title": "Chaucer",
            "subtitle": "Hardcover – Import, January 1, 2004",
            "author": {"avatar": "https://x", "name": "Peter Ackroyd", "about": ["secret"]},
            "store": "Peter Ackroyd (Author),  Jane Doe (Illustrator)",
            "categories": ["Books", "Literature & Fiction"],
            "details": {
                "Publisher": "Chatto & Windus; First Edition (January 1, 2004)",
                "Language": "English",
                "Hardcover": "196 pages",
                "ISBN 10": "0701169850",
                "ISBN 13": "978-0701169855",
            },
            "parent_asin": "0701169850",
        },
        {
            "main_category": "Buy a Kindle",
            "title": "Dune",
            "subtitle": "Kindle Edition",
            "author": {"name": "Frank Herbert"},
            "store": "Format: Kindle Edition",
            "details": {"Publisher": "Ace (June 26, 2003)", "Publication date": "1965", "ISBN 13": "9780441013593"},
            "parent_asin": KINDLE,
        },
        {
            "main_category": "Books",
            "title": "Bare",
            "author": None,
            "store": "A (Editor), B (Translator)",
            "details": {},
            "parent_asin": "X",
        },
    ]
    write(tmp_path / "Books.jsonl", OF_2023[:1])
    write(tmp_path / "meta_Books.jsonl.gz", books)
    chaucer, dune, bare, undescribed = parse(SOURCE, tmp_path / "Books.jsonl").books.to_dicts()
    assert chaucer == {
        "book": "0701169850",
        "title": "Chaucer",
        "authors": "Peter Ackroyd",
        "publisher": "Chatto & Windus",
        "imprint": None,
        "format": "hardcover",
        "year": 2004,
        "language": "English",
        "isbn13": "9780701169855",
        "work": None,
        "edition": None,
        "series": None,
        "volume": None,
    }
    said = [dune[name] for name in ("authors", "publisher", "year", "isbn13", "edition", "format")]
    assert said == ["Frank Herbert", "Ace", 1965, "9780441013593", f"asin:{KINDLE}", "ebook"]
    assert (bare["authors"], bare["isbn13"], bare["format"]) == ("A; B", None, "unknown")
    assert undescribed["book"] == DUNE


def test_descriptions_of_another_category_are_not_taken(tmp_path: Path) -> None:
    path = write(tmp_path / "Books.jsonl", OF_2023)
    write(tmp_path / "meta_Electronics.jsonl", [{"main_category": "x", "title": "t", "parent_asin": "B"}])
    assert [file.name for file in SOURCE.files(Upload.open(path), Options())] == ["Books.jsonl"]
    write(tmp_path / "meta_Books.jsonl", [{"main_category": "x", "title": "t", "parent_asin": "B"}])
    assert [file.name for file in SOURCE.files(Upload.open(path), Options())] == ["meta_Books.jsonl", "Books.jsonl"]


def test_recognised_by_its_keys(tmp_path: Path) -> None:
    for objects in (OF_2014, OF_2018, OF_2023):
        assert recognise(Upload.open(write(tmp_path / "x.json", objects))).name == SOURCE.name
    assert not SOURCE.recognises(Upload.open(write(tmp_path / "x.json", [{"user_id": 1, "rating": 2, "asin": 3}])))
    assert not SOURCE.recognises(Upload.open(write(tmp_path / "x.json", [{"asin": DUNE, "brand": "", "title": "t"}])))


def test_nothing_private_is_kept(tmp_path: Path) -> None:
    write(tmp_path / "a.json", OF_2014)
    write(tmp_path / "b.json", OF_2023)
    parsed = parse(SOURCE, tmp_path)
    kept = str([frame.rows() for frame in (parsed.readings, parsed.books, parsed.rejects)])
    assert not [word for word in ("secret", "Adam", "uplifting", "scent") if word in kept]
