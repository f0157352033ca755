"""What predictors are better or worse at than those of the release before, and whether that is more than chance.

The readers held out are others wherever the history has grown, so that figures are compared as of independent readers.
Where they are the same, that is too cautious: a difference that is called more than chance is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

from data.artifact import read_json
from data.errors import BadArtifact
from data.release import Release
from pipeline.doubt_config import RATING, WILL_READ
from pipeline.judge_rating import NET
from pipeline.judge_will_read import LOG_LOSS
from pipeline.judge_will_read import NET as READING_NET
from pipeline.rating_metrics import Figure
from reports.document import Table, decimal
from reports.doubt_reading import HEADINGS
from reports.doubt_words import TASK_NAMES, Difference, ends, figure_of

_RATING_FIGURES = {
    "nll": ("NLL, nats", -1),
    "crps": ("CRPS, points", -1),
    "rmse": ("RMSE, points", -1),
    "cover90": ("share in 90 % sets", 0),
    "sd": ("sd said, points", 0),
}


@dataclass(frozen=True)
class DoubtChanged:
    """Sentences, and the figures of both releases; None if there are none to compare."""

    sentences: Sequence[str]
    table: Table | None


def doubt_changed(release: Release, previous: Release | None) -> DoubtChanged:
    """Return what changed from the release before in how well it is predicted."""
    if previous is None:
        return DoubtChanged(["No earlier release that served is kept: there is nothing to compare with."], None)
    try:
        before = read_json(previous.folder / "predictors.json") if previous.manifest else {}
    except (BadArtifact, OSError):
        why = f"The release before ({previous.id}) tells nothing of predictions: there is nothing to compare with."
        return DoubtChanged([why], None)
    sentences, rows = [f"Compared with the release before, {previous.id}, of which other readers may be held out."], []
    for task in (RATING, WILL_READ):
        now, then = (quality.get("tasks", {}).get(task) for quality in (release.predictor_quality, before))
        name = TASK_NAMES[task]
        if now is None or then is None:
            sentences += [_came_or_went(name, now, then)] if now or then else []
        elif task == RATING and now["levels"] != then["levels"]:
            sentences.append(f"Ratings had other levels before: {name} is not compared.")
        else:
            level = float(release.manifest["settings"]["evaluation"]["level"])
            found = _of_rating(now, then) if task == RATING else _of_reading(now, then, level)
            rows += [_row(name, *one, level) for one in found]
    beyond = [row for row in rows if row[-1] != _WITHIN]
    if rows:
        told = "; ".join(f"{row[0]}, {row[1]}: {row[-1]}" for row in beyond)
        sentences.append(f"More than chance: {told}." if beyond else "No figure changed by more than chance.")
    return DoubtChanged(sentences, Table(_COLUMNS, rows) if rows else None)


_COLUMNS = ("task", "figure", "before", "now", "difference", "so it is")
_WITHIN = "within chance"


def _came_or_went(name: str, now: Any, then: Any) -> str:
    return f"Predicted now and not before: {name}." if now else f"Predicted before and not now: {name}." if then else ""


def _of_rating(now: Mapping[str, Any], then: Mapping[str, Any]) -> list[tuple[str, int, Figure, Figure]]:
    mine, others = (record["systems"][NET] for record in (now, then))
    return [(name, good, figure_of(mine[key]), figure_of(others[key])) for key, (name, good) in _RATING_FIGURES.items()]


def _of_reading(now: Mapping[str, Any], then: Mapping[str, Any], level: float) -> list[tuple[str, int, Figure, Figure]]:
    """The standard errors are those of the intervals, were they of a normal distribution."""
    width = 2 * NormalDist().inv_cdf((1 + level) / 2)
    mine, others = (
        {
            row["metric"]: Figure(row["mean"], (row["high"] - row["low"]) / width)
            for row in record["rows"]
            if row["system"] == READING_NET
        }
        for record in (now, then)
    )
    return [
        (name, -1 if key == LOG_LOSS else 1, mine[key], others[key])
        for key, name in HEADINGS.items()
        if key in mine and key in others
    ]


def _row(task: str, name: str, good: int, now: Figure, then: Figure, level: float) -> tuple[object, ...]:
    gain = Difference.between(now, then, level)
    return (task, name, _said(then, level), _said(now, level), gain.said() if gain else "", _outcome(gain, good))


def _outcome(gain: Difference | None, good: int) -> str:
    if gain is None:
        return "not known"
    if not gain.sign:
        return _WITHIN
    if not good:
        return "more" if gain.sign > 0 else "less"
    return "better" if gain.sign == good else "worse"


def _said(figure: Figure, level: float) -> str:
    interval = ends(figure, level)
    told = decimal(figure.value, 3)
    return f"{told} ({decimal(interval[0], 3)} to {decimal(interval[1], 3)})" if interval else told
