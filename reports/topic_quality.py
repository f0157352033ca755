"""How good topics are, as a reader of a report sees it: models side by side, each figure beside what chance gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.gates import JUDGED_SPLIT
from pipeline.trust_topics import MODEL_NAMES
from reports.document import count, decimal, percent

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Figure:
    """One figure of one model, in words: the value, its interval and what chance gives, empty where there is none."""

    value: str
    interval: str
    chance: str
    is_best: bool


@dataclass(frozen=True)
class Measure:
    """One row of the table: what is measured, what it means, and a figure per model."""

    name: str
    meaning: str
    figures: Sequence[Figure]


def measures(table: Mapping[str, Row], quality: Sequence[Row]) -> tuple[list[str], list[Measure]]:
    """Return the names of the models, and the rows of the table.

    Parameters
    ----------
    table
        Kind -> row, as `pipeline.topic_quality.quality_table` writes it.
    quality
        Rows of ``quality.json``, which say how well a model ranks.
    """
    rows = [
        *_coherence(table),
        *_of_lists(table),
        _measure(
            "perplexity of hidden books",
            "among how many equally likely books one hidden book is found, so to say; lower is better",
            table,
            lambda row: (row["perplexity"], f"frequency of books {row['unigram'][0]:,.0f}"),
            lambda value: f"{value:,.0f}",
            lower=True,
        ),
        _measure(
            "gain over the frequency of books",
            "per hidden book, in nats; 0 is none",
            table,
            lambda row: (row["gain"], ""),
            lambda value: decimal(value, 3, sign=True),
        ),
        *_as_ranking(table, quality),
    ]
    return [MODEL_NAMES[kind] for kind in table], rows


def _coherence(table: Mapping[str, Row]) -> list[Measure]:
    return [
        _measure(
            "coherence on held-out readers",
            "NPMI: how much the ten most typical books of a topic are read together by readers it was not learned "
            "from; 1 always together, 0 as often as by chance, −1 never (most pairs of random lists)",
            table,
            lambda row: (row["npmi_held"], f"random lists {decimal(row['random']['npmi_held'][0])}"),
            decimal,
        ),
        _measure(
            "coherence on all readers",
            "the same, of everybody",
            table,
            lambda row: (row["npmi_all"], f"random lists {decimal(row['random']['npmi_all'][0])}"),
            decimal,
        ),
    ]


def _of_lists(table: Mapping[str, Row]) -> list[Measure]:
    return [
        _measure(
            "different books",
            "of the 25 most typical of every topic, the share that no other topic has too",
            table,
            lambda row: ([row["diversity"]], f"random lists {percent(row['random']['diversity'])}"),
            percent,
        ),
        _measure(
            "dead topics, repeated topics",
            "with less than a tenth of an equal part of the readings, or hardly unlike the average; with half of their "
            "25 books in one before",
            table,
            lambda row: ([row["n_dead"] + row["n_duplicates"]], f"of {row['n_topics']}"),
            lambda value: count(int(value)),
            lower=True,
        ),
        _measure(
            "by one author",
            "the share of the ten most typical books that their commonest first author wrote; neither good nor bad",
            table,
            lambda row: (row["purity"], f"random lists {percent(row['random']['purity'][0])}"),
            percent,
            is_ranked=False,
        ),
        _measure(
            "stable",
            "the share of the ten most typical books that return where the model is learned again, "
            "from another seed and a bootstrap sample of the readers",
            table,
            lambda row: (row["stability"] or [], f"random lists {percent(row['random']['stability'])}"),
            percent,
        ),
    ]


def _as_ranking(table: Mapping[str, Row], quality: Sequence[Row]) -> list[Measure]:
    """How well books are ranked for a reader, as the other models are judged; nothing where that was not measured."""
    of = {row["model"]: row for row in quality if (row["split"], row["metric"]) == (JUDGED_SPLIT, "ndcg100")}
    if not {"popularity", *table} <= of.keys():
        return []
    bestsellers = f"bestsellers {decimal(of['popularity']['mean'], 3)}"
    ranked = {kind: {"ndcg": [of[kind][name] for name in ("mean", "low", "high")]} for kind in table}
    return [
        _measure(
            "NDCG@100",
            "how well it ranks books for a reader it has never seen",
            ranked,
            lambda row: (row["ndcg"], bestsellers),
            lambda value: decimal(value, 3),
        )
    ]


def _measure(
    name: str,
    meaning: str,
    table: Mapping[str, Row],
    found: Callable[[Row], tuple[Sequence[float], str]],
    said: Callable[[float], str],
    *,
    lower: bool = False,
    is_ranked: bool = True,
) -> Measure:
    """Return a row of the table; the best figure is marked where one is better than another."""
    measured = [found(row) for row in table.values()]
    firsts = [ends[0] for ends, _ in measured if ends]
    best = (min if lower else max)(firsts, default=None)
    is_one = is_ranked and len(set(firsts)) > 1
    figures = []
    for ends, chance in measured:
        if not ends:
            figures.append(Figure("not measured", "", "", False))
            continue
        interval = f"{said(ends[1])} to {said(ends[2])}" if len(ends) > 1 else ""
        figures.append(Figure(said(ends[0]), interval, chance, is_one and ends[0] == best))
    return Measure(name, meaning, figures)
