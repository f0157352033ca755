"""Forgetting: the reader is gone from every file, the others are as they were, and nothing brings the reader back."""

from __future__ import annotations

import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from data.corpus import Corpus
from data.errors import BadHistory, NoRelease, StoreBusy, WagahaiError
from data.history import History, ReadingHistory
from data.outdated import drop_superseded, outdated
from data.progress import Quiet
from data.release import Release
from data.store import KEY_VARIABLE, Store
from pipeline.forget import check, forget, readmit
from pipeline.ingest import ingest
from pipeline.rollback import roll_back
from tests.pipeline.forgetting import (
    LIGHT,
    N_BOOKS,
    WHO,
    export,
    holding,
    make_store,
    name_of,
    publish_again,
    readings_but,
)
from tests.pipeline.tsv import Tsv

KNOW_NO_READERS = {"works", "evaluation"}  # these evaluations were written by hand


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return make_store(tmp_path_factory.mktemp("made"))


@pytest.fixture
def store(made: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    shutil.copytree(made.root, tmp_path / "store")
    return Store(tmp_path / "store")


def artifacts(store: Store) -> set[str]:
    return {f"{path.parent.name}/{path.name}" for path in store.root.glob("artifacts/*/*")}


def test_the_reader_is_in_no_file_and_the_others_are_as_they_were(store: Store) -> None:
    before, books = readings_but(store, WHO), History(store.history).latest().books.collect()
    rejects = History(store.history).latest().rejects.collect()
    assert {path.rsplit("/", 2)[1] for path in holding(store)} >= {"readings", "_delta_log"}
    done = forget(store, WHO, Quiet())
    assert holding(store) == []
    assert (done.n_readings, done.n_releases, done.proof.traces) == (N_BOOKS, 1, [])
    n_files = sum(path.is_file() for path in store.root.rglob("*"))
    assert done.proof.n_files == n_files + 2  # who holds the two locks
    latest = History(store.history).latest()
    assert latest.readings.filter(reader=name_of(store)).collect().is_empty()
    assert readings_but(store).equals(before)
    assert latest.books.collect().sort("book").equals(books.sort("book"))
    assert latest.rejects.collect().equals(rejects)


def test_the_search_finds_what_is_there(store: Store) -> None:
    found = check(store, WHO, Quiet())
    assert sorted({trace.path for trace in found.traces}) == holding(store)
    assert not found.is_clean
    assert {trace.where for trace in found.traces} >= {"its bytes", "its text", "array readers"}
    assert found.learned == sorted(path.name for path in store.releases.iterdir())
    unknown = check(store, "nobody-at-all", Quiet())
    assert (unknown.traces, unknown.learned, unknown.is_clean) == ([], [], True)


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("releases/x.json", lambda path, who: path.write_text(f'{{"a": "{who}"}}')),
        ("reports/x/page.html", lambda path, who: path.write_text(f"<p>{who}</p>")),
        ("history/readings/left.parquet", lambda path, who: pl.DataFrame({"reader": [who]}).write_parquet(path)),
        ("history/readings/nested.parquet", lambda path, who: pl.DataFrame({"a": [{"b": [who]}]}).write_parquet(path)),
        ("artifacts/x/y/arrays.npz", lambda path, who: np.savez_compressed(path, ids=np.array([who, "b"]))),
        ("locks/x", lambda path, who: path.write_bytes(b"\xff" + who.encode())),
        (".making-x", lambda path, who: path.write_text(who)),
    ],
)
@pytest.mark.parametrize("raw", [True, False])
def test_no_kind_of_file_hides_the_reader(
    store: Store, name: str, write: Callable[[Path, str], object], raw: bool
) -> None:
    path = store.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    known = {trace.path for trace in check(store, WHO, Quiet()).traces}
    write(path, WHO if raw else name_of(store))
    assert {trace.path for trace in check(store, WHO, Quiet()).traces} - known == {name}


def test_a_file_that_cannot_be_read_is_no_proof(store: Store) -> None:
    (store.history / "readings" / "torn.parquet").write_bytes(b"PAR1")
    assert ("history/readings/torn.parquet", "cannot be read") in [
        (trace.path, trace.where) for trace in check(store, WHO, Quiet()).traces
    ]
    assert forget(store, WHO, Quiet()).proof.traces == []  # no version names it


