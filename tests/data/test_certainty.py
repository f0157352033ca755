"""What replicates say, put into probabilities and intervals: against arithmetic by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.certainty import FEW, Calibration, Ends, margins, summing_to, thresholds
from data.ensemble import Ensemble

K2 = Calibration(intercept=0.5, slope=2.0, log_readers=0.25, near=Ends((-1.5, 0.5)), k=2, margin_sd=0.02)


def test_margins_by_hand() -> None:
    """The lists are of 2; book 0 leads by its distance to the third, book 2 trails by that to the second."""
    replicates = np.array([[0.9, 0.5, 0.4, 0.1], [0.8, 0.6, 0.7, 0.0]], np.float32)
    edges = thresholds(replicates, 2)
    np.testing.assert_array_equal(edges, np.array([[0.5, 0.4], [0.7, 0.6]], np.float32))
    mean, sd = margins(replicates[:, [0, 2, 3]], edges)
    # margins: book 0: .9-.4, .8-.6; book 2: .4-.5, .7-.6; book 3: .1-.5, 0-.7
    np.testing.assert_allclose(mean, [0.35, 0.0, -0.55], atol=1e-7)
    np.testing.assert_allclose(sd, np.array([0.3, 0.2, 0.3]) / np.sqrt(2), atol=1e-7)


def spread(n_books: int) -> np.ndarray:
    """Return two replicates of as many books: two lead, two follow, the others are far behind."""
    behind = np.linspace(-0.5, -0.9, n_books - 4)
    found = [[0.9, 0.5, 0.4, 0.1, *behind], [0.8, 0.6, 0.7, 0.0, *behind]]
    return np.array(found, np.float32)


def test_certainty_by_hand() -> None:
    replicates, similarity = spread(FEW * 2), np.array([0.85, 0.6], np.float32)
    ensemble = Ensemble(np.zeros((2, 11, 3), np.int8), np.zeros((2, 11), np.float32), K2)
    sure = ensemble.certainty(similarity, replicates, np.array([0, 2]), 20.0)
    z = 0.35 / np.sqrt((0.045 + 0.02**2) / 2)  # the variance of book 0's margins is .3**2 / 2
    logit = 0.5 + 2 * np.arcsinh(z) + 0.25 * np.log(20)
    np.testing.assert_allclose(sure.p_top, [1 / (1 + np.exp(-logit)), 1 / (1 + np.exp(-0.5) / 20**0.25)], rtol=1e-5)
    sd = np.array([0.1, 0.3]) / np.sqrt(2)
    np.testing.assert_allclose(sure.low, similarity - 1.5 * sd, rtol=1e-6)
    np.testing.assert_allclose(sure.high, similarity + 0.5 * sd, rtol=1e-6)


@pytest.mark.parametrize("n_allowed", [4, FEW * 2 - 1])
def test_where_few_compete_their_probabilities_fill_the_places(n_allowed: int) -> None:
    replicates = spread(n_allowed)
    p = K2.among(replicates, np.arange(n_allowed), 20.0)
    assert p.sum() == pytest.approx(2, abs=1e-4)
    alone = K2.p_top(*margins(replicates, thresholds(replicates, 2)), 20.0)
    assert (np.argsort(p) == np.argsort(alone)).all(), "the order is that of the curve"
    np.testing.assert_array_equal(K2.among(replicates, np.array([2, 0]), 20.0), p[[2, 0]])


@given(st.lists(st.floats(-30, 30), min_size=2, max_size=30), st.floats(0.01, 0.99))
def test_logits_are_moved_together_until_they_sum(logits: list[float], share: float) -> None:
    moved = summing_to(share * len(logits), np.array(logits))
    assert (1 / (1 + np.exp(-moved))).sum() == pytest.approx(share * len(logits), rel=1e-6)
    np.testing.assert_allclose(np.diff(moved), np.diff(logits), atol=1e-6)


def test_an_interval_by_hand() -> None:
    ends = Ends(sd=(-2.0, 1.0), sd_log_readers=(0.5, -0.25), constant=(-0.1, 0.2))
    low, high = ends.around(np.array([0.4, 0.95]), np.array([0.01, 0.02]), np.array([np.e**2, 1.0]))
    np.testing.assert_allclose(low, [0.4 - 0.01 - 0.1, 0.95 - 0.04 - 0.1], rtol=1e-6)
    np.testing.assert_allclose(high, [0.4 + 0.005 + 0.2, 1.0], rtol=1e-6)
    shrinking = Ends(constant=(0.1, -0.1))  # both ends on one side: the similarity is the other
    low, high = shrinking.around(np.array([0.4]), np.array([0.01]), 10.0)
    np.testing.assert_allclose([low[0], high[0]], [0.4, 0.4], rtol=1e-6)


def test_a_list_with_room_for_all_holds_all() -> None:
    assert (K2.among(np.zeros((2, 2), np.float32), np.array([0, 1]), 20.0) == 1).all()


def test_replicates_that_all_agree_are_sure_and_finite() -> None:
    replicates = np.tile(np.linspace(1, 0, 12, dtype=np.float32), (4, 1))
    p = Calibration(slope=3.0, k=2).among(replicates, np.arange(12), 5.0)
    np.testing.assert_allclose(p, [1, 1, *[0] * 10], atol=1e-4)


finite = st.floats(-1, 1, width=32)


@given(st.lists(st.tuples(finite, st.floats(0, 1, width=32)), min_size=1, max_size=20), finite, finite, finite)
def test_the_similarity_always_lies_in_its_interval(
    pairs: list[tuple[float, float]], low: float, high: float, constant: float
) -> None:
    similarity, sd = (np.array(part, np.float32) for part in zip(*pairs, strict=True))
    below, above = Ends((low, high), (high, low), (constant, -constant)).around(similarity, sd, 7.0)
    assert (below >= -1).all()
    assert (below <= similarity).all()
    assert (similarity <= above).all()
    assert (above <= 1).all()


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=20), st.floats(0, 1), st.floats(0, 0.5), st.floats(0, 5))
def test_p_rises_with_the_margin(mean: list[float], sd: float, usual: float, slope: float) -> None:
    p = Calibration(slope=slope, margin_sd=usual).p_top(np.sort(mean), np.full(len(mean), sd), 10.0)
    assert (np.diff(p) >= 0).all()
    assert ((p >= 0) & (p <= 1)).all()
