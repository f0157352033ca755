"""Works of a history: made once, again when the history or a person's word changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from data.errors import BadConfig
from data.history import History
from data.store import Store
from data.works.table import Works
from pipeline.make_works import make_works
from tests.data.tables import batch
from tests.data.works.shelf import groups

EMMA = {"authors": "Jane Austen", "work": None}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path)
    books = [{"book": "t:a", "title": "Emma", **EMMA}, {"book": "t:b", "title": "Emma (Penguin)", **EMMA}]
    read = [{"reader": "0" * 32, "book": book} for book in ("t:a", "t:c")]  # nothing describes c
    batch("00000000000000aa", read, books).commit(History(store.history))
    return store


def made(store: Store) -> tuple[list[str], bool]:
    folder, was_made = make_works(store, History(store.history).latest())
    return groups(Works.load(folder)), was_made


def test_works_are_made_once_per_history_and_word(store: Store) -> None:
    assert made(store) == (["ab"], True)
    assert made(store) == (["ab"], False)
    store.overrules.write_text('apart = [["t:a", "t:b"]]')
    assert made(store) == (["a", "b"], True)
    store.overrules.unlink()
    assert made(store) == (["ab"], False)
    batch("00000000000000bb", [], [{"book": "t:d", "title": "EMMA", **EMMA}]).commit(History(store.history))
    assert made(store) == (["abd"], True)


def test_a_book_that_was_read_but_never_described_may_be_named(store: Store) -> None:
    store.overrules.write_text('same = [["t:c", "t:a"]]')
    assert made(store) == (["abc"], True)
    store.overrules.write_text('same = [["t:c", "t:e"]]')
    with pytest.raises(BadConfig, match=r"works.toml: no book of the history has the id 't:e'; the closest id is 't:"):
        made(store)
