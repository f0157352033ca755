"""How good forecasts of ratings are: errors, proper scores, calibration, and whether doubt is where errors are.

A forecast is a probability of each level of a scale. Row by row there are:

- `square`, `absolute`: errors of the forecast's mean (their mean's root is the RMSE; the MAE);
- `nll`: minus the log of the probability of what happened, in nats;
- `crps`: the continuous ranked probability score (Gneiting and Raftery 2007, eq. 20) of a distribution on the levels,
  in units of the scale: the integral of (F(x) - 1[rating <= x])^2;
- `pit`: the randomised probability integral transform (Czado, Gneiting and Held 2009, eq. 1), uniform if calibrated.

A central set of probability q *covers* the rating where |pit - 1/2| <= q / 2: at its edges a level counts by the part
of it that is inside, so that a calibrated forecast covers exactly. The *calibration error* is the mean over q = .05,
... .95 of |share covered - q| (Kuleshov, Fenner and Ermon 2018, eq. 9, with absolute values). *Sharpness* is the mean
standard deviation, and the mean number of levels between the quantiles (1 - q) / 2 and (1 + q) / 2, both included.

Rows of one reader are alike, so standard errors of means are clustered by reader (Liang and Zeger 1986).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm, rankdata

COVERAGES = (0.5, 0.8, 0.9, 0.95)
CALIBRATION_LEVELS = np.arange(1, 20) / 20
N_PIT_BINS = 20
KNOWN = ("cold", "warm", "hot")
READER_EDGES = (20, 100)  # ratings of a reader from which on it is warm, hot
BOOK_EDGES = (2, 10)
_LEAST_P = 1e-9


@dataclass(frozen=True)
class Figure:
    """A figure and its standard error over readers."""

    value: float
    se: float


@dataclass(frozen=True)
class Forecast:
    """Forecasts and what happened; checked when made.

    Attributes
    ----------
    p
        float (n_rows, n_levels), rows sum to 1.
    levels
        float (n_levels,), ascending.
    category
        int (n_rows,), the place of the rating among `levels`.
    """

    p: np.ndarray
    levels: np.ndarray
    category: np.ndarray

    def __post_init__(self) -> None:
        """Refuse probabilities that are none."""
        if self.p.shape != (len(self.category), len(self.levels)):
            raise ValueError(f"p: {self.p.shape}, expected {(len(self.category), len(self.levels))}")
        if not (np.isfinite(self.p).all() and (self.p >= 0).all() and np.allclose(self.p.sum(axis=1), 1, atol=1e-4)):
            raise ValueError("p: rows that are no probabilities summing to 1")

    def rows(self, rows: np.ndarray) -> Forecast:
        """Return some of the rows."""
        return Forecast(self.p[rows], self.levels, self.category[rows])

    @property
    def mean(self) -> np.ndarray:
        """float64 (n_rows,)."""
        mean: np.ndarray = self.p.astype(np.float64) @ self.levels.astype(np.float64)
        return mean

    @property
    def sd(self) -> np.ndarray:
        """float64 (n_rows,)."""
        square = self.p.astype(np.float64) @ self.levels.astype(np.float64) ** 2
        sd: np.ndarray = np.sqrt(np.maximum(square - self.mean**2, 0))
        return sd

    @property
    def below(self) -> np.ndarray:
        """float64 (n_rows, n_levels), the probability of each level or a lower one."""
        return np.cumsum(self.p, axis=1, dtype=np.float64)


def row_scores(forecast: Forecast, seed: int = 0) -> dict[str, np.ndarray]:
    """Return `square`, `absolute`, `nll`, `crps` and `pit` of each row, float64 (n_rows,); `seed` randomises `pit`."""
    rows, category = np.arange(len(forecast.category)), forecast.category
    happened = forecast.p[rows, category].astype(np.float64)
    error = forecast.mean - forecast.levels[category]
    below = forecast.below
    steps = np.diff(forecast.levels.astype(np.float64))
    at_most = np.arange(len(forecast.levels)) >= category[:, None]
    lower = np.where(category > 0, below[rows, np.maximum(category - 1, 0)], 0.0)
    return {
        "square": error**2,
        "absolute": np.abs(error),
        "nll": -np.log(np.maximum(happened, _LEAST_P)),
        "crps": ((below - at_most)[:, :-1] ** 2) @ steps,
        "pit": lower + np.random.default_rng(seed).random(len(rows)) * happened,
    }


def clustered(values: np.ndarray, reader: np.ndarray) -> Figure:
    """Return the mean of `values` (n,) and its standard error where rows of one reader may be alike.

    With one reader alone the error is unknown: NaN.
    """
    mean = float(values.mean())
    _, cluster = np.unique(reader, return_inverse=True)
    sums = np.bincount(cluster, values - mean)
    if len(sums) < 2:
        return Figure(mean, float("nan"))
    return Figure(mean, float(np.sqrt((sums**2).sum() * len(sums) / (len(sums) - 1)) / len(values)))


def covered(pit: np.ndarray, coverage: float) -> np.ndarray:
    """Return which ratings the central sets of probability `coverage` hold, bool (n,)."""
    inside: np.ndarray = np.abs(pit - 0.5) <= coverage / 2
    return inside


def calibration_error(pit: np.ndarray) -> float:
    """Return the mean distance between the share covered and what it should be."""
    return float(np.mean([abs(covered(pit, q).mean() - q) for q in CALIBRATION_LEVELS]))


def pit_histogram(pit: np.ndarray, n_bins: int = N_PIT_BINS) -> np.ndarray:
    """Return how many rows have their `pit` in each of equal bins of 0 to 1, int64 (n_bins,); flat if calibrated."""
    return np.histogram(pit, bins=n_bins, range=(0, 1))[0].astype(np.int64)


def central_levels(p: np.ndarray, coverage: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the first and last level, int64 (n,) each, between the quantiles that leave out equal tails.

    The levels from first to last have at least the probability `coverage`.
    """
    tail = (1 - coverage) / 2
    below = np.cumsum(p, axis=1, dtype=np.float64)
    first = (below <= tail).sum(axis=1)
    last = (below < 1 - tail - 1e-12).sum(axis=1)
    top = p.shape[1] - 1
    return np.minimum(first, top).astype(np.int64), np.minimum(last, top).astype(np.int64)


