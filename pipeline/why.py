"""Why two books are near: who read both, how many that is against chance, and what else these readers read.

Shared readers are compared with those expected if everybody read one book whatever else they read:
n_one * n_other / n_readers. Lift is found over expected; Jaccard, shared readers over readers of either.

Fewer than `min_readers` shared readers are never told, nor anything they follow from.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data.corpus import KIND as CORPUS
from data.corpus import Corpus
from data.errors import BadArtifact, WagahaiError
from data.release import Release
from data.store import Store
from pipeline.query import certainty, nearest

N_LISTED = 10  # length of the lists that ranks and probabilities are about
DEFAULT_MIN_READERS = 5


@dataclass(frozen=True)
class Shared:
    """Who read both of two books.

    Attributes
    ----------
    n_shared, lift, jaccard
        None if fewer than `fewer_than` readers are shared.
    n_expected
        Shared readers expected by chance.
    fewer_than
        Readers below which nothing is told.
    """

    n_shared: int | None
    n_expected: float
    lift: float | None
    jaccard: float | None
    fewer_than: int


@dataclass(frozen=True)
class Place:
    """Where a book stands in another's list.

    Attributes
    ----------
    rank
        1 is the first; up to `N_LISTED` as the list shows it, beyond that by similarity.
    low, high
        Interval of the similarity; None where it was not measured.
    p_top
        Probability to be among the first `N_LISTED`; None where it was not measured.
    """

    rank: int
    low: float | None
    high: float | None
    p_top: float | None


@dataclass(frozen=True)
class Also:
    """A book that shared readers also read: how many of them, and against how many of all readers."""

    row: int
    n_shared: int
    lift: float


@dataclass(frozen=True)
class Why:
    """Why two books are near.

    Attributes
    ----------
    similarity
        Cosine of their vectors.
    of_other, of_one
        Place of the other book in the list of the one, and of the one in that of the other.
    shared
        Who read both.
    also
        What readers of both read more than others do, the surest lift first (`read_also`), each with at least
        `shared.fewer_than` of them; empty if they are too few.
    """

    similarity: float
    of_other: Place
    of_one: Place
    shared: Shared
    also: tuple[Also, ...]


def open_corpus(store: Store, release: Release) -> Corpus:
    """Return the corpus that a release was learned from.

    Raises
    ------
    WagahaiError
        If it is no longer in the store, or not the one the release names.
    """
    artifact = release.manifest["corpus"].get("artifact")
    folder = store.artifact(CORPUS, str(artifact))
    if not artifact or not folder.is_dir():
        raise WagahaiError(
            f"who read what is not known any more: the corpus of release {release.id} is not in {store.root}. "
            "Make it anew: wagahai refresh"
        )
    corpus = Corpus.load(folder)
    if corpus.books.digest != release.manifest["vocabulary"]:
        raise BadArtifact(f"{folder}: other books than those of release {release.id}")
    return corpus


def min_readers(release: Release) -> int:
    """Return the readers below which a count is not told: the release's setting."""
    return int(release.manifest["settings"].get("corpus", {}).get("min_readers", DEFAULT_MIN_READERS))


def why(release: Release, corpus: Corpus, one: int, other: int, n_also: int = N_LISTED) -> Why:
    """Return why the books in two rows are near, or are not.

    Raises
    ------
    WagahaiError
        If they are one book.
    """
    if one == other:
        raise WagahaiError(f"both are one book: {release.books.describe(one)}")
    of_one, of_other, told = readers_of(corpus, one), readers_of(corpus, other), min_readers(release)
    both = np.intersect1d(of_one, of_other, assume_unique=True)
    return Why(
        float(release.vectors[one] @ release.vectors[other]),
        place_in(release, one, other),
        place_in(release, other, one),
        shared_readers(len(both), len(of_one), len(of_other), corpus.n_readers, told),
        read_also(corpus, both, told, n_also, {one, other}),
    )


def shared_readers(n_shared: int, n_one: int, n_other: int, n_readers: int, fewer_than: int) -> Shared:
    """Return what `n_shared` readers of both books come to, against chance; nothing of it if they are too few."""
    expected = n_one * n_other / n_readers
    if n_shared < fewer_than:
        return Shared(None, expected, None, None, fewer_than)
    return Shared(n_shared, expected, n_shared / expected, n_shared / (n_one + n_other - n_shared), fewer_than)


def read_also(corpus: Corpus, readers: np.ndarray, fewer_than: int, n: int, leave_out: set[int]) -> tuple[Also, ...]:
    """Return the `n` books that some readers surely read above what all readers do.

    Only books that at least `fewer_than` of them read, ordered by the lower end of the lift, as if the count were
    Poisson: ``(sqrt(n_shared) - 1)^2`` is two sd below (the sd of the root of a count is 1/2). By the lift alone, the
    rarest books would lead. Of equal ones the lower row leads. None if the readers are fewer than `fewer_than`.
    """
    if len(readers) < fewer_than or not len(readers):
        return ()
    n_shared = np.bincount(corpus.counts[readers].indices, minlength=corpus.n_books)
    n_shared[list(leave_out)] = 0
    rows = np.flatnonzero(n_shared >= max(fewer_than, 1))
    expected = len(readers) * corpus.readers_per_book[rows] / corpus.n_readers
    lift, least = n_shared[rows] / expected, (np.sqrt(n_shared[rows]) - 1) ** 2 / expected
    chosen = np.lexsort((rows, -least))[:n]
    return tuple(Also(int(rows[i]), int(n_shared[rows[i]]), float(lift[i])) for i in chosen)


def place_in(release: Release, asked: int, row: int) -> Place:
    """Return where the book `row` stands in the list of the book `asked`."""
    listed = nearest(release, asked, N_LISTED).rows
    sure = certainty(release, asked, np.array([row]))
    rank = int(np.argmax(listed == row)) + 1 if row in listed else _rank(release, asked, row, listed)
    if sure is None:
        return Place(rank, None, None, None)
    return Place(rank, float(sure.low[0]), float(sure.high[0]), float(sure.p_top[0]))


def _rank(release: Release, asked: int, row: int, listed: np.ndarray) -> int:
    """Rank, by similarity, of a book that is not listed, behind those that are."""
    similarity = release.vectors @ release.vectors[asked]
    similarity[[asked, *listed]] = -np.inf
    before = similarity > similarity[row]
    before[:row] |= similarity[:row] == similarity[row]  # ties go to the lower row
    return len(listed) + 1 + int(before.sum())


def readers_of(corpus: Corpus, row: int) -> np.ndarray:
    """Return the rows of the readers of a book, ascending."""
    rows: np.ndarray = (
        np.searchsorted(corpus.counts.indptr, np.flatnonzero(corpus.counts.indices == row), side="right").astype(
            np.int64
        )
        - 1
    )
    return rows
