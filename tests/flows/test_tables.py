"""Answers on paper: CSV that no spreadsheet runs, JSON that comes back, tables that line up."""

from __future__ import annotations

import csv
import io
import json

import pytest
from rich.cells import cell_len

from flows.tables import write_csv, write_json, write_table

Captured = pytest.CaptureFixture[str]


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\n", "＝", "＋", "－", "＠"])
def test_a_text_that_a_spreadsheet_would_run_is_made_harmless(capsys: Captured, first: str) -> None:
    title = f"{first}HYPERLINK(A1)"
    write_csv([{"title": title, "authors": f"x{first}"}], ["title", "authors"])
    rows = list(csv.reader(io.StringIO(capsys.readouterr().out, newline="")))
    assert rows == [["title", "authors"], [f"'{title}", f"x{first}"]]


def test_a_carriage_return_starts_no_row(capsys: Captured) -> None:
    write_csv([{"title": "a\r=HYPERLINK(A1)", "authors": "\r=B1"}], ["title", "authors"])
    assert capsys.readouterr().out.splitlines() == ["title,authors", "a =HYPERLINK(A1),' =B1"]


def test_numbers_and_plain_texts_are_written_as_they_are(capsys: Captured) -> None:
    record = {"similarity": -0.25, "n": 3, "title": '吾輩は「猫」, "である"', "empty": "", "none": None}
    write_csv([record], [*record, "absent"])
    rows = list(csv.reader(io.StringIO(capsys.readouterr().out)))
    assert rows[1] == ["-0.25", "3", '吾輩は「猫」, "である"', "", "", ""]


def test_json_comes_back_as_it_was_and_is_readable(capsys: Captured) -> None:
    value = {"near": [{"title": "吾輩は猫である\n", "similarity": 0.25, "year": None}], "far": []}
    write_json(value)
    text = capsys.readouterr().out
    assert json.loads(text) == value
    assert "吾輩は猫である" in text


RECORDS = [
    {"rank": 1, "similarity": 0.98765, "n_readers": 12345, "title": "吾輩は猫である (新潮文庫)", "year": 1905},
    {"rank": 10, "similarity": -0.5, "n_readers": 7, "title": "The Hobbit", "year": None},
    {"rank": 100, "similarity": 0.0, "n_readers": 70, "title": "ﾊﾝｶｸ ألف ليلة Ｚ", "year": 2003},
    {"rank": 101, "similarity": 0.1, "n_readers": 70, "title": "とても長い題名" * 20, "year": 2003},
]
COLUMNS = {"rank": "rank", "similarity": "similarity", "n_readers": "readers", "title": "title", "year": "year"}


def table(capsys: Captured, title: str = "Near") -> list[str]:
    write_table(title, RECORDS, COLUMNS)
    return capsys.readouterr().out.rstrip("\n").split("\n")


def test_the_lines_of_a_table_are_equally_wide_on_the_screen(capsys: Captured) -> None:
    heading, *lines = table(capsys)
    assert heading == "Near"
    widths = {cell_len(line) for line in lines if line}
    assert len(widths) == 1
    assert widths.pop() <= 120


def test_titles_start_in_the_same_column_and_numbers_end_in_one(capsys: Captured) -> None:
    lines = table(capsys)
    starts = {
        cell_len(line[: line.index(title)])
        for line in lines
        for title in ("title", "吾輩", "The H", "ﾊﾝｶｸ")
        if title in line
    }
    assert len(starts) == 1
    ends = {
        cell_len(line[: line.index(number) + len(number)])
        for line in lines
        for number in ("12,345", "readers")
        if number in line
    }
    assert len(ends) == 1


def test_numbers_are_shown_for_people(capsys: Captured) -> None:
    text = "\n".join(table(capsys))
    assert "0.988" in text
    assert "12,345" in text
    assert "1905" in text  # a year has no thousands
    assert "None" not in text


def test_a_long_title_is_folded_not_cut(capsys: Captured) -> None:
    assert sum(line.count("とても長い題名") for line in table(capsys)) >= 15
    write_table("Near", RECORDS, COLUMNS)
    text = capsys.readouterr().out
    assert "…" not in text
    assert sum(text.count(c) for c in "とても長い題名") >= 7 * 20


def test_markup_in_a_title_is_text(capsys: Captured) -> None:
    write_table("[bold]x[/bold]", [{"title": "[red]A[/red] [link=http://x]b"}], {"title": "title"})
    text = capsys.readouterr().out
    assert "[bold]x[/bold]" in text
    assert "[red]A[/red] [link=http://x]b" in text
