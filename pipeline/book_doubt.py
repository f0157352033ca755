"""How unsure a release is of each book, and why: too few rated it, or those who did disagree.

Asked is what a reader thinks of the book of whom nothing is known, so that books differ by what is known of *them*. The
variance of that forecast has parts of different kinds:

- of the *model*: what its draws disagree about;
- of the *book*: what others think of it is a shrunken mean of their normal scores (`pipeline.liking`), whose posterior
  variance  v = s2 / (n + k)  falls with their number n; k is the strength of shrinking, s2 / t2, and normal scores have
  variance 1, so that  s2 = k / (1 + k). In the forecast (`pipeline.rating_opinion`) it is weighted by w^2 and stands in
  the variance  a + c s^2:  its share is  w^2 v / (a + c s^2). What the author's other books say is not in v: the share
  is an upper bound where the author is known;
- of the *reader*, of whom nothing is known: about the same for all books;
- the rest *stays*: how much readers who know it disagree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from data.artifact import ModelArtifact, read_artifact, write_artifact
from pipeline.rating_task import RatingPredictor, taste_sd

KIND, FORMAT = "book_doubt", 1
FOLDER = "books"  # in the folder of the predictor of ratings of a release
_ARRAYS = ("n_ratings", "of_model", "of_book", "of_reader", "stays")


@dataclass(frozen=True)
class BookDoubt:
    """What the doubt about each book is made of.

    Attributes
    ----------
    n_ratings
        int64 (n_books,), ratings of the book that the features count: none where too few to be told.
    of_model, of_book, of_reader, stays
        float32 (n_books,), parts of the variance of the rating of a reader of whom nothing is known, in squared points.
    """

    n_ratings: np.ndarray
    of_model: np.ndarray
    of_book: np.ndarray
    of_reader: np.ndarray
    stays: np.ndarray

    def save(self, folder: Path, vocabulary: str, provenance: Mapping[str, Any]) -> None:
        """Write it as an artifact into an empty folder."""
        arrays = {name: getattr(self, name) for name in _ARRAYS}
        write_artifact(folder, ModelArtifact(KIND, FORMAT, {}, arrays, vocabulary, provenance))

    @classmethod
    def load(cls, folder: Path, vocabulary: str | None = None) -> BookDoubt:
        """Return what was saved in `folder`; BadArtifact if it is none, or of other books."""
        arrays = read_artifact(folder, kind=KIND, format=FORMAT, vocabulary=vocabulary, names=set(_ARRAYS)).arrays
        return cls(**{name: arrays[name] for name in _ARRAYS})


def book_doubt(fitted: RatingPredictor, n_draws: int, seed: int) -> BookDoubt:
    """Return what the doubt about every book of a predictor is made of."""
    features = fitted.features
    books = np.arange(len(features.context.author))
    rows = features.of(np.empty(0, np.int64), np.empty(0, np.float32), books)
    said = fitted.predict(rows.features, n_draws, seed)
    aleatoric = said.aleatoric_var.astype(np.float64)
    of_book = share_of_book(fitted, rows.features, rows.n_book_ratings) * aleatoric
    of_reader = fitted.of_reader(rows.features) * aleatoric
    stays = np.maximum(aleatoric - of_book - of_reader, 0)
    parts = (said.epistemic_var, of_book, of_reader, stays)
    return BookDoubt(rows.n_book_ratings, *(part.astype(np.float32) for part in parts))


def share_of_book(fitted: RatingPredictor, rows: np.ndarray, n_book_ratings: np.ndarray) -> np.ndarray:
    """Return the share of a rating's variance that goes as a book is rated more, float64 (n_rows,).

    Parameters
    ----------
    rows
        float32 (n_rows, n_features), pairs as `fitted.features` describes them.
    n_book_ratings
        int64 (n_rows,), ratings of the book by others.
    """
    weight, left, of_taste = fitted.features.opinion.parameters
    strength = fitted.features.population.books.strength
    unknown = strength / (1 + strength) / (n_book_ratings + strength)
    variance = left + of_taste * taste_sd(fitted.features, rows) ** 2
    share: np.ndarray = np.minimum(weight**2 * unknown / variance, 1 - fitted.of_reader(rows))
    return share
