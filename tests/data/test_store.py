"""The store: whole or not at all, once, one at a time, and a secret that stays one."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from data.errors import NoRelease, StoreBusy, WagahaiError
from data.store import KEY_VARIABLE, Store

HELD = """
import sys, time
from pathlib import Path
from data.store import Store
store = Store(Path(sys.argv[1]))
def hold(*_):
    print("ready", flush=True)
    time.sleep(60)
"""
MAKE_AND_SLEEP = HELD + "store.get_or_make('corpus', 'abc', lambda folder: ((folder / 'part').write_text('x'), hold()))"
LOCK_AND_SLEEP = HELD + "with store.lock('history'):\n    hold()"
MAKE_TOGETHER = """
import os, sys, time
from pathlib import Path
from data.store import Store
def make(folder):
    time.sleep(0.3)
    (folder / "by").write_text(str(os.getpid()))
folder, made = Store(Path(sys.argv[1])).get_or_make("corpus", "abc", make)
print((folder / "by").read_text())
"""
KEY = """
import sys
from pathlib import Path
from data.store import Store
print(Store(Path(sys.argv[1])).reader_key().hex())
"""


@pytest.fixture(autouse=True)
def _no_key_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "店 の store")


@pytest.fixture
def start(store: Store) -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    running = []

    def start_one(script: str) -> subprocess.Popen[str]:
        process = subprocess.Popen([sys.executable, "-c", script, str(store.root)], stdout=subprocess.PIPE, text=True)
        running.append(process)
        return process

    yield start_one
    for process in running:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def until_ready(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"


def files(store: Store) -> set[str]:
    return {str(path.relative_to(store.root)) for path in store.root.rglob("*") if path.is_file()}


def test_an_artifact_is_made_once(store: Store) -> None:
    calls = []

    def make(folder: Path) -> None:
        calls.append(folder)
        (folder / "sub").mkdir()
        (folder / "sub" / "a").write_text("1")

    folder, made = store.get_or_make("corpus", "abc", make)
    assert made
    assert store.get_or_make("corpus", "abc", make) == (folder, False)
    assert len(calls) == 1
    assert files(store) == {"artifacts/corpus/abc/sub/a"}


@pytest.mark.parametrize("error", [ValueError, OSError, KeyboardInterrupt])
def test_a_maker_that_raises_leaves_nothing(store: Store, error: type[BaseException]) -> None:
    def make(folder: Path) -> None:
        (folder / "a").write_text("1")
        raise error("no")

    with pytest.raises(error, match="no"):
        store.get_or_make("corpus", "abc", make)
    assert list((store.root / "artifacts" / "corpus").iterdir()) == []


def test_two_processes_making_the_same_at_once_get_one_result(
    store: Store, start: Callable[[str], subprocess.Popen[str]]
) -> None:
    processes = [start(MAKE_TOGETHER) for _ in range(2)]
    made_by = {process.communicate(timeout=30)[0] for process in processes}
    assert [process.returncode for process in processes] == [0, 0]
    assert len(made_by) == 1
    assert files(store) == {"artifacts/corpus/abc/by"}


def test_a_killed_maker_leaves_nothing_visible_and_sweep_removes_the_rest(
    store: Store, start: Callable[[str], subprocess.Popen[str]]
) -> None:
    process = start(MAKE_AND_SLEEP)
    until_ready(process)
    assert store.sweep() == 0  # it lives
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not store.artifact("corpus", "abc").exists()
    (half_made,) = (store.root / "artifacts" / "corpus").iterdir()
    assert half_made.name.startswith(".making-")
    assert store.sweep() == 1
    assert files(store) == set()
    assert store.sweep() == 0


def test_sweep_survives_folders_that_vanish_while_it_looks(store: Store) -> None:
    stop = threading.Event()

    def make(folder: Path) -> None:
        for i in range(20):
            (folder / f"{i}").mkdir()

    def churn() -> None:
        i = 0
        while not stop.is_set():
            folder = store.root / "work" / str(i := i + 1)
            folder.mkdir(parents=True)
            make(folder)
            folder.rename(store.root / f"done{i}")

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        assert sum(store.sweep() for _ in range(30)) == 0
    finally:
        stop.set()
        thread.join()


def test_a_file_is_replaced_whole(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    path = store.root / "x" / "CURRENT"
    store.write_whole(path, "old")
    store.write_whole(path, "猫".encode())
    assert path.read_text() == "猫"

    def fail(self: Path, target: Path) -> None:
        raise OSError("killed before the rename")

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(OSError, match="killed"):
        store.write_whole(path, "new")
    assert path.read_text() == "猫"


def test_a_switch_is_recorded(store: Store) -> None:
    served = [store.current]
    for release_id, why in (("r1", "published"), ("r2", "rollback")):
        store.switch(release_id, why)
        served.append(store.current)
    assert served == [None, "r1", "r2"]
    lines = (store.root / "switches.jsonl").read_text().splitlines()
    assert [(json.loads(line)["from"], json.loads(line)["to"]) for line in lines] == [(None, "r1"), ("r1", "r2")]


def test_the_second_holder_is_told_who_holds_and_a_killed_holder_frees_the_lock(
    store: Store, start: Callable[[str], subprocess.Popen[str]]
) -> None:
    process = start(LOCK_AND_SLEEP)
    until_ready(process)
    with pytest.raises(StoreBusy, match=f"history is held by process {process.pid} since"), store.lock("history"):
        pass
    with store.lock("another"):
        pass
    process.send_signal(signal.SIGKILL)
    process.wait()
    with store.lock("history"):
        assert f"process {os.getpid()} " in (store.root / "locks" / "history.holder").read_text()
    with store.lock("history"):  # and free again
        pass
    assert not (store.root / "locks" / "history.holder").exists()


def test_a_lock_is_freed_when_its_holder_raises(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), store.lock("history"):
        _ = 1 / 0
    with store.lock("history"):
        pass


def test_the_key_is_made_once_by_four_processes_at_once(
    store: Store, start: Callable[[str], subprocess.Popen[str]]
) -> None:
    processes = [start(KEY) for _ in range(4)]
    keys = {process.communicate(timeout=30)[0].strip() for process in processes}
    assert [process.returncode for process in processes] == [0] * 4
    assert keys == {store.reader_key().hex()}
    assert len(store.reader_key()) == 64
    assert stat.S_IMODE((store.root / "key").stat().st_mode) == 0o600
    assert files(store) == {"key"}


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_key_that_others_can_read_is_refused(store: Store, mode: int) -> None:
    store.reader_key()
    (store.root / "key").chmod(mode)
    with pytest.raises(WagahaiError, match="chmod 600"):
        store.reader_key()


def test_an_empty_key_is_refused(store: Store) -> None:
    store.reader_key()
    (store.root / "key").write_text("\n")
    with pytest.raises(WagahaiError, match="empty"):
        store.reader_key()


def test_the_key_of_the_environment_wins_and_none_is_made(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "鍵鍵鍵鍵鍵鍵")
    assert store.reader_key() == "鍵鍵鍵鍵鍵鍵".encode()
    assert not store.root.exists()


def test_a_key_that_can_be_guessed_is_refused(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "short")
    with pytest.raises(WagahaiError, match="can be guessed"):
        store.reader_key()


@pytest.mark.parametrize("id_", ["", "..", "../releases/r1", "/etc", "r1/", "r 1"])
def test_a_path_is_no_release_id(store: Store, id_: str) -> None:
    with pytest.raises(NoRelease, match="no release id"):
        store.release(id_)
    with pytest.raises(NoRelease, match="no release id"):
        store.report(id_, "similarity")


def test_what_the_user_put_into_the_inbox_is_never_swept(store: Store) -> None:
    store.inbox.mkdir(parents=True)
    (store.inbox / ".making-loans-999999-x").write_text("mine")
    store.sweep()
    assert (store.inbox / ".making-loans-999999-x").exists()


def test_a_release_has_served_if_it_ever_was_current(store: Store) -> None:
    assert not store.has_served("r1")
    store.switch("r1", "published")
    (store.root / "switches.jsonl").unlink()  # killed before the record was written
    store.switch("r2", "published")
    assert store.has_served("r1")
    assert store.has_served("r2")
    assert not store.has_served("r3")


def test_two_stores_have_two_keys(tmp_path: Path) -> None:
    assert Store(tmp_path / "a").reader_key() != Store(tmp_path / "b").reader_key()


def test_a_file_is_no_store(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(WagahaiError, match="file is no folder"):
        Store.from_environment(tmp_path / "file")


def test_where_the_store_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WAGAHAI_STORE", raising=False)
    assert Store.from_environment().root == tmp_path / ".wagahai"
    monkeypatch.setenv("WAGAHAI_STORE", "elsewhere")
    assert Store.from_environment().root == tmp_path / "elsewhere"
    assert Store.from_environment(tmp_path / "named").root == tmp_path / "named"
    assert list(tmp_path.iterdir()) == []
