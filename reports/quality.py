"""Measured quality as a reader of a report sees it: one table and one chart per split, and a sentence.

The models are told apart by what they are for: bestsellers are the floor, BM25 item-kNN and EASE the yardsticks, the
blend is the release's ranking of books for a reader, and the others are spaces, of which one is the default.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import altair as alt
from markupsafe import Markup

from pipeline.metrics import METRICS
from reports.document import EMPHASIS, INK, MUTED, PALETTE, Table, chart_html, decimal

BASELINE, RANKING = "popularity", "blend"
YARDSTICKS = {"item_knn": "BM25 item-kNN", "ease": "EASE"}
MODEL_NAMES = {
    BASELINE: "Bestsellers",
    **YARDSTICKS,
    RANKING: "Blend",
    "spectral": "Spectral",
    "ppmi": "PPMI",
    "word2vec": "word2vec",
    "lda": "LDA topics",
    "prodlda": "ProdLDA topics",
}
ROLES = {
    BASELINE: "popularity: the floor",
    **dict.fromkeys(YARDSTICKS, "yardstick"),
    RANKING: "the release’s ranking for a reader",
}
METRIC_NAMES = {"recall20": "Recall@20", "recall50": "Recall@50", "ndcg100": "NDCG@100"}
SPLIT_NAMES = {"readers": "New readers", "time": "The future of known readers"}
JUDGED_SPLIT, TOLD_METRIC, PAIRED_METRIC = "readers", "recall20", "ndcg100"
_ROW_HEIGHT = 17
Quality: TypeAlias = Sequence[Mapping[str, Any]]


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
class ModelQuality:
    """One row of the table.

    Attributes
    ----------
    role
        What the model is for.
    is_default
        Whether it is the space that answers are given from.
    measured
        One per metric of `METRICS`.
    """

    name: str
    role: str
    is_default: bool
    measured: Sequence[Measured]


@dataclass(frozen=True)
class SplitQuality:
    """The quality of every model on one split.

    Attributes
    ----------
    paired
        Differences to the yardsticks, reader by reader; None where they were not measured.
    """

    name: str
    n_readers: int
    models: Sequence[ModelQuality]
    chart: Markup
    paired: Table | None


def quality_by_split(rows: Quality, spaces: Sequence[str]) -> list[SplitQuality]:
    """Return the quality of each split in `rows` (of ``quality.json``), in the order found.

    Parameters
    ----------
    spaces
        Kinds of the published spaces, the default one first.
    """
    highest = max((row["high"] for row in rows), default=1.0)
    splits: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        splits.setdefault(row["split"], []).append(row)
    return [_split_quality(split, of_split, highest, spaces) for split, of_split in splits.items()]


def verdict_on_quality(rows: Quality, spaces: Sequence[str]) -> str:
    """Return, in a sentence, how good the release is for readers never seen.

    Told is its ranking for a reader, or its default space where it has none.
    """
    told = RANKING if _row(rows, RANKING) else spaces[0]
    row, baseline, space = _row(rows, told), _row(rows, BASELINE), _row(rows, spaces[0])
    if row is None or baseline is None:
        return "Its quality was not measured."
    subject = "Its ranking for a reader" if told == RANKING else "It"
    said = _against_bestsellers(subject, row, baseline) + _against_yardsticks(rows, row)
    if told != spaces[0] and space is not None and baseline["mean"]:
        said += _space_alone(space, baseline)
    return f"{said}."


def _space_alone(space: Mapping[str, Any], baseline: Mapping[str, Any]) -> str:
    if space["gain_low"] <= 0:
        return "; its space of books alone does not find more than bestsellers, beyond chance"
    return f"; its space of books alone finds {_times(space, baseline)} times as many as bestsellers"


def _against_bestsellers(subject: str, row: Mapping[str, Any], baseline: Mapping[str, Any]) -> str:
    measured = f"({decimal(row['mean'], 3)} against {decimal(baseline['mean'], 3)}, Recall@20)"
    if row["gain_low"] <= 0 <= row["gain_high"]:
        said = f"does not find more hidden books than bestsellers do, beyond chance {measured}"
    elif row["gain"] < 0:
        said = f"finds fewer hidden books than bestsellers do {measured}"
    elif baseline["mean"] == 0:
        said = f"finds hidden books where bestsellers find none {measured}"
    else:
        said = f"finds {_times(row, baseline)} times as many hidden books as bestsellers do {measured}"
    return f"{subject} {said}"


def _times(row: Mapping[str, Any], baseline: Mapping[str, Any]) -> str:
    return f"{row['mean'] / baseline['mean']:.1f}"


def _against_yardsticks(rows: Quality, row: Mapping[str, Any]) -> str:
    """How it stands against each yardstick: paired by reader, beyond chance only if the interval leaves out 0."""
    said: dict[str, list[str]] = {}
    for kind, name in YARDSTICKS.items():
        if kind in row.get("over", {}):
            gain, low, high = row["over"][kind]
            word = "more than" if low > 0 else "fewer than" if high < 0 else "as many, within chance, as"
            interval = f"({decimal(gain, 3, sign=True)}, {decimal(low, 3, sign=True)} to {decimal(high, 3, sign=True)})"
            said.setdefault(word, []).append(f"{name} {interval}")
        elif yardstick := _row(rows, kind):  # not paired: that two intervals overlap does not make means equal
            word = "more than" if row["mean"] > yardstick["mean"] else "fewer than"
            said.setdefault(word, []).append(f"{name} ({decimal(yardstick['mean'], 3)}, not paired)")
    return "".join(f"; {word} {' and '.join(names)}" for word, names in said.items())


def _row(rows: Quality, model: str, split: str = JUDGED_SPLIT, metric: str = TOLD_METRIC) -> Mapping[str, Any] | None:
    wanted = {"split": split, "metric": metric, "model": model}
    return next((row for row in rows if wanted.items() <= row.items()), None)


def _split_quality(split: str, rows: Quality, highest: float, spaces: Sequence[str]) -> SplitQuality:
    best = {metric: max((row["mean"] for row in rows if row["metric"] == metric), default=0.0) for metric in METRICS}
    models = []
    for kind in dict.fromkeys(row["model"] for row in rows):
        of_model = [row for metric in METRICS if (row := _row(rows, kind, split, metric))]
        measured = [_measured(row, best[row["metric"]]) for row in of_model]
        is_default = kind == spaces[0]
        models.append(ModelQuality(MODEL_NAMES.get(kind, kind), _role(kind, spaces), is_default, measured))
    n_readers = max(row["n_readers"] for row in rows)
    name = SPLIT_NAMES.get(split, split)
    return SplitQuality(name, n_readers, models, _chart(split, rows, highest, spaces), _paired(split, rows))


def _measured(row: Mapping[str, Any], best: float) -> Measured:
    gain = (row["gain"], row["gain_low"], row["gain_high"]) if "gain" in row else None
    return Measured(row["mean"], row["low"], row["high"], gain, row["mean"] == best > 0)


def _role(kind: str, spaces: Sequence[str]) -> str:
    if kind in ROLES:
        return ROLES[kind]
    return "the default space" if kind == spaces[0] else "space" if kind in spaces else "space, not published"


def _paired(split: str, rows: Quality) -> Table | None:
    """How every model but the floor differs from each yardstick, reader by reader."""
    kinds = [kind for kind in dict.fromkeys(row["model"] for row in rows) if kind != BASELINE]
    against = [kind for kind in YARDSTICKS if kind in kinds]
    cells = []
    for kind in kinds:
        over = (_row(rows, kind, split, PAIRED_METRIC) or {}).get("over", {})
        if not over:
            continue
        shown = [
            "{} ({} to {})".format(*(decimal(value, 3, sign=True) for value in over[other])) if other in over else ""
            for other in against
        ]
        cells.append((MODEL_NAMES.get(kind, kind), *shown))
    headings = [f"less {YARDSTICKS[kind]}" for kind in against]
    return Table((METRIC_NAMES[PAIRED_METRIC], *headings), cells) if cells else None


def _chart(split: str, rows: Quality, highest: float, spaces: Sequence[str]) -> Markup:
    """One line of the chart per model and metric, named at its left: no legend to look up, whatever their number."""
    kinds = list(dict.fromkeys(row["model"] for row in rows))
    metrics = [metric for metric in METRICS if any(row["metric"] == metric for row in rows)]
    # the key of a line: a heading's ends in a bar, and no model's does
    lines = [f"{METRIC_NAMES[metric]}|{kind}" for metric in metrics for kind in ("", *(_short(kind) for kind in kinds))]
    values = [
        {
            "line": f"{METRIC_NAMES[row['metric']]}|{_short(row['model'])}",
            "model": _short(row["model"]),
            "metric": METRIC_NAMES[row["metric"]],
            "colour": _colour(row["model"], spaces),
            **{name: round(row[name], 4) for name in ("mean", "low", "high")},
        }
        for row in rows
    ]
    heading = "split(datum.value, '|')[1] === ''"
    axis = alt.Axis(
        ticks=False,
        domain=False,
        grid=False,
        labelExpr=f"split(datum.value, '|')[{heading} ? 0 : 1]",
        labelFontWeight={"condition": {"test": heading, "value": "bold"}, "value": "normal"},
    )
    base = alt.Chart(alt.InlineData(values=values)).encode(
        y=alt.Y("line:N", sort=lines, scale=alt.Scale(domain=lines), title=None, axis=axis),
        color=alt.Color("colour:N", scale=None, legend=None),
        tooltip=["model:N", "metric:N", "mean:Q", "low:Q", "high:Q"],
    )
    x = alt.X(
        "low:Q",
        scale=alt.Scale(domain=[0, highest * 1.02], nice=False),
        title="value (share, 0 to 1)",
        axis=alt.Axis(tickCount=4),
    )
    interval = base.mark_rule(strokeWidth=2).encode(x=x, x2="high:Q")
    dots = base.mark_point(filled=True, size=55, opacity=1).encode(x="mean:Q")
    chart = alt.layer(interval, dots).properties(width="container", height=_ROW_HEIGHT * len(lines))
    summary = f"{SPLIT_NAMES.get(split, split)}: dots are means over the readers, lines the intervals of those means."
    return chart_html(chart, name=f"quality-{split}", summary=summary)


def _short(kind: str) -> str:
    return MODEL_NAMES.get(kind, kind)


def _colour(kind: str, spaces: Sequence[str]) -> str:
    if kind == spaces[0]:
        return EMPHASIS
    return MUTED if kind == BASELINE else PALETTE[0] if kind in YARDSTICKS else INK
