"""Loans: transactions, how loans stand, when they began and ended."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl
import pytest

from data.sources.base import Mapping, Options, Parsed
from data.sources.events import Events
from data.sources.loans import EVENT_WORDS, STATE_WORDS, TRUTH_WORDS, parse_loans
from tests.data.sources.parsing import parse


def parsed_from(path: Path, text: str, **columns: str) -> Parsed:
    path.write_text(text)
    return parse(Events(), path, Options(Mapping({"reader": "card", "book": "bib", **columns}, {})))


def test_a_log_of_transactions(tmp_path: Path) -> None:
    parsed = parsed_from(
        tmp_path / "log.csv",
        "card,bib,day,op\n"
        "p,1,2024-01-02,Check-out\n"
        "p,1,2024-01-20,RENEWAL\n"
        "p,1,2024-02-01,Check_In\n"
        "p,2,2024-02-01,予約\n"
        "q,3,2024-01-03,renew\n"
        "q,,2024-01-03,renewal\n"
        ",3,2024-02-03,return\n"
        ",4,2024-02-04,貸出\n"
        "q,5,2024-02-04,dance\n",
        read_on="day",
        event="op",
    )
    assert parsed.readings.select("reader", "book", "read_on", "status", "n_times", "line").rows() == [
        ("p", "1", dt.date(2024, 1, 2), "read", 1, 2),
        ("p", "1", None, "read", 1, 3),  # without a date, the ingest counts it as the same reading
        ("p", "2", dt.date(2024, 2, 1), "wish", 1, 5),
        ("q", "3", None, "read", 1, 6),
    ]
    assert parsed.rejects.rows() == [
        ("log.csv", 9, "no reader", "reader", None),
        ("log.csv", 10, "kind of transaction is not known", "event", "dance"),
    ]
    assert (parsed.n_rows, parsed.n_skipped) == (6, 3)
    assert parsed.n_rows == parsed.readings.height + parsed.rejects.height


def test_a_ledger_with_start_and_end(tmp_path: Path) -> None:
    parsed = parsed_from(
        tmp_path / "ledger.csv",
        "card,bib,out,in\n"
        "p,1,2024-01-02,2024-01-20\n"
        "p,1,2024-03-02,2024-03-02\n"
        "p,2,2024-03-05,\n"
        "p,3,2024-03-05,2024-03-04\n"
        "p,4,,2024-03-04\n"
        "p,5,2024-03-05,0000-00-00\n"
        "p,6,2024-03-05,2024-03\n"
        "p,7,soon,2024-03-05\n",
        read_on="out",
        ended_on="in",
    )
    assert parsed.readings.select("book", "read_on", "status").rows() == [
        ("1", dt.date(2024, 1, 2), "read"),
        ("1", dt.date(2024, 3, 2), "read"),
        ("2", dt.date(2024, 3, 5), "read"),  # not returned, and lent all the same
        ("4", dt.date(2024, 3, 4), "read"),  # only the return has a day
        ("5", dt.date(2024, 3, 5), "read"),
        ("6", dt.date(2024, 3, 5), "read"),
    ]
    assert parsed.rejects.rows() == [
        ("ledger.csv", 5, "loan ends before it begins", "ended_on", "2024-03-04"),
        ("ledger.csv", 9, "date cannot be read", "read_on", "soon"),
    ]
    assert (parsed.n_rows, parsed.n_skipped) == (8, 0)


def test_how_loans_stand_and_how_many_there_were(tmp_path: Path) -> None:
    parsed = parsed_from(
        tmp_path / "ledger.csv",
        "card,bib,state,times\n"
        "p,1,Returned,3\n"
        "p,2,ON_LOAN,\n"
        "p,3,Reserved,0\n"
        "p,4,to-read,2.0\n"
        "p,5,,１\n"
        "p,6,Shredded,1\n"
        "p,7,overdue,often\n"
        "p,8,TRUE,1\n",
        status="state",
        n_times="times",
    )
    assert parsed.readings.select("book", "status", "n_times").rows() == [
        ("1", "read", 3),
        ("2", "read", 1),
        ("3", "wish", 1),
        ("4", "wish", 2),
        ("5", "read", 1),
        ("8", "read", 1),
    ]
    assert parsed.rejects.select("line", "reason", "found").rows() == [
        (7, "status is not known", "shredded"),
        (8, "count is not a number", "often"),
    ]


def test_only_the_return_has_a_column() -> None:
    rows = pl.DataFrame({"book": ["1"], "ended_on": ["2024-01-02"], "file": ["f"], "line": [2]})
    assert parse_loans(rows).good.columns == ["book", "read_on", "file", "line"]


@pytest.mark.parametrize("words", [EVENT_WORDS, STATE_WORDS])
def test_words_are_written_as_they_are_looked_up(words: dict[str, str]) -> None:
    assert [word for word in words if word != word.lower().strip() or "-" in word or "_" in word or "\n" in word] == []
    assert STATE_WORDS.keys() >= TRUTH_WORDS
