"""One row per reader and book: the rules by hand, against a plain loop, and the same in one ingest or in several."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.history import History
from data.merging import STATUS_RANKS, merge_repeats
from data.schema import PRECISIONS
from tests.data.tables import READING, batch

COLUMNS = {
    "reader": pl.String(),
    "book": pl.String(),
    "read_on": pl.Date(),
    "read_on_precision": pl.String(),
    "rating": pl.Float32(),
    "rating_min": pl.Float32(),
    "rating_max": pl.Float32(),
    "status": pl.String(),
    "n_times": pl.Int32(),
    "position": pl.Int64(),
}
days = st.dates(dt.date(2020, 1, 1), dt.date(2020, 1, 4))
dated = st.one_of(st.just((None, "unknown")), st.tuples(days, st.sampled_from(PRECISIONS[:3])))
rating = st.sampled_from([None, 1.0, 5.0])
row = st.tuples(
    st.sampled_from("rq"), st.sampled_from("xy"), dated, rating, st.sampled_from(list(STATUS_RANKS)), st.integers(1, 3)
)
FEW = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def as_row(position: int, values: Any) -> dict[str, Any]:
    reader, book, (read_on, precision), points, status, n_times = values
    ends = {"rating_min": 1.0, "rating_max": 5.0} if points else {"rating_min": None, "rating_max": None}
    known = {"reader": reader, "book": book, "read_on": read_on, "read_on_precision": precision, "rating": points}
    return {**known, **ends, "status": status, "n_times": n_times, "position": position}


def by_hand(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """One reading from the rows of one reader and book, a rule a line."""
    status = min((each["status"] for each in rows), key=lambda word: STATUS_RANKS[word])
    same = [each for each in rows if each["status"] == status]
    known = [each for each in same if each["read_on"]]
    best = min(known, key=lambda each: (PRECISIONS.index(each["read_on_precision"]), each["read_on"]), default=same[0])
    n_days = len({each["read_on"] for each in known if each["read_on_precision"] == "day"})
    rated = [each for each in rows if each["rating"]]
    latest = max((each["read_on"] for each in rated if each["read_on"]), default=None)
    rated = [each for each in rated if each["read_on"] in (None, latest)] or [rows[0]]
    merged = {**rows[0], "status": status, "n_times": max(n_days, *(each["n_times"] for each in same))}
    merged |= {name: best[name] for name in ("read_on", "read_on_precision")}
    return merged | {name: rated[-1][name] for name in ("rating", "rating_min", "rating_max")}


@settings(deadline=None)
@given(st.lists(row, max_size=8))
def test_merging_follows_its_rules(values: list[Any]) -> None:
    rows = [as_row(position, each) for position, each in enumerate(values)]
    pairs = sorted({(each["reader"], each["book"]) for each in rows})
    expected = [by_hand([each for each in rows if (each["reader"], each["book"]) == pair]) for pair in pairs]
    merged = merge_repeats(pl.DataFrame(rows, schema=COLUMNS))
    assert merged.sort("reader", "book").to_dicts() == expected


@FEW
@given(st.lists(row, min_size=1, max_size=6), st.integers(0, 6))
def test_two_ingests_in_any_order_know_what_one_knows(tmp_path_factory: Any, values: list[Any], cut: int) -> None:
    folder: Path = tmp_path_factory.mktemp("histories")
    rows = [as_row(position, each) for position, each in enumerate(values)]
    found = []
    for name, parts in (("one", [rows]), ("two", [rows[:cut], rows[cut:]]), ("other", [rows[cut:], rows[:cut]])):
        history = History(folder / name)
        for i, part in enumerate(parts):
            merged = merge_repeats(pl.DataFrame(part, schema=COLUMNS))
            batch(f"b{i}", [{**READING, **each} for each in merged.to_dicts()]).commit(history)
        found.append(history.latest().readings.sort("reader", "book").collect())
    known = ("reader", "book", "status", "read_on", "read_on_precision")
    assert found[0].select(known).equals(found[1].select(known))
    assert found[0].select(known).equals(found[2].select(known))
    assert (found[0]["n_times"] >= found[1]["n_times"]).all()  # known at least
    assert (found[1]["n_times"] == found[2]["n_times"]).all()


def test_monthly_ledgers_count_what_a_yearly_one_counts(tmp_path: Path) -> None:
    loans = [as_row(0, ("r", "x", (dt.date(2024, month, 3), "day"), None, "read", 1)) for month in (1, 2)]
    history = History(tmp_path / "history")
    for i, loan in enumerate((*loans, loans[0])):
        batch(f"b{i}", [{**READING, **loan}]).commit(history)
    assert history.latest().readings.collect()["n_times"].to_list() == [2]


def test_a_rating_of_an_earlier_day_does_not_replace_one(tmp_path: Path) -> None:
    rows = [
        as_row(0, ("r", "x", (dt.date(2020, 5, 1), "day"), 5.0, "read", 1)),
        as_row(1, ("r", "x", (dt.date(2018, 5, 1), "day"), 1.0, "read", 1)),
    ]
    assert merge_repeats(pl.DataFrame(rows, schema=COLUMNS))["rating"].to_list() == [5.0]
    history = History(tmp_path / "history")
    for i, late in enumerate(rows):
        batch(f"b{i}", [{**READING, **late}]).commit(history)
    latest = history.latest().readings.collect()
    assert latest.select("rating", "read_on").row(0) == (5.0, dt.date(2018, 5, 1))
