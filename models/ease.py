"""EASE: the linear model of every book from all others, in closed form.

Steck (2019), "Embarrassingly shallow autoencoders", eq. 8: with ``P = (X'X + Lambda)^-1`` a book weighs
``B_ij = -P_ij / P_jj`` for another and nothing for itself, and scores for a reader x ``(x B)_j``.

Where we deviate: his ridge is one number; ours is ``Lambda_j = l2 (n_j / mean n)^popularity_exponent`` and
grows with the n_j readers of a book, so that bestsellers explain less of the others and less is read into them.

With fewer readers than books nothing of size books x books is made: by Woodbury ``P = L - L X' K X L`` with
``L = Lambda^-1`` and ``K = (I + X L X')^-1``, which is readers x readers; that and the readings are the model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self, final

import numpy as np
import scipy.sparse as sp

from data.corpus import Corpus
from data.errors import BadConfig, WagahaiError
from models.base import Ranker, Run

_BLOCK = 1024  # readers whose columns of K X are dense at a time


class TooLarge(WagahaiError):
    """More readers and books than a model can hold."""


@dataclass(frozen=True)
class EaseConfig:
    """Settings of EASE.

    Attributes
    ----------
    l2
        Ridge of a book with the mean number of readers.
    popularity_exponent
        How the ridge grows with a book's readers; 0 is Steck's.
    max_size
        Readers or books, whichever are fewer, beyond which it is not fitted: time grows with the cube, memory
        with the square (20,000: 1.6 GB, twice that while it is fitted).
    """

    l2: float = 100.0
    popularity_exponent: float = 0.25
    max_size: int = 20_000

    def __post_init__(self) -> None:
        """Refuse impossible settings."""
        if not 0 < self.l2 < np.inf:
            raise BadConfig(f"ease.l2: {self.l2}, expected more than 0")
        if not -np.inf < self.popularity_exponent < np.inf:
            raise BadConfig(f"ease.popularity_exponent: {self.popularity_exponent}, expected a finite number")
        if self.max_size < 1:
            raise BadConfig(f"ease.max_size: {self.max_size}, expected at least 1")


_DEFAULT = EaseConfig()


def too_large(n_readers: int, n_books: int, config: EaseConfig = _DEFAULT) -> str:
    """Return why EASE is not fitted to a corpus of this size; empty if it can be."""
    if min(n_readers, n_books) <= config.max_size:
        return ""
    return (
        f"EASE needs at most {config.max_size:,} readers or at most {config.max_size:,} books: "
        f"found {n_readers:,} readers and {n_books:,} books"
    )


class _Weights:
    """The books' side: B itself, float32 (n_books, n_books)."""

    def __init__(self, weights: np.ndarray) -> None:
        self.weights = weights

    @classmethod
    def solve(cls, counts: sp.csr_matrix, ridge: np.ndarray) -> Self:
        """Return B of these readings."""
        gram = (counts.T @ counts).toarray().astype(np.float32)
        gram[np.diag_indices(len(gram))] += ridge
        weights = np.linalg.inv(gram)
        weights /= -weights.diagonal()
        np.fill_diagonal(weights, 0)
        return cls(weights)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return ``weights``."""
        return {"weights": self.weights}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Self:
        """Return this side of a model."""
        return cls(arrays["weights"])

    def score(self, shown: sp.csr_matrix) -> np.ndarray:
        """Return x B for the rows x of `shown`."""
        scores: np.ndarray = shown @ self.weights
        return scores


class _Readers:
    """The readers' side: K, X, the ridge and the diagonal of P, which make x B without B."""

    def __init__(self, inverse: np.ndarray, counts: sp.csr_matrix, ridge: np.ndarray, diagonal: np.ndarray) -> None:
        self.inverse = inverse
        self.counts = counts
        self.ridge = ridge
        self.diagonal = diagonal

    @classmethod
    def solve(cls, counts: sp.csr_matrix, ridge: np.ndarray) -> Self:
        """Return K and the diagonal of P of these readings."""
        shrunk = counts @ sp.diags_array(1 / ridge)
        gram = (shrunk @ counts.T).toarray().astype(np.float32)
        gram[np.diag_indices(len(gram))] += 1
        inverse = np.linalg.inv(gram)
        explained = np.empty(len(ridge), np.float32)  # diagonal of X' K X
        books = counts.tocsc()
        for start in range(0, len(ridge), _BLOCK):
            block = books[:, start : start + _BLOCK]
            explained[start : start + _BLOCK] = np.asarray(block.multiply((block.T @ inverse).T).sum(axis=0)).ravel()
        return cls(inverse, counts, ridge, ((1 - explained / ridge) / ridge).astype(np.float32))

    def arrays(self) -> dict[str, np.ndarray]:
        """Return ``inverse``, ``indptr``, ``indices``, ``ridge`` and ``diagonal``."""
        readings: dict[str, np.ndarray] = {
            "indptr": self.counts.indptr.astype(np.int64),
            "indices": self.counts.indices.astype(np.int32),
        }
        return {"inverse": self.inverse, **readings, "ridge": self.ridge, "diagonal": self.diagonal}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Self:
        """Return this side of a model."""
        indptr, indices, ridge = arrays["indptr"], arrays["indices"], arrays["ridge"]
        parts = (np.ones(len(indices), np.float32), indices, indptr)
        counts = sp.csr_matrix(parts, shape=(len(indptr) - 1, len(ridge)))
        return cls(arrays["inverse"], counts, ridge, arrays["diagonal"])

    def score(self, shown: sp.csr_matrix) -> np.ndarray:
        """Return x B = x - (x P) / diag P, the own weight of -1 made 0, for the rows x of `shown`."""
        shrunk = shown @ sp.diags_array(1 / self.ridge)
        through = (shrunk @ self.counts.T).toarray() @ self.inverse
        scores: np.ndarray = np.ascontiguousarray((self.counts.T @ through.T).T)  # x L X' K X
        scores /= self.ridge * self.diagonal
        own = shown - shrunk @ sp.diags_array(1 / self.diagonal)
        row = np.repeat(np.arange(own.shape[0]), np.diff(own.indptr))
        scores[row, own.indices] += own.data
        return scores


