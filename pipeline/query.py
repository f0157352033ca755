"""Questions to a release: which books are near this one, which are far. numpy only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from data.release import TEXT_COLUMNS, Books, Release
from data.seeds import generator
from pipeline.ranking import top_columns

N_PAIRS = 20_000  # random pairs of books behind `chance_similarity`


@dataclass(frozen=True)
class Neighbours:
    """Books beside one book, in order.

    Attributes
    ----------
    rows
        int64 (n,), rows of the books in the release.
    similarity
        float32 (n,), cosine of the two books' vectors, -1 to 1.
    """

    rows: np.ndarray
    similarity: np.ndarray

    def records(self, books: Books) -> list[dict[str, Any]]:
        """Return one dict per book: rank, similarity, readers and what the book is."""
        return [
            {
                "rank": rank,
                "similarity": round(float(similarity), 4),
                "n_readers": int(books.n_readers[row]),
                **{name: books.columns[name][row] for name in TEXT_COLUMNS},
                "year": books.year[row],
            }
            for rank, (row, similarity) in enumerate(zip(self.rows.tolist(), self.similarity, strict=True), start=1)
        ]


def nearest(release: Release, row: int, k: int) -> Neighbours:
    """Return the `k` books most similar to the one in `row`, itself excluded, most similar first."""
    similarity = release.vectors @ release.vectors[row]
    others = np.arange(len(similarity)) != row
    return _top(similarity, others, k, largest=True)


def farthest(release: Release, row: int, k: int) -> Neighbours:
    """Return the `k` books least similar to the one in `row`, least similar first.

    Only books with at least `far_threshold` readers are listed: the vectors of rare books are mostly
    noise, and on a sphere noise is far from everything.
    """
    similarity = release.vectors @ release.vectors[row]
    common = release.books.n_readers >= far_threshold(release)
    common[row] = False
    return _top(similarity, common, k, largest=False)


def far_threshold(release: Release) -> int:
    """Return the readers a book needs to be listed as far: the release's setting, at most its median book's."""
    wanted = int(release.manifest["settings"]["publish"]["far_min_readers"])
    return min(wanted, int(np.median(release.books.n_readers)))


def random_similarities(release: Release) -> np.ndarray:
    """Return the similarity of random pairs of different books, float32 (N_PAIRS,), the same at every call."""
    n_books = len(release.books)
    random = generator(int(release.manifest["seed"]), "query/random-pairs")
    one = random.integers(0, n_books, N_PAIRS)
    other = (one + random.integers(1, n_books, N_PAIRS)) % n_books
    pairs: np.ndarray = np.einsum("pd,pd->p", release.vectors[one], release.vectors[other])
    return pairs


def chance_similarity(release: Release) -> float:
    """Return the similarity that one random pair of books in a hundred exceeds: below it, near means little."""
    return float(np.quantile(random_similarities(release), 0.99))


def nearest_tables(vectors: np.ndarray, k: int, block: int = 256) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield, for block after block of books, the rows and similarities of their `k` nearest.

    Yields
    ------
    rows, similarity
        int64 and float32 (n, k), most similar first, the book itself excluded.
    """
    k = min(k, len(vectors) - 1)
    for start in range(0, len(vectors), block):
        similarity = vectors[start : start + block] @ vectors.T
        n = len(similarity)
        similarity[np.arange(n), np.arange(start, start + n)] = -np.inf
        rows = top_columns(similarity, k)
        yield rows, np.take_along_axis(similarity, rows, axis=1)


def _top(similarity: np.ndarray, allowed: np.ndarray, k: int, *, largest: bool) -> Neighbours:
    rows = np.flatnonzero(allowed)
    key = similarity[rows] if largest else -similarity[rows]
    chosen = rows[top_columns(key[None], k)[0]]
    return Neighbours(chosen, similarity[chosen])
