"""Charts of the figures redone: bias by estimator, search steps and tau by size, training curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
from markupsafe import Markup

from reports.boltzmann_results import Coupled, Exact
from reports.boltzmann_told import UNBIASED_UP_TO
from reports.document import EMPHASIS, MUTED, PALETTE, Table, chart_html, decimal

_HEIGHT = 280
_ROW_HEIGHT = 22


def exact_chart(rows: Sequence[Exact], table: Table) -> Markup:
    """Return rms z of every estimator and machine, on a logarithmic scale, with the bar of the test."""
    names = list(dict.fromkeys(row.estimator for row in rows))
    values = [
        {
            "estimator": row.estimator,
            "machine": row.machine,
            "z": round(row.rms_z, 3),
            "colour": PALETTE[0] if row.called == "unbiased" else EMPHASIS,
        }
        for row in rows
    ]
    axis = alt.Axis(ticks=False, domain=False, labelLimit=230)
    dots = (
        alt.Chart(alt.InlineData(values=values))
        .mark_point(filled=True, size=60, opacity=0.9)
        .encode(
            y=alt.Y("estimator:N", sort=names, title=None, axis=axis),
            x=alt.X("z:Q", title="rms z (logarithmic)", scale=alt.Scale(type="log"), axis=alt.Axis(tickCount=5)),
            color=alt.Color("colour:N", scale=None, legend=None),
            tooltip=["estimator:N", "machine:N", "z:Q"],
        )
    )
    bar = alt.Chart(alt.InlineData(values=[{"z": UNBIASED_UP_TO}])).mark_rule(color=MUTED, strokeDash=[4, 4])
    chart = alt.layer(bar.encode(x="z:Q"), dots).properties(width="container", height=_ROW_HEIGHT * len(names))
    summary = (
        f"A dot is an estimator on one machine: blue if it is called unbiased, red if not. Up to the dashed line, "
        f"{decimal(UNBIASED_UP_TO, 1)}, it passes. Variances in the table are relative to one independent sample’s."
    )
    return chart_html(chart, name="exactness", summary=summary, table=table)


def coupling_charts(rows: Sequence[Coupled], table: Table) -> list[Markup]:
    """Return search steps and tau over the units a layer, a line a coupling, both with `table`."""
    sweeps, of_tau = (
        "The search of the local mode, by size.",
        "Steps to the meeting; τ = 1 is the absence of a correction.",
    )
    return [
        _by_size(rows, "search_steps", "sweeps of the search of modes", sweeps, table),
        _by_size(rows, "tau", "τ", of_tau, table),
    ]


def _by_size(rows: Sequence[Coupled], key: str, title: str, summary: str, table: Table) -> Markup:
    values = [{"of": row.coupling, "x": row.width, "y": round(float(getattr(row, key)), 3)} for row in rows]
    widths = [row.width for row in rows]
    x_scale = alt.Scale(type="log", domain=[0.8 * min(widths), 1.25 * max(widths)], nice=False)
    most = max(float(getattr(row, key)) for row in rows)
    y_scale = alt.Scale(type="log", domain=[0.95, 1.2 * most], nice=False)
    at = sorted(set(widths))
    x = alt.X("x:Q", title="units a layer, of three", scale=x_scale, axis=alt.Axis(values=at, grid=False))
    y = alt.Y("y:Q", title=title, scale=y_scale, axis=alt.Axis(tickCount=5))
    name = key.replace("_", "-")
    return chart_html(_lines(values, x, y), name=name, summary=f"{summary} Both scales are logarithmic.", table=table)


def curves_chart(curves: Mapping[str, Sequence[tuple[float, float]]]) -> Markup:
    """Return the log-likelihood of the digits judged over epochs, a line a system."""
    values = [
        {"of": name, "x": epoch, "y": round(nats, 3)} for name, points in curves.items() for epoch, nats in points
    ]
    x = alt.X("x:Q", title="epoch", axis=alt.Axis(tickCount=6, grid=False), scale=alt.Scale(domainMin=0))
    # what lies far below, at the start of a training, is cut: the ends would be one line otherwise
    ends = [points[-1][1] for points in curves.values() if points]
    low, high = min(ends), max(nats for points in curves.values() for _, nats in points)
    y = alt.Y(
        "y:Q",
        title="nats a digit",
        scale=alt.Scale(domain=[low - 2 * max(high - low, 0.5), high + 0.3], clamp=True, nice=True),
        axis=alt.Axis(tickCount=5),
    )
    rows = [(value["of"], value["x"], value["y"]) for value in values]
    summary = "Mean log-likelihood of the digits judged, exact, while the machines learn; far lower starts are cut off."
    table = Table(("system", "epoch", "nats a digit"), rows)
    return chart_html(_lines(values, x, y), name="curves", summary=summary, table=table)


def _lines(values: list[dict[str, Any]], x: alt.X, y: alt.Y) -> alt.Chart:
    names = list(dict.fromkeys(value["of"] for value in values))
    colours = [*PALETTE, MUTED, EMPHASIS]
    colour = alt.Color(
        "of:N",
        scale=alt.Scale(domain=names, range=[colours[i % len(colours)] for i in range(len(names))]),
        legend=alt.Legend(title=None, orient="top", columns=3),
    )
    chart: alt.Chart = (
        alt.Chart(alt.InlineData(values=values))
        .mark_line(strokeWidth=2, point={"size": 30}, clip=True)
        .encode(x=x, y=y, color=colour, tooltip=["of:N", "x:Q", "y:Q"])
        .properties(width="container", height=_HEIGHT)
    )
    return chart