def rating_figures(forecast: Forecast, reader: np.ndarray, seed: int = 0) -> dict[str, Figure]:
    """Return all figures of a forecast by name, with standard errors by `reader` (n_rows,).

    rmse, mae, nll, crps, cover50 ... cover95, calibration_error, sd and levels90 (sharpness).
    """
    scores = row_scores(forecast, seed)
    square = clustered(scores["square"], reader)
    root = float(np.sqrt(square.value))
    first, last = central_levels(forecast.p, 0.9)
    figures = {
        "rmse": Figure(root, square.se / (2 * root) if root else 0.0),  # the delta method
        "mae": clustered(scores["absolute"], reader),
        "nll": clustered(scores["nll"], reader),
        "crps": clustered(scores["crps"], reader),
    }
    for q in COVERAGES:
        figures[f"cover{round(100 * q)}"] = clustered(covered(scores["pit"], q).astype(np.float64), reader)
    figures["calibration_error"] = Figure(calibration_error(scores["pit"]), float("nan"))
    figures["sd"] = clustered(forecast.sd, reader)
    figures["levels90"] = clustered((last - first + 1).astype(np.float64), reader)
    return figures


def known_groups(n_ratings: np.ndarray, edges: tuple[int, int]) -> np.ndarray:
    """Return 0 (cold), 1 (warm) or 2 (hot), int64 (n,), by how many ratings there are; see `KNOWN`."""
    groups: np.ndarray = np.searchsorted(np.array(edges), n_ratings, side="right").astype(np.int64)
    return groups


def grouped_figures(
    forecast: Forecast, reader: np.ndarray, groups: Mapping[str, np.ndarray], seed: int = 0
) -> dict[str, dict[str, Figure]]:
    """Return the figures of each of some groups, masks bool (n_rows,) by name; those without rows are left out.

    `pit` is drawn once for all rows, so that groups put together are the whole.
    """
    scores = row_scores(forecast, seed)
    found: dict[str, dict[str, Figure]] = {}
    for name, mask in groups.items():
        if mask.any():
            found[name] = rating_figures(forecast.rows(mask), reader[mask], seed)
            for q in COVERAGES:
                inside = covered(scores["pit"][mask], q).astype(np.float64)
                found[name][f"cover{round(100 * q)}"] = clustered(inside, reader[mask])
            found[name]["calibration_error"] = Figure(calibration_error(scores["pit"][mask]), float("nan"))
    return found


@dataclass(frozen=True)
class Reliability:
    """Points of a reliability diagram, a bin of forecasts each; bins without forecasts are left out.

    Attributes
    ----------
    forecast, frequency
        float64 (n_bins,), mean probability said, share of times that it happened.
    low, high
        float64 (n_bins,), Wilson's interval (1927) of the frequency.
    n
        int64 (n_bins,), forecasts.
    """

    forecast: np.ndarray
    frequency: np.ndarray
    low: np.ndarray
    high: np.ndarray
    n: np.ndarray


def reliability(p: np.ndarray, happened: np.ndarray, n_bins: int = 10, level: float = 0.95) -> Reliability:
    """Return the diagram of probabilities `p` (n,) of something that `happened`, bool (n,), in bins of equal width."""
    place = np.minimum((p * n_bins).astype(np.int64), n_bins - 1)
    n = np.bincount(place, minlength=n_bins)
    kept = n > 0
    size = np.maximum(n, 1)
    said = np.bincount(place, p, n_bins) / size
    share = np.bincount(place, happened.astype(np.float64), n_bins) / size
    low, high = wilson(share, size, level)
    return Reliability(said[kept], share[kept], low[kept], high[kept], n[kept].astype(np.int64))


def wilson(share: np.ndarray, n: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Return Wilson's interval of coverage `level` for shares of `n` cases, float64 each."""
    z = float(norm.ppf((1 + level) / 2))
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return middle - half, middle + half


def risk_coverage(risk: np.ndarray, doubt: np.ndarray) -> np.ndarray:
    """Return the mean `risk` (n,) of the 1, 2, ... n rows of least `doubt` (n,), float64 (n,).

    The curve of El-Yaniv and Wiener (2010); its mean is the area under it. Rows of equal doubt count as their mean, in
    whatever order they come.
    """
    _, tie = np.unique(doubt, return_inverse=True)
    even = np.bincount(tie, risk)[tie] / np.bincount(tie)[tie]
    ordered = even[np.argsort(doubt, kind="stable")]
    curve: np.ndarray = np.cumsum(ordered) / np.arange(1, len(ordered) + 1)
    return curve


def auroc(score: np.ndarray, is_out: np.ndarray) -> float:
    """Return the probability that a row of `is_out`, bool (n,), has the larger `score` (n,); ties count half.

    NaN if all rows or none are out.
    """
    n_out = int(is_out.sum())
    n_in = len(is_out) - n_out
    if not (n_out and n_in):
        return float("nan")
    ranks = rankdata(score)
    return float((ranks[is_out].sum() - n_out * (n_out + 1) / 2) / (n_out * n_in))
