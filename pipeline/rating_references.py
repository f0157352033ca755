"""What others make of the features that the predictor of ratings reads: references of its table, never published.

- *Bayesian ridge* (MacKay 1992): a line through all features, with the precisions of weights and noise that make the
  ratings likeliest (scikit-learn's, on standardised columns); its Gaussian is cut to the levels, the mass between two
  levels going to the nearer one.
- *Deep ensemble* (`models.deep_ensemble`): the same net, likelihood and training as the predictor, from several starts.
  What the predictor is better by is what a distribution over weights is worth.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np

from models.base import Run
from models.bnn_config import NetConfig, TrainedConfig
from models.catalogue import predictor_class
from models.predictor import Examples
from pipeline.doubt_config import BAYESIAN_RIDGE, DEEP_ENSEMBLE, REFERENCES
from pipeline.rating_baselines import gaussian_levels

FORMAT = 1  # raise it when a forecast changes
_LEAST_SD = 0.05  # of the distance of levels
_LEAST_P = 1e-6


def reference_forecasts(
    kinds: tuple[str, ...],
    learned: Examples,
    stop: Examples | None,
    rows: np.ndarray,
    like: NetConfig,
    run: Run,
    n_draws: int,
) -> dict[str, np.ndarray]:
    """Return what references say of some rows: kind -> float64 (n_rows, n_levels), rows sum to 1.

    Parameters
    ----------
    kinds
        Some of `pipeline.doubt_config.REFERENCES`.
    learned, stop
        What the predictor learned from, and by what it was stopped.
    rows
        float32 (n_rows, n_features).
    like
        Configuration of the predictor.
    """
    levels = np.array(like.outcomes)
    found: dict[str, np.ndarray] = {}
    for kind in (kind for kind in REFERENCES if kind in kinds):
        if kind == BAYESIAN_RIDGE:
            found[kind] = bayesian_ridge(learned, rows, levels)
        else:
            found[kind] = _ensemble(learned, stop, rows, like, run, n_draws)
    return found


def bayesian_ridge(learned: Examples, rows: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Return what Bayesian ridge regression says of rows, as probabilities of `levels`, float64 (n_rows, n_levels)."""
    from sklearn.linear_model import BayesianRidge  # .8 s

    columns = learned.features.astype(np.float64)
    centre, spread = columns.mean(axis=0), columns.std(axis=0)
    spread[spread == 0] = 1.0
    fitted = BayesianRidge().fit((columns - centre) / spread, learned.outcome.astype(np.float64))
    mean, sd = fitted.predict((rows.astype(np.float64) - centre) / spread, return_std=True)
    p = gaussian_levels(mean, np.maximum(sd, _LEAST_SD * np.diff(levels).min()), levels)
    mixed: np.ndarray = (1 - _LEAST_P) * p + _LEAST_P / len(levels)
    return mixed


def _ensemble(
    learned: Examples, stop: Examples | None, rows: np.ndarray, like: NetConfig, run: Run, n_draws: int
) -> np.ndarray:
    ensemble = predictor_class(DEEP_ENSEMBLE)
    known = [field.name for field in fields(TrainedConfig) if hasattr(like, field.name)]  # sampled nets have no epochs
    shared: dict[str, Any] = {name: getattr(like, name) for name in known}
    said = ensemble.fit(learned, ensemble.config_type(**shared), run, validation=stop).predict(rows, n_draws, run.seed)
    assert said.p is not None
    p: np.ndarray = said.p.astype(np.float64)
    return p
