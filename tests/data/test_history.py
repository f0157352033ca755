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
from data.history import Commit, History
from data.schema import REJECTS, TABLES, UNKNOWN_TITLE, Table
from tests.data.tables import Batch, batch, day

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
SECOND = batch("b2", [{"reader": "r2", "book": "x"}], [], [{"line": 9, "reason": "no reader"}])
KILLED = """
import os, signal, sys
from pathlib import Path
import data.history
from tests.data.test_history import FIRST, SECOND
append = data.history.append
def killed(delta, table, frame):
    if table.name == "rejects":
        os.kill(os.getpid(), signal.SIGKILL)
    append(delta, table, frame)
data.history.append = killed
{"b1": FIRST, "b2": SECOND}[sys.argv[2]].commit(data.history.History(Path(sys.argv[1])))
"""


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "店 の history")


def rows(history: History, *columns: str) -> list[tuple[Any, ...]]:
    return sorted(history.latest().readings.select("reader", "book", *columns).collect().rows())


def versions(history: History) -> dict[str, int]:
    return {table.name: DeltaTable(str(history.folder / table.name)).version() for table in TABLES}


def test_an_ingest_is_visible_whole(history: History) -> None:
    account = FIRST.commit(history)
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
    FIRST.commit(history)
    before = history.latest().readings.collect()
    again = FIRST.commit(history)
    assert (again["n_new"], again["n_changed"], again["n_books"]) == (0, 0, 0)
    assert history.latest().readings.collect().equals(before)


def test_a_corrected_rating_is_a_change_and_keeps_its_place(history: History) -> None:
    FIRST.commit(history)
    corrected = batch(
        "b2", [{"reader": "r2", "book": "x"}, {"reader": "r1", "book": "x", "rating": 1.0, "position": 9}]
    )
    account = corrected.commit(history)
    assert (account["n_new"], account["n_changed"]) == (1, 1)
    assert rows(history, "rating", "batch", "position") == [
        ("r1", "x", 1.0, "b1", 0),
        ("r1", "y", 4.0, "b1", 1),
        ("r2", "x", None, "b2", 0),
    ]


def test_a_null_never_erases(history: History) -> None:
    FIRST.commit(history)
    before = rows(history, "read_on", "read_on_precision", "rating", "rating_min", "rating_max", "n_times")
    poor = [{"reader": "r1", "book": book, "read_on_precision": "unknown"} for book in "xy"]
    account = batch("b2", poor, [{"book": "x", "title": "猫"}]).commit(history)
    assert account["n_changed"] == account["n_books"] == 0
    assert rows(history, "read_on", "read_on_precision", "rating", "rating_min", "rating_max", "n_times") == before
    book = history.latest().books.filter(pl.col("book") == "x").collect().row(0, named=True)
    assert (book["authors"], book["format"], book["year"]) == ("A", "bunko", 1905)


def test_a_known_value_takes_a_new_one(history: History) -> None:
    batch("b0", [{"reader": "r1", "book": "x", "status": "wish", "read_on": day("2018-01-01")}]).commit(history)
    FIRST.commit(history)
    new = {"read_on": day("2020-01-02"), "status": "read", "rating": 3.0, "n_times": 1}
    assert rows(history, *new)[0] == ("r1", "x", *new.values())
    batch("b2", [], [{"book": "x", "title": "吾輩は猫である"}]).commit(history)
    book = history.latest().books.filter(pl.col("book") == "x").collect().row(0, named=True)
    assert (book["title"], book["authors"], book["batch"]) == ("吾輩は猫である", "A", "b2")


@pytest.mark.parametrize("status", ["dropped", "reading", "wish"])
def test_who_read_a_book_has_read_it_whatever_list_it_is_put_on_later(history: History, status: str) -> None:
    FIRST.commit(history)
    before = rows(history, "read_on", "status", "n_times", "rating")
    later = {"status": status, "read_on": day("2019-05-01"), "n_times": 9}
    account = batch("b2", [{"reader": "r1", "book": "x", **later}]).commit(history)
    assert account["n_changed"] == 0
    assert rows(history, "read_on", "status", "n_times", "rating") == before


def test_a_book_that_is_not_described_keeps_its_title(history: History) -> None:
    FIRST.commit(history)
    unknown = [{"book": "x", "title": UNKNOWN_TITLE.format("x")}, {"book": "z", "title": UNKNOWN_TITLE.format("z")}]
    batch("b2", [], unknown).commit(history)
    batch("b3", [], [{"book": "z", "title": "門"}]).commit(history)
    titles = dict(history.latest().books.select("book", "title").collect().iter_rows())
    assert titles == {"x": "猫", "y": "T", "z": "門"}


def test_a_pinned_history_does_not_change(history: History) -> None:
    FIRST.commit(history)
    pinned = history.latest()
    before, digest = pinned.readings.collect(), pinned.digest
    batch("b2", [{"reader": "r1", "book": "x", "rating": 1.0}, {"reader": "r9", "book": "z"}]).commit(history)
    assert pinned.readings.collect().equals(before)
    assert pinned.batches["batch"].to_list() == ["b1"]
    assert pinned.digest == digest != history.latest().digest


