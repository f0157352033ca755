"""The table of how good topics are: every figure with its interval, beside what random lists give.

Coherence, purity and stability are means over topics, and their intervals come from resampling the topics: how coherent
a topic is differs more from topic to topic than from sample to sample of the readers. (Resampling the readers would
bias coherence downwards: a pair of books that one held-out reader shares is missing from a third of the samples, and
its NPMI then falls to -1.) Perplexity and its gain over the unigram are means over hidden readings, and their intervals
come from resampling the readers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from data.release import Books
from data.seeds import derive_seed
from pipeline.config import EvaluationConfig
from pipeline.judge_topics import N_TOP, JudgedTopics, TopicQuality
from pipeline.metrics import Interval, bootstrap_interval
from pipeline.topic_match import matched_overlap
from pipeline.topic_names import first_author

DUPLICATE = 0.5  # overlap of the most typical books from which two topics are one
DEAD = 0.1  # a topic is dead that has less than this share of an equal part of the readings
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


def diversity(top: np.ndarray) -> float:
    """Return the share of different books among those of all lists (n_topics, n) (Dieng et al. 2020)."""
    return len(np.unique(top)) / top.size


def n_duplicates(top: np.ndarray) -> int:
    """Return how many lists (n_topics, n) have at least `DUPLICATE` of their books in common with an earlier one."""
    return sum(
        any(np.isin(top[later], top[earlier]).mean() >= DUPLICATE for earlier in range(later))
        for later in range(len(top))
    )


def purity(top: np.ndarray, books: Books) -> np.ndarray:
    """Return the share of each list (n_topics, n) that its commonest first author wrote, float64 (n_topics,)."""
    shares = []
    for rows in top:
        authors = [first_author(books, row) or f"unknown {row}" for row in rows.tolist()]
        shares.append(max(authors.count(author) for author in authors) / len(authors))
    return np.array(shares)


def stability(tops: Sequence[np.ndarray]) -> np.ndarray | None:
    """Return how much of each list of the first model its match in each other model has, float64 (n_topics,)."""
    first, *others = tops
    return np.mean([matched_overlap(first, other) for other in others], axis=0) if others else None


def _row(
    judged: TopicQuality, one: JudgedTopics, books: Books, average: Average, config: EvaluationConfig, seed: int
) -> dict[str, Any]:
    top, random = one.lists.top, judged.random
    stable = stability([other[:, :N_TOP] for other in one.tops])
    return {
        "n_topics": len(top),
        "n_seeds": len(one.tops),
        "n_held_readers": len(judged.n_hidden),
        "npmi_all": _ends(average(one.lists.npmi_all)),
        "npmi_held": _ends(average(one.lists.npmi_held)),
        "purity": _ends(average(purity(top[:, :N_TOP], books))),
        "stability": None if stable is None else _ends(average(stable)),
        "diversity": diversity(top),
        "n_dead": int((one.shares < DEAD / len(top)).sum()),
        "n_duplicates": n_duplicates(top[:, :N_TOP]),
        "perplexity": list(perplexity(one.log_p, judged.n_hidden, config, seed)),
        "gain": list(per_reading(one.log_p - judged.log_unigram, judged.n_hidden, config, seed)),
        "unigram": list(perplexity(judged.log_unigram, judged.n_hidden, config, seed)),
        "random": {
            "npmi_all": _ends(average(random.npmi_all)),
            "npmi_held": _ends(average(random.npmi_held)),
            "purity": _ends(average(purity(random.top[:, :N_TOP], books))),
            **_of_random_lists(random.top, len(top), seed),
        },
    }


def _of_random_lists(lists: np.ndarray, n_topics: int, seed: int) -> dict[str, float]:
    """Diversity of so many random lists, and stability between two such sets without a list in common, on average."""
    random = np.random.default_rng(derive_seed(seed, "topics/random-sets"))
    n = min(n_topics, len(lists) // 2)
    drawn = [lists[random.permutation(len(lists))] for _ in range(_N_RANDOM_PAIRS)]
    stable = [matched_overlap(one[:n, :N_TOP], one[n : 2 * n, :N_TOP]).mean() for one in drawn]
    return {"diversity": float(np.mean([diversity(one[:n]) for one in drawn])), "stability": float(np.mean(stable))}


def _ends(interval: Interval) -> list[float]:
    return [interval.mean, interval.low, interval.high]
