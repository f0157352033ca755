"""The blog's toy as a page: x + sin 5x with points on both sides of a gap, and who doubts where there are none.

The page draws what `tests.benchmarks.toy` measured, and nothing of a release.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import numpy as np
from markupsafe import Markup

from reports.document import EMPHASIS, INK, MUTED, Chart, Table, chart_html, decimal, render

FAR, GAP, AUROC = "far_near", "gap_near", "auroc"
NAMES = {
    "mc_dropout relu": "MC dropout (ReLU)",
    "mc_dropout tanh": "MC dropout (tanh)",
    "bayes_by_backprop tanh": "Bayes by Backprop (tanh)",
    "nuts tanh": "NUTS (tanh)",
    "bayes_by_backprop relu": "Bayes by Backprop (ReLU)",
    "deep_ensemble relu": "Deep ensemble (ReLU)",
    "gp": "Gaussian process",
}
RELU, TANH = "mc_dropout relu", "mc_dropout tanh"
BARS = {RELU: {FAR: 3.0, AUROC: 0.95}}  # what must be reached
REFERENCE = {
    "nuts tanh": {GAP: 10.8},
    "gp": {GAP: 5.4},
    "bayes_by_backprop tanh": {GAP: 3.0},
    TANH: {FAR: 0.67, AUROC: 0.01},
}
FAILING = 0.75  # AUROC below which a method does not know where it has seen no points
FIGURES = {FAR: "sd far / near", GAP: "sd in the gap / near", AUROC: "AUROC of far against near"}
_HEIGHT = 230
_EDGES = (-7.0, 7.0)
_LEFT_GAP, _RIGHT_GAP = -0.5, 0.5


@dataclass(frozen=True)
class Cell:
    """A figure, and what it is held against: a bar that is met or not, or what was found elsewhere."""

    value: str
    beside: str
    is_missed: bool


@dataclass(frozen=True)
class Row:
    """A method: its figures, by `FIGURES`, and its error where the points are."""

    name: str
    cells: Sequence[Cell]
    rmse: str


@dataclass(frozen=True)
class Panel:
    """What one method says, as a chart, and whether it does not know where it has seen nothing."""

    name: str
    fails: bool
    chart: Markup


def toy_page(measured: Mapping[str, Any]) -> str:
    """Return the page of what the benchmark measured, as it writes it with ``--json``.

    Raises
    ------
    ValueError
        If there is no method in it.
    """
    table = {row["system"]: row for row in measured["table"]}
    if not table:
        raise ValueError("nothing was measured")
    kinds = [*(kind for kind in NAMES if kind in table), *(kind for kind in table if kind not in NAMES)]
    content = {
        "verdict": verdict(table),
        "seeds": list(measured["seeds"]),
        "n_points": len(measured["x"]),
        "figures": list(FIGURES.values()),
        "rows": [_row(kind, table[kind]) for kind in kinds],
        "panels": [_panel(kind, table[kind], measured) for kind in kinds],
    }
    return render("toy.html", content)


def verdict(table: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Return what the figures say, a sentence each; what fails comes first."""
    failing = [kind for kind, row in table.items() if _fails(row)]
    told = [_failure(kind, table[kind]) for kind in sorted(failing, key=lambda kind: kind != TANH)]
    if TANH in table and TANH not in failing:
        told.append(
            f"{NAMES[TANH]} does not fail here, as it does elsewhere: it doubts {_times(table[TANH][FAR])} as much far "
            "from all points as among them."
        )
    good = [kind for kind in table if kind not in failing]
    if good:
        far = ", ".join(f"{_name(kind)} {_times(table[kind][FAR])}" for kind in good)
        told.append(f"Far from all points the others doubt more than among them: {far}.")
    by_gap = sorted(table, key=lambda kind: -table[kind][GAP])
    gap = ", ".join(f"{_name(kind)} {_times(table[kind][GAP])}" for kind in by_gap)
    told.append(f"Between the points, which is harder: {gap}.")
    return told


def _fails(row: Mapping[str, float]) -> bool:
    return row[FAR] < 1 or row[AUROC] < FAILING


