"""Moments of mixtures: against symmetry, and against a great many plain draws."""

from __future__ import annotations

import numpy as np
import pytest

from models.logistic_normal import laplace_approximation, mixture_draws, mixture_moments, softmax


@pytest.mark.parametrize("n_topics", [2, 3, 20, 50])
def test_of_equal_topics_each_has_its_share_and_the_same_sd(n_topics: int) -> None:
    prior = [moment[None] for moment in laplace_approximation(np.full(n_topics, 0.3))]
    mean, sd = mixture_moments(*prior)
    np.testing.assert_allclose(mean[0], 1 / n_topics, rtol=1e-9)
    np.testing.assert_allclose(sd[0], sd[0, 0], rtol=1e-9)


@pytest.mark.parametrize("n_topics", [3, 20, 50])
def test_moments_are_those_of_many_plain_draws(n_topics: int) -> None:
    random = np.random.default_rng(1)
    mean, variance = random.normal(0, 1.5, (6, n_topics)), random.uniform(0.2, 4, (6, n_topics))
    found = mixture_moments(mean, variance)
    draws = random.standard_normal((60_000, n_topics))
    for row in range(6):
        true = softmax(mean[row] + np.sqrt(variance[row]) * draws)
        assert (np.abs(found[0][row] - true.mean(axis=0)) < 0.05 * true.std(axis=0)).all()
        heavy = true.mean(axis=0) > 0.5 / n_topics
        off = np.abs(found[1][row] / true.std(axis=0) - 1)[heavy]
        assert np.median(off) < 0.05
        assert off.max() < 0.2
        np.testing.assert_allclose(found[0][row].sum(), 1, rtol=1e-9)


def test_draws_are_mixtures_the_same_for_every_row_alone_or_together() -> None:
    random = np.random.default_rng(2)
    mean, variance = random.normal(size=(4, 5)), random.uniform(0.1, 2, (4, 5))
    together = np.stack(list(mixture_draws(mean, variance, 40)))
    alone = np.stack(
        [
            np.concatenate(rows)
            for rows in zip(*(mixture_draws(mean[[i]], variance[[i]], 40) for i in range(4)), strict=True)
        ]
    )
    assert together.shape == (40, 4, 5)
    np.testing.assert_array_equal(together, alone)
