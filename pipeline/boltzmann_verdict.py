"""What the figures of a Boltzmann machine come to: told on the command line, on the page and in ``boltzmann.json``.

A likelihood rests on an estimate of log Z that is the same for all readers, so that no resampling of readers shows its
error. A difference of likelihoods therefore has an interval that is wider by it, here and wherever it is told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import hypot
from typing import Any

from pipeline.judge_boltzmann import DEEP, LIKELIHOOD, POPULARITY, RESTRICTED, YARDSTICKS

RECALL = "recall20"
_Z = 1.96
Row = Mapping[str, Any]
Gain = tuple[float, float, float]


def verdict(found: Row) -> dict[str, Any]:
    """Return what figures come to.

    Parameters
    ----------
    found
        ``rows``, as `pipeline.judge_boltzmann.BoltzmannQuality.table` returns them, and ``sampling``.

    Returns
    -------
    dict
        ``finds_most``: whether the machine finds more hidden books than every yardstick, by more than chance;
        ``layers_help``: whether more layers than one make readers likelier by more than chance and the error of log Z,
        None with one; ``told``: both in words.
    """
    recall = {name: _measured(found, name, RECALL) for name in (*YARDSTICKS, DEEP)}
    best = max(YARDSTICKS, key=lambda kind: float(recall[kind]["mean"]))
    gain = gain_over(found, DEEP, POPULARITY)
    if gain is None:
        raise KeyError(f"no {LIKELIHOOD} of {DEEP} over {POPULARITY}")
    told = (
        f"a Boltzmann machine makes what a reader has read {likelier(gain)} ({gain[1]:.1f} to {gain[2]:.1f} nats); "
        f"of hidden books it finds {100 * recall[DEEP]['mean']:.1f} % among 20, {best} "
        f"{100 * recall[best]['mean']:.1f} %"
    )
    layers = gain_over(found, DEEP, RESTRICTED)
    if layers is not None:
        said = {1: "help", 0: "make no difference beyond chance", -1: "harm"}[sign(layers)]
        told += f"; by likelihood more layers than one {said}: {layers[0]:+.2f} nats ({_ends(layers)})"
    return {
        "finds_most": all(sign(recall[DEEP]["over"][kind]) > 0 for kind in YARDSTICKS),
        "layers_help": None if layers is None else sign(layers) > 0,
        "told": told,
    }


def row_of(rows: Sequence[Row], system: str, metric: str) -> Row | None:
    """Return the row of a system and a metric, None if it was not measured."""
    return next((row for row in rows if (row["system"], row["metric"]) == (system, metric)), None)


def gain_over(found: Row, system: str, other: str) -> Gain | None:
    """Return by how much readers are likelier, in nats, with its interval; that is widened by the error of log Z.

    Parameters
    ----------
    found
        What ``boltzmann.json`` holds: ``rows`` and ``sampling``.

    Returns
    -------
    tuple of float or None
        Mean, low, high; None if the two were not compared.
    """
    row = row_of(found["rows"], system, LIKELIHOOD)
    if row is None or other not in row["over"]:
        return None
    mean, low, high = row["over"][other]
    error = _Z * hypot(*(found["sampling"].get(name, {}).get("log_z_error", 0.0) for name in (system, other)))
    return mean, mean - hypot(mean - low, error), mean + hypot(high - mean, error)


def sign(gain: Sequence[float]) -> int:
    """Return 1 or -1 if an interval (mean, low, high) leaves out 0, else 0."""
    return 1 if gain[1] > 0 else -1 if gain[2] < 0 else 0


def likelier(gain: Gain) -> str:
    """Return in words what a gain in likelihood over independent books comes to."""
    size = f"{abs(gain[0]):.1f}"
    return {
        1: f"{size} nats likelier than independent books do",
        0: "no likelier, beyond chance, than independent books do",
        -1: f"{size} nats less likely than independent books do",
    }[sign(gain)]


def _measured(found: Row, system: str, metric: str) -> Row:
    row = row_of(found["rows"], system, metric)
    if row is None:
        raise KeyError(f"no {metric} of {system}")
    return row


def _ends(gain: Gain) -> str:
    return f"{gain[1]:+.2f} to {gain[2]:+.2f}"
