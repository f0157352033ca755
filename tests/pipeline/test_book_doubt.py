"""Which part of the doubt about a book goes with ratings of it, against the closed form of its features."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data.errors import BadArtifact
from data.ratings import Ratings
from data.release import PREDICTORS, Release
from data.store import Store
from models.predictor import Draws
from pipeline.assemble_predictors import write_predictors
from pipeline.book_doubt import FOLDER, BookDoubt, book_doubt, share_of_book
from pipeline.doubt_config import RATING
from pipeline.downstream import Predicted
from pipeline.rating_features import RatingFeatures, RatingFeaturesConfig
from pipeline.rating_task import RatingPredictor, taste_sd
from pipeline.recalibration import Scaling
from tests.pipeline.hand_quality import hand_quality
from tests.pipeline.rated import rated
from tests.refreshing import SMALL


@dataclass(frozen=True)
class Says:
    """A predictor that says the same of every book: 1 or 3 by one draw, 3 or 5 by the other."""

    def draws(self, features: np.ndarray, n_draws: int, seed: int) -> Draws:
        p = np.zeros((2, len(features), 5), np.float32)
        p[0, :, [0, 2]] = p[1, :, [2, 4]] = 0.5
        mean = np.tile(np.array([[2.0], [4.0]], np.float32), (1, len(features)))
        return Draws(mean, np.ones_like(mean), p)


@pytest.fixture(scope="module")
def fitted() -> RatingPredictor:
    ratings, context = rated(n_readers=120, share=0.2)
    rare = ratings.rows(np.flatnonzero((ratings.book > 2) | (ratings.reader < ratings.book)))  # none, one and two
    predictor: Any = Says()
    features = RatingFeatures.fit(rare, context, RatingFeaturesConfig(n_fitted_readers=20))
    return RatingPredictor(predictor, features, 0.5, Scaling.none(5), {})


def test_the_share_of_the_book_is_the_posterior_variance_of_its_effect(fitted: RatingPredictor) -> None:
    rows = fitted.features.of(np.empty(0, np.int64), np.empty(0, np.float32), np.arange(40))
    share = share_of_book(fitted, rows.features, rows.n_book_ratings)
    weight, left, of_taste = fitted.features.opinion.parameters
    strength = fitted.features.population.books.strength
    prior = 1 / (1 + strength)  # of a normal score, whose variance is 1: what differs between books
    noise = 1 - prior
    posterior = 1 / (1 / prior + rows.n_book_ratings / noise)  # of a Gaussian mean, by its own formula
    variance = left + of_taste * taste_sd(fitted.features, rows.features) ** 2
    expected = np.minimum(weight**2 * posterior / variance, 1 - fitted.of_reader(rows.features))
    np.testing.assert_allclose(share, expected, rtol=1e-9)


def test_the_doubt_of_a_book_falls_with_its_ratings_and_parts_sum_up(fitted: RatingPredictor) -> None:
    doubt = book_doubt(fitted, n_draws=4, seed=0)
    assert doubt.n_ratings[0] == 0
    assert len(doubt.n_ratings) == 40
    many = int(doubt.n_ratings.argmax())
    assert doubt.of_book[0] > doubt.of_book[many] > 0
    np.testing.assert_allclose(doubt.of_model, 1, rtol=1e-6)
    np.testing.assert_allclose(doubt.of_model + doubt.of_book + doubt.of_reader + doubt.stays, 2, rtol=1e-5)


def test_it_is_stored_for_its_books_alone(fitted: RatingPredictor, tmp_path: Path) -> None:
    doubt = book_doubt(fitted, n_draws=4, seed=0)
    doubt.save(tmp_path, "digest", {})
    found = BookDoubt.load(tmp_path, "digest")
    for name in ("n_ratings", "of_model", "of_book", "of_reader", "stays"):
        np.testing.assert_array_equal(getattr(found, name), getattr(doubt, name))
    with pytest.raises(BadArtifact, match="vocabulary"):
        BookDoubt.load(tmp_path, "another")


def test_it_lies_in_a_release_that_predicts_ratings(predicting: Store, tmp_path: Path) -> None:
    """Features of what is published know all ratings, but of books that too few rated."""
    manifest = Release.open(predicting).manifest
    made, vocabulary = manifest["predictors"][RATING], manifest["vocabulary"]
    quality, folder = tmp_path / "quality", tmp_path / "release"
    quality.mkdir()
    folder.mkdir()
    hand_quality().save(quality, vocabulary, {})  # good enough to be published
    predicted = Predicted(predicting.artifact(RATING, made["artifact"]), quality, {})
    write_predictors(folder, {RATING: predicted}, {}, SMALL, 0)
    doubt = BookDoubt.load(folder / PREDICTORS / RATING / FOLDER, vocabulary)
    ratings = Ratings.load(predicting.artifact("ratings", made["data"]["ratings"]))
    n_ratings = np.bincount(ratings.book, minlength=ratings.n_books)
    few = n_ratings < SMALL.corpus.min_readers
    np.testing.assert_array_equal(doubt.n_ratings, np.where(few, 0, n_ratings))
    assert n_ratings[few].max() > 0
    assert doubt.of_book[doubt.n_ratings.argmin()] > doubt.of_book[doubt.n_ratings.argmax()]