def test_batches_are_ordered_as_committed_even_if_the_clock_is_set_back(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    FIRST.commit(history)

    class Earlier(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]  # a clock set back
            return datetime(2001, 1, 1, tzinfo=UTC)

    monkeypatch.setattr(data.history, "datetime", Earlier)
    SECOND.commit(history)
    assert history.latest().batches["batch"].to_list() == ["b1", "b2"]
    assert history.recover() == []
    assert len(rows(history)) == 3


def test_the_digest_is_of_batches_in_order(tmp_path: Path) -> None:
    digests = []
    for i, order in enumerate([(FIRST, SECOND), (FIRST, SECOND), (SECOND, FIRST)]):
        history = History(tmp_path / str(i))
        for each in order:
            each.commit(history)
        digests.append(history.latest().digest)
    assert digests[0] == digests[1] != digests[2]


def interrupt(monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    """Let the `at`-th write of a commit fail: books, readings, rejects, batches (after which it is committed)."""
    take, append, write = Commit._take, Commit._append, deltalake.write_deltalake
    done: list[int] = []

    def step() -> None:
        if len(done) == at:
            raise RuntimeError("interrupted")
        done.append(1)

    def failing_take(self: Commit, *args: Any) -> Any:
        step()
        return take(self, *args)

    def failing_append(self: Commit, table: Table, frame: pl.DataFrame) -> None:
        if table is REJECTS:
            step()
        append(self, table, frame)

    def failing_write(target: Any, *args: Any, **kwargs: Any) -> None:
        if target.table_uri.rstrip("/").endswith("batches"):
            step()
        write(target, *args, **kwargs)

    monkeypatch.setattr(Commit, "_take", failing_take)
    monkeypatch.setattr(Commit, "_append", failing_append)
    monkeypatch.setattr(data.history, "write_deltalake", failing_write)


@pytest.mark.parametrize(
    ("at", "ahead"), [(0, []), (1, ["books"]), (2, ["books", "readings"]), (3, ["books", "readings", "rejects"])]
)
@pytest.mark.parametrize("earlier", [[], [FIRST]])
def test_an_interrupted_commit_is_invisible_and_recovered(
    history: History, monkeypatch: pytest.MonkeyPatch, at: int, ahead: list[str], earlier: list[Batch]
) -> None:
    for each in earlier:
        each.commit(history)
    new = batch(
        "b3",
        [{"reader": "r1", "book": "x", "rating": 1.0}, {"reader": "r7", "book": "z"}],
        [{"book": "x", "title": "新"}, {"book": "z"}],
        [{"line": 1, "reason": "no book"}],
    )
    with monkeypatch.context() as patch:
        interrupt(patch, at)
        with pytest.raises(RuntimeError, match="interrupted"):
            new.commit(history)
    if earlier:
        assert rows(history, "rating") == [("r1", "x", 3.0), ("r1", "y", 4.0)]
    else:
        with pytest.raises(BadHistory):
            history.latest()
    assert sorted(history.recover()) == ahead
    assert history.recover() == []
    account = new.commit(history)
    known = 1 if earlier else 0
    assert (account["n_new"], account["n_changed"]) == (2 - known, known)
    assert rows(history, "rating")[0] == ("r1", "x", 1.0)
    assert history.latest().rejects.collect().height == 1 + known
    assert history.recover() == []


@pytest.mark.parametrize("killed", ["b1", "b2"])
def test_a_killed_commit_is_invisible_and_recovered(history: History, killed: str) -> None:
    if killed == "b2":
        FIRST.commit(history)
    process = subprocess.run([sys.executable, "-c", KILLED, str(history.folder), killed], timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert history.account(killed) is None
    assert history.recover() == (["readings"] if killed == "b2" else ["readings", "books"])
    {"b1": FIRST, "b2": SECOND}[killed].commit(history)
    assert len(rows(history)) == (3 if killed == "b2" else 2)


def test_recovering_a_healthy_history_adds_no_versions(history: History) -> None:
    FIRST.commit(history)
    SECOND.commit(history)
    before = versions(history)
    assert history.recover() == []
    assert versions(history) == before


def test_old_versions_stay_readable(history: History) -> None:
    FIRST.commit(history)
    for table in TABLES:
        settings = DeltaTable(str(history.folder / table.name)).metadata().configuration
        assert settings["delta.enableExpiredLogCleanup"] == "false"


def test_a_frame_that_does_not_fit_is_refused(history: History) -> None:
    bad = batch("b1", [{"reader": None, "book": "x"}])
    with pytest.raises(BadHistory, match="column reader: unknown values"):
        bad.commit(history)
    with pytest.raises(BadHistory, match="no readings yet"):
        history.latest()
