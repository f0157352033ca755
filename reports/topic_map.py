"""A map of topics, those of all models on one plane (`reports.topic_plane`), matched ones joined."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import altair as alt
import numpy as np
from markupsafe import Markup

from data.topics import Topics
from pipeline.trust_topics import MODEL_NAMES
from reports.document import INK, MUTED, PALETTE, Chart, Table, chart_html, count, decimal
from reports.topic_cards import Card, anchor, columns, within
from reports.topic_plane import Plane

_HEIGHT = 480
_LABEL_COLUMNS = 24
_NARROW = 620  # pixels, below which there is no room for names
_COLUMN, _LINE, _DOT = 0.0062, 0.036, 0.016  # of the map: width of a letter, height of a line, from a dot to its label


def topic_map(models: Sequence[Topics], cards: dict[str, list[Card]]) -> Markup:
    """Return the map of the topics of all models; matched topics are joined by a line."""
    plane = Plane.of(models)
    by_anchor = {card.anchor: card for of_model in cards.values() for card in of_model}
    places = [(topics.kind, anchor(topics.kind, k)) for topics in models for k in range(len(topics))]
    ordered = [(kind, by_anchor[name]) for kind, name in places]
    values = _values(plane, ordered)
    chart = _chart(values, _joined(values, ordered), [MODEL_NAMES[topics.kind] for topics in models])
    joined = " Lines join topics of the two models that match." if len(models) == 2 else ""
    summary = (
        f"Every dot is a topic, larger with its share of the readings, coloured by its model.{joined} Topics are the "
        "nearer the more of their readings are of the same books. Distances go from 0 (the same topic) to 1 (no book "
        f"in common); two dimensions cannot hold them all: small ones are kept best, all are off by about "
        f"{decimal(plane.distortion)}."
    )
    return chart_html(chart, name="topic-map", summary=summary, table=_nearest(plane, ordered))


def _values(plane: Plane, ordered: Sequence[tuple[str, Card]]) -> list[dict[str, Any]]:
    middle = (plane.points[:, 0].min() + plane.points[:, 0].max()) / 2
    labels = _labels(plane, [card for _, card in ordered])
    return [
        {
            "x": round(float(x), 4),
            "y": round(float(y), 4),
            "model": MODEL_NAMES[kind],
            "topic": f"{MODEL_NAMES[kind]} {card.nth}",
            "name": card.name,
            "share": round(card.share, 4),
            "books": " · ".join(within(title, 40) for title in card.typical[:3]),
            "label": label,
            "number": f"{card.nth}",
            "anchor": "left" if x < middle else "right",
        }
        for (kind, card), (x, y), label in zip(ordered, plane.points, labels, strict=True)
    ]


def _joined(values: Sequence[dict[str, Any]], ordered: Sequence[tuple[str, Card]]) -> list[dict[str, float]]:
    place = {card.anchor: i for i, (_, card) in enumerate(ordered)}
    pairs = [
        (i, place[card.match.anchor])
        for i, (_, card) in enumerate(ordered)
        if card.match and i < place[card.match.anchor]
    ]
    return [{"x": values[i]["x"], "y": values[i]["y"], "x2": values[j]["x"], "y2": values[j]["y"]} for i, j in pairs]


def _labels(plane: Plane, cards: Sequence[Card]) -> list[str]:
    """What each dot is called: number and name if they touch nothing, else the number, else nothing.

    The largest topics choose first; labels hang on the side of their dots that faces the middle.
    """
    span = np.maximum(np.ptp(plane.points, axis=0), 1e-12)
    at = (plane.points - plane.points.min(axis=0)) / span
    taken = [_box(x - _DOT / 2, x + _DOT / 2, y) for x, y in at]
    labels = [""] * len(cards)
    for place in sorted(range(len(cards)), key=lambda i: (-cards[i].share, i)):
        x, y = at[place]
        name = f"{cards[place].nth} {within(cards[place].name, _LABEL_COLUMNS)}"
        for label in (name, f"{cards[place].nth}"):
            near, far = _DOT, _DOT + _COLUMN * columns(label)
            box = _box(x + near, x + far, y) if x < 0.5 else _box(x - far, x - near, y)
            if not any(_touch(box, other) for other in taken):
                labels[place] = label
                taken.append(box)
                break
    return labels


def _box(left: float, right: float, y: float) -> tuple[float, float, float, float]:
    return left, right, y - _LINE / 2, y + _LINE / 2


def _touch(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    return one[0] < other[1] and other[0] < one[1] and one[2] < other[3] and other[2] < one[3]


def _chart(values: list[dict[str, Any]], joined: list[dict[str, float]], names: list[str]) -> Chart:
    scale = alt.Scale(zero=False, nice=False, padding=24)
    bare = alt.Axis(labels=False, ticks=False, grid=False)
    x, y = (getattr(alt, name.upper())(f"{name}:Q", scale=scale, axis=bare, title=None) for name in "xy")
    base = alt.Chart(alt.InlineData(values=values)).encode(x=x, y=y)
    lines = (
        alt.Chart(alt.InlineData(values=joined)).mark_rule(color=MUTED, opacity=0.6).encode(x=x, y=y, x2="x2", y2="y2")
    )
    colour = alt.Color(
        "model:N",
        scale=alt.Scale(domain=names, range=list(PALETTE[: len(names)])),
        legend=alt.Legend(title=None, orient="top", symbolOpacity=1),
    )
    dots = base.mark_circle(opacity=0.8).encode(
        color=colour,
        size=alt.Size("share:Q", scale=alt.Scale(type="sqrt", domainMin=0, range=[10, 380]), legend=None),
        tooltip=["topic:N", "name:N", alt.Tooltip("share:Q", format=".1%"), "books:N"],
    )
    layers = [lines, dots, _names(base, "left", 12), _names(base, "right", -12)]
    return alt.layer(*(layers if joined else layers[1:])).properties(width="container", height=_HEIGHT)


def _names(base: alt.Chart, side: Literal["left", "right"], dx: int) -> alt.Chart:
    """Names with a halo in the colour of the page, those on the right half to the left of their dots.

    On a narrow page names would touch, and only numbers are shown.
    """
    text = base.mark_text(align=side, dx=dx, fontSize=11, color=INK, stroke="var(--paper)", strokeWidth=3)
    said = text.transform_calculate(said=f"width < {_NARROW} ? datum.number : datum.label")
    named: alt.Chart = said.encode(text="said:N").transform_filter(f"datum.anchor == '{side}'")
    return named


def _nearest(plane: Plane, ordered: Sequence[tuple[str, Card]]) -> Table:
    """The topic of the same model that is nearest to each topic, and how far it is."""
    rows = []
    for i, (kind, card) in enumerate(ordered):
        same = [j for j, (other, _) in enumerate(ordered) if other == kind and j != i]
        if same:
            j = min(same, key=lambda place: plane.distances[i, place])
            other = ordered[j][1]
            called = f"{MODEL_NAMES[kind]} {count(card.nth)}"
            distance = decimal(float(plane.distances[i, j]), 2)
            rows.append((called, card.name, f"{count(other.nth)} {other.name}", distance))
    return Table(("topic", "name", "nearest topic of its model", "distance (0 to 1)"), rows)
