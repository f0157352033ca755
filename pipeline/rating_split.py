"""Ratings to learn from, to stop and recalibrate by, and to judge by: a part of the ratings of held-out readers.

The readers are those of the split by readers, so that the spaces and topics that ratings are described with have not
seen a test reader. Of every held-out reader a share of the ratings is hidden, and the others are known: readers of whom
nothing is known are among them, and readers of whom much is. What is hidden is decided by hashing reader and book.
"""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

import numpy as np

from data.corpus import Corpus
from data.ratings import Ratings
from data.split import HeldOut, Split

FORMAT = 1  # raise it when other ratings would be hidden
P_HIDDEN = 0.5  # of the ratings of a held-out reader
_STREAM = b"ratings/hidden"


@dataclass(frozen=True)
class RatingSplit:
    """Ratings in three parts, over the same vocabularies."""

    known: Ratings
    validation: Ratings
    test: Ratings


def rating_split(ratings: Ratings, corpus: Corpus, split: Split, seed: int) -> RatingSplit:
    """Return the split of ratings that belongs to a split by readers of the same corpus."""
    hidden = _uniform(ratings, corpus, seed) < P_HIDDEN

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


def _uniform(ratings: Ratings, corpus: Corpus, seed: int) -> np.ndarray:
    """Return a number from 0 to 1 for each rating, that depends on seed, reader and book alone, float64 (n_ratings,)."""
    readers = np.array([crc32(_STREAM + int(token).to_bytes(8, "little") + str(seed).encode()) for token in corpus.reader_tokens], np.uint64)
    books = np.array([crc32(id_.encode()) for id_ in corpus.books.ids], np.uint64)
    mixed = _mixed((readers[ratings.reader] << np.uint64(32)) | books[ratings.book])
    return np.asarray((mixed >> np.uint64(11)).astype(np.float64) * 2.0**-53)


def _mixed(x: np.ndarray) -> np.ndarray:
    """SplitMix64 finaliser, as in `data.split`."""
    z = x + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
