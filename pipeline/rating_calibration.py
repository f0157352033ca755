"""Whether forecasts of ratings hold what they promise: coverage, the integral transform, and one system beside another.

Ratings of one reader are alike, so that intervals here are clustered by reader, and differences are taken on the same
ratings.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from data.seeds import generator
from pipeline.judge_rating import NET, STRONGEST, RatingQuality
from pipeline.rating_metrics import CALIBRATION_LEVELS, N_PIT_BINS, Figure, clustered, covered, row_scores

_LEVEL = 0.95


@dataclass(frozen=True)
class PitHistogram:
    """Where ratings fall in what was said of them, a bin a twentieth: flat if calibrated.

    Attributes
    ----------
    shares
        float64 (n_bins,), sum to 1.
    half_width
        float64 (n_bins,), by how much a bin of a calibrated forecast differs from ``1 / n_bins`` 19 times of 20.
    """

    shares: np.ndarray
    half_width: np.ndarray


def coverage_curve(quality: RatingQuality, system: str, seed: int) -> list[Figure]:
    """Return the share of ratings that central sets hold, by `CALIBRATION_LEVELS`."""
    pit = row_scores(quality.forecast(system), seed)["pit"]
    return [clustered(covered(pit, q).astype(np.float64), quality.reader) for q in CALIBRATION_LEVELS]


def pit_with_band(quality: RatingQuality, system: str, seed: int) -> PitHistogram:
    """Return the histogram of a system's integral transform, with the band that chance allows."""
    pit = row_scores(quality.forecast(system), seed)["pit"]
    place = np.minimum((pit * N_PIT_BINS).astype(np.int64), N_PIT_BINS - 1)
    found = [clustered((place == i).astype(np.float64), quality.reader) for i in range(N_PIT_BINS)]
    z = NormalDist().inv_cdf((1 + _LEVEL) / 2)
    return PitHistogram(np.array([one.value for one in found]), z * np.array([one.se for one in found]))


def gains_over(quality: RatingQuality, seed: int, system: str = NET) -> dict[str, dict[str, Figure]]:
    """Return by how much a system's `nll`, `crps` and `square` differ from those of every other, on the same ratings.

    Negative is better.
    """
    scores = {name: row_scores(quality.forecast(name), seed) for name in quality.p}
    return {
        other: {
            score: clustered(scores[system][score] - scores[other][score], quality.reader)
            for score in ("nll", "crps", "square")
        }
        for other in scores
        if other != system
    }


def calibration_gain(
    quality: RatingQuality, seed: int, *, n_bootstrap: int, level: float, system: str = NET, other: str = STRONGEST
) -> tuple[float, float, float]:
    """Return by how much the calibration error of a system differs from that of another, and the ends of an interval.

    Negative is better. The interval is a percentile bootstrap over readers, who are drawn with all their ratings; both
    systems are judged by the same draws.
    """
    _, cluster = np.unique(quality.reader, return_inverse=True)
    n = np.bincount(cluster).astype(np.float64)
    held = [_held(row_scores(quality.forecast(name), seed)["pit"], cluster) for name in (system, other)]
    random = generator(seed, "rating_calibration/gain")
    drawn = random.multinomial(len(n), np.full(len(n), 1 / len(n)), n_bootstrap).astype(np.float64)
    weights = np.concatenate([np.ones((1, len(n))), drawn])
    mine, others = (np.abs(weights @ one / (weights @ n)[:, None] - CALIBRATION_LEVELS).mean(axis=1) for one in held)
    gain = mine - others
    low, high = np.quantile(gain[1:], [(1 - level) / 2, (1 + level) / 2])
    return float(gain[0]), float(low), float(high)


def _held(pit: np.ndarray, cluster: np.ndarray) -> np.ndarray:
    """Return how many ratings of each reader the sets of each level hold, float64 (n_readers, n_levels)."""
    return np.stack([np.bincount(cluster, covered(pit, q).astype(np.float64)) for q in CALIBRATION_LEVELS], axis=1)
