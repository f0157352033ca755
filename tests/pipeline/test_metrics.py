"""Recall and NDCG by hand, the ranking of ties, and what a bootstrap interval promises."""

from __future__ import annotations

import importlib.util
import sys
from math import log2
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pipeline.metrics import METRICS, bootstrap_interval, ranking_metrics
from pipeline.ranking import top_columns
from tests.models.corpora import shown

N_BOOKS = 120


def falling(*first: int) -> np.ndarray:
    """Scores that rank the books `first` first, in this order, and all others after them, tied."""
    scores = np.zeros(N_BOOKS)
    scores[list(first)] = np.arange(len(first), 0, -1)
    return scores


def discount(place: int) -> float:
    return 1 / log2(place + 1)


def test_recall_and_ndcg_by_hand() -> None:
    scores = np.stack(
        [
            falling(7, 3, 9),  # shows 7, hides 3 and 5: 3 is first; 5 follows 9, 0, 1, 2, 4: seventh
            falling(),  # all tied, shows nothing, hides 19, 49, 99 and 119: places 20, 50, 100 and 120
            falling(*range(100, 120)),  # shows 100..109, hides 0..24: places 11 to 35
        ]
    )
    visible = shown([[7], [], range(100, 110)], N_BOOKS)
    hidden = shown([[3, 5], [19, 49, 99, 119], range(25)], N_BOOKS)
    found = ranking_metrics(scores, visible, hidden)
    np.testing.assert_allclose(found["recall20"], [2 / 2, 1 / 4, 10 / 20])
    np.testing.assert_allclose(found["recall50"], [2 / 2, 2 / 4, 25 / 25])
    gains = [
        discount(1) + discount(7),
        discount(20) + discount(50) + discount(100),
        sum(discount(place) for place in range(11, 36)),
    ]
    ideals = [sum(discount(place) for place in range(1, n + 1)) for n in (2, 4, 25)]
    np.testing.assert_allclose(found["ndcg100"], np.divide(gains, ideals))


def test_more_than_a_hundred_hidden_books_can_be_found_perfectly() -> None:
    found = ranking_metrics(np.zeros((1, N_BOOKS)), shown([[]], N_BOOKS), shown([range(110)], N_BOOKS))
    np.testing.assert_allclose([found[name] for name in METRICS], 1)


def test_fewer_books_than_the_list_is_long_are_all_ranked() -> None:
    found = ranking_metrics(np.array([[3.0, 2.0, 1.0]]), shown([[0]], 3), shown([[2]], 3))
    assert found["recall20"].tolist() == [1.0]
    np.testing.assert_allclose(found["ndcg100"], [discount(2)])


def test_a_book_without_a_score_is_never_a_hit() -> None:
    scores = np.array([[1.0, -np.inf, -np.inf]])
    found = ranking_metrics(scores, shown([[]], 3), shown([[1, 2]], 3))
    assert {name: value.tolist() for name, value in found.items()} == {name: [0.0] for name in METRICS}


def test_scores_are_left_as_they_are() -> None:
    scores = np.ones((1, 3))
    ranking_metrics(scores, shown([[0]], 3), shown([[1]], 3))
    assert scores.tolist() == [[1, 1, 1]]


@given(
    scores=arrays(
        np.float32,
        st.tuples(st.integers(1, 4), st.integers(1, 12)),
        elements=st.sampled_from([-np.inf, -1.5, -0.0, 0.0, 0.25, 2.0]),
    ),
    k=st.integers(0, 14),
)
def test_the_top_columns_are_those_of_a_stable_sort(scores: np.ndarray, k: int) -> None:
    np.testing.assert_array_equal(top_columns(scores, k), np.argsort(-scores, axis=1, kind="stable")[:, :k])


def test_a_bootstrap_interval_covers_the_mean_as_often_as_it_says() -> None:
    random = np.random.default_rng(0)
    n_trials, level = 400, 0.9
    covered = 0
    for trial in range(n_trials):
        found = bootstrap_interval(random.normal(3, 2, 60), n_bootstrap=300, level=level, seed=trial)
        covered += found.low <= 3 <= found.high
    # four standard errors of the share, and the small bias of the percentile interval (n - 1) / n
    assert abs(covered / n_trials - level) < 4 * np.sqrt(level * (1 - level) / n_trials) + 0.01


def test_a_wider_level_gives_a_wider_interval_around_the_mean() -> None:
    values = np.random.default_rng(0).normal(size=50)
    narrow = bootstrap_interval(values, n_bootstrap=500, level=0.5, seed=1)
    wide = bootstrap_interval(values, n_bootstrap=500, level=0.99, seed=1)
    assert wide.low < narrow.low < values.mean() < narrow.high < wide.high
    assert narrow.mean == wide.mean == values.mean()
    assert bootstrap_interval(values, n_bootstrap=500, level=0.5, seed=1) == narrow


def test_values_without_spread_have_an_interval_without_width() -> None:
    found = bootstrap_interval(np.full(9, 0.25), n_bootstrap=10, level=0.95, seed=0)
    assert (found.mean, found.low, found.high) == (0.25, 0.25, 0.25)


@pytest.mark.realdata
def test_our_metrics_are_those_of_the_protocol(shared: Path) -> None:
    spec = importlib.util.spec_from_file_location("protocol_retrieval", shared / "protocol" / "retrieval.py")
    assert spec is not None
    assert spec.loader is not None
    protocol = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = protocol  # its dataclasses look themselves up there
    spec.loader.exec_module(protocol)
    random = np.random.default_rng(0)
    scores = random.integers(0, 40, (50, 300)).astype(np.float32)  # ties
    drawn = random.random((50, 300))
    drawn[:, 0], drawn[:, 1] = 0, 1
    visible = sp.csr_matrix((drawn < 0.1).astype(np.float32))
    hidden = sp.csr_matrix((drawn > 0.9).astype(np.float32))
    expected = protocol.ranking_per_reader(scores, visible, hidden)
    found = ranking_metrics(scores, visible, hidden)
    assert set(found) == set(expected) == set(METRICS)
    for name in METRICS:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-12, err_msg=name)
