"""Forecasts of ratings that everybody knows, to be judged beside ours: everybody's levels, and biases.

A rating is ``mean + bias of the reader + bias of the book`` (Koren, Bell and Volinsky 2009, eq. 1) plus Gaussian noise,
with one standard deviation or one for each reader. Biases are shrunken means, the reader's first and the book's of
what is left, their strengths by `pipeline.liking.strength`. What is left of a rating is what biases without that rating
leave: those that know it would be too sure. Variances of readers are shrunk to the common one: scaled
inverse chi-squared over readers, with the degrees of freedom that make the residuals likeliest (Gelman et al. 2013,
section 3.2). A Gaussian is cut to the levels: each gets the mass that is nearest to it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import gammaln
from scipy.stats import norm

from data.ratings import Ratings
from pipeline.liking import strength

_DEGREES = (0.0, 10.0)  # logarithms of the fewest and the most degrees of freedom
_LEAST_VAR = 1e-6
_SMOOTHING = 0.5  # ratings given to every level


@dataclass(frozen=True)
class Biases:
    """Biases of readers and books.

    Attributes
    ----------
    levels
        float32 (n_levels,), of the scale.
    mean
        Of all ratings.
    of_reader, of_book
        float64 (n_readers,) and (n_books,), 0 where there is no rating.
    sd
        Standard deviation of what is left.
    reader_sd
        float64 (n_readers,), the same for each reader, shrunk.
    """

    levels: np.ndarray
    mean: float
    of_reader: np.ndarray
    of_book: np.ndarray
    sd: float
    reader_sd: np.ndarray

    @classmethod
    def fit(cls, ratings: Ratings) -> Biases:
        """Return the biases that `ratings`, at least one, show."""
        value = ratings.value.astype(np.float64)
        mean = float(value.mean())
        of_reader, reader_without = _shrunken(ratings.reader, value - mean, ratings.n_readers)
        of_book, book_without = _shrunken(ratings.book, value - mean - of_reader[ratings.reader], ratings.n_books)
        left = value - mean - reader_without - book_without
        var = max(float((left**2).mean()), _LEAST_VAR)
        n = np.bincount(ratings.reader, minlength=ratings.n_readers)
        square = np.bincount(ratings.reader, left**2, ratings.n_readers)
        degrees = degrees_of_freedom(n, square, var)
        reader_var = (degrees * var + square) / (degrees + n)
        return cls(ratings.levels, mean, of_reader, of_book, float(np.sqrt(var)), np.sqrt(reader_var))

    def forecast(self, reader: np.ndarray, book: np.ndarray, *, sd_of_reader: bool) -> np.ndarray:
        """Return the probability of each level, float64 (n, n_levels), for pairs (n,); rows sum to 1."""
        mean = self.mean + self.of_reader[reader] + self.of_book[book]
        sd = self.reader_sd[reader] if sd_of_reader else np.full(len(mean), self.sd)
        return gaussian_levels(mean, sd, self.levels)


def everybody(ratings: Ratings, n: int) -> np.ndarray:
    """Return the share of each level among all ratings, smoothed, for `n` rows, float64 (n, n_levels)."""
    counts = np.bincount(ratings.category, minlength=len(ratings.levels)) + _SMOOTHING
    return np.tile(counts / counts.sum(), (n, 1))


def gaussian_levels(mean: np.ndarray, sd: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Return what Gaussians, (n,) each, give to the levels, float64 (n, n_levels): edges lie half way between them."""
    edges = (levels[1:] + levels[:-1]).astype(np.float64) / 2
    below = norm.cdf((edges - mean[:, None]) / sd[:, None])
    ends = np.zeros((len(mean), 1))
    p: np.ndarray = np.diff(np.concatenate([ends, below, ends + 1], axis=1), axis=1)
    return p


def degrees_of_freedom(n: np.ndarray, square: np.ndarray, var: float) -> float:
    """Return how many ratings the common variance counts as, by maximum likelihood.

    Parameters
    ----------
    n, square
        (n_readers,), residuals of each reader, and the sum of their squares.
    var
        The common variance.
    """
    some = n > 0
    n, square = n[some], square[some]

    def loss(log_degrees: float) -> float:
        d = np.exp(log_degrees)
        rows = gammaln((d + n) / 2) - gammaln(d / 2) + d / 2 * np.log(d * var) - (d + n) / 2 * np.log(d * var + square)
        return -float(rows.sum())

    return float(np.exp(minimize_scalar(loss, bounds=_DEGREES, method="bounded").x))


def _shrunken(group: np.ndarray, value: np.ndarray, n_groups: int) -> tuple[np.ndarray, np.ndarray]:
    """Return shrunken means of `value` (n,) by group, float64 (n_groups,), and each row's without itself, (n,)."""
    sums, n, prior = np.bincount(group, value, n_groups), np.bincount(group, minlength=n_groups), strength(group, value)
    means: np.ndarray = sums / (n + prior)
    without: np.ndarray = (sums[group] - value) / (n[group] - 1 + prior)
    return means, without
