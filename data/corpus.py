"""The corpus: who read what, as arrays, from a pinned history.

Everything downstream sees readers and books as rows 0..n-1 of two vocabularies. A reading counts
once in `counts`, however often the book was read again; the order in which a reader read is kept
beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import scipy.sparse as sp

from data.artifact import ModelArtifact, read_artifact, write_artifact
from data.digest import digest_of_arrays
from data.vocabulary import Vocabulary

KIND, FORMAT = "corpus", 1
NO_DATE = np.iinfo(np.int32).min


@dataclass(frozen=True)
class Corpus:
    """Readings as arrays; checked when made.

    Attributes
    ----------
    readers, books
        Vocabularies of the rows and the columns.
    counts
        csr float32 (n_readers, n_books), 1 where a reader read a book; indices sorted.
    sequence
        int32 (n_readings,), the books of each reader in the order read, reader after reader: those
        of reader ``i`` are ``sequence[counts.indptr[i]:counts.indptr[i + 1]]``.
    read_on
        int32 (n_readings,), days since 1970-01-01 of the same readings; `NO_DATE` where the day is unknown.
    reader_tokens
        uint64 (n_readers,), a number per reader that depends on the reader's first row in the history
        alone: splits drawn from it neither move when readers arrive nor depend on the pseudonym key.
    """

    readers: Vocabulary
    books: Vocabulary
    counts: sp.csr_matrix
    sequence: np.ndarray
    read_on: np.ndarray
    reader_tokens: np.ndarray

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit together."""
        shape = (len(self.readers), len(self.books))
        if self.counts.shape != shape or self.counts.dtype != np.float32:
            raise ValueError(f"counts: {self.counts.shape} {self.counts.dtype}, expected {shape} float32")
        for name, length, dtype in (
            ("sequence", self.counts.nnz, np.int32),
            ("read_on", self.counts.nnz, np.int32),
            ("reader_tokens", shape[0], np.uint64),
        ):
            array = getattr(self, name)
            if array.shape != (length,) or array.dtype != dtype:
                raise ValueError(f"{name}: {array.shape} {array.dtype}, expected ({length},) {np.dtype(dtype)}")

    @property
    def n_readers(self) -> int:
        """Number of readers."""
        return len(self.readers)

    @property
    def n_books(self) -> int:
        """Number of books."""
        return len(self.books)

    @property
    def n_readings(self) -> int:
        """Number of readings (pairs of reader and book)."""
        return int(self.counts.nnz)

    @cached_property
    def readers_per_book(self) -> np.ndarray:
        """int64 (n_books,), readers of each book."""
        return np.bincount(self.counts.indices, minlength=self.n_books)

    @property
    def has_dates(self) -> bool:
        """Whether at least half of the readings carry a date."""
        return bool((self.read_on != NO_DATE).mean() >= 0.5) if self.n_readings else False

    def sequence_of(self, row: int) -> np.ndarray:
        """Return the books of reader `row` in the order read, int32."""
        return self.sequence[self.counts.indptr[row] : self.counts.indptr[row + 1]]

    def rows(self, rows: np.ndarray) -> Corpus:
        """Return the corpus of some readers, over the same books."""
        starts, ends = self.counts.indptr[rows], self.counts.indptr[rows + 1]
        kept = np.concatenate([np.arange(a, b) for a, b in zip(starts, ends, strict=True)] or [np.empty(0, np.int64)])
        return Corpus(
            Vocabulary(tuple(self.readers.ids[i] for i in rows)),
            self.books,
            self.counts[rows],
            self.sequence[kept],
            self.read_on[kept],
            self.reader_tokens[rows],
        )

    def before(self, day: int) -> Corpus:
        """Return the corpus of the readings dated before `day` (days since 1970-01-01), all rows and columns kept."""
        kept = (self.read_on != NO_DATE) & (self.read_on < day)
        row = np.repeat(np.arange(self.n_readers), np.diff(self.counts.indptr))[kept]
        counts = binary_rows(row, self.sequence[kept], self.counts.shape)
        return Corpus(self.readers, self.books, counts, self.sequence[kept], self.read_on[kept], self.reader_tokens)

    @cached_property
    def digest(self) -> str:
        """Digest of the content; readers count by token, so that it does not depend on the pseudonym key."""
        return digest_of_arrays({name: array for name, array in self._arrays().items() if name != "readers"})

    def _arrays(self) -> dict[str, np.ndarray]:
        return {
            "readers": self.readers.to_array(),
            "books": self.books.to_array(),
            "indptr": self.counts.indptr.astype(np.int64),
            "indices": self.counts.indices.astype(np.int32),
            "sequence": self.sequence,
            "read_on": self.read_on,
            "reader_tokens": self.reader_tokens,
        }

    def save(self, folder: Path, config: dict[str, object], provenance: dict[str, object]) -> None:
        """Write the corpus as an artifact into an empty folder."""
        sizes = {"n_readers": self.n_readers, "n_books": self.n_books, "n_readings": self.n_readings}
        artifact = ModelArtifact(
            KIND, FORMAT, config, self._arrays(), self.books.digest, {**provenance, "digest": self.digest}, sizes
        )
        write_artifact(folder, artifact)

    @classmethod
    def load(cls, folder: Path) -> Corpus:
        """Return the corpus saved in `folder`; BadArtifact if it is not one."""
        arrays = read_artifact(folder, kind=KIND, format=FORMAT).arrays
        indptr, indices = arrays["indptr"], arrays["indices"]
        ones = np.ones(len(indices), np.float32)
        counts = sp.csr_matrix((ones, indices, indptr), shape=(len(indptr) - 1, len(arrays["books"])))
        return cls(
            Vocabulary.of(arrays["readers"]),
            Vocabulary.of(arrays["books"]),
            counts,
            arrays["sequence"],
            arrays["read_on"],
            arrays["reader_tokens"],
        )


def binary_rows(row: np.ndarray, column: np.ndarray, shape: tuple[int, int]) -> sp.csr_matrix:
    """Return a csr float32 matrix of ones at (`row`, `column`), indices sorted; pairs must not repeat."""
    matrix = sp.csr_matrix((np.ones(len(row), np.float32), (row, column)), shape=shape)
    matrix.sort_indices()
    return matrix
