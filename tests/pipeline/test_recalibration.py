"""Forecasts spoiled in a known way are mended; conformal intervals hold what they promise, whatever the forecast."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.recalibration import ConformalInterval, Scaling, interval_scores

N_LEVELS = 5


def drawn(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """True probabilities, and levels drawn from them."""
    random = np.random.default_rng(seed)
    p = random.dirichlet(np.full(N_LEVELS, 0.8), n)
    return p, (random.random(n)[:, None] > np.cumsum(p, axis=1)).sum(axis=1).clip(max=N_LEVELS - 1)


def spoiled(p: np.ndarray, weight: np.ndarray | float, bias: np.ndarray | float = 0.0) -> np.ndarray:
    raw = np.exp(np.log(np.maximum(p, 1e-9)) * weight + bias)
    result: np.ndarray = raw / raw.sum(axis=1, keepdims=True)
    return result


def test_temperature_is_found() -> None:
    p, category = drawn(20_000, seed=1)
    found = Scaling.fit(spoiled(p, 2.5), category)
    assert found.weight == pytest.approx(np.full(N_LEVELS, 1 / 2.5), rel=0.04)
    assert not found.bias.any()
    assert np.abs(found(spoiled(p, 2.5)) - p).mean() < 0.01


def test_vector_scaling_mends_levels_said_too_often() -> None:
    p, category = drawn(20_000, seed=2)
    bias = np.array([0.0, 0.8, 0, 0, -0.5])
    said = spoiled(p, 1.4, bias)
    mended = Scaling.fit(said, category, "vector")(said)
    assert np.abs(mended.mean(axis=0) - np.bincount(category) / len(category)).max() < 0.002
    rows = np.arange(len(p))

    def loss(q: np.ndarray) -> float:
        return float(-np.log(q[rows, category]).mean())

    truth = loss(p)
    assert loss(mended) < truth + 0.002
    assert loss(Scaling.fit(said, category)(said)) > truth + 0.02  # one temperature cannot mend it


def test_a_calibrated_forecast_stays() -> None:
    p, category = drawn(20_000, seed=3)
    assert np.abs(Scaling.fit(p, category, "vector")(p) - p).max() < 0.05
    assert np.allclose(Scaling.none(N_LEVELS)(p), p, atol=1e-6)
    assert np.allclose(Scaling.fit(p[:0], category[:0])(p), p, atol=1e-6)


def test_the_scaling_is_the_likeliest() -> None:
    p, category = drawn(300, seed=4)
    said = spoiled(p, 0.5)
    found = Scaling.fit(said, category).weight[0]

    def loss(weight: float) -> float:
        q = Scaling(np.full(N_LEVELS, weight), np.zeros(N_LEVELS))(said).astype(float)
        return float(-np.log(q[np.arange(300), category]).mean())

    assert loss(found) < min(loss(found * 0.9), loss(found * 1.1))


def test_scores_by_hand() -> None:
    """F = .1, .4, .8, 1: the median is the third level; the second needs a central interval of 1 - 2 * .4 = .2."""
    assert interval_scores(np.array([[0.1, 0.3, 0.4, 0.2]]))[0] == pytest.approx([0.8, 0.2, 0, 0.6])


@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.9])
@pytest.mark.parametrize("weight", [0.4, 1.0, 3.0])
def test_intervals_hold_at_least_what_they_promise_whatever_the_forecast(coverage: float, weight: float) -> None:
    """Mean over many calibration sets of 60: the promise is about them and the next rating together."""
    p, category = drawn(60_000, seed=5)
    said = spoiled(p, weight)
    held = []
    for start in range(0, 60_000, 120):
        known, new = slice(start, start + 60), slice(start + 60, start + 120)
        first, last = ConformalInterval.fit(said[known], category[known], coverage).levels(said[new])
        held.append(((first <= category[new]) & (category[new] <= last)).mean())
    assert np.mean(held) > coverage - 3 * np.std(held) / np.sqrt(len(held))


def test_intervals_are_no_wider_than_they_must_be() -> None:
    """The next smaller threshold would break the promise on the ratings it was calibrated on."""
    p, category = drawn(999, seed=6)
    fitted = ConformalInterval.fit(p, category, 0.9)
    scores = interval_scores(p)[np.arange(999), category]
    assert (scores <= fitted.threshold[0]).sum() >= 900
    assert (scores < fitted.threshold[0]).sum() < 900


def test_each_group_holds() -> None:
    """Half of the forecasts are far too sure: together they hold on average, by groups in each."""
    p, category = drawn(20_000, seed=7)
    group = np.arange(20_000) % 2
    said = np.where(group[:, None] == 1, spoiled(p, 4.0), p)
    known, new = slice(0, 10_000), slice(10_000, 20_000)

    def held(fitted: ConformalInterval, by: np.ndarray | None) -> list[float]:
        first, last = fitted.levels(said[new], by)
        inside = (first <= category[new]) & (category[new] <= last)
        return [float(inside[group[new] == g].mean()) for g in range(2)]

    apart = ConformalInterval.fit(said[known], category[known], 0.8, group[known], n_groups=2)
    assert min(held(apart, group[new])) > 0.785
    together = ConformalInterval.fit(said[known], category[known], 0.8)
    assert min(held(together, None)) < 0.785


def test_too_few_ratings_promise_nothing_but_all_levels() -> None:
    p, category = drawn(8, seed=8)
    first, last = ConformalInterval.fit(p, category, 0.9).levels(p)  # the 9th of 8 scores would be needed
    assert (first == 0).all()
    assert (last == N_LEVELS - 1).all()


def test_impossible_settings_are_refused() -> None:
    p, category = drawn(8, seed=9)
    with pytest.raises(ValueError, match="coverage"):
        ConformalInterval.fit(p, category, 1.0)
    with pytest.raises(ValueError, match="kind"):
        Scaling.fit(p, category, "platt")
