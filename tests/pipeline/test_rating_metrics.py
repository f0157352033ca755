"""Figures of forecasts against closed forms and brute force, and the protocol's own on the same probabilities."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binom

from pipeline.rating_metrics import (
    COVERAGES,
    Figure,
    Forecast,
    auroc,
    calibration_error,
    central_levels,
    clustered,
    covered,
    grouped_figures,
    known_groups,
    pit_histogram,
    rating_figures,
    reliability,
    risk_coverage,
    row_scores,
    wilson,
)
from tests.benchmarks.retrieval import load_protocol

LEVELS = np.arange(1.0, 6.0)


def calibrated(n: int, seed: int) -> Forecast:
    """Forecasts whose ratings are drawn from them."""
    random = np.random.default_rng(seed)
    p = random.dirichlet(np.full(5, 0.7), n)
    return Forecast(p, LEVELS, (random.random(n)[:, None] > np.cumsum(p, axis=1)).sum(axis=1).clip(max=4))


def test_scores_by_hand() -> None:
    forecast = Forecast(np.array([[0.2, 0.3, 0.5], [1.0, 0, 0]]), np.array([1.0, 2.0, 4.0]), np.array([1, 0]))
    scores = row_scores(forecast)
    assert scores["square"] == pytest.approx([(2.8 - 2) ** 2, 0])
    assert scores["absolute"] == pytest.approx([0.8, 0])
    assert scores["nll"] == pytest.approx([-np.log(0.3), 0])
    assert scores["crps"] == pytest.approx([0.2**2 * 1 + 0.5**2 * 2, 0])  # steps of 1 and of 2
    assert 0.2 <= scores["pit"][0] <= 0.5
    assert forecast.sd[0] == pytest.approx(np.sqrt(0.2 * 1.8**2 + 0.3 * 0.8**2 + 0.5 * 1.2**2))


def test_crps_is_the_expected_distance_form() -> None:
    """CRPS = E|X - y| - E|X - X'| / 2 (Gneiting and Raftery 2007, eq. 21), summed over all pairs of levels."""
    forecast = calibrated(50, seed=1)
    distance = np.abs(LEVELS[:, None] - LEVELS)
    expected = forecast.p @ distance
    expected = (
        expected[np.arange(50), forecast.category] - np.einsum("ni,ij,nj->n", forecast.p, distance, forecast.p) / 2
    )
    assert np.allclose(row_scores(forecast)["crps"], expected)


def test_a_calibrated_forecast_covers_exactly() -> None:
    pit = row_scores(calibrated(40_000, seed=2), seed=3)["pit"]
    for q in COVERAGES:
        assert covered(pit, q).mean() == pytest.approx(q, abs=4 * np.sqrt(q * (1 - q) / 40_000))
    assert calibration_error(pit) < 0.008
    counts = pit_histogram(pit)
    assert counts.sum() == 40_000
    assert np.abs(counts - 2000).max() < 5 * np.sqrt(2000)


def test_a_forecast_too_sure_covers_too_little() -> None:
    forecast = calibrated(20_000, seed=4)
    sharpened = forecast.p**3 / (forecast.p**3).sum(axis=1, keepdims=True)
    pit = row_scores(Forecast(sharpened, LEVELS, forecast.category))["pit"]
    assert covered(pit, 0.9).mean() < 0.85
    assert calibration_error(pit) > 0.04
    ends = pit_histogram(pit)[[0, -1]]
    assert (ends > 1300).all()  # a U


def test_calibration_error_in_closed_form() -> None:
    """All pit at 1/2: every central set covers all, so the error is the mean of 1 - q, q = .05 ... .95."""
    assert calibration_error(np.full(10, 0.5)) == pytest.approx(0.5)


def test_central_levels_by_hand_and_at_least_their_probability() -> None:
    p = np.array([[0.04, 0.06, 0.8, 0.06, 0.04], [1.0, 0, 0, 0, 0], [0.2] * 5])
    first, last = central_levels(p, 0.9)
    assert first.tolist() == [1, 0, 0]
    assert last.tolist() == [3, 0, 4]
    forecast = calibrated(2000, seed=5)
    for q in COVERAGES:
        low, high = central_levels(forecast.p, q)
        held = np.cumsum(forecast.p, axis=1)[np.arange(2000), high] - np.where(
            low > 0, np.cumsum(forecast.p, axis=1)[np.arange(2000), low - 1], 0
        )
        assert (held >= q - 1e-9).all()
        assert ((low <= forecast.category) & (forecast.category <= high)).mean() > q - 0.02


def test_errors_of_means_are_clustered_by_reader() -> None:
    """Rows of a reader that are all the same: the error is that of the readers' means, not of the rows."""
    random = np.random.default_rng(6)
    of_reader = random.normal(size=400)
    reader = np.repeat(np.arange(400), 10)
    found = clustered(of_reader[reader], reader)
    assert found.value == pytest.approx(of_reader.mean())
    assert found.se == pytest.approx(of_reader.std(ddof=1) / np.sqrt(400), rel=1e-6)
    alone = random.normal(size=500)
    assert clustered(alone, np.arange(500)).se == pytest.approx(alone.std(ddof=1) / np.sqrt(500))
    assert np.isnan(clustered(alone, np.zeros(500)).se)


