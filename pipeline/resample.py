"""Other readers: corpora of readers drawn from a corpus, with or without replacement."""

from __future__ import annotations

import numpy as np

from data.corpus import Corpus, binary_rows
from data.vocabulary import Vocabulary


def sample(data: Corpus, rows: np.ndarray, books: np.ndarray | None = None) -> Corpus:
    """Return the corpus of the readers `rows`, which may repeat (each time as another reader).

    Parameters
    ----------
    books
        int64, rising: the books to keep; readers who then have none are left out. None for all, and all readers.
    """
    place = np.arange(data.n_books) if books is None else np.full(data.n_books, -1)
    if books is not None:
        place[books] = np.arange(len(books))
    ids = data.books if books is None else Vocabulary(tuple(data.books.ids[book] for book in books))
    starts, lengths = data.counts.indptr[rows].astype(np.int64), np.diff(data.counts.indptr)[rows].astype(np.int64)
    first = np.cumsum(lengths) - lengths
    at = np.arange(lengths.sum()) + np.repeat(starts - first, lengths)
    reader, sequence = np.repeat(np.arange(len(rows)), lengths), place[data.sequence[at]]
    kept = sequence >= 0
    at, reader, sequence = at[kept], reader[kept], sequence[kept].astype(np.int32)
    if books is not None:
        reader = np.unique(reader, return_inverse=True)[1]
        rows = rows[: int(reader.max(initial=-1)) + 1]
    n_rows = len(rows)
    return Corpus(
        Vocabulary.of(range(n_rows)),
        ids,
        binary_rows(reader, sequence, (n_rows, len(ids))),
        sequence,
        data.read_on[at],
        np.arange(n_rows, dtype=np.uint64),
    )


def halves(data: Corpus, random: np.random.Generator, min_readers: int) -> tuple[Corpus, Corpus]:
    """Return two random halves of the readers, both over the books with `min_readers` readers in the first."""
    order = random.permutation(data.n_readers)
    first, second = np.sort(order[: len(order) // 2]), np.sort(order[len(order) // 2 :])
    books = np.flatnonzero(np.bincount(data.counts[first].indices, minlength=data.n_books) >= min_readers)
    return sample(data, first, books), sample(data, second, books)
