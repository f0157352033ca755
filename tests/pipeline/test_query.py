"""Nearest and farthest books against arithmetic by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from data.errors import WagahaiError
from data.release import Release
from data.store import Store
from pipeline.index import nearest_rows
from pipeline.query import (
    chance_similarity,
    far_threshold,
    farthest,
    nearest,
    nearest_many,
    nearest_with,
    random_similarities,
)
from pipeline.question import Question, direction_of
from tests.pipeline.books import books_of, release_of, titled, turned

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


@pytest.mark.parametrize(
    ("asked", "k", "allowed", "message"),
    [
        (0, -1, None, "k: expected 0 or more books, found -1"),
        (-1, 1, None, "row -1: expected 0 to 2"),
        (3, 1, None, "row 3: expected 0 to 2"),
        (Question((0, 1), unlike=(7,)), 1, None, "row 7: expected 0 to 2"),
        (0, 1, np.array([True, False]), r"allowed: expected bool \(3,\), found bool \(2,\)"),
        (0, 1, np.array([0, 1, 2]), r"allowed: expected bool \(3,\), found int64"),
        (0, 1, np.ones((1, 3), bool), r"found bool \(1, 3\)"),
    ],
)
def test_what_numpy_would_take_for_something_else_is_refused(
    three: Release, asked: int | Question, k: int, allowed: np.ndarray | None, message: str
) -> None:
    for ask in (nearest, farthest):
        with pytest.raises(ValueError, match=message):
            ask(three, asked, k, allowed)
    with pytest.raises(ValueError, match=message):
        nearest_many(three, [1, asked], k, allowed)


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


@given(vectors=small_integers, k=st.integers(0, 14))
@settings(deadline=None)
def test_the_table_of_all_books_is_what_each_query_answers(
    tmp_path_factory: pytest.TempPathFactory, vectors: np.ndarray, k: int
) -> None:
    rows, similarity = nearest_rows(vectors, np.arange(len(vectors)), k)
    release = release_of(
        Store(tmp_path_factory.mktemp("store")), titled(*["x"] * len(vectors)), np.ones((len(vectors), 1))
    )
    release.__dict__["vectors"] = vectors  # as they are: scaled to length 1 the ties would be rounded away
    for row in range(len(vectors)):
        found = nearest(release, row, k)
        assert rows[row].tolist() == found.rows.tolist()
        assert similarity[row].tolist() == found.similarity.tolist()


# ---- several books, and what they must not be like -----------------------------------------

XYZ = np.eye(3, dtype=np.float32)


def test_several_books_are_asked_by_their_middle() -> None:
    vectors = np.array([turned(0), turned(90), [0.6, 0.8]], np.float32)
    np.testing.assert_allclose(direction_of(Question((0, 1)), vectors), turned(45), atol=1e-6)
    # a vector counts once however long its name: (1, 0) twice and (0, 1) once
    np.testing.assert_allclose(direction_of(Question((0, 0, 1)), vectors), np.array([2, 1]) / np.sqrt(5), atol=1e-6)


def test_a_single_book_is_asked_by_its_own_vector_to_the_bit() -> None:
    vectors = np.array([[0.1, 0.7]], np.float32)
    assert direction_of(Question((0,)), vectors).tolist() == vectors[0].tolist()


@pytest.mark.parametrize(
    ("like", "unlike", "expected"),
    [
        ([1, 1, 0], [[1, 0, 0]], [0, 1, 0]),
        ([1, 1, 1], [[1, 0, 0]], [0, 1, 1]),
        ([1, 1, 1], [[1, 0, 0], [0, 1, 0]], [0, 0, 1]),
        ([1, 1, 1], [[1, 0, 0], [1, 1, 0]], [0, 0, 1]),  # it is their span that goes, not each in turn
        ([1, 1, 1], [[1, 0, 0], [1, 0, 0]], [0, 1, 1]),  # the same book twice is once
        ([1, 2, 0], [[0, 0, 1]], [1, 2, 0]),  # has nothing of it
        ([2, 1, 0], [[1, 1, 0]], [1, -1, 0]),
    ],
)
def test_like_one_but_not_others(like: list[float], unlike: list[list[float]], expected: list[float]) -> None:
    vectors = np.array([like, *unlike], np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    question = Question((0,), tuple(range(1, len(vectors))))
    np.testing.assert_allclose(
        direction_of(question, vectors), np.array(expected) / np.linalg.norm(expected), atol=1e-6
    )


@given(
    vectors=arrays(np.float32, st.tuples(st.integers(2, 6), st.integers(6, 8)), elements=st.integers(-3, 3).map(float))
)
@settings(deadline=None)
def test_what_is_unlike_has_similarity_zero(vectors: np.ndarray) -> None:
    vectors = vectors + np.eye(*vectors.shape, dtype=np.float32) * 20  # no row in the span of the others
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    direction = direction_of(Question((0,), tuple(range(1, len(vectors)))), vectors)
    np.testing.assert_allclose(vectors[1:] @ direction, 0, atol=1e-5)
    assert np.linalg.norm(direction) == pytest.approx(1, abs=1e-5)
    assert vectors[0] @ direction > 0


@pytest.mark.parametrize("question", [Question((0,), (0,)), Question((0, 1), (1, 0)), Question((0, 2))])
def test_a_question_of_which_nothing_is_left_is_refused(question: Question) -> None:
    with pytest.raises(WagahaiError, match="nothing is left"):
        direction_of(question, np.array([turned(0), turned(30), turned(180)], np.float32))


def test_books_of_the_question_are_no_answer(tmp_path: Path) -> None:
    vectors = np.array([turned(angle) for angle in (0, 10, 20, 30, 40)])
    release = release_of(Store(tmp_path), titled(*"abcde"), vectors)
    assert nearest(release, Question((0, 4)), 9).rows.tolist() == [2, 1, 3]
    assert nearest(release, Question((4,), (0,)), 9).rows.tolist() == [3, 2, 1]
    np.testing.assert_allclose(
        nearest(release, Question((4,), (0,)), 9).similarity, np.sin(np.radians([30, 20, 10])), atol=1e-6
    )


def test_a_new_book_is_asked_by_its_vector_and_counts_as_a_book() -> None:
    new = np.array([0, 1, 0], np.float32)
    np.testing.assert_allclose(direction_of(Question((), new=(new,)), XYZ), [0, 1, 0])
    np.testing.assert_allclose(
        direction_of(Question((0,), new=(new,)), XYZ), np.array([1, 1, 0]) / np.sqrt(2), atol=1e-6
    )
    both = Question((0,), (2,), (np.array([0, 0.6, 0.8], np.float32),))
    np.testing.assert_allclose(direction_of(both, XYZ), np.array([1, 0.6, 0]) / np.hypot(1, 0.6), atol=1e-6)


def test_a_question_has_the_readers_of_its_least_read_book(three: Release) -> None:
    assert Question((0, 2), (1,)).readers(three.books) == 10
    assert Question((0, 2), n_readers=7).readers(three.books) == 7


# ---- which books may be listed, and in which space -----------------------------------------


def test_only_allowed_books_are_listed(three: Release) -> None:
    allowed = np.array([True, True, False])
    assert nearest(three, 0, 5, allowed).rows.tolist() == [1]
    assert nearest(three, 2, 1, np.array([False, True, True])).rows.tolist() == [1]
    assert nearest(three, 0, 5, np.array([True, False, False])).rows.tolist() == []
    assert farthest(three, 2, 5, np.array([True, False, True])).rows.tolist() == [0]


def test_without_an_ensemble_nothing_is_said_of_how_sure(three: Release) -> None:
    record = nearest(three, 0, 1).records(three.books)[0]
    assert (record["low"], record["high"], record["p_top"]) == (None, None, None)
    listed, sure = nearest_with(three, 0, 2, np.array([1]))
    assert (listed.rows.tolist(), sure) == ([2, 1], None)


# ---- many at once ---------------------------------------------------------------------------


@given(vectors=small_integers, k=st.integers(0, 6))
@settings(deadline=None, max_examples=30)
def test_a_batch_is_answered_as_each_question_alone(
    tmp_path_factory: pytest.TempPathFactory, vectors: np.ndarray, k: int
) -> None:
    release = release_of(
        Store(tmp_path_factory.mktemp("store")), titled(*["x"] * len(vectors)), np.ones((len(vectors), 1))
    )
    release.__dict__["vectors"] = vectors
    allowed = np.arange(len(vectors)) % 3 != 1
    for one, many in zip(range(len(vectors)), nearest_many(release, range(len(vectors)), k, allowed), strict=True):
        alone = nearest(release, one, k, allowed)
        assert (alone.rows.tolist(), alone.similarity.tolist()) == (many.rows.tolist(), many.similarity.tolist())


def test_chance_is_of_random_pairs_of_different_books(tmp_path: Path) -> None:
    """Two books at right angles, and two that are the same: of 12 ordered pairs, 4 have similarity 1."""
    release = release_of(Store(tmp_path), titled(*"abcd"), np.array([LEFT, LEFT, UP, UP]))
    pairs = random_similarities(release)
    assert set(np.round(pairs, 6).tolist()) == {0.0, 1.0}
    assert pairs.mean() == pytest.approx(1 / 3, abs=0.02)
    assert chance_similarity(release) == pytest.approx(1)
