"""References of the table of ratings, where the answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from models.base import Run
from models.bayes_by_backprop import BayesByBackpropConfig
from models.predictor import Examples
from pipeline.doubt_config import BAYESIAN_RIDGE, DEEP_ENSEMBLE, REFERENCES
from pipeline.rating_references import bayesian_ridge, reference_forecasts

LEVELS = np.arange(1.0, 11.0)
LIKE = BayesByBackpropConfig(
    hidden_sizes=(8,),
    epochs=20,
    batch_size=64,
    learning_rate=0.02,
    likelihood="categorical",
    outcomes=tuple(LEVELS),
    n_offset_features=10,
)


def linear(n: int, seed: int = 0) -> tuple[Examples, np.ndarray]:
    """Ratings that lie on a line, but for rounding and noise of one point; and the line."""
    random = np.random.default_rng(seed)
    features = random.normal(size=(n, 12)).astype(np.float32)
    features[:, :10] = np.log(0.1)  # what is known beforehand: nothing
    line = 5.5 + 1.2 * features[:, 10] - 0.7 * features[:, 11]
    value = np.clip(np.round(line + random.normal(size=n)), 1, 10).astype(np.float32)
    return Examples(features, value), line


def test_ridge_finds_the_line_and_the_noise() -> None:
    learned, _ = linear(4000)
    asked, line = linear(500, seed=1)
    p = bayesian_ridge(learned, asked.features, LEVELS)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    inner = np.abs(line - 5.5) < 2  # far from the ends, where what is cut counts
    mean = p @ LEVELS
    np.testing.assert_allclose(mean[inner], line[inner], atol=0.2)  # ratings cut at the ends flatten the line a little
    sd = np.sqrt(p @ LEVELS**2 - mean**2)
    assert sd[inner] == pytest.approx(np.sqrt(1 + 2 / 12), rel=0.05)  # of the noise, of rounding, and of cutting


def test_every_reference_says_probabilities_and_beats_knowing_nothing() -> None:
    learned, _ = linear(600)
    stop, _ = linear(300, seed=2)
    asked, _ = linear(400, seed=3)
    found = reference_forecasts(REFERENCES, learned, stop, asked.features, LIKE, Run(0), 8)
    assert tuple(found) == REFERENCES
    category = (asked.outcome - 1).astype(int)
    for p in found.values():
        np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-5)
        assert -np.log(p[np.arange(400), category]).mean() < np.log(10) - 0.4
    again = reference_forecasts((DEEP_ENSEMBLE,), learned, stop, asked.features, LIKE, Run(0), 8)
    np.testing.assert_array_equal(again[DEEP_ENSEMBLE], found[DEEP_ENSEMBLE])
    assert BAYESIAN_RIDGE not in again
