"""Forecasts of ratings that a predictor must beat: how often levels are given, and biases of readers and books.

A rating is taken for  mu + b_reader + b_book + noise  with Gaussian noise, whose mass between two levels goes to the
nearer one. The biases are shrunken means of what is left of the ratings, in turn until they stay (ridge regression by
backfitting; Koren 2009, section 2.1); the noise has one standard deviation, or one for each reader, shrunk to that one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data.ratings import Ratings
from pipeline.scale_use import level_probabilities

FORMAT = 1  # raise it when a forecast changes
SHARES, BIASES, STRONGEST = "level_shares", "biases", "biases_reader_sd"
_READER_STRENGTH, _BOOK_STRENGTH, _SD_STRENGTH = 3.0, 8.0, 8.0  # ratings that weigh as much as knowing nothing
_ROUNDS, _STAYS = 50, 1e-6
_LEAST_SD = 0.05  # of the distance of levels
_LEAST_P = 1e-6


@dataclass(frozen=True)
class Biases:
    """What is simple to say of readers and books.

    Attributes
    ----------
    mean
        Of all ratings.
    reader, book
        float64 (n_readers,), (n_books,), shrunken biases; 0 where there is no rating.
    sd
        float64 (n_readers,), of what is left, shrunk to that of everybody.
    sd_of_all
        Of what is left of all ratings.
    """

    mean: float
    reader: np.ndarray
    book: np.ndarray
    sd: np.ndarray
    sd_of_all: float

    @classmethod
    def fit(cls, ratings: Ratings) -> Biases:
        """Return the biases of some ratings."""
        value = ratings.value.astype(np.float64)
        n_reader, n_book = (
            np.bincount(rows, minlength=size)
            for rows, size in ((ratings.reader, ratings.n_readers), (ratings.book, ratings.n_books))
        )
        mean = float(value.mean())
        reader, book = np.zeros(ratings.n_readers), np.zeros(ratings.n_books)
        for _ in range(_ROUNDS):
            before = reader
            left = np.bincount(ratings.reader, value - mean - book[ratings.book], ratings.n_readers)
            reader = left / (n_reader + _READER_STRENGTH)
            left = np.bincount(ratings.book, value - mean - reader[ratings.reader], ratings.n_books)
            book = left / (n_book + _BOOK_STRENGTH)
            if np.abs(reader - before).max() < _STAYS:
                break
        left = value - mean - reader[ratings.reader] - book[ratings.book]
        own = 1 / (n_reader[ratings.reader] + _READER_STRENGTH), 1 / (n_book[ratings.book] + _BOOK_STRENGTH)
        square = (left / ((1 - own[0]) * (1 - own[1]))) ** 2  # as if a rating were left out of its own biases
        of_all = float(square.mean())
        of_reader = np.bincount(ratings.reader, square, ratings.n_readers)
        var = (of_reader + _SD_STRENGTH * of_all) / (n_reader + _SD_STRENGTH)
        return cls(mean, reader, book, np.sqrt(var), float(np.sqrt(of_all)))

    def forecast(self, reader: np.ndarray, book: np.ndarray, levels: np.ndarray, sd: np.ndarray) -> np.ndarray:
        """Return the probability of each level for pairs, float64 (n, n_levels), noise having `sd` (n,)."""
        cuts = (levels[1:] + levels[:-1]).astype(np.float64) / 2
        mean = self.mean + self.reader[reader] + self.book[book]
        p = level_probabilities(
            np.broadcast_to(cuts, (len(mean), len(cuts))), mean, np.maximum(sd, _LEAST_SD * np.diff(levels).min())
        )
        return _positive(p)


def baseline_forecasts(known: Ratings, reader: np.ndarray, book: np.ndarray) -> dict[str, np.ndarray]:
    """Return what is simple to say of pairs, given known ratings: system -> float64 (n, n_levels), rows sum to 1."""
    shares = _positive(np.bincount(known.category, minlength=len(known.levels))[None] / len(known))
    biases = Biases.fit(known)
    same = np.full(len(reader), biases.sd_of_all)
    return {
        SHARES: np.repeat(shares, len(reader), axis=0),
        BIASES: biases.forecast(reader, book, known.levels, same),
        STRONGEST: biases.forecast(reader, book, known.levels, biases.sd[reader]),
    }


def _positive(p: np.ndarray) -> np.ndarray:
    """Return probabilities of which none is impossible."""
    mixed: np.ndarray = (1 - _LEAST_P) * p + _LEAST_P / p.shape[1]
    return mixed
