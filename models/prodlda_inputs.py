"""What ProdLDA's encoder is given of the readings, while fitting and after."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

N_DEALS = 5  # steps of expectation maximisation before the encoder looks


def inverse_frequencies(counts: sp.csr_matrix) -> np.ndarray:
    """Return the log of readers over readers of the book, float32 (n_books,); 0 for a book without readers."""
    n_readers = np.asarray((counts > 0).sum(axis=0)).reshape(-1)
    idf: np.ndarray = np.log(counts.shape[0] / np.where(n_readers > 0, n_readers, counts.shape[0])).astype(np.float32)
    return idf


def weighted(counts: sp.csr_matrix, idf: np.ndarray) -> sp.csr_matrix:
    """Return counts times `idf`, float32 (n_books,), rows of length 1, with the same entries in the same order."""
    row = _row_of_entry(counts)
    values = counts.data.astype(np.float32) * idf[counts.indices]
    length = np.sqrt(np.bincount(row, values**2, minlength=counts.shape[0]))
    values /= np.where(length > 0, length, 1)[row].astype(np.float32)
    return sp.csr_matrix((values, counts.indices, counts.indptr), counts.shape)


def dealt_out(counts: sp.csr_matrix, topics: np.ndarray, alpha: float) -> np.ndarray:
    """Return the centred log of each row's mixture, float32 (n_rows, n_topics), after `N_DEALS` steps of EM.

    `topics`, float32 (n_topics, n_books), are taken as they are: the E-step deals each reading out to topics, the
    M-step counts what each topic got, `alpha` added.
    """
    row = _row_of_entry(counts)
    gathered = sp.csr_matrix((np.ones(len(row), np.float32), (row, np.arange(len(row)))), (counts.shape[0], len(row)))
    p = topics.T[counts.indices]  # (n_entries, n_topics)
    theta = np.full((counts.shape[0], len(topics)), 1 / len(topics), np.float32)
    for _ in range(N_DEALS):
        share = p * theta[row]
        share *= (counts.data / share.sum(axis=1))[:, None]
        theta = gathered @ share + np.float32(alpha)
        theta /= theta.sum(axis=1, keepdims=True)
    log_theta = np.log(theta)
    centred: np.ndarray = log_theta - log_theta.mean(axis=1, keepdims=True)
    return centred


def _row_of_entry(counts: sp.csr_matrix) -> np.ndarray:
    return np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
