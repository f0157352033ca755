"""The machine beside what is simple: a row a system, a column a measure, means with their intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.boltzmann_verdict import RECALL, gain_over, row_of
from pipeline.judge_boltzmann import DEEP, LIKELIHOOD, POPULARITY, RESTRICTED
from reports.boltzmann_verdict import interval
from reports.document import decimal
from reports.quality import METRIC_NAMES, YARDSTICKS

MEASURES = {LIKELIHOOD: "nats a reader", **METRIC_NAMES}
_DIGITS = {LIKELIHOOD: 2}


@dataclass(frozen=True)
class Figure:
    """A measure of a system in words: its mean, interval, and what the machine is above it; empty where unknown."""

    value: str
    interval: str
    less: str
    is_best: bool


@dataclass(frozen=True)
class System:
    """A row of the table."""

    name: str
    role: str
    is_machine: bool
    figures: Sequence[Figure]


def systems_of(found: Mapping[str, Any], sizes: Sequence[int]) -> list[System]:
    """Return a row for every system that was judged.

    Parameters
    ----------
    found
        What ``boltzmann.json`` holds.
    sizes
        Hidden units of each layer of the machine.
    """
    names = {
        POPULARITY: ("Bestsellers", "for the likelihood: independent books"),
        **{kind: (name, "yardstick") for kind, name in YARDSTICKS.items()},
        RESTRICTED: (f"RBM of {sizes[0]}", "the same code, one hidden layer"),
        DEEP: (f"Boltzmann machine of {'–'.join(map(str, sizes))}", "the machine"),
    }
    best = {
        metric: max((row["mean"] for row in found["rows"] if row["metric"] == metric), default=0.0)
        for metric in MEASURES
    }
    judged = dict.fromkeys(row["system"] for row in found["rows"])
    return [
        System(*told, kind == DEEP, [_figure(found, kind, metric, best[metric]) for metric in MEASURES])
        for kind, told in names.items()
        if kind in judged
    ]


def _figure(found: Mapping[str, Any], system: str, metric: str, best: float) -> Figure:
    row = row_of(found["rows"], system, metric)
    if row is None:
        return Figure("", "", "", False)
    digits = _DIGITS.get(metric, 3)
    ends = f"{decimal(row['low'], digits)} to {decimal(row['high'], digits)}"
    gain = None if system == DEEP else _gain(found, system, metric)
    less = "" if gain is None else f"machine {decimal(gain[0], digits, sign=True)} ({interval(gain, digits)})"
    return Figure(decimal(row["mean"], digits), ends, less, row["mean"] == best)


def _gain(found: Mapping[str, Any], system: str, metric: str) -> Sequence[float] | None:
    if metric == LIKELIHOOD:
        return gain_over(found, DEEP, system)
    row = row_of(found["rows"], DEEP, metric)
    gain: Sequence[float] | None = None if row is None else row["over"].get(system)
    return gain


def n_judged(found: Mapping[str, Any]) -> tuple[int, int]:
    """Return the held-out readers whose likelihood was judged, and those of whom a book was hidden."""
    likely, asked = (row_of(found["rows"], DEEP, metric) for metric in (LIKELIHOOD, RECALL))
    return (0 if likely is None else likely["n_readers"], 0 if asked is None else asked["n_readers"])
