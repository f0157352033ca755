"""The history: an ingest is there whole or not at all, and what was read before stays as it was."""

from __future__ import annotations

import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import deltalake
import polars as pl
import pytest
from deltalake import DeltaTable

import data.history
from data.errors import BadHistory
from data.history import Batch, History
from data.schema import TABLES
from tests.data.tables import batch, day

FIRST = batch(
    "b1",
    [
        {
            "reader": "r1",
            "book": "x",
            "rating": 3.0,
            "rating_min": 1.0,
            "rating_max": 5.0,
            "read_on": day("2020-01-02"),
        },
        {"reader": "r1", "book": "y", "rating": 4.0, "n_times": 3},
    ],
    [{"book": "x", "title": "猫", "authors": "A", "format": "bunko", "year": 1905}, {"book": "y"}],
    [{"line": 3, "reason": "no reader"}],
)
SECOND = batch("b2", [{"reader": "r2", "book": "x"}])
KILLED = """
import os, signal, sys
from pathlib import Path
import data.history
from tests.data.test_history import FIRST, SECOND
write = data.history.write_deltalake
def killed(target, *args, **kwargs):
    if not isinstance(target, str):
        os.kill(os.getpid(), signal.SIGKILL)
    write(target, *args, **kwargs)
data.history.write_deltalake = killed
data.history.History(Path(sys.argv[1])).commit({"b1": FIRST, "b2": SECOND}[sys.argv[2]])
"""


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "店 の history")


def rows(history: History, *columns: str) -> list[tuple[Any, ...]]:
    return sorted(history.latest().readings.select("reader", "book", *columns).collect().rows())


def versions(history: History) -> dict[str, int]:
    return {table.name: DeltaTable(str(history.folder / table.name)).version() for table in TABLES}


def test_an_ingest_is_visible_whole(history: History) -> None:
    account = history.commit(FIRST)
    latest = history.latest()
    assert rows(history, "rating") == [("r1", "x", 3.0), ("r1", "y", 4.0)]
    assert sorted(latest.books.select("book", "title").collect().rows()) == [("x", "猫"), ("y", "T")]
    assert latest.rejects.select("line", "reason").collect().rows() == [(3, "no reader")]
    assert (account["n_new"], account["n_changed"], account["n_books"]) == (2, 0, 2)
    found = history.account("b1")
    assert found is not None
    assert found["n_new"] == 2
    assert history.account("b2") is None


def test_there_is_no_history_before_the_first_ingest(history: History) -> None:
    with pytest.raises(BadHistory, match="ingest a source first"):
        history.latest()
    assert history.account("b1") is None
    assert history.recover() == []
    assert not history.folder.exists()


@pytest.mark.parametrize("bad", ["a%20b", "a[b]"])
def test_a_path_that_delta_cannot_hold_is_refused(tmp_path: Path, bad: str) -> None:
    with pytest.raises(BadHistory, match="move the store"):
        History(tmp_path / bad / "history")


def test_the_same_rows_again_change_nothing(history: History) -> None:
    history.commit(FIRST)
    before = history.latest().readings.collect()
    again = history.commit(FIRST)
    assert (again["n_new"], again["n_changed"], again["n_books"]) == (0, 0, 0)
    assert history.latest().readings.collect().equals(before)


def test_a_corrected_rating_is_a_change_and_keeps_its_place(history: History) -> None:
    history.commit(FIRST)
    corrected = batch(
        "b2", [{"reader": "r2", "book": "x"}, {"reader": "r1", "book": "x", "rating": 1.0, "position": 9}]
    )
    account = history.commit(corrected)
    assert (account["n_new"], account["n_changed"]) == (1, 1)
    assert rows(history, "rating", "batch", "position") == [
        ("r1", "x", 1.0, "b1", 0),
        ("r1", "y", 4.0, "b1", 1),
        ("r2", "x", None, "b2", 0),
    ]


def test_a_null_never_erases(history: History) -> None:
    history.commit(FIRST)
    before = rows(history, "read_on", "read_on_precision", "rating", "rating_min", "rating_max", "n_times")
    poor = [{"reader": "r1", "book": book, "read_on_precision": "unknown"} for book in "xy"]
    account = history.commit(batch("b2", poor, [{"book": "x", "title": "猫"}]))
    assert account["n_changed"] == account["n_books"] == 0
    assert rows(history, "read_on", "read_on_precision", "rating", "rating_min", "rating_max", "n_times") == before
    book = history.latest().books.filter(pl.col("book") == "x").collect().row(0, named=True)
    assert (book["authors"], book["format"], book["year"]) == ("A", "bunko", 1905)


def test_a_known_value_takes_a_new_one(history: History) -> None:
    history.commit(FIRST)
    new = {"read_on": day("2019-05-01"), "read_on_precision": "month", "status": "dropped", "n_times": 2}
    history.commit(batch("b2", [{"reader": "r1", "book": "x", **new}], [{"book": "x", "title": "吾輩は猫である"}]))
    assert rows(history, *new)[0] == ("r1", "x", *new.values())
    book = history.latest().books.filter(pl.col("book") == "x").collect().row(0, named=True)
    assert (book["title"], book["authors"], book["batch"]) == ("吾輩は猫である", "A", "b2")


