"""The spectral space: the singular vectors of the readings, heavy readers and common books weighing less.

PureSVD (Cremonesi, Koren and Turrin 2010) of the binary matrix of readings X, with both sides scaled first:

    D_r^-a X D_b^-c = U S V^T          D_r, D_b: books per reader, readers per book

and two views of the same factors, because two questions want different spectra. *Which books are near* is answered
by the rows of ``V S^p``: with p = 1 their products are those of the scaled columns of X, up to the truncation, so that
a cosine says how far two books share readers; a larger p stresses the directions that many readers agree on, and the
nearest books are then more often of one author. *What a reader reads next* is answered in ``V S^q`` with a smaller q,
where the many small tastes count, by the density of the books shown (`models.density`). Exponents of the
spectrum are a known lever for word vectors (Levy, Goldberg and Dagan 2015, section 3.3).

Where we deviate from PureSVD, and why (numbers in CHANGELOG.md): readers are scaled because the top hundredth of
them makes nearly half of all pairs of books; books because bestsellers otherwise fill the leading directions; rows
are scaled to length 1, and popularity comes back by a weight.

The fit is deterministic: the eigenvectors of the smaller side's products where that side has at most `EXACT_SIZE`
rows, else a randomised SVD (Halko, Martinsson and Tropp 2011) from the run's seed; the sign of each is fixed.

    symbol   name               shape
    V        right vectors      (n_books, n_dims), zero for books without readers
    S        singular values    (n_dims,)
    a, c     reader_exponent, book_exponent
    p, q     near_exponent, rank_exponent
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self, final

import numpy as np
import scipy.sparse as sp

from data.corpus import Corpus
from data.errors import BadConfig
from data.vectors import unit_rows
from models.base import Encoder, Run
from models.density import MAX_CONCENTRATION, density_scores

EXACT_SIZE = 6_000  # of this size the eigenvectors take half a minute on two cores
_OVERSAMPLING, _ITERATIONS = 64, 6
_SMALLEST = 1e-4  # singular values below this share of the largest are rounding


@dataclass(frozen=True)
class SpectralConfig:
    """Settings of the spectral space.

    Attributes
    ----------
    n_dims
        Dimensions kept; fewer where the readings have a lower rank.
    reader_exponent, book_exponent
        A reading is divided by the reader's number of books, and by the book's number of readers, to these powers.
    near_exponent
        Power of the singular values in the vectors that are compared.
    rank_exponent
        Power of the singular values when books are ranked for a reader.
    concentration
        How narrow the density around each book shown is when books are ranked for a reader, above 0, at most 40.
    popularity_weight
        Weight of the log number of readers when books are ranked for a reader.
    """

    n_dims: int = 512
    reader_exponent: float = 0.35
    book_exponent: float = 0.25
    near_exponent: float = 1.5
    rank_exponent: float = 1.0
    concentration: float = 9.0
    popularity_weight: float = 0.35

    def __post_init__(self) -> None:
        """Refuse impossible settings."""
        if self.n_dims < 1:
            raise BadConfig(f"spectral.n_dims: {self.n_dims}, expected at least 1")
        if not 0 < self.concentration <= MAX_CONCENTRATION:
            expected = f"above 0, at most {MAX_CONCENTRATION:g}"
            raise BadConfig(f"spectral.concentration: {self.concentration}, expected {expected}")
        for name in ("reader_exponent", "book_exponent", "near_exponent", "rank_exponent", "popularity_weight"):
            if not np.isfinite(getattr(self, name)):
                raise BadConfig(f"spectral.{name}: {getattr(self, name)}, expected a finite number")


@final
class Spectral(Encoder[SpectralConfig, Corpus]):
    """Right singular vectors and singular values of the scaled readings."""

    kind = "spectral"
    format = 1
    config_type = SpectralConfig

    def __init__(self, config: SpectralConfig, v: np.ndarray, s: np.ndarray, n_readers: np.ndarray) -> None:
        self.config = config
        self.v = v  # float32 (n_books, n_dims)
        self.s = s  # float32 (n_dims,), largest first
        self.n_readers = n_readers  # int64 (n_books,)
        self._near = unit_rows(v * s ** np.float32(config.near_exponent))
        self._ranked = unit_rows(v * s ** np.float32(config.rank_exponent))

    @classmethod
    def fit(cls, data: Corpus, config: SpectralConfig, run: Run, *, validation: Corpus | None = None) -> Self:
        """Factorise the scaled readings of `data`."""
        run.progress.start(f"spectral ({run.stage})", 1)
        n_readers = data.readers_per_book.astype(np.int64)
        scaled = _scaled(data.counts, config)
        v, s = leading_directions(scaled, config.n_dims, run.derive_seed("fit/spectral"))
        v[n_readers == 0] = 0
        run.progress.advance()
        run.progress.finish(f"{int((n_readers > 0).sum()):,} books, {len(s)} dimensions")
        return cls(config, v, s, n_readers)

    def arrays(self) -> Mapping[str, np.ndarray]:
        """Return ``v`` float32 (n_books, n_dims), ``s`` float32 (n_dims,) and ``n_readers`` int64 (n_books,)."""
        return {"v": self.v, "s": self.s, "n_readers": self.n_readers}

    @classmethod
    def from_arrays(cls, config: SpectralConfig, arrays: Mapping[str, np.ndarray]) -> Self:
        """Return the model of these factors."""
        return cls(config, arrays["v"], arrays["s"], arrays["n_readers"])

    def transform(self, rows: sp.csr_matrix) -> np.ndarray:
        """Return the mean of the unit vectors of the books of each row, in the space of `book_vectors`."""
        n_shown = np.maximum(rows.getnnz(axis=1), 1).astype(np.float32)
        mean: np.ndarray = np.asarray(rows @ self._near, np.float32) / n_shown[:, None]
        return mean

    def score(self, visible: sp.csr_matrix) -> np.ndarray:
        """Return the log density of the reader at every book in ``V S^q``, plus the weighted log of its readers."""
        weights = self.config.concentration, self.config.popularity_weight
        return density_scores(self._ranked, visible, self.n_readers, *weights)

    def book_vectors(self) -> np.ndarray:
        """Return the unit rows of ``V S^p``; zero for a book without readers."""
        return self._near


def _scaled(counts: sp.csr_matrix, config: SpectralConfig) -> sp.csr_matrix:
    """Return the readings, each divided by powers of its reader's books and its book's readers; csr float32."""
    n_books = np.maximum(counts.getnnz(axis=1), 1).astype(np.float32)
    n_readers = np.maximum(counts.getnnz(axis=0), 1).astype(np.float32)
    left = sp.diags_array(n_books ** np.float32(-config.reader_exponent))
    right = sp.diags_array(n_readers ** np.float32(-config.book_exponent))
    return sp.csr_matrix(left @ counts @ right, dtype=np.float32)


def leading_directions(scaled: sp.csr_matrix, n_dims: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the leading right singular vectors, float32 (n_books, n_dims), and values, largest first.

    Fewer than asked for where the rank is lower. `seed` matters only where neither side is small (`EXACT_SIZE`).
    """
    n_dims = min(n_dims, *scaled.shape)
    v, s = _exact(scaled, n_dims) if min(scaled.shape) <= EXACT_SIZE else _randomised(scaled, n_dims, seed)
    kept = s > _SMALLEST * s[0]
    return _signed(v[:, kept]), s[kept]


