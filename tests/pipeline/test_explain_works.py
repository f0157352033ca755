"""Why books are one work: the chain of evidence, near misses, and titles looked up in the history."""

from __future__ import annotations

from typing import Any

import pytest

from data.errors import AmbiguousTitle, UnknownBook, WagahaiError
from data.history import History, ReadingHistory
from data.store import Store
from data.works.table import Works
from pipeline.explain_works import Explanation, explain, find_edition, say
from pipeline.make_works import make_works
from tests.data.tables import batch

SOSEKI, MURAKAMI = {"authors": "夏目漱石"}, {"authors": "村上春樹"}
BOOKS: list[dict[str, Any]] = [
    {"book": "t:1", "title": "吾輩は猫である (新潮文庫)", **SOSEKI, "isbn13": "9784101010014"},
    {"book": "t:2", "title": "吾輩は猫である (岩波文庫)", **SOSEKI, "work": "goodreads:3275794"},
    {"book": "t:3", "title": "I Am a Cat", "authors": "Soseki Natsume", "work": "goodreads:3275794"},
    {"book": "t:4", "title": "吾輩は猫である", "isbn13": "9784101010014"},
    {"book": "t:5", "title": "吾輩は猫である", **SOSEKI, "format": "comic"},
    {"book": "t:6", "title": "海辺のカフカ 上 (新潮文庫)", **MURAKAMI},
    {"book": "t:7", "title": "海辺のカフカ 下 (新潮文庫)", **MURAKAMI},
    {"book": "t:8", "title": "海辺のカフカ (上)", **MURAKAMI},
]
READ = ["t:1"] * 2 + ["t:2"] * 3 + ["t:6"] + ["t:8"] * 2 + ["t:9"]


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> tuple[ReadingHistory, Works]:
    store = Store(tmp_path_factory.mktemp("store"))
    read = [{"reader": f"{i:032x}", "book": book} for i, book in enumerate(READ)]
    wish = [{"reader": "f" * 32, "book": "t:3", "status": "wish"}]
    books = [{"work": None, **book} for book in BOOKS]
    batch("00000000000000aa", read + wish, books).commit(History(store.history))
    history = History(store.history).latest()
    return history, Works.load(make_works(store, history)[0])


def said(found: Explanation) -> dict[str, list[str]]:
    return {book: [f"{step.one}-{step.other} {step.said}" for step in way] for book, way in found.evidence.items()}


def test_every_edition_has_its_evidence_from_the_book_asked_for(known: tuple[ReadingHistory, Works]) -> None:
    found = explain(*known, "t:4")
    assert (found.work, found.asked) == ("t:1", "t:4")
    assert [(edition["book"], edition["n_readers"]) for edition in found.editions] == [
        ("t:2", 3),
        ("t:1", 2),
        ("t:3", 0),  # a wish is no reading
        ("t:4", 0),
    ]
    title = 'title and author "吾輩は猫である" / "夏目漱石"'
    assert said(found) == {
        "t:4": [],
        "t:1": ["t:4-t:1 ISBN 9784101010014"],
        "t:2": ["t:4-t:1 ISBN 9784101010014", f"t:1-t:2 {title}"],
        "t:3": ["t:4-t:1 ISBN 9784101010014", f"t:1-t:2 {title}", "t:2-t:3 goodreads work 3275794"],
    }


def test_a_near_miss_says_what_spoke_against_it(known: tuple[ReadingHistory, Works]) -> None:
    (miss,) = explain(*known, "t:8").near_misses
    assert miss == {
        "one": "t:6",
        "other": "t:7",
        "rule": "title and author",
        "value": '"海辺のカフカ" / "村上春樹"',
        "why": "part differs: 上 and 下",
        "title": "海辺のカフカ 下 (新潮文庫)",
        "authors": "村上春樹",
    }
    misses = [(miss["one"], miss["other"], miss["why"]) for miss in explain(*known, "t:5").near_misses]
    assert misses == [("t:5", "t:1", "form differs: text and comic")]


def test_a_title_is_looked_up_in_the_history(known: tuple[ReadingHistory, Works]) -> None:
    assert find_edition(*known, "i am a cat") == "t:3"
    assert find_edition(*known, "海辺のカフカ 下") == "t:7"
    assert find_edition(*known, "吾輩ハ猫デアル 岩波") == "t:2"
    assert find_edition(*known, "海辺のカフカ 上") == "t:8"  # two editions of one work: the most read


def test_a_title_of_several_works_is_not_guessed(known: tuple[ReadingHistory, Works]) -> None:
    with pytest.raises(AmbiguousTitle, match="2 books match '吾輩は猫である'") as raised:
        find_edition(*known, "吾輩は猫である")
    assert [line.rpartition("[")[2] for line in raised.value.matches] == ["t:2]", "t:5]"]


def test_a_title_that_is_not_there_gets_the_closest(known: tuple[ReadingHistory, Works]) -> None:
    with pytest.raises(UnknownBook) as raised:
        find_edition(*known, "I Am the Cat")
    assert raised.value.suggestions == ("I Am a Cat",)
    with pytest.raises(UnknownBook) as raised:
        find_edition(*known, "  ")
    assert raised.value.suggestions == ()


def test_an_id_that_is_not_there_is_an_error(known: tuple[ReadingHistory, Works]) -> None:
    with pytest.raises(WagahaiError, match="no book of the history has the id 't:77'"):
        explain(*known, "t:77")


def test_evidence_in_words() -> None:
    assert say("ISBN", "9784101010014") == "ISBN 9784101010014"
    assert say("edition", "goodreads:5907") == "goodreads edition 5907"
    assert say("work", "plain") == "work plain"
    assert say("works.toml", "same") == "works.toml"
