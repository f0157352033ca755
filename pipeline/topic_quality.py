"""The table of how good topics are: every figure with its interval, beside what random lists give.

Coherence, purity and stability are means over topics, and their intervals come from resampling the topics: how coherent
a topic is differs more from topic to topic than from sample to sample of the readers. (Resampling the readers would
bias coherence downwards: a pair of books that one held-out reader shares is missing from a third of the samples, and
its NPMI then falls to -1.) Perplexity and its gain over the unigram are means over hidden readings, and their intervals
come from resampling the readers.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from data.release import Books
from data.seeds import derive_seed
from models.coherence import N_COHERENT
from pipeline.config import EvaluationConfig
from pipeline.judge_topics import JudgedTopics, TopicQuality
from pipeline.metrics import Interval, bootstrap_interval
from pipeline.topic_metrics import diversity, duplicates, label_purity, matched_overlap, stability
from pipeline.topic_names import first_author

_N_RANDOM_PAIRS = 20  # pairs of sets of random lists behind the diversity and the stability of such lists

Average = Callable[[np.ndarray], Interval]


def quality_table(judged: TopicQuality, books: Books, config: EvaluationConfig, seed: int) -> dict[str, Any]:
    """Return how good the topics of each model are, as JSON values.

    Returns
    -------
    dict
        Kind -> ``n_topics, n_seeds, n_held_readers``; ``npmi_all, npmi_held, purity`` and ``stability`` (None from one
        seed), ``perplexity`` and ``gain`` (nats per hidden reading over the unigram), each as mean, low, high;
        ``diversity``, ``n_dead`` and ``n_duplicates``; ``unigram`` (its perplexity); and, in ``random``, the same
        figures of random lists.
    """
    average = partial(
        bootstrap_interval,
        n_bootstrap=config.n_bootstrap,
        level=config.level,
        seed=derive_seed(seed, "topics/bootstrap"),
    )
    return {kind: _row(judged, one, books, average, config, seed) for kind, one in judged.models.items()}


def perplexity(
    log_p: np.ndarray, n_hidden: np.ndarray, config: EvaluationConfig, seed: int
) -> tuple[float, float, float]:
    """Return the perplexity of the hidden readings and its interval over resampled readers.

    Parameters
    ----------
    log_p
        Sum of log probabilities of each reader (n_readers,).
    n_hidden
        Hidden books of each reader.
    """
    mean, low, high = per_reading(log_p, n_hidden, config, seed)
    return float(np.exp(-mean)), float(np.exp(-high)), float(np.exp(-low))


def per_reading(
    total: np.ndarray, n_hidden: np.ndarray, config: EvaluationConfig, seed: int
) -> tuple[float, float, float]:
    """Return the mean per hidden reading of what each reader's come to, and its interval over resampled readers."""
    random = np.random.default_rng(derive_seed(seed, "topics/bootstrap-readers"))
    n = len(total)
    drawn = (random.integers(0, n, n) for _ in range(config.n_bootstrap))
    means = [total[rows].sum() / n_hidden[rows].sum() for rows in drawn]
    low, high = np.quantile(means, [(1 - config.level) / 2, (1 + config.level) / 2])
    return float(total.sum() / n_hidden.sum()), float(low), float(high)


def _row(
    judged: TopicQuality, one: JudgedTopics, books: Books, average: Average, config: EvaluationConfig, seed: int
) -> dict[str, Any]:
    top, random = one.lists.top, judged.random
    authors = [first_author(books, row) for row in range(len(books))]
    stable = stability([other[:, :N_COHERENT] for other in one.tops]) if len(one.tops) > 1 else None
    return {
        "n_topics": len(top),
        "n_seeds": len(one.tops),
        "n_held_readers": len(judged.n_hidden),
        "npmi_all": _ends(average(one.lists.npmi_all)),
        "npmi_held": _ends(average(one.lists.npmi_held)),
        "purity": _ends(average(label_purity(top[:, :N_COHERENT], authors))),
        "stability": None if stable is None else _ends(average(stable)),
        "diversity": diversity(top),
        "n_dead": int(one.is_dead.sum()),
        "n_duplicates": int(duplicates(top).sum()),
        "perplexity": list(perplexity(one.log_p, judged.n_hidden, config, seed)),
        "gain": list(per_reading(one.log_p - judged.log_unigram, judged.n_hidden, config, seed)),
        "unigram": list(perplexity(judged.log_unigram, judged.n_hidden, config, seed)),
        "random": {
            "npmi_all": _ends(average(random.npmi_all)),
            "npmi_held": _ends(average(random.npmi_held)),
            "purity": _ends(average(label_purity(random.top[:, :N_COHERENT], authors))),
            **_of_random_lists(random.top, len(top), seed),
        },
    }


def _of_random_lists(lists: np.ndarray, n_topics: int, seed: int) -> dict[str, float]:
    """Diversity of so many random lists, and stability between two such sets without a list in common, on average."""
    random = np.random.default_rng(derive_seed(seed, "topics/random-sets"))
    n = min(n_topics, len(lists) // 2)
    drawn = [lists[random.permutation(len(lists))] for _ in range(_N_RANDOM_PAIRS)]
    stable = [matched_overlap(one[:n, :N_COHERENT], one[n : 2 * n, :N_COHERENT]).mean() for one in drawn]
    return {"diversity": float(np.mean([diversity(one[:n]) for one in drawn])), "stability": float(np.mean(stable))}


def _ends(interval: Interval) -> list[float]:
    return [interval.mean, interval.low, interval.high]
