"""How a Boltzmann machine learned and when its chains would correct anything: charts and tables of a portrait."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np
from markupsafe import Markup

from reports.boltzmann_verdict import FEW
from reports.document import EMPHASIS, MUTED, PALETTE, UNKNOWN, Table, chart_html, count, decimal, percent

_HEIGHT = 260
_ROW_HEIGHT = 17
Met = Mapping[str, Any]
NEVER = "given up"
SHORT = {
    "coupled_gibbs": "coupled Gibbs, lag 1, unit by unit",
    "coupled_mh": "coupled Metropolis",
    "local_mode": "the released code",
}


def course_chart(course: Mapping[str, Any]) -> Markup:
    """Return the likelihood of validation readers over training, with the epoch that was best.

    Estimates that rest on few effective samples are hollow: such a likelihood may be off by nats.
    """
    alone, values = course["independent"], _looks(course)
    low, high = (f(alone, *(value["nats"] for value in values)) for f in (min, max))
    scale = alt.Scale(domain=[low, high + 0.05 * (high - low)], nice=True)
    y = alt.Y("nats:Q", title="nats a reader", scale=scale, axis=alt.Axis(tickCount=5))
    x = alt.X("epoch:Q", title="epoch", axis=alt.Axis(grid=False, tickCount=8), scale=alt.Scale(domainMin=0))
    base = alt.Chart(alt.InlineData(values=values)).encode(x=x, y=y, tooltip=["epoch:Q", "nats:Q", "effective:N"])
    line = base.mark_line(color="var(--fill)", strokeWidth=2)
    sure = base.transform_filter("!datum.few").mark_point(filled=True, color="var(--fill)", size=45, opacity=1)
    few = base.transform_filter("datum.few").mark_point(filled=True, fill="var(--paper)", stroke=MUTED, size=60)
    best = base.transform_filter(f"datum.epoch == {course['kept_epoch']}").mark_point(
        filled=True, color=EMPHASIS, size=120, opacity=1
    )
    independent = alt.Chart(alt.InlineData(values=[{"nats": round(alone, 3)}]))
    rule = independent.mark_rule(color=MUTED, strokeDash=[4, 4]).encode(y=y)
    chart = alt.layer(rule, line, sure, few, best).properties(width="container", height=_HEIGHT)
    summary = (
        f"Mean log-likelihood of {course['n_validation']:,} validation readers; the red dot is the best epoch, the "
        "dashed line independent books."
    )
    if any(value["few"] for value in values):
        summary += f" Hollow dots rest on fewer than {decimal(FEW, 0)} effective samples, or on an unknown number."
    rows = [(value["epoch"], value["nats"], value["effective"]) for value in values]
    table = Table(("epoch", "nats a reader", "effective samples of log Z"), rows)
    return chart_html(chart, name="course", summary=summary, table=table)


def _looks(course: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return each look at the validation readers: epoch, likelihood, and what that rests on."""
    columns = (course[name] for name in ("epochs", "log_likelihood", "effective_samples"))
    return [
        {
            "epoch": epoch,
            "nats": round(nats, 3),
            "effective": "exact" if effective is None else decimal(effective, 0) if effective else "unknown",
            "few": effective is not None and effective < FEW,
        }
        for epoch, nats, effective in zip(*columns, strict=True)
    ]


def course_sentence(course: Mapping[str, Any]) -> str:
    """What the curve comes to: what was gained, which epoch was best, what the last one lost; what it is not about.

    The fit that is watched is another one than those that are judged and published, which end at their last epoch.
    """
    kept, epochs, nats = course["kept_epoch"], course["epochs"], course["log_likelihood"]
    best, last, of = max(nats), nats[-1], course["kept"]
    gained = decimal(best - course["independent"], 1, sign=True)
    told = (
        f"Learned from {course['n_readers']:,} readers, all layers at once and without pre-training. Epoch {kept} of "
        f"{epochs[-1]} is best by validation: {gained} nats over independent books, by the very readers that chose it, "
        "and therefore more than others would show."
    )
    lost = f"The last one is {decimal(best - last, 2)} nats lower." if kept != epochs[-1] else "It is the last one."
    rests = "These figures are exact."
    if of["effective_samples"] is not None:
        rests = (
            f"At that epoch log Z rests on {of['n_samples']:,} annealed chains worth "
            f"{decimal(of['effective_samples'], 0)} (standard error {decimal(of['log_z_error'], 3)} nats)"
        )
        of_row = of["effective_samples_of_row"]
        rests += "." if of_row is None else f", each reader’s hidden units on chains worth {decimal(of_row, 0)}."
    used = "The machine judged above and the one published are not of that epoch: each is as its last one left it."
    if kept == epochs[-1]:
        used = "The machine judged above and the one published are of their last epoch too."
    return f"{told} {lost} {used} {rests}"


MEETING_COLUMNS = (
    "pairs", "corrected", "τ, median", "τ, mean", "τ, largest", "given up", "proposals accepted", "search steps",
)  # fmt: skip


def meetings_rows(meetings: Mapping[str, Met]) -> list[tuple[str, list[str]]]:
    """Return a row for each coupling on the finished machine: its name, and cells of `MEETING_COLUMNS`."""
    return [(SHORT[name], _cells(met)) for name, met in meetings.items()]


