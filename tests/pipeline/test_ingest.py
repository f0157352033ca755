"""From a file to the history: what is merged, what is kept as written, and what is never written."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from data import pseudonym as pseudonym_module
from data import spill
from data.errors import BadConfig, BadFile, BadHistory, WagahaiError
from data.history import History
from data.progress import Quiet
from data.pseudonym import pseudonym
from data.sources.base import Options
from data.store import KEY_VARIABLE, Store
from pipeline.account import report
from pipeline.ingest import Ingested, ingest
from tests.data.tables import day
from tests.pipeline.tsv import Tsv, readings

Write = Callable[..., Ingested]
INGEST = """
import sys
from pathlib import Path
from data.progress import Progress, Quiet
from data.store import Store
from pipeline.ingest import ingest
from tests.pipeline.tsv import Tsv, readings
for path in sys.argv[2:]:
    ingest(Store(Path(sys.argv[1])), Path(path), Tsv(), Quiet(), wait_seconds=60)
"""


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    return Store(tmp_path / "store")


@pytest.fixture
def take(store: Store, tmp_path: Path) -> Write:
    def take_one(*lines: str, name: str = "a.tsv", **settings: Any) -> Ingested:
        path = tmp_path / name
        path.write_text("\n".join(line.replace(" ", "\t") for line in lines))
        return ingest(store, path, Tsv(), Quiet(), **settings)

    return take_one


def test_repeats_become_one_reading_of_the_first_date_and_the_last_rating(store: Store, take: Write) -> None:
    outcome = take("r x 2021-05-01 2", "q x", "r x 2020-01-01 4", "r x 2022-01-01 -", "r x - 3")
    assert readings(store) == [
        ("tsv:x", day("2020-01-01"), 3.0, "read", 3),
        ("tsv:x", None, None, "read", 1),
    ]
    assert readings(store, "position", "rating_min", "rating_max", "read_on_precision") == [
        (0, 1.0, 5.0, "day"),
        (1, None, None, "unknown"),
    ]
    assert (outcome.account["n_kept"], outcome.account["n_merged"]) == (2, 3)


def test_exact_duplicates_are_no_re_reading(store: Store, take: Write) -> None:
    take(*["r x 2021-05-01 2"] * 4, "r y", "r y")
    assert readings(store, "book", "n_times") == [("tsv:x", 1), ("tsv:y", 1)]


def test_the_day_of_a_wish_is_not_the_day_of_a_reading(store: Store, take: Write) -> None:
    take("r x 2020-01-01 - wish", "r x 2021-01-01 4 read", "q x 2020-01-01 - wish", "q x - - read")
    assert readings(store) == [
        ("tsv:x", day("2021-01-01"), 4.0, "read", 1),
        ("tsv:x", None, None, "read", 1),
    ]


def test_accounts_add_up(store: Store, take: Write) -> None:
    take("r x - 1", "r y")
    a = take("B x X", "r x - 5", "r x - 5", "q x", "!day no", "!day no", "r y", name="b.tsv").account
    assert a["n_rows"] == 6 == a["n_kept"] + a["n_merged"] + a["n_rejected"]
    assert (a["n_kept"], a["n_merged"], a["n_rejected"]) == (3, 1, 2)
    assert (a["n_new"], a["n_changed"], a["n_books"]) == (1, 1, 1)
    stored = History(store.history).account(a["batch"])
    assert stored is not None
    assert {name: stored[name] for name in a} == a


def test_the_same_content_again_changes_nothing(store: Store, take: Write) -> None:
    first = take("r x")
    before = {path for path in store.root.rglob("*") if path.is_file()}
    again = take("r x", name="renamed.tsv")
    assert again.unchanged
    assert again.account["batch"] == first.account["batch"]
    assert again.verdict.startswith("unchanged: a.tsv was ingested on")
    assert {path for path in store.root.rglob("*") if path.is_file()} == before
    assert not take("r x", namespace="other").unchanged


def test_namespaces_separate_equal_ids(store: Store, take: Write) -> None:
    take("r x", "B x X")
    take("r x", "B x X", namespace="n")
    key = store.reader_key()
    expected = [(pseudonym("r", "tsv", key), "tsv:x"), (pseudonym("r", "n", key), "n:x")]
    assert sorted(readings(store, "reader", "book")) == sorted(expected)
    assert sorted(History(store.history).latest().books.collect()["book"]) == ["n:x", "tsv:x"]
    with pytest.raises(BadConfig, match="colon"):
        take("r x", namespace="a:b")


def test_raw_reader_ids_are_nowhere_in_the_store(store: Store, take: Write) -> None:
    raw = "alice-4711"
    take(f"{raw} x 2020-01-01 4", f"{raw}\u3000 y", "!day no", "B x X")
    take(f"{raw} x 2020-01-01 5", name="b.tsv")
    files = [path for path in store.root.rglob("*") if path.is_file()]
    tables = [path for path in files if path.suffix == ".parquet"]
    assert len(tables) >= 4
    for path in files:
        assert raw.encode() not in path.read_bytes()
        assert raw not in str(path)
    text = "".join(pl.read_parquet(path).write_csv() for path in tables)
    assert pseudonym(raw, "tsv", store.reader_key()) in text
    assert raw not in text


def test_rejects_are_kept_with_line_and_reason(store: Store, take: Write) -> None:
    take("r x", "!read_on 2021-13-45", "q x")
    assert History(store.history).latest().rejects.drop("batch").collect().rows() == [
        ("a.tsv", 2, "cannot be used", "read_on", "2021-13-45")
    ]


@pytest.mark.parametrize("column", ["rating", "read_on", "book", "status", "title"])
def test_a_reject_tells_nobodys_words(store: Store, take: Write, column: str) -> None:
    take("r x", "r y", "r z", f"!{column} hanako@example.com_loved_it", f"!{column} 1234567890123456")
    found = History(store.history).latest().rejects.collect()["found"].to_list()
    assert found == ["(27 characters)", "(16 characters)"]


def test_a_file_without_one_good_row_is_refused(store: Store, take: Write) -> None:
    with pytest.raises(BadFile, match=r"1 rows, 0 of them usable readings \(1 cannot be used\)"):
        take("!day no")
    with pytest.raises(BadHistory):
        History(store.history).latest()


def test_a_refused_file_leaves_the_history_as_it_was(store: Store, take: Write) -> None:
    with pytest.raises(BadFile, match="to do:    mend it"):
        take("r x", "BAD")
    with pytest.raises(BadHistory):
        History(store.history).latest()
    take("r x")
    before = History(store.history).latest()
    with pytest.raises(BadFile):
        take("r y", "BAD", name="b.tsv")
    assert History(store.history).latest() == before


def test_books_keep_their_first_description_and_whose_ids_they_have(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text("B\t1\t吾輩ハ猫デアル （岩波文庫）\t夏目漱石\tw9\nB\t2\tOther\tA\tgoodreads:7\nB\t1\tagain\n")
    ingest(store, path, Tsv(), Quiet())
    books = History(store.history).latest().books.sort("book").collect()
    assert books["title"].to_list() == ["吾輩ハ猫デアル （岩波文庫）", "Other"]
    assert books["work"].to_list() == ["tsv:w9", "goodreads:7"]
    assert set(books["format"]) == {"unknown"}


def test_a_corrected_file_changes_its_readings_only(store: Store, take: Write) -> None:
    take("r x - 1", "q x - 2", "p x")
    a = take("q x - 5", "r x - 1", "n x", name="b.tsv").account
    assert (a["n_new"], a["n_changed"]) == (1, 1)
    key = store.reader_key()
    found = {reader: (rating, position) for reader, rating, position in readings(store, "reader", "rating", "position")}
    expected = {"r": (1.0, 0), "q": (5.0, 1), "p": (None, 2), "n": (None, 2)}
    assert found == {pseudonym(raw, "tsv", key): values for raw, values in expected.items()}


def test_processes_at_once_lose_nothing(store: Store, tmp_path: Path) -> None:
    paths = []
    for i in range(6):
        paths.append(tmp_path / f"{i}.tsv")
        paths[-1].write_text(f"r{i}\tx\nr\tb{i}\nr\tshared\t-\t{1 + i % 5}\nB\tb{i}\tT{i}\n")
    commands = [[sys.executable, "-c", INGEST, str(store.root), *map(str, half)] for half in (paths[:3], paths[3:])]
    processes = [subprocess.Popen(command) for command in commands]
    assert [process.wait(timeout=60) for process in processes] == [0, 0]
    latest = History(store.history).latest()
    assert latest.batches.height == 6
    assert sorted(latest.books.collect()["book"]) == [f"tsv:b{i}" for i in range(6)]
    key = store.reader_key()
    expected = {(pseudonym(f"r{i}", "tsv", key), "tsv:x") for i in range(6)}
    expected |= {(pseudonym("r", "tsv", key), f"tsv:{book}") for book in ("shared", *(f"b{i}" for i in range(6)))}
    assert set(readings(store, "reader", "book")) == expected
    assert len(readings(store)) == len(expected)


def test_another_key_is_refused_before_anything_is_written(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, key in (("first", "one key of the tests"), ("second", "another key of the tests")):
        (tmp_path / name).write_text(f"r1\tb-{name}\n")
        monkeypatch.setenv(KEY_VARIABLE, key)
        if name == "first":
            ingest(store, tmp_path / name, Tsv(), Quiet())
    with pytest.raises(WagahaiError, match="another key"):
        ingest(store, tmp_path / "second", Tsv(), Quiet())
    assert len(History(store.history).latest().batches) == 1


def test_the_account_says_what_became_of_every_row(store: Store, take: Write) -> None:
    take("r x")
    lines = ("B x X", "r x 2020-01-01 5", "r y - - wish", "q y", "q y", "!rating 99", "!rating 77", "!day soon")
    account = take(*lines, name="b.tsv").account
    assert report(account).splitlines() == [
        "  rows                 7  b.tsv (tsv, utf-8)",
        "  kept                 3  2 new, 1 changed; 2 read, 1 wish; 2020-01-01 to 2020-01-01",
        "  merged               1  repeats of one reader and book: re-readings, renewals, rows given twice",
        f"  rejected             3  wagahai rejects {account['batch']}",
        "                       3  cannot be used: b.tsv:6 99, b.tsv:7 77, b.tsv:8 (4 characters)",
        "  readers              1  that were not in the history",
        "  books                1  that were not in the history; 1 descriptions written",
    ]


KILLED_WHILE_READING = """
import os, signal, sys
from pathlib import Path
from data import pseudonym as pseudonym_module
from data import spill
from data.progress import Progress, Quiet
from data.store import Store
from pipeline.ingest import ingest
from tests.pipeline.tsv import Tsv, readings
spill.RUN_ROWS = 0
class Dying(Tsv):
    def parse(self, *args):
        yield from super().parse(*args)
        yield from super().parse(*args)  # one is worked on while the next is read
        os.kill(os.getpid(), signal.SIGKILL)
