"""A map of the most read books: the two directions in which their vectors differ most."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from warnings import catch_warnings, simplefilter

import altair as alt
import numpy as np
from markupsafe import Markup
from scipy.cluster.vq import kmeans2

from data.release import Books, Release
from data.seeds import generator
from reports.document import INK, N_COLOURS, OTHER_COLOUR, PALETTE, Chart, Table, chart_html, cut, percent
from reports.watch import most_read

MAX_BOOKS = 1500
ATTRIBUTES = {"language": "language", "format": "format", "imprint": "imprint", "authors": "first author"}
CLUSTER = "cluster"
OTHER = "other or unknown"
MIN_SHARE = 0.5
_HEIGHT = 520
_LABEL_LENGTH, _CLUSTER_LENGTH = 14, 20
_N_LABELS = 24


@dataclass(frozen=True)
class Plane:
    """Books in two dimensions.

    Attributes
    ----------
    rows
        Rows of the books in the release, most read first.
    points
        float64 (n, 2).
    explained
        Share of the vectors' variance along each of the two axes.
    """

    rows: list[int]
    points: np.ndarray
    explained: tuple[float, float]

    @classmethod
    def of(cls, release: Release) -> Plane:
        """Project the most read books on their first two principal axes."""
        rows = most_read(release.books, MAX_BOOKS)
        centred = release.vectors[rows].astype(np.float64)
        centred -= centred.mean(axis=0)
        centred = np.pad(centred, ((0, 0), (0, max(0, 2 - centred.shape[1]))))  # a line is a flat plane
        u, s, _ = np.linalg.svd(centred, full_matrices=False)
        points = u[:, :2] * s[:2]
        # The sign of an axis is free: fixed here, so that the map does not depend on the linear algebra library.
        points *= np.where(points[np.abs(points).argmax(axis=0), [0, 1]] < 0, -1.0, 1.0)
        total = float((s**2).sum()) or 1.0
        return cls(rows, points, (float(s[0] ** 2) / total, float(s[1] ** 2) / total))


def book_map(release: Release, watched: Sequence[int]) -> Markup:
    """Return the map of a release, coloured by what explains it best; `watched` books are named first."""
    plane, books = Plane.of(release), release.books
    title, labels = _colouring(books, plane) or (CLUSTER, _clusters(release, plane))
    tops = [label for label, _ in Counter(labels).most_common() if label != OTHER]
    kinds = [*tops, OTHER] if OTHER in labels else tops
    named = _placed_names(plane, watched)
    values = _values(books, plane, labels, named)
    chart = _chart(values, title, kinds, plane)
    named_by = " (called by its most read book)" if title == CLUSTER else ""
    summary = (
        f"{_which(len(plane.rows), len(books))}, coloured by {title}{named_by}; larger dots have more readers. "
        f"The two axes hold {percent(sum(plane.explained))} of the variance: books far apart here are far apart, but "
        "books close together here need not be near."
    )
    return chart_html(chart, name="book-map", summary=summary, table=_table(books, plane, labels, kinds, title))


def _which(n_shown: int, n_books: int) -> str:
    return f"All {n_books:,} books" if n_shown == n_books else f"The {n_shown:,} most read of {n_books:,} books"


def _colouring(books: Books, plane: Plane) -> tuple[str, list[str]] | None:
    """The attribute whose commonest values explain both axes best, and each book's value of it; None if none does."""
    candidates = {name: _grouped([books.columns[name][row] for row in plane.rows], name) for name in ATTRIBUTES}
    covered = {name: sum(label != OTHER for label in labels) / len(labels) for name, labels in candidates.items()}
    usable = [name for name in ATTRIBUTES if covered[name] >= MIN_SHARE and len(set(candidates[name])) > 1]
    if not usable:
        return None
    best = max(usable, key=lambda name: _separation(plane.points, candidates[name]))
    return ATTRIBUTES[best], candidates[best]


def _clusters(release: Release, plane: Plane) -> list[str]:
    """Each book's cluster in the whole space, not in the two drawn dimensions, named by its most read book."""
    n_clusters = min(N_COLOURS, len(plane.rows))
    random = generator(int(release.manifest["seed"]), "report/map/clusters")
    vectors = release.vectors[plane.rows].astype(np.float64)
    with catch_warnings():
        simplefilter("ignore", UserWarning)  # a cluster may stay empty: there are then fewer colours
        _, cluster = kmeans2(vectors, n_clusters, minit="++", rng=random)
    names: dict[int, str] = {}
    for place, label in enumerate(cluster.tolist()):
        title = cut(release.books.columns["title"][plane.rows[place]], _CLUSTER_LENGTH)
        names.setdefault(label, title if title not in names.values() else f"{title} ({label + 1})")
    return [names[label] for label in cluster.tolist()]


