"""What agreement among replicates is worth: fitted to one half of the judged books, checked on the other.

What is judged are pairs of an asked book and a candidate, seen by an ensemble learned from some readers, with the truth
from the same model learned from as many *other* readers (`pipeline.ensemble` makes them).

The logistic curve is Platt's (1999), by Newton's method. The intervals are linear quantiles (Koenker and Bassett 1978;
by majorisation, Hunter and Lange 2000) of how far a similarity moves, given its sd. Errors count in units of the sd: a
book of five readers moves ten times as far as one of five hundred, and would alone decide otherwise. An interval of a
near book closes as its sd does; with a constant instead of the readers of the asked book, or with neither, 69 to 100 in
100 lay inside where 90 were wanted (eight groups of books by readers; goodbooks, bookcrossing), with them 87 to 98. As
the check is on other books, it shows if that does not hold.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from data.certainty import Calibration, Ends
from pipeline.doubt_config import EnsembleConfig

N_BINS = 10
MIN_PAIRS = 100  # in a bin, for its gap to be worth naming
_RIDGE = 1e-2  # keeps the curve finite where all candidates are in, or none
_SMOOTH = 1e-4  # of a similarity: the corner of the quantile's loss is rounded by this much
_LEAST_SD = 0.01  # added to the sd when errors are weighed: what hardly moves must not count for everything
_MAX_STEPS = 500
_GROUPS = ("few", "middle", "many")


@dataclass(frozen=True)
class Pairs:
    """Asked books and candidates, arrays (n_asked, n_candidates), in one order of asked books.

    Attributes
    ----------
    similarity, sd
        In the space that is published, and its sd over replicates.
    other
        Similarity in the model learned from other readers.
    margin, margin_sd, in_top
        Mean and sd of the margin to the k-th, and whether the candidate is in the top k of the other model.
    """

    similarity: np.ndarray
    sd: np.ndarray
    other: np.ndarray
    margin: np.ndarray
    margin_sd: np.ndarray
    in_top: np.ndarray

    def of(self, asked: np.ndarray) -> Pairs:
        """Return the pairs of some asked books."""
        parts = (self.similarity, self.sd, self.other, self.margin, self.margin_sd, self.in_top)
        return Pairs(*(part[asked] for part in parts))


def fit_calibration(near: Pairs, far: Pairs, n_readers: np.ndarray, config: EnsembleConfig) -> Calibration:
    """Return the calibration under which these pairs are most likely, and their intervals hold `level` of them.

    Parameters
    ----------
    near, far
        The most and the least similar books of each asked book.
    n_readers
        int64 (n_asked,), readers of the asked books.
    """
    usual = float(np.sqrt(np.mean(near.margin_sd**2)))
    z = Calibration(margin_sd=usual).z(near.margin, near.margin_sd)
    known = np.broadcast_to(np.log(np.maximum(n_readers, 1))[:, None], z.shape)
    intercept, slope, log_readers = logistic(np.arcsinh(z).ravel(), known.ravel(), near.in_top.ravel())
    known = np.log(np.maximum(n_readers, 1))[:, None]
    of_near = _quantiles(near, [near.sd, near.sd * known], config.level)
    of_far = _quantiles(far, [far.sd, np.ones_like(far.sd)], config.level)
    return Calibration(
        *(intercept, slope, log_readers),
        near=Ends(sd=of_near[0], sd_log_readers=of_near[1]),
        far=Ends(sd=of_far[0], constant=of_far[1]),
        level=config.level,
        k=config.k,
        margin_sd=usual,
    )


def _quantiles(pairs: Pairs, terms: list[np.ndarray], level: float) -> list[tuple[float, float]]:
    """Return, of each term, what it adds to the low and to the high end of an interval with a share `level` inside."""
    columns = np.stack([term.ravel() for term in terms], axis=1).astype(np.float64)
    moved, sd = (pairs.other - pairs.similarity).ravel(), pairs.sd.ravel()
    low, high = (linear_quantile(columns, moved, sd, share) for share in ((1 - level) / 2, (1 + level) / 2))
    return list(zip(low.tolist(), high.tolist(), strict=True))


def logistic(x: np.ndarray, known: np.ndarray, true: np.ndarray) -> tuple[float, float, float]:
    """Return intercept, slope of `x` (never below 0) and slope of `known` of the logistic curve of `true`.

    Where agreement of the replicates says nothing, or the opposite, it is left out: p must not fall with it.
    """
    columns = np.stack([np.ones(len(x)), x, known], axis=1)
    coefficients = _reweighted(columns, true)
    if coefficients[1] < 0:
        columns[:, 1] = 0
        coefficients = _reweighted(columns, true)
    return float(coefficients[0]), float(coefficients[1]), float(coefficients[2])


def _reweighted(columns: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Newton's steps to the maximum of the likelihood, halved while they do not climb."""
    target = true.astype(np.float64)

    def loss(at: np.ndarray) -> float:
        logit = columns @ at
        return float((np.logaddexp(0, logit) - target * logit).sum() + _RIDGE / 2 * at @ at)

    found = np.zeros(columns.shape[1])
    for _ in range(100):
        p = 0.5 * (1 + np.tanh(columns @ found / 2))
        slope = columns.T @ (p - target) + _RIDGE * found
        curvature = (columns * (p * (1 - p))[:, None]).T @ columns + _RIDGE * np.eye(len(found))
        step = np.linalg.solve(curvature, slope)
        while loss(found - step) > loss(found) + 1e-9 and np.abs(step).max() > 1e-9:
            step /= 2
        found = found - step
        if np.abs(step).max() < 1e-8:
            break
    return found