def test_a_pinned_history_does_not_change(history: History) -> None:
    history.commit(FIRST)
    pinned = history.latest()
    before, digest = pinned.readings.collect(), pinned.digest
    history.commit(batch("b2", [{"reader": "r1", "book": "x", "rating": 1.0}, {"reader": "r9", "book": "z"}]))
    assert pinned.readings.collect().equals(before)
    assert pinned.batches["batch"].to_list() == ["b1"]
    assert pinned.digest == digest != history.latest().digest


def test_batches_are_ordered_as_committed_even_if_the_clock_is_set_back(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    history.commit(FIRST)

    class Earlier(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]  # a clock set back
            return datetime(2001, 1, 1, tzinfo=UTC)

    monkeypatch.setattr(data.history, "datetime", Earlier)
    history.commit(SECOND)
    assert history.latest().batches["batch"].to_list() == ["b1", "b2"]
    assert history.recover() == []
    assert len(rows(history)) == 3


def test_the_digest_is_of_batches_in_order(tmp_path: Path) -> None:
    digests = []
    for i, order in enumerate([(FIRST, SECOND), (FIRST, SECOND), (SECOND, FIRST)]):
        history = History(tmp_path / str(i))
        for each in order:
            history.commit(each)
        digests.append(history.latest().digest)
    assert digests[0] == digests[1] != digests[2]


def interrupt(monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    """Let the `at`-th write of a commit fail: 0 and 1 merge, 2 and 3 append (after 3 it is committed)."""
    merge, write = History._merge, deltalake.write_deltalake
    done: list[int] = []

    def step() -> None:
        if len(done) == at:
            raise RuntimeError("interrupted")
        done.append(1)

    def failing_merge(self: History, *args: Any) -> Any:
        step()
        return merge(self, *args)

    def failing_write(target: Any, *args: Any, **kwargs: Any) -> None:
        if not isinstance(target, str):
            step()
        write(target, *args, **kwargs)

    monkeypatch.setattr(History, "_merge", failing_merge)
    monkeypatch.setattr(data.history, "write_deltalake", failing_write)


@pytest.mark.parametrize(
    ("at", "ahead"), [(0, []), (1, ["books"]), (2, ["books", "readings"]), (3, ["books", "readings", "rejects"])]
)
@pytest.mark.parametrize("earlier", [[], [FIRST]])
def test_an_interrupted_commit_is_invisible_and_recovered(
    history: History, monkeypatch: pytest.MonkeyPatch, at: int, ahead: list[str], earlier: list[Batch]
) -> None:
    for each in earlier:
        history.commit(each)
    new = batch(
        "b3",
        [{"reader": "r1", "book": "x", "rating": 1.0}, {"reader": "r7", "book": "z"}],
        [{"book": "x", "title": "新"}, {"book": "z"}],
        [{"line": 1, "reason": "no book"}],
    )
    with monkeypatch.context() as patch:
        interrupt(patch, at)
        with pytest.raises(RuntimeError, match="interrupted"):
            history.commit(new)
    if earlier:
        assert rows(history, "rating") == [("r1", "x", 3.0), ("r1", "y", 4.0)]
    else:
        with pytest.raises(BadHistory):
            history.latest()
    assert sorted(history.recover()) == ahead
    assert history.recover() == []
    account = history.commit(new)
    known = 1 if earlier else 0
    assert (account["n_new"], account["n_changed"]) == (2 - known, known)
    assert rows(history, "rating")[0] == ("r1", "x", 1.0)
    assert history.latest().rejects.collect().height == 1 + known
    assert history.recover() == []


@pytest.mark.parametrize("killed", ["b1", "b2"])
def test_a_killed_commit_is_invisible_and_recovered(history: History, killed: str) -> None:
    if killed == "b2":
        history.commit(FIRST)
    process = subprocess.run([sys.executable, "-c", KILLED, str(history.folder), killed], timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert history.account(killed) is None
    assert history.recover() == (["readings"] if killed == "b2" else ["readings", "books"])
    history.commit({"b1": FIRST, "b2": SECOND}[killed])
    assert len(rows(history)) == (3 if killed == "b2" else 2)


def test_recovering_a_healthy_history_adds_no_versions(history: History) -> None:
    history.commit(FIRST)
    history.commit(SECOND)
    before = versions(history)
    assert history.recover() == []
    assert versions(history) == before


def test_old_versions_stay_readable(history: History) -> None:
    history.commit(FIRST)
    for table in TABLES:
        settings = DeltaTable(str(history.folder / table.name)).metadata().configuration
        assert settings["delta.enableExpiredLogCleanup"] == "false"


def test_a_frame_that_does_not_fit_is_refused(history: History) -> None:
    bad = batch("b1", [{"reader": None, "book": "x"}])
    with pytest.raises(BadHistory, match="column reader: unknown values"):
        history.commit(bad)
    with pytest.raises(BadHistory, match="no readings yet"):
        history.latest()
