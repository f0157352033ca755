"""The history keeps itself small: few files, few old versions, and what is pinned stays readable."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake

import data.delta
import data.history
import data.pseudonym
from data.errors import BadHistory
from data.history import History, ReadingHistory
from data.pseudonym import range_ends
from data.schema import READINGS, Table
from tests.data.tables import batch

N_INGESTS = 8


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "history")


def ingest_some(history: History, n: int = N_INGESTS) -> None:
    for i in range(n):
        rows: list[dict[str, Any]] = [
            {"reader": f"{i:032x}", "book": "x"},
            {"reader": "r", "book": f"b{i}", "rating": float(i)},
        ]
        batch(f"b{i}", rows).commit(history)


def n_files(history: History) -> int:
    return len(history._create(READINGS).file_uris())


def test_small_files_are_put_together(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data.delta, "MAX_SMALL_FILES", 4)
    ingest_some(history)
    assert n_files(history) <= 5
    assert len(history.latest().readings.collect()) == 2 * N_INGESTS
    monkeypatch.setattr(data.delta, "MAX_SMALL_FILES", 400)
    ingest_some(History(history.folder.with_name("other")))
    assert n_files(History(history.folder.with_name("other"))) == N_INGESTS


def test_old_versions_go_and_the_last_ones_stay(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data.delta, "MAX_SMALL_FILES", 2)
    monkeypatch.setattr(data.delta, "RETENTION_HOURS", 0)
    monkeypatch.setattr(data.history, "KEPT_INGESTS", 3)
    ingest_some(history)
    latest = history.latest()
    n_rows = {}
    for back in range(N_INGESTS):
        pinned = ReadingHistory(history.folder, latest.version - back)
        try:
            n_rows[back] = len(pinned.readings.collect())
        except BadHistory as error:
            assert "no longer kept" in str(error)  # noqa: PT017  # which ones are gone is asserted below
    assert {back: n_rows[back] for back in range(3)} == {0: 16, 1: 14, 2: 12}
    assert n_rows.keys() < set(range(N_INGESTS))


def test_nothing_goes_within_a_day(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data.delta, "MAX_SMALL_FILES", 2)
    monkeypatch.setattr(data.history, "KEPT_INGESTS", 1)
    ingest_some(history)
    first = ReadingHistory(history.folder, history.latest().version - N_INGESTS + 1)
    assert len(first.readings.collect()) == 2


def test_a_history_of_another_version_of_wagahai_is_refused(history: History) -> None:
    write_deltalake(str(history.folder / "readings"), READINGS.empty().drop("n_times"))
    with pytest.raises(BadHistory, match=r"another version of wagahai \(columns: n_times\)"):
        ingest_some(history, 1)


def test_compaction_keeps_readers_of_one_range_together(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data.pseudonym, "RANGE_READINGS", 4)
    for i in range(6):
        monkeypatch.setattr(data.delta, "MAX_SMALL_FILES", 100 if i < 5 else -100)
        rows: list[dict[str, Any]] = [{"reader": f"{(7 * i + 5 * j) % 16:x}" * 32, "book": f"b{i}-{j}"} for j in (0, 1)]
        batch(f"b{i}", rows).commit(history)
    latest = history.latest().readings.collect()
    assert latest.height == latest.select("reader", "book").n_unique() == 12
    ends = range_ends(12)
    assert len(ends) == 2
    stats = pl.DataFrame(history._create(READINGS).get_add_actions(flatten=True))
    spans = stats.select("min.reader", "max.reader").rows()
    assert len(spans) == 3
    assert not [(low, high) for low, high in spans for end in ends if low < end <= high]
    assert ReadingHistory(history.folder, history.latest().version - 1).readings.collect().height == 10


def test_a_compaction_that_dies_half_way_is_undone(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data.pseudonym, "RANGE_READINGS", 4)
    ingest_some(history, 3)
    before = history.latest()
    known = before.readings.sort("reader", "book").collect()
    with monkeypatch.context() as patch:
        patch.setattr(data.delta, "MAX_SMALL_FILES", -100)
        append, written = data.delta.append, list[int]()

        def failing(delta: DeltaTable, table: Table, frame: pl.DataFrame) -> None:
            if written:
                raise RuntimeError("interrupted")
            written.append(frame.height)
            append(delta, table, frame)

        patch.setattr(data.delta, "append", failing)
        with pytest.raises(RuntimeError, match="interrupted"):
            batch("b9", [{"reader": "new", "book": "x"}]).commit(history)
    assert written
    assert history.latest() == before
    assert history.latest().readings.sort("reader", "book").collect().equals(known)
    assert "readings" in history.recover()
    batch("b9", [{"reader": "new", "book": "x"}]).commit(history)
    assert len(history.latest().readings.collect()) == known.height + 1
