"""Figures of predictors in words: with their intervals, and whether a difference is more than chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, sqrt
from statistics import NormalDist
from typing import Any

import numpy as np

from data.release import Release
from pipeline.doubt_config import RATING, WILL_READ
from pipeline.judge_rating import NET, STRONGEST, TOLD_SET, RatingQuality
from pipeline.judge_will_read import CURVE, LOG_LOSS, POPULARITY
from pipeline.judge_will_read import NET as READING_NET
from pipeline.rating_doubt import Parts
from pipeline.rating_metrics import Figure, clustered
from reports.document import decimal, percent
from reports.quality import METRIC_NAMES, MODEL_NAMES

PROMISED = 0.9
TASK_NAMES = {RATING: "how a book is liked", WILL_READ: "what is read next"}
HELPS, HELPS_SOME = 0.3, 0.1  # shares of the doubt that would go, from which on more data helps, and helps some
WITHIN_CHANCE, BEYOND_CHANCE = "within chance", "more than chance"


@dataclass(frozen=True)
class Difference:
    """What one figure is more than another, and the ends of its interval."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, ends: Sequence[float]) -> Difference:
        """Return a difference from its value and ends."""
        return cls(*(float(end) for end in ends))

    @classmethod
    def between(cls, now: Figure, before: Figure, level: float) -> Difference | None:
        """Return how two figures of different readers differ; None where a standard error is unknown."""
        return cls.of_figure(Figure(now.value - before.value, sqrt(now.se**2 + before.se**2)), level)

    @classmethod
    def of_figure(cls, figure: Figure, level: float) -> Difference | None:
        """Return a difference with its standard error as one with its interval; None where the error is unknown."""
        interval = ends(figure, level)
        return None if interval is None else cls(figure.value, *interval)

    @property
    def sign(self) -> int:
        """-1 or 1 where it is more than chance, 0 where it is not."""
        return -1 if self.high < 0 else 1 if self.low > 0 else 0

    @property
    def outcome(self) -> str:
        """Whether it is more than chance, in words."""
        return BEYOND_CHANCE if self.sign else WITHIN_CHANCE

    def said(self, digits: int = 3, times: float = 1.0) -> str:
        """Return it with its interval."""
        value, low, high = (decimal(times * end, digits, sign=True) for end in (self.value, self.low, self.high))
        return f"{value}, {low} to {high}"


def figure_of(record: Mapping[str, float | None]) -> Figure:
    """Return a figure as a release writes it."""
    se = record["se"]
    return Figure(float(record["value"] or 0.0), float("nan") if se is None else float(se))


def ends(figure: Figure, level: float) -> tuple[float, float] | None:
    """Return the interval of a figure; None where its standard error is unknown."""
    if not isfinite(figure.se):
        return None
    half = NormalDist().inv_cdf((1 + level) / 2) * figure.se
    return figure.value - half, figure.value + half


def share_ends(figure: Figure, level: float) -> tuple[float, float] | None:
    """Return the interval of a share, which leaves out what no share can be."""
    found = ends(figure, level)
    return None if found is None else (max(found[0], 0.0), min(found[1], 1.0))


def points(gap: float) -> str:
    """Return a difference of shares in percentage points."""
    return f"{decimal(100 * gap, 1)} percentage points"


def on_rating(record: Mapping[str, Any], gain: Difference, level: float) -> list[str]:
    """Return whether ratings are predicted well, a sentence each: calibrated, by what, and its nine-in-ten sets.

    Parameters
    ----------
    gain
        Of the calibration error over that of `STRONGEST`.
    """
    systems = record["systems"]
    mine, other = (systems[name]["calibration_error"]["value"] for name in (NET, STRONGEST))
    word = {
        -1: "is better calibrated than",
        0: "is calibrated as well, within chance, as",
        1: "is worse calibrated than",
    }
    calibrated = (
        f"The rating predictor {word[gain.sign]} biases with an sd per reader: what its sets hold is off by "
        f"{points(mine)} on average, for these by {decimal(100 * other, 1)} ({gain.said(1, 100)})."
    )
    over = Difference.of(record["over"]["nll"])
    says = {
        -1: "It says more of what readers then think",
        0: "It says no more, beyond chance, of what readers then think",
    }
    words = says.get(over.sign, "It says less of what readers then think")
    nll = [decimal(systems[name]["nll"]["value"], 3) for name in (NET, STRONGEST)]
    informed = f"{words}: {nll[0]} nats a rating against {nll[1]} ({over.said()}; less is better)."
    return [calibrated, informed, _holds(figure_of(systems[NET]["cover90"]), level)]


