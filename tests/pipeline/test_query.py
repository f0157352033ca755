"""Nearest and farthest books against arithmetic by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from data.release import Release
from data.store import Store
from pipeline.query import far_threshold, farthest, nearest, nearest_tables
from tests.pipeline.books import books_of, release_of, titled

LEFT, UP, DIAGONAL = [1, 0], [0, 1], [3, 4]


@pytest.fixture
def three(tmp_path: Path) -> Release:
    """Cosines: 0-1: 0, 0-2: .6, 1-2: .8."""
    books = books_of(
        [
            {"title": "A", "n_readers": 30, "authors": "Ann", "year": 1990},
            {"title": "B", "n_readers": 20},
            {"title": "C", "n_readers": 10, "publisher": "P"},
        ]
    )
    return release_of(Store(tmp_path), books, np.array([LEFT, UP, DIAGONAL]), far_min_readers=20)


def in_order(release: Release, row: int, k: int) -> list[int]:
    return [int(row) for row in nearest(release, row, k).rows]


def test_the_most_similar_book_comes_first_and_never_the_book_itself(three: Release) -> None:
    found = [nearest(three, row, 2) for row in range(3)]
    assert [f.rows.tolist() for f in found] == [[2, 1], [2, 0], [1, 0]]
    np.testing.assert_allclose([f.similarity for f in found], [[0.6, 0], [0.8, 0], [0.8, 0.6]], atol=1e-6)


@pytest.mark.parametrize(("k", "n"), [(0, 0), (1, 1), (2, 2), (3, 2), (99, 2)])
def test_no_more_books_than_asked_for_and_than_there_are(three: Release, k: int, n: int) -> None:
    assert len(nearest(three, 0, k).rows) == n


def test_only_common_books_are_listed_as_far(three: Release) -> None:
    assert far_threshold(three) == 20
    assert farthest(three, 0, 5).rows.tolist() == [1]  # the third book has 10 readers
    assert farthest(three, 2, 5).rows.tolist() == [0, 1]
    np.testing.assert_allclose(farthest(three, 2, 5).similarity, [0.6, 0.8], atol=1e-6)
    assert farthest(three, 2, 1).rows.tolist() == [0]
    assert farthest(three, 2, 0).rows.tolist() == []


def test_the_far_threshold_is_no_higher_than_the_median_book(tmp_path: Path) -> None:
    books = books_of([{"title": str(n), "n_readers": n} for n in (1, 7, 8)])
    release = release_of(Store(tmp_path), books, np.array([LEFT, UP, DIAGONAL]), far_min_readers=20)
    assert far_threshold(release) == 7
    assert farthest(release, 1, 5).rows.tolist() == [2]


@pytest.mark.parametrize("k", [1, 2, 3, 4, 5, 6])
def test_ties_go_to_the_lower_row(tmp_path: Path, k: int) -> None:
    vectors = np.array([UP, LEFT, UP, LEFT, LEFT, UP, LEFT])
    release = release_of(Store(tmp_path), titled(*"abcdefg"), vectors)
    assert in_order(release, 3, k) == [1, 4, 6, 0, 2, 5][:k]
    assert farthest(release, 3, k).rows.tolist() == [0, 2, 5, 1, 4, 6][:k]


def test_records_say_what_the_books_are(three: Release) -> None:
    first, second = nearest(three, 1, 2).records(three.books)
    assert (first["rank"], first["book"], first["title"], first["similarity"]) == (1, "t:2", "C", 0.8)
    assert (first["n_readers"], first["publisher"], first["year"]) == (10, "P", None)
    assert (second["rank"], second["book"], second["authors"], second["year"]) == (2, "t:0", "Ann", 1990)


small_integers = arrays(
    np.float32,
    st.tuples(st.integers(1, 12), st.integers(1, 3)),
    elements=st.integers(-2, 2).map(float),  # exact products, many ties
)


@given(vectors=small_integers, k=st.integers(0, 14), block=st.integers(1, 13))
@settings(deadline=None)
def test_the_table_of_all_books_is_what_each_query_answers(
    tmp_path_factory: pytest.TempPathFactory, vectors: np.ndarray, k: int, block: int
) -> None:
    rows, similarity = (np.concatenate(part) for part in zip(*nearest_tables(vectors, k, block), strict=True))
    release = release_of(
        Store(tmp_path_factory.mktemp("store")), titled(*["x"] * len(vectors)), np.ones((len(vectors), 1))
    )
    release.__dict__["vectors"] = vectors  # as they are: scaled to length 1 the ties would be rounded away
    for row in range(len(vectors)):
        found = nearest(release, row, k)
        assert rows[row].tolist() == found.rows.tolist()
        assert similarity[row].tolist() == found.similarity.tolist()