ingest(Store(Path(sys.argv[1])), Path(sys.argv[2]), Dying(), Quiet())
"""


def test_an_ingest_killed_while_reading_leaves_nothing_in_the_way(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text("r\tx\n")
    process = subprocess.run([sys.executable, "-c", KILLED_WHILE_READING, str(store.root), str(path)], timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert list(store.scratch.rglob("*.parquet"))  # it had begun
    with pytest.raises(BadHistory):
        History(store.history).latest()
    assert not ingest(store, path, Tsv(), Quiet()).unchanged
    assert len(readings(store)) == 1
    assert not store.scratch.exists()


@pytest.mark.parametrize("run_rows", [0, 5])
def test_a_file_larger_than_memory_gives_the_same_history(
    store: Store, take: Write, monkeypatch: pytest.MonkeyPatch, run_rows: int
) -> None:
    lines = [f"r{i * 7 % 13} b{i % 5} 2020-01-{1 + i % 9:02} {1 + i % 5}" for i in range(60)]
    take(*lines, namespace="whole")
    whole = readings(store, "read_on", "rating", "status", "n_times", "position")
    monkeypatch.setattr(spill, "RUN_ROWS", run_rows)
    monkeypatch.setattr(pseudonym_module, "RANGE_READINGS", 4)
    take(*lines, namespace="parts", name="b.tsv")
    parts = History(store.history).latest().readings.filter(pl.col("book").str.starts_with("parts:"))
    columns = ("read_on", "rating", "status", "n_times", "position")
    assert parts.sort("position").select(columns).collect().rows() == whole
    again = take(*lines[:30], "r1 b0 - 1", "new b1", namespace="parts", name="c.tsv").account
    assert (again["n_new"], again["n_new_readers"]) == (1, 1)


def test_who_says_whose_rows_they_are_when_the_rows_say_it_is_refused(take: Write) -> None:
    with pytest.raises(BadConfig, match="leave out --reader"):
        take("r x", options=Options(reader="q"))
