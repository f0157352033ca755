"""Which topic of one model is which of another: by the books that stand in both lists, each topic used once.

The overlap of two lists of n books is the share of books they have in common. Topics are matched so that the sum of
their overlaps is largest (Kuhn 1955; `scipy.optimize.linear_sum_assignment`).
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment


def overlaps(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the overlap of every list of `one` (n_one, n) with every one of `other` (n_other, n), float64."""
    if one.shape[1] != other.shape[1]:
        raise ValueError(f"lists of {one.shape[1]} and of {other.shape[1]} books")
    return np.array([[np.isin(a, b).mean() for b in other] for a in one]).reshape(len(one), len(other))


def matches(one: np.ndarray, other: np.ndarray, least: float = 0.0) -> list[tuple[int, int, float]]:
    """Return (row of `one`, row of `other`, overlap) of the matched topics that overlap by more than `least`."""
    found = overlaps(one, other)
    pairs = zip(*linear_sum_assignment(-found), strict=True)
    return [(int(a), int(b), float(found[a, b])) for a, b in pairs if found[a, b] > least]
