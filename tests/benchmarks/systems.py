"""What a benchmark knows of a system, ours or a peer: scores for readers, nearest books, how even the lists are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sp

from data.vectors import unit_rows
from models.base import Encoder, Ranker
from pipeline.ranking import top_columns

_BLOCK = 512  # books whose nearest are looked for at a time


@dataclass(frozen=True)
class System:
    """A fitted system.

    Attributes
    ----------
    n_books
        Books it knows by row.
    score
        csr of books shown (n_rows, n_books) -> scores (n_rows, n_books), higher is better.
    vectors
        (n_books, n_dims), zero rows for books without; None if it has no space.
    """

    n_books: int
    score: Callable[[sp.csr_matrix], np.ndarray]
    vectors: np.ndarray | None = None

    @classmethod
    def of(cls, model: Ranker[Any, Any], n_books: int) -> System:
        """Return one of our models as a system."""
        return cls(n_books, model.score, model.book_vectors() if isinstance(model, Encoder) else None)

    def nearest(self, k: int) -> np.ndarray:
        """Return the `k` nearest books of every book, int64 (n_books, k), the book itself left out; ties by row.

        In a space they are the nearest by cosine; without one, what a reader of that book alone is recommended.
        """
        found = []
        for start in range(0, self.n_books, _BLOCK):
            books = np.arange(start, min(start + _BLOCK, self.n_books))
            likeness = np.array(self._likeness(books), np.float32)
            likeness[np.arange(len(books)), books] = -np.inf
            found.append(top_columns(likeness, k))
        return np.concatenate(found)

    def hubness(self, nearest: np.ndarray) -> float | None:
        """Return the skewness of how often a book is among the nearest of others; None without a space.

        0 if all books are equally often, larger if a few are everywhere (Radovanovic, Nanopoulos and Ivanovic 2010).
        Books without a vector neither ask nor count.
        """
        if self.vectors is None:
            return None
        known = self.vectors.any(axis=1)
        n_lists = np.bincount(nearest[known].ravel(), minlength=self.n_books)[known]
        deviation = n_lists - n_lists.mean()
        variance = np.mean(deviation**2)
        return float(np.mean(deviation**3) / variance**1.5) if variance else 0.0

    @cached_property
    def _unit(self) -> np.ndarray:
        assert self.vectors is not None
        return unit_rows(np.asarray(self.vectors, np.float32))

    def _likeness(self, books: np.ndarray) -> np.ndarray:
        if self.vectors is not None:
            similarity: np.ndarray = self._unit[books] @ self._unit.T
            return similarity
        alone = (np.ones(len(books), np.float32), (np.arange(len(books)), books))
        return self.score(sp.csr_matrix(alone, shape=(len(books), self.n_books)))
