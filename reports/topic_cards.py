"""What the page of topics shows of each topic: a card, and a chart of how large they are."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import altair as alt
import numpy as np
from markupsafe import Markup

from data.release import Books, Release
from data.topics import NOT_TOLD, Topics
from pipeline.topic_match import matches
from pipeline.topic_names import first_author, topic_names
from pipeline.trust_topics import MODEL_NAMES
from reports.document import Table, chart_html, percent

N_LISTED = 10  # books of a card's lists
MIN_SHARED = 0.4  # readings that matched topics must have in common; two topics of one model have up to .3
N_AUTHORS = 5
_ROW_HEIGHT = 21
_LABEL_COLUMNS = 30  # of a terminal: 猫 has two


@dataclass(frozen=True)
class Line:
    """A book of a card: its place in the list, and its probability or lift with the length of its bar, in per cent."""

    rank: int
    title: str
    authors: str
    n_readers: int
    value: float
    width: float


@dataclass(frozen=True)
class Match:
    """The topic of the other model that matches one: where it stands on the page, its name, readings in common."""

    anchor: str
    model: str
    nth: int
    name: str
    shared: float


@dataclass(frozen=True)
class Card:
    """One topic.

    Attributes
    ----------
    nth
        Its number in its model, from 1.
    share
        Share of all readings.
    n_main, p_main
        Readers whose main topic it is, and as a share of all; None if they are too few to be told.
    stability
        Books of its ten most typical ones that return where it is learned again, on average; None if not measured.
    match
        The topic of the other model that is this one; None if there is none.
    """

    anchor: str
    nth: int
    name: str
    share: float
    n_main: int | None
    p_main: float | None
    npmi: float
    stability: float | None
    typical: Sequence[str]
    authors: Sequence[tuple[str, int]]
    probable: Sequence[Line]
    lifted: Sequence[Line]
    match: Match | None


def cards_of(release: Release, models: Sequence[Topics]) -> dict[str, list[Card]]:
    """Return the cards of each model, the largest topic first."""
    names = {topics.kind: topic_names(release.books, topics) for topics in models}
    matched = matched_topics(models, names)
    n_readers = int(release.manifest["corpus"]["n_readers"])
    return {
        topics.kind: [
            _card(release.books, topics, topic, names[topics.kind], n_readers, matched.get((topics.kind, topic)))
            for topic in np.argsort(-topics.shares, kind="stable").tolist()
        ]
        for topics in models
    }


def matched_topics(models: Sequence[Topics], names: dict[str, list[str]]) -> dict[tuple[str, int], Match]:
    """Return (kind, topic) -> the topic of the other model that matches it (`pipeline.topic_match`)."""
    if len(models) != 2:
        return {}
    one, other = models
    found = {}
    for a, b, shared in matches(one.p, other.p, MIN_SHARED):
        for (of, topic), (to, matching) in (((one, a), (other, b)), ((other, b), (one, a))):
            about = (anchor(to.kind, matching), MODEL_NAMES[to.kind], matching + 1, names[to.kind][matching])
            found[of.kind, topic] = Match(*about, shared)
    return found


def anchor(kind: str, topic: int) -> str:
    """Return the id of a topic's card in the page."""
    return f"{kind}-{topic + 1}"


def paired(models: Sequence[Topics], cards: dict[str, list[Card]]) -> list[tuple[Card, Card]]:
    """Return the topics of two models that match, the first model's largest first; none of one model alone."""
    if len(models) != 2:
        return []
    one, other = (cards[topics.kind] for topics in models)
    by_anchor = {card.anchor: card for card in other}
    return [(card, by_anchor[card.match.anchor]) for card in one if card.match is not None]