def _cells(met: Met) -> list[str]:
    accepted = percent(met["n_accepted"] / met["n_proposed"]) if met["n_proposed"] else UNKNOWN
    beyond = "≥ " if met["n_truncated"] else ""  # where pairs were given up their meeting is not known
    mean, largest = decimal(met["mean_tau"], 1), count(max(met["tau"], default=None))
    counts = [count(value) for value in (met["n_pairs"], met["n_corrected"])]
    times = [decimal(met["median_tau"], 0), f"{beyond}{mean}", f"{beyond}{largest}"]
    return [*counts, *times, count(met["n_truncated"]), accepted, decimal(met["search_steps"], 1)]


def meetings_chart(meetings: Mapping[str, Met]) -> Markup:
    """Return when pairs met, by powers of two of steps: at 1 nothing is corrected."""
    shown = {name: met for name, met in meetings.items() if met["n_pairs"] and name != "local_mode"}
    n_bins = 1 + max((bin_of(tau) for met in shown.values() for tau, _ in met_at(met)), default=0)
    bins = [*(bin_name(i) for i in range(n_bins)), *([NEVER] if any(m["n_truncated"] for m in shown.values()) else [])]
    values: list[dict[str, Any]] = [
        {"chains": SHORT[name], "steps": label, "share": round(share, 4)}
        for name, met in shown.items()
        for label, share in zip(bins, shares(met, n_bins), strict=False)
    ]
    names = [SHORT[name] for name in shown]
    colour = alt.Color(
        "chains:N",
        scale=alt.Scale(domain=names, range=list(PALETTE[: len(names)])),
        legend=alt.Legend(title=None, orient="top", direction="vertical"),
    )
    chart = (
        alt.Chart(alt.InlineData(values=values))
        .mark_bar()
        .encode(
            x=alt.X(
                "steps:N",
                sort=bins,
                title="step at which a pair meets (τ)",
                axis=alt.Axis(labelAngle=0, labelOverlap=True),
            ),
            xOffset=alt.XOffset("chains:N", sort=names),
            y=alt.Y("share:Q", title="share of pairs", axis=alt.Axis(format=".0%", tickCount=4)),
            color=colour,
            tooltip=["chains:N", "steps:N", alt.Tooltip("share:Q", format=".1%")],
        )
        .properties(width="container", height=_HEIGHT)
    )
    summary = (
        "A pair that meets at its first step, τ = 1, has corrected nothing: its estimate is that of the start. The "
        "later pairs meet, the more is corrected, and the more it costs."
    )
    rows = [(value["chains"], value["steps"], percent(value["share"])) for value in values if value["share"]]
    return chart_html(chart, name="meetings", summary=summary, table=Table(("chains", "τ", "pairs"), rows))


def bin_of(tau: int) -> int:
    """Return the bin of a meeting time: 1, 2, 3 to 4, 5 to 8, ..."""
    return int(tau - 1).bit_length()


def bin_name(place: int) -> str:
    """Return what a bin is called."""
    low, high = 2 ** (place - 1) + 1, 2**place
    return f"{high}" if place < 2 else f"{low}–{high}"


def met_at(met: Met) -> list[tuple[int, int]]:
    """Return the steps at which pairs met, and how many did; without those that were given up, which stand last."""
    found = list(zip(met["tau"], met["n_of_tau"], strict=True))
    return found[:-1] if met["n_truncated"] else found


def shares(met: Met, n_bins: int) -> list[float]:
    """Return the share of pairs that met in each bin, and of those that were given up."""
    found = np.zeros(n_bins + 1)
    for tau, n in met_at(met):
        found[bin_of(tau)] += n
    found[-1] = met["n_truncated"]
    return [float(n) for n in found / met["n_pairs"]]


def training_chart(epochs: Sequence[Met]) -> Markup:
    """Return the mean and the largest tau of every epoch of a training by coupled chains."""
    kinds = {"mean_tau": "mean", "largest": "largest"}
    values = [
        {"epoch": epoch["epoch"], "of": kinds[key], "tau": round(float(value), 2)}
        for epoch in epochs
        for key, value in (("mean_tau", epoch["mean_tau"]), ("largest", max(epoch["tau"])))
    ]
    colour = alt.Color(
        "of:N",
        scale=alt.Scale(domain=list(kinds.values()), range=[PALETTE[0], MUTED]),
        legend=alt.Legend(title=None, orient="top"),
    )
    chart = (
        alt.Chart(alt.InlineData(values=values))
        .mark_line(strokeWidth=2, point={"size": 22})
        .encode(
            x=alt.X("epoch:Q", title="epoch", axis=alt.Axis(grid=False, tickCount=8)),
            y=alt.Y("tau:Q", title="τ", scale=alt.Scale(type="log", domainMin=1), axis=alt.Axis(tickCount=5)),
            color=colour,
            tooltip=["epoch:Q", "of:N", "tau:Q"],
        )
        .properties(width="container", height=_HEIGHT)
    )
    rows = [
        (
            e["epoch"],
            decimal(e["mean_tau"], 1),
            max(e["tau"]),
            percent(e["n_corrected"] / e["n_pairs"]),
            count(e["n_truncated"]),
        )
        for e in epochs
    ]
    summary = "When the pairs of chains of the training met, of every epoch; the scale is logarithmic."
    table = Table(("epoch", "τ, mean", "τ, largest", "corrected", "given up"), rows)
    return chart_html(chart, name="tau-over-training", summary=summary, table=table)