def test_earlier_versions_are_gone_and_ingests_go_on(store: Store, tmp_path: Path) -> None:
    earlier = History(store.history).latest()
    digest = earlier.digest
    forget(store, WHO, Quiet())
    latest = History(store.history).latest()
    assert latest.version == earlier.version + 1
    assert latest.digest != digest
    last = latest.batches.row(-1, named=True)
    assert (last["source"], last["n_rows"], last["n_kept"]) == ("forget", 0, 0)
    for version in range(1, latest.version):
        with pytest.raises(BadHistory, match="no longer kept"):
            ReadingHistory(store.history, version).readings.collect()
    for name in ("a", "b"):  # the next ingest, and one after it, which removes old files
        (tmp_path / name).write_text(f"new-{name}\tb0\nreader-1\tb{N_BOOKS}\t-\t{1 + len(name)}")
        ingest(store, tmp_path / name, Tsv(), Quiet())
    assert History(store.history).latest().readings.filter(reader=name_of(store, "new-b")).collect().height == 1
    assert latest.readings.filter(reader=name_of(store, "new-b")).collect().is_empty()


def test_an_old_export_does_not_bring_the_reader_back(store: Store, tmp_path: Path) -> None:
    forget(store, WHO, Quiet())
    before = readings_but(store)
    old = export(tmp_path, "old.tsv", more=("reader-1\tb0\t2022-01-01",))
    assert ingest(store, old, Tsv(), Quiet()).account["n_new_readers"] == 0
    assert holding(store) == []
    assert readings_but(store).height == before.height + 1
    assert readings_but(store).select("reader", "book", "batch", "position").rows()
    listed = store.suppressed
    assert stat.S_IMODE(listed.stat().st_mode) == 0o600
    assert name_of(store) not in listed.read_text()
    readmit(store, WHO)
    ingest(store, export(tmp_path, "new.tsv", more=("reader-1\tb1\t2022-01-01",)), Tsv(), Quiet())
    assert len(readings_but(store)) == before.height + 2 + N_BOOKS
    with pytest.raises(WagahaiError, match="no reader of that id was forgotten"):
        readmit(store, WHO)


def test_what_learned_from_the_reader_goes_and_the_next_release_replaces_the_one_that_serves(store: Store) -> None:
    serving = store.current
    assert serving is not None
    (first,) = {path.name for path in store.releases.iterdir()} - {serving}
    done = forget(store, WHO, Quiet())
    assert {name.split("/")[0] for name in artifacts(store)} == KNOW_NO_READERS
    assert [path.name for path in store.releases.iterdir()] == [serving]
    assert done.proof.learned == [serving]
    assert len(Release.open(store).vectors)  # it answers meanwhile
    with pytest.raises(NoRelease, match="was deleted: a reader it knew was forgotten"):
        roll_back(store, first)
    assert drop_superseded(store) == []
    new = publish_again(store)
    assert store.current == new
    assert drop_superseded(store) == [serving]
    assert sorted(outdated(store)) == sorted([first, serving])  # made in one second, they are in order of their digests
    assert check(store, WHO, Quiet()).is_clean
    corpus = store.artifact("corpus", Release.open(store).manifest["corpus"]["artifact"])
    assert name_of(store) not in Corpus.load(corpus).readers
    assert "forget" in [batch["source"] for batch in Release.open(store).manifest["history"]["batches"]]


def test_a_reader_who_is_in_no_corpus_costs_no_release(store: Store) -> None:
    releases, made = sorted(store.releases.iterdir()), artifacts(store)
    done = forget(store, LIGHT, Quiet())
    assert (done.n_readings, done.proof.is_clean, holding(store, LIGHT)) == (1, True, [])
    assert sorted(store.releases.iterdir()) == releases
    assert artifacts(store) == made
    assert outdated(store) == {}


def test_again_changes_nothing(store: Store) -> None:
    forget(store, WHO, Quiet())
    before = {path: path.read_bytes() for path in store.root.rglob("*") if path.is_file()}
    again = forget(store, WHO, Quiet())
    assert (again.n_readings, again.n_artifacts, again.n_releases) == (0, 0, 0)
    assert {path: path.read_bytes() for path in store.root.rglob("*") if path.is_file()} == before


