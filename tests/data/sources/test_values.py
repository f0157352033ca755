"""Cells into values: a table of what is understood, and what is not."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import polars as pl
import pytest

from data.sources.values import parse_dates, parse_ids, parse_ratings, parse_readings, parse_statuses, unless_zero

TODAY = dt.date(2025, 6, 1)


def rows(**columns: Sequence[str | None]) -> pl.DataFrame:
    n = len(next(iter(columns.values())))
    frame = pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))
    return frame.with_columns(file=pl.lit("t.csv"), line=pl.int_range(2, n + 2, dtype=pl.Int64))


@pytest.mark.parametrize(
    ("text", "date", "precision"),
    [
        ("2024-05-06", "2024-05-06", "day"),
        (" 2024/05/06 ", "2024-05-06", "day"),
        ("2024.05.06", "2024-05-06", "day"),
        ("2024/5/6", "2024-05-06", "day"),
        ("20240506", "2024-05-06", "day"),
        ("2024年5月6日", "2024-05-06", "day"),
        ("２０２４年０５月０６日", "2024-05-06", "day"),
        ("2024-02-29", "2024-02-29", "day"),
        ("2024-05-06T23:59:59", "2024-05-06", "day"),
        ("2024-05-06T23:59:59Z", "2024-05-06", "day"),
        ("2024-05-06 23:59:59.123456+09:00", "2024-05-06", "day"),
        ("2024-05-06 23:59", "2024-05-06", "day"),
        ("2024/05/06 0:00", "2024-05-06", "day"),
        ("2024-05", "2024-05-01", "month"),
        ("2024/05", "2024-05-01", "month"),
        ("2024年5月", "2024-05-01", "month"),
        ("2024", "2024-01-01", "year"),
        ("1990", "1990-01-01", "year"),
        ("1990.0", "1990-01-01", "year"),
        ("1987年", "1987-01-01", "year"),
        ("1687541086", "2023-06-23", "day"),
        ("1687541086.0", "2023-06-23", "day"),
        ("1687541086999", "2023-06-23", "day"),
        ("1450-01-01", "1450-01-01", "day"),
        ("2025-06-02", "2025-06-02", "day"),
        *((word, None, "unknown") for word in ("", " ", "日付不明", "unknown", "Unknown", "不明", "NULL", None)),
    ],
)
def test_dates_understood(text: str | None, date: str | None, precision: str) -> None:
    good, rejects = parse_dates(rows(read_on=[text]), TODAY)
    assert rejects.is_empty()
    assert good["read_on"].to_list() == [date and dt.date.fromisoformat(date)]
    assert good["read_on_precision"].to_list() == [precision]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        *((text, "date cannot be read") for text in ("yesterday", "06/05/2024", "2024-05/06", "2024-", "2024.5")),
        *((text, "date cannot be read") for text in ("0", "12345", "-5", "16875410860000", "2024-05-06 25:00")),
        *((text, "no such date") for text in ("2021-13-45", "2023-02-29", "2024年0月1日", "20241301")),
        *(
            (text, "date is outside")
            for text in ("1449-12-31", "2025-06-03", "2026", "99999999999", "9780439023481", "0000")
        ),
    ],
)
def test_dates_rejected(text: str, reason: str) -> None:
    good, rejects = parse_dates(rows(read_on=["2024-01-01", text]), TODAY)
    assert good.height == 1
    assert rejects.drop("reason").rows() == [("t.csv", 3, "read_on", text)]
    assert rejects["reason"].item().startswith(reason)


def test_ratings() -> None:
    texts = [
        "5",
        " 3.5 ",
        "４",
        "",
        None,
        "3,5",
        "★★★☆☆",
        "4/5",
        "n/a",
        "1",
        "0",
        "6",
        "five",
        "nan",
        "inf",
        "1,000",
        "4/10",
        "☆☆☆",
    ]
    good, rejects = parse_ratings(rows(rating=texts), (1, 5))
    assert good["rating"].to_list() == [5, 3.5, 4, None, None, 3.5, 3, 4, None, 1]
    assert good.schema["rating"] == pl.Float32
    assert rejects.select("line", "reason", "found").rows() == [
        (12, "rating is outside 1 to 5", "0"),
        (13, "rating is outside 1 to 5", "6"),
        *((14 + i, "rating is not a number", text) for i, text in enumerate(texts[12:])),
    ]


def test_zero_stands_for_no_rating() -> None:
    texts = ["0", " 0.0 ", "00.", "0.5", "10", "", None, "zero", " 3 "]
    found = rows(rating=texts).select(unless_zero("rating"))["rating"].to_list()
    assert found == ["", "", "", "0.5", "10", "", None, "zero", "3"]


def test_ids_are_stripped_and_required() -> None:
    good, rejects = parse_ids(rows(reader=[" u1 ", "", "\u3000", None, '="007"', '"x"', 'a"b']), "reader")
    assert good["reader"].to_list() == ["u1", "007", "x", 'a"b']
    assert rejects.select("line", "reason", "column", "found").rows() == [
        (line, "no reader", "reader", None) for line in (3, 4, 5)
    ]


def test_statuses() -> None:
    texts = ["read", "To-Read", "want to read", "currently_reading", "Did-Not-Finish", "", "読みたい", "lost"]
    good, rejects = parse_statuses(rows(status=texts))
    assert good["status"].to_list() == ["read", "wish", "wish", "reading", "dropped", "read", "wish"]
    assert rejects.select("line", "reason", "found").rows() == [(9, "status is not known", "lost")]


def test_a_row_is_rejected_once_and_never_shows_its_reader() -> None:
    secret = "alice@example.org"
    table = rows(
        reader=[secret, "", secret, secret, secret],
        book=["b", "b", "", "b", "b"],
        read_on=["2024-01-01", "x", "x", "x", "2024-01-01"],
        rating=["5", "x", "x", "x", "x" * 200],
    )
    good, rejects = parse_readings(table, (1, 5), TODAY)
    assert good.height == 1
    assert rejects["line"].to_list() == [3, 4, 5, 6]
    assert rejects["reason"].to_list() == [
        "no reader",
        "no book",
        "date cannot be read",
        "rating is not a number",
    ]
    assert secret not in str(rejects.to_dicts())
    assert len(rejects["found"][3]) == 80


def test_no_rows_are_no_trouble() -> None:
    table = rows(reader=[], book=[], read_on=[], rating=[], status=[])
    good, rejects = parse_readings(table, (1, 5), TODAY)
    assert good.is_empty()
    assert rejects.is_empty()
