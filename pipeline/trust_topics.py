"""Which model of topics to trust here, and for what: two questions, one rule each, said in plain words.

To *read* (which topics are there?), a model's topics must hold together on readers it has never seen, and differ:

- their held-out coherence lies above that of random lists of books, the two intervals apart;
- at least `MIN_DIVERSITY` of their most typical books are of one topic only;
- at most one topic in ten is dead or repeats another.

Of two such models the one with the higher coherence, if beyond chance; else the more stable one, if the intervals are
apart; else either, and the one with the higher coherence is named first.

To *predict* (what will a reader read next?), a model's gain over the frequency of books must lie above 0 beyond chance.
Of two such models the one with the lower perplexity; where the difference, paired by reader, may be chance, that is
said. Neither may do: then nobody is trusted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from data.seeds import derive_seed
from pipeline.config import EvaluationConfig
from pipeline.judge_topics import TopicQuality
from pipeline.topic_quality import per_reading

MIN_DIVERSITY = 0.7
MAX_USELESS = 0.1  # dead and repeated topics, as a share
MIN_STABLE = 0.5  # below it a warning goes with the topics: most of their books change with the readers
MODEL_NAMES = {"lda": "LDA", "prodlda": "ProdLDA"}
Table = Mapping[str, Mapping[str, Any]]  # `pipeline.topic_quality.quality_table`


def verdict(judged: TopicQuality, table: Table, config: EvaluationConfig, seed: int) -> dict[str, Any]:
    """Return whom to trust, as JSON values.

    Returns
    -------
    dict
        ``read`` and ``predict``: the kind to trust, or None; ``to_read`` and ``to_predict``: why, a sentence or two
        each.
    """
    to_read, read = _to_read(judged, table, config, seed)
    to_predict, predict = _to_predict(judged, table, config, seed)
    return {"read": read, "predict": predict, "to_read": to_read, "to_predict": to_predict}


def faults(row: Mapping[str, Any]) -> list[str]:
    """Return why topics are not to be read, a clause each; empty if they are."""
    found = []
    held, random = row["npmi_held"], row["random"]["npmi_held"]
    if held[1] <= random[2]:
        found.append(
            f"on held-out readers they hold together no better than random lists do (NPMI {_interval(held)}, random "
            f"lists {_interval(random)})"
        )
    if row["diversity"] < MIN_DIVERSITY:
        found.append(f"they are too much alike (only {row['diversity']:.0%} of their books are different ones)")
    useless = row["n_dead"] + row["n_duplicates"]
    if useless > MAX_USELESS * row["n_topics"]:
        found.append(f"{useless} of {row['n_topics']} have hardly a reading or repeat another")
    return found


def _to_read(judged: TopicQuality, table: Table, config: EvaluationConfig, seed: int) -> tuple[str, str | None]:
    wrong = {kind: faults(row) for kind, row in table.items()}
    good = [kind for kind, found in wrong.items() if not found]
    told = [
        f"{MODEL_NAMES[kind]}’s topics are not to be read: {'; '.join(found)}."
        for kind, found in wrong.items()
        if found
    ]
    if not good:
        first = ["Neither model’s topics are to be read here."] if len(table) > 1 else []
        return " ".join([*first, *told]), None
    alone = good[0], MODEL_NAMES[good[0]], ""
    chosen, named, why = alone if len(good) == 1 else _better_of_two(judged, table, good, config, seed)
    row = table[chosen]
    trusted = (
        f"To see which topics there are, trust {named}: on held-out readers its topics hold together "
        f"(NPMI {_interval(row['npmi_held'])}; random lists {_interval(row['random']['npmi_held'])}){why}."
    )
    return " ".join([trusted, *told, *_warning(row)]), chosen


def _better_of_two(
    judged: TopicQuality, table: Table, good: list[str], config: EvaluationConfig, seed: int
) -> tuple[str, str, str]:
    """Choose between two readable models; return the kind, the name or names to trust, and why."""
    best, other = sorted(good, key=lambda kind: -table[kind]["npmi_held"][0])
    said = {kind: f"{MODEL_NAMES[kind]}’s ({_interval(table[kind]['npmi_held'])})" for kind in good}
    if _coherence_differs(judged, best, other, config, seed):
        return best, MODEL_NAMES[best], f", more than {said[other]}"
    stable = {kind: table[kind]["stability"] or [0.0, 0.0, 1.0] for kind in good}
    chosen, left = sorted(good, key=lambda kind: -stable[kind][0])
    if stable[chosen][1] <= stable[left][2]:
        as_stable = ", and are as stable," if all(table[kind]["stability"] for kind in good) else ","
        return best, f"{MODEL_NAMES[best]} or {MODEL_NAMES[other]}", f", as do{as_stable} within chance, {said[other]}"
    returns = {kind: f"{10 * stable[kind][0]:.1f}" for kind in good}
    return (
        chosen,
        MODEL_NAMES[chosen],
        f", as do, within chance, {said[left]}; but of the ten most typical books of a topic {returns[chosen]} "
        f"return when it is learned again from resampled readers, of {MODEL_NAMES[left]}’s {returns[left]}",
    )


def _coherence_differs(judged: TopicQuality, best: str, other: str, config: EvaluationConfig, seed: int) -> bool:
    """Say whether the mean coherence of one model is higher beyond chance; topics are resampled, of each model."""
    random = np.random.default_rng(derive_seed(seed, "topics/bootstrap-difference"))
    one, two = (judged.models[kind].lists.npmi_held for kind in (best, other))
    drawn = [random.choice(values, (config.n_bootstrap, len(values))).mean(axis=1) for values in (one, two)]
    return bool(np.quantile(drawn[0] - drawn[1], (1 - config.level) / 2) > 0)


def _warning(row: Mapping[str, Any]) -> list[str]:
    stable = row["stability"]
    if stable is None or stable[0] >= MIN_STABLE:
        return []
    return [
        f"Do not take single topics for facts: only {10 * stable[0]:.1f} of the ten most typical books of a topic "
        "return when it is learned again from resampled readers."
    ]


def _to_predict(judged: TopicQuality, table: Table, config: EvaluationConfig, seed: int) -> tuple[str, str | None]:
    unigram = next(iter(table.values()))["unigram"][0]
    good = sorted((kind for kind in table if table[kind]["gain"][1] > 0), key=lambda kind: table[kind]["perplexity"][0])
    measured = {kind: f"{table[kind]['perplexity'][0]:,.0f}" for kind in table}
    if not good:
        said = " and ".join(f"{MODEL_NAMES[kind]} {measured[kind]}" for kind in table)
        nobody = "neither model says" if len(table) > 1 else "it does not say"
        return (
            f"For what a reader reads next, {nobody} more than the frequency of books does (perplexity {said}; "
            f"frequency {unigram:,.0f}).",
            None,
        )
    chosen, *others = good
    against = [f"{MODEL_NAMES[kind]} {measured[kind]}" for kind in table if kind != chosen]
    compared = ", ".join([*against, f"frequency of books {unigram:,.0f}"])
    text = (
        f"For what a reader reads next, trust {MODEL_NAMES[chosen]}: perplexity {measured[chosen]}, against {compared}"
    )
    if others and not _predicts_better(judged, chosen, others[0], config, seed):
        text += f"; {MODEL_NAMES[others[0]]} does as well, within chance"
    return f"{text}.", chosen


def _predicts_better(judged: TopicQuality, best: str, other: str, config: EvaluationConfig, seed: int) -> bool:
    difference = judged.models[best].log_p - judged.models[other].log_p
    return per_reading(difference, judged.n_hidden, config, seed)[1] > 0


def _interval(ends: list[float]) -> str:
    mean, low, high = (f"{end:.2f}".replace("-", "−") for end in ends)
    return f"{mean}, {low} to {high}"
