"""Adjacency lists: every pair once, ids where they are known, and nothing else taken for lists."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from data.errors import BadFile
from data.sources import encoding, long_lines
from data.sources.adjacency import CUT_SHORT, LISTED_AGAIN, Adjacency
from data.sources.base import Options
from data.sources.catalogue import recognise
from data.sources.records import UNREADABLE
from data.sources.upload import Upload
from tests.data.sources.parsing import parse

SOURCE = Adjacency()


def pairs(path: Path) -> list[tuple[object, ...]]:
    return parse(SOURCE, path).readings.select("reader", "book", "line").rows()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "train.txt").write_text("0 0 1 2\r\n1 1\r\n2 3 9\r\n")
    (tmp_path / "test.txt").write_text("0 3\n1\n7 0 1 2\n")
    (tmp_path / "user_list.txt").write_text("org_id remap_id\nA3RTKL 0\nA38LAI 1\nA3PPXV 2\nA3XXXX 2\nA4\n")
    items = "034545104X 0 m.045\r\n0393316041 1 m.03_\r\nB000FA64PA 2\r\n0393316042 3\r\n0060517794 4\r\n"
    (tmp_path / "item_list.txt").write_text("org_id remap_id freebase_id\r\n" + items)
    titles = '0,034545104X,Flesh Tones,M. J. Rose,x\n4,,"Little, Altars",R. Wells,x\n1,,,,x\n'
    (tmp_path / "item_titles_partial.csv").write_text("remap_id,isbn10,title,author,title_source\n" + titles)
    (tmp_path / "kg_final.txt").write_text("0 0 24915\n1 0 24916\n1 1 24917\n")
    return tmp_path


def test_kgat(folder: Path) -> None:
    parsed = parse(SOURCE, folder)
    assert parsed.readings.select("reader", "book", "status", "rating", "file", "line").rows() == [
        ("A3RTKL", "0393316042", "read", None, "test.txt", 1),
        ("A3RTKL", "034545104X", "read", None, "train.txt", 1),
        ("A3RTKL", "0393316041", "read", None, "train.txt", 1),
        ("A3RTKL", "B000FA64PA", "read", None, "train.txt", 1),
        ("A38LAI", "0393316041", "read", None, "train.txt", 2),
        ("A3PPXV", "0393316042", "read", None, "train.txt", 3),
    ]
    assert parsed.books.select("book", "title", "authors", "isbn13", "edition").rows() == [
        ("034545104X", "Flesh Tones", "M. J. Rose", "9780345451040", "asin:034545104X"),
        ("0060517794", "Little, Altars", "R. Wells", "9780060517793", "asin:0060517794"),
        ("0393316041", "(unknown title, id 0393316041)", None, "9780393316049", "asin:0393316041"),
        ("B000FA64PA", "(unknown title, id B000FA64PA)", None, None, "asin:B000FA64PA"),
        ("0393316042", "(unknown title, id 0393316042)", None, None, "asin:0393316042"),  # no valid ISBN
    ]
    unknown = [("test.txt", 3, "reader is not in user_list.txt", None)] * 3
    assert parsed.rejects.select("file", "line", "reason", "found").rows() == [
        ("user_list.txt", 5, LISTED_AGAIN, None),
        ("user_list.txt", 6, CUT_SHORT, None),
        *unknown,
        ("train.txt", 3, "book is not in item_list.txt", None),
    ]
    assert (parsed.n_rows, parsed.rating_scale) == (10, None)


def test_a_folder_and_a_single_file_find_their_ids(folder: Path) -> None:
    assert recognise(Upload.open(folder)).name == "adjacency"
    ids = ["user_list.txt", "item_list.txt", "item_titles_partial.csv"]
    assert [file.name for file in SOURCE.files(Upload.open(folder), Options())] == ["test.txt", "train.txt", *ids]
    single = Upload.open(folder / "train.txt")
    assert [file.name for file in SOURCE.files(single, Options())] == ["train.txt", *ids]


@pytest.mark.parametrize(
    "content",
    [
        "u1 b1 b2 b2\nu2\n\nanna\tb3\tb1\n",
        "u1,b1,b2,b2\r\nu2\r\n\r\nanna,b3,b1\r\n",
        "  u1  b1, b2\tb2 \ru2\r\ranna b3 b1",
    ],
)
def test_any_lists(tmp_path: Path, content: str) -> None:
    path = tmp_path / "read.txt"
    path.write_bytes(content.encode())
    assert recognise(Upload.open(path)).name == "adjacency"
    assert pairs(path) == [("u1", "b1", 1), ("u1", "b2", 1), ("u1", "b2", 1), ("anna", "b3", 4), ("anna", "b1", 4)]
    parsed = parse(SOURCE, path)
    assert parsed.books.select("book", "title", "isbn13", "edition").rows() == [
        (book, f"(unknown title, id {book})", None, None) for book in ("b1", "b2", "b3")
    ]
    assert (parsed.n_rows, parsed.rejects.height) == (5, 0)


def test_lines_may_be_long_and_blocks_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "read.txt.gz"
    content = "0 " + " ".join(map(str, range(30_000))) + "\n1 5 6 7\n2\n3 9"
    path.write_bytes(gzip.compress(content.encode()))
    expected = [("0", str(book), 1) for book in range(30_000)]
    expected += [("1", "5", 2), ("1", "6", 2), ("1", "7", 2), ("3", "9", 4)]
    assert recognise(Upload.open(path)).name == "adjacency"
    assert pairs(path) == expected
    monkeypatch.setattr(encoding, "BLOCK_BYTES", 1 << 10)
    assert pairs(path) == expected
    assert parse(SOURCE, path).books.height == 30_000
    monkeypatch.setattr(long_lines, "MAX_LONG_LINE_BYTES", 1 << 16)
    with pytest.raises(BadFile, match="a line of more than 0 MiB"):
        pairs(path)


def test_a_damaged_line_costs_itself(tmp_path: Path) -> None:
    path = tmp_path / "read.txt"
    path.write_bytes(b"u1 b1 b2\nu2 b\x001\nu3 b1\n")
    parsed = parse(SOURCE, path)
    assert parsed.readings["reader"].to_list() == ["u1", "u1", "u3"]
    assert parsed.rejects.rows() == [("read.txt", 2, UNREADABLE, None, None)]
    assert parsed.n_rows == 4


@pytest.mark.parametrize(
    "content",
    [
        "0 1 2\n1 2 3\n2 3 4\n",  # triples, or a table
        "0 1\n0 2\n0 3\n1 1\n",  # pairs
        "648\n166\n595\n",  # one number a line
        "540.0 0.5 1.25\n332.5 1.5\n1.0 2.0 3.0\n",  # fractions
        "1 3:1 5:2\n0 2:1\n1 1:1 2:1 3:4\n",  # libsvm
        "1 -1 2 -1 -2\n2 -1 -2\n",  # sequences
        "the cat sat\non the mat\ntoday\n",
        "1 the cat\n2 sat on the mat\n",
        "reader,book\n1,2\n3,4\n",
        'title (x)\n{\n  "a": 1.0\n}\n',
        "1,0,1,1,0\n1,1,1,0\n1,0,0,0,0,0\n",  # a bitmap
        "2014 5 6 7\n2014 5 6\n2014 7 8\n",  # the first is no reader
        "<p>1</p> 2 3\n2 3\n",
        "\n\n",
    ],
)
def test_other_text_is_not_taken(tmp_path: Path, content: str) -> None:
    path = tmp_path / "x.txt"
    path.write_text(content)
    assert not SOURCE.recognises(Upload.open(path))


def test_what_is_not_recognised_is_read_if_it_is_of_ids(tmp_path: Path) -> None:
    path = tmp_path / "x.lst"
    path.write_text("anna emma dune\nbert emma dune\n")
    assert pairs(path) == [("anna", "emma", 1), ("anna", "dune", 1), ("bert", "emma", 2), ("bert", "dune", 2)]
    path.write_text('title\n{\n "emma (penguin)": 1.0\n}\n')
    with pytest.raises(BadFile, match=r"other lines \(x\.lst\)[\s\S]*reader book book"):
        SOURCE.files(Upload.open(path), Options())


def test_numbers_of_several_folders_are_not_mixed(folder: Path) -> None:
    (folder / "b").mkdir()
    (folder / "train.txt").rename(folder / "b" / "train.txt")
    with pytest.raises(BadFile, match="one folder after the other"):
        SOURCE.files(Upload.open(folder), Options())
    (folder / "b" / "train.txt").unlink()
    (folder / "b" / "user_list.txt").write_text("org_id remap_id\nX 0\n")
    with pytest.raises(BadFile, match=r"one file user_list"):
        SOURCE.files(Upload.open(folder), Options())


def test_a_list_of_ids_needs_its_header(folder: Path) -> None:
    (folder / "user_list.txt").write_text("A3RTKL 0\n")
    with pytest.raises(BadFile, match="a header org_id remap_id"):
        parse(SOURCE, folder)


@pytest.mark.realdata
def test_real_lists(shared: Path) -> None:
    folder = shared / "data" / "amazon_book_kgat"
    assert recognise(Upload.open(folder)).name == "adjacency"
    parsed = parse(SOURCE, folder)
    readings, books = parsed.readings, parsed.books
    assert (parsed.n_rows, readings.height, parsed.rejects.height) == (846_434, 846_434, 0)
    assert dict(readings["file"].value_counts().rows()) == {"train.txt": 652_514, "test.txt": 193_920}
    assert (readings["reader"].n_unique(), readings["book"].n_unique(), books.height) == (70_679, 24_915, 24_915)
    assert readings.select("reader", "book").is_unique().all()
    assert (~books["title"].str.starts_with("(unknown title")).sum() == 3_015
    assert books["isbn13"].null_count() == 111  # Kindle editions
    assert books["edition"].null_count() == 0


@pytest.mark.realdata
@pytest.mark.parametrize(
    "name", ["bookmeter_similar", "bookmeter_similar/gink03_sim.txt", "debd", "mnist_t10k", "topics_20ng", "uci_bnn"]
)
def test_real_data_that_is_no_reading_history_is_refused(shared: Path, name: str) -> None:
    with pytest.raises(BadFile, match="none of the known formats"):
        recognise(Upload.open(shared / "data" / name))
