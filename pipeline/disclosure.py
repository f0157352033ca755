"""What may be told of how many readers two books share, so that nobody learns what a known reader has read. numpy only.

Two things would tell it. A small count: whoever knows a reader of a rare book has few left to look for among the
readers of the other. And a count that leaves out few: if all readers of a book have read another, whoever knows one of
them knows another of that person's books (statistical disclosure control calls it group disclosure: Hundepool et al.
2012, "Statistical Disclosure Control"). Both are withheld by a threshold, on the count and on what it leaves out,
together with all that would give the count back: lift, Jaccard, and what those readers also read.
"""

from __future__ import annotations

import numpy as np

from data.release import Release

DEFAULT_MIN_READERS = 5


def is_told(
    n_shared: np.ndarray | int, n_one: np.ndarray | int, n_other: np.ndarray | int, min_readers: int
) -> np.ndarray:
    """Return which counts of shared readers may be told, bool of the shape the counts are broadcast to.

    Parameters
    ----------
    n_shared
        Readers in both of two groups: of two books, say.
    n_one, n_other
        Readers in either.
    min_readers
        Readers that must be shared, and by which the smaller group must exceed those shared.
    """
    left = np.minimum(n_one, n_other) - np.asarray(n_shared)
    return np.asarray((np.asarray(n_shared) >= min_readers) & (left >= min_readers))


def parts_told(counts: np.ndarray, min_readers: int) -> np.ndarray:
    """Return which parts of a published total of readers may be told, bool (n,).

    Small parts are withheld; what the others leave of the total must then be of two parts at least and no smaller than
    `min_readers`, so that the next smallest are withheld with them (complementary suppression, Hundepool et al. 2012).
    """
    counts = np.asarray(counts)
    told = counts >= min_readers
    for smallest in np.argsort(counts, kind="stable"):
        withheld = counts[~told]
        if not len(withheld) or (len(withheld) > 1 and withheld.sum() >= min_readers):
            break
        told[smallest] = False
    return told


def runs_told(counts: np.ndarray, min_readers: int) -> list[list[int]]:
    """Return neighbouring groups of readers put together until each has as many as may be told.

    Groups without readers are left out. The smallest goes with its smaller neighbour (global recoding, Hundepool et al.
    2012): nothing is then withheld that a total would give away. What is left of all too few is one group, too small.

    Parameters
    ----------
    counts
        int (n_groups,), readers of groups that follow each other.
    """
    runs = [[i] for i, n in enumerate(np.asarray(counts).tolist()) if n]

    def size(place: int) -> int:
        return sum(int(counts[i]) for i in runs[place])

    while len(runs) > 1 and size(smallest := min(range(len(runs)), key=size)) < min_readers:
        beside = min((place for place in (smallest - 1, smallest + 1) if 0 <= place < len(runs)), key=size)
        first, second = sorted((smallest, beside))
        runs[first : second + 1] = [runs[first] + runs[second]]
    return runs


def least_told(release: Release) -> int:
    """Return the readers below which nothing of a count is told: the release's `corpus.min_readers`."""
    return int(release.manifest["settings"].get("corpus", {}).get("min_readers", DEFAULT_MIN_READERS))
