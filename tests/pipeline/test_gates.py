"""What a release must pass, by hand."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.config import GateConfig
from pipeline.gates import Judged, judge

NO_CHANCE, LITTLE = 0.0, 0.0196  # half widths of the 95 % interval of a mean: standard errors of 0 and .01


def quality(mean: float, gain_low: float = 0.1, half: float = NO_CHANCE) -> Judged:
    """A table in which only the judged row can decide; the others would decide otherwise."""
    judged: dict[str, Any] = {"split": "readers", "model": "spectral", "metric": "ndcg100", "n_readers": 40}
    judged |= {"mean": mean, "low": mean - half, "high": mean + half}
    judged |= {"gain": gain_low + 0.1, "gain_low": gain_low, "gain_high": gain_low + 0.2}
    other = {**judged, "mean": 0.0 if gain_low > 0 else 1.0, "gain_low": -gain_low}
    rows = [{**other, "split": "time"}, {**other, "model": "item_knn"}, {**other, "metric": "recall20"}, judged]
    return Judged(rows, "spectral", level=0.95)


@pytest.mark.parametrize(("gain_low", "passed"), [(0.001, True), (0.0, False), (-0.1, False)])
def test_the_space_must_beat_popularity_by_more_than_chance(gain_low: float, passed: bool) -> None:
    gate, _ = judge(quality(0.5, gain_low), None, GateConfig())
    assert gate.passed is passed
    assert gate.name == "beats popularity"
    assert f"({gain_low:+.3f} to " in gate.detail


@pytest.mark.parametrize(("mean", "passed"), [(0.46, True), (0.45, True), (0.449, False), (0.9, True)])
def test_the_metric_must_not_fall_below_the_floor(mean: float, passed: bool) -> None:
    gates = judge(quality(mean), quality(0.5), GateConfig(max_fall=0.1))
    assert [gate.passed for gate in gates] == [True, True, passed]
    assert "current 0.500, floor 0.450 less 0.000 for chance" in gates[2].detail


@pytest.mark.parametrize(("mean", "passed"), [(0.43, True), (0.426, False)])
def test_a_fall_that_chance_may_have_made_is_no_reason_to_refuse(mean: float, passed: bool) -> None:
    """Errors of .01 here and .009 there (of .9 times .5) add to .01345; a one-sided 95 % of that is .0221."""
    gates = judge(quality(mean, half=LITTLE), quality(0.5, half=LITTLE), GateConfig(max_fall=0.1))
    assert gates[2].passed is passed
    assert "floor 0.450 less 0.022 for chance" in gates[2].detail


@pytest.mark.parametrize(("min_judged", "passed"), [(40, True), (41, False)])
def test_a_handful_of_readers_is_no_evidence(min_judged: int, passed: bool) -> None:
    _, gate = judge(quality(0.5), None, GateConfig(min_judged=min_judged))
    assert gate.passed is passed
    assert "40 held-out readers" in gate.detail


def test_the_gates_look_at_the_metric_chosen() -> None:
    gate, _ = judge(quality(0.5, gain_low=-0.1), None, GateConfig(metric="recall20"))
    assert gate.passed