def ridge_of(n_readers: np.ndarray, config: EaseConfig) -> np.ndarray:
    """Return Lambda, float32 (n_books,), from the readers of every book."""
    read = n_readers > 0
    size = np.ones(len(n_readers))  # a book without readers: any ridge will do, and it changes no other's
    size[read] = n_readers[read] * (np.count_nonzero(read) / max(n_readers.sum(), 1))
    ridge: np.ndarray = (config.l2 * size**config.popularity_exponent).astype(np.float32)
    return ridge


@final
class Ease(Ranker[EaseConfig, Corpus]):
    """Weights between books, whole or by way of the readers, whichever are fewer."""

    kind = "ease"
    format = 1
    config_type = EaseConfig

    def __init__(self, config: EaseConfig, n_readers: np.ndarray, side: _Weights | _Readers) -> None:
        self.config = config
        self.n_readers = n_readers  # int32 (n_books,)
        self.side = side

    @classmethod
    def fit(cls, data: Corpus, config: EaseConfig, run: Run, *, validation: Corpus | None = None) -> Self:
        """Solve for the weights.

        Raises
        ------
        TooLarge
            If there are more readers and more books than `max_size`.
        """
        if why := too_large(data.n_readers, data.n_books, config):
            raise TooLarge(f"{why}; leave ease and blend out, raise max_size of ease, or min_readers of the corpus")
        n_readers = data.readers_per_book.astype(np.int32)
        run.progress.start("EASE", 1)
        solver: type[_Weights | _Readers] = _Weights if data.n_books <= data.n_readers else _Readers
        model = cls(config, n_readers, solver.solve(data.counts, ridge_of(n_readers, config)))
        run.progress.advance(1)
        run.progress.finish(f"{data.n_readers:,} readers, {data.n_books:,} books")
        return model

    def arrays(self) -> Mapping[str, np.ndarray]:
        """Return ``n_readers`` int32 (n_books,) and ``weights`` float32 (n_books, n_books), or the readers' side.

        The readers' side is ``inverse`` float32 (n_readers, n_readers), which is K, and the readings X as
        ``indptr`` int64, ``indices`` int32 of a csr matrix of ones, and ``ridge``, ``diagonal`` (of P) float32
        (n_books,).
        """
        return {"n_readers": self.n_readers, **self.side.arrays()}

    @classmethod
    def from_arrays(cls, config: EaseConfig, arrays: Mapping[str, np.ndarray]) -> Self:
        """Return the model of these arrays."""
        n_readers = arrays["n_readers"]
        return cls(config, n_readers, (_Weights if "weights" in arrays else _Readers).from_arrays(arrays))

    def score(self, visible: sp.csr_matrix) -> np.ndarray:
        """Return the summed weights of the books shown, a book's own left out."""
        scores = self.side.score(visible.astype(np.float32))
        scores[:, self.n_readers == 0] = -np.inf
        return scores
