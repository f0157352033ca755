"""What is mended after the fit, on ratings the predictor has not learned from: its sureness, and sets that hold.

*Scaling.* Log probabilities are multiplied and shifted, p' ~ exp(w log p + b), by maximum likelihood: one w for all
levels and no shift is temperature scaling, a w and a b for each level is vector scaling (Guo et al. 2017, section 4.2).
Temperature scaling keeps the order of levels; vector scaling can also mend a level that is said too often.

*Split-conformal intervals.* Of nested central intervals the smallest that holds the rating is its score,

    s(p, y) = max(1 - 2 F(y), 2 F(y - 1) - 1, 0)

with F the forecast's distribution function (a conformal score as in Romano, Patterson and Candes 2019, for a
distribution in place of quantiles). With the ceil((n + 1) q)-th smallest score t of n held-out ratings, the levels
with s(p, level) <= t are an interval, and hold the next rating with probability at least q if it and the n are
exchangeable (Vovk, Gammerman and Shafer 2005, proposition 2.3), whatever the forecast is. By groups, each with a
threshold of its own, the promise holds in each (their section 4.5). Levels are few, so the intervals hold more than
they must.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

KINDS = ("temperature", "vector")
_LEAST_P = 1e-9
_LEAST_WEIGHT, _MOST_WEIGHT, _MOST_BIAS = 0.05, 20.0, 10.0


@dataclass(frozen=True)
class Scaling:
    """Probabilities made more or less sure.

    Attributes
    ----------
    weight, bias
        float64 (n_levels,), of the log probabilities.
    """

    weight: np.ndarray
    bias: np.ndarray

    @classmethod
    def none(cls, n_levels: int) -> Scaling:
        """Return what changes nothing."""
        return cls(np.ones(n_levels), np.zeros(n_levels))

    @classmethod
    def fit(cls, p: np.ndarray, category: np.ndarray, kind: str = "temperature") -> Scaling:
        """Return the likeliest scaling.

        Parameters
        ----------
        p
            float (n_rows, n_levels), what was said of ratings that were not learned from; none changes nothing.
        category
            int (n_rows,), the levels they had.
        kind
            One of `KINDS`.
        """
        if kind not in KINDS:
            raise ValueError(f"kind: {kind!r}, expected one of {', '.join(KINDS)}")
        n_levels = p.shape[1]
        if not len(p):
            return cls.none(n_levels)
        n_weights, n_biases = (1, 0) if kind == "temperature" else (n_levels, n_levels)
        logs, rows = _logs(p), np.arange(len(p))

        def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
            scaled = cls._of(parameters, n_weights, n_levels)._scaled(logs)
            error = np.exp(scaled)
            error[rows, category] -= 1
            slopes = (error * logs).mean(axis=0)
            by_weight = [slopes.sum()] if kind == "temperature" else slopes
            return float(-scaled[rows, category].mean()), np.concatenate([by_weight, error.mean(axis=0)[:n_biases]])

        start = np.concatenate([np.ones(n_weights), np.zeros(n_biases)])
        bounds = [(_LEAST_WEIGHT, _MOST_WEIGHT)] * n_weights + [(-_MOST_BIAS, _MOST_BIAS)] * n_biases
        return cls._of(minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x, n_weights, n_levels)

    def __call__(self, p: np.ndarray) -> np.ndarray:
        """Return scaled probabilities, float32 (n_rows, n_levels); rows sum to 1."""
        scaled: np.ndarray = np.exp(self._scaled(_logs(p))).astype(np.float32)
        return scaled

    @classmethod
    def _of(cls, parameters: np.ndarray, n_weights: int, n_levels: int) -> Scaling:
        weight, bias = parameters[:n_weights], parameters[n_weights:]
        return cls(np.resize(weight, n_levels), bias if len(bias) else np.zeros(n_levels))

    def _scaled(self, logs: np.ndarray) -> np.ndarray:
        raw = logs * self.weight + self.bias
        normalised: np.ndarray = raw - np.logaddexp.reduce(raw, axis=1, keepdims=True)
        return normalised


@dataclass(frozen=True)
class ConformalInterval:
    """Intervals of levels that hold as many ratings as they say.

    Attributes
    ----------
    coverage
        What they promise.
    threshold
        float64 (n_groups,), the largest score of a level that is in the interval.
    """

    coverage: float
    threshold: np.ndarray

    @classmethod
    def fit(
        cls,
        p: np.ndarray,
        category: np.ndarray,
        coverage: float,
        group: np.ndarray | None = None,
        n_groups: int = 1,
    ) -> ConformalInterval:
        """Return intervals calibrated on ratings that were not learned from.

        Parameters
        ----------
        p, category
            float (n_rows, n_levels) and int (n_rows,), what was said and what happened.
        coverage
            Above 0 and below 1. A group of too few ratings to promise it gets intervals of all levels.
        group
            int (n_rows,), from 0 to ``n_groups - 1``; None puts all into one.
        """
        if not 0 < coverage < 1:
            raise ValueError(f"coverage: {coverage}, expected above 0 and below 1")
        group = np.zeros(len(p), np.int64) if group is None else group
        scores = interval_scores(p)[np.arange(len(p)), category]
        return cls(coverage, np.array([_threshold(scores[group == g], coverage) for g in range(n_groups)]))

    def levels(self, p: np.ndarray, group: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Return the places of the first and last level of each interval, int64 (n_rows,) each."""
        threshold = self.threshold[np.zeros(len(p), np.int64) if group is None else group]
        inside = interval_scores(p) <= threshold[:, None]
        return inside.argmax(axis=1), p.shape[1] - 1 - inside[:, ::-1].argmax(axis=1)


def interval_scores(p: np.ndarray) -> np.ndarray:
    """Return the probability of the smallest central interval that holds each level, float64 (n_rows, n_levels).

    It falls to 0 at the median and rises after it, so that levels of at most some score are an interval.
    """
    below = np.minimum(np.cumsum(p, axis=1, dtype=np.float64), 1)
    before = np.concatenate([np.zeros((len(p), 1)), below[:, :-1]], axis=1)
    scores: np.ndarray = np.maximum(np.maximum(1 - 2 * below, 2 * before - 1), 0)
    return scores


def _threshold(scores: np.ndarray, coverage: float) -> float:
    place = int(np.ceil((len(scores) + 1) * coverage))
    return float(np.sort(scores)[place - 1]) if place <= len(scores) else 1.0


def _logs(p: np.ndarray) -> np.ndarray:
    logs: np.ndarray = np.log(np.maximum(p, _LEAST_P).astype(np.float64))
    return logs
