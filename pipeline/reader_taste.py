"""What a reader thinks of a book, from what that reader thought of others: a Gaussian process per reader.

The normal score of a rating, less what other readers thought of the book, is a Gaussian process over books
(Rasmussen and Williams 2006, chapter 2), one for each reader, with variances that all readers share:

    k(i, j) = v_0 + sum_m v_m exp(c_m (x_i . x_j - 1)) + v_a [same author] + v_b b_i b_j,   plus noise v_e

A reader is mild or strict, likes what is near in a space of books, stays true to authors, and agrees with others more
or less. Posterior mean and standard deviation are then what the reader's own ratings say of a book, and how much they
leave open. Of a reader without ratings they are those of the prior: the same formula with nothing in it.

A rating is left out of its own history in closed form, from the inverse of the whole covariance (same book, eq. 5.12).
The variances maximise the marginal likelihood of a sample of readers (eq. 5.9), by L-BFGS within bounds, and not on
their logarithms: one that a step has made small would have no slope to come back by.

| symbol | name | shape |
|---|---|---|
| x | `vectors`, unit rows | (n_books, n_dims) |
| c | `nearness` | (n_scales,) |
| v | `variances` | (n_scales + 4,): constant, scales, author, agreement, noise |
| b | `effect` | (n,), what others think of the book |
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from threadpoolctl import threadpool_limits

_ROWS = 1024  # books asked at a time: the covariance with a history stays small
_MOST, _LEAST_NOISE = 20.0, 0.01  # of a variance, where scores have about 1
_START, _START_NOISE = 0.1, 0.7
_STEPS = 60


@dataclass(frozen=True)
class History:
    """What a reader rated.

    Attributes
    ----------
    book
        (n,), integers.
    effect
        float64 (n,), what other readers think of each.
    rest
        float64 (n_removed, n), normal scores less effects; a row is the scale of the reader without one rating of the
        level of that row, the last row without none.
    """

    book: np.ndarray
    effect: np.ndarray
    rest: np.ndarray


@dataclass(frozen=True)
class ReaderTaste:
    """The process that all readers share.

    Attributes
    ----------
    vectors
        float32 (n_books, n_dims), rows of length 1, or 0 for a book without; n_dims may be 0.
    author
        int64 (n_books,), the author of each book.
    nearness
        How fast taste changes with distance, a number per scale; none without vectors.
    variances
        float64 (n_scales + 4,), see the module's text.
    """

    vectors: np.ndarray
    author: np.ndarray
    nearness: tuple[float, ...]
    variances: np.ndarray

    @classmethod
    def fit(
        cls, vectors: np.ndarray, author: np.ndarray, nearness: Sequence[float], histories: Sequence[History]
    ) -> ReaderTaste:
        """Return the process whose variances make `histories` likeliest; those of the start if there are none.

        BLAS is kept to one thread: each of the many small matrices would wait for the threads to meet, on a busy
        machine for longer than it takes to invert it, and sums would be rounded by how many they are.
        """
        scales = tuple(nearness) if vectors.shape[1] else ()
        start = np.full(len(scales) + 4, _START)
        start[-1] = _START_NOISE
        taste = cls(vectors, author, scales, start)
        if not histories:
            return taste
        parts = [(np.stack(list(taste._parts(h, h.book, h.effect))), h.rest[-1]) for h in histories]
        n_ratings = sum(len(h.book) for h in histories)

        def loss(variances: np.ndarray) -> tuple[float, np.ndarray]:
            value, gradient = negative_log_likelihood(variances, parts)
            return value / n_ratings, gradient / n_ratings

        bounds = [(0.0, _MOST)] * (len(start) - 1) + [(_LEAST_NOISE, _MOST)]
        with threadpool_limits(1, user_api="blas"):
            found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": _STEPS})
        return cls(vectors, author, scales, found.x)

    def posterior(
        self, history: History, book: np.ndarray, effect: np.ndarray, place: np.ndarray, removed: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and sd, float64 (n_asked,), of the score of books less what others think, noise included.

        Parameters
        ----------
        history
            Of one reader.
        book, effect
            (n_asked,), the books asked and what others think of them.
        place
            int (n_asked,), where the book is in `history`: that rating is left out; -1 where it is not.
        removed
            int (n_asked,), the row of `history.rest` that holds.
        """
        covariance = sum(self._weighted(history, history.book, history.effect), np.zeros((len(history.book),) * 2))
        inverse = np.linalg.inv(covariance + self.variances[-1] * np.eye(len(history.book)))
        weights = history.rest @ inverse
        mean, var = np.empty(len(book)), np.empty(len(book))
        known = np.flatnonzero(place >= 0)
        at, row = place[known], removed[known]
        var[known] = 1 / inverse[at, at]
        mean[known] = history.rest[row, at] - weights[row, at] * var[known]
        others = np.flatnonzero(place < 0)
        for some in np.split(others, np.arange(_ROWS, len(others), _ROWS)):
            shape = (len(some), len(history.book))
            between = sum(self._weighted(history, book[some], effect[some]), np.zeros(shape))
            mean[some] = np.einsum("ij,ij->i", between, weights[removed[some]])
            explained = np.einsum("ij,ij->i", between @ inverse, between)
            var[some] = self._prior_var(book[some], effect[some]) - explained
        return mean, np.sqrt(var)

    def _parts(self, history: History, book: np.ndarray, effect: np.ndarray) -> Iterator[np.ndarray]:
        """Yield the covariances of `book` with the history, (n, n_history), a part a variance, without the noise."""
        yield np.ones((len(book), len(history.book)))
        if self.nearness:
            cosine = (self.vectors[book] @ self.vectors[history.book].T).astype(np.float64)
            for scale in self.nearness:
                yield np.exp(scale * (cosine - 1))
        yield (self.author[book][:, None] == self.author[history.book]).astype(np.float64)
        yield effect[:, None] * history.effect

    def _weighted(self, history: History, book: np.ndarray, effect: np.ndarray) -> Iterator[np.ndarray]:
        for variance, part in zip(self.variances, self._parts(history, book, effect), strict=False):  # noise comes last
            yield variance * part

    def _prior_var(self, book: np.ndarray, effect: np.ndarray) -> np.ndarray:
        square = (self.vectors[book].astype(np.float64) ** 2).sum(axis=1)
        near = sum(
            (v * np.exp(c * (square - 1)) for v, c in zip(self.variances[1:], self.nearness, strict=False)),
            np.zeros(len(book)),
        )
        constant, author, agreement, noise = self.variances[[0, -3, -2, -1]]
        prior: np.ndarray = constant + near + author + agreement * effect**2 + noise
        return prior


def negative_log_likelihood(
    variances: np.ndarray, parts: Sequence[tuple[np.ndarray, np.ndarray]]
) -> tuple[float, np.ndarray]:
    """Return minus the log marginal likelihood, but for a constant, and its gradient by the variances.

    `parts` has for each reader the parts of the covariance, (n_variances - 1, n, n), and the scores, (n,).
    """
    total, gradient = 0.0, np.zeros(len(variances))
    for part, score in parts:
        covariance = np.tensordot(variances[:-1], part, axes=1) + variances[-1] * np.eye(len(score))
        inverse = np.linalg.inv(covariance)
        weights = inverse @ score
        total += 0.5 * float(score @ weights + np.linalg.slogdet(covariance)[1])
        slope = inverse - np.outer(weights, weights)
        gradient[:-1] += 0.5 * np.tensordot(part, slope, axes=2)
        gradient[-1] += 0.5 * np.trace(slope)
    return total, gradient
