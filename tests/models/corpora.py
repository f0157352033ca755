"""Small corpora with known structure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp

from data.corpus import NO_DATE, Corpus, binary_rows
from data.vocabulary import Vocabulary


def corpus_of(histories: Sequence[Sequence[int]], n_books: int) -> Corpus:
    """Return the corpus of readers who read these books in this order."""
    row = np.repeat(np.arange(len(histories)), [len(history) for history in histories])
    sequence = np.array([book for history in histories for book in history], np.int32)
    return Corpus(
        Vocabulary.of(f"reader{i}" for i in range(len(histories))),
        Vocabulary.of(f"book{i}" for i in range(n_books)),
        binary_rows(row, sequence, (len(histories), n_books)),
        sequence,
        np.full(len(sequence), NO_DATE, np.int32),
        np.arange(len(histories), dtype=np.uint64),
    )


def checkerboard(n: int) -> Corpus:
    """Even readers read the even books and odd readers the odd ones; nobody reads the book of the own number."""
    return corpus_of([[j for j in range(i % 2, n, 2) if j != i] for i in range(n)], n)


def tastes(seed: int, n_readers: int = 40, n_books: int = 24) -> Corpus:
    """Readers of two tastes, who read 6 books of their half and 1 of the other; the last book has no reader."""
    random = np.random.default_rng(seed)
    half = n_books // 2
    histories = []
    for reader in range(n_readers):
        own, other = np.arange(half), np.arange(half, n_books - 1)
        if reader % 2:
            own, other = other, own
        history = np.concatenate([random.choice(own, 6, replace=False), random.choice(other, 1)])
        histories.append(random.permutation(history).tolist())
    return corpus_of(histories, n_books)


def shown(rows: Sequence[Sequence[int]], n_books: int) -> sp.csr_matrix:
    """Return the matrix of readers who show these books."""
    row = np.repeat(np.arange(len(rows)), [len(books) for books in rows])
    return binary_rows(row, np.array([book for books in rows for book in books], np.int64), (len(rows), n_books))
