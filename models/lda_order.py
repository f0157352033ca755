"""Topics from expected counts, and the order of books within them.

By probability alone bestsellers stand in several topics. So books less than `least_lift` times as likely in a topic as
in the other topics together come after all that are, and both groups are ordered by probability:

    lift_kw = beta_kw / p_kw          p_kw = sum_(l != k) share_l beta_lw / sum_(l != k) share_l

Relevance, which weighs log probability and log lift (Sievert and Shirley 2014), moves to books of a handful of readers
as soon as lists differ: on validation readers it is less coherent at every diversity (table in CHANGELOG.md).
"""

from __future__ import annotations

import numpy as np

_AFTER = np.float32(1000)  # more than any two log probabilities differ by


def smoothed(expected: np.ndarray, eta: float) -> np.ndarray:
    """Return the posterior means of the topics from expected counts, both float64 (n_topics, n_books)."""
    added = expected + eta
    topics: np.ndarray = added / added.sum(axis=1, keepdims=True)
    return topics


def typical_books(topics: np.ndarray, shares: np.ndarray, least_lift: float) -> np.ndarray:
    """Return the log probability of every book in every topic, less `_AFTER` where its lift is too small.

    Parameters
    ----------
    topics
        float64 (n_topics, n_books), positive, rows sum to 1.
    shares
        (n_topics,), of all readings, in any unit.
    least_lift
        What a book's lift must be at least to stand before others.

    Returns
    -------
    ndarray
        float32 (n_topics, n_books).
    """
    joint = np.asarray(shares, np.float64)[:, None] * topics
    rest = joint.sum(axis=0) - joint
    with np.errstate(divide="ignore", invalid="ignore"):  # a topic that has everything has no others
        lift = topics * rest.sum(axis=1, keepdims=True) / rest
    typical: np.ndarray = np.log(topics).astype(np.float32)
    typical[lift < least_lift] -= _AFTER
    return typical
