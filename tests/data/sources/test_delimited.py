"""Delimited text: every broken record is named, every other one is kept, and nothing is misread."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from data.errors import BadFile
from data.sources import records
from data.sources.delimited import peek_columns, read_header
from data.sources.records import (
    MAX_FIELD_BYTES,
    REPEATED_HEADER,
    TOO_LONG,
    UNPAIRED_QUOTE,
    UNREADABLE,
    WRONG_NUMBER,
    parse_records,
)
from tests.data.sources.reading_rows import file_at, listed, read, rejected

FUZZ = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(params=["fast", "slow"])
def any_path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "slow":
        monkeypatch.setattr(records, "_parse_fast", lambda *_: None)
    return str(request.param)


@pytest.mark.usefixtures("any_path")
@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("a,b\n1,2\n3,4\n", [(2, "1", "2"), (3, "3", "4")]),
        ("a,b\n1,2\n3,4", [(2, "1", "2"), (3, "3", "4")]),
        ("a,b\r\n1,2\r\n3,\r\n", [(2, "1", "2"), (3, "3", "")]),
        ("a,b\r1,2\r3,4\r", [(2, "1", "2"), (3, "3", "4")]),
        ("a\tb\n1\t2,5\n", [(2, "1", "2,5")]),
        ("a;b\n1;2,5\n", [(2, "1", "2,5")]),
        ("a|b\n1|2\n", [(2, "1", "2")]),
        ('a,b\n1,"x\ny"\n3,4\n', [(2, "1", "x\ny"), (4, "3", "4")]),
        ('a,b\n"1, ""one""",2\n"",4\n', [(2, '1, "one"', "2"), (3, "", "4")]),
        ('"a\nb",c\n1,2\n', [(3, "1", "2")]),
        ('"a\rb",c\n1,2\n3,4\n', [(3, "1", "2"), (4, "3", "4")]),
        ("a,b\r1,2\n3,4\n", [(2, "1", "2"), (3, "3", "4")]),
        ("a,b\n\n1,2\n,\n   \n ,\t\n3,4\n\n\n", [(3, "1", "2"), (7, "3", "4")]),
        ("\n\na,b\n1,2\n", [(4, "1", "2")]),
        (",,\n\na,b\n1,2\n", [(4, "1", "2")]),
        ("a\n1\n\n2\n", [(2, "1"), (4, "2")]),
        ('a,b\n1,5" floppy\n2,x"y"z\n', [(2, "1", '5" floppy'), (3, "2", 'x"y"z')]),
        (" a , b \n 1 , 2 \n", [(2, " 1 ", " 2 ")]),
        ("a,b\n", []),
        ("a,b", []),
        ("line,file\n1,2\n", [(2, "1", "2")]),
        ("*,^a$\n1,2\n,\n", [(2, "1", "2")]),
    ],
)
def test_records_and_their_lines(tmp_path: Path, content: str, expected: list[tuple[object, ...]]) -> None:
    rows = read(tmp_path, content)
    assert listed(rows) == expected
    assert rows.rejects.is_empty()
    assert rows.n_rows == len(expected)


def test_every_broken_record_is_named_and_every_other_one_kept(tmp_path: Path) -> None:
    content = (
        "user,book,rating\n"  # 1
        "u1,b1,5\n"
        "u2,b2\n"  # 3: short
        "u3,b3,4,extra\n"  # 4: long
        ",,,,\n"  # 5: blank, though of another width
        "user,book,rating\n"  # 6: header again
        'u4,"b4\nand a line",3\n'  # 7-8
        'u5,"b5,2\n'  # 9: quote never closed
        "u6,b6,1\n"
        'u7,"b"7,1\n'  # 11: stray quotes that pair up
    )
    rows = read(tmp_path, content)
    assert rows.cells["user"].to_list() == ["u1", "u4", "u6", "u7"]
    assert rows.lines.to_list() == [2, 7, 10, 11]
    assert rejected(rows) == [
        (3, WRONG_NUMBER),
        (4, WRONG_NUMBER),
        (6, REPEATED_HEADER),
        (9, UNPAIRED_QUOTE),
    ]
    assert rows.rejects["file"].unique().to_list() == ["t.csv"]
    assert rows.rejects["found"].to_list() == [  # no reader is told
        "2 fields, expected 3",
        "4 fields, expected 3",
        None,
        "2 fields, expected 3",
    ]
    assert rows.n_rows == 8


