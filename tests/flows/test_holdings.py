"""What is held, as a person asks for it: history, rejects, forget. No id of a reader is ever printed."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from data.history import History
from data.store import Store
from tests.flows.test_reading import ROOT
from tests.pipeline.forgetting import LIGHT, N_BOOKS, N_READERS, WHO, holding, make_store

HEAVY = ("prefect", "torch", "gensim", "pyro", "sklearn")
_LOADED = f"""
import json, sys
from flows.cli import main
code = main(sys.argv[1:])
sys.stderr.write("\\n" + json.dumps([name for name in {HEAVY!r} if name in sys.modules]))
sys.exit(code)
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return make_store(tmp_path_factory.mktemp("made"))


@pytest.fixture
def store(made: Store, tmp_path: Path) -> Store:
    shutil.copytree(made.root, tmp_path / "store")
    return Store(tmp_path / "store")


def wagahai(
    store: Store, *arguments: str, given: str = "", script: str | None = None
) -> subprocess.CompletedProcess[str]:
    command = ["-c", script] if script else ["-m", "flows.cli"]
    return subprocess.run(
        [sys.executable, *command, "--store", str(store.root), *arguments],
        input=given,
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=ROOT,
        timeout=60,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )


def test_history_is_every_version_and_what_it_came_to(made: Store) -> None:
    answer = json.loads(wagahai(made, "history", "--json").stdout)
    n_readings = N_READERS * N_BOOKS + 1
    assert {name: answer[name] for name in ("n_readings", "n_readers", "n_books", "read", "wish")} == {
        "n_readings": n_readings,
        "n_readers": N_READERS + 1,
        "n_books": 2 * N_BOOKS,
        "read": n_readings,
        "wish": 0,
    }
    first, second = answer["versions"]
    assert (first["version"], second["version"]) == (1, 2)
    assert (first["n_new"], first["n_changed"], second["n_new"]) == (n_readings, 0, 0)
    assert second["n_changed"] == N_READERS * N_BOOKS
    assert (first["files"], first["read_on"]) == ("0.tsv", "2020-01-01 – 2021-03-01")
    table = wagahai(made, "history").stdout
    assert (
        f"{n_readings} readings ({n_readings} read) of {N_READERS + 1} readers; {2 * N_BOOKS} books described" in table
    )
    assert all(len(line) <= 120 for line in table.splitlines()[1:])
    assert first["batch"][:8] in table
    rows = list(csv.DictReader(io.StringIO(wagahai(made, "history", "--format", "csv").stdout)))
    assert [row["batch"] for row in rows] == [first["batch"], second["batch"]]


def test_a_batch_is_told_whole_and_found_by_its_first_digits(made: Store) -> None:
    batch = History(made.history).latest().batches["batch"][0]
    told = json.loads(wagahai(made, "history", batch[:6], "--json").stdout)
    assert (told["batch"], told["reasons"][0]["n"]) == (batch, 1)
    text = wagahai(made, "history", batch).stdout
    assert f"batch {batch}, version 1" in text
    assert "cannot be used: 0.tsv:" in text
    for prefix, message in (("zz", "no batch begins"), ("", "no batch begins")):
        done = wagahai(made, "history", prefix)
        assert done.returncode == 2
        assert message in done.stderr


def test_rejects_are_counted_by_reason_and_listed_in_order(made: Store) -> None:
    line = 1 + 2 * N_BOOKS + N_READERS * N_BOOKS + 1
    answer = json.loads(wagahai(made, "rejects", "--json").stdout)
    assert (answer["n_rejected"], answer["reasons"]) == (2, [{"reason": "cannot be used", "n": 2}])
    assert [(row["file"], row["line"], row["column"], row["found"]) for row in answer["rows"]] == [
        ("0.tsv", line, "rating", "9"),
        ("1.tsv", line, "rating", "9"),
    ]
    batch = answer["rows"][1]["batch"]
    one = json.loads(wagahai(made, "rejects", batch[:8], "--json").stdout)
    assert (one["n_rejected"], [row["file"] for row in one["rows"]]) == (1, ["1.tsv"])
    few = json.loads(wagahai(made, "rejects", "-n", "1", "--reason", "BE USED", "--json").stdout)
    assert (few["n_rejected"], [row["file"] for row in few["rows"]]) == (2, ["0.tsv"])
    assert wagahai(made, "rejects", "--reason", "no such").stdout == "no row was rejected\n"
    assert "2 rows rejected" in wagahai(made, "rejects").stdout
    assert wagahai(made, "rejects", "--format", "csv").stdout.startswith("batch,file,line,reason,column,found\n")


def test_forget_proves_itself_and_tells_no_id(store: Store) -> None:
    before = wagahai(store, "forget", "-", "--check", given=f"{WHO}\n")
    assert before.returncode == 3
    assert "6 hold this reader" in before.stdout
    assert "learned from this reader" in before.stdout
    done = wagahai(store, "forget", WHO)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"removed {N_BOOKS} readings from the history; ")
    assert ": 0 hold this reader\n" in done.stdout
    assert f"release {store.current}, which serves, was trained before the forget; the next refresh" in done.stdout
    after = wagahai(store, "forget", "--check", WHO)
    assert (after.returncode, ": 0 hold this reader\n" in after.stdout) == (3, True)  # the release that serves
    assert wagahai(store, "forget", LIGHT, "--check").returncode == 3
    assert "forgotten on" in wagahai(store, "releases").stdout
    assert "(a reader was forgotten)" in wagahai(store, "history", "--format", "csv").stdout
    readmitted = wagahai(store, "forget", WHO, "--readmit")
    assert readmitted.returncode == 0
    unknown = wagahai(store, "forget", "nobody@example.org")
    assert (unknown.returncode, "no reader of that id" in unknown.stderr) == (2, True)
    two = wagahai(store, "forget", WHO, "Example")
    assert (two.returncode, "give one id" in two.stderr) == (2, True)
    for answer in (before, done, after, readmitted, unknown, two):
        assert "@example.org" not in answer.stdout + answer.stderr
        assert "Traceback" not in answer.stderr
    assert holding(store) == []


@pytest.mark.parametrize("arguments", [["history"], ["rejects"], ["forget", "--check", WHO]])
def test_they_load_neither_prefect_nor_a_model(made: Store, arguments: list[str]) -> None:
    done = wagahai(made, *arguments, script=_LOADED)
    assert done.stderr.splitlines()[-1] == "[]", done.stderr


def test_an_empty_store_says_what_to_do(tmp_path: Path) -> None:
    for arguments in (["history"], ["rejects"], ["forget", "x"]):
        done = wagahai(Store(tmp_path), *arguments)
        assert (done.returncode, "no readings yet; ingest a source first" in done.stderr) == (2, True)