def _failure(kind: str, row: Mapping[str, float]) -> str:
    word = "it is surer than" if row[FAR] < 1 else "it hardly doubts more than"
    return (
        f"{_name(kind)} fails: far from all points {word} among them ({decimal(row[FAR])} times the doubt; far and "
        f"near are told apart at AUROC {decimal(row[AUROC])}, where .5 is chance)."
    )


def _name(kind: str) -> str:
    return NAMES.get(kind, kind)


def _times(ratio: float) -> str:
    return f"{decimal(ratio, 1 if ratio >= 1 else 2)} times"


def _row(kind: str, row: Mapping[str, float]) -> Row:
    return Row(_name(kind), [_cell(kind, key, row[key]) for key in FIGURES], decimal(row["near_rmse"], 3))


def _cell(kind: str, key: str, value: float) -> Cell:
    bar, reference = BARS.get(kind, {}).get(key), REFERENCE.get(kind, {}).get(key)
    if bar is not None:
        met = value >= bar
        return Cell(decimal(value), f"bar {decimal(bar)}: {'met' if met else 'missed'}", not met)
    return Cell(decimal(value), "" if reference is None else f"elsewhere {decimal(reference)}", is_missed=False)


def _panel(kind: str, row: Mapping[str, float], measured: Mapping[str, Any]) -> Panel:
    grid = np.array(measured["grid"])
    mean, sd = (np.array(measured["curves"][kind][name]) for name in ("mean", "sd"))
    summary = (
        f"{_name(kind)}: the line is the mean, the bands are one and two standard deviations of what its draws "
        f"disagree about; dashed is the curve without noise. Far from the points the sd is {_times(row[FAR])} "
        f"that among them, in the gap {_times(row[GAP])}."
    )
    at = np.flatnonzero(np.isclose(grid % 0.5, 0) | (np.arange(len(grid)) == 0))
    rows = [(decimal(grid[i], 1), decimal(mean[i]), decimal(sd[i])) for i in at.tolist()]
    chart = _drawn(measured, mean, sd)
    name = f"toy-{kind.replace('_', '-').replace(' ', '-')}"
    return Panel(
        _name(kind), _fails(row), chart_html(chart, name=name, summary=summary, table=Table(("x", "mean", "sd"), rows))
    )


def _drawn(measured: Mapping[str, Any], mean: np.ndarray, sd: np.ndarray) -> Chart:
    curves = [
        {"x": round(float(x), 3), "mean": round(float(m), 4), "truth": round(float(t), 4)}
        | {f"{side}{k}": round(float(m + sign * k * s), 4) for k in (1, 2) for side, sign in (("low", -1), ("high", 1))}
        for x, m, s, t in zip(measured["grid"], mean, sd, measured["truth"], strict=True)
    ]
    points = [{"x": round(x, 4), "y": round(y, 4)} for x, y in zip(measured["x"], measured["y"], strict=True)]
    y = alt.Y("low2:Q", title=None, scale=alt.Scale(domain=list(_EDGES), nice=False), axis=alt.Axis(tickCount=5))
    x = alt.X("x:Q", title=None, scale=alt.Scale(domain=[curves[0]["x"], curves[-1]["x"]]), axis=alt.Axis(tickCount=8))
    base = alt.Chart(alt.InlineData(values=curves)).encode(x=x)
    wide = base.mark_area(color=EMPHASIS, opacity=0.18, clip=True).encode(y=y, y2="high2:Q")
    narrow = base.mark_area(color=EMPHASIS, opacity=0.28, clip=True).encode(y="low1:Q", y2="high1:Q")
    truth = base.mark_line(color=MUTED, strokeDash=[4, 4], strokeWidth=1.2, clip=True).encode(y="truth:Q")
    line = base.mark_line(color=EMPHASIS, strokeWidth=2, clip=True).encode(y="mean:Q")
    dots = alt.Chart(alt.InlineData(values=points)).mark_circle(color=INK, size=9, opacity=0.8, clip=True)
    layers = (wide, narrow, truth, line, dots.encode(x="x:Q", y="y:Q"))
    return alt.layer(*layers).properties(width="container", height=_HEIGHT)
