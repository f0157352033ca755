"""DBbook2014: both halves, likes as ratings, DBpedia's resources as works."""

from __future__ import annotations

from pathlib import Path

import pytest

from data.errors import BadFile
from data.sources.base import Options
from data.sources.catalogue import recognise
from data.sources.dbbook2014 import DBbook2014
from data.sources.upload import Upload
from tests.data.sources.parsing import parse

SOURCE = DBbook2014()
RESOURCE = "http://dbpedia.org/resource/"
ITEMS = (
    "id\turi\n"
    f"10\tLife &amp; Times; of Michael K;{RESOURCE}Life_&_Times_of_Michael_K\n"
    f'11\tMoby "Dick";{RESOURCE}Moby-Dick\n'
    f"12\tMoby Dick (novel) ;{RESOURCE}Moby-Dick\n"
    f"13\t{RESOURCE}City_of_Bones\n"
    f"14\t{RESOURCE}Category:Whales\n"
    f"15\t;{RESOURCE}The_Road\n"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mapping_items.tsv").write_text(ITEMS)
    (tmp_path / "train2id.tsv").write_text("0\t10\t1\n0\t11\t0\n1\t13\t1\n1\t10\n\t10\t1\n1\t11\t2\n")
    (tmp_path / "test2id.tsv").write_text("0\t99\t1\n1\t10\t0\n2\t13\t1\n")
    (tmp_path / "props.tsv").write_text("10\t3\t14\n")
    return tmp_path


def test_known_answer(folder: Path) -> None:
    parsed = parse(SOURCE, folder)
    assert parsed.readings.select("reader", "book", "rating", "status", "file", "line").rows() == [
        ("0", "99", 1.0, "read", "test2id.tsv", 1),
        ("1", "10", 0.0, "read", "test2id.tsv", 2),
        ("2", "13", 1.0, "read", "test2id.tsv", 3),
        ("0", "10", 1.0, "read", "train2id.tsv", 1),
        ("0", "11", 0.0, "read", "train2id.tsv", 2),
        ("1", "13", 1.0, "read", "train2id.tsv", 3),
    ]
    assert parsed.books.select("book", "title", "work", "edition").rows() == [
        ("10", "Life & Times; of Michael K", "dbpedia:Life_&_Times_of_Michael_K", None),
        ("11", 'Moby "Dick"', "dbpedia:Moby-Dick", None),
        ("12", "Moby Dick (novel)", "dbpedia:Moby-Dick", None),
        ("99", "(unknown title, id 99)", None, None),
        ("13", "(unknown title, id 13)", "dbpedia:City_of_Bones", None),  # a property that somebody read
    ]
    assert parsed.rejects.select("file", "line", "reason").rows() == [
        ("mapping_items.tsv", 7, "no title"),
        ("train2id.tsv", 4, "wrong number of fields"),
        ("train2id.tsv", 5, "no reader"),
        ("train2id.tsv", 6, "rating is outside 0 to 1"),
    ]
    assert (parsed.n_rows, parsed.rating_scale, parsed.encoding) == (9, (0, 1), "utf-8")


def test_recognised_by_content(folder: Path) -> None:
    (folder / "train2id.tsv").write_text("0\t10\t1\r\n0\t11\t0")
    assert recognise(Upload.open(folder)).name == "dbbook2014"
    half = Upload.open(folder / "test2id.tsv")
    assert SOURCE.recognises(half)
    assert [file.name for file in SOURCE.files(half, Options())] == ["mapping_items.tsv", "test2id.tsv"]
    (folder / "train2id.tsv").write_text("0\t10\t5\n")
    assert not SOURCE.recognises(Upload.open(folder))
    assert not SOURCE.recognises(Upload.open(folder / "mapping_items.tsv"))
    (folder / "mapping_items.tsv").write_text("id\tname\n")
    assert not SOURCE.recognises(Upload.open(folder / "test2id.tsv"))


def test_what_is_missing_is_named(folder: Path) -> None:
    with pytest.raises(BadFile, match=r"train2id\.tsv or test2id\.tsv"):
        SOURCE.files(Upload.open(folder / "mapping_items.tsv"), Options())
    (folder / "mapping_items.tsv").unlink()
    with pytest.raises(BadFile, match=r"mapping_items\.tsv"):
        SOURCE.files(Upload.open(folder), Options())


@pytest.mark.realdata
def test_real_data(shared: Path) -> None:
    folder = shared / "data" / "dbbook2014"
    assert recognise(Upload.open(folder)).name == "dbbook2014"
    parsed = parse(SOURCE, folder)
    readings, books = parsed.readings, parsed.books
    assert (parsed.n_rows, readings.height, readings["reader"].n_unique()) == (68_929, 68_929, 5_660)
    assert sorted(readings["rating"].value_counts().rows()) == [(0.0, 35_762), (1.0, 33_167)]
    assert set(readings["book"]) <= set(books["book"])
    assert not books["title"].str.starts_with("(unknown").any()
    assert parsed.rejects["reason"].to_list() == ["no title"] * 15
    assert (books.height, books["work"].null_count()) == (6_718, 0)  # 6,617 of them are read in the two halves
