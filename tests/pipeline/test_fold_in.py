"""New readers and books: by hand, against the formula written out, and where a planted taste says they belong."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from data.errors import AmbiguousTitle, UnknownBook, WagahaiError
from data.history import History
from data.pseudonym import key_fingerprint, pseudonym
from data.release import Release
from data.store import KEY_VARIABLE, Store
from data.vectors import unit_rows
from pipeline.build_corpus import author_of_books
from pipeline.fold_in import (
    CAUTION,
    Background,
    place_book,
    place_reader,
    reader_books,
    warm_book,
)
from pipeline.index import nearest_rows
from tests.data.tables import batch
from tests.pipeline.books import books_of, release_of

AXES = np.eye(3, dtype=np.float32)


def test_a_reader_is_the_mean_of_their_books() -> None:
    placed = place_reader(AXES, [0, 1, 1])
    assert (placed.state, placed.n, placed.reason) == ("known", 2, "placed from 2 books")
    assert placed.vector is not None
    assert placed.vector.dtype == np.float32
    np.testing.assert_allclose(placed.vector, [0.5**0.5, 0.5**0.5, 0], atol=1e-6)


def test_a_reader_of_unknown_books_is_unknown_and_no_zero() -> None:
    assert (place_reader(AXES, []).vector, place_reader(AXES, []).state) == (None, "unknown")
    opposite = place_reader(np.array([[1, 0], [-1, 0]], np.float32), [0, 1])
    assert (opposite.vector, opposite.state, opposite.n) == (None, "unknown", 2)


def test_a_book_is_placed_by_the_formula() -> None:
    random = np.random.default_rng(0)
    vectors, n_readers = unit_rows(random.standard_normal((30, 4)) + 0.5), random.integers(5, 100, 30)
    readers = [random.choice(30, size, replace=False) for size in (1, 3, 9, 2, 5)]
    placed = place_book(vectors, [*readers, np.array([], int)], 5, Background.of(vectors, n_readers))
    assert (placed.state, placed.n, placed.reason) == ("warm", 5, "placed from 5 readers, not learned")

    units = [sum(vectors[b].astype(float) for b in books) for books in readers]
    total = sum(len(books) ** 0.25 * u / np.linalg.norm(u) for books, u in zip(readers, units, strict=True))
    mean = total / sum(len(books) ** 0.25 for books in readers)
    popular = sum(n * v.astype(float) for n, v in zip(n_readers, vectors, strict=True))
    popular /= np.linalg.norm(popular)
    spread = sum(n**0.5 * np.outer(v, v).astype(float) for n, v in zip(n_readers, vectors, strict=True))
    spread /= np.trace(spread) / 4
    expected = np.linalg.inv(spread + CAUTION / 5 * np.eye(4)) @ (mean - popular * (mean @ popular))
    assert placed.vector is not None
    np.testing.assert_allclose(placed.vector, expected / np.linalg.norm(expected), atol=1e-5)


def test_too_few_readers_or_none_who_read_known_books() -> None:
    background = Background.of(AXES, np.array([3, 2, 1]))
    few = place_book(AXES, [np.array([0]), np.array([1]), np.array([], int)], 3, background)
    assert (few.vector, few.state, few.n) == (None, "unknown", 2)
    assert few.reason == "2 of its 3 readers have read a book of the release; it takes 3"
    none = place_book(AXES, [], 0, background)
    assert (none.state, none.reason) == ("unknown", "0 of its 0 readers have read a book of the release; it takes 1")
    as_all = place_book(AXES[:1], [np.array([0])], 1, Background.of(AXES[:1], np.array([3])))
    assert (as_all.vector, as_all.reason) == (None, "its 1 readers are as readers of any book")


def test_a_book_does_not_place_itself() -> None:
    background = Background.of(AXES, np.array([3, 2, 1]))
    readers = [np.array([0, 2]), np.array([1, 2]), np.array([2])]
    found = place_book(AXES, readers, 2, background, row=2)
    assert found.n == 2
    without = place_book(AXES, [books[books != 2] for books in readers], 2, background)
    np.testing.assert_array_equal(found.vector, without.vector)


N_TASTES, N_OWN, N_BEST = 6, 15, 10


def planted(random: np.random.Generator) -> np.ndarray:
    """Readings 0/1 (600, 6 tastes x 15 books and 10 bestsellers): a reader reads of one taste, and bestsellers."""
    taste = np.arange(600) % N_TASTES
    own = np.repeat(np.arange(N_TASTES), N_OWN)
    p = np.where(taste[:, None] == own, 0.3, 0.01)
    return (random.random((600, N_TASTES * N_OWN + N_BEST)) < np.hstack([p, np.full((600, N_BEST), 0.6)])).astype(float)


def test_a_new_book_is_near_the_books_of_its_taste_not_near_bestsellers() -> None:
    counts = planted(np.random.default_rng(0))
    new = np.arange(N_TASTES) * N_OWN  # the first book of each taste came after the release
    known = np.setdiff1d(np.arange(counts.shape[1]), new)
    seen = counts[:, known]
    scaled = seen * np.maximum(seen.sum(0), 1) ** -0.25
    _, s, v = np.linalg.svd(scaled, full_matrices=False)
    vectors = unit_rows(v[:20].T * s[:20])
    background = Background.of(vectors, seen.sum(0))
    n_plain = 0
    for taste, book in enumerate(new):
        readers = [np.flatnonzero(seen[reader]) for reader in np.flatnonzero(counts[:, book])]
        placed = place_book(vectors, readers, 5, background)
        assert placed.vector is not None
        rows, _ = nearest_rows(vectors, placed.vector[None], 10)
        assert set(known[rows[0]] // N_OWN) == {taste}
        plain = np.mean([unit_rows(vectors[books].mean(axis=0)[None])[0] for books in readers], axis=0)
        n_plain += int((known[nearest_rows(vectors, plain[None], 10)[0][0]] // N_OWN == taste).sum())
    assert n_plain < 0.5 * 10 * N_TASTES  # the plain mean is near the bestsellers


# ---- from the history -------------------------------------------------------------------

KEY = "a key of the tests"
AUTHORS = {
    "t:0": "Ann Archer",
    "t:1": "Bob Baker",
    "t:2": "Cy Carter",
    "t:7": "Di Dyer",
    "t:8": "Ed East",
    "t:9": "Flo Fox",
}
TITLES = {"t:0": "Zero", "t:1": "One", "t:2": "Two", "t:7": "Seven", "t:8": "Eight", "t:9": "Eight"}
READ = {  # t:7 came after the release: 5 readers; t:8 and t:9 are two works of one title, read by few
    "anna": ["t:0", "t:1", "t:7"],
    "ben": ["t:0", "t:7", "t:8"],
    "cleo": ["t:1", "t:7"],
    "dan": ["t:0", "t:7"],
    "eve": ["t:0", "t:1", "t:7"],
    "finn": ["t:7"],  # of no known book
    "gus": ["t:8", "t:9"],
}


def rows_of(name: str, read: dict[str, list[str]]) -> list[dict[str, Any]]:
    return [{"reader": pseudonym(who, name, KEY.encode()), "book": b} for who, books in read.items() for b in books]


@pytest.fixture
def store(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    store = Store(tmp_path)
    books = [{"book": b, "title": title, "authors": AUTHORS[b], "work": None} for b, title in TITLES.items()]
    wish = [{"reader": pseudonym("finn", "tsv", KEY.encode()), "book": "t:1", "status": "wish"}]
    commit(store, "00000000000000aa", "tsv", rows_of("tsv", READ) + wish, books)
    return store


def commit(store: Store, name: str, namespace: str, rows: list[dict[str, Any]], books: list[dict[str, Any]]) -> None:
    made = batch(name, rows, books)
    made.account.update(namespace=namespace, key=key_fingerprint(KEY.encode()))
    made.commit(History(store.history))


@pytest.fixture
def release(store: Store) -> Release:
    rows = [{"book": f"t:{i}", "title": TITLES[f"t:{i}"], "n_readers": n} for i, n in enumerate((40, 20, 30))]
    return release_of(store, books_of(rows), AXES + 0.2)


def test_a_book_that_came_later_is_placed_from_its_readers(store: Store, release: Release) -> None:
    placed = warm_book(store, release, "seven")
    lists = [np.array(rows) for rows in ([0, 1], [0], [1], [0], [0, 1])]  # anna, ben, cleo, dan, eve
    background = Background.of(release.vectors, release.books.n_readers)
    expected = place_book(release.vectors, [*lists, np.array([], int)], 5, background)
    assert (placed.state, placed.n, placed.row) == ("warm", 5, None)
    assert placed.vector is not None
    assert expected.vector is not None
    np.testing.assert_allclose(placed.vector, expected.vector, atol=1e-5)


def test_a_book_of_too_few_readers_is_unknown(store: Store, release: Release) -> None:
    placed = warm_book(store, release, "t:8")
    assert (placed.vector, placed.state) == (None, "unknown")
    assert placed.reason == "1 of its 2 readers have read a book of the release; it takes 5"


def test_a_book_of_the_release_is_known(store: Store, release: Release) -> None:
    placed = warm_book(store, release, "one")
    assert (placed.state, placed.row, placed.n) == ("known", 1, 20)
    np.testing.assert_array_equal(placed.vector, release.vectors[1])


def test_a_book_is_looked_up_as_people_type_titles(store: Store, release: Release) -> None:
    with pytest.raises(AmbiguousTitle, match="2 books match 'eight'"):
        warm_book(store, release, "eight")
    with pytest.raises(UnknownBook):
        warm_book(store, release, "no such title")


@pytest.mark.parametrize(("unit", "n"), [("edition", 0), ("work", 1), ("author", 0)])
def test_readers_of_another_edition_count_where_works_do(store: Store, release: Release, unit: str, n: int) -> None:
    two = [{"book": f"t:{i}", "title": "Two", "authors": AUTHORS["t:2"], "work": None} for i in (2, 5)]
    rows = [{"reader": pseudonym("hal", "tsv", KEY.encode()), "book": "t:5"}]
    commit(store, "00000000000000bb", "tsv", rows, two)
    release.manifest["settings"]["corpus"]["unit"] = unit
    assert reader_books(store, release, "hal").tolist() == [2][:n]
    assert warm_book(store, release, "t:5").row == (2 if n else None)


def test_authors_as_the_unit(store: Store) -> None:
    named = author_of_books(History(store.history).latest()).sort("book")["author"].to_list()
    rows = [{"book": id_, "title": id_, "n_readers": 9} for id_ in named[:3]]
    release = release_of(store, books_of(rows), AXES + 0.2, id_="authors")
    release.manifest["settings"]["corpus"]["unit"] = "author"
    assert reader_books(store, release, "anna").tolist() == [0, 1]
    assert (warm_book(store, release, "seven").n, warm_book(store, release, "two").row) == (5, 2)


def test_the_books_of_a_reader(store: Store, release: Release) -> None:
    assert reader_books(store, release, " anna ").tolist() == [0, 1]
    assert reader_books(store, release, "ben", "tsv").tolist() == [0]
    assert reader_books(store, release, "finn").tolist() == []  # a wish is no reading
    assert place_reader(release.vectors, reader_books(store, release, "gus")).state == "unknown"


def test_nobody_is_said_without_the_id(store: Store, release: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    commit(store, "00000000000000bb", "library", rows_of("library", {"anna": ["t:2"]}), [])
    for who, namespace, message in (
        ("zoe", None, "no reader of that id in tsv, library"),
        ("ben", "library", "no reader of that id in library;"),
        ("anna", None, "in library, tsv: they may be other people.*--namespace"),
        ("anna", "elsewhere", "namespace 'elsewhere': the history has tsv, library"),
        (" ", None, "the id is empty"),
    ):
        with pytest.raises(WagahaiError, match=message) as raised:
            reader_books(store, release, who, namespace)
        assert who == " " or who not in str(raised.value)
    assert reader_books(store, release, "anna", "library").tolist() == [2]
    monkeypatch.setenv(KEY_VARIABLE, "another key of the tests")
    with pytest.raises(WagahaiError, match="another key"):
        reader_books(store, release, "anna", "tsv")


def test_the_readers_of_a_book_are_read_once_each(store: Store, release: Release) -> None:
    assert History(store.history).latest().readings.select(pl.len()).collect().item() == 17
    assert warm_book(store, release, "t:7").n == 5
