"""BM25 item-kNN: books that share readers, common readers and common books counting less.

The yardstick of every report. Weights as in Robertson and Zaragoza (2009, eq. 3.15) with a book as
document and its readers as terms, the idf as implicit 0.7 has it (``log N - log(1 + df)``); the similarity of
two books is the product of their weight vectors, of which each book keeps its `n_neighbours` largest,
itself included. A book scores for a reader the sum of its similarities to the books shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self, final

import numpy as np
import scipy.sparse as sp

from data.corpus import Corpus
from data.errors import BadConfig
from models.base import Ranker, Run

_BLOCK = 512  # books whose similarities are dense at a time


@dataclass(frozen=True)
class ItemKnnConfig:
    """Settings of BM25 item-kNN.

    Attributes
    ----------
    n_neighbours
        Similar books kept for each book, itself included.
    k1
        Saturation of the counts.
    b
        How much the length (number of readers) of a book discounts its weights, 0 to 1.
    """

    n_neighbours: int = 50
    k1: float = 1.2
    b: float = 0.4

    def __post_init__(self) -> None:
        """Refuse impossible settings."""
        if self.n_neighbours < 1:
            raise BadConfig(f"item_knn.n_neighbours: {self.n_neighbours}, expected at least 1")
        if not 0 <= self.k1 < np.inf:
            raise BadConfig(f"item_knn.k1: {self.k1}, expected 0 or more")
        if not 0 <= self.b <= 1:
            raise BadConfig(f"item_knn.b: {self.b}, expected between 0 and 1")


@final
class ItemKnn(Ranker[ItemKnnConfig, Corpus]):
    """Similarities of books by their readers, `n_neighbours` a book."""

    kind = "item_knn"
    format = 1
    config_type = ItemKnnConfig

    def __init__(self, config: ItemKnnConfig, similarity: sp.csr_matrix) -> None:
        self.config = config
        self.similarity = similarity  # float32 (n_books, n_books), row i: the books kept for book i

    @classmethod
    def fit(cls, data: Corpus, config: ItemKnnConfig, run: Run, *, validation: Corpus | None = None) -> Self:
        """Weigh the readings and keep the nearest books of every book."""
        weights = bm25_weights(data.counts, config)
        columns = weights.T.tocsc()
        run.progress.start("BM25 item-kNN", data.n_books)
        blocks = []
        for start in range(0, data.n_books, _BLOCK):
            block = weights[start : start + _BLOCK]
            blocks.append(_largest((block @ columns).toarray(), config.n_neighbours))
            run.progress.advance(block.shape[0])
        run.progress.finish(f"{data.n_books:,} books")
        return cls(config, sp.vstack(blocks).tocsr())

    def arrays(self) -> Mapping[str, np.ndarray]:
        """Return the similarity as ``indptr`` int64, ``indices`` int32 and ``values`` float32 of a csr matrix."""
        matrix = self.similarity
        return {
            "indptr": matrix.indptr.astype(np.int64),
            "indices": matrix.indices.astype(np.int32),
            "values": matrix.data,
        }

    @classmethod
    def from_arrays(cls, config: ItemKnnConfig, arrays: Mapping[str, np.ndarray]) -> Self:
        """Return the model of this similarity."""
        n_books = len(arrays["indptr"]) - 1
        parts = (arrays["values"], arrays["indices"], arrays["indptr"])
        return cls(config, sp.csr_matrix(parts, shape=(n_books, n_books)))

    def score(self, visible: sp.csr_matrix) -> np.ndarray:
        """Return the summed similarities to the books shown."""
        scores: np.ndarray = np.asarray((visible @ self.similarity).toarray(), dtype=np.float32)
        scores[:, self.similarity.getnnz(axis=1) == 0] = -np.inf  # without readers, like nothing
        return scores


def bm25_weights(counts: sp.csr_matrix, config: ItemKnnConfig) -> sp.csr_matrix:
    """Return the BM25 weights of readers in books, csr float32 (n_books, n_readers)."""
    books = counts.T.tocoo()
    n_books = books.shape[0]
    idf = np.log(n_books) - np.log1p(np.bincount(books.col, minlength=books.shape[1]))
    length = np.asarray(counts.sum(axis=0)).ravel()
    norm = 1 - config.b + config.b * length / length.mean()
    values = books.data * (config.k1 + 1) / (config.k1 * norm[books.row] + books.data) * idf[books.col]
    return sp.csr_matrix((values.astype(np.float32), (books.row, books.col)), shape=books.shape)


def _largest(dense: np.ndarray, n: int) -> sp.csr_matrix:
    """Keep the `n` largest values of every row, zeros excepted."""
    n = min(n, dense.shape[1])
    top = np.argpartition(-dense, n - 1, axis=1)[:, :n]
    row = np.repeat(np.arange(len(dense)), n)
    kept = sp.csr_matrix((dense[row, top.ravel()], (row, top.ravel())), shape=dense.shape)
    kept.eliminate_zeros()
    return kept
