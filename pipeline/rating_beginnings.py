"""Readers as they begin: known ones of whom only some ratings are shown, as examples of what to say of new readers.

Training ratings, each left out of its own row, are of readers with many ratings. What is learned from them alone says
nothing of somebody who comes with three. So some are asked again with all but a few ratings of their reader forgotten;
how many are kept is even on a logarithmic scale, from none to all but one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data.ratings import Ratings


@dataclass(frozen=True)
class Beginnings:
    """What some readers had rated, and what they are asked.

    Attributes
    ----------
    shown
        Ratings that are kept, of readers numbered anew.
    asked
        Ratings that are asked, of the same readers; none of them is shown.
    reader
        int32 (shown.n_readers,), who the readers are.
    """

    shown: Ratings
    asked: Ratings
    reader: np.ndarray


def beginnings(ratings: Ratings, n_rounds: int, n_asked: int, random: np.random.Generator) -> Beginnings:
    """Return `n_rounds` beginnings of every reader who rated, with at most `n_asked` ratings asked of each."""
    who = np.unique(ratings.reader)
    shown, asked = [], []
    for turn in range(n_rounds):
        order = np.lexsort((random.random(len(ratings)), ratings.reader))
        some = ratings.rows(order)
        starts = np.searchsorted(some.reader, who)
        n = np.diff(np.append(starts, len(some)))
        kept = np.floor(n ** random.random(len(who))).astype(np.int64) - 1
        row = np.searchsorted(who, some.reader)
        rank = np.arange(len(some)) - starts[row]
        numbered = Ratings(
            (row + turn * len(who)).astype(np.int32), some.book, some.value, some.levels,
            n_rounds * len(who), some.n_books,
        )  # fmt: skip
        shown.append(numbered.rows(np.flatnonzero(rank < kept[row])))
        asked.append(numbered.rows(np.flatnonzero((rank >= kept[row]) & (rank < kept[row] + n_asked))))
    return Beginnings(_joined(shown, ratings), _joined(asked, ratings), np.tile(who, n_rounds))


def _joined(parts: list[Ratings], ratings: Ratings) -> Ratings:
    names = ("reader", "book", "value")
    n_readers = parts[0].n_readers if parts else 0
    empty = (ratings.reader[:0], ratings.book[:0], ratings.value[:0])
    arrays = [
        np.concatenate([old, *(getattr(part, name) for part in parts)]) for name, old in zip(names, empty, strict=True)
    ]
    return Ratings(arrays[0], arrays[1], arrays[2], ratings.levels, n_readers, ratings.n_books)


def of_readers(ratings: Ratings, reader: np.ndarray) -> Ratings:
    """Return the ratings of `reader` (n,), which may repeat, as readers 0 to n - 1."""
    order = np.argsort(ratings.reader, kind="stable")
    starts, ends = (np.searchsorted(ratings.reader[order], reader, side) for side in ("left", "right"))
    sizes = ends - starts
    row = np.repeat(np.arange(len(reader)), sizes)
    places = order[np.arange(len(row)) - np.repeat(np.cumsum(sizes) - sizes, sizes) + starts[row]]
    some = ratings.rows(places)
    return Ratings(row.astype(np.int32), some.book, some.value, some.levels, len(reader), some.n_books)
