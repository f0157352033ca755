"""Bayesian linear regression: rows, and the posterior in closed form.

With features standardised and outcomes in units of their standard deviation, ``y = a'x + b + noise`` of known variance
s^2 and a Gaussian prior of precisions P: the posterior is Gaussian with precision ``P + X'X / s^2`` and mean
``precision^-1 X'y / s^2``, X with a column of ones (Bishop 2006, equations 3.50 and 3.51).
"""

from __future__ import annotations

import numpy as np

from models.predictor import Examples

NOISE_SD = 3.0  # in units of the outcome


def _rows() -> Examples:
    random = np.random.default_rng(7)
    first = random.normal(size=40)
    features = np.stack([first, 0.6 * first + 0.8 * random.normal(size=40)], axis=1) * [2, 5] + [3, -1]
    outcome = 20 + features @ [1.0, -0.5] + random.normal(0, NOISE_SD, 40)
    return Examples(features.astype(np.float32), outcome.astype(np.float32))


DESIGN = _rows()


def standardised(features: np.ndarray) -> np.ndarray:
    """Return features in standard units and a column of ones, float64 (n_rows, 3)."""
    scaled = (features - DESIGN.features.mean(axis=0, dtype=float)) / DESIGN.features.std(axis=0, dtype=float)
    return np.concatenate([scaled, np.ones((len(features), 1))], axis=1)


def posterior(prior_sd: float) -> tuple[np.ndarray, np.ndarray]:
    """Return mean (3,) and precision (3, 3) of weights and bias, whose priors a net without hidden layers has."""
    design = standardised(DESIGN.features)
    y = (DESIGN.outcome - DESIGN.outcome.mean(dtype=float)) / DESIGN.outcome.std(dtype=float)
    of_noise = (DESIGN.outcome.std(dtype=float) / NOISE_SD) ** 2
    precision = np.diag([2, 2, 1]) / prior_sd**2 + of_noise * design.T @ design
    return np.linalg.solve(precision, of_noise * design.T @ y), precision
