"""``wagahai topics``: of the readership, of a book, of a reader, as a person and as a program ask for them."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from data.artifact import read_json
from data.release import Release
from data.store import KEY_VARIABLE, Store
from flows.cli import USER_ERROR, main
from tests.flows.test_reading import LOADED, wagahai
from tests.pipeline.hand_topics import PRIOR, take_the_place
from tests.pipeline.topic_release import HISTORIES, KEY, TASTE, build, raw_ids, readers_of, store_of, without_topics

store = store_of(build)


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    take_the_place(monkeypatch)


def ask(store: Store, capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    assert main(["--store", str(store.root), *arguments]) == code
    out, err = capsys.readouterr()
    return err if code else out


def test_json_lists_the_topics_of_the_model_to_trust(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    answer = json.loads(ask(store, capsys, "topics", "-n", "3", "--json"))
    release = Release.open(store)
    assert (answer["release"], answer["model"]) == (release.id, "lda")
    assert answer["verdict"] == release.topic_quality["verdict"]
    topics = release.topics("lda")
    assert [topic["topic"] for topic in answer["topics"]] == (np.argsort(-topics.shares, kind="stable") + 1).tolist()
    first = next(topic for topic in answer["topics"] if topic["topic"] == 1)
    assert first["share"] == pytest.approx(float(topics.shares[0]), abs=1e-4)
    assert first["name"] == "夏目 漱石"  # of the ten most typical books four, of every other author one
    assert [book["book"] for book in first["books"]] == [f"t:{row:02d}" for row in topics.typical_rows[0, :3]]
    assert first["books"][0]["n_readers"] == max(readers_of(book) for book in range(TASTE))


def test_another_model_is_asked_by_its_kind(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    answer = json.loads(ask(store, capsys, "topics", "--model", "prodlda", "--json"))
    assert (answer["model"], len(answer["topics"])) == ("prodlda", 4)
    assert None in [topic["n_main"] for topic in answer["topics"]]


def test_csv_has_a_row_per_topic_and_book(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    rows = list(csv.DictReader(io.StringIO(ask(store, capsys, "topics", "-n", "2", "--format", "csv"))))
    assert [(row["topic"], row["rank"]) for row in rows if row["topic"] == "1"] == [("1", "1"), ("1", "2")]
    assert len(rows) == 4


def test_the_table_says_whom_to_trust(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    out = ask(store, capsys, "topics", "-n", "2")
    assert f"Topics of lda, release {store.current}" in out
    assert "夏目 漱石" in out
    assert Release.open(store).topic_quality["verdict"]["to_read"] in out
    assert "not told" in ask(store, capsys, "topics", "--model", "prodlda")


def test_the_topics_of_a_book(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    answer = json.loads(ask(store, capsys, "topics", "第25巻", "--json"))
    profile = Release.open(store).topics("lda").profile(25)
    assert answer["asked"] == {"book": {"book": "t:25", "title": "第25巻 (新潮文庫)"}}
    assert [topic["topic"] for topic in answer["topics"]] == [2, 1]
    assert [topic["share"] for topic in answer["topics"]] == pytest.approx(sorted(profile, reverse=True), abs=1e-4)
    assert answer["level"] is answer["topics"][0]["low"] is None
    out = ask(store, capsys, "topics", "--book", "t:25")
    assert "Topics of 第25巻 (新潮文庫), model lda" in out
    assert "share: of the readings of this book" in out


def test_the_topics_of_a_reader_with_how_sure(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    answer = json.loads(ask(store, capsys, "topics", "--reader", raw_ids()[1], "--json"))
    n_books = len(HISTORIES[1])
    assert answer["asked"] == {"reader": {"n_books": n_books}}
    first, second = answer["topics"]
    assert (first["topic"], second["topic"]) == (2, 1)
    assert first["share"] == pytest.approx((PRIOR + n_books) / (2 * PRIOR + n_books), abs=1e-4)
    assert 0 <= second["low"] < second["share"] < second["high"] < first["low"] < first["share"] < first["high"] <= 1
    out = ask(store, capsys, "topics", "--reader", raw_ids()[1])
    assert f"Topics of a reader ({n_books} books of the release read)" in out
    assert "in brackets the model's 90 % interval, given these books and its topics" in out
    assert raw_ids()[1] not in out


def test_a_reader_is_read_from_standard_input(
    store: Store, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{raw_ids()[0]}\n"))
    out = ask(store, capsys, "topics", "--reader", "-", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [row["topic"] for row in rows] == ["1", "2"]
    assert float(rows[0]["low"]) < float(rows[0]["share"])


def test_why_lists_the_topics_that_two_books_share(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    """Books 25 and 26 are of the second taste, and of the third of its halves; 5 is of the first."""
    answer = json.loads(ask(store, capsys, "why", "t:25", "t:26", "--json"))
    assert [(shared["model"], shared["topic"]) for shared in answer["topics"]] == [("lda", 2), ("prodlda", 3)]
    release = Release.open(store)
    for shared in answer["topics"]:
        told = [shared["share_of_first"], shared["share_of_second"]]
        topics = release.topics(shared["model"])
        assert told == pytest.approx([topics.profile(row)[shared["topic"] - 1] for row in (25, 26)], abs=1e-4)
    out = ask(store, capsys, "why", "t:25", "t:26")
    assert "Topics that have 10 % or more of the readings of both" in out
    assert answer["topics"][0]["name"].split(" · ")[0] in out
    assert json.loads(ask(store, capsys, "why", "t:05", "t:26", "--json"))["topics"] == []
    assert "No topic has 10 % or more of the readings of both." in ask(store, capsys, "why", "t:05", "t:26")


def test_nearest_asks_a_space_of_topics(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    answer = json.loads(ask(store, capsys, "nearest", "第25巻", "--space", "prodlda", "-k", "9", "--json"))
    assert sorted(record["book"] for record in answer["near"]) == [f"t:{i}" for i in range(20, 30) if i != 25]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["第25巻", "--book", "t:25"], "name one book, by a title or with --book ID, or a reader with --reader ID"),
        (["第25巻", "--reader", "x"], "name one book, by a title"),
        (["no such book at all"], "no book matches"),
        (["--book", "第25巻"], "no book has the id"),
        (["--model", "gensim"], "no topics of 'gensim'; it has those of lda, prodlda"),
        (["--reader", "nobody"], "no reader of that id in t"),
        (["--reader", "x", "--namespace", "other"], "namespace 'other': the history has t"),
        (["--reader", raw_ids()[0], "--model", "gensim"], "no topics of 'gensim'"),
    ],
)
def test_what_a_user_can_mend_is_said(
    store: Store, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert message in ask(store, capsys, "topics", *arguments, code=2)


def test_a_release_without_topics_says_how_to_have_some(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store = build(tmp_path, monkeypatch, without_topics())
    assert "was made without topics; name some in topics.models" in ask(store, capsys, "topics", code=2)


def test_a_release_older_than_topics_says_so_too(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = Store(shutil.copytree(store.root, tmp_path / "copy"))
    path = copy.release(str(copy.current)) / "manifest.json"
    manifest = {name: value for name, value in read_json(path).items() if name != "topics"}
    path.write_text(json.dumps(manifest))
    assert "was made without topics" in ask(copy, capsys, "topics", code=2)


@pytest.mark.parametrize("arguments", [["topics"], ["topics", "第25巻"], ["topics", "--book", "t:25", "--json"]])
def test_asking_loads_no_heavy_library(store: Store, arguments: list[str]) -> None:
    done = wagahai(store, *arguments, script=LOADED)
    assert (done.returncode, done.stderr) == (0, "[]")


def test_an_empty_title_and_a_namespace_of_nobody_are_refused(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, said in ((["topics", ""], "title"), (["topics", "--namespace", "t"], "name one with --reader ID")):
        assert main(["--store", str(store.root), *arguments]) == USER_ERROR
        assert said in capsys.readouterr().err