def _holds(covered: Figure, level: float) -> str:
    said = f"Its {percent(PROMISED)} sets hold {decimal(100 * covered.value, 1)} %"
    if (interval := share_ends(covered, level)) is None:
        return f"{said} of the ratings."
    low, high = interval
    word = "as they should" if low <= PROMISED <= high else "too few: it is too sure of itself"
    word = "too many: it is too cautious" if low > PROMISED else word
    return f"{said} of the ratings ({decimal(100 * low, 1)} to {decimal(100 * high, 1)}), {word}."


def on_told_set(quality: RatingQuality, level: float) -> str:
    """Return whether the sets that answers name hold what they promise, in a sentence."""
    found = clustered(quality.in_set.astype(np.float64), quality.reader)
    interval = share_ends(found, level)
    told = "" if interval is None else f" ({decimal(100 * interval[0], 1)} to {decimal(100 * interval[1], 1)})"
    return (
        f"An answer names whole levels, with at least {percent(TOLD_SET)} between the lowest and the highest: these "
        f"hold {decimal(100 * found.value, 1)} %{told} of the ratings, "
        f"with {decimal(float(quality.n_in_set.mean()), 1)} of {len(quality.levels)} levels on average."
    )


def on_help(parts: Parts) -> str:
    """Return whether more data would help, in a sentence."""
    helped = parts.helped
    word = "would help" if helped >= HELPS else "would help some" if helped >= HELPS_SOME else "would hardly help"
    return (
        f"More data {word}: of the doubt about a rating {percent(helped)} would go, {percent(parts.of_reader)} with "
        f"more ratings by the reader, {percent(parts.of_book)} with more ratings of the book, "
        f"{percent(parts.of_model)} with more readers to learn from; {percent(parts.stays)} would stay, because people "
        "differ and surprise."
    )


def on_reading(record: Mapping[str, Any], metric: str) -> list[str]:
    """Return whether it is predicted well what is read next, a sentence each."""
    rows = {row["metric"]: row for row in record["rows"] if row["system"] == READING_NET}
    loss, told = rows[LOG_LOSS], []
    for other, name in ((POPULARITY, "popularity does"), (CURVE, "the place in the base list alone does")):
        if other in loss["over"]:
            over = Difference.of(loss["over"][other])
            word = {-1: "more than", 0: "no more, beyond chance, than", 1: "less than"}[over.sign]
            told.append(f"{word} {name} ({over.said()})")
    said = (
        f"What a reader reads next: the predictor says {' and '.join(told)}, at {decimal(loss['mean'], 3)} nats a book."
    )
    return [said, _ranked(record, rows[metric], metric)]


def _ranked(record: Mapping[str, Any], row: Mapping[str, Any], metric: str) -> str:
    rank_by = record["verdict"]["rank_by"]
    base = next(kind for kind in row["over"] if kind != POPULARITY)
    gain, name = Difference.of(row["over"][base]), MODEL_NAMES.get(base, base)
    compared = f"{METRIC_NAMES[metric]} {decimal(row['mean'], 3)}, {gain.said()} against {name}"
    if rank_by == READING_NET:
        return f"Books are ranked by it, which is better than {name} by more than chance ({compared})."
    reason = {-1: "is worse by more than chance", 0: "is no better, beyond chance", 1: "is not trusted"}[gain.sign]
    return (
        f"Books are ranked by {MODEL_NAMES.get(rank_by, rank_by)}: the predictor’s own ranking {reason} ({compared})."
    )


def left_out(release: Release, task: str) -> str:
    """Return why a task is not predicted, in a sentence; empty if it is."""
    quality, name = release.predictor_quality, TASK_NAMES[task]
    if task in quality["left_out"]:
        return f"It is not predicted {name}: {quality['left_out'][task].rstrip('.')}."
    if task not in quality["tasks"]:
        return f"It is not predicted {name}: release {release.id} was made without."
    return ""
