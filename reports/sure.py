"""How sure a release is of its neighbours, and whether that holds, as `pipeline.calibration` measured it.

From one half of the readers it is said how probable it is that a book is among the k nearest, and from the other half
it is seen whether it is. A probability is right if it comes true as often as it says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

import altair as alt
import numpy as np
import polars as pl
from markupsafe import Markup

from data.ensemble import Ensemble
from data.release import Release
from reports.document import EMPHASIS, MUTED, UNKNOWN, Table, chart_html, count, decimal, percent
from reports.watch import most_read

TOLD = (0.7, 0.9)  # the probabilities that the verdict tells about
N_MOST_READ = 100
MIN_PAIRS = 30  # fewer pairs behind a share tell nothing
_Z = 1.96
_BIN = 0.05
_HEIGHT = 260
_GROUPS = {"few": "few", "middle": "a middling number of", "many": "many"}


@dataclass(frozen=True)
class Bin:
    """Candidates of which nearly the same was said.

    Attributes
    ----------
    said
        Mean probability that was said.
    true, low, high
        Share of which it came true, and its 95 % interval (Wilson's, which takes pairs of books for independent).
    n
        Pairs of books.
    """

    said: float
    true: float
    low: float
    high: float
    n: int

    @classmethod
    def of(cls, said: float, true: float, n: int) -> Bin:
        """Return a bin with its interval."""
        middle, spread = true + _Z**2 / (2 * n), _Z * sqrt(true * (1 - true) / n + _Z**2 / (4 * n**2))
        low, high = ((middle + sign * spread) / (1 + _Z**2 / n) for sign in (-1, 1))
        return cls(said, true, max(low, 0.0), min(high, 1.0), n)


@dataclass(frozen=True)
class Sure:
    """How sure the neighbours of a release are.

    Attributes
    ----------
    k
        Length of the list that probabilities are about.
    level
        Share of similarities that their intervals promise to hold.
    n_replicates
        Samples of the readers that it was learned from.
    bins
        What was said and what came true, by rising probability.
    p_top
        float64 (n,), of the places in all lists of `k`.
    p_of_most_read, n_most_read
        The same of the lists of the most read books, and how many books these are.
    metrics
        As `pipeline.calibration.check` returns them.
    """

    k: int
    level: float
    n_replicates: int
    bins: Sequence[Bin]
    p_top: np.ndarray
    p_of_most_read: np.ndarray
    n_most_read: int
    metrics: Mapping[str, Any]

    @classmethod
    def of(cls, release: Release) -> Sure | None:
        """Return what a release says of itself; None if it was made without an ensemble."""
        if (ensemble := release.ensemble) is None:
            return None
        k = ensemble.calibration.k
        first = most_read(release.books, N_MOST_READ)
        ids = pl.Series([release.books.columns["book"][row] for row in first], dtype=pl.String)
        table = pl.scan_parquet(release.folder / "neighbours.parquet").filter(pl.col("rank") <= k)
        places = table.select(pl.col("p_top10").cast(pl.Float64), pl.col("book").is_in(ids.implode()))
        listed = places.drop_nulls().collect()
        p_top, is_of_first = listed["p_top10"].to_numpy(), listed["book"].to_numpy()
        level, n_replicates = ensemble.calibration.level, ensemble.n_replicates
        bins, metrics = _bins(ensemble), dict(ensemble.metrics)
        return cls(k, level, n_replicates, bins, p_top, p_top[is_of_first], len(first), metrics)

    @property
    def sentence(self) -> str:
        """How sure neighbours are and what a probability is worth, in a sentence."""
        all_books, most = self._stay(self.p_top), self._stay(self.p_of_most_read)
        stay = f"of the {self.k} nearest of a book, {all_books} would be so had others been asked"
        stay += f", on average ({most} for the {self.n_most_read} most read)"
        told = [one for one in self.bins if TOLD[0] <= one.said < TOLD[1]]
        if (n := sum(one.n for one in told)) >= MIN_PAIRS:
            said, true = (sum(getattr(one, name) * one.n for one in told) / n for name in ("said", "true"))
            worth = f"of those said to be with {percent(said)} probability, {percent(true)} were ({n:,} judged)"
        elif "ece" in self.metrics:
            worth = f"too few are sure to say more than that probabilities are off by {_points(self.metrics['ece'])}"
        else:
            worth = "that was not held against other readers"
        return f"How sure neighbours are: {stay}; {worth}."

    @property
    def explained(self) -> str:
        """How it was measured, and how sure the published lists are, in words."""
        all_books, most = self._stay(self.p_top), self._stay(self.p_of_most_read)
        even = float((self.p_top >= 0.5).mean()) if len(self.p_top) else 0.0
        return (
            f"The default space was learned again from {self.n_replicates} samples of the readers. A neighbour is "
            f"sure if it is among the {self.k} nearest whoever was asked: its probability is that of being so in "
            f"the same model learned from as many other readers. On average {all_books} of {self.k} "
            f"published neighbours would be, for the {self.n_most_read:,} most read books {most}; "
            f"{percent(even)} of all places are more likely than not to be filled by the same book. What is said was "
            "held against what is true on halves of the readers: said from one half, seen in the other."
        )

    def _stay(self, p_top: np.ndarray) -> str:
        return decimal(self.k * float(p_top.mean()), 1) if len(p_top) else UNKNOWN

    @property
    def figures(self) -> list[tuple[str, str]]:
        """What the probabilities were judged by; empty if they were not."""
        found = self.metrics
        if "ece" not in found:
            return []
        return [
            ("mean gap between said and true (ECE)", _points(found["ece"])),
            ("largest gap of a tenth", _points(found["max_gap"])),
            (
                "Brier score",
                f"{decimal(found['brier'], 3)} (always saying the mean: {decimal(found['brier_base'], 3)})",
            ),
            ("judged", f"{count(found['n_pairs'])} pairs of books"),
        ]

    @property
    def coverage(self) -> Table | None:
        """How often similarities lie in their intervals; None if that was not judged."""
        if "coverage" not in self.metrics:
            return None
        found = self.metrics["coverage"]
        few, many = (f"{edge:,.0f}" for edge in self.metrics["readers_edges"])
        about = {"few": f"at most {few}", "middle": f"up to {many}", "many": f"more than {many}"}
        rows = [("near books", percent(found["near"])), ("far books", percent(found["far"]))]
        for name, who in _GROUPS.items():
            if name in found:
                rows.append((f"near books of a book with {who} readers ({about[name]})", percent(found[name])))
        return Table(("similarities of", f"in their {percent(self.level)} interval"), rows)

    @property
    def coverage_sentence(self) -> str:
        """Whether intervals hold what they promise, in words."""
        found = self.metrics["coverage"]
        worst = max(found.values(), key=lambda share: abs(share - self.level))
        return (
            f"An interval should hold {percent(self.level)} of the similarities that other readers give: "
            f"{percent(found['near'])} of those of near books and {percent(found['far'])} of far books are inside; in "
            f"the worst group it is {percent(worst)}. Readers are counted in the half that was learned from."
        )

    def reliability(self) -> Markup:
        """Return what came true over what was said, as a chart."""
        values = [{**_rounded(one), "n": one.n, "judged": count(one.n)} for one in self.bins]
        diagonal = alt.Chart(alt.InlineData(values=[{"said": 0, "true": 0}, {"said": 1, "true": 1}]))
        line = diagonal.mark_line(color=MUTED, strokeDash=[4, 4], strokeWidth=1).encode(
            x=_share("said", ""), y="true:Q"
        )
        tooltip = [alt.Tooltip(f"{name}:Q", format=".1%") for name in ("said", "true", "low", "high")]
        base = alt.Chart(alt.InlineData(values=values)).encode(
            x=_share("said", f"said: probability of being among the {self.k} nearest"),
            tooltip=[*tooltip, alt.Tooltip("judged:N", title="pairs")],
        )
        intervals = base.mark_rule(color=EMPHASIS, strokeWidth=2).encode(
            y=_share("low", "true: share that were"), y2="high:Q"
        )
        dots = base.mark_point(filled=True, color=EMPHASIS, opacity=1).encode(
            y="true:Q", size=alt.Size("n:Q", scale=alt.Scale(type="sqrt", range=[20, 140]), legend=None)
        )
        chart = alt.layer(line, intervals, dots).properties(width="container", height=_HEIGHT)
        summary = (
            "Dots on the dashed line would be exactly right. Larger dots stand for more pairs of books; the lines are "
            "95 % intervals, a little short because the pairs of one book are not independent."
        )
        rows = [
            (percent(one.said), percent(one.true), f"{percent(one.low)} to {percent(one.high)}", one.n)
            for one in self.bins
        ]
        table = Table(("said", "true", "interval", "pairs"), rows)
        return chart_html(chart, name="reliability", summary=summary, table=table)

    def histogram(self) -> Markup:
        """Return how the probabilities of the published lists are distributed, as a chart."""
        edges = np.linspace(0, 1, round(1 / _BIN) + 1)
        n = np.histogram(self.p_top, edges)[0]
        shares = n / max(len(self.p_top), 1)
        values = [
            {"from": round(float(a), 2), "to": round(float(b), 2), "share": round(float(share), 6)}
            for a, b, share in zip(edges[:-1], edges[1:], shares, strict=True)
        ]
        x = alt.X("from:Q", title="probability", bin="binned", axis=alt.Axis(format=".0%", tickCount=5, grid=False))
        y = alt.Y("share:Q", title="share of the places", axis=alt.Axis(format=".0%", tickCount=4))
        tooltip = [alt.Tooltip(f"{name}:Q", format=".1%") for name in ("from", "to", "share")]
        bars = alt.Chart(alt.InlineData(values=values)).mark_bar(color="var(--fill)", binSpacing=1)
        chart = bars.encode(x=x, x2="to:Q", y=y, tooltip=tooltip).properties(width="container", height=_HEIGHT)
        at_least = [(at, float((self.p_top >= at).mean()) if len(self.p_top) else 0.0) for at in (0.9, 0.8, 0.5, 0.2)]
        rows = [(percent(at), percent(share)) for at, share in at_least]
        summary = (
            f"Every book has {self.k} places in its list: here is how sure they are. "
            f"{percent(at_least[1][1])} have a probability of at least {percent(at_least[1][0])}."
        )
        table = Table(("probability at least", "of the places"), rows)
        return chart_html(chart, name="how-sure", summary=summary, table=table)


def _bins(ensemble: Ensemble) -> list[Bin]:
    judged = ensemble.judged
    if not {"said", "found", "n"} <= judged.keys():
        return []
    tables = (judged[name].tolist() for name in ("said", "found", "n"))
    return [Bin.of(said, true, int(n)) for said, true, n in zip(*tables, strict=True)]


def _share(name: str, title: str) -> Any:
    channel = alt.X if name == "said" else alt.Y
    axis = alt.Axis(format=".0%", tickCount=5)
    return channel(f"{name}:Q", title=title or alt.Undefined, scale=alt.Scale(domain=[0, 1]), axis=axis)


def _rounded(one: Bin) -> dict[str, float]:
    return {name: round(getattr(one, name), 4) for name in ("said", "true", "low", "high")}


def _points(gap: float) -> str:
    return f"{decimal(100 * gap, 1)} percentage points"
