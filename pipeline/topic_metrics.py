"""How good topics are: coherent, different from each other, found again, and what they predict.

*Coherence* is `models.coherence.npmi`; any figure names the readers it was counted on.

*Diversity* is the share of different books among the first 25 of all topics (Dieng, Ruiz and Blei 2020). A topic is a
*duplicate* if at least half of its first books are among those of one topic before it, and *dead* if it has less than a
tenth of an equal share of the readings, or is the average of all topics but for a tenth of its probability (total
variation). *Stability* matches the topics of two fits one to one so that as many first books as possible agree
(Hungarian), and is the share that does.

*Perplexity* is of document completion: books hidden from readers of whom the others are shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import scipy.sparse as sp
from scipy.optimize import linear_sum_assignment

N_DIVERSE = 25  # first books of a topic; stability takes those that coherence takes
DUPLICATE_OVERLAP = 0.5
DEAD_SHARE = 0.1  # of an equal share of the readings
DEAD_DISTANCE = 0.1  # total variation from the average of all topics
BACKGROUND_WEIGHT = 0.01
_LEAST_P = 1e-12  # what a model may say at least in raw perplexity


def diversity(tops: np.ndarray) -> float:
    """Return the share of different books among the first books of all topics, int (n_topics, n)."""
    return len(np.unique(tops)) / tops.size


def duplicates(tops: np.ndarray) -> np.ndarray:
    """Return which topics repeat one before them, bool (n_topics,), from their first books, int (n_topics, n)."""
    repeats: np.ndarray = np.any(np.tril(_overlap(tops, tops), k=-1) >= DUPLICATE_OVERLAP, axis=1)
    return repeats


def dead(topics: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Return which topics are hardly read or hardly differ from the average, bool (n_topics,).

    Parameters
    ----------
    topics
        (n_topics, n_books), rows sum to 1.
    shares
        (n_topics,), share of all readings of each, summing to 1.
    """
    distance = np.abs(topics - shares @ topics).sum(axis=1) / 2
    result: np.ndarray = shares < DEAD_SHARE / len(topics)
    if len(topics) > 1:  # one topic is its own average, and no failure
        result = result | (distance < DEAD_DISTANCE)
    return result


def matched_overlap(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the share of the first books of each topic of `first` that its match in `second` has too.

    Parameters
    ----------
    first, second
        int (n_topics, n), the first books of each topic of two fits.

    Returns
    -------
    ndarray
        float64 (n_topics,), in the order of `first`.
    """
    overlap = _overlap(first, second)
    rows, columns = linear_sum_assignment(-overlap)
    matched = np.zeros(len(first))
    matched[rows] = overlap[rows, columns]
    return matched


def stability(fits: Sequence[np.ndarray]) -> np.ndarray:
    """Return how much of each topic of the first fit the others find again, float64 (n_topics,): the mean overlap.

    Raises
    ------
    ValueError
        If there is no other fit.
    """
    if len(fits) < 2:
        raise ValueError(f"{len(fits)} fit: stability compares at least two")
    means: np.ndarray = np.mean([matched_overlap(fits[0], other) for other in fits[1:]], axis=0)
    return means


def mean_stability(fits: Sequence[np.ndarray]) -> float:
    """Return the mean matched overlap over all topics and all pairs of fits."""
    return float(np.mean([matched_overlap(one, other).mean() for one, other in combinations(fits, 2)]))


def _overlap(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the share of common books of every pair of topics, float64 (n_first, n_second)."""
    return np.array([[len(np.intersect1d(a, b)) / len(a) for b in second] for a in first])


@dataclass(frozen=True)
class Perplexity:
    """Perplexity of hidden books.

    Attributes
    ----------
    raw
        Of the model alone.
    mixed
        Of the model with `BACKGROUND_WEIGHT` of the smoothed unigram mixed in: one impossible book is then no ruin.
    unigram
        Of the smoothed unigram alone.
    """

    raw: float
    mixed: float
    unigram: float


def completion_perplexity(predicted: np.ndarray, hidden: sp.csr_matrix, train: sp.csr_matrix) -> Perplexity:
    """Return the perplexity of the books hidden from readers, each as often as it was read.

    Parameters
    ----------
    predicted
        (n_rows, n_books), probability of every book from the books shown; rows are made to sum to 1.
    hidden
        csr (n_rows, n_books).
    train
        csr (n_readers, n_books), whose readings, half a one more for every book, are the unigram.
    """
    unigram = np.asarray(train.sum(axis=0), np.float64).ravel() + 0.5
    unigram /= unigram.sum()
    pairs = hidden.tocoo()
    times = pairs.data.astype(np.float64)
    total = np.maximum(predicted.sum(axis=1, dtype=np.float64), 1e-300)
    p = predicted[pairs.row, pairs.col].astype(np.float64) / total[pairs.row]
    u = unigram[pairs.col]

    def perplexity(p: np.ndarray) -> float:
        return float(np.exp(-(times @ np.log(p)) / times.sum()))

    mixed = (1 - BACKGROUND_WEIGHT) * p + BACKGROUND_WEIGHT * u
    return Perplexity(perplexity(np.maximum(p, _LEAST_P)), perplexity(mixed), perplexity(u))


def label_purity(tops: np.ndarray, labels: Sequence[str | None]) -> np.ndarray:
    """Return the share of each topic's first books that have its most frequent label, float64 (n_topics,).

    Labels are authors or genres, one a book; a book without (None or empty) agrees with no other.
    """
    own = [labels[book] or f"\0{book}" for book in range(len(labels))]
    most = [Counter(own[book] for book in books).most_common(1)[0][1] for books in tops.tolist()]
    purity: np.ndarray = np.array(most, np.float64) / tops.shape[1]
    return purity


def cluster_purity(clusters: np.ndarray, labels: np.ndarray) -> float:
    """Return the share of documents that have the most frequent label of their cluster, both int (n_documents,)."""
    return float(_contingency(clusters, labels).max(axis=1).sum() / len(labels))


def cluster_nmi(clusters: np.ndarray, labels: np.ndarray) -> float:
    """Return the mutual information of clusters and labels over the mean of their entropies (0 where both are 0)."""
    joint = _contingency(clusters, labels) / len(labels)

    def entropy(p: np.ndarray) -> float:
        return float(-(p[p > 0] * np.log(p[p > 0])).sum())

    of_clusters, of_labels = entropy(joint.sum(axis=1)), entropy(joint.sum(axis=0))
    mean = (of_clusters + of_labels) / 2
    return (of_clusters + of_labels - entropy(joint)) / mean if mean > 0 else 0.0


def _contingency(clusters: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return how many documents each cluster has of each label, float64 (n_clusters, n_labels)."""
    _, row = np.unique(clusters, return_inverse=True)
    _, column = np.unique(labels, return_inverse=True)
    table = np.zeros((row.max() + 1, column.max() + 1))
    np.add.at(table, (row, column), 1)
    return table
