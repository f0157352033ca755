"""Releases: whole ones only, and books whose columns fit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data.artifact import ModelArtifact, write_artifact
from data.errors import BadArtifact, NoRelease
from data.release import FORMAT, KEY_COLUMNS, SPACE, SPACE_FORMAT, SPACES, TEXT_COLUMNS, Books, Release, kept_releases
from data.store import Store
from data.vectors import unit_rows

COLUMNS = {name: [f"{name}0", f"{name}1"] for name in (*TEXT_COLUMNS, *KEY_COLUMNS)}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def put(
    store: Store, release_id: str, books: dict[str, Any] | None = None, *, vocabulary: str = "v", n_vectors: int = 2
) -> Path:
    folder = store.release(release_id)
    (folder / SPACES / "spectral").mkdir(parents=True)
    manifest = {"format": FORMAT, "vocabulary": vocabulary, "spaces": ["spectral"]}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    columns = {**COLUMNS, "year": [1905, None], "n_readers": [3, 4], **(books or {})}
    (folder / "books.json").write_text(json.dumps({name: values for name, values in columns.items() if values}))
    vectors = unit_rows(np.arange(1, 1 + 2 * n_vectors, dtype=np.float32).reshape(n_vectors, 2))
    write_artifact(folder / SPACES / "spectral", ModelArtifact(SPACE, SPACE_FORMAT, {}, {"vectors": vectors}, "v"))
    return folder


def test_no_release_says_what_to_do(store: Store) -> None:
    with pytest.raises(NoRelease, match=r"no release yet\. Make one: wagahai refresh"):
        Release.open(store)
    assert kept_releases(store) == []
    store.switch("r1", "test")
    with pytest.raises(NoRelease, match=r"no release 'r1'\. Those kept are listed by: wagahai releases"):
        Release.open(store)
    with pytest.raises(NoRelease, match="no release 'r2'"):
        Release.open(store, "r2")


def test_the_release_that_serves_is_held_when_another_is_switched_to(store: Store) -> None:
    put(store, "r1")
    put(store, "r2", {"title": ["A", "B"]})
    store.switch("r1", "test")
    opened = Release.open(store)
    store.switch("r2", "test")
    assert opened.books.columns["title"] == ["title0", "title1"]
    assert Release.open(store).books.columns["title"] == ["A", "B"]
    assert Release.open(store, "r1").id == "r1"
    np.testing.assert_allclose((opened.vectors**2).sum(axis=1), 1, rtol=1e-6)


def test_a_release_that_is_being_made_is_not_kept(store: Store) -> None:
    put(store, "r2")
    put(store, "r1")
    (store.releases / ".making-r0-1-abcd").mkdir()
    (store.releases / ".making-r0-1-abcd" / "manifest.json").write_text("{}")
    assert [release.id for release in kept_releases(store)] == ["r1", "r2"]


@pytest.mark.parametrize("missing", [*TEXT_COLUMNS, *KEY_COLUMNS, "year", "n_readers"])
def test_books_without_a_column_are_refused(store: Store, missing: str) -> None:
    put(store, "r1", {missing: None})
    with pytest.raises(BadArtifact, match=r"books.json: column \w+: expected \d values, found \d"):
        _ = Release(missing, store.release("r1")).books


def test_books_that_fit_are_found_and_described() -> None:
    books = Books(COLUMNS, [1905, None], np.array([3, 4]))
    assert len(books) == 2
    assert (books.row("book1"), books.row("book9")) == (1, None)
    assert books.describe(0) == "title0 — authors0, publisher0, 1905 [book0]"
    unknown = Books({**COLUMNS, "authors": ["", ""]}, [None, None], np.array([3, 4]))
    assert unknown.describe(1) == "title1 — publisher1 [book1]"


def test_a_release_of_another_format_is_refused(store: Store) -> None:
    (put(store, "r1") / "manifest.json").write_text('{"format": 0}')
    with pytest.raises(BadArtifact, match=f"release format 0, expected {FORMAT}"):
        _ = Release.open(store, "r1").manifest


def test_vectors_of_other_books_are_refused(store: Store) -> None:
    put(store, "r1", vocabulary="w")
    with pytest.raises(BadArtifact, match="vocabulary digest: expected w, found v"):
        _ = Release.open(store, "r1").vectors
    put(store, "r2", n_vectors=3)
    with pytest.raises(BadArtifact, match="3 vectors for 2 books"):
        _ = Release.open(store, "r2").vectors


@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_become_unit_vectors_whatever_their_length(scale: float, dtype: type[np.floating[Any]]) -> None:
    rows = np.array([[3 * scale, 4 * scale], [0, 0], [-scale, 0]], dtype)
    before = rows.copy()
    found = unit_rows(rows)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, np.array([[0.6, 0.8], [0, 0], [-1, 0]]), rtol=1e-6)
    np.testing.assert_array_equal(rows, before)
