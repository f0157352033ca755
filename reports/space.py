"""What the published space looks like as a whole: how similarity is distributed, hubs, readers per book."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import numpy as np
import polars as pl
from markupsafe import Markup

from data.release import Release
from pipeline.query import chance_similarity, index_of, random_similarities
from reports.document import EMPHASIS, MUTED, Table, chart_html, decimal, percent
from reports.quality import MODEL_NAMES
from reports.watch import details

HUB_LIST = 10
N_HUBS = 10
MAX_COUNTED = 50_000  # books above which the lists of the other spaces are not worked out here
_BIN = 0.04
_N_LOG_BINS = 25
_THRESHOLDS = (0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.0)


@dataclass(frozen=True)
class Similarities:
    """Similarity of every book with its nearest book, and of pairs of books drawn at random.

    Attributes
    ----------
    nearest
        float32 (n_books,).
    random
        float32 (n_pairs,); the two books of a pair differ.
    chance
        Similarity that one random pair in a hundred exceeds.
    """

    nearest: np.ndarray
    random: np.ndarray
    chance: float

    @classmethod
    def of(cls, release: Release) -> Similarities:
        """Measure a release."""
        # lists begin with the surest neighbour, which need not be the most similar
        table = pl.scan_parquet(release.folder / "neighbours.parquet").group_by("book", maintain_order=True)
        nearest = table.agg(pl.col("similarity").max()).collect()["similarity"].to_numpy()
        return cls(nearest, random_similarities(release), chance_similarity(release))

    @property
    def sentence(self) -> str:
        """What a similarity means, in words."""
        median = float(np.median(self.nearest))
        beyond = float((self.random >= median).mean())
        return (
            f"Half of all books have a nearest book of similarity {decimal(median)} or more; of random pairs of books "
            f"{percent(beyond)} are that similar. One random pair in a hundred exceeds {decimal(self.chance)}."
        )

    def chart(self) -> Markup:
        """Return both distributions as one chart."""
        names = {"nearest": "a book and its nearest book", "random": "two books at random"}
        colour = alt.Color(
            "pair:N",
            scale=alt.Scale(domain=list(names.values()), range=[EMPHASIS, MUTED]),
            legend=alt.Legend(title=None, orient="top", direction="vertical"),
        )
        x = alt.X(
            "from:Q",
            title="similarity (cosine, −1 to 1)",
            bin="binned",
            axis=alt.Axis(format=".1f", tickCount=8, grid=False),
        )
        y = alt.Y("share:Q", title="share of pairs", stack=None, axis=alt.Axis(format=".0%", tickCount=4))
        values = [value for name, label in names.items() for value in self._bins(name, label)]
        bars = alt.Chart(alt.InlineData(values=values)).mark_bar(opacity=0.65, binSpacing=0)
        tooltip = ["pair:N", "from:Q", "to:Q", alt.Tooltip("share:Q", format=".2%")]
        chart = bars.encode(x=x, x2="to:Q", y=y, color=colour, tooltip=tooltip)
        sized = chart.properties(width="container", height=220)
        return chart_html(sized, name="similarity-distribution", summary=self.sentence, table=self._table())

    def _bins(self, name: str, label: str) -> list[dict[str, Any]]:
        low = np.floor(min(self.nearest.min(), self.random.min()) / _BIN) * _BIN
        edges = np.arange(low, 1 + _BIN / 2, _BIN)
        shares = _shares(getattr(self, name), edges)
        return [
            {"pair": label, "from": round(float(a), 2), "to": round(float(b), 2), "share": round(float(share), 6)}
            for a, b, share in zip(edges[:-1], edges[1:], shares, strict=True)
            if share
        ]

    def _table(self) -> Table:
        rows = [
            (decimal(at, 1), percent(float((self.nearest >= at).mean())), percent(float((self.random >= at).mean())))
            for at in _THRESHOLDS
        ]
        return Table(("similarity at least", "of nearest books", "of random pairs"), rows)


@dataclass(frozen=True)
class Hub:
    """A book that stands in many lists of nearest books."""

    title: str
    details: str
    n_readers: int
    n_lists: int


@dataclass(frozen=True)
class Hubness:
    """How evenly the places in the lists of nearest books are spread over the books.

    Attributes
    ----------
    length
        Length of the lists counted: each book stands in that many of them on average.
    skewness
        Of the number of lists a book stands in; 0 is even, above about 1.5 some books stand in far too many.
    p_absent
        Share of the books that stand in no list.
    chance
        The skewness if the lists were drawn at random: of a binomial count.
    others
        Kind -> skewness of the other published spaces; empty where there are more than `MAX_COUNTED` books.
    """

    length: int
    skewness: float
    p_absent: float
    hubs: Sequence[Hub]
    chance: float
    others: Mapping[str, float]

    @classmethod
    def of(cls, release: Release) -> Hubness:
        """Count the lists of a release."""
        table = pl.scan_parquet(release.folder / "neighbours.parquet").filter(pl.col("rank") <= HUB_LIST)
        counted = table.group_by("neighbour").agg(pl.len().alias("n_lists")).collect()
        books = release.books
        row_of = {book: row for row, book in enumerate(books.columns["book"])}
        n_lists = np.zeros(len(books), np.int64)
        n_lists[[row_of[book] for book in counted["neighbour"]]] = counted["n_lists"].to_numpy()
        hubs = [
            Hub(books.columns["title"][row], details(books, row), int(books.n_readers[row]), int(n_lists[row]))
            for row in np.argsort(-n_lists, kind="stable")[:N_HUBS].tolist()
        ]
        length = min(HUB_LIST, len(books) - 1)
        chance = _binomial_skewness(len(books) - 1, length / (len(books) - 1))
        measured = release.spaces[1:] if len(books) <= MAX_COUNTED else ()
        others = {kind: _skewness(_lists_of(release, kind)) for kind in measured}
        return cls(length, _skewness(n_lists), float((n_lists == 0).mean()), hubs, chance, others)

    @property
    def comparison(self) -> str:
        """How uneven that is, beside lists drawn at random and beside the other spaces."""
        said = f"Lists drawn at random would have a skewness of {decimal(self.chance)}"
        if not self.others:
            return f"{said}."
        named = ", ".join(f"{MODEL_NAMES.get(kind, kind)} {decimal(value)}" for kind, value in self.others.items())
        fewer = sum(value > self.skewness for value in self.others.values())
        place = "the least uneven" if fewer == len(self.others) else "the most uneven" if not fewer else "between them"
        return f"{said}; the other spaces have {named}: the default one is {place}."


def readers_chart(n_readers: np.ndarray) -> Markup:
    """Return how many books have how many readers, on a logarithmic scale."""
    edges = np.unique(np.round(np.geomspace(max(n_readers.min(), 1), n_readers.max() + 1, _N_LOG_BINS)).astype(int))
    counts = np.histogram(n_readers, edges)[0]
    values = [
        {"from": int(a), "below": int(b), "books": int(n), "none": 0}
        for a, b, n in zip(edges[:-1], edges[1:], counts, strict=True)
    ]
    x = alt.X(
        "from:Q",
        title="readers of a book (logarithmic scale)",
        scale=alt.Scale(type="log", nice=False),
        axis=alt.Axis(grid=False, format=",", tickCount=5),
    )
    y = alt.Y("books:Q", title="books", axis=alt.Axis(tickCount=4, tickMinStep=1))
    bars = alt.Chart(alt.InlineData(values=values)).mark_rect(color="var(--fill)", stroke="var(--paper)")
    chart = bars.encode(x=x, x2="below:Q", y=y, y2="none:Q", tooltip=["from:Q", "below:Q", "books:Q"])
    sized = chart.properties(width="container", height=220)
    return chart_html(sized, name="readers-per-book", **_readers_in_words(n_readers))


def _readers_in_words(n_readers: np.ndarray) -> dict[str, Any]:
    shares = (0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
    at_most = np.quantile(n_readers, shares, method="inverted_cdf").astype(int).tolist()
    rows = [(percent(share), n) for share, n in zip(shares, at_most, strict=True)]
    summary = (
        f"Half of the books have {at_most[2]:,} readers or fewer; the least read has {n_readers.min():,}, "
        f"the most read {n_readers.max():,}. Vectors of books with few readers are uncertain."
    )
    return {"summary": summary, "table": Table(("share of books", "have at most (readers)"), rows)}


def _shares(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    clipped = np.clip(values, edges[0], edges[-1])  # rounding may put a cosine a hair above 1
    shares: np.ndarray = np.histogram(clipped, edges)[0] / len(values)
    return shares


def _lists_of(release: Release, space: str | None = None) -> np.ndarray:
    """In how many lists of its nearest books each book stands, in a space, int64 (n_books,)."""
    n_books = len(release.books)
    rows, _ = index_of(release, space).search(np.arange(n_books), min(HUB_LIST, n_books - 1))
    return np.bincount(rows.ravel(), minlength=n_books)


def _binomial_skewness(n: int, p: float) -> float:
    """Skewness of the number of lists a book stands in, each of `n` lists holding it with probability `p`."""
    return (1 - 2 * p) / float(np.sqrt(n * p * (1 - p))) if 0 < p < 1 else 0.0


def _skewness(values: np.ndarray) -> float:
    centred = values - values.mean()
    spread = float(np.sqrt((centred**2).mean()))
    return float((centred**3).mean()) / spread**3 if spread else 0.0
