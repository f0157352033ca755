"""Examples of what a reader read next and did not: hidden books, and books drawn from those that were not read.

Of every reader all hidden books are taken. Of the pairs that were not read only a few can be, and most of them say
nothing: each pair enters by a draw of its own (Poisson sampling) with the probability

    r = 1 - exp(-n (1 / n_books + n_b / sum n + c / (d + rank)))        n: as many of each kind as the reader is worth

a third of them uniformly, a third by popularity (n_b: readers of a book), a third near the top of the first ranker's
list (c makes that third sum to one), where it is decided what is recommended. Among the examples the odds of *read* are
therefore the true ones divided by r, and

    logit p(read) = logit p(read | sampled) + log r                      (King and Zeng 2001, prior correction)

with r a known function of the pair. A predictor is given ``- log r`` as an offset, so that what it learns itself is the
first part; nothing has to be re-weighted, and p is a probability over all books.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data.split import HeldOut
from models.predictor import Examples
from pipeline.reading_features import ReaderBlock, ReadingFeatures

FORMAT = 1  # raise it when the same readers would give other examples
_DEPTH = 30.0  # d: places about which the third near the top is spread
_BLOCK = 32  # readers whose features are dense at a time


@dataclass(frozen=True)
class Sampling:
    """How pairs that were not read are drawn.

    Attributes
    ----------
    p_hidden
        Share of a reader's books that is hidden, and so counts as read next.
    n_negatives
        Pairs drawn for each book that is expected to be hidden, of each of the three kinds.
    """

    p_hidden: float
    n_negatives: float = 5.0

    def n_expected(self, n_shown: np.ndarray) -> np.ndarray:
        """Return how many books a reader who shows so many reads next, float64: what is hidden of such readers."""
        expected: np.ndarray = np.maximum(np.round(n_shown * self.p_hidden / (1 - self.p_hidden)), 1.0)
        return expected

    def log_rate(self, block: ReaderBlock, n_readers: np.ndarray) -> np.ndarray:
        """Return log r of every pair, float64 (n_rows, n_books)."""
        n_books = block.rank.shape[1]
        near = 1 / (_DEPTH + np.arange(n_books))
        near /= near.sum()
        popular = n_readers / max(n_readers.sum(), 1)
        drawn = self.n_negatives * self.n_expected(block.n_shown)[:, None] * (1 / n_books + popular + near[block.rank])
        log_rate: np.ndarray = np.log(-np.expm1(-drawn))
        return log_rate


def examples_of(
    features: ReadingFeatures, held_out: HeldOut, rows: np.ndarray, sampling: Sampling, random: np.random.Generator
) -> Examples:
    """Return the examples of some held-out readers: outcome 1 for a hidden book, 0 for one that was not read.

    Parameters
    ----------
    rows
        Rows of `held_out`; without any there are no examples.
    """
    nothing = np.empty((0, 1 + len(features.names)), np.float32)
    parts = [Examples(nothing, np.empty(0, np.float32))]
    for start in range(0, len(rows), _BLOCK):
        some = rows[start : start + _BLOCK]
        block = features.block(held_out.visible[some])
        log_rate = sampling.log_rate(block, features.n_readers)
        hidden = held_out.hidden[some].toarray() > 0
        shown = block.visible.toarray() > 0
        taken = (random.random(hidden.shape) < np.exp(log_rate)) & ~shown | hidden
        reader, book = np.nonzero(taken)
        with_offset = np.column_stack([-log_rate[reader, book], features.rows(block, reader, book)])
        parts.append(Examples(with_offset.astype(np.float32), hidden[reader, book].astype(np.float32)))
    return Examples(np.concatenate([part.features for part in parts]), np.concatenate([part.outcome for part in parts]))


def blocks(n_rows: int) -> list[slice]:
    """Return the parts of `n_rows` readers whose features are dense at a time."""
    return [slice(start, min(start + _BLOCK, n_rows)) for start in range(0, n_rows, _BLOCK)]
