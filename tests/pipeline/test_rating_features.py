"""Features never know their own rating: exact leaving out against brute force, and one code for everybody."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from data.errors import BadArtifact, BadConfig
from data.ratings import Ratings
from data.seeds import generator
from pipeline.liking import Liking
from pipeline.rating_beginnings import beginnings
from pipeline.rating_columns import GROUPS
from pipeline.rating_evidence import scored_ratings
from pipeline.rating_features import RatingFeatures, RatingFeaturesConfig
from tests.pipeline.rated import LEVELS, rated

EVERY = RatingFeaturesConfig(groups=tuple(GROUPS), n_vector_columns=2, n_fitted_readers=20)


@pytest.fixture(scope="module")
def ratings() -> Ratings:
    return rated()[0]


@pytest.fixture(scope="module")
def features(ratings: Ratings) -> RatingFeatures:
    return RatingFeatures.fit(ratings, rated()[1], EVERY)


def without(features: RatingFeatures, ratings: Ratings) -> RatingFeatures:
    """The same features, had only `ratings` been counted: everybody's few numbers are kept, all sums made anew."""
    old = features.population
    scored = scored_ratings(old.scale, ratings)

    def counted(liking: Liking) -> Liking:
        sums = np.zeros_like(liking.sums)
        np.add.at(sums, liking.group[scored.book], scored.columns)
        return replace(liking, sums=sums)

    return replace(features, population=replace(old, books=counted(old.books), authors=counted(old.authors)))


def test_training_rows_are_what_they_would_be_without_the_rating(ratings: Ratings, features: RatingFeatures) -> None:
    """Brute force: every count made again without the row, then asked like a pair that nobody rated."""
    training = features.training(ratings)
    assert np.array_equal(training.outcome[: len(ratings)], ratings.value)
    for row in np.random.default_rng(1).choice(len(ratings), 40, replace=False):
        rest = ratings.rows(np.delete(np.arange(len(ratings)), row))
        fresh = without(features, rest)
        expected = fresh.of_pairs(rest, ratings.reader[[row]], ratings.book[[row]], counted=rest)
        assert np.allclose(training.features[row], expected.features[0], rtol=1e-4, atol=1e-5)


def test_a_rating_does_not_move_its_own_row(ratings: Ratings, features: RatingFeatures) -> None:
    """Whatever a reader had given the book: the row is the same, and rows of others are not."""
    row = 17
    value = ratings.value.copy()
    value[row] = LEVELS[0] if value[row] != LEVELS[0] else LEVELS[-1]
    changed = replace(ratings, value=value)
    told, before = (
        without(features, some).of_pairs(some, ratings.reader, ratings.book, counted=some).features
        for some in (changed, ratings)
    )
    assert np.allclose(told[row], before[row], atol=1e-6)
    same_book = np.flatnonzero((ratings.book == ratings.book[row]) & (np.arange(len(ratings)) != row))
    assert (np.abs(told[same_book] - before[same_book]).max(axis=1) > 1e-6).all()


def test_a_new_reader_is_told_as_if_never_counted(ratings: Ratings, features: RatingFeatures) -> None:
    """Somebody who rated what reader 3 rated gets what reader 3 would get, had reader 3 not been counted."""
    is_3 = ratings.reader == 3
    rest = ratings.rows(np.flatnonzero(~is_3))
    fresh = without(features, rest)
    asked = np.setdiff1d(np.arange(ratings.n_books), ratings.book[is_3])
    new = fresh.of(ratings.book[is_3], ratings.value[is_3], asked)
    known = features.of_pairs(ratings, np.full(len(asked), 3), asked, counted=ratings)
    assert np.allclose(new.features, known.features, rtol=1e-4, atol=1e-5)
    assert np.array_equal(new.n_reader_ratings, np.full(len(asked), is_3.sum()))
    assert np.array_equal(new.n_book_ratings, np.bincount(rest.book, minlength=rest.n_books)[asked])


def test_beginnings_are_told_as_if_the_rest_had_never_been_rated(ratings: Ratings, features: RatingFeatures) -> None:
    """Brute force: neither the rest of the reader's ratings nor the one asked is in anything a row is made of."""
    begun = beginnings(ratings, EVERY.n_beginnings, 2, generator(0, "rating_beginnings"))
    training = features.training(ratings)
    told, outcome = training.features[len(ratings) :], training.outcome[len(ratings) :]
    assert np.array_equal(outcome, begun.asked.value)
    for row in np.random.default_rng(3).choice(len(told), 20, replace=False):
        at = begun.asked.reader[row]
        others = ratings.rows(np.flatnonzero(ratings.reader != begun.reader[at]))
        shown = begun.shown.reader == at
        expected = without(features, others).of(
            begun.shown.book[shown], begun.shown.value[shown], begun.asked.book[[row]]
        )
        assert np.allclose(told[row], expected.features[0], rtol=1e-4, atol=1e-5)


def test_nothing_known_is_the_average(features: RatingFeatures) -> None:
    """A reader without ratings, a book without ratings: shares of everybody, no effect, the prior of taste."""
    _, context = rated()
    book = 5
    sums, authors = features.population.books.sums.copy(), features.population.authors.sums.copy()
    sums[book] = 0
    authors[context.author_groups[book]] = 0
    population = replace(
        features.population,
        books=replace(features.population.books, sums=sums),
        authors=replace(features.population.authors, sums=authors),
    )
    told = replace(features, population=population).of(np.empty(0), np.empty(0), np.array([book]))
    by_name = dict(zip(features.names, told.features[0], strict=True))
    concentration = features.population.scale.concentration
    shares = np.log(concentration / concentration.sum())
    assert np.allclose([by_name[f"reader_levels: {level:g}"] for level in LEVELS], shares, atol=1e-5)
    assert by_name["book: effect"] == by_name["author: effect"] == by_name["taste: mean"] == 0
    assert by_name["book: log count"] == by_name["reader: log count"] == 0
    assert told.n_book_ratings.tolist() == told.n_reader_ratings.tolist() == [0]


