"""Dates in every form that people and programs write them in."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest

from data.sources.dates import read_dates, year_first

TODAY = dt.date(2025, 6, 1)


@pytest.mark.parametrize(
    ("text", "date", "precision"),
    [
        ("14-Mar-2021", "2021-03-14", "day"),
        ("14 Mar 2021", "2021-03-14", "day"),
        ("14-MAR-21", "2021-03-14", "day"),
        ("14-Mar-98", "1998-03-14", "day"),
        ("Mar 14, 2021", "2021-03-14", "day"),
        ("March 14th 2021 10:05 PM", "2021-03-14", "day"),
        ("2021-Mar-14", "2021-03-14", "day"),
        ("1er février 2021", "2021-02-01", "day"),
        ("3 août 2021", "2021-08-03", "day"),
        ("14. März 2021", "2021-03-14", "day"),
        ("2 de mayo de 2021", "2021-05-02", "day"),
        ("juil. 2021", "2021-07-01", "month"),
        ("令和3年4月5日", "2021-04-05", "day"),
        ("令和元年5月", "2019-05-01", "month"),
        ("平成30年", "2018-01-01", "year"),
        ("昭和64年1月7日", "1989-01-07", "day"),
        ("Ｒ３．４．５", "2021-04-05", "day"),
        ("H30/1/2", "2018-01-02", "day"),
        ("2021/3/14 1:05:00 PM", "2021-03-14", "day"),
        *((text, None, "unknown") for text in ("0000-00-00", "0000-00-00 00:00:00", "9999-12-31", "n/a", "-", "None")),
    ],
)
def test_forms_that_are_read(text: str, date: str | None, precision: str) -> None:
    assert read_dates(pl.Series([text]), TODAY).rows() == [(date and dt.date.fromisoformat(date), precision, None)]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        *((text, "date cannot be read") for text in ("see card", "jui 2021", "14 Foo 2021", "令和", "R3.4.5.6", "Mar")),
        *((text, "no such date") for text in ("31-Feb-2021", "令和3年13月1日")),
        ("14-Mar-2026", "date is outside 1450-01-01 to 2025-06-02"),
    ],
)
def test_forms_that_are_not(text: str, reason: str) -> None:
    assert read_dates(pl.Series(["2021-01-01", text]), TODAY)["reason"].to_list() == [None, reason]


@pytest.mark.parametrize(
    ("order", "text", "written"),
    [
        ("dmy", " 14/03/2021 10:00", "2021-03-14 10:00"),
        ("dmy", "14.3.98", "1998-3-14"),
        ("dmy", "14/03/21", "2021-03-14"),
        ("mdy", "3/14/21", "2021-3-14"),
        ("mdy", "3/14/2021 1:05:00 PM", "2021-3-14 1:05:00 PM"),
        ("mdy", "12/31/9999", "9999-12-31"),
        ("dmy", "see card", "see card"),
        ("dmy", "2021-03-14", "2021-03-14"),
        ("ymd", "14/03/21", "14/03/21"),
        ("excel", "44269", "2021-03-14"),
        ("excel", "44269.75", "2021-03-14"),
        ("excel", "2021-03-14", "2021-03-14"),
        ("dmy", None, None),
    ],
)
def test_the_year_comes_first(order: str, text: str | None, written: str | None) -> None:
    assert year_first(pl.Series("cells", [text], pl.String), order).to_list() == [written]
