"""What is asked of a release: a direction in its space. numpy only.

It is that of a book, of the middle of several (a reader is the middle of the books read), or of books with others
taken out. "Like A but not B" is
orthogonal negation (Widdows 2003, "Orthogonal negation in vector spaces"): of A, what it has in common with B is
removed, the part along the span of all that is not wanted. B itself then has similarity 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data.ensemble import VectorsOf
from data.errors import WagahaiError
from data.release import Books

_NOTHING = 1e-6  # length of a mean of unit vectors, below which it is rounding
_NOTHING_LEFT = 1e-3  # and of what is left of one


@dataclass(frozen=True)
class Question:
    """What is asked for.

    Attributes
    ----------
    like
        Rows of books: asked for is their middle, the mean of their unit vectors. They are no answer.
    unlike
        Rows of books whose part of the direction is taken out.
    new
        Vectors of what is no book of the release but has a place in the space that is asked (`pipeline.fold_in`),
        float32 (n_dims,). Each counts in the mean as a book. Replicates have none: how sure is then not known.
    n_readers
        Readers behind the question; None for those of the least read book of `like`.
    """

    like: tuple[int, ...]
    unlike: tuple[int, ...] = ()
    new: tuple[np.ndarray, ...] = ()
    n_readers: int | None = None

    @property
    def left_out(self) -> np.ndarray:
        """Rows of the books that are no answer, because they are in the question, int64."""
        return np.array(sorted({*self.like, *self.unlike}), np.int64)

    def direction(self, vectors_of: VectorsOf) -> np.ndarray:
        """Return the unit direction asked for, float32 (n_dims,); zero where nothing of it is left.

        Parameters
        ----------
        vectors_of
            Rows of books -> their unit vectors, float32 (n, n_dims).
        """
        parts = vectors_of(np.array(self.like, np.int64))
        if len(self.like) == 1 and not self.unlike and not self.new:
            own: np.ndarray = parts[0]
            return own
        wanted = np.concatenate([parts, *(vector[None] for vector in self.new)]).mean(axis=0, dtype=np.float64)
        if (length := np.linalg.norm(wanted)) <= _NOTHING:
            return np.zeros(len(wanted), np.float32)
        wanted = wanted / length
        if self.unlike:
            wanted = _taken_out(wanted, vectors_of(np.array(self.unlike, np.int64)))
        length = np.linalg.norm(wanted)
        return (wanted / length if length > _NOTHING_LEFT else np.zeros(len(wanted))).astype(np.float32)

    def readers(self, books: Books) -> int:
        """Return the readers behind the question."""
        if self.n_readers is not None:
            return self.n_readers
        return int(books.n_readers[list(self.like)].min()) if self.like else 0


Asked = int | Question


def question_of(asked: Asked) -> Question:
    """Return a question as it is, and that of a book, given its row."""
    return asked if isinstance(asked, Question) else Question((int(asked),))


def direction_of(question: Question, vectors: np.ndarray) -> np.ndarray:
    """Return the direction of a question in a space of unit `vectors`, float32 (n_dims,).

    Raises
    ------
    WagahaiError
        If nothing is left: the unlike books say all that the others do, or the books are each other's opposites.
    """
    direction = question.direction(vectors.__getitem__)
    if (question.unlike or len(question.like) + len(question.new) > 1) and not direction.any():
        raise WagahaiError(
            "nothing is left of what was asked for"
            + (" once what it must not be like is taken out" if question.unlike else ": the books are opposites")
            + "; name other books"
        )
    return direction


def _taken_out(wanted: np.ndarray, unwanted: np.ndarray) -> np.ndarray:
    """Return `wanted` without its part along the span of the rows `unwanted`, float64."""
    _, size, basis = np.linalg.svd(unwanted.astype(np.float64), full_matrices=False)
    basis = basis[size > _NOTHING_LEFT * size.max(initial=0)]
    rest: np.ndarray = wanted - (basis @ wanted) @ basis
    return rest
