"""What a release must pass, by hand."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.config import GateConfig
from pipeline.publish import judge


def quality(mean: float, gain_low: float = 0.1) -> list[dict[str, Any]]:
    """A table in which only the judged row can decide; the others would decide otherwise."""
    judged = {"split": "readers", "model": "word2vec", "metric": "ndcg100", "mean": mean, "n_readers": 40}
    judged |= {"gain": gain_low + 0.1, "gain_low": gain_low, "gain_high": gain_low + 0.2}
    other = {**judged, "mean": 0.0 if gain_low > 0 else 1.0, "gain_low": -gain_low}
    return [
        {**other, "split": "time"},
        {**other, "model": "item_knn"},
        {**other, "metric": "recall20"},
        judged,
    ]


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
    assert "current 0.500, floor 0.450" in gates[2].detail


@pytest.mark.parametrize(("min_judged", "passed"), [(40, True), (41, False)])
def test_a_handful_of_readers_is_no_evidence(min_judged: int, passed: bool) -> None:
    _, gate = judge(quality(0.5), None, GateConfig(min_judged=min_judged))
    assert gate.passed is passed
    assert "40 held-out readers" in gate.detail


def test_the_gates_look_at_the_metric_chosen() -> None:
    gate, _ = judge(quality(0.5, gain_low=-0.1), None, GateConfig(metric="recall20"))
    assert gate.passed
