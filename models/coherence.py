"""Coherence of topics: how often their first books are read by the same readers.

The mean normalised pointwise mutual information of the pairs of a topic's first books (Bouma 2009; Lau, Newman and
Baldwin 2014), with the share of readers who read a book, or both, as probability:

    npmi(i, j) = log(p_ij / (p_i p_j)) / -log p_ij

A pair that nobody read both of is -1, and one of which a book has no reader at all is 0: there is no evidence.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

N_COHERENT = 10  # first books of a topic


def top_books(typical: np.ndarray, n: int) -> np.ndarray:
    """Return the `n` most typical books of each topic, int64 (n_topics, n), from (n_topics, n_books); ties by row."""
    ordered: np.ndarray = np.argsort(-typical, axis=1, kind="stable")[:, :n]
    return ordered


def npmi(tops: np.ndarray, counts: sp.csr_matrix) -> np.ndarray:
    """Return the coherence of each topic, float64 (n_topics,), between -1 and 1.

    Parameters
    ----------
    tops
        int (n_topics, n), the first books of each; at least two.
    counts
        csr (n_readers, n_books), non-zero where a reader read a book.
    """
    columns = counts.tocsc()
    return np.array([_npmi_of(np.asarray(columns[:, books].toarray() > 0, np.float64)) for books in tops])


def _npmi_of(read: np.ndarray) -> float:
    """Return the mean over the pairs of columns of `read`, 0 or 1, (n_readers, n)."""
    together = read.T @ read / max(len(read), 1)
    first, second = np.triu_indices(len(together), k=1)
    p, p_both = together.diagonal(), together[first, second]
    p_apart = p[first] * p[second]
    with np.errstate(divide="ignore", invalid="ignore"):
        values = np.log(p_both / p_apart) / -np.log(p_both)
    values = np.where(p_both == 0, -1.0, np.where(p_both == 1, 1.0, values))
    return float(np.where(p_apart == 0, 0.0, values).mean())
