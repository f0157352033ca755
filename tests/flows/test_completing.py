"""``wagahai complete``: books missing of a reader, as a person and as a program ask for them."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest

from data.release import Release
from data.store import KEY_VARIABLE, Store
from flows.cli import USER_ERROR, main
from models.dbm_config import UNKNOWN
from pipeline.complete import condition, machine_of, missing_books
from tests.pipeline.machine_release import build, with_machine, without_machine
from tests.pipeline.topic_release import HISTORIES, KEY, N_BOOKS, TASTE, raw_ids, store_of

READER = raw_ids()[0]  # of books 0 to 19


store = store_of(build)


@pytest.fixture
def release(store: Store) -> Release:
    return with_machine(store)


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, KEY)


def ask(store: Store, release: Release, capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    assert main(["--store", str(store.root), "complete", "--release", release.id, *arguments]) == code
    out, err = capsys.readouterr()
    return err if code else out


def test_json_lists_what_the_machine_says(store: Store, release: Release, capsys: pytest.CaptureFixture[str]) -> None:
    answer = json.loads(ask(store, release, capsys, READER, "-k", "4", "--json"))
    read = np.array(HISTORIES[0])
    found = missing_books(machine_of(store, release), read, N_BOOKS, np.ones(N_BOOKS, bool), 0)
    given = "given which of the 30 books are read and which are not"
    known = {"n_books": len(read), "n_known": found.n_known, "n_asked_of": 30}
    assert answer["asked"] == {**known, "condition": given}
    assert answer["verdict"] == release.boltzmann["verdict"]["told"]
    assert (answer["release"], answer["level"], answer["filters"]) == (release.id, 0.9, [])
    assert [book["book"] for book in answer["books"]] == [f"t:{row:02d}" for row in found.rows[:4]]
    for name in ("p", "low", "high", "sd", "error"):
        assert [book[name] for book in answer["books"]] == getattr(found, name)[:4].tolist()
    assert not {book["book"] for book in answer["books"]} & {f"t:{row:02d}" for row in read}


def test_csv_has_a_row_a_book(store: Store, release: Release, capsys: pytest.CaptureFixture[str]) -> None:
    rows = list(csv.DictReader(io.StringIO(ask(store, release, capsys, READER, "-k", "3", "--format", "csv"))))
    assert [row["rank"] for row in rows] == ["1", "2", "3"]
    assert {row["verdict"] for row in rows} == {release.boltzmann["verdict"]["told"]}
    assert all(float(row["low"]) <= float(row["p"]) <= float(row["high"]) for row in rows)


def test_the_table_says_what_its_numbers_are(
    store: Store, release: Release, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ask(store, release, capsys, READER)
    assert "of the 30 most read books" in out
    assert "from sampling alone" in out
    assert release.boltzmann["verdict"]["told"].split(";")[0] in out.replace("\n", " ")


def test_what_is_not_shown_is_not_said_to_be_unread_where_it_is_unknown(store: Store, release: Release) -> None:
    model = machine_of(store, release)
    assert "which are not" in condition(model)
    model.config = replace(model.config, unshown=UNKNOWN)
    assert "which are not" not in condition(model)
    assert "taken for unknown" in condition(model)


def test_filters_leave_books_out(store: Store, release: Release, capsys: pytest.CaptureFixture[str]) -> None:
    every = json.loads(ask(store, release, capsys, READER, "-k", "40", "--json"))
    most = max(book["n_readers"] for book in every["books"])
    fewer = json.loads(ask(store, release, capsys, READER, "-k", "40", "--min-readers", str(most), "--json"))
    expected = [book["book"] for book in every["books"] if book["n_readers"] == most]
    assert [book["book"] for book in fewer["books"]] == expected
    assert 0 < len(expected) < len(every["books"])
    assert fewer["filters"]
    assert "leave no book" in ask(store, release, capsys, READER, "--min-readers", "1000", code=USER_ERROR)


def test_the_id_comes_from_standard_input_and_is_told_nowhere(
    store: Store, release: Release, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{READER}\n"))
    out = ask(store, release, capsys, "-", "-k", "3", "--json")
    assert READER not in out
    assert out == ask(store, release, capsys, READER, "-k", "3", "--json")


def test_a_reader_of_the_other_taste_misses_other_books(
    store: Store, release: Release, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = [json.loads(ask(store, release, capsys, reader, "-k", "3", "--json")) for reader in raw_ids()[:2]]
    rows = [{int(book["book"].removeprefix("t:")) for book in answer["books"]} for answer in answers]
    assert max(rows[0]) < TASTE <= min(rows[1])


def test_errors_say_what_to_do(store: Store, release: Release, capsys: pytest.CaptureFixture[str]) -> None:
    assert "no reader of that id" in ask(store, release, capsys, "nobody", code=USER_ERROR)
    without = without_machine(store)
    assert "no Boltzmann machine" in ask(store, without, capsys, READER, code=USER_ERROR)