def linear_quantile(columns: np.ndarray, moved: np.ndarray, sd: np.ndarray, share: float) -> np.ndarray:
    """Return multiples of `columns` (n, n_terms); below their sum a `share` of `moved` lies, errors in units of sd."""
    weight = 1 / (sd.astype(np.float64) + _LEAST_SD)
    weight /= weight.mean()
    moved, tilt = moved.astype(np.float64), (2 * share - 1) * (weight @ columns)
    ridge = _RIDGE * np.eye(columns.shape[1])
    found = np.zeros(columns.shape[1])
    for _ in range(_MAX_STEPS):
        weighted = columns * (weight / (_SMOOTH + np.abs(moved - columns @ found)))[:, None]
        before, found = found, np.linalg.solve(weighted.T @ columns + ridge, weighted.T @ moved + tilt)
        if np.abs(found - before).max() < _SMOOTH / 10:
            break
    return found


def check(
    calibration: Calibration, near: Pairs, far: Pairs, n_readers: np.ndarray
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return how a calibration does on pairs it was not fitted to.

    Returns
    -------
    arrays
        ``said``, ``found`` float64 and ``n`` int64, one entry per bin of p that is not empty: mean probability said,
        share that was in the top k, pairs. The reliability plot.
    metrics
        ``n_pairs``; ``brier`` and ``brier_base``, the Brier score and that of saying the mean of all; ``ece``, the mean
        gap between said and found over pairs, and ``max_gap``, the largest of a bin with `MIN_PAIRS` pairs;
        ``coverage`` of the intervals of ``near`` and ``far`` books, and of near books by ``few``, ``middle`` or
        ``many`` readers of the asked book; ``readers_edges``, most readers of few and of middle.
    """
    p = calibration.p_top(near.margin, near.margin_sd, n_readers[:, None]).astype(np.float64)
    said, found, n = reliability(p.ravel(), near.in_top.ravel())
    gaps, inside = np.abs(said - found), _inside(calibration.near, near, n_readers)
    edges = np.quantile(n_readers, (1 / 3, 2 / 3))
    group = np.searchsorted(edges, n_readers, side="left")
    covered = {"near": inside, "far": _inside(calibration.far, far, n_readers)}
    covered |= {name: inside[group == i] for i, name in enumerate(_GROUPS)}
    metrics = {
        "n_pairs": int(n.sum()),
        "brier": float(np.mean((p - near.in_top) ** 2)),
        "brier_base": float(near.in_top.mean() * (1 - near.in_top.mean())),
        "ece": float(gaps @ n / n.sum()),
        "max_gap": float(gaps[n >= MIN_PAIRS].max(initial=0)),
        "coverage": {name: float(part.mean()) for name, part in covered.items() if part.size},
        "readers_edges": edges.tolist(),
    }
    return {"said": said, "found": found, "n": n}, metrics


def reliability(p: np.ndarray, true: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return, for each of ten equal bins of `p` that is not empty: mean of p, share of `true`, and how many."""
    bins = np.minimum((p * N_BINS).astype(np.int64), N_BINS - 1)
    n = np.bincount(bins, minlength=N_BINS)
    kept = n > 0
    said, found = (np.bincount(bins, weights, N_BINS)[kept] / n[kept] for weights in (p, true))
    return said, found, n[kept]


def _inside(ends: Ends, pairs: Pairs, n_readers: np.ndarray) -> np.ndarray:
    low, high = ends.around(pairs.similarity, pairs.sd, n_readers[:, None])
    inside: np.ndarray = (pairs.other >= low) & (pairs.other <= high)
    return inside