def test_a_name_of_a_file_that_is_the_id_goes_too(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")  # the id is no part of a time: two digits once were the minute of the commit
    lines = "7421\tb0\n7421\tb1\n7421\tb2\n!rating\t7421\n!rating\t7421"
    path = tmp_path / "title_7421.txt"
    path.write_text(lines)
    ingest(store, path, Tsv(), Quiet())
    other = tmp_path / "7421nd.tsv"
    other.write_text("q\tb7421")
    ingest(store, other, Tsv(), Quiet())
    history = History(store.history)
    assert history.latest().batches["files"].to_list() == ["title_7421.txt", "7421nd.tsv"]
    assert {trace.path.split("/")[1] for trace in check(store, "7421", Quiet()).traces} == {
        "batches",
        "readings",
        "rejects",
    }
    assert forget(store, "7421", Quiet()).proof.is_clean
    assert history.latest().batches["files"].to_list() == ["title_….txt", "7421nd.tsv", ""]
    assert set(history.latest().rejects.collect()["file"]) == {"title_….txt"}
    assert "title_….txt:4 7421" in history.latest().batches["reasons"][0]
    assert not any(b"title_7421" in path.read_bytes() for path in store.root.rglob("*") if path.is_file())


def test_the_inbox_is_the_users(store: Store) -> None:
    store.inbox.mkdir()
    (store.inbox / f"{WHO}.csv").write_text("nothing of note")
    (store.inbox / "ratings.csv").write_text(f"a,b\n{WHO},x\n")
    (store.inbox / "others.csv").write_text(f"a,b\n{WHO}2,x\n")
    proof = forget(store, WHO, Quiet()).proof
    assert proof.inbox == ["ratings.csv"]
    assert (store.inbox / "ratings.csv").exists()


def test_nobody_and_nothing_are_said_without_the_id(store: Store, tmp_path: Path) -> None:
    before = {path for path in store.root.rglob("*") if path.is_file() and path.parent.name != "locks"}
    for who, namespace, message in (
        ("nobody@example.org", None, "no reader of that id in the namespaces tsv"),
        (WHO, "goodreads", "namespace 'goodreads': the history has tsv"),
        (" ", None, "the id is empty"),
    ):
        with pytest.raises(WagahaiError, match=message) as raised:
            forget(store, who, Quiet(), namespace=namespace)
        assert who == " " or who not in str(raised.value)
    assert {path for path in store.root.rglob("*") if path.is_file() and path.parent.name != "locks"} == before
    with pytest.raises(BadHistory, match="no readings yet"):
        forget(Store(tmp_path / "empty"), WHO, Quiet())


def test_another_key_finds_nobody_and_says_why(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "another key of the tests")
    for command in (forget, check):
        with pytest.raises(WagahaiError, match="another key"):
            command(store, WHO, Quiet())


@pytest.mark.parametrize("name", ["history", "refresh"])
def test_it_waits_for_others(store: Store, name: str) -> None:
    with store.lock(name), pytest.raises(StoreBusy, match=name):
        forget(store, WHO, Quiet())


def run(store: Store, die_at: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.pipeline.forgetting", str(store.root), str(die_at)]
    return subprocess.run(command, check=False, capture_output=True, text=True)


@pytest.fixture(scope="module")
def n_steps(made: Store, tmp_path_factory: pytest.TempPathFactory) -> int:
    counted = Store(tmp_path_factory.mktemp("counted") / "store")
    shutil.copytree(made.root, counted.root)
    return int(run(counted, 0).stdout)


@pytest.mark.parametrize(
    "share", [0.0, 0.15, 0.3, 0.6, 0.9, *(pytest.param(i / 40, marks=pytest.mark.slow) for i in range(41))]
)
def test_killed_anywhere_it_can_be_done_again(
    made: Store, store: Store, n_steps: int, share: float, tmp_path: Path
) -> None:
    expected, die_at = readings_but(made, WHO), 1 + round(share * (n_steps - 1))
    assert run(store, die_at).returncode == -signal.SIGKILL
    assert readings_but(store, WHO).equals(expected)
    assert len(Release.open(store).vectors)
    if comes_between := die_at % 2:
        (tmp_path / "x").write_text("reader-1\tb0\t2022-01-01")
        ingest(store, tmp_path / "x", Tsv(), Quiet())
    done = forget(store, WHO, Quiet())
    assert (done.proof.traces, holding(store), done.proof.learned) == ([], [], [store.current])
    assert readings_but(store).height == expected.height + comes_between
    assert not list(store.root.rglob(".making-*"))
    assert {name.split("/")[0] for name in artifacts(store)} == KNOW_NO_READERS


def test_the_same_number_in_another_service_is_another_person(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "other.tsv"
    path.write_text(f"{WHO}\tx\n{WHO}\ty\nr\tx\n")
    ingest(store, path, Tsv(), Quiet(), namespace="library")
    with pytest.raises(WagahaiError, match=rf"tsv \({N_BOOKS} readings\), library \(2 readings\).*--namespace"):
        forget(store, WHO, Quiet())
    assert forget(store, WHO, Quiet(), namespace="library").n_readings == 2
    assert readings_but(store, "nobody").filter(reader=name_of(store)).height == N_BOOKS
    assert forget(store, WHO, Quiet()).n_readings == N_BOOKS  # now only one is left
