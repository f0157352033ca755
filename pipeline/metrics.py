"""How well hidden books are found, per reader, and how sure we are of the mean.

Recall@k is hits / min(k, hidden books); NDCG@100 is binary with the ideal truncated at 100 (as in Liang
et al. 2018). Every book the reader has not shown is ranked. Ties are broken by the lower row.
Intervals are percentile bootstraps over readers; differences are paired by reader.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from pipeline.ranking import top_columns

RECALL_AT = (20, 50)
NDCG_AT = 100
METRICS = ("recall20", "recall50", "ndcg100")


@dataclass(frozen=True)
class Interval:
    """A mean and its bootstrap interval."""

    mean: float
    low: float
    high: float


def ranking_metrics(scores: np.ndarray, visible: sp.csr_matrix, hidden: sp.csr_matrix) -> dict[str, np.ndarray]:
    """Return `METRICS` of each row, float64 (n_rows,).

    Parameters
    ----------
    scores
        float (n_rows, n_books), higher is better; left as it is.
    visible, hidden
        csr (n_rows, n_books); each row of `hidden` has at least one book.
    """
    ranked = scores.astype(np.float64)
    ranked[visible.nonzero()] = -np.inf
    top = top_columns(ranked, NDCG_AT)
    is_hidden = hidden.toarray() > 0
    hits = np.take_along_axis(is_hidden, top, axis=1) & np.isfinite(np.take_along_axis(ranked, top, axis=1))
    n_hidden = is_hidden.sum(axis=1)
    result = {f"recall{k}": hits[:, :k].sum(axis=1) / np.minimum(k, n_hidden) for k in RECALL_AT}
    discount = 1 / np.log2(np.arange(2, NDCG_AT + 2))
    ideal = np.cumsum(discount)[np.minimum(n_hidden, NDCG_AT) - 1]
    result["ndcg100"] = (hits * discount[: hits.shape[1]]).sum(axis=1) / ideal
    return result


def bootstrap_interval(values: np.ndarray, *, n_bootstrap: int, level: float, seed: int) -> Interval:
    """Return the mean of `values` (n,) and the percentile interval of coverage `level` over resamples."""
    random = np.random.default_rng(seed)
    n = len(values)
    means = np.array([values[random.integers(0, n, n)].mean() for _ in range(n_bootstrap)])
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(values.mean()), float(low), float(high))
