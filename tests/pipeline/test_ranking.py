"""The largest of many scores, against a stable sort of all of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pipeline import ranking
from pipeline.ranking import top_columns


def sorted_whole(scores: np.ndarray, k: int) -> np.ndarray:
    return np.argsort(-scores, axis=-1, kind="stable")[..., : max(k, 0)]


few_values = st.sampled_from([-np.inf, -2.0, -1.0, -0.0, 0.0, 1.0, 2.0, 3.0, np.inf])  # many ties
shapes = st.tuples(st.integers(0, 4), st.integers(0, 150))


@given(
    scores=st.one_of(
        arrays(np.float32, shapes, elements=few_values),
        arrays(np.float64, shapes, elements=st.floats(-5, 5), fill=st.just(0.25)),
    ),
    k=st.integers(-1, 160),
)
@settings(deadline=None, max_examples=300)
def test_it_is_the_beginning_of_a_stable_sort(scores: np.ndarray, k: int) -> None:
    found = top_columns(scores, k)
    assert found.dtype == np.int64
    np.testing.assert_array_equal(found, sorted_whole(scores, k))


@given(
    seed=st.integers(0, 10**6),
    n_columns=st.integers(1, 3000),
    k=st.sampled_from([1, 2, 10, 50, 100]),
    n_values=st.sampled_from([1, 2, 3, 30, 1000]),
    p_lost=st.sampled_from([0.0, 0.5, 0.99, 1.0]),
)
@settings(deadline=None, max_examples=150)
def test_so_it_is_where_groups_are_searched(seed: int, n_columns: int, k: int, n_values: int, p_lost: float) -> None:
    random = np.random.default_rng(seed)
    scores = random.integers(-n_values, n_values, (3, n_columns)).astype(np.float32)
    scores[random.random(scores.shape) < p_lost] = -np.inf
    np.testing.assert_array_equal(top_columns(scores, k), sorted_whole(scores, k))
    np.testing.assert_array_equal(top_columns(scores[1], k), sorted_whole(scores[1], k))


def ascending(n: int) -> np.ndarray:
    return np.arange(n, dtype=np.float32)


def in_one_group(n: int) -> np.ndarray:
    """The largest all in one group: the bound lies far below the tenth largest."""
    scores = np.zeros(n, np.float32)
    scores[:: min(n // ranking.GROUP_SIZE, ranking.MAX_GROUPS)] = ascending(n)[1:9].max()
    scores[n // 2 :] -= 0.5
    return scores


@pytest.mark.parametrize("make", [ascending, in_one_group, lambda n: -ascending(n), lambda n: 0 * ascending(n)])
@pytest.mark.parametrize("n_columns", [20_000, 50_001])
def test_hard_orders(make: Callable[[int], np.ndarray], n_columns: int) -> None:
    for k in (1, 10, 100):
        np.testing.assert_array_equal(top_columns(make(n_columns), k), sorted_whole(make(n_columns), k))


def test_rows_of_every_kind_side_by_side() -> None:
    scores = np.stack([make(4000) for make in (ascending, in_one_group, lambda n: 0 * ascending(n))] * 2)
    np.testing.assert_array_equal(top_columns(scores, 10), sorted_whole(scores, 10))
    np.testing.assert_array_equal(top_columns(scores.T[:2], 3), sorted_whole(scores.T[:2], 3))  # another memory order
    wide = np.asfortranarray(scores)
    np.testing.assert_array_equal(top_columns(wide, 10), sorted_whole(scores, 10))


def test_the_scores_are_left_as_they_are() -> None:
    scores = np.random.default_rng(0).random((3, 5000))
    before = scores.copy()
    top_columns(scores, 10)
    np.testing.assert_array_equal(scores, before)
