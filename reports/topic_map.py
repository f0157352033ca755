"""A map of topics: how far apart they are as distributions of books, those of all models on one plane.

The distance of two topics is Hellinger's, the length of the difference of the square roots of their probabilities over
sqrt(2) (0: the same, 1: no book in common). The plane is the one whose distances differ least from these, by the sum
of the squared differences: metric scaling by majorisation (SMACOF, de Leeuw 1977), begun at the plane of classical
scaling (Torgerson 1952). The latter alone would not do: topics of books in two languages share none, that is its first
axis, and all topics of one language fall on a point.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import altair as alt
import numpy as np
from markupsafe import Markup

from data.topics import Topics
from pipeline.trust_topics import MODEL_NAMES
from reports.document import INK, MUTED, PALETTE, Chart, Table, chart_html, count, decimal
from reports.topic_cards import Card, anchor, within

_HEIGHT = 480
_LABEL_COLUMNS = 22
_NARROW = 620  # pixels
_N_STEPS = 300
_SMALLEST = 1e-9  # distance below which two points are one
_APART = (0.3, 0.05)  # how far two labels must be apart, of the width and the height


@dataclass(frozen=True)
class Plane:
    """Topics in two dimensions.

    Attributes
    ----------
    points
        float64 (n_topics of all models, 2).
    distances
        float64 (n, n), Hellinger distances, 0 to 1.
    distortion
        How much a distance on the plane differs from the true one, as a root mean square.
    """

    points: np.ndarray
    distances: np.ndarray
    distortion: float

    @classmethod
    def of(cls, models: Sequence[Topics]) -> Plane:
        """Place the topics of all models."""
        roots = np.sqrt(np.concatenate([topics.p for topics in models]).astype(np.float64))
        products = roots @ roots.T
        squares = np.maximum(products.diagonal()[:, None] + products.diagonal()[None, :] - 2 * products, 0) / 2
        np.fill_diagonal(squares, 0)
        distances = np.sqrt(squares)
        points = least_distorted(distances, classical(squares))
        off = ~np.eye(len(points), dtype=bool)
        differences = (_apart(points) - distances)[off]
        return cls(points, distances, float(np.sqrt((differences**2).mean())) if len(differences) else 0.0)


def classical(squares: np.ndarray) -> np.ndarray:
    """Return the plane of classical scaling of squared distances (n, n), float64 (n, 2)."""
    n = len(squares)
    centring = np.eye(n) - 1 / n
    values, vectors = np.linalg.eigh(-0.5 * centring @ squares @ centring)
    points = np.zeros((n, 2))
    points[:, : min(2, n)] = (vectors[:, ::-1] * np.sqrt(np.maximum(values[::-1], 0)))[:, :2]
    # The sign of an axis is free: fixed here, so that the map does not depend on the linear algebra library.
    return points * np.where(points[np.abs(points).argmax(axis=0), [0, 1]] < 0, -1.0, 1.0)


def least_distorted(distances: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Return the points (n, 2) whose distances are nearest to `distances` (n, n), from `start` on.

    Each step is the Guttman transform, which never makes the sum of squared differences larger.
    """
    points = start
    for _ in range(_N_STEPS):
        apart = _apart(points)
        ratio = np.divide(distances, apart, out=np.zeros_like(apart), where=apart > _SMALLEST)
        points = (ratio.sum(axis=1)[:, None] * points - ratio @ points) / len(points)
    return points


def _apart(points: np.ndarray) -> np.ndarray:
    apart: np.ndarray = np.linalg.norm(points[:, None] - points[None], axis=2)
    return apart


def topic_map(models: Sequence[Topics], cards: dict[str, list[Card]]) -> Markup:
    """Return the map of the topics of all models; matched topics are joined by a line."""
    plane = Plane.of(models)
    by_anchor = {card.anchor: card for of_model in cards.values() for card in of_model}
    places = [(topics.kind, anchor(topics.kind, k)) for topics in models for k in range(len(topics))]
    ordered = [(kind, by_anchor[name]) for kind, name in places]
    values = _values(plane, ordered)
    chart = _chart(values, _joined(values, ordered), [MODEL_NAMES[topics.kind] for topics in models])
    joined = " Lines join topics of the two models that are one." if len(models) == 2 else ""
    summary = (
        f"Every dot is a topic, larger with its share of the readings, coloured by its model.{joined} Topics are the "
        "nearer the more of their readings are of the same books. Distances go from 0 (the same topic) to 1 (no book "
        f"in common); two dimensions cannot hold them all, and they are off by about {decimal(plane.distortion)}."
    )
    return chart_html(chart, name="topic-map", summary=summary, table=_nearest(plane, ordered))


def _values(plane: Plane, ordered: Sequence[tuple[str, Card]]) -> list[dict[str, Any]]:
    named = _placed_names(plane, [card.share for _, card in ordered])
    middle = (plane.points[:, 0].min() + plane.points[:, 0].max()) / 2
    return [
        {
            "x": round(float(x), 4),
            "y": round(float(y), 4),
            "model": MODEL_NAMES[kind],
            "topic": f"{MODEL_NAMES[kind]} {card.nth}",
            "name": card.name,
            "share": round(card.share, 4),
            "books": " · ".join(within(title, 40) for title in card.typical[:3]),
            "label": f"{card.nth} {within(card.name, _LABEL_COLUMNS)}" if place in named else f"{card.nth}",
            "number": f"{card.nth}",
            "anchor": "left" if x < middle else "right",
        }
        for place, ((kind, card), (x, y)) in enumerate(zip(ordered, plane.points, strict=True))
    ]


def _joined(values: Sequence[dict[str, Any]], ordered: Sequence[tuple[str, Card]]) -> list[dict[str, float]]:
    place = {card.anchor: i for i, (_, card) in enumerate(ordered)}
    pairs = [
        (i, place[card.match.anchor])
        for i, (_, card) in enumerate(ordered)
        if card.match and i < place[card.match.anchor]
    ]
    return [{"x": values[i]["x"], "y": values[i]["y"], "x2": values[j]["x"], "y2": values[j]["y"]} for i, j in pairs]


def _placed_names(plane: Plane, shares: Sequence[float]) -> set[int]:
    """Topics whose names fit on the map without touching, the largest first; the others are called by number."""
    span = np.maximum(np.ptp(plane.points, axis=0), 1e-12)
    at = (plane.points - plane.points.min(axis=0)) / span
    taken: dict[int, np.ndarray] = {}
    for place in np.argsort(-np.asarray(shares), kind="stable").tolist():
        if all(abs(at[place, 0] - o[0]) > _APART[0] or abs(at[place, 1] - o[1]) > _APART[1] for o in taken.values()):
            taken[place] = at[place]
    return set(taken)


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