def test_header_repeated_in_a_file_without_other_faults(tmp_path: Path) -> None:
    rows = read(tmp_path, "a,b\n1,2\na,b\na,c\n")
    assert listed(rows) == [(2, "1", "2"), (4, "a", "c")]
    assert rejected(rows) == [(3, REPEATED_HEADER)]


def test_missing_columns_are_named_with_what_is_there(tmp_path: Path) -> None:
    with pytest.raises(BadFile) as caught:
        read(tmp_path, "user_id,book\n1,2\n", required=("user", "book", "rating"))
    message = str(caught.value)
    assert "columns user_id, book\n" in message
    assert "columns user, book, rating" in message
    assert "user (is it user_id?), rating" in message


@pytest.mark.parametrize("damage", [b"\x00", b"\xff"])
def test_a_damaged_character_costs_its_row(tmp_path: Path, damage: bytes) -> None:
    rows = read(tmp_path, 'a,b\n1,吾輩は猫である\n2,"x'.encode() + damage + b'"\n3,y\n')
    assert listed(rows) == [(2, "1", "吾輩は猫である"), (4, "3", "y")]
    assert rejected(rows) == [(3, UNREADABLE)]
    assert rows.encoding == "utf-8"


def test_a_million_empty_rows_cost_nothing(tmp_path: Path) -> None:
    rows = read(tmp_path, "a,b\n1,2\n" + 500_000 * "\n" + 500_000 * ",\r\n" + "3,4\n")
    assert listed(rows) == [(2, "1", "2"), (1_000_003, "3", "4")]
    assert rows.n_rows == 2


@pytest.mark.usefixtures("any_path")
def test_a_line_of_ten_megabytes_costs_itself(tmp_path: Path) -> None:
    rows = read(tmp_path, "a,b\n1,2\n3," + 10_000_000 * "x" + "\n5,6\n")
    assert listed(rows) == [(2, "1", "2"), (4, "5", "6")]
    assert rejected(rows) == [(3, TOO_LONG)]


@pytest.mark.parametrize("neighbour", ["5,6", '5,6" by 7"', "5,6\r7,8"], ids=["strict", "stray quote", "lone CR"])
@pytest.mark.parametrize(
    ("cell", "end", "is_read"),
    [
        ("x" * 300_000, "\n", True),
        ("猫" * 300_000, "\r\n", True),
        ("x" * (MAX_FIELD_BYTES - 2), "\n", True),
        ("x" * (MAX_FIELD_BYTES - 2), "\r\n", True),
        ("x" * (MAX_FIELD_BYTES - 1), "\n", False),
        ("x" * (MAX_FIELD_BYTES - 1), "\r\n", False),
        ("猫" * 350_000, "\n", False),
        (" " * MAX_FIELD_BYTES, "\n", False),
        ("x" * MAX_FIELD_BYTES + ",y", "\n", False),
    ],
)
def test_a_long_record_is_what_it_is_whatever_stands_near_it(
    tmp_path: Path, cell: str, end: str, is_read: bool, neighbour: str
) -> None:
    rows = read(tmp_path, f"a,b\n1,2\n3,{cell}{end}{neighbour}\n".encode())
    assert rows.cells["a"].to_list()[: 2 + is_read] == ["1", "3", "5"][:: 1 if is_read else 2]
    assert rejected(rows) == ([] if is_read else [(3, TOO_LONG)])
    assert rows.cells["b"].to_list()[1] == cell or not is_read


@pytest.mark.usefixtures("any_path")
def test_a_record_of_many_lines_that_is_too_long_costs_its_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "MAX_FIELD_BYTES", 40)
    rows = read(tmp_path, 'a,b\n1,"x\n' + "y,z\n" * 10 + '"\n3,"a\nb"\n')
    assert listed(rows) == [*((line, "y", "z") for line in range(3, 13)), (14, "3", "a\nb")]
    assert rejected(rows) == [(2, UNPAIRED_QUOTE), (13, UNPAIRED_QUOTE)]