def test_clustered_errors_are_what_a_bootstrap_over_readers_says() -> None:
    random = np.random.default_rng(7)
    sizes = random.integers(1, 30, 300)
    reader = np.repeat(np.arange(300), sizes)
    values = random.normal(size=300)[reader] + random.normal(size=len(reader))
    sums, counts = np.bincount(reader, values), np.bincount(reader)
    draws = random.integers(0, 300, (4000, 300))
    bootstrap = (sums[draws].sum(axis=1) / counts[draws].sum(axis=1)).std()
    assert clustered(values, reader).se == pytest.approx(bootstrap, rel=0.08)


def test_figures_are_means_of_row_scores() -> None:
    forecast, reader = calibrated(300, seed=8), np.arange(300) % 40
    scores = row_scores(forecast, seed=1)
    figures = rating_figures(forecast, reader, seed=1)
    assert figures["rmse"].value == pytest.approx(np.sqrt(scores["square"].mean()))
    assert figures["mae"].value == pytest.approx(scores["absolute"].mean())
    assert figures["cover80"].value == pytest.approx((np.abs(scores["pit"] - 0.5) <= 0.4).mean())
    assert figures["rmse"].se == pytest.approx(clustered(scores["square"], reader).se / (2 * figures["rmse"].value))


def test_groups_put_together_are_the_whole() -> None:
    forecast, reader = calibrated(500, seed=9), np.arange(500) % 40
    groups = known_groups(np.arange(500) % 30, (5, 20))
    found = grouped_figures(
        forecast, reader, {"cold": groups == 0, "rest": groups > 0, "none": np.zeros(500, bool)}, seed=2
    )
    whole = rating_figures(forecast, reader, seed=2)
    share = (groups == 0).mean()
    assert set(found) == {"cold", "rest"}
    for name in ("nll", "crps", "cover50", "cover95"):
        parts = share * found["cold"][name].value + (1 - share) * found["rest"][name].value
        assert parts == pytest.approx(whole[name].value)


def test_known_groups_by_hand() -> None:
    assert known_groups(np.array([0, 1, 2, 9, 10, 500]), (2, 10)).tolist() == [0, 0, 1, 1, 2, 2]


def test_reliability_by_hand() -> None:
    points = reliability(np.array([0.05, 0.06, 0.55, 0.51, 1.0]), np.array([False, False, True, False, True]))
    assert points.n.tolist() == [2, 2, 1]
    assert points.forecast == pytest.approx([0.055, 0.53, 1.0])
    assert points.frequency.tolist() == [0, 0.5, 1]
    assert (points.low <= points.frequency).all()
    assert (points.frequency <= points.high + 1e-12).all()


def test_wilson_holds_the_share_as_often_as_it_says() -> None:
    """Exact coverage, averaged over shares, by the binomial distribution."""
    n, k = 40, np.arange(41)
    low, high = wilson(k / n, np.full(41, n), 0.95)
    shares = np.linspace(0.02, 0.98, 97)
    coverage = [binom.pmf(k, n, share)[(low <= share) & (share <= high)].sum() for share in shares]
    assert np.mean(coverage) == pytest.approx(0.95, abs=0.01)


def test_risk_coverage_by_hand_and_ties() -> None:
    assert risk_coverage(np.array([3.0, 1.0, 2.0]), np.array([0.3, 0.1, 0.2])).tolist() == [1, 1.5, 2]
    assert risk_coverage(np.array([4.0, 0.0, 2.0]), np.array([1.0, 1.0, 1.0])).tolist() == [2, 2, 2]
    risk = np.random.default_rng(10).random(100)
    best, worst = risk_coverage(risk, risk).mean(), risk_coverage(risk, -risk).mean()
    assert best < risk_coverage(risk, np.zeros(100)).mean() < worst


def test_auroc_counts_pairs() -> None:
    random = np.random.default_rng(11)
    score, out = random.integers(0, 5, 80).astype(float), random.random(80) < 0.3
    difference = score[out][:, None] - score[~out]
    assert auroc(score, out) == pytest.approx(((difference > 0) + 0.5 * (difference == 0)).mean())
    assert np.isnan(auroc(score, np.zeros(80, bool)))


def test_what_is_no_probability_is_refused() -> None:
    for p in (np.array([[0.5, 0.4]]), np.array([[1.5, -0.5]]), np.array([[np.nan, 1.0]]), np.array([[1.0]])):
        with pytest.raises(ValueError, match="p:"):
            Forecast(p, np.array([1.0, 2.0]), np.array([0]))


def test_one_row_has_figures() -> None:
    figures = rating_figures(Forecast(np.array([[0.5, 0.5]]), np.array([1.0, 2.0]), np.array([0])), np.array([3]))
    assert isinstance(figures["nll"], Figure)
    assert figures["nll"].value == pytest.approx(np.log(2))


@pytest.mark.realdata
def test_figures_are_those_of_the_protocol(shared: Path) -> None:
    protocol = load_protocol(shared / "protocol" / "ratings.py")
    _, _, rating = protocol.load()
    test = rating[protocol.split(len(rating), 1)[2]]
    p = np.random.default_rng(12).dirichlet(np.full(10, 0.5), len(test))
    expected = protocol.score(p, test, seed=5)
    found = rating_figures(Forecast(p, np.arange(1.0, 11.0), test - 1), np.arange(len(test)), seed=5)
    for name in ("rmse", "mae", "nll", "crps", "cover50", "cover80", "cover90", "cover95"):
        assert found[name].value == pytest.approx(expected[name], rel=1e-12), name
    n = len(test)
    assert found["nll"].se == pytest.approx(expected["nll_se"] * np.sqrt(n / (n - 1)))
