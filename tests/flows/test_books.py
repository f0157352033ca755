"""``wagahai books explain`` as a person runs it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from data.history import History
from data.store import Store
from flows.cli import main
from tests.data.tables import batch


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path)
    soseki: dict[str, Any] = {"authors": "夏目漱石", "work": None}
    books: list[dict[str, Any]] = [
        {"book": "t:1", "title": "吾輩は猫である (新潮文庫)", **soseki, "year": 1961},
        {"book": "t:2", "title": "吾輩ハ猫デアル", **soseki, "isbn13": "9784101010014"},
        {"book": "t:3", "title": "吾輩は猫である 下", **soseki},
    ]
    batch("00000000000000aa", [{"reader": "0" * 32, "book": "t:2"}], books).commit(History(store.history))
    return store


def run(store: Store, *arguments: str) -> int:
    return main(["--store", str(store.root), "books", "explain", *arguments])


def test_a_title_is_answered_with_editions_evidence_and_near_misses(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(store, "吾輩ハ猫デアル 下") == 0
    assert "work t:3, 1 edition\n" in capsys.readouterr().out
    assert run(store, "--book", "t:1") == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "吾輩は猫である (新潮文庫): work t:1, 2 editions" in out
    assert "asked for" in out
    assert "part differs: none and 下" in out
    assert out.index("t:2 1") < out.index("t:1 0")  # the most read first


def test_json_holds_the_whole_chain(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(store, "--book", "t:1", "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    said = 'title and author "吾輩は猫である" / "夏目漱石"'
    evidence = {"rule": "title and author", "value": '"吾輩は猫である" / "夏目漱石"', "said": said}
    assert (answer["work"], answer["asked"]) == ("t:1", "t:1")
    assert answer["editions"][0] == {
        "book": "t:2",
        "n_readers": 1,
        "title": "吾輩ハ猫デアル",
        "authors": "夏目漱石",
        "year": None,
        "language": None,
        "isbn13": "9784101010014",
        "edition": None,
        "work": None,
        "evidence": [{"one": "t:1", "other": "t:2", **evidence}],
    }
    (miss,) = answer["refused"]
    assert (miss["other"], miss["title"], miss["why"]) == ("t:3", "吾輩は猫である 下", "part differs: none and 下")


def test_a_book_alone_says_so(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    store.overrules.write_text('apart = [["t:1", "t:2"]]')
    assert run(store, "--book", "t:2") == 0
    assert "kept apart by works.toml" in " ".join(capsys.readouterr().out.split())
    assert run(store, "--book", "t:2", "--format", "csv") == 0
    assert capsys.readouterr().out == "book,n_readers,title,authors,because\nt:2,1,吾輩ハ猫デアル,夏目漱石,asked for\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "name one book: a title, or --book ID"),
        (["猫", "--book", "t:1"], "name one book: a title, or --book ID"),
        (["--book", "t:9"], "no book of the history has the id 't:9'"),
        (["吾輩は犬である"], "no book matches '吾輩は犬である'; the closest titles are:"),
        (["吾輩は猫"], "2 books match '吾輩は猫'"),
    ],
)
def test_what_cannot_be_answered_says_why(
    store: Store, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert run(store, *arguments) == 2
    assert message in capsys.readouterr().err


def test_a_store_without_books_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(Store(tmp_path), "猫") == 2
    assert "wagahai ingest" in capsys.readouterr().err
