"""Where CVB0 starts from: responsibilities at random, or those of a factorisation.

The factorisation is non-negative, of tf-idf (Lee and Seung 1999): of a reading, topic k is responsible in proportion to
W_dk H_kw. It finds many small topics of which random starts, cooled, miss some; of few topics random starts often are
the more coherent. With one start, the default, it is the factorisation; with more, random ones compete with it.

    symbol   name      shape
    W, H     factors   (n_readers, n_topics), (n_topics, n_books)
"""

from __future__ import annotations

import warnings

import numpy as np
import scipy.sparse as sp

_FACTOR_STEPS = 100
_P_RANDOM = 0.1  # share of a factored start that is random: a factor of 0 would stay 0
_LEAST = 1e-12  # a reading that no factor explains is anybody's


def random_start(counts: sp.csr_matrix, n_topics: int, random: np.random.Generator) -> np.ndarray:
    """Return responsibilities drawn uniformly, float64 (n_readings, n_topics); rows sum to 1."""
    return random.dirichlet(np.ones(n_topics), counts.nnz)


def factored_start(counts: sp.csr_matrix, n_topics: int, random: np.random.Generator) -> np.ndarray:
    """Return the responsibilities of a factorisation, float64 (n_readings, n_topics); rows sum to 1.

    Parameters
    ----------
    counts
        csr (n_readers, n_books), of at least `n_topics` readers and books.
    """
    from sklearn.decomposition import NMF
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.feature_extraction.text import TfidfTransformer

    model = NMF(n_topics, init="nndsvda", random_state=int(random.integers(2**31)), max_iter=_FACTOR_STEPS, tol=1e-3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a start need not have converged
        w = model.fit_transform(TfidfTransformer().fit_transform(counts))
    row = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    g = w[row] * model.components_.T[counts.indices] + _LEAST
    g /= g.sum(axis=1, keepdims=True)
    started: np.ndarray = (1 - _P_RANDOM) * g + _P_RANDOM * random_start(counts, n_topics, random)
    return started