def test_a_line_cut_within_a_character_is_too_long(tmp_path: Path) -> None:
    header = read_header("t.csv", b"x,y\n", ",")
    text = b"1," + ("猫" * (MAX_FIELD_BYTES // 3 + 1)).encode()[: MAX_FIELD_BYTES + 1 - 2]
    rows = parse_records("t.csv", text + b'\n3,4"\n', 1, header, "utf-8")
    assert (listed(rows), rejected(rows)) == ([(2, "3", '4"')], [(1, TOO_LONG)])


def test_peek_never_raises(tmp_path: Path) -> None:
    (tmp_path / "good.csv").write_text("a;b\r\n1;2\r\n")
    (tmp_path / "bad.csv").write_bytes(b"\x00")
    assert peek_columns(file_at(tmp_path / "good.csv")) == ["a", "b"]
    assert peek_columns(file_at(tmp_path / "bad.csv")) == []


def test_pick_renames_and_says_where(tmp_path: Path) -> None:
    picked = read(tmp_path, "line,user\n7,u\n").pick({"book": "line", "reader": "user", "rating": "none"})
    assert picked.to_dicts() == [{"book": "7", "reader": "u", "file": "t.csv", "line": 2}]
    assert picked.schema["line"] == pl.Int64


cells = st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\t\n\r\x0b\x85"), max_size=8)
tables = st.integers(2, 4).flatmap(lambda width: st.lists(st.lists(cells, min_size=width, max_size=width)))


@FUZZ
@given(tables, st.sampled_from([("\n", csv.QUOTE_ALL), ("\r\n", csv.QUOTE_MINIMAL), ("\r\n", csv.QUOTE_ALL)]))
@example([['"\r', "\r"]], ("\r\n", csv.QUOTE_MINIMAL))
@example([["\x85", "\u2028\x0b"]], ("\r\n", csv.QUOTE_MINIMAL))
def test_what_csv_writes_is_what_is_read(tmp_path: Path, table: list[list[str]], dialect: tuple[str, int]) -> None:
    line_end, quoting = dialect  # with "\n" and QUOTE_MINIMAL, Python 3.11 writes a lone CR without quotes
    width = len(table[0]) if table else 2
    header = [f"column {i}" for i in range(width)]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=line_end, quoting=quoting)  # type: ignore[arg-type]  # the options of one test
    writer.writerows([header, *table])
    rows = read(tmp_path, text.getvalue().encode(), delimiter=",")
    assert rows.rejects.is_empty()
    assert [list(row) for row in rows.cells.iter_rows()] == [
        row for row in table if any(cell.strip(" \t") for cell in row)
    ]


pieces = st.lists(st.sampled_from(["a", '"', '""', ",", "\n", "\r\n", "\r", " ", "é", "1,2\n"]), max_size=30)


@FUZZ
@given(pieces)
@example(['"', "\n", "a", ",", '"', "\n"])
def test_the_fast_path_reads_what_the_csv_module_reads(parts: list[str]) -> None:
    text = "".join(parts).encode()
    header = read_header("t.csv", b"x,y\n", ",")
    fast, slow = records._parse_fast(text, header), records._parse_slow(text, header)
    if fast is not None:
        kept = [(line, *row) for line, row in zip(fast.lines, fast.cells.iter_rows(), strict=True)]
        assert kept == [(line, *row) for line, row in zip(slow.lines, slow.cells.iter_rows(), strict=True)]
        assert sorted(fast.broken) == slow.broken


@FUZZ
@given(st.binary(max_size=200) | pieces.map(lambda parts: "".join(parts).encode()))
def test_bytes_of_any_kind_end_in_rows_or_in_a_refusal(tmp_path: Path, content: bytes) -> None:
    try:
        rows = read(tmp_path, content)
    except BadFile:
        return
    assert rows.cells.height == rows.lines.len()
    assert rows.lines.is_sorted()