def _exact(scaled: sp.csr_matrix, n_dims: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the leading right singular vectors (n_books, n_dims) and values, by way of the smaller Gram matrix."""
    by_readers = scaled.shape[0] <= scaled.shape[1]
    gram = np.asarray((scaled @ scaled.T if by_readers else scaled.T @ scaled).toarray(), np.float32)
    values, vectors = np.linalg.eigh(gram)
    leading = np.argsort(-values, kind="stable")[:n_dims]
    s = np.sqrt(np.maximum(values[leading], 0)).astype(np.float32)
    if not by_readers:
        return vectors[:, leading].astype(np.float32), s
    v: np.ndarray = np.asarray(scaled.T @ vectors[:, leading], np.float32)
    return v / np.where(s > 0, s, 1), s


def _randomised(scaled: sp.csr_matrix, n_dims: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the leading right singular vectors (n_books, n_dims) and values, approximately."""
    from sklearn.utils.extmath import randomized_svd

    _, s, vt = randomized_svd(
        scaled, n_dims, n_oversamples=_OVERSAMPLING, n_iter=_ITERATIONS, flip_sign=False, random_state=seed
    )
    return np.ascontiguousarray(vt.T, np.float32), s.astype(np.float32)


def _signed(v: np.ndarray) -> np.ndarray:
    """Return the columns turned so that the entry largest in size is positive: a factorisation leaves that open."""
    if not v.size:
        return v
    largest = v[np.abs(v).argmax(axis=0), np.arange(v.shape[1])]
    return v * np.where(largest < 0, np.float32(-1), np.float32(1))
