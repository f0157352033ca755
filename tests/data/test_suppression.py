"""Who is kept out: everybody listed, nobody else, and the list gives no pseudonym away."""

from __future__ import annotations

import stat
from pathlib import Path

import polars as pl
import pytest

from data.pseudonym import pseudonym
from data.store import KEY_VARIABLE, Store
from data.suppression import Suppressed

NAMES = [f"{i:032x}" for i in range(5)]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    return Store(tmp_path)


def test_rows_of_listed_readers_are_left_out_and_counted(store: Store) -> None:
    readings = pl.DataFrame({"reader": NAMES * 2, "book": [str(i) for i in range(10)]})
    empty = Suppressed.of(store)
    assert empty.without_suppressed(readings) == (readings, 0)
    empty.save(store, more=NAMES[1:3])
    listed = Suppressed.of(store)
    kept, n_dropped = listed.without_suppressed(readings)
    assert kept["book"].to_list() == ["0", "3", "4", "5", "8", "9"]
    assert n_dropped == 4
    listed.save(store, fewer=NAMES[1:2])
    assert [name in Suppressed.of(store) for name in NAMES] == [False, False, True, False, False]


def test_the_list_is_private_and_holds_other_hashes_than_the_pseudonyms(store: Store) -> None:
    name = pseudonym("hanako", "tsv", store.reader_key())
    Suppressed.of(store).save(store, more=[name])
    text = store.suppressed.read_text()
    assert len(text.split()) == 1
    assert name not in text
    assert stat.S_IMODE(store.suppressed.stat().st_mode) == 0o600
    other = Suppressed(Suppressed.of(store).hashes, b"another key")
    assert name not in other


def test_a_list_that_stays_the_same_is_not_written(store: Store) -> None:
    Suppressed.of(store).save(store, fewer=NAMES)
    assert not store.suppressed.exists()
