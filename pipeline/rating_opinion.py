"""A forecast of ratings: an ordered probit on each reader's own scale (`pipeline.rating_features` has the formula)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from data.seeds import generator
from pipeline.rating_evidence import Evidence
from pipeline.scale_use import cuts, level_probabilities

_MOST_ROWS = 20_000  # three numbers are fitted
_START = (1.0, 0.5, 0.5)
_LEAST_P = 1e-9
_LEAST_VAR = 1e-4


@dataclass(frozen=True)
class Opinion:
    """The forecast.

    Attributes
    ----------
    parameters
        float64 (3,): weight w of the mean, variance a that is always left, weight c of the variance of taste.
    """

    parameters: np.ndarray

    @staticmethod
    def sample(n_ratings: int, seed: int) -> np.ndarray:
        """Return rows to fit on, ascending."""
        order = generator(seed, "fit/rating_opinion").permutation(n_ratings)[:_MOST_ROWS]
        rows: np.ndarray = np.sort(order)
        return rows

    @classmethod
    def fit(cls, evidence: Evidence, category: np.ndarray) -> Opinion:
        """Return the likeliest forecast of the levels `category`, (n,), each row's evidence being without it."""
        if not len(category):
            return cls(np.array(_START))
        cut, rows = cuts(evidence.shares), np.arange(len(category))

        def loss(parameters: np.ndarray) -> float:
            p = cls(parameters)._placed(evidence, cut)[rows, category]
            return float(-np.log(np.maximum(p, _LEAST_P)).mean())

        bounds = [(0.0, 3.0), (_LEAST_VAR, 3.0), (0.0, 3.0)]
        found = minimize(loss, _START, method="L-BFGS-B", bounds=bounds)
        return cls(np.asarray(found.x, np.float64))

    def probabilities(self, evidence: Evidence) -> np.ndarray:
        """Return the probability of each level, float64 (n, n_levels); rows sum to 1."""
        return self._placed(evidence, cuts(evidence.shares))

    def _placed(self, evidence: Evidence, cut: np.ndarray) -> np.ndarray:
        weight, left, of_taste = self.parameters
        sd = np.sqrt(left + of_taste * evidence.taste_sd**2)
        return level_probabilities(cut, weight * (evidence.effect + evidence.taste_mean), sd)
