"""Measured quality as a reader of a report sees it: one table and one chart per split, and a sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
from markupsafe import Markup

from pipeline.metrics import METRICS
from reports.document import EMPHASIS, INK, MUTED, PALETTE, chart_html, decimal

BASELINE, YARDSTICK = "popularity", "item_knn"
MODEL_NAMES = {
    BASELINE: "Bestsellers (popularity)",
    YARDSTICK: "BM25 item-kNN (yardstick)",
}
METRIC_NAMES = {"recall20": "Recall@20", "recall50": "Recall@50", "ndcg100": "NDCG@100"}
SPLIT_NAMES = {"readers": "New readers", "time": "The future of known readers"}
JUDGED_SPLIT = "readers"
_COLOURS = {BASELINE: MUTED, YARDSTICK: PALETTE[0]}


@dataclass(frozen=True)
class Measured:
    """One metric of one model: mean, interval, and gain over bestsellers (None for bestsellers).

    Attributes
    ----------
    is_best
        Whether no other model of the split has a higher mean.
    """

    mean: float
    low: float
    high: float
    gain: tuple[float, float, float] | None
    is_best: bool


@dataclass(frozen=True)
class SplitQuality:
    """The quality of every model on one split.

    Attributes
    ----------
    models
        Display name -> one `Measured` per metric of `METRICS`.
    """

    name: str
    n_readers: int
    models: Mapping[str, Sequence[Measured]]
    chart: Markup


def quality_by_split(rows: Sequence[Mapping[str, Any]], published: str) -> list[SplitQuality]:
    """Return the quality of each split in `rows` (of ``quality.json``), in the order found.

    Parameters
    ----------
    published
        Kind of the model whose space is published; it is set off from the others.
    """
    highest = max((row["high"] for row in rows), default=1.0)
    splits: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        splits.setdefault(row["split"], []).append({**row, "model_name": _model_name(row["model"], published)})
    return [_split_quality(split, of_split, highest, published) for split, of_split in splits.items()]


def verdict_on_quality(rows: Sequence[Mapping[str, Any]], published: str) -> str:
    """Return, in a sentence or two, how good the published space is for readers never seen."""
    row = _row(rows, published)
    baseline = _row(rows, BASELINE)
    if row is None or baseline is None:
        return "Its quality was not measured."
    measured = f"({decimal(row['mean'], 3)} against {decimal(baseline['mean'], 3)}, Recall@20)"
    if row["gain_low"] <= 0 <= row["gain_high"]:
        verdict = f"It does not find more hidden books than bestsellers do, beyond chance {measured}."
    elif row["gain"] < 0:
        verdict = f"It finds fewer hidden books than bestsellers do {measured}."
    elif baseline["mean"] == 0:
        verdict = f"It finds hidden books where bestsellers find none {measured}."
    else:
        times = f"{row['mean'] / baseline['mean']:.1f}"
        verdict = f"It finds {times} times as many hidden books as bestsellers do {measured}."
    return f"{verdict} {_against_yardstick(row, _row(rows, YARDSTICK))}".strip()


def _against_yardstick(row: Mapping[str, Any], yardstick: Mapping[str, Any] | None) -> str:
    """Which finds more; that intervals overlap does not make two means equal, so the direction is said anyway."""
    if yardstick is None:
        return ""
    found = "more" if yardstick["mean"] > row["mean"] else "fewer"
    overlap = yardstick["low"] <= row["high"] and row["low"] <= yardstick["high"]
    certainty = ", though the intervals overlap" if overlap else ""
    return f"BM25 item-kNN, the yardstick, finds {found} ({decimal(yardstick['mean'], 3)}){certainty}."


def _row(rows: Sequence[Mapping[str, Any]], model: str) -> Mapping[str, Any] | None:
    wanted = {"split": JUDGED_SPLIT, "metric": "recall20", "model": model}
    return next((row for row in rows if wanted.items() <= row.items()), None)


def _split_quality(split: str, rows: Sequence[Mapping[str, Any]], highest: float, published: str) -> SplitQuality:
    best = {metric: max((row["mean"] for row in rows if row["metric"] == metric), default=0.0) for metric in METRICS}
    models: dict[str, list[Measured]] = {}
    for row in sorted(rows, key=lambda row: METRICS.index(row["metric"])):
        gain = (row["gain"], row["gain_low"], row["gain_high"]) if "gain" in row else None
        is_best = row["mean"] == best[row["metric"]] > 0
        measured = Measured(row["mean"], row["low"], row["high"], gain, is_best)
        models.setdefault(row["model_name"], []).append(measured)
    n_readers = max(row["n_readers"] for row in rows)
    return SplitQuality(SPLIT_NAMES.get(split, split), n_readers, models, _chart(split, rows, highest, published))


def _chart(split: str, rows: Sequence[Mapping[str, Any]], highest: float, published: str) -> Markup:
    names = {row["model"]: row["model_name"] for row in rows}
    colours = [EMPHASIS if kind == published else _COLOURS.get(kind, INK) for kind in names]
    values = [
        {
            "model": row["model_name"],
            "metric": METRIC_NAMES[row["metric"]],
            **{name: round(row[name], 4) for name in ("mean", "low", "high")},
        }
        for row in rows
    ]
    axis = alt.Axis(ticks=False, domain=False, grid=False)
    base = alt.Chart(alt.InlineData(values=values)).encode(
        y=alt.Y("metric:N", sort=list(METRIC_NAMES.values()), title=None, axis=axis, scale=alt.Scale(paddingInner=0.4)),
        yOffset=alt.YOffset("model:N", sort=list(names.values())),
        color=alt.Color(
            "model:N",
            scale=alt.Scale(domain=list(names.values()), range=colours),
            legend=alt.Legend(title=None, orient="top", direction="vertical"),
        ),
        tooltip=["model:N", "metric:N", "mean:Q", "low:Q", "high:Q"],
    )
    x = alt.X(
        "low:Q",
        scale=alt.Scale(domain=[0, highest * 1.02], nice=False),
        title="value (share, 0 to 1)",
        axis=alt.Axis(format=".1f", tickCount=5),
    )
    interval = base.mark_rule(strokeWidth=2).encode(x=x, x2="high:Q")
    dots = base.mark_point(filled=True, size=60, opacity=1).encode(x="mean:Q")
    chart = alt.layer(interval, dots).properties(width="container", height=66 * len(METRICS))
    summary = f"{SPLIT_NAMES.get(split, split)}: dots are means over the readers, lines the intervals of those means."
    return chart_html(chart, name=f"quality-{split}", summary=summary)


def _model_name(kind: str, published: str) -> str:
    return MODEL_NAMES.get(kind, kind) + (" (published space)" if kind == published else "")
