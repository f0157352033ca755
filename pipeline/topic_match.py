"""Which topic of one model is which of another: by the readings they have in common, each topic used once.

Two topics have in common the share of their readings that are of the same books, sum_b min(p_b, q_b), which is one less
the total variation distance: 1 for the same distribution, 0 without a book in common. Lists of typical books would not
do across models, because each orders them in its own way. Topics are matched so that what matched ones have in common
adds up to most (Kuhn 1955; `scipy.optimize.linear_sum_assignment`).
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment


def in_common(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return what every topic of `one` (n_one, n_books) has in common with every one of `other`, float64, 0 to 1."""
    shared = [[np.minimum(p, q).sum(dtype=np.float64) for q in other] for p in one]
    return np.array(shared, np.float64).reshape(len(one), len(other))


def matches(one: np.ndarray, other: np.ndarray, least: float = 0.0) -> list[tuple[int, int, float]]:
    """Return (row of `one`, row of `other`, what they have in common) of matched topics that have at least `least`."""
    found = in_common(one, other)
    pairs = zip(*linear_sum_assignment(-found), strict=True)
    return [(int(a), int(b), float(found[a, b])) for a, b in pairs if found[a, b] >= least]
