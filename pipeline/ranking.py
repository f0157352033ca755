"""The largest of many scores, ties going to the lower column: one rule for judging and for answering. numpy only.

Most scores need no sorting. The columns are dealt into groups, and the largest score of each group found in one pass
that the processor does many at a time. The k-th largest of these is at most the k-th largest score, so only the few
scores that reach it are looked at again.
"""

from __future__ import annotations

import numpy as np

MAX_GROUPS = 4096  # of which the maxima stay in the nearest cache
GROUP_SIZE = 8  # columns of a group at least
GROUPS_OF_K = 32  # for each of the k: fewer hold several of the largest, of more there are many maxima to sort
ENOUGH_GROUPS = 2  # groups for each of the k: with fewer, too many scores reach the bound
BLOCK_SCORES = 2**19  # scores that are searched at a time, in the second cache
FEW_ROWS = 3  # are searched one by one
CROWDED = 4  # scores reaching the bound, for each of the k, above which a row is searched on its own


def top_columns(scores: np.ndarray, k: int) -> np.ndarray:
    """Return the columns of the `k` largest scores of each row, largest first, int64 (n_rows, min(k, n_columns)).

    Ties go to the lower column, also at the edge of the list: it is the beginning of a stable sort. One row of
    scores (n_columns,) has one row of columns. Scores that are NaN have no order, and the result none with them.
    """
    if scores.ndim == 1:
        columns: np.ndarray = top_columns(scores[None], k)[0]
        return columns
    n_rows, n_columns = scores.shape
    if k < 1 or not n_rows:
        return np.empty((n_rows, min(max(k, 0), n_columns)), np.int64)
    n_groups = min(n_columns // GROUP_SIZE, GROUPS_OF_K * k, MAX_GROUPS)
    if k >= n_columns or n_groups < ENOUGH_GROUPS * k:
        return np.stack([_sorted_top(row, k) for row in scores])
    block = max(1, BLOCK_SCORES // n_columns)
    blocks = (scores[start : start + block] for start in range(0, n_rows, block))
    return np.concatenate([_top_of_groups(some, k, n_groups) for some in blocks])


def _top_of_groups(scores: np.ndarray, k: int, n_groups: int) -> np.ndarray:
    """Return the top `k` columns of some rows by the maxima of groups."""
    n_rows, n_columns = scores.shape
    bounds = _lower_bounds(scores, k, n_groups)
    if n_rows <= FEW_ROWS:
        return np.stack([_top_above(row, bound, k) for row, bound in zip(scores, bounds, strict=True)])
    reaches = scores >= bounds[:, None]
    n_found = np.array(
        [np.count_nonzero(row) for row in reaches]
    )  # with `axis` it adds numbers, at a tenth of the speed
    is_crowded = n_found > CROWDED * k
    crowded, others = np.flatnonzero(is_crowded), np.flatnonzero(~is_crowded)
    reaches[crowded] = False
    rows, columns = np.divmod(np.flatnonzero(reaches), n_columns)
    top = np.empty((n_rows, k), np.int64)
    top[others] = _first(scores, rows, columns, n_found[others], k)
    for row in crowded:
        top[row] = _top_above(scores[row], bounds[row], k)
    return top


def _lower_bounds(scores: np.ndarray, k: int, n_groups: int) -> np.ndarray:
    """Return a number for each row that at least `k` of its scores reach."""
    n_rows, n_columns = scores.shape
    size, n_left = divmod(n_columns, n_groups)
    dealt = scores[:, : size * n_groups].reshape(n_rows, size, n_groups)  # group g: columns g, g + n_groups, ...
    maxima = dealt.max(axis=1)
    if n_left:
        np.maximum(maxima[:, :n_left], scores[:, size * n_groups :], out=maxima[:, :n_left])
    bounds: np.ndarray = np.partition(maxima, n_groups - k, axis=1)[:, n_groups - k]
    return bounds


def _first(scores: np.ndarray, rows: np.ndarray, columns: np.ndarray, n_found: np.ndarray, k: int) -> np.ndarray:
    """Return the `k` best of the columns found in each row, of which there are `n_found`, at least `k`."""
    order = np.lexsort((columns, -scores[rows, columns], rows))
    starts = np.cumsum(n_found) - n_found
    best: np.ndarray = columns[order[starts[:, None] + np.arange(k)]]
    return best


def _top_above(row: np.ndarray, bound: np.floating, k: int) -> np.ndarray:
    """Return the top `k` columns of a row of which at least `k` scores reach `bound`; many may share it."""
    found = np.flatnonzero(row >= bound)
    if len(found) <= CROWDED * k:
        first: np.ndarray = found[np.argsort(-row[found], kind="stable")[:k]]
        return first
    above = found[row[found] > bound]
    if len(above) >= k:
        best: np.ndarray = above[_sorted_top(row[above], k)]
        return best
    at = found[row[found] == bound][: k - len(above)]
    return np.concatenate([above[np.argsort(-row[above], kind="stable")], at])


def _sorted_top(row: np.ndarray, k: int) -> np.ndarray:
    """Return the top `k` columns of one row, by partition and sort."""
    n_columns = len(row)
    if k >= n_columns:
        return np.argsort(-row, kind="stable")
    kth = np.partition(row, n_columns - k)[n_columns - k]
    above = np.flatnonzero(row > kth)
    columns = np.concatenate([above, np.flatnonzero(row == kth)[: k - len(above)]])
    best: np.ndarray = columns[np.argsort(-row[columns], kind="stable")]
    return best