def _grouped(values: list[str], name: str) -> list[str]:
    if name == "authors":
        values = [value.split(",")[0].split("、")[0].strip() for value in values]
    tops = {value for value, _ in Counter(v for v in values if v and v != "unknown").most_common(N_COLOURS)}
    return [value if value in tops else OTHER for value in values]


def _separation(points: np.ndarray, labels: list[str]) -> float:
    """Share of the variance that lies between the labels, on the axis where it is smaller.

    One axis is not enough: where books of two languages share no readers, language is the first axis, and
    colouring by it would say nothing that the map does not show already.
    """
    label = np.array(labels)
    masks = [label == kind for kind in sorted(set(labels))]
    between = sum((mask.sum() * points[mask].mean(axis=0) ** 2 for mask in masks), np.zeros(2))
    return float((between / np.maximum((points**2).sum(axis=0), np.finfo(np.float64).tiny)).min())


def _placed_names(plane: Plane, watched: Sequence[int]) -> dict[int, str]:
    """Books whose names fit on the map without touching, and the side each hangs on: watched ones first."""
    span = np.maximum(np.ptp(plane.points, axis=0), 1e-12)
    at = (plane.points - plane.points.min(axis=0)) / span
    first = [place for place, row in enumerate(plane.rows) if row in set(watched)]
    taken: dict[int, np.ndarray] = {}
    for place in [*first, *range(len(plane.rows))]:
        clear = all(abs(at[place, 0] - o[0]) > 0.24 or abs(at[place, 1] - o[1]) > 0.045 for o in taken.values())
        if clear:
            taken[place] = at[place]
        if len(taken) == _N_LABELS:
            break
    return {place: "left" if at[place, 0] < 0.6 else "right" for place in taken}


def _values(books: Books, plane: Plane, labels: list[str], named: dict[int, str]) -> list[dict[str, Any]]:
    return [
        {
            "x": round(float(plane.points[place, 0]), 3),
            "y": round(float(plane.points[place, 1]), 3),
            "kind": labels[place],
            "title": cut(books.columns["title"][row], 80),
            "authors": cut(books.columns["authors"][row], 60),
            "readers": int(books.n_readers[row]),
            "name": cut(books.columns["title"][row], _LABEL_LENGTH) if place in named else "",
            "anchor": named.get(place, ""),
        }
        for place, row in enumerate(plane.rows)
    ]


def _chart(values: list[dict[str, Any]], title: str, kinds: list[str], plane: Plane) -> Chart:
    scale = alt.Scale(zero=False, nice=False, padding=12)
    bare = alt.Axis(labels=False, ticks=False, grid=False)
    titles = [
        f"{nth} principal axis ({percent(share)} of the variance)"
        for nth, share in zip(("first", "second"), plane.explained, strict=True)
    ]
    base = alt.Chart(alt.InlineData(values=values)).encode(
        x=alt.X("x:Q", scale=scale, axis=bare, title=titles[0]), y=alt.Y("y:Q", scale=scale, axis=bare, title=titles[1])
    )
    colour = alt.Color(
        "kind:N",
        scale=alt.Scale(domain=kinds, range=[*PALETTE[: len(kinds) - (OTHER in kinds)], OTHER_COLOUR][: len(kinds)]),
        legend=alt.Legend(
            title=title, orient="top", columns=alt.ExprRef("max(1, floor(width / 170))"), symbolOpacity=1
        ),
    )
    dots = base.mark_circle(opacity=0.75).encode(
        color=colour,
        size=alt.Size("readers:Q", scale=alt.Scale(type="sqrt", range=[12, 160]), legend=None),
        tooltip=["title:N", "authors:N", "readers:Q", alt.Tooltip("kind:N", title=title)],
    )
    layers = [dots, _names(base, "left", 7), _names(base, "right", -7)]
    return alt.layer(*layers).properties(width="container", height=_HEIGHT)


def _names(base: alt.Chart, side: Literal["left", "right"], dx: int) -> alt.Chart:
    """Names with a halo in the colour of the page, those on the right half to the left of their dots."""
    text = base.mark_text(align=side, dx=dx, fontSize=11, color=INK, stroke="var(--paper)", strokeWidth=3)
    named: alt.Chart = text.encode(text="name:N").transform_filter(f"datum.anchor == '{side}'")
    return named


def _table(books: Books, plane: Plane, labels: list[str], kinds: list[str], title: str) -> Table:
    rows = []
    for kind in kinds:
        of_kind = [row for row, label in zip(plane.rows, labels, strict=True) if label == kind]
        rows.append((kind, len(of_kind), books.columns["title"][of_kind[0]]))
    return Table((title, "books", "most read of them"), rows)
