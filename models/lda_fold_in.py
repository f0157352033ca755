"""The topics of readers where the topics themselves are known: folding in, by collapsed variational Bayes.

For each book i of a reader, g_ik, the probability that topic k made the reader read it, is the fixed point of

    g_ik  ~  beta_k,book(i) (alpha_k + N_k - g_ik)          N_k = sum_i n_i g_ik

that is, the update of CVB0 (Asuncion et al. 2009, equation 19) with the topics held fixed. Given who made which reading
the posterior of the mixture is a Dirichlet of m = alpha + N; with the doubt about that, its moments are, by the law of
total variance and with readings as independent as the variational posterior has them (M = sum m, v_k = sum_i n_i g_ik
(1 - g_ik)),

    E[theta_k] = m_k / M        Var[theta_k] = m_k (M - m_k) / (M^2 (M + 1))  +  v_k / (M (M + 1)).

The first term is the Dirichlet's own; leaving the second out is too sure. For a reader of one book both moments are
those of the exact posterior. Each row goes on until its own largest change is below `TOLERANCE`, so that it does not
depend on who is folded in beside it.

    symbol   name                      shape
    beta     topics                    (n_topics, n_books)
    alpha    prior                     (n_topics,)
    g        responsibilities          (n_readings, n_topics)
    N        expected readings         (n_rows, n_topics)
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from models.topics import TopicPosterior

TOLERANCE = 1e-6  # largest change of a responsibility in one step
MAX_STEPS = 2_000  # a row whose fixed point is reached more slowly stays where it then is
_BLOCK = 200_000  # responsibilities (n_readings, n_topics) held at a time, a row at least


def fold_in(topics: np.ndarray, alpha: np.ndarray, rows: sp.csr_matrix) -> TopicPosterior:
    """Return the posterior of the mixtures of `rows`.

    Parameters
    ----------
    topics
        float64 (n_topics, n_books), positive where a book occurs in `rows`.
    alpha
        float64 (n_topics,), above 0.
    rows
        csr (n_rows, n_books), how often each book was read.
    """
    counts = sp.csr_matrix(rows)
    n_rows, n_topics = counts.shape[0], len(alpha)
    expected, spread = np.zeros((n_rows, n_topics)), np.zeros((n_rows, n_topics))
    first = 0
    while first < n_rows:
        most = counts.indptr[first] + _BLOCK // n_topics
        last = max(int(np.searchsorted(counts.indptr, most, side="right")) - 1, first + 1)
        expected[first:last], spread[first:last] = _fixed_point(topics, alpha, counts[first:last])
        first = last
    m = alpha + expected
    total = m.sum(axis=1, keepdims=True)
    variance = (m * (total - m) / total + spread) / (total * (total + 1))
    return TopicPosterior((m / total).astype(np.float32), np.sqrt(np.maximum(variance, 0)).astype(np.float32))


def _fixed_point(topics: np.ndarray, alpha: np.ndarray, counts: sp.csr_matrix) -> tuple[np.ndarray, np.ndarray]:
    """Return N and v of each row, both float64 (n_rows, n_topics)."""
    expected = np.zeros((counts.shape[0], len(alpha)))
    spread = np.zeros_like(expected)
    going = np.flatnonzero(np.diff(counts.indptr))
    counts = counts[going]
    likelihood = np.ascontiguousarray(topics.T[counts.indices])
    g = _shares(likelihood * alpha)
    for step in range(MAX_STEPS):
        if not len(going):
            break
        row = np.repeat(np.arange(len(going)), np.diff(counts.indptr))
        times = counts.data.astype(np.float64)
        summing = sp.csr_matrix((times, np.arange(counts.nnz), counts.indptr), shape=(len(going), counts.nnz))
        summed = summing @ g
        updated = _shares(likelihood * (alpha + np.maximum(summed[row] - g, 0)))
        change = np.maximum.reduceat(np.abs(updated - g).max(axis=1), counts.indptr[:-1])
        g = updated
        ended = (change < TOLERANCE) | (step == MAX_STEPS - 1)
        if ended.any():
            expected[going[ended]] = (summing @ g)[ended]
            spread[going[ended]] = (summing @ (g * (1 - g)))[ended]
            kept = ~ended[row]
            counts, going, g, likelihood = counts[np.flatnonzero(~ended)], going[~ended], g[kept], likelihood[kept]
    return expected, spread


def _shares(weights: np.ndarray) -> np.ndarray:
    """Return the rows of `weights` divided by their sums."""
    shares: np.ndarray = weights / weights.sum(axis=1, keepdims=True)
    return shares
