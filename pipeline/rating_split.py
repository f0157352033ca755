"""Ratings to learn from, to stop and recalibrate by, and to judge by: a part of the ratings of held-out readers.

The readers are those of the split by readers, so that the spaces and topics that ratings are described with have not
seen a test reader. Of every held-out reader a share of the ratings is hidden, and the others are known: readers of whom
nothing is known are among them, and readers of whom much is. What is hidden is decided by hashing reader and book.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data.corpus import Corpus
from data.ratings import Ratings
from data.split import HeldOut, Split, drawn_for_pairs

FORMAT = 1  # raise it when other ratings would be hidden
P_HIDDEN = 0.5  # of the ratings of a held-out reader


@dataclass(frozen=True)
class RatingSplit:
    """Ratings in three parts, over the same vocabularies."""

    known: Ratings
    validation: Ratings
    test: Ratings


def rating_split(ratings: Ratings, corpus: Corpus, split: Split, seed: int) -> RatingSplit:
    """Return the split of ratings that belongs to a split by readers of the same corpus."""
    hidden = drawn_for_pairs(corpus, ratings.reader, ratings.book, seed, "split/ratings") < P_HIDDEN

    def of(held_out: HeldOut) -> np.ndarray:
        return np.isin(ratings.reader, held_out.rows) & hidden

    validation, test = of(split.validation), of(split.test)
    parts = (~(validation | test), validation, test)
    known, validated, tested = (ratings.rows(np.flatnonzero(part)) for part in parts)
    return RatingSplit(known, validated, tested)


def together(one: Ratings, other: Ratings) -> Ratings:
    """Return the ratings of both, which have no reader and book in common, by reader and book."""
    reader, book = np.concatenate([one.reader, other.reader]), np.concatenate([one.book, other.book])
    order = np.lexsort((book, reader))
    value = np.concatenate([one.value, other.value])[order]
    return Ratings(reader[order], book[order], value, one.levels, one.n_readers, one.n_books)
