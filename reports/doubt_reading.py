"""How well it is predicted what is read next, as a reader of a report sees it: ranking, log loss, reliability."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np
from markupsafe import Markup

from pipeline.judge_will_read import CURVE, LOG_LOSS, NET, POPULARITY
from pipeline.rating_metrics import wilson
from reports.document import EMPHASIS, MUTED, Table, chart_html, count, decimal
from reports.doubt_charts import HEIGHT
from reports.doubt_systems import Measured, System
from reports.doubt_words import Difference
from reports.quality import METRIC_NAMES, MODEL_NAMES

HEADINGS = {LOG_LOSS: "log loss, nats a book read", **METRIC_NAMES}
_LEVEL = 0.95
_LEAST = 1e-6  # where the axes begin
_NAMES = {
    NET: ("The predictor", "probabilities of all books"),
    CURVE: ("Place in the list", "of the base ranker, as a probability"),
    POPULARITY: ("Bestsellers", "as many as expected, by their readers"),
}
_BASE_ROLE = "base ranker: an order, no probabilities"


def reading_systems(record: Mapping[str, Any]) -> list[System]:
    """Return the systems side by side, columns as `HEADINGS` has them; cells are empty where there is no figure."""
    rows = record["rows"]
    kinds = [*dict.fromkeys(row["system"] for row in rows if row["system"] != NET), NET]
    best = {metric: _best(rows, metric) for metric in HEADINGS}
    table = []
    for kind in kinds:
        name, role = _NAMES.get(kind, (MODEL_NAMES.get(kind, kind), _BASE_ROLE))
        of_kind = {row["metric"]: row for row in rows if row["system"] == kind}
        measured = [_measured(of_kind.get(metric), best[metric]) for metric in HEADINGS]
        table.append(System(name, role, kind == NET, measured))
    return table


def _best(rows: Sequence[Mapping[str, Any]], metric: str) -> float:
    choose: Callable[[list[float]], float] = min if metric == LOG_LOSS else max
    return choose([float(row["mean"]) for row in rows if row["metric"] == metric])


def _measured(row: Mapping[str, Any] | None, best: float) -> Measured:
    if row is None:
        return Measured("", "", is_best=False)
    mean, low, high = (decimal(row[name], 3) for name in ("mean", "low", "high"))
    return Measured(mean, f"{low} to {high}", row["mean"] == best)


def reading_gains(record: Mapping[str, Any]) -> Table:
    """Return what the predictor is better by, reader by reader, and whether that is more than chance."""
    rows = []
    for row in record["rows"]:
        for other, ends in row.get("over", {}).items():
            gain = Difference.of(ends)
            name = _NAMES[other][0] if other in _NAMES else MODEL_NAMES.get(other, other)
            better = gain.sign * (-1 if row["metric"] == LOG_LOSS else 1)
            word = {1: "better, more than chance", 0: "within chance", -1: "worse, more than chance"}[better]
            rows.append((HEADINGS[row["metric"]], name, gain.said(), word))
    return Table(("figure", "against", "difference", "so it is"), rows)


def reading_reliability(record: Mapping[str, Any]) -> Markup:
    """Return how often books were read over the probability that was said, on logarithmic axes, as a chart."""
    values, rows = [], []
    for one in record["reliability"]:
        share, n = np.array([one["read"]]), np.array([one["n"]])
        low, high = (float(end[0]) for end in wilson(share, n, _LEVEL))
        drawn = {"p": max(one["p"], _LEAST), "low": max(low, _LEAST), "high": min(max(high, _LEAST), 1.0)}
        drawn |= {"read": one["read"] if one["read"] > _LEAST else None, "n": one["n"]}
        values.append({name: value if value is None else float(f"{value:.4g}") for name, value in drawn.items()})
        rows.append(
            (_small(one["p"]), _small(one["read"]), f"{_small(max(low, 0))} to {_small(high)}", count(one["n"]))
        )
    summary = (
        "A dot is a range of probabilities, four to a tenfold; axes are logarithmic, because most probabilities are "
        "small. On the dashed line what was said came true. Lines are 95 % intervals as if pairs were independent; a "
        "line without a dot is a range of which nothing was read."
    )
    return chart_html(
        _log_chart(values),
        name="reading-reliability",
        summary=summary,
        table=Table(("said", "read", "interval", "pairs"), rows),
    )


def _log_chart(values: list[dict[str, Any]]) -> Any:
    ends: list[dict[str, float]] = [{"p": _LEAST, "read": _LEAST}, {"p": 1.0, "read": 1.0}]
    line = alt.Chart(alt.InlineData(values=ends))
    diagonal = line.mark_line(color=MUTED, strokeDash=[4, 4], strokeWidth=1).encode(x=_log("p", alt.X, ""), y="read:Q")
    tooltip = [alt.Tooltip(f"{name}:Q", format=".2~e") for name in ("p", "read", "low", "high")]
    base = alt.Chart(alt.InlineData(values=values)).encode(
        x=_log("p", alt.X, "said: probability that it is read"), tooltip=[*tooltip, alt.Tooltip("n:Q", format=",")]
    )
    intervals = base.mark_rule(color=EMPHASIS, strokeWidth=2).encode(
        y=_log("low", alt.Y, "seen: share that was read"), y2="high:Q"
    )
    dots = base.transform_filter("datum.read !== null").mark_point(filled=True, color=EMPHASIS, opacity=1)
    size = alt.Size("n:Q", scale=alt.Scale(type="sqrt", range=[20, 140]), legend=None)
    return alt.layer(diagonal, intervals, dots.encode(y="read:Q", size=size)).properties(
        width="container", height=HEIGHT + 60
    )


def _log(name: str, channel: Any, title: str) -> Any:
    axis = alt.Axis(format=".0e", values=[10.0**k for k in range(-6, 1)], labelExpr=_POWER, grid=True)
    scale = alt.Scale(type="log", domain=[_LEAST, 1], clamp=True)
    return channel(f"{name}:Q", title=title or alt.Undefined, scale=scale, axis=axis)


_POWER = "datum.value >= 0.01 ? format(datum.value * 100, '.3~f') + ' %' : '1 in ' + format(1 / datum.value, ',.0f')"


def _small(p: float) -> str:
    """Return a probability, small ones as one in so many."""
    if p <= 0:
        return "0"
    return f"{decimal(100 * p, 1)} %" if p >= 0.01 else f"1 in {1 / p:,.0f}"


def n_read(record: Mapping[str, Any]) -> int:
    """Return how many books the held-out readers read, of those asked about."""
    total: float = sum(one["read"] * one["n"] for one in record["reliability"])
    return round(total)