def _card(books: Books, topics: Topics, topic: int, names: list[str], n_readers: int, match: Match | None) -> Card:
    n_main = int(topics.n_main[topic])
    is_told = n_main != NOT_TOLD
    probable, lifted = topics.most_probable(topic, N_LISTED), topics.largest_lift(topic, N_LISTED)
    typical = topics.most_typical(topic, N_LISTED)
    return Card(
        anchor=anchor(topics.kind, topic),
        nth=topic + 1,
        name=names[topic],
        share=float(topics.shares[topic]),
        n_main=n_main if is_told else None,
        p_main=n_main / n_readers if is_told else None,
        npmi=float(topics.npmi[topic]),
        stability=float(topics.stability[topic]) * len(typical) if len(topics.stability) else None,
        typical=[books.columns["title"][row] for row in typical.tolist()],
        authors=_authors(books, topics, topic),
        probable=_lines(books, probable, topics.p[topic, probable].astype(np.float64)),
        lifted=_lines(books, lifted, topics.lift(topic, lifted)),
        match=match,
    )


def _lines(books: Books, rows: np.ndarray, values: np.ndarray) -> list[Line]:
    largest = max(float(values.max(initial=0)), 1e-12)
    about = (
        (books.columns["title"][row], books.columns["authors"][row], int(books.n_readers[row])) for row in rows.tolist()
    )
    return [
        Line(i, *told, value, round(100 * value / largest, 1))
        for i, (told, value) in enumerate(zip(about, values.tolist(), strict=True), 1)
    ]


def _authors(books: Books, topics: Topics, topic: int) -> list[tuple[str, int]]:
    """First authors of the most typical books kept, with how many of them each wrote, from two on."""
    counted: dict[str, int] = {}
    for row in topics.typical_rows[topic].tolist():
        if author := first_author(books, row):
            counted[author] = counted.get(author, 0) + 1
    most = sorted(counted, key=lambda author: -counted[author])[:N_AUTHORS]
    return [(author, counted[author]) for author in most if counted[author] > 1]


# ---- how large they are -------------------------------------------------------------------


def shares_chart(kind: str, cards: Sequence[Card]) -> Markup:
    """Return a bar per topic: its share of all readings, called by number and name."""
    labels = [f"{card.nth}  {within(card.name, _LABEL_COLUMNS)}" for card in cards]
    values = [
        {
            "topic": label,
            "name": card.name,
            "share": round(card.share, 5),
            "readers": "not told" if card.n_main is None else f"{card.n_main:,}",
        }
        for label, card in zip(labels, cards, strict=True)
    ]
    axis = alt.Axis(ticks=False, domain=False, labelLimit=230, minExtent=0)
    tooltip = ["name:N", alt.Tooltip("share:Q", format=".1%"), alt.Tooltip("readers:N", title="main topic of")]
    chart = (
        alt.Chart(alt.InlineData(values=values))
        .mark_bar(color="var(--fill)", cornerRadiusEnd=1)
        .encode(
            y=alt.Y("topic:N", sort=labels, title=None, axis=axis, scale=alt.Scale(padding=0.25)),
            x=alt.X("share:Q", title="share of all readings", axis=alt.Axis(format=".0%", tickCount=4)),
            tooltip=tooltip,
        )
        .properties(width="container", height=_ROW_HEIGHT * len(cards))
    )
    largest = cards[0]
    summary = (
        f"How the readings divide between the {len(cards)} topics of {MODEL_NAMES[kind]}: the largest has "
        f"{percent(largest.share)}, an equal part would be {percent(1 / len(cards))}."
    )
    rows = [(f"{card.nth}", card.name, percent(card.share), card.n_main, card.npmi) for card in cards]
    table = Table(("topic", "name", "of all readings", "readers whose main topic it is", "coherence (NPMI)"), rows)
    return chart_html(chart, name=f"shares-{kind}", summary=summary, table=table)


def columns(text: str) -> int:
    """Return how wide a text is; East Asian wide characters count two."""
    return sum(_width(letter) for letter in text)


def within(text: str, n_columns: int) -> str:
    """Return `text`, cut with an ellipsis where it is wider than `n_columns`."""
    if columns(text) <= n_columns:
        return text
    taken, kept = 1, 0
    while taken + _width(text[kept]) <= n_columns:
        taken, kept = taken + _width(text[kept]), kept + 1
    return f"{text[:kept].rstrip()}…"


def _width(letter: str) -> int:
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1
