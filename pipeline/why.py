"""Why two books are near: who read both, how many that is against chance, what else these readers read, which topics.

Shared readers are compared with those expected if everybody read one book whatever else they read:
n_one * n_other / n_readers. Lift is found over expected; Jaccard, shared readers over readers of either.

Where a count of shared readers is not told (`pipeline.disclosure`), nothing is that it follows from.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data.corpus import KIND as CORPUS
from data.corpus import Corpus
from data.errors import BadArtifact, WagahaiError
from data.release import Release
from data.store import Store
from pipeline.disclosure import is_told, least_told
from pipeline.query import nearest_with
from pipeline.shared_topics import SharedTopic, shared_topics

N_LISTED = 10  # length of the lists that ranks and probabilities are about


@dataclass(frozen=True)
class Shared:
    """Who read both of two books.

    Attributes
    ----------
    n_shared, lift, jaccard
        None where they are not told.
    n_expected
        Shared readers expected by chance.
    min_readers
        Readers who must have read both, and of each book only the one, for it to be told.
    """

    n_shared: int | None
    n_expected: float
    lift: float | None
    jaccard: float | None
    min_readers: int


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
        What readers of both read more than others do, the surest lift first (`read_also`), as far as it is told.
    topics
        Topics that both are of; empty if there are none, or the release is without.
    """

    similarity: float
    of_other: Place
    of_one: Place
    shared: Shared
    also: tuple[Also, ...]
    topics: tuple[SharedTopic, ...]


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


def why(release: Release, corpus: Corpus, one: int, other: int, n_also: int = N_LISTED) -> Why:
    """Return why the books in two rows are near, or are not.

    Raises
    ------
    WagahaiError
        If they are one book.
    """
    if one == other:
        raise WagahaiError(f"both are one book: {release.books.describe(one)}")
    of_one, of_other, least = readers_of(corpus, one), readers_of(corpus, other), least_told(release)
    n_shared = len(np.intersect1d(of_one, of_other, assume_unique=True))
    return Why(
        float(release.vectors[one] @ release.vectors[other]),
        place_in(release, one, other),
        place_in(release, other, one),
        shared_readers(n_shared, len(of_one), len(of_other), corpus.n_readers, least),
        read_also(corpus, of_one, of_other, least, n_also, {one, other}),
        shared_topics(release, one, other),
    )


def shared_readers(n_shared: int, n_one: int, n_other: int, n_readers: int, min_readers: int) -> Shared:
    """Return what `n_shared` readers of both books come to, against chance; nothing of it where it is not told."""
    expected = n_one * n_other / n_readers
    if not is_told(n_shared, n_one, n_other, min_readers):
        return Shared(None, expected, None, None, min_readers)
    return Shared(n_shared, expected, n_shared / expected, n_shared / (n_one + n_other - n_shared), min_readers)


def read_also(
    corpus: Corpus, of_one: np.ndarray, of_other: np.ndarray, min_readers: int, n: int, leave_out: set[int]
) -> tuple[Also, ...]:
    """Return the `n` books that readers in both of two groups surely read above what all readers do.

    Ordered by the lower end of the lift, as if the count were Poisson: ``(sqrt(n_shared) - 1)^2`` is two sd below (the
    sd of the root of a count is 1/2). By the lift alone, the rarest books would lead. Of equal ones the lower row
    leads.

    The readers of a book in both groups are told only if they could be told against each of what they are part of:
    both groups together, its readers in the one, and those in the other. None are if those in both groups are not told
    themselves: a lift would give them back.
    """
    both = np.intersect1d(of_one, of_other, assume_unique=True)
    if not len(both) or not is_told(len(both), len(of_one), len(of_other), min_readers):
        return ()
    n_shared, n_in_one, n_in_other = (_counts(corpus, readers) for readers in (both, of_one, of_other))
    told = is_told(n_shared, np.minimum(n_in_one, n_in_other), len(both), min_readers) & (n_shared > 0)
    told[list(leave_out)] = False
    rows = np.flatnonzero(told)
    expected = len(both) * corpus.readers_per_book[rows] / corpus.n_readers
    lift, least = n_shared[rows] / expected, (np.sqrt(n_shared[rows]) - 1) ** 2 / expected
    chosen = np.lexsort((rows, -least))[:n]
    return tuple(Also(int(rows[i]), int(n_shared[rows[i]]), float(lift[i])) for i in chosen)


def _counts(corpus: Corpus, readers: np.ndarray) -> np.ndarray:
    """Return how many of some readers have read each book, int64 (n_books,)."""
    counts: np.ndarray = np.bincount(corpus.counts[readers].indices, minlength=corpus.n_books)
    return counts


def place_in(release: Release, asked: int, row: int) -> Place:
    """Return where the book `row` stands in the list of the book `asked`."""
    near, sure = nearest_with(release, asked, N_LISTED, np.array([row]))
    listed = near.rows
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
