"""Ranking books for a reader in a space: the density of what the reader read, and how many readers a book has.

A reader is the mixture of von Mises-Fisher densities around the books shown, all of one concentration kappa, and a
book scores by the log of the density at its vector (a kernel density estimate on the sphere, Hall, Watson and
Cabrera 1987) plus the weighted log of its readers, a prior to a power:

    score_j = log mean_b exp(kappa (cos(b, j) - 1)) + popularity_weight * log n_j

As kappa goes to 0 that ranks by the cosine with the mean of the books shown, the usual rule; as it grows, by the
nearest of them. A reader of several tastes has no middle: on validation readers the mixture found far more hidden
books than the mean in every space tried (CHANGELOG.md).
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

MAX_CONCENTRATION = 40.0  # exp(-2 kappa), the density at the far side, is still a float32
_BLOCK = 1024  # books whose densities are dense at a time


def density_scores(
    vectors: np.ndarray, visible: sp.csr_matrix, n_readers: np.ndarray, concentration: float, popularity_weight: float
) -> np.ndarray:
    """Return the score of every book for every row of `visible`, float32 (n_rows, n_books).

    Parameters
    ----------
    vectors
        float32 (n_books, n_dims), of length 1; zero for a book of which nothing is known, which is equally near to all.
    visible
        csr (n_rows, n_books), non-zero where the reader read the book; who shows nothing is equally near to all.
    n_readers
        int64 (n_books,); books without readers score ``-inf``.
    """
    scores = _density(vectors, visible, concentration)
    n_shown = visible.getnnz(axis=1).astype(np.float32)
    scores[n_shown == 0] = 1
    scores /= np.maximum(n_shown, 1)[:, None]
    np.log(scores, out=scores)
    popularity = np.log(np.maximum(n_readers, 1)).astype(np.float32)
    scores += np.float32(popularity_weight) * popularity
    scores[:, n_readers == 0] = -np.inf
    return scores


def _density(vectors: np.ndarray, visible: sp.csr_matrix, concentration: float) -> np.ndarray:
    """Return the sum over the books shown of the densities around them, relative to their modes."""
    total = np.zeros(visible.shape, np.float32)
    shown = np.flatnonzero(visible.getnnz(axis=0))
    columns = visible.astype(np.float32).tocsc()
    for start in range(0, len(shown), _BLOCK):
        books = shown[start : start + _BLOCK]
        around = vectors[books] @ vectors.T
        around -= 1
        around *= np.float32(concentration)
        total += columns[:, books] @ np.exp(around, out=around)
    return total
