"""What a release must pass before it is switched to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import hypot
from statistics import NormalDist
from typing import Any

from pipeline.config import EvaluationConfig, GateConfig

JUDGED_SPLIT = "readers"
Quality = Sequence[Mapping[str, Any]]  # rows of `pipeline.evaluate.Evaluation.table`


@dataclass(frozen=True)
class Gate:
    """One condition a release must meet, and whether it did."""

    name: str
    passed: bool
    detail: str


@dataclass(frozen=True)
class Judged:
    """The quality of a release by its default space.

    Attributes
    ----------
    quality
        Rows of its ``quality.json``.
    model
        Kind of the space that is judged.
    level
        Coverage of the intervals in the rows.
    """

    quality: Quality
    model: str
    level: float = EvaluationConfig.level

    def row(self, metric: str) -> Mapping[str, Any]:
        """Return the row of the judged model on the judged split."""
        return row_of(self.quality, self.model, metric)

    def standard_error(self, metric: str) -> float:
        """Return the standard error of the mean that the row's interval stands for."""
        row = self.row(metric)
        return float(row["high"] - row["low"]) / (2 * NormalDist().inv_cdf((1 + self.level) / 2))


def judge(release: Judged, current: Judged | None, config: GateConfig, unlike: str = "") -> list[Gate]:
    """Return the gates of a release, given the one that serves.

    There must be enough held-out readers to judge by; the space must beat popularity by more than chance (the
    paired interval of the gain lies above 0); and its metric must not lie more than `config.max_fall` below
    the current release's, by more than chance: the readers held out differ from release to release, so that two
    equally good ones differ. `unlike` says how the two were judged differently, if they were.
    """
    row = release.row(config.metric)
    gates = [
        Gate(
            "beats popularity",
            row["gain_low"] > 0,
            f"{config.metric} {row['mean']:.3f}, {row['gain']:+.3f} "
            f"({row['gain_low']:+.3f} to {row['gain_high']:+.3f}) against popularity",
        ),
        Gate(
            "enough readers to judge by",
            row["n_readers"] >= config.min_judged,
            f"{row['n_readers']} held-out readers, at least {config.min_judged}",
        ),
    ]
    return gates if current is None else [*gates, _holds(release, current, config, unlike)]


def _holds(release: Judged, current: Judged, config: GateConfig, unlike: str) -> Gate:
    """Compare with the release that serves: refused only if the fall beyond the floor is no chance (one side, 95 %)."""
    mean, before = (judged.row(config.metric)["mean"] for judged in (release, current))
    share = 1 - config.max_fall
    spread = hypot(release.standard_error(config.metric), share * current.standard_error(config.metric))
    margin = NormalDist().inv_cdf(0.95) * spread
    floor = before * share
    detail = f"{config.metric} {mean:.3f}, current {before:.3f}, floor {floor:.3f} less {margin:.3f} for chance{unlike}"
    return Gate("holds against the current release", mean >= floor - margin, detail)


def beats_popularity(quality: Quality, model: str, metric: str) -> bool:
    """Say whether a model's space may be published: its paired gain over popularity lies above 0."""
    return bool(row_of(quality, model, metric)["gain_low"] > 0)


def row_of(quality: Quality, model: str, metric: str) -> Mapping[str, Any]:
    """Return the row of a model and metric on the judged split."""
    wanted = {"split": JUDGED_SPLIT, "model": model, "metric": metric}
    return next(row for row in quality if wanted.items() <= row.items())


def verdict(gates: Sequence[Gate]) -> str:
    """Return one line that says what the gates decided."""
    failed = [gate for gate in gates if not gate.passed]
    if failed:
        return "refused: " + "; ".join(f"{gate.name}: {gate.detail}" for gate in failed)
    return "published: " + gates[0].detail
