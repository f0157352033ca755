"""``why``, ``editions`` and what is placed from the history, as a person asks for them."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data.artifact import read_json, write_json
from data.certainty import Calibration
from data.ensemble import Ensemble
from data.history import History
from data.pseudonym import key_fingerprint, pseudonym
from data.store import KEY_VARIABLE, Store
from data.vectors import unit_rows
from flows.answers import between, listed, percent
from flows.cli import main
from pipeline.query import nearest
from tests.data.tables import batch
from tests.pipeline.readings_beside import release_and_corpus

KEY = "a key of the tests"
N_BOOKS = 16
CAT = {"authors": "夏目 漱石", "work": "w:1", "format": "bunko"}
ROWS: list[dict[str, Any]] = [
    {**CAT, "title": "吾輩は猫である (新潮文庫)", "imprint": "新潮文庫", "year": 1961},
    {**CAT, "title": "吾輩は猫である (岩波文庫)", "imprint": "岩波文庫"},
    {"title": "The Hobbit", "authors": "J.R.R. Tolkien"},
    {"title": "=1984\x1b[2J", "authors": "George Orwell"},  # titles are untrusted
    *({"title": f"Book {i}"} for i in range(N_BOOKS - 4)),
]
# 35 readers: 15 of books 0 and 1, 19 of 2, 10 of 3, 4 of whom read 2; the rest of the books by the same five readers
GROUPS = [([0, 1, 2], 5), ([0, 2], 5), ([0, 1], 5), ([1, 2], 5), ([2, 3], 4), ([3], 6), (list(range(4, N_BOOKS)), 5)]
HISTORIES = [books for books, n in GROUPS for _ in range(n)]
LATER = {"anna": ["t:2", "t:3", "t:77"], "ben": ["t:2", "t:77"], "cleo": ["t:2", "t:77", "t:88"], "finn": ["t:88"]}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path)
    random = np.random.default_rng(0)
    vectors = random.normal(size=(N_BOOKS, 3))
    replicates = (unit_rows(vectors + random.normal(0, 0.1, vectors.shape)) for _ in range(4))
    release_and_corpus(store, ROWS, vectors, HISTORIES, Ensemble.of(replicates, Calibration()))
    return store


def ask(store: Store, capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    assert main(["--store", str(store.root), *arguments]) == code
    out, err = capsys.readouterr()
    return err if code else out


# ---- how sure, in words ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("p", "said"),
    [
        (0.0, " <1 %"),
        (0.009, " <1 %"),
        (0.01, "  1 %"),
        (0.844, " 84 %"),
        (0.99, " 99 %"),
        (0.995, ">99 %"),
        (1, ">99 %"),
    ],
)
def test_nothing_is_said_to_be_certain(p: float, said: str) -> None:
    assert percent(p) == said


def test_a_similarity_is_said_with_its_interval() -> None:
    assert between(0.812, 0.62, 0.8449) == "0.81 (0.62 to 0.84)"
    assert between(-0.5, None, None) == "-0.50"


@pytest.mark.parametrize(
    ("texts", "said"), [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")]
)
def test_names_are_listed(texts: list[str], said: str) -> None:
    assert listed(texts) == said


def test_the_table_says_how_sure_and_what_that_means(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    out = ask(store, capsys, "nearest", "hobbit", "-k", "10")
    release_list = json.loads(ask(store, capsys, "nearest", "hobbit", "--json"))["near"]
    assert "sure: chance to be among the 10 nearest" in out
    assert "lies 90 times in 100" in out
    assert "calibrated" not in out
    first = release_list[0]
    assert percent(first["p_top"]) in out
    assert between(first["similarity"], first["low"], first["high"]) in out
    assert "chance to be among the 10 nearest, and" in ask(store, capsys, "nearest", "hobbit", "-k", "3")
    assert "(calibrated on lists of all books beside one)" in ask(store, capsys, "nearest", "hobbit", "Book 3")
    filtered = ask(store, capsys, "nearest", "hobbit", "--other-works")
    assert "among the 10 nearest of the books that pass" in filtered
    assert "(calibrated on lists of all books beside one)" in filtered


def test_json_and_csv_carry_numbers(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    near = json.loads(ask(store, capsys, "nearest", "hobbit", "--json"))["near"]
    rows = list(csv.DictReader(io.StringIO(ask(store, capsys, "nearest", "hobbit", "--format", "csv"))))
    assert [[float(row[name]) for name in ("similarity", "low", "high", "p_top")] for row in rows] == [
        [record[name] for name in ("similarity", "low", "high", "p_top")] for record in near
    ]
    assert all(0 <= record["p_top"] <= 1 and record["low"] <= record["similarity"] <= record["high"] for record in near)


def test_an_empty_far_list_says_so(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    first = json.loads(ask(store, capsys, "nearest", "hobbit", "--json"))["near"][0]["book"]
    out = ask(store, capsys, "nearest", "hobbit", "--far", "3", "--only", str(_list(store, first)))
    assert "and further than half of these beyond doubt): none\n" in out


def test_far_books_are_said_to_be_beyond_doubt_where_that_was_measured(
    later: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    beyond = "further than half of these beyond doubt"
    assert beyond in ask(later, capsys, "nearest", "hobbit", "--far", "3")
    assert beyond not in ask(later, capsys, "nearest", "seventy seven", "--far", "3")


def test_the_default_space_may_be_named(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ("nearest", "hobbit", "--far", "3")
    assert ask(store, capsys, *asked, "--space", "spectral") == ask(store, capsys, *asked)


def _list(store: Store, *titles: str) -> Path:
    path = store.root / "list.txt"
    path.write_text("\n".join(titles), encoding="utf-8")
    return path


# ---- why ---------------------------------------------------------------------------------------


def test_why_two_books_are_near(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    """10 of the 35 readers read both: by chance 15 * 19 / 35 = 8.14 would; lift 1.23, Jaccard 10 / 24."""
    out = ask(store, capsys, "why", "猫 新潮", "hobbit")
    lines = {line.strip() for line in out.splitlines()}
    assert any(line.startswith("readers of both") and line.endswith(" 10") for line in lines)
    assert any(line.startswith("expected by chance") and line.endswith(" 8.1") for line in lines)
    assert any(line.startswith("lift") and line.endswith(" 1.2") for line in lines)
    assert any(line.startswith("Jaccard") and line.endswith(" 0.417") for line in lines)
    assert "What readers of both read more than others do" in out
    assert "吾輩は猫である (岩波文庫)" in out
    answer = json.loads(ask(store, capsys, "why", "猫 新潮", "--book", "t:2", "--json"))
    assert (answer["n_shared"], answer["n_expected"], answer["min_readers"]) == (10, 15 * 19 / 35, 5)
    assert [(also["book"], also["n_shared"], also["lift"]) for also in answer["also"]] == [("t:1", 5, 1.17)]
    near = json.loads(ask(store, capsys, "nearest", "猫 新潮", "--json"))["near"]
    ranks = {record["book"]: record["rank"] for record in near}
    assert ranks.get("t:2", answer["place_of_second"]["rank"]) == answer["place_of_second"]["rank"]


def test_few_shared_readers_are_masked_everywhere(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    """4 readers read books 2 and 3, none 0 and 3, all of theirs 4 and 5: what is printed does not tell which."""
    for pair in (("t:2", "t:3"), ("t:0", "t:3"), ("t:4", "t:5")):
        out = ask(store, capsys, "why", *pair)
        assert out.count("not told") == 3
        assert "No other book is told that their shared readers have read." in out
        assert "told where at least 5 do and at least 5 readers of each do not" in out
        answer = json.loads(ask(store, capsys, "why", *pair, "--json"))
        assert (answer["n_shared"], answer["lift"], answer["jaccard"], answer["also"]) == (None, None, None, [])


def test_titles_are_untrusted(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (("why", "t:2", "t:3"), ("editions", "t:3"), ("nearest", "t:3")):
        assert "\x1b" not in ask(store, capsys, *arguments)
    assert "'=1984" in ask(store, capsys, "editions", "t:3", "--format", "csv")


# ---- editions ----------------------------------------------------------------------------------


def test_editions_side_by_side(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    out = ask(store, capsys, "editions", "吾輩は猫である")
    assert "2 editions with enough readers, release r1" in out
    assert "50 %" in out
    assert "新潮文庫" in out
    assert "most read" in out
    assert "read both" in out
    answer = json.loads(ask(store, capsys, "editions", "--book", "t:1", "--json"))
    assert answer["work"] == "w:1"
    assert [(e["book"], e["share"], e["n_shared"], e["imprint"]) for e in answer["editions"]] == [
        ("t:0", 0.5, 10, "新潮文庫"),
        ("t:1", 0.5, 10, "岩波文庫"),
    ]
    assert [len(e["near"]) for e in answer["editions"]] == [5, 5]
    assert not {"t:0", "t:1"} & {near["book"] for e in answer["editions"] for near in e["near"]}
    first, second = answer["editions"]
    assert (first["similarity"], first["low"]) == (None, None)
    assert second["low"] <= second["similarity"] <= second["high"]


def test_a_single_edition_is_compared_with_nothing(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    out = ask(store, capsys, "editions", "hobbit")
    assert "The Hobbit: 1 edition with enough readers" in out
    assert "*" not in out


# ---- from the history --------------------------------------------------------------------------


@pytest.fixture
def later(store: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """The store with a history in which two books came after the release; books are placed from 3 readers on."""
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    who = {name: pseudonym(name, "tsv", KEY.encode()) for name in LATER}
    rows = [{"reader": who[name], "book": book} for name, books in LATER.items() for book in books]
    books = [{"book": b, "title": t, "work": None} for b, t in (("t:77", "Seventy-seven"), ("t:88", "Eighty-eight"))]
    made = batch("00000000000000aa", rows, books)
    made.account.update(key=key_fingerprint(KEY.encode()))
    made.commit(History(store.history))
    manifest = store.release("r1") / "manifest.json"
    facts = read_json(manifest)
    facts["settings"]["corpus"] = {"min_readers": 3, "unit": "edition"}
    write_json(manifest, facts)
    return store


def test_a_book_that_came_later_is_warm(later: Store, capsys: pytest.CaptureFixture[str]) -> None:
    out = ask(later, capsys, "nearest", "seventy seven")
    assert "Near seventy seven (warm: 3 readers, not in the release), release r1" in out
    assert "How sure this is was not measured: what is warm is placed from its readers, not learned." in out
    answer = json.loads(ask(later, capsys, "nearest", "--book", "t:77", "--json"))
    assert answer["asked"]["like"] == [{"book": None, "title": "t:77", "n_readers": 3, "warm": True}]
    assert answer["near"][0]["p_top"] is None
    both = json.loads(ask(later, capsys, "nearest", "t:77", "hobbit", "--json"))
    assert [book["warm"] for book in both["asked"]["like"]] == [True, False]
    assert "t:2" not in [record["book"] for record in both["near"]]
    assert "not in the release" in ask(later, capsys, "nearest", "t:77", "--other-authors", code=2)


def test_a_new_book_comes_before_several_whose_titles_it_is_part_of(
    later: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    """The release has two cats; the history has also a book that is called nothing but 猫, and one of two readers."""
    assert "2 books match '猫'" in ask(later, capsys, "nearest", "猫", code=2)
    label = {"work": None}
    books = [{"book": "t:90", "title": "猫", **label}, {"book": "t:91", "title": "漱石", **label}]
    readers = [pseudonym(name, "tsv", KEY.encode()) for name in ("dora", "emil", "gus")]
    rows = [{"reader": reader, "book": book} for reader in readers for book in ("t:2", "t:90")]
    rows += [{"reader": reader, "book": "t:91"} for reader in readers[:2]]
    made = batch("00000000000000bb", rows, books)
    made.account.update(key=key_fingerprint(KEY.encode()))
    made.commit(History(later.history))
    assert "Near 猫 (warm: 3 readers, not in the release)" in ask(later, capsys, "nearest", "猫")
    assert "2 books match '吾輩は猫である'" in ask(later, capsys, "nearest", "吾輩は猫である", code=2)
    assert "2 books match '漱石'" in ask(later, capsys, "nearest", "漱石", code=2)
    assert "2 books match '夏目'" in ask(later, capsys, "nearest", "夏目", code=2)


def test_behind_a_known_and_a_warm_book_are_the_readers_of_the_less_read(
    later: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    """Seventy-seven has 3 readers; the other book has 19, then 2."""
    folder = later.release("r1")
    facts = read_json(folder / "manifest.json")
    facts["settings"]["publish"]["far_min_readers"] = 4
    write_json(folder / "manifest.json", facts)
    assert "Only 3 readers (fewer than 4)" in ask(later, capsys, "nearest", "t:77", "hobbit")
    books = read_json(folder / "books.json")
    books["n_readers"][2] = 2
    write_json(folder / "books.json", books)
    assert "Only 2 readers (fewer than 4)" in ask(later, capsys, "nearest", "t:77", "hobbit")


def test_a_book_of_too_few_readers_is_unknown_and_not_counted(later: Store, capsys: pytest.CaptureFixture[str]) -> None:
    said = ask(later, capsys, "nearest", "eighty eight", code=2)
    assert "unknown: 'eighty eight' is in the history, but fewer than 3 of its readers" in said
    assert main(["--store", str(later.root), "nearest", "t:88", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"] == "TooFewReaders"


def test_a_book_nobody_has_is_unknown(later: Store, capsys: pytest.CaptureFixture[str]) -> None:
    said = ask(later, capsys, "nearest", "The Hobit", code=2)
    assert "the closest titles are:\n  The Hobbit" in said
    assert "no book has the id 'Seventy-seven'" in ask(later, capsys, "nearest", "--book", "Seventy-seven", code=2)


def test_near_a_reader_are_books_near_the_middle_of_those_read(
    later: Store, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = json.loads(ask(later, capsys, "nearest", "--reader", "anna", "--json"))
    assert answer["asked"] == {"reader": [{"n_books": 2}], "unlike": []}
    assert not {"t:2", "t:3"} & {record["book"] for record in answer["near"]}
    middle = json.loads(ask(later, capsys, "nearest", "t:2", "t:3", "--json"))
    assert [record["similarity"] for record in answer["near"]] == [record["similarity"] for record in middle["near"]]
    out = ask(later, capsys, "nearest", "--reader", "anna", "--namespace", "tsv", "--unlike", "Book 3")
    assert "Near a reader (2 books of the release read) but not Book 3, release r1" in out
    assert "anna" not in out
    monkeypatch.setattr("sys.stdin", io.StringIO("anna\n"))
    assert json.loads(ask(later, capsys, "nearest", "--reader", "-", "--json"))["near"] == answer["near"]
    assert "unknown: none of the reader's books" in ask(later, capsys, "nearest", "--reader", "finn", code=2)
    assert "no reader of that id" in ask(later, capsys, "nearest", "--reader", "zoe", code=2)


def test_the_command_line_and_python_agree(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    from data.release import Release

    release = Release.open(store)
    answer = json.loads(ask(store, capsys, "nearest", "hobbit", "-k", "4", "--json"))
    assert answer["near"] == nearest(release, 2, 4).records(release.books)