def test_blocks_and_order_do_not_matter(
    ratings: Ratings, features: RatingFeatures, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = np.random.default_rng(2)
    reader, book = random.integers(0, 60, 300), random.integers(0, 40, 300)
    whole = features.of_pairs(ratings, reader, book, counted=ratings)
    monkeypatch.setattr("pipeline.rating_features._BLOCK", 7)
    cut = features.of_pairs(ratings, reader[::-1], book[::-1], counted=ratings)
    assert np.allclose(whole.features, cut.features[::-1], atol=1e-6)


def test_memory_does_not_grow_with_the_pairs(
    ratings: Ratings, features: RatingFeatures, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.rating_features._BLOCK", 1000)
    peaks = []
    for n in (4_000, 40_000):
        random = np.random.default_rng(5)
        reader, book = random.integers(0, 60, n), random.integers(0, 40, n)
        tracemalloc.start()
        for _ in features.blocks(ratings, reader, book, counted=ratings):
            pass
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.3 * peaks[0]


def test_the_opinion_finds_the_planted_likings_and_tastes() -> None:
    """On ratings held out, the forecast beats the reader's own shares, which beat everybody's shares."""
    ratings, context = rated(n_readers=200, n_books=60, share=0.5, seed=3)
    order = np.random.default_rng(4).permutation(len(ratings))
    train, held = ratings.rows(order[1000:]), ratings.rows(order[:1000])
    features = RatingFeatures.fit(train, context, EVERY)
    forecast = features.opinions(train, held.reader, held.book, counted=train)
    assert np.allclose(forecast.sum(axis=1), 1)
    told = features.of_pairs(train, held.reader, held.book, counted=train).features
    of = [i for i, name in enumerate(features.names) if name.startswith("reader_levels")]
    shares = np.exp(told[:, of].astype(np.float64))
    rows = np.arange(1000)
    everybody = np.bincount(train.category, minlength=5) / len(train)
    losses = [float(-np.log(p[rows, held.category]).mean()) for p in (forecast, shares)]
    losses.append(float(-np.log(everybody[held.category]).mean()))
    assert losses[0] < losses[1] - 0.1 < losses[2] - 0.2


def test_names_say_every_column(features: RatingFeatures) -> None:
    told = features.of(np.array([1]), np.array([3.0]), np.array([2, 4]))
    assert told.features.shape == (2, len(features.names))
    assert told.features.dtype == np.float32
    assert len(set(features.names)) == len(features.names)


def test_stored_features_are_the_same(tmp_path: Path, ratings: Ratings, features: RatingFeatures) -> None:
    features.save(tmp_path, vocabulary="abc", provenance={})
    loaded = RatingFeatures.load(tmp_path, vocabulary="abc")
    assert loaded.config == features.config
    assert loaded.names == features.names
    assert np.array_equal(loaded.training(ratings).features, features.training(ratings).features)
    with pytest.raises(BadArtifact):
        RatingFeatures.load(tmp_path, vocabulary="other")


def test_nothing_stored_is_of_a_reader(ratings: Ratings, features: RatingFeatures) -> None:
    arrays = features.arrays()
    assert {"author", "author_sums"} <= arrays.keys()
    for name, array in arrays.items():
        assert not {ratings.n_readers, len(ratings), EVERY.n_fitted_readers} & set(array.shape), name


def test_the_same_seed_gives_the_same_arrays(ratings: Ratings, features: RatingFeatures) -> None:
    again = RatingFeatures.fit(ratings, rated()[1], EVERY)
    for name, array in again.arrays().items():
        assert np.array_equal(array, features.arrays()[name]), name


def test_other_ratings_are_no_training(ratings: Ratings, features: RatingFeatures) -> None:
    with pytest.raises(ValueError, match="not the ratings"):
        features.training(ratings.rows(np.arange(10)))
    with pytest.raises(ValueError, match="twice"):
        features.of(np.array([1, 1]), np.array([3.0, 3.0]), np.array([2]))


@pytest.mark.parametrize(
    "setting",
    [{"groups": ("opinion", "tast")}, {"groups": ()}, {"groups": ("book", "book")}, {"nearness": (0.0,)},
     {"n_vector_columns": 0}, {"most_ratings": 0}],
)  # fmt: skip
def test_impossible_settings_are_refused(setting: dict[str, object]) -> None:
    with pytest.raises(BadConfig, match="rating_features"):
        RatingFeaturesConfig(**setting)  # type: ignore[arg-type]  # impossible on purpose


def test_long_histories_are_thinned_but_still_leave_the_rating_out(ratings: Ratings) -> None:
    thin = RatingFeatures.fit(ratings, rated()[1], replace(EVERY, most_ratings=4))
    row = 30
    value = ratings.value.copy()
    value[row] = LEVELS[0] if value[row] != LEVELS[0] else LEVELS[-1]
    changed = replace(ratings, value=value)
    told = [
        without(thin, some).of_pairs(some, ratings.reader[[row]], ratings.book[[row]], counted=some).features
        for some in (ratings, changed)
    ]
    assert np.allclose(told[0], told[1], atol=1e-6)
