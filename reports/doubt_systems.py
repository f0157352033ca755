"""Systems that predict ratings side by side: each figure with its interval, the best of a column marked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.judge_rating import BIASES, NET, OPINION, SHARES, STRONGEST
from pipeline.rating_metrics import Figure
from reports.document import Table, decimal
from reports.doubt_words import Difference, ends, figure_of

SYSTEM_NAMES = {
    SHARES: ("All alike", "how often each level is given: the floor"),
    BIASES: ("Biases", "of reader and book, one sd for all"),
    STRONGEST: ("Biases, sd per reader", "the yardstick"),
    "bayesian_ridge": ("Bayesian ridge", "linear in the same features"),
    "deep_ensemble": ("Deep ensemble", "nets from several starts, the same features"),
    OPINION: ("Probit alone", "on the reader’s own scale: what the predictor starts from"),
    NET: ("The predictor", "what is published"),
}


@dataclass(frozen=True)
class Measured:
    """One figure in words, its interval (empty where unknown), and whether none of its column is better."""

    value: str
    interval: str
    is_best: bool


@dataclass(frozen=True)
class System:
    """One row of the table."""

    name: str
    role: str
    is_ours: bool
    measured: Sequence[Measured]


@dataclass(frozen=True)
class Column:
    """A figure of the table: its key, heading, meaning, how it is written, and whether less of it is better."""

    key: str
    heading: str
    meaning: str
    said: Callable[[float], str]
    is_ranked: bool = True


def _three(value: float) -> str:
    return decimal(value, 3)


def _per_cent(value: float) -> str:
    return f"{decimal(100 * value, 1)} %"


COLUMNS = (
    Column("nll", "NLL", "minus the log of the probability of what happened, nats", _three),
    Column("crps", "CRPS", "distance of the forecast from what happened, points", _three),
    Column("rmse", "RMSE", "error of the mean, points", _three),
    Column("mae", "MAE", "absolute error of the mean, points", _three),
    Column("cover90", "90 % sets hold", "should be 90 %", _per_cent, is_ranked=False),
    Column(
        "calibration_error",
        "calibration error",
        "of all sets, percentage points",
        lambda v: decimal(100 * v, 1),
        is_ranked=False,  # who says the same of everybody is calibrated too
    ),
    Column("sd", "sd said", "sharpness, points", lambda v: decimal(v, 2), is_ranked=False),
)


def systems(record: Mapping[str, Any], level: float) -> list[System]:
    """Return the rows of the table, simple ones first, the predictor last; what was not measured is absent."""
    found = record["systems"]
    kinds = [kind for kind in SYSTEM_NAMES if kind in found]
    kinds = [*(kind for kind in found if kind not in SYSTEM_NAMES), *kinds]
    best = {column.key: min(found[kind][column.key]["value"] for kind in kinds) for column in COLUMNS}
    rows = []
    for kind in kinds:
        name, role = SYSTEM_NAMES.get(kind, (kind, ""))
        measured = [_measured(found[kind][column.key], column, best[column.key], level) for column in COLUMNS]
        rows.append(System(name, role, kind == NET, measured))
    return rows


def rating_gains(gains: Mapping[str, Mapping[str, Figure]], level: float) -> Table:
    """Return what the predictor is better by, on the same ratings, and whether that is more than chance."""
    rows = []
    for kind in (kind for kind in SYSTEM_NAMES if kind in gains):
        nll, crps = (Difference.of_figure(gains[kind][score], level) for score in ("nll", "crps"))
        rows.append((SYSTEM_NAMES[kind][0], *_gain(nll), *_gain(crps)))
    return Table(("against", "NLL, nats", "so it is", "CRPS, points", "so it is"), rows)


def who_is_better(gains: Mapping[str, Mapping[str, Figure]], level: float) -> list[str]:
    """Return which systems say more of what readers think than the predictor, by more than chance, a sentence each."""
    told = []
    for kind in (kind for kind in SYSTEM_NAMES if kind in gains):
        gain = Difference.of_figure(gains[kind]["nll"], level)
        if gain is not None and gain.sign > 0:
            name, role = SYSTEM_NAMES[kind]
            told.append(f"{name} ({role}) says more than the predictor, by more than chance ({gain.said()}).")
    return told


def _gain(gain: Difference | None) -> tuple[str, str]:
    if gain is None:
        return "", "not known"
    word = {-1: "better, more than chance", 0: "within chance", 1: "worse, more than chance"}[gain.sign]
    return gain.said(), word


def _measured(figure: Mapping[str, float | None], column: Column, best: float, level: float) -> Measured:
    found = figure_of(figure)
    interval = ends(found, level)
    told = (
        "" if interval is None else f"{column.said(interval[0])} to {column.said(interval[1])}".replace(" % to", " to")
    )
    return Measured(column.said(found.value), told, column.is_ranked and found.value == best)
