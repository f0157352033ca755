"""ISBNs: one id for every way to write one; lost zeros put back only where the check digit says so."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.editions import isbn13
from data.sources.isbns import NOT_RECOVERED, ONLY_ZEROS, SCIENTIFIC, have_lost_zeros, parse_isbns


def rows(*texts: str | None) -> pl.DataFrame:
    columns = {"isbn": texts, "file": ["f"] * len(texts), "line": range(1, len(texts) + 1)}
    return pl.DataFrame(columns, schema={"isbn": pl.String, "file": pl.String, "line": pl.Int64})


def ids(*texts: str | None, lost_zeros: bool = False) -> list[tuple[str | None, str | None]]:
    return parse_isbns(rows(*texts), "isbn", lost_zeros=lost_zeros).good.select("isbn", "isbn13").rows()


def reasons(*texts: str, lost_zeros: bool) -> list[tuple[int, str]]:
    return parse_isbns(rows(*texts), "isbn", lost_zeros=lost_zeros).rejects.select("line", "reason").rows()


WRITTEN = ["034545104X", " 34545104x", "0-345-45104-X", "0 345 45104 X", "9780345451040", "978-0-345-45104-0"]
CALLED = ["ISBN 0-345-45104-X", "isbn:034545104X", "ISBN-13: 978-0-345-45104-0", "ISBN-10 034545104X", "ISBN034545104X"]
WRAPPED = ['"034545104X"', '="034545104X"', "９７８０３４５４５１０４０", "9780345451040.0"]


@pytest.mark.parametrize("lost_zeros", [False, True])
@pytest.mark.parametrize("text", WRITTEN + WRAPPED + CALLED)
def test_every_way_to_write_an_isbn_is_one_id(text: str, lost_zeros: bool) -> None:
    assert ids(text, lost_zeros=lost_zeros) == [("034545104X", "9780345451040")]


def test_isbn13_without_isbn10_keeps_its_digits() -> None:
    assert ids("979-10-323-0569-0", "9791032305691") == [("9791032305690", "9791032305690"), ("9791032305691", None)]


def test_zeros_are_put_back_where_the_check_digit_holds() -> None:
    given = ("155061224", "60517794", "2005018", "155061224.0")
    expected = ["0155061224", "0060517794", "0002005018", "0155061224"]
    assert [isbn for isbn, _ in ids(*given, lost_zeros=True)] == expected


def test_what_a_spreadsheet_lost_is_rejected_only_where_one_was() -> None:
    unsure = ("342310538", "20103389", "273755", "12")
    assert reasons(*unsure, lost_zeros=True) == [(line, NOT_RECOVERED) for line in (1, 2, 3, 4)]
    assert ids(*unsure) == [(text, None) for text in unsure]


@pytest.mark.parametrize("lost_zeros", [False, True])
def test_what_was_never_damaged_stays_a_book_of_its_own(lost_zeros: bool) -> None:
    given = ("b0000bld7x", "0345451041", "0-345-45104-1", "N3453124715", "20202006935", "2.02.03x", "37321944Y", "")
    expected = ["B0000BLD7X", "0345451041", "0345451041", "N3453124715", "20202006935", "2.02.03X", "37321944Y", ""]
    assert ids(*given, lost_zeros=lost_zeros) == [(text, None) for text in expected]


@pytest.mark.parametrize("lost_zeros", [False, True])
def test_what_names_no_book_is_rejected(lost_zeros: bool) -> None:
    given = ("3.42E+09", "9,78034E+12", "9.78e+12", "0000000000", "0", "0451E64100")
    expected = [(1, SCIENTIFIC), (2, SCIENTIFIC), (3, SCIENTIFIC), (4, ONLY_ZEROS), (5, ONLY_ZEROS)]
    assert reasons(*given, lost_zeros=lost_zeros) == expected


@pytest.mark.parametrize("text", ["N/A", "n/a", "-", "ISBN", " null "])
def test_words_for_none_are_the_empty_id(text: str) -> None:
    assert ids(text) == [("", None)]


def test_rows_keep_their_order_and_columns() -> None:
    found = parse_isbns(rows("60517794", None, "x", "60517794"), "isbn", lost_zeros=False).good
    expected = [("0060517794", "f", 1), (None, "f", 2), ("X", "f", 3), ("0060517794", "f", 4)]
    assert found.select("isbn", "file", "line").rows() == expected


@pytest.mark.parametrize(
    ("texts", "lost"),
    [
        (["155061224", "446520802", "052165615X", "2080674722"], True),
        (["0155061224", "0446520802", "342310538"], False),
        (['"0155061224"', '"342310538"', '"0446520802"'], False),
        (["2080674722", "3257224281", "052165615X", None, ""], False),
    ],
)
def test_a_spreadsheet_is_told_by_what_most_rows_lost(texts: list[str | None], lost: bool) -> None:
    assert have_lost_zeros(pl.Series(texts, dtype=pl.String)) is lost


@given(st.from_regex(r"[0-9]{5,9}[0-9X]|97[89][0-9]{10}", fullmatch=True))
def test_agrees_with_the_isbn_of_one_text(text: str) -> None:
    found = parse_isbns(rows(text), "isbn", lost_zeros=False).good["isbn13"].to_list()
    assert found in ([isbn13(text)], [])
    assert found or set(text) == {"0"}
