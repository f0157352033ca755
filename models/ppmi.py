"""Shifted PMI of pairs of books, factorised: the deterministic twin of word2vec.

Skip-gram with negative sampling factorises, in the limit, the matrix of pointwise mutual informations of book and
context less ``log k`` (Levy and Goldberg 2014). Here that matrix is written down from the readings and factorised:

    C = sum over readers of x x^T / (n - 1), without its diagonal      x: the reader's books, n: how many
    M = log(1 + C_ij S / (c_i c_j) / k)                                c: sums of C, S: its total

Each book of a reader meets the n - 1 others with a weight that sums to 1, so that a reader counts n and not n^2 (in
bookcrossing a hundredth of the readers makes nearly half of all pairs); a book's sum c is then simply its number of
readers, among those who read another book too.

Where we deviate, and why (numbers in CHANGELOG.md): M is the softplus, ``log(1 + e^y)``, of the shifted PMI y, where
shifted PPMI has ``max(0, y)``. Both are 0 for books that never met and y for those that met often; the corner between
is rounded, so that k weighs the pairs near chance instead of cutting them off, and lists get nearer.

Contexts are smoothed: their share is that of ``c^a`` (Levy, Goldberg and Dagan 2015, section 3.1). That makes the PMI
unsymmetric; a book is book and context alike here, so y is the mean of both directions, which has
``c^((1 + a) / 2)`` on both sides. Then M = U diag(s) U^T, and there are two views of it, as in `models.spectral`:
books are compared by the rows of ``U s^p`` and ranked for a reader by those of ``U s^q``, scaled to length 1, with
popularity brought back by a weight.

The eigenvectors come from a randomised range finder with power iterations (Halko, Martinsson and Tropp 2011, 4.4
and 5.3), its test matrix from the run's seed; those of negative value, which no cosine can show, are left out, and
the largest entry of each is made positive. The same input, seed and number of threads give the same bits.

Memory: if readers make more than `MAX_PAIRS` pairs (n (n - 1) each; bookcrossing has fewer), those with
``C_ij < n_readings / MAX_PAIRS`` are dropped. C sums to at most the number of readings, so that at most `MAX_PAIRS`
are left; those that go are shared by readers of very many books only.

    symbol   name               shape
    U        vectors            (n_books, n_dims), zero for books that share no reader with another
    s        values             (n_dims,), largest first
    p, q     near_exponent, rank_exponent
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self, final

import numpy as np
import scipy.sparse as sp
from scipy.linalg import qr

from data.corpus import Corpus
from data.errors import BadConfig
from data.vectors import unit_rows
from models.base import Encoder, Run

MAX_PAIRS = 200_000_000  # 1.6 GB
_CELLS = 2**24  # pairs that are made, or are dense, at a time
_SPARSE = 0.01  # below this density a sparse product is faster than one of dense blocks
_OVERSAMPLING, _ITERATIONS = 32, 1
_SMALLEST = 1e-4  # values below this share of the largest are rounding


@dataclass(frozen=True)
class PpmiConfig:
    """Settings of the factorised PMI.

    Attributes
    ----------
    n_dims
        Dimensions kept; fewer where the matrix has fewer positive eigenvalues.
    shift
        The k whose logarithm is taken off the PMI: pairs that met less than k times as often as by chance count little.
    context_exponent
        Power of the readers of a context: below 1, rare books are less surprising together.
    near_exponent
        Power of the eigenvalues in the vectors that are compared.
    rank_exponent
        Power of the eigenvalues when books are ranked for a reader.
    popularity_weight
        Weight of the log number of readers when books are ranked for a reader.
    """

    n_dims: int = 1024
    shift: float = 8.0
    context_exponent: float = 0.75
    near_exponent: float = 1.0
    rank_exponent: float = 0.25
    popularity_weight: float = 0.022

    def __post_init__(self) -> None:
        """Refuse impossible settings."""
        if self.n_dims < 1:
            raise BadConfig(f"ppmi.n_dims: {self.n_dims}, expected at least 1")
        if not 0 < self.shift < np.inf:
            raise BadConfig(f"ppmi.shift: {self.shift}, expected above 0")
        for name in ("context_exponent", "near_exponent", "rank_exponent", "popularity_weight"):
            if not np.isfinite(getattr(self, name)):
                raise BadConfig(f"ppmi.{name}: {getattr(self, name)}, expected a finite number")


@final
class Ppmi(Encoder[PpmiConfig, Corpus]):
    """Eigenvectors and eigenvalues of the matrix of softened shifted PMIs."""

    kind = "ppmi"
    format = 1
    config_type = PpmiConfig

    def __init__(self, config: PpmiConfig, vectors: np.ndarray, values: np.ndarray, n_readers: np.ndarray) -> None:
        self.config = config
        self.vectors = vectors  # float32 (n_books, n_dims)
        self.values = values  # float32 (n_dims,), positive, largest first
        self.n_readers = n_readers  # int64 (n_books,)
        self._near = unit_rows(vectors * values ** np.float32(config.near_exponent))
        self._ranked = unit_rows(vectors * values ** np.float32(config.rank_exponent))

    @classmethod
    def fit(cls, data: Corpus, config: PpmiConfig, run: Run, *, validation: Corpus | None = None) -> Self:
        """Count, weigh and factorise the pairs of books of `data`."""
        n_readers = data.readers_per_book.astype(np.int64)
        run.progress.start(f"PPMI ({run.stage})", len(_blocks(data.n_books)) + _ITERATIONS + 2)
        matrix = shifted_pmi(data.counts, config, run)
        vectors, values = _factorised(matrix, config.n_dims, run)
        run.progress.finish(f"{matrix.nnz:,} pairs of {data.n_books:,} books, {len(values)} dimensions")
        return cls(config, vectors, values, n_readers)

    def arrays(self) -> Mapping[str, np.ndarray]:
        """Return `vectors` float32 (n_books, n_dims), `values` float32 (n_dims,) and `n_readers` int64 (n_books,)."""
        return {"vectors": self.vectors, "values": self.values, "n_readers": self.n_readers}

    @classmethod
    def from_arrays(cls, config: PpmiConfig, arrays: Mapping[str, np.ndarray]) -> Self:
        """Return the model of these factors."""
        return cls(config, arrays["vectors"], arrays["values"], arrays["n_readers"])

    def transform(self, rows: sp.csr_matrix) -> np.ndarray:
        """Return the mean of the unit vectors of the books of each row."""
        return _mean_of_shown(rows, self._near)

    def score(self, visible: sp.csr_matrix) -> np.ndarray:
        """Return the cosines of the reader with every book, plus the weighted log of the book's readers.

        The reader is the mean of the books shown, all with the eigenvalues to the power `rank_exponent`.
        """
        popularity = np.log(np.maximum(self.n_readers, 1)).astype(np.float32)
        scores: np.ndarray = unit_rows(_mean_of_shown(visible, self._ranked)) @ self._ranked.T
        scores += np.float32(self.config.popularity_weight) * popularity
        scores[:, self.n_readers == 0] = -np.inf
        return scores

    def book_vectors(self) -> np.ndarray:
        """Return the unit vectors; zero for a book without readers, or whose readers read nothing else."""
        return self._near


def _mean_of_shown(rows: sp.csr_matrix, vectors: np.ndarray) -> np.ndarray:
    n_shown = np.maximum(rows.getnnz(axis=1), 1).astype(np.float32)
    mean: np.ndarray = np.asarray(rows @ vectors, np.float32) / n_shown[:, None]
    return mean


def shifted_pmi(counts: sp.csr_matrix, config: PpmiConfig, run: Run) -> sp.csr_matrix:
    """Return the matrix M of the docstring above, csr float32 (n_books, n_books), symmetric to the bit."""
    n_read = np.diff(counts.indptr)
    weight = np.divide(1.0, n_read - 1, out=np.zeros(len(n_read)), where=n_read > 1)
    weighted = (sp.diags(np.sqrt(weight).astype(np.float32)) @ counts).tocsr()
    total = n_read[n_read > 1].sum()
    log_share = _log_shares(counts.indices[np.repeat(n_read > 1, n_read)], counts.shape[1], config.context_exponent)
    subtracted = log_share + np.log(max(total, 1) * config.shift) / 2  # half of what is taken off, for either book
    n_pairs = int((n_read.astype(np.int64) * (n_read - 1)).sum())
    least = total / MAX_PAIRS if n_pairs > MAX_PAIRS else 0
    books = weighted.T.tocsr()
    blocks = []
    for rows in _blocks(counts.shape[1]):
        block = (books[rows] @ weighted).tocoo()
        row, column, shared = block.row + rows.start, block.col, block.data
        kept = (row != column) & (shared >= least)
        row, column = row[kept], column[kept]
        pmi = np.log(shared[kept]) - (subtracted[row] + subtracted[column])
        parts = (np.logaddexp(0, pmi).astype(np.float32), (row - rows.start, column))
        blocks.append(sp.csr_matrix(parts, shape=block.shape))
        run.progress.advance()
    matrix: sp.csr_matrix = sp.vstack(blocks, format="csr")
    return matrix


def _log_shares(readings: np.ndarray, n_books: int, context_exponent: float) -> np.ndarray:
    """Return the log of each book's share of pairs, mean of its share as a book and as a (smoothed) context."""
    n_readers = np.bincount(readings, minlength=n_books)
    read = n_readers > 0
    log_n = np.log(np.maximum(n_readers, 1))
    shares = [log_n * power - np.log(max(np.exp(log_n[read] * power).sum(), 1)) for power in (1, context_exponent)]
    return np.asarray(sum(shares) / 2)


