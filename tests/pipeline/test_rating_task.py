"""What is made of a fitted predictor of ratings: as sure as it may be, sets that hold, what the reader would tell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data.artifact import read_artifact
from data.release import Release
from data.store import Store
from models.predictor import Draws, Examples, Predictor
from pipeline.rating_features import RatingFeatures, RatingFeaturesConfig
from pipeline.rating_metrics import central_levels
from pipeline.rating_task import FORMAT, KIND, SETS, RatingPredictor, _recalibrated, taste_sd
from pipeline.recalibration import ConformalInterval, Scaling
from tests.pipeline.rated import LEVELS, rated

N_LEVELS = len(LEVELS)
TOO_SURE = 2.5


class TwoOpinions:
    """Says of rows of log probabilities twice what they are, to the power `TOO_SURE`; the two lean to either end."""

    def __init__(self, lean: float) -> None:
        self.lean = lean * np.linspace(-1, 1, N_LEVELS)

    def draws(self, features: np.ndarray, n_draws: int, seed: int) -> Draws:
        raw = np.exp(TOO_SURE * features.astype(np.float64) + np.stack([self.lean, -self.lean])[:, None])
        p = (raw / raw.sum(axis=2, keepdims=True)).astype(np.float32)
        return Draws(p @ LEVELS, np.zeros(p.shape[:2], np.float32), p)


@pytest.fixture(scope="module")
def features() -> RatingFeatures:
    ratings, context = rated()
    return RatingFeatures.fit(ratings, context, RatingFeaturesConfig(n_fitted_readers=20, n_beginnings=1))


def learned(features: RatingFeatures, lean: float = 0.0, known_sd: float = 0.0) -> RatingPredictor:
    predictor: Predictor[Any] = TwoOpinions(lean)  # type: ignore[assignment]  # all that is asked of it
    return RatingPredictor(predictor, features, known_sd, Scaling.none(N_LEVELS), {})


def drawn(n: int, seed: int) -> tuple[np.ndarray, Examples]:
    """True probabilities, and ratings drawn from them whose features are the logarithms of them."""
    random = np.random.default_rng(seed)
    p = random.dirichlet(np.full(N_LEVELS, 0.8), n)
    category = (random.random(n)[:, None] > np.cumsum(p, axis=1)).sum(axis=1).clip(max=N_LEVELS - 1)
    return p, Examples(np.log(np.maximum(p, 1e-9)).astype(np.float32), LEVELS[category])


def told(predictor: RatingPredictor, examples: Examples) -> np.ndarray:
    p = predictor.predict(examples.features, 2, 0).p
    assert p is not None
    return p


def test_a_predictor_that_is_too_sure_is_mended(features: RatingFeatures) -> None:
    p, examples = drawn(20_000, seed=1)
    before = learned(features)
    after = _recalibrated(before, examples, 2, 0)
    assert after.scaling.weight == pytest.approx(np.full(N_LEVELS, 1 / TOO_SURE), rel=0.04)
    assert np.abs(told(after, examples) - p).mean() < 0.01 < np.abs(told(before, examples) - p).mean()


def test_sets_are_calibrated_on_what_they_are_asked_with(features: RatingFeatures) -> None:
    """The mean of scaled draws is not the scaled mean where draws disagree: sets by the latter are others."""
    _, examples = drawn(4_000, seed=2)
    before = learned(features, lean=4.0)
    after = _recalibrated(before, examples, 2, 0)
    category = np.searchsorted(LEVELS, examples.outcome)
    scaled_mean = after.scaling(told(before, examples))
    for q in SETS:
        expected = ConformalInterval.fit(told(after, examples), category, q).threshold
        np.testing.assert_array_equal(after.sets[q].threshold, expected)
        assert not np.array_equal(ConformalInterval.fit(scaled_mean, category, q).threshold, expected)
    _, others = drawn(4_000, seed=3)
    where = np.searchsorted(LEVELS, others.outcome)
    for q in SETS:
        first, last = after.interval(told(after, others), q)
        assert ((first <= where) & (where <= last)).mean() > q - 0.03


def test_without_sets_an_interval_is_what_the_forecast_says(features: RatingFeatures) -> None:
    p, examples = drawn(50, seed=4)
    without = learned(features)
    np.testing.assert_array_equal(without.interval(p, 0.9), central_levels(p, 0.9))
    mended = _recalibrated(without, examples, 2, 0)
    np.testing.assert_array_equal(mended.interval(p, 0.9), mended.sets[0.9].levels(p))
    np.testing.assert_array_equal(mended.interval(p, 0.8), central_levels(p, 0.8), "no set of that probability")


def test_what_more_ratings_would_tell_by_hand(features: RatingFeatures) -> None:
    ratings, _ = rated()
    rows = features.of_pairs(ratings, ratings.reader[:40], ratings.book[:40], counted=ratings).features
    sd = taste_sd(features, rows)
    known_sd = float(np.median(sd))
    _, left, weight = features.opinion.parameters
    share = learned(features, known_sd=known_sd).of_reader(rows)
    more = sd > known_sd
    by_hand = weight * (sd**2 - known_sd**2) / (left + weight * sd**2)
    assert 0 < more.sum() < len(rows)
    np.testing.assert_allclose(share[more], by_hand[more])
    assert not share[~more].any(), "nothing more to know"
    assert share.max() < 1


def test_a_release_is_as_sure_as_the_predictor_that_was_judged(predicting: Store) -> None:
    """Not as its own validation ratings would have it: their books are among the readings its spaces know."""
    published = predicting.artifact(KIND, Release.open(predicting).manifest["predictors"]["rating"]["artifact"])
    (judged,) = {folder for folder in published.parent.iterdir() if folder != published}

    def sureness(folder: Path) -> dict[str, np.ndarray]:
        arrays = read_artifact(folder, kind=KIND, format=FORMAT, vocabulary=None).arrays
        return {name: array for name, array in arrays.items() if name.startswith(("scaling", "set"))}

    found, expected = sureness(published), sureness(judged)
    assert set(found) == set(expected) == {"scaling", "set50", "set90"}
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array)
