"""Logistic regression of few columns on drawn examples, with an offset: Newton's method, a small ridge. numpy only."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

_STEPS, _STAYS = 50, 1e-8
_RIDGE = 1e-3  # keeps slopes finite where outcomes can be told apart without error


def logistic(columns: np.ndarray, offset: np.ndarray, outcome: np.ndarray) -> np.ndarray:
    """Return the weights that make outcomes likeliest, ``logit p = columns @ weights + offset``.

    Parameters
    ----------
    columns
        float (n, n_columns).
    offset, outcome
        float (n,), outcomes 0 or 1.

    Returns
    -------
    ndarray
        float64 (n_columns,).
    """
    columns, offset, outcome = (np.asarray(array, np.float64) for array in (columns, offset, outcome))
    weights = np.zeros(columns.shape[1])
    for _ in range(_STEPS):
        p = expit(columns @ weights + offset)
        gradient = columns.T @ (outcome - p) - _RIDGE * weights
        curvature = (columns * (p * (1 - p))[:, None]).T @ columns + _RIDGE * np.eye(len(weights))
        step = np.linalg.solve(curvature, gradient)
        weights += step * min(1.0, 2 / max(np.abs(step).max(), 1e-300))  # a full step may leap where p is near 0 or 1
        if np.abs(step).max() < _STAYS:
            break
    return weights
