"""Splits of a corpus: held-out readers (strong generalisation), and the future of known readers.

Strong generalisation (Liang et al. 2018, Mult-VAE; Marlin 2004): test readers are never trained
on; part of their books is shown, the rest is hidden and must be found. Who is held out and what
is hidden are decided by hashing the reader's token (and the book), so that a reader stays in the same
part when others arrive and releases can be compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

import numpy as np
import scipy.sparse as sp

from data.corpus import NO_DATE, Corpus, binary_rows
from data.errors import EmptyCorpus


@dataclass(frozen=True)
class HeldOut:
    """Readers to be judged on: what is shown of them and what must be found.

    Attributes
    ----------
    rows
        int64 (n,), their rows in the corpus.
    visible, hidden
        csr float32 (n, n_books), disjoint; each row of both has at least one book.
    """

    rows: np.ndarray
    visible: sp.csr_matrix
    hidden: sp.csr_matrix

    def __post_init__(self) -> None:
        """Refuse parts that do not fit together, overlap or leave nothing to show or find."""
        if self.visible.shape != self.hidden.shape or self.visible.shape[0] != len(self.rows):
            raise ValueError(f"visible {self.visible.shape}, hidden {self.hidden.shape}, {len(self.rows)} rows")
        if self.visible.multiply(self.hidden).nnz:
            raise ValueError("a book is both visible and hidden")
        if not (np.diff(self.visible.indptr).all() and np.diff(self.hidden.indptr).all()):
            raise ValueError("a reader without visible or hidden books")


@dataclass(frozen=True)
class Split:
    """Training readings, and held-out readers for choosing (validation) and for judging (test).

    Attributes
    ----------
    name
        ``readers`` (strong generalisation) or ``time``.
    train
        Corpus to train on; its books are the whole corpus's.
    validation, test
        Held-out readers; no setting is ever chosen on `test`.
    """

    name: str
    train: Corpus
    validation: HeldOut
    test: HeldOut


def reader_split(corpus: Corpus, *, seed: int, p_held_out: float = 0.1, p_hidden: float = 0.2) -> Split:
    """Hold out `p_held_out` of the readers for validation and as many for test; hide `p_hidden` of their books.

    At least one book is hidden and one shown. Readers with a single book always train.

    Raises
    ------
    EmptyCorpus
        If no reader is left for one of the three parts.
    """
    draw = _uniform(_mix(corpus.reader_tokens ^ _salt(seed, "split/readers")))
    draw[np.diff(corpus.counts.indptr) < 2] = 1.0
    test = np.flatnonzero(draw < p_held_out)
    validation = np.flatnonzero((draw >= p_held_out) & (draw < 2 * p_held_out))
    train = np.flatnonzero(draw >= 2 * p_held_out)
    for name, rows in (("train", train), ("validation", validation), ("test", test)):
        if not len(rows):
            raise EmptyCorpus(f"{corpus.n_readers} readers are too few: none is left to be {name} reader")
    salt = _salt(seed, "split/hidden")
    return Split(
        "readers",
        corpus.rows(train),
        _hide(corpus, validation, p_hidden, salt),
        _hide(corpus, test, p_hidden, salt),
    )


def time_split(corpus: Corpus, *, seed: int, p_future: float = 0.1) -> Split:
    """Train on what was read before a day; the books read from that day on must be found.

    The day is the (1 - `p_future`) quantile of all dates. Readers with readings on both sides are
    judged, half of them (by token) as validation, half as test. Undated readings are left out.

    Raises
    ------
    EmptyCorpus
        If the corpus has no dates, or nobody reads on both sides.
    """
    dated = corpus.read_on[corpus.read_on != NO_DATE]
    if not len(dated):
        raise EmptyCorpus("no reading has a date: a time split needs them")
    day = int(np.quantile(dated, 1 - p_future))
    past = corpus.before(day)
    future = (corpus.read_on != NO_DATE) & (corpus.read_on >= day)
    row = np.repeat(np.arange(corpus.n_readers), np.diff(corpus.counts.indptr))[future]
    later = binary_rows(row, corpus.sequence[future], corpus.counts.shape)
    both = np.flatnonzero((np.diff(past.counts.indptr) > 0) & (np.diff(later.indptr) > 0))
    first_half = _uniform(_mix(corpus.reader_tokens[both] ^ _salt(seed, "split/time"))) < 0.5
    if first_half.all() or not first_half.any():
        raise EmptyCorpus(f"only {len(both)} readers read both before and after the split day")
    validation, test = both[first_half], both[~first_half]
    return Split(
        "time",
        past,
        HeldOut(validation, past.counts[validation], later[validation]),
        HeldOut(test, past.counts[test], later[test]),
    )


def drawn_for_pairs(corpus: Corpus, reader: np.ndarray, book: np.ndarray, seed: int, name: str) -> np.ndarray:
    """Return a number from 0 to 1 for pairs of rows, float64 (n_pairs,): of seed, `name`, reader and book alone."""
    book_tokens = np.array([crc32(id_.encode()) for id_ in corpus.books.ids], dtype=np.uint64)
    return _uniform(_mix(_mix(corpus.reader_tokens ^ _salt(seed, name))[reader] ^ book_tokens[book]))


def _hide(corpus: Corpus, rows: np.ndarray, p_hidden: float, salt: np.uint64) -> HeldOut:
    """Hide the books with the smallest hash of (reader, book): the same ones whenever the reader returns."""
    counts = corpus.counts[rows]
    sizes = np.diff(counts.indptr)
    row = np.repeat(np.arange(len(rows)), sizes)
    book_tokens = np.array([crc32(id_.encode()) for id_ in corpus.books.ids], dtype=np.uint64)
    hashed = _mix(_mix(corpus.reader_tokens[rows] ^ salt)[row] ^ book_tokens[counts.indices])
    order = np.lexsort((hashed, row))
    rank = np.empty(len(row), np.int64)
    rank[order] = np.arange(len(row)) - np.repeat(counts.indptr[:-1], sizes)
    n_hidden = np.clip(np.round(p_hidden * sizes).astype(np.int64), 1, sizes - 1)
    hidden = rank < n_hidden[row]
    shape = counts.shape
    return HeldOut(
        rows,
        binary_rows(row[~hidden], counts.indices[~hidden], shape),
        binary_rows(row[hidden], counts.indices[hidden], shape),
    )


def _salt(seed: int, name: str) -> np.uint64:
    return np.uint64(np.random.SeedSequence(seed, spawn_key=(crc32(name.encode()),)).generate_state(1, np.uint64)[0])


def _mix(x: np.ndarray) -> np.ndarray:
    """SplitMix64 finaliser (Steele, Lea and Flood 2014): every input bit moves every output bit."""
    z = x + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def _uniform(x: np.ndarray) -> np.ndarray:
    return (x >> np.uint64(11)).astype(np.float64) * 2.0**-53
