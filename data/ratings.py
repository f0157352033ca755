"""How readers liked books: ratings on one scale, as arrays over the vocabularies of a corpus."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data.artifact import ModelArtifact, read_artifact, write_artifact
from data.digest import digest_of_arrays

KIND, FORMAT = "ratings", 1


@dataclass(frozen=True)
class Ratings:
    """Ratings; checked when made.

    Attributes
    ----------
    reader, book
        int32 (n_ratings,), rows in the vocabularies of the corpus; a pair occurs once.
    value
        float32 (n_ratings,), each one of `levels`.
    levels
        float32 (n_levels,), the ratings the scale allows, ascending: 1, 2, ... 10, say.
    n_readers, n_books
        Sizes of the vocabularies.
    """

    reader: np.ndarray
    book: np.ndarray
    value: np.ndarray
    levels: np.ndarray
    n_readers: int
    n_books: int

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit together."""
        for name, dtype in (("reader", np.int32), ("book", np.int32), ("value", np.float32)):
            array = getattr(self, name)
            if array.shape != (len(self),) or array.dtype != dtype:
                raise ValueError(f"{name}: {array.shape} {array.dtype}, expected ({len(self)},) {np.dtype(dtype)}")
        if len(self.levels) < 2 or (np.diff(self.levels) <= 0).any():
            raise ValueError(f"levels: {self.levels}, expected at least 2, ascending")
        if not np.isin(self.value, self.levels).all():
            raise ValueError("a rating is none of the levels")
        for name, size in (("reader", self.n_readers), ("book", self.n_books)):
            rows = getattr(self, name)
            if len(rows) and not (rows.min() >= 0 and rows.max() < size):
                raise ValueError(f"{name}: rows outside 0 to {size - 1}")

    def __len__(self) -> int:
        """Return the number of ratings."""
        return len(self.reader)

    @property
    def category(self) -> np.ndarray:
        """int64 (n_ratings,), the place of each rating among `levels`."""
        return np.searchsorted(self.levels, self.value)

    @property
    def digest(self) -> str:
        """Digest of the content."""
        return digest_of_arrays(self._arrays())

    def rows(self, rows: np.ndarray) -> Ratings:
        """Return some of the ratings, over the same vocabularies and levels."""
        return Ratings(self.reader[rows], self.book[rows], self.value[rows], self.levels, self.n_readers, self.n_books)

    def _arrays(self) -> dict[str, np.ndarray]:
        sizes = np.array([self.n_readers, self.n_books], np.int64)
        return {
            "reader": self.reader, "book": self.book, "value": self.value, "levels": self.levels, "sizes": sizes
        }  # fmt: skip

    def save(self, folder: Path, config: dict[str, object], vocabulary: str, provenance: dict[str, object]) -> None:
        """Write the ratings as an artifact into an empty folder; `vocabulary` is the digest of the books'."""
        artifact = ModelArtifact(
            KIND, FORMAT, config, self._arrays(), vocabulary, {**provenance, "digest": self.digest}
        )
        write_artifact(folder, artifact)

    @classmethod
    def load(cls, folder: Path) -> Ratings:
        """Return the ratings saved in `folder`; BadArtifact if they are none."""
        arrays = read_artifact(folder, kind=KIND, format=FORMAT).arrays
        n_readers, n_books = (int(size) for size in arrays["sizes"])
        return cls(arrays["reader"], arrays["book"], arrays["value"], arrays["levels"], n_readers, n_books)