def _factorised(matrix: sp.csr_matrix, n_dims: int, run: Run) -> tuple[np.ndarray, np.ndarray]:
    """Return eigenvectors (columns) and values of the largest positive eigenvalues of a symmetric matrix."""
    n = matrix.shape[0]
    test = run.generator("fit/ppmi/test_matrix").standard_normal((n, min(n_dims + _OVERSAMPLING, n)), np.float32)
    found = _times(matrix, test, run)
    for _ in range(_ITERATIONS):
        found = _times(matrix, _orthonormal(found), run)
    basis = _orthonormal(found)
    small = (basis.T @ _times(matrix, basis, run)).astype(np.float64)
    values, turned = np.linalg.eigh((small + small.T) / 2)
    values, turned = values[::-1][:n_dims], turned[:, ::-1][:, :n_dims]
    kept = values > _SMALLEST * max(values[0], 1)
    kept[0] = True  # of a corpus without pairs, a zero vector of one dimension
    vectors = basis @ turned[:, kept].astype(np.float32)
    vectors[matrix.getnnz(axis=1) == 0] = 0
    largest = np.take_along_axis(vectors, np.abs(vectors).argmax(axis=0)[None], axis=0)
    return vectors * np.where(largest < 0, np.float32(-1), np.float32(1)), values[kept].clip(0).astype(np.float32)


def _orthonormal(columns: np.ndarray) -> np.ndarray:
    basis: np.ndarray = qr(columns, mode="economic", check_finite=False)[0]
    return basis


def _times(matrix: sp.csr_matrix, columns: np.ndarray, run: Run) -> np.ndarray:
    """Return the product with some columns; rather dense matrices are made dense block by block."""
    run.progress.advance()
    n = matrix.shape[0]
    if matrix.nnz < _SPARSE * n * n:
        return np.asarray(matrix @ columns)
    product = np.empty_like(columns)
    for rows in _blocks(n):
        product[rows] = matrix[rows].toarray() @ columns
    return product


def _blocks(n_books: int) -> list[slice]:
    """Return the slices of books of which `_CELLS` pairs can be."""
    size = max(1, _CELLS // n_books)
    return [slice(start, min(start + size, n_books)) for start in range(0, n_books, size)]
