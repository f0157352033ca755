"""Whether forecasts hold what they promise, where it is known that they do, or do not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pipeline.judge_rating import BIASES, NET, STRONGEST
from pipeline.rating_calibration import calibration_gain, coverage_curve, gains_over, pit_with_band
from pipeline.rating_metrics import CALIBRATION_LEVELS, calibration_error, clustered, row_scores
from tests.pipeline.hand_quality import hand_quality


def test_a_calibrated_forecast_holds_what_it_says_and_one_too_sure_less() -> None:
    quality = hand_quality()
    ours, theirs = (coverage_curve(quality, system, 0) for system in (NET, STRONGEST))
    assert all(abs(one.value - said) < 4 * one.se for one, said in zip(ours, CALIBRATION_LEVELS.tolist(), strict=True))
    assert all(
        one.value < said - 3 * one.se for one, said in list(zip(theirs, CALIBRATION_LEVELS.tolist(), strict=True))[4:18]
    )


def test_the_band_of_the_histogram_holds_a_calibrated_forecast_and_not_another() -> None:
    outside = {NET: 0, STRONGEST: 0}
    for seed in range(10):
        quality = hand_quality(seed)
        for system in outside:
            found = pit_with_band(quality, system, seed)
            assert found.shares.sum() == pytest.approx(1)
            outside[system] += int((np.abs(found.shares - 0.05) > found.half_width).sum())
    assert outside[NET] < 0.1 * 200  # a twentieth is expected
    assert outside[STRONGEST] > 0.3 * 200


def test_gains_are_differences_on_the_same_ratings() -> None:
    quality = hand_quality()
    gains = gains_over(quality, 0)
    assert set(gains) == set(quality.p) - {NET}
    nll = {system: row_scores(quality.forecast(system))["nll"] for system in quality.p}
    for system, gain in gains.items():
        assert gain["nll"].value == pytest.approx(nll[NET].mean() - nll[system].mean())
        assert gain["nll"].value < -3 * gain["nll"].se  # ratings are drawn from what the predictor says
    paired, alone = gains[BIASES]["nll"].se, clustered(nll[NET], quality.reader).se
    assert paired < alone


def test_the_gain_in_calibration_and_its_interval() -> None:
    quality = hand_quality()
    gain, low, high = calibration_gain(quality, 0, n_bootstrap=400, level=0.95)
    pits = [row_scores(quality.forecast(system), 0)["pit"] for system in (NET, STRONGEST)]
    assert gain == pytest.approx(calibration_error(pits[0]) - calibration_error(pits[1]))
    assert low < gain < high < 0
    back = calibration_gain(quality, 0, n_bootstrap=400, level=0.95, system=STRONGEST, other=NET)
    assert back == pytest.approx((-gain, -high, -low))
    same = calibration_gain(replace(quality, p={**quality.p, STRONGEST: quality.p[NET]}), 0, n_bootstrap=50, level=0.9)
    assert same == (0, 0, 0)
