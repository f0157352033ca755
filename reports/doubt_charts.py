"""Charts of how far forecasts of ratings can be trusted: reliability, integral transform, coverage, risk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

import altair as alt
import numpy as np
from markupsafe import Markup

from pipeline.judge_rating import NET, STRONGEST
from pipeline.rating_calibration import PitHistogram
from pipeline.rating_doubt import ALEATORIC, EPISTEMIC, TOTAL, RiskPoint
from pipeline.rating_metrics import CALIBRATION_LEVELS, Figure
from reports.document import EMPHASIS, INK, MUTED, PALETTE, Table, chart_html, count, decimal, percent
from reports.doubt_systems import SYSTEM_NAMES
from reports.doubt_words import ends

HEIGHT = 260
_OURS, _THEIRS = "the predictor", SYSTEM_NAMES[STRONGEST][0].lower()
_KINDS = {TOTAL: "all doubt", EPISTEMIC: "of the model (epistemic)", ALEATORIC: "of the outcome (aleatoric)"}


def reliability_chart(bins: Sequence[Mapping[str, float]]) -> Markup:
    """Return how often a level was given over the probability that was said of it, as a chart."""
    values = [
        {name: round(float(one[name]), 4) for name in ("p", "frequency", "low", "high")}
        | {"n": int(one["n"]), "judged": count(int(one["n"]))}
        for one in bins
    ]
    line = _diagonal().encode(x=_share("p", alt.X, ""), y="frequency:Q")
    tooltip = [alt.Tooltip(f"{name}:Q", format=".1%") for name in ("p", "frequency", "low", "high")]
    base = alt.Chart(alt.InlineData(values=values)).encode(
        x=_share("p", alt.X, "said: probability of a level"), tooltip=[*tooltip, alt.Tooltip("judged:N")]
    )
    intervals = base.mark_rule(color=EMPHASIS, strokeWidth=2).encode(
        y=_share("low", alt.Y, "seen: share of times it was given"), y2="high:Q"
    )
    dots = base.mark_point(filled=True, color=EMPHASIS, opacity=1).encode(
        y="frequency:Q", size=alt.Size("n:Q", scale=alt.Scale(type="sqrt", range=[20, 140]), legend=None)
    )
    chart = alt.layer(line, intervals, dots).properties(width="container", height=HEIGHT)
    rows = [
        (
            percent(one["p"]),
            percent(one["frequency"]),
            f"{percent(one['low'])} to {percent(one['high'])}",
            int(one["n"]),
        )
        for one in bins
    ]
    summary = (
        "Every rating has a probability for each level of the scale. Dots on the dashed line would be exactly right; "
        "larger ones stand for more probabilities. The lines are 95 % intervals, a little short, because the levels of "
        "one rating and the ratings of one reader are not independent."
    )
    return chart_html(chart, name="rating-reliability", summary=summary, table=Table(_SAID_SEEN, rows))


_SAID_SEEN = ("said", "seen", "interval", "probabilities")


def pit_chart(found: PitHistogram, n: int) -> Markup:
    """Return where ratings fall in what was said of them, with the band that chance allows, as a chart."""
    n_bins = len(found.shares)
    even, half = 1 / n_bins, float(np.sqrt(np.mean(found.half_width**2)))
    edges = np.linspace(0, 1, n_bins + 1)
    values = [
        {"from": round(float(a), 3), "to": round(float(b), 3), "share": round(float(share), 5)}
        for a, b, share in zip(edges[:-1], edges[1:], found.shares, strict=True)
    ]
    x = alt.X(
        "from:Q", bin="binned", title="place of the rating in its forecast", axis=alt.Axis(tickCount=5, grid=False)
    )
    y = alt.Y("share:Q", title="share of the ratings", axis=alt.Axis(format=".0%", tickCount=4))
    bars = alt.Chart(alt.InlineData(values=values)).mark_bar(color="var(--fill)", binSpacing=1)
    bars = bars.encode(
        x=x, x2="to:Q", y=y, tooltip=[alt.Tooltip("share:Q", format=".2%"), alt.Tooltip("from:Q"), alt.Tooltip("to:Q")]
    )
    low, high = round(max(even - half, 0), 5), round(even + half, 5)
    band = alt.Chart(alt.InlineData(values=[{"from": 0, "to": 1, "low": low, "high": high}]))
    area = band.mark_rect(color=MUTED, opacity=0.3).encode(x="from:Q", x2="to:Q", y="low:Q", y2="high:Q")
    lines = alt.Chart(alt.InlineData(values=[{"at": low}, {"at": high}]))
    rules = lines.mark_rule(color=INK, strokeDash=[4, 4]).encode(y="at:Q")
    chart = alt.layer(area, bars, rules).properties(width="container", height=HEIGHT)
    outside = int((np.abs(found.shares - even) > half).sum())
    summary = (
        "Flat is calibrated; a hump in the middle would be too cautious, high ends too sure, a slope too high or too "
        f"low. {outside} of {n_bins} bars leave the band between the dashed lines, in which chance keeps 19 of 20 "
        f"({n:,} ratings, those of one reader being alike)."
    )
    places = [f"{decimal(one['from'], 2)} to {decimal(one['to'], 2)}" for one in values]
    rows = [(place, percent(share)) for place, share in zip(places, found.shares.tolist(), strict=True)]
    return chart_html(chart, name="rating-pit", summary=summary, table=Table(("place", "of the ratings"), rows))


def coverage_chart(curves: Mapping[str, Sequence[Figure]], level: float) -> Markup:
    """Return by how much the share that sets hold differs from what they promise, of two systems, as a chart."""
    values = []
    for system, name in ((NET, _OURS), (STRONGEST, _THEIRS)):
        for promised, figure in zip(CALIBRATION_LEVELS.tolist(), curves[system], strict=True):
            low, high = ends(figure, level) or (figure.value, figure.value)
            values.append(
                {"system": name, "said": round(promised, 2)}
                | {
                    key: round(100 * (v - promised), 3)
                    for key, v in (("gap", figure.value), ("low", low), ("high", high))
                }
                | {"held": round(figure.value, 4)}
            )
    x = _share("said", alt.X, "said: probability of the set")
    y_axis = alt.Y("low:Q", title="held less said, percentage points", axis=alt.Axis(tickCount=5))
    colour = _colour([_OURS, _THEIRS], [EMPHASIS, PALETTE[0]])
    base = alt.Chart(alt.InlineData(values=values)).encode(x=x, color=colour)
    area = base.mark_area(opacity=0.18).encode(y=y_axis, y2="high:Q")
    tooltip = ["system:N", alt.Tooltip("said:Q", format=".0%"), alt.Tooltip("held:Q", format=".1%")]
    lines = base.mark_line(strokeWidth=2, point=alt.OverlayMarkDef(size=18)).encode(y="gap:Q", tooltip=tooltip)
    zero = alt.Chart(alt.InlineData(values=[{"gap": 0}])).mark_rule(color=MUTED, strokeDash=[4, 4]).encode(y="gap:Q")
    chart = alt.layer(zero, area, lines).properties(width="container", height=HEIGHT)
    rows = [
        (percent(promised), *(_held(curves[system][i], level) for system in (NET, STRONGEST)))
        for i, promised in enumerate(CALIBRATION_LEVELS.tolist())
    ]
    summary = (
        "A set of 80 % should hold 80 % of the ratings: 0 is right, below it sets hold too few (too sure), above too "
        "many (too cautious). Bands are intervals over readers."
    )
    return chart_html(chart, name="rating-coverage", summary=summary, table=Table(("said", _OURS, _THEIRS), rows))


def _held(figure: Figure, level: float) -> str:
    interval = ends(figure, level)
    told = f"{decimal(100 * figure.value, 1)} %"
    return f"{told} ({decimal(100 * interval[0], 1)} to {decimal(100 * interval[1], 1)})" if interval else told


def risk_chart(curves: Mapping[str, Sequence[RiskPoint]], level: float) -> Markup:
    """Return the error of the ratings of least doubt, by the share that is kept and the kind of doubt, as a chart."""
    values = []
    for kind, name in _KINDS.items():
        for point in curves[kind]:
            low, high = ends(point.rmse, level) or (point.rmse.value, point.rmse.value)
            values.append(
                {"kind": name, "share": round(point.share, 4), "rmse": round(point.rmse.value, 4)}
                | {"low": round(low, 4), "high": round(high, 4)}
            )
    everything = curves[TOTAL][-1].rmse.value
    colour = _colour(list(_KINDS.values()), [EMPHASIS, PALETTE[0], PALETTE[2]])
    scale = alt.Scale(zero=False)
    base = alt.Chart(alt.InlineData(values=values)).encode(
        x=_share("share", alt.X, "share of the ratings kept, those of least doubt first"), color=colour
    )
    y = alt.Y("low:Q", title="RMSE, points", scale=scale, axis=alt.Axis(tickCount=5))
    band = base.transform_filter(f"datum.kind == '{_KINDS[TOTAL]}'").mark_area(opacity=0.18).encode(y=y, y2="high:Q")
    tooltip = ["kind:N", alt.Tooltip("share:Q", format=".0%"), "rmse:Q", "low:Q", "high:Q"]
    lines = base.mark_line(strokeWidth=2, point=alt.OverlayMarkDef(size=18)).encode(y="rmse:Q", tooltip=tooltip)
    flat = alt.Chart(alt.InlineData(values=[{"rmse": round(everything, 4)}]))
    flat = flat.mark_rule(color=MUTED, strokeDash=[4, 4]).encode(y="rmse:Q")
    chart = alt.layer(flat, band, lines).properties(width="container", height=HEIGHT)
    rows = [
        (percent(points[0].share), *(_rmse(point, level) for point in points))
        for points in zip(*(curves[kind] for kind in _KINDS), strict=True)
    ]
    return chart_html(
        chart, name="risk-coverage", summary=risk_sentence(curves), table=Table(("kept", *_KINDS.values()), rows)
    )


def risk_sentence(curves: Mapping[str, Sequence[RiskPoint]]) -> str:
    """Return what is gained by answering only where there is little doubt, in words."""
    everything = curves[TOTAL][-1].rmse
    half = {kind: min(curves[kind], key=lambda point: abs(point.share - 0.5)).rmse for kind in _KINDS}
    told = "; ".join(
        f"{decimal(half[kind].value, 2)} by {name}" for kind, name in _KINDS.items() if isfinite(half[kind].value)
    )
    return (
        f"The error of all ratings is {decimal(everything.value, 2)} points (dashed). Of the half with least doubt it "
        f"is {told}. A doubt that knew nothing of the errors would stay on the dashed line."
    )


def _rmse(point: RiskPoint, level: float) -> str:
    interval = ends(point.rmse, level)
    told = decimal(point.rmse.value, 3)
    return f"{told} ({decimal(interval[0], 3)} to {decimal(interval[1], 3)})" if interval else told


def _diagonal() -> alt.Chart:
    ends_ = [{"p": 0, "frequency": 0}, {"p": 1, "frequency": 1}]
    chart: alt.Chart = alt.Chart(alt.InlineData(values=ends_)).mark_line(color=MUTED, strokeDash=[4, 4], strokeWidth=1)
    return chart


def _colour(names: list[str], colours: list[str]) -> Any:
    legend = alt.Legend(title=None, orient="top", symbolOpacity=1, labelLimit=240, columns=2)
    field = "kind:N" if len(names) > 2 else "system:N"
    return alt.Color(field, scale=alt.Scale(domain=names, range=colours), legend=legend)


def _share(name: str, channel: Any, title: str) -> Any:
    axis = alt.Axis(format=".0%", tickCount=5)
    return channel(f"{name}:Q", title=title or alt.Undefined, scale=alt.Scale(domain=[0, 1]), axis=axis)
