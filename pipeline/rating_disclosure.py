"""What of the ratings may lie in a release: sums of books that enough readers rated, and nothing of the others.

Features hold, for every book and author, how often each level was given and the sum of normal scores
(`pipeline.liking`). Of a book that one reader rated that *is* the rating, and its score, which depends on the reader's
whole scale, is the same number wherever that reader is alone: it links their books. A release is therefore given sums
of books with at least `min_readers` ratings, one of a reader each, and zeros for the others, as if nobody had rated
them. An author's sums are made of the former alone: less what is told of the author's books, they would otherwise be
those of the book that is withheld (differencing, Hundepool et al. 2012).
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np

from data.artifact import read_json
from pipeline.liking import Liking
from pipeline.rating_features import RatingFeatures


def told_features(features: RatingFeatures, min_readers: int) -> RatingFeatures:
    """Return the features without the sums of books that fewer than `min_readers` readers rated."""
    population = features.population
    books, authors = population.books, population.authors
    is_told = books.n_ratings >= min_readers
    of_books = np.where(is_told[:, None], books.sums, 0.0)
    told = replace(population, books=replace(books, sums=of_books), authors=_of_books(authors, of_books))
    return replace(features, population=told)


def withhold(folder: Path, min_readers: int) -> None:
    """Replace the features saved in `folder` by what may be told of them; settings and provenance stay."""
    told, made = told_features(RatingFeatures.load(folder), min_readers), read_json(folder / "manifest.json")
    shutil.rmtree(folder)
    folder.mkdir()
    provenance = {**made["provenance"], "min_readers": min_readers}
    told.save(folder, vocabulary=made["vocabulary"], provenance=provenance)


def _of_books(authors: Liking, of_books: np.ndarray) -> Liking:
    """Return authors whose sums are those of their books, float64 (n_books, 1 + n_levels)."""
    sums = [np.bincount(authors.group, column, len(authors.sums)) for column in of_books.T]
    return replace(authors, sums=np.stack(sums, axis=1))
