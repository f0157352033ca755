"""How readers use a scale: levels as probabilities, and ratings as places on the reader's own scale.

Readers differ less in what they like than in how they say it: one gives 10 to every third book, another to none. The
levels of a reader are multinomial with probabilities of their own, which are Dirichlet over readers. The posterior
mean of a reader with counts c is  (c + a) / (n + sum a):  a reader without ratings is the average one.

A rating then becomes a *normal score*: the mean of a standard normal variable between the quantiles that its level has
for this reader,  z_k = (phi(t_{k-1}) - phi(t_k)) / p_k  (Bross 1958's ridits, on the normal scale). Scores of different
readers can be compared and averaged, and a score predicted is put back on a reader's scale by the cuts:
P(r <= k) = Phi((t_k - m) / s)  is an ordered probit (McKelvey and Zavoina 1975) with thresholds of the reader.

| symbol | name | shape |
|---|---|---|
| a | `concentration` | (n_levels,) |
| p | `shares` | (n_readers, n_levels) |
| t | `cuts` | (n_readers, n_levels - 1) |
| z | `scores` | (n_readers, n_levels) |
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import digamma
from scipy.stats import norm

_LEAST = 0.01  # a concentration; of a level that nobody used
_MOST = 1e4  # readers who do not differ at all have no finite concentration
_STEPS, _TOLERANCE = 1000, 1e-7


@dataclass(frozen=True)
class ScaleUse:
    """How levels are used: a Dirichlet distribution of shares.

    Attributes
    ----------
    concentration
        float64 (n_levels,), positive; their sum says how many ratings weigh as much as the average reader.
    """

    concentration: np.ndarray

    @classmethod
    def fit(cls, counts: np.ndarray) -> ScaleUse:
        """Return the likeliest Dirichlet for `counts`, (n_readers, n_levels); rows without ratings do not count.

        Minka's fixed point (2000, eq. 55). A level that nobody uses keeps a hundredth of a rating, so that no rating
        is impossible, and the sum is at most 10,000.
        """
        counts = counts[counts.sum(axis=1) > 0].astype(np.float64)
        n = counts.sum(axis=1)
        levels = counts.sum(axis=0)
        concentration = np.maximum(levels / max(levels.sum(), 1) * len(levels), _LEAST)
        for _ in range(_STEPS if len(counts) else 0):
            over = (digamma(counts + concentration) - digamma(concentration)).sum(axis=0)
            under = (digamma(n + concentration.sum()) - digamma(concentration.sum())).sum()
            updated = np.maximum(concentration * over / under, _LEAST)
            updated *= min(1.0, _MOST / updated.sum())
            moved = np.abs(updated - concentration).max()
            concentration = updated
            if moved < _TOLERANCE * concentration.sum():
                break
        return cls(concentration)

    def shares(self, counts: np.ndarray) -> np.ndarray:
        """Return the posterior mean of the shares given `counts` (..., n_levels), float64; they sum to 1."""
        together = counts + self.concentration
        shares: np.ndarray = together / together.sum(axis=-1, keepdims=True)
        return shares


def cuts(shares: np.ndarray) -> np.ndarray:
    """Return the quantiles of a standard normal variable between levels, float64 (..., n_levels - 1), ascending."""
    quantiles: np.ndarray = norm.ppf(np.clip(np.cumsum(shares, axis=-1)[..., :-1], 0, 1))
    return quantiles


def normal_scores(shares: np.ndarray) -> np.ndarray:
    """Return the normal score of every level, float64 (..., n_levels), ascending; `shares` are positive."""
    density = norm.pdf(cuts(shares))
    ends = np.zeros((*shares.shape[:-1], 1))
    scores: np.ndarray = -np.diff(np.concatenate([ends, density, ends], axis=-1), axis=-1) / shares
    return scores


def level_probabilities(cut: np.ndarray, mean: np.ndarray, sd: np.ndarray) -> np.ndarray:
    """Return the probability of every level of scores that are normal, float64 (n_rows, n_levels); rows sum to 1.

    Parameters
    ----------
    cut
        (n_rows, n_levels - 1), of each row's reader.
    mean, sd
        (n_rows,), of the score.
    """
    below = norm.cdf((cut - mean[:, None]) / sd[:, None])
    ends = np.zeros((len(below), 1))
    probabilities: np.ndarray = np.diff(np.concatenate([ends, below, ends + 1], axis=1), axis=1)
    return probabilities


def level_counts(row: np.ndarray, category: np.ndarray, n_rows: int, n_levels: int) -> np.ndarray:
    """Return how often each row has each level, float64 (n_rows, n_levels)."""
    flat = np.bincount(row.astype(np.int64) * n_levels + category, minlength=n_rows * n_levels)
    return flat.reshape(n_rows, n_levels).astype(np.float64)
