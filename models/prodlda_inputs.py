"""What ProdLDA's encoder is given of the readings, while fitting and after."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp


def inverse_frequencies(counts: sp.csr_matrix) -> np.ndarray:
    """Return the log of readers over readers of the book, float32 (n_books,); 0 for a book without readers."""
    n_readers = np.asarray((counts > 0).sum(axis=0)).reshape(-1)
    idf: np.ndarray = np.log(counts.shape[0] / np.where(n_readers > 0, n_readers, counts.shape[0])).astype(np.float32)
    return idf


def weighted(counts: sp.csr_matrix, idf: np.ndarray) -> sp.csr_matrix:
    """Return counts times `idf`, float32 (n_books,), rows scaled to length 1: what the encoder sees."""
    scaled = sp.csr_matrix(counts, dtype=np.float32, copy=True)
    scaled.data *= idf[scaled.indices]
    length = np.sqrt(np.asarray(scaled.multiply(scaled).sum(axis=1), np.float32).reshape(-1))
    return sp.csr_matrix(sp.diags_array(1 / np.where(length > 0, length, np.float32(1))) @ scaled, dtype=np.float32)
