"""Sums that lie in a release, against sums made anew from the ratings that may be told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from data.artifact import read_json
from data.ratings import Ratings
from pipeline.rating_columns import GROUPS
from pipeline.rating_disclosure import told_features, withhold
from pipeline.rating_evidence import scored_ratings
from pipeline.rating_features import RatingFeatures, RatingFeaturesConfig
from tests.pipeline.rated import rated

EVERY = RatingFeaturesConfig(groups=tuple(GROUPS), n_vector_columns=2, n_fitted_readers=20)
LEAST = 5


@pytest.fixture(scope="module")
def ratings() -> Ratings:
    """Books 0 to 7 have at most so many ratings, the others many."""
    found = rated()[0]
    return found.rows(np.flatnonzero((found.book > 7) | (found.reader < found.book)))


@pytest.fixture(scope="module")
def features(ratings: Ratings) -> RatingFeatures:
    return RatingFeatures.fit(ratings, rated()[1], EVERY)


def counted_alone(features: RatingFeatures, ratings: Ratings, counted: np.ndarray) -> RatingFeatures:
    """The features, had only some ratings been counted, on the scale that readers have by all of theirs."""
    population = features.population
    scored = scored_ratings(population.scale, ratings).rows(counted)
    likings = []
    for liking in (population.books, population.authors):
        sums = np.zeros_like(liking.sums)
        np.add.at(sums, liking.group[scored.book], scored.columns)
        likings.append(replace(liking, sums=sums))
    return replace(features, population=replace(population, books=likings[0], authors=likings[1]))


def test_sums_are_those_of_books_that_enough_rated(features: RatingFeatures, ratings: Ratings) -> None:
    n_raters = np.bincount(ratings.book, minlength=ratings.n_books)
    assert {0, 1, 3} <= set(n_raters.tolist())
    told = told_features(features, LEAST).population
    expected = counted_alone(features, ratings, np.flatnonzero(n_raters[ratings.book] >= LEAST)).population
    for mine, other in ((told.books, expected.books), (told.authors, expected.authors)):
        np.testing.assert_allclose(mine.sums, other.sums, atol=1e-9)
    assert not told.books.sums[n_raters < LEAST].any()
    np.testing.assert_array_equal(told_features(features, 1).population.books.sums, features.population.books.sums)


def test_an_author_is_told_by_books_that_are(features: RatingFeatures, ratings: Ratings) -> None:
    """An author's sums less those of the author's books that are told must leave nothing of a withheld one."""
    n_raters = np.bincount(ratings.book, minlength=ratings.n_books)
    told = told_features(features, LEAST).population
    left = told.authors.sums.copy()
    np.subtract.at(left, told.authors.group, told.books.sums)
    np.testing.assert_allclose(left, 0, atol=1e-9)
    whole = features.population.authors.sums[told.authors.group[(n_raters > 0) & (n_raters < LEAST)]]
    assert whole.any(), "or nothing would have been withheld"


def test_what_a_reader_contributed_is_subtracted_only_where_it_is(features: RatingFeatures, ratings: Ratings) -> None:
    """Against features that never counted the reader, pair by pair: no sum goes below none."""
    n_raters = np.bincount(ratings.book, minlength=ratings.n_books)
    told = told_features(features, LEAST)
    reader = int(ratings.reader[n_raters[ratings.book] < LEAST][0])
    own = np.flatnonzero(ratings.reader == reader)
    history = replace(ratings.rows(own), reader=np.zeros(len(own), np.int32), n_readers=1)
    books = np.arange(ratings.n_books)
    zeros = np.zeros(len(books), np.int64)
    found = told.of_pairs(history, zeros, books, counted=history)
    others = np.flatnonzero((n_raters[ratings.book] >= LEAST) & (ratings.reader != reader))
    expected = counted_alone(features, ratings, others).of_pairs(history, zeros, books)
    np.testing.assert_allclose(found.features, expected.features, atol=1e-4)
    np.testing.assert_array_equal(found.n_book_ratings, expected.n_book_ratings)
    assert (found.n_book_ratings >= 0).all()


def test_saved_features_are_replaced_and_say_so(features: RatingFeatures, tmp_path: Path) -> None:
    folder = tmp_path / "features"
    folder.mkdir()
    features.save(folder, vocabulary="v", provenance={"seed": 3})
    withhold(folder, LEAST)
    told = RatingFeatures.load(folder, vocabulary="v")
    np.testing.assert_array_equal(told.population.books.sums, told_features(features, LEAST).population.books.sums)
    assert told.fitted_on == features.fitted_on
    provenance = read_json(folder / "manifest.json")["provenance"]
    assert (provenance["seed"], provenance["min_readers"]) == (3, LEAST)
