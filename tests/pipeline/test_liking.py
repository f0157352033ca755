"""Effects of books recovered from planted ratings; a reader's own part is subtracted exactly."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.liking import KeyedSums, Liking, Scored, strength


def planted(noise: float, effect: float, sizes: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    group = np.repeat(np.arange(len(sizes)), sizes)
    return group, random.normal(0, effect, len(sizes))[group] + random.normal(0, noise, len(group))


def test_strength_is_the_ratio_of_the_planted_variances() -> None:
    sizes = np.random.default_rng(1).integers(1, 30, 4000)
    assert strength(*planted(1.0, 0.5, sizes, seed=2)) == pytest.approx(4.0, rel=0.08)


def test_groups_that_do_not_differ_are_shrunk_away() -> None:
    group, score = planted(1.0, 0.0, np.full(2000, 5), seed=3)
    assert strength(group, score) > 50
    assert strength(np.array([0, 1, 2]), np.array([1.0, 2.0, 3.0])) == 1e6  # one rating each: nothing to tell


def test_strength_by_hand() -> None:
    """Two groups of two: within 4 over 2 degrees of freedom, s2 = 2; between 9, t2 = (9 - 2) / (4 - 8 / 4) = 3.5."""
    assert strength(np.array([0, 0, 1, 1]), np.array([0.0, 2.0, 3.0, 5.0])) == pytest.approx(2 / 3.5)


def test_groups_without_noise_have_effects_and_not_zero_by_zero() -> None:
    """Every group agrees with itself: the means are believed, and a group nobody rated still gets an effect of 0."""
    group, score = np.array([0, 0, 1, 1]), np.array([-1.0, -1.0, 1.0, 1.0])
    ones = np.zeros(4, np.int64)
    liking = Liking.fit(np.arange(3), Scored(np.arange(4), group, ones, score, 2))
    assert 0 < strength(group, score) == liking.strength < 1e-3
    sums = np.concatenate([liking.sums, np.zeros((3 - len(liking.sums), 3))])
    np.testing.assert_allclose(liking.effect(sums), [-1, 1, 0], atol=1e-5)


def test_the_shrunken_effect_is_the_best_guess() -> None:
    """No other strength predicts the planted effects better (mean square)."""
    random = np.random.default_rng(4)
    sizes = random.integers(1, 8, 3000)
    group = np.repeat(np.arange(3000), sizes)
    effects = random.normal(0, 0.5, 3000)
    score = effects[group] + random.normal(0, 1, len(group))
    ones = np.zeros(len(group), np.int64)
    liking = Liking.fit(np.arange(3000), Scored(np.arange(len(group)), group, ones, score, 2))

    def error(chosen: float) -> float:
        return float(np.mean((liking.sums[:, 0] / (sizes + chosen) - effects) ** 2))

    assert error(liking.strength) < min(error(liking.strength * 2), error(liking.strength / 2))
    assert np.allclose(liking.effect(liking.sums), liking.sums[:, 0] / (sizes + liking.strength))


def test_sums_of_others_by_hand() -> None:
    """Reader 0 rated two books of author 0; to reader 0 only the rating of reader 1 is left."""
    ratings = Scored(
        np.array([0, 0, 1]), np.array([0, 1, 1]), np.array([0, 1, 1]), np.array([-1.0, 0.5, 0.25]), 2
    )  # fmt: skip
    liking = Liking.fit(np.array([0, 0, 1]), ratings)
    asked = liking.of_others(np.array([0, 1, 2]), np.array([0, 0, 0]), liking.own(ratings))
    assert asked.tolist() == [[0.25, 0, 1], [-0.5, 1, 1], [-0.25, 1, 2]]
    assert liking.of_others(np.array([0]), np.array([2]), None).tolist() == [[0, 0, 0]]
    assert liking.effect(np.zeros((1, 3))).tolist() == [0]


def test_keyed_sums() -> None:
    sums = KeyedSums.of(np.array([5, 2, 5]), np.array([[1.0], [2.0], [3.0]]))
    assert sums.at(np.array([2, 5, 7, 0])).ravel().tolist() == [2, 4, 0, 0]
    assert KeyedSums.of(np.empty(0, np.int64), np.empty((0, 1))).at(np.array([1])).tolist() == [[0]]
