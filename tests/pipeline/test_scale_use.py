"""Shares of levels recovered from planted readers, and scores as truncated normals have them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate
from scipy.special import gammaln
from scipy.stats import norm

from pipeline.scale_use import ScaleUse, cuts, level_counts, level_probabilities, normal_scores


def planted(concentration: np.ndarray, n_readers: int, n: int, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    return random.multinomial(n, random.dirichlet(concentration, n_readers)).astype(np.float64)


def log_likelihood(a: np.ndarray, counts: np.ndarray) -> float:
    n = counts.sum(axis=1)
    rows = gammaln(a.sum()) - gammaln(n + a.sum()) + (gammaln(counts + a) - gammaln(a)).sum(axis=1)
    return float(rows.sum())


def test_concentration_is_recovered() -> None:
    true = np.array([0.5, 1.0, 3.0, 1.5])
    found = ScaleUse.fit(planted(true, 3000, 40, seed=1)).concentration
    assert np.abs(found / true - 1).max() < 0.1


def test_concentration_is_the_likeliest() -> None:
    counts = planted(np.array([0.7, 2.0, 1.0]), 200, 15, seed=2)
    found = ScaleUse.fit(counts).concentration
    best = log_likelihood(found, counts)
    for k in range(3):
        for factor in (0.97, 1.03):
            moved = found.copy()
            moved[k] *= factor
            assert log_likelihood(moved, counts) < best


def test_readers_without_ratings_do_not_count_and_are_average() -> None:
    counts = planted(np.array([1.0, 2.0, 1.0]), 100, 10, seed=3)
    scale = ScaleUse.fit(counts)
    with_empty = ScaleUse.fit(np.vstack([counts, np.zeros((50, 3))]))
    assert np.array_equal(scale.concentration, with_empty.concentration)
    average = scale.concentration / scale.concentration.sum()
    assert np.allclose(scale.shares(np.zeros((1, 3))), average)


def test_shares_are_posterior_means() -> None:
    assert np.allclose(ScaleUse(np.array([1.0, 2.0, 1.0])).shares(np.array([3.0, 0.0, 1.0])), [4 / 8, 2 / 8, 2 / 8])


def test_a_level_nobody_uses_stays_possible_and_equal_readers_stay_finite() -> None:
    same = np.tile([5.0, 0.0, 5.0], (50, 1))
    concentration = ScaleUse.fit(same).concentration
    assert (concentration >= 0.009).all()
    assert concentration.sum() <= 10_000 * (1 + 1e-9)
    assert ScaleUse.fit(np.zeros((0, 3))).concentration.min() > 0


def test_scores_are_means_of_a_truncated_normal() -> None:
    shares = np.array([0.1, 0.2, 0.05, 0.4, 0.25])
    edges = np.concatenate([[-np.inf], norm.ppf(np.cumsum(shares)[:-1]), [np.inf]])
    expected = [
        integrate.quad(lambda x: x * norm.pdf(x), low, high)[0] / share
        for low, high, share in zip(edges[:-1], edges[1:], shares, strict=True)
    ]
    assert np.allclose(normal_scores(shares), expected)
    assert abs(float(shares @ normal_scores(shares))) < 1e-12  # a reader's scores average 0


def test_the_average_score_puts_back_the_reader_s_shares() -> None:
    shares = np.array([[0.1, 0.2, 0.3, 0.4], [0.7, 0.1, 0.1, 0.1]])
    assert np.allclose(level_probabilities(cuts(shares), np.zeros(2), np.ones(2)), shares)


def test_a_better_book_moves_all_levels_up() -> None:
    cut = cuts(np.array([[0.25, 0.25, 0.25, 0.25]] * 2))
    p = level_probabilities(cut, np.array([0.0, 1.0]), np.array([1.0, 1.0]))
    assert (np.cumsum(p, axis=1)[1, :-1] < np.cumsum(p, axis=1)[0, :-1]).all()
    assert p[1, 0] == pytest.approx(norm.cdf(norm.ppf(0.25) - 1))


def test_counts_by_hand() -> None:
    assert level_counts(np.array([0, 0, 2]), np.array([1, 1, 0]), 3, 2).tolist() == [[0, 2], [0, 0], [1, 0]]
