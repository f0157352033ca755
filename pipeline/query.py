"""Answers of a release: which books are near, which are far, and how sure that is. numpy only.

How sure a neighbour is comes from the release's ensemble (`data.ensemble`), of which the same question is asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from data.certainty import Certainty
from data.ensemble import Ensemble
from data.release import TEXT_COLUMNS, Books, Release
from data.seeds import generator
from pipeline.index import ExactIndex, GraphIndex, Recall, saved_index
from pipeline.question import Asked, Question, direction_of, question_of
from pipeline.ranking import top_columns

N_PAIRS = 20_000  # random pairs of books behind `chance_similarity`
N_CONSIDERED = 50  # the most similar books, among which the surest are looked for; in longer lists, twice their length
_BLOCK_SIZE = 1 << 21  # similarities worked out at a time, which stay in the cache
_PAIR_BLOCK = 1_000


@dataclass(frozen=True)
class Neighbours:
    """Books beside what was asked for, in order.

    Attributes
    ----------
    rows
        int64 (n,), rows of the books in the release.
    similarity
        float32 (n,), cosine with the direction asked for, -1 to 1.
    low, high
        float32 (n,), where the similarity would lie, with probability `Calibration.level`, had another sample of the
        readers been seen; None where it was not measured.
    p_top
        float32 (n,), probability to be among the `Calibration.k` nearest of the allowed books then, however long this
        list is; None where it was not measured, and in far lists.
    recall
        What share of the true nearest the index finds that the list comes from; None of exact search.
    """

    rows: np.ndarray
    similarity: np.ndarray
    low: np.ndarray | None = None
    high: np.ndarray | None = None
    p_top: np.ndarray | None = None
    recall: Recall | None = None

    def first(self, n: int) -> Neighbours:
        """Return the first `n` of them."""
        low, high, p_top = (None if part is None else part[:n] for part in (self.low, self.high, self.p_top))
        return Neighbours(self.rows[:n], self.similarity[:n], low, high, p_top, self.recall)

    def records(self, books: Books) -> list[dict[str, Any]]:
        """Return one dict per book: rank, similarity, how sure, readers and what the book is."""
        return [
            {
                "rank": i + 1,
                "similarity": _rounded(self.similarity, i),
                "low": _rounded(self.low, i),
                "high": _rounded(self.high, i),
                "p_top": _rounded(self.p_top, i),
                "n_readers": int(books.n_readers[row]),
                **{name: books.columns[name][row] for name in TEXT_COLUMNS},
                "year": books.year[row],
            }
            for i, row in enumerate(self.rows.tolist())
        ]


def nearest(
    release: Release, asked: Asked, k: int, allowed: np.ndarray | None = None, space: str | None = None
) -> Neighbours:
    """Return the `k` books nearest to a book (its row) or a question, the surest first.

    Parameters
    ----------
    allowed
        bool (n_books,), the books that may be in the list (`pipeline.filters`); None for all. Books of the question
        never are.
    space
        Kind of the space to ask; None for the default, the only one of which is known how sure it is.

    Returns
    -------
    Neighbours
        In order of `p_top`, then similarity, then row; where that is not known (no ensemble, another space, a new
        book), in order of similarity.

    Raises
    ------
    WagahaiError
        If nothing is left of the question once what is not wanted is taken out.
    ValueError
        If `k` is negative, a row is not one of the release, or `allowed` is not of its type and shape.
    """
    return nearest_many(release, [asked], k, allowed, space)[0]


def nearest_many(
    release: Release,
    asked: Sequence[Asked],
    k: int,
    allowed: np.ndarray | None = None,
    space: str | None = None,
    *,
    how_sure: bool = True,
) -> list[Neighbours]:
    """Return what `nearest` returns, for many questions at once.

    Parameters
    ----------
    how_sure
        Whether to ask the ensemble too, which takes most of the time; without, lists are in order of similarity.
    """
    vectors = _vectors(release, space)
    questions = _checked(asked, k, allowed, len(vectors))
    ensemble = _ensemble(release, space) if how_sure else None
    if ensemble is None and allowed is None and isinstance(index := index_of(release, space), GraphIndex):
        return [_by_graph(index, question, k) for question in questions]
    found = []
    block = max(1, _BLOCK_SIZE // max(1, len(vectors)))
    for start in range(0, len(questions), block):
        some = questions[start : start + block]
        similarity = np.stack([direction_of(question, vectors) for question in some]) @ vectors.T
        for row, question in zip(similarity, some, strict=True):
            row[question.left_out] = -np.inf
            if allowed is not None:
                row[~allowed] = -np.inf
        considered = top_columns(similarity, max(N_CONSIDERED, 2 * k) if ensemble else k)
        for row, columns, question in zip(similarity, considered, some, strict=True):
            rows = columns[row[columns] > -np.inf]
            if ensemble is None or question.new or not k or not len(rows):
                found.append(Neighbours(rows[:k], row[rows[:k]]))
            else:
                certainty = _certainty(ensemble, release, question, row, rows)
                found.append(_surest(rows, row[rows], certainty, k))
    return found


def index_of(release: Release, space: str | None = None) -> ExactIndex | GraphIndex:
    """Return what finds the nearest books in a space: the release's index, or exact search if it has none.

    `nearest` uses an index only where every book may be listed and it is not asked how sure that is: both look at all
    books anyway.
    """
    return saved_index(release.space_folder(space), _vectors(release, space))


def _by_graph(index: GraphIndex, question: Question, k: int) -> Neighbours:
    direction = direction_of(question, index.vectors)
    rows, similarity = index.search(direction[None], k, question.left_out[None])
    return Neighbours(rows[0], similarity[0], recall=index.recall)


def farthest(
    release: Release, asked: Asked, k: int, allowed: np.ndarray | None = None, space: str | None = None
) -> Neighbours:
    """Return the `k` books farthest from a book (its row) or a question, farthest first.

    Only books with at least `far_threshold` readers are listed: the vectors of rare books are mostly
    noise, and on a sphere noise is far from everything. Where it is known how sure a similarity is, only
    books are listed that are further than half of these books are, beyond their uncertainty (`high` lies below the
    median of their similarities to what is asked for), in order of `high`: there may be none. Raises what `nearest`
    raises.
    """
    vectors = _vectors(release, space)
    [question] = _checked([asked], k, allowed, len(vectors))
    similarity = vectors @ direction_of(question, vectors)
    is_common = release.books.n_readers >= far_threshold(release)
    is_common[question.left_out] = False
    middle = np.median(similarity[is_common]) if is_common.any() else 0.0
    rows = np.flatnonzero(is_common if allowed is None else is_common & allowed)
    ensemble = _ensemble(release, space)
    if ensemble is None or question.new or not len(rows):
        chosen = rows[top_columns(-similarity[rows], k)]
        return Neighbours(chosen, similarity[chosen])
    sd = ensemble.similarity(question.direction, rows).std(axis=0, ddof=1)
    low, high = ensemble.calibration.far.around(similarity[rows], sd, question.readers(release.books))
    order = np.lexsort((rows, similarity[rows], high))
    order = order[high[order] < middle][:k]
    return Neighbours(rows[order], similarity[rows[order]], low[order], high[order])


def nearest_with(release: Release, asked: Asked, k: int, rows: np.ndarray) -> tuple[Neighbours, Certainty | None]:
    """Return what `nearest` returns, and how sure some books are, listed or not; the ensemble is asked once.

    `rows` must not be among the books of the question. Without an ensemble nothing is known of how sure they are: None.
    """
    vectors, ensemble = release.vectors, release.ensemble
    [question] = _checked([asked], k, None, len(vectors))
    similarity = (direction_of(question, vectors)[None] @ vectors.T)[0]
    similarity[question.left_out] = -np.inf
    if ensemble is None:
        return nearest(release, question, k), None
    considered = top_columns(similarity[None], max(N_CONSIDERED, 2 * k))[0]
    considered = considered[similarity[considered] > -np.inf]
    both = _certainty(ensemble, release, question, similarity, np.concatenate([considered, rows]))
    of_list, of_rows = (
        Certainty(both.low[part], both.high[part], both.p_top[part])
        for part in (slice(len(considered)), slice(len(considered), None))
    )
    return _surest(considered, similarity[considered], of_list, k), of_rows


def far_threshold(release: Release) -> int:
    """Return the readers a book needs to be listed as far: the release's setting, at most its median book's."""
    wanted = int(release.manifest["settings"]["publish"]["far_min_readers"])
    return min(wanted, int(np.median(release.books.n_readers)))


def random_similarities(release: Release, space: str | None = None) -> np.ndarray:
    """Return the similarity of random pairs of different books, float32 (N_PAIRS,), the same at every call."""
    vectors = _vectors(release, space)
    random = generator(int(release.manifest["seed"]), "query/random-pairs")
    one = random.integers(0, len(vectors), N_PAIRS)
    other = (one + random.integers(1, len(vectors), N_PAIRS)) % len(vectors)
    parts = (slice(start, start + _PAIR_BLOCK) for start in range(0, N_PAIRS, _PAIR_BLOCK))
    return np.concatenate([np.einsum("pd,pd->p", vectors[one[part]], vectors[other[part]]) for part in parts])


def chance_similarity(release: Release, space: str | None = None) -> float:
    """Return the similarity that one random pair of books in a hundred exceeds: below it, near means little."""
    return float(np.quantile(random_similarities(release, space), 0.99))


def _checked(asked: Sequence[Asked], k: int, allowed: np.ndarray | None, n_books: int) -> list[Question]:
    """Return the questions; ValueError for what numpy would take for something else, as row -1 for the last book."""
    if k < 0:
        raise ValueError(f"k: expected 0 or more books, found {k}")
    if allowed is not None and (allowed.dtype != np.bool_ or allowed.shape != (n_books,)):
        raise ValueError(f"allowed: expected bool ({n_books},), found {allowed.dtype} {allowed.shape}")
    questions = [question_of(one) for one in asked]
    if wrong := [row for question in questions for row in question.left_out.tolist() if not 0 <= row < n_books]:
        raise ValueError(f"row {wrong[0]}: expected 0 to {n_books - 1}, a row of the release's books")
    return questions


# ---- how sure -------------------------------------------------------------------------------


def _vectors(release: Release, space: str | None) -> np.ndarray:
    return release.vectors if space is None else release.space(space)


def _ensemble(release: Release, space: str | None) -> Ensemble | None:
    return release.ensemble if space in (None, release.spaces[0]) else None


def _certainty(
    ensemble: Ensemble, release: Release, question: Question, similarity: np.ndarray, rows: np.ndarray
) -> Certainty:
    """Return how sure the books `rows` are, `similarity` (n_books,) being -inf for books that are not allowed."""
    allowed = np.flatnonzero(similarity > -np.inf)
    if 2 * len(allowed) > len(similarity):  # all of them lie one after another in the file: faster
        replicates = ensemble.similarity(question.direction, np.arange(len(similarity)))[:, allowed]
    else:
        replicates = ensemble.similarity(question.direction, allowed)
    candidates = np.searchsorted(allowed, rows)
    return ensemble.certainty(similarity[rows], replicates, candidates, question.readers(release.books))


def _surest(rows: np.ndarray, similarity: np.ndarray, sure: Certainty, k: int) -> Neighbours:
    order = np.lexsort((rows, -similarity, -sure.p_top))[:k]
    return Neighbours(rows[order], similarity[order], sure.low[order], sure.high[order], sure.p_top[order])


def _rounded(values: np.ndarray | None, i: int) -> float | None:
    return None if values is None else round(float(values[i]), 4)
