"""Readers who rate books from a known model: scales of their own, books and authors that are liked, tastes."""

from __future__ import annotations

import numpy as np

from data.ratings import Ratings
from data.vectors import unit_rows
from pipeline.rating_evidence import BookContext

LEVELS = np.arange(1, 6, dtype=np.float32)


def rated(n_readers: int = 60, n_books: int = 40, share: float = 0.4, seed: int = 0) -> tuple[Ratings, BookContext]:
    """Return ratings of a random share of all pairs, and books with authors, a plane they lie in and two topics."""
    random = np.random.default_rng(seed)
    vectors = unit_rows(random.normal(size=(n_books, 2)).astype(np.float32))
    author = random.integers(-1, n_books // 4, n_books)
    liked = random.normal(0, 0.5, n_books)
    taste = random.normal(size=(n_readers, 2))
    reader, book = np.nonzero(random.random((n_readers, n_books)) < share)
    score = liked[book] + 0.6 * (taste[reader] * vectors[book]).sum(axis=1) + random.normal(0, 0.6, len(reader))
    cuts = np.sort(random.normal(0, 1, (n_readers, 4)), axis=1)
    value = LEVELS[(score[:, None] > cuts[reader]).sum(axis=1)]
    profiles = random.dirichlet([0.5, 0.5], n_books).astype(np.float32)
    ratings = Ratings(reader.astype(np.int32), book.astype(np.int32), value, LEVELS, n_readers, n_books)
    n_reads = np.bincount(book, minlength=n_books) + random.integers(0, 5, n_books)
    return ratings, BookContext(author, vectors, n_reads, (profiles,))
