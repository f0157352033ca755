"""Folding in: the posterior of a reader's topics, against all assignments enumerated."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import scipy.sparse as sp

from models.lda_fold_in import fold_in
from tests.models.corpora import shown

TOPICS = np.array([[0.6, 0.3, 0.1], [0.1, 0.2, 0.7]])
ALPHA = np.array([0.5, 1.5])


def exact_posterior(books: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean and sd of the mixture, summed over all assignments of the books to topics."""
    weights, means, squares = [], [], []
    for assigned in product(range(2), repeat=len(books)):
        n = np.bincount(assigned, minlength=2)
        drawn = np.prod([TOPICS[k, book] for k, book in zip(assigned, books, strict=True)])
        polya = np.prod([np.prod(ALPHA[k] + np.arange(n[k])) for k in range(2)])
        m, total = ALPHA + n, ALPHA.sum() + len(books)
        weights.append(drawn * polya)
        means.append(m / total)
        squares.append(m * (m + 1) / (total * (total + 1)))
    mean, square = (np.average(x, axis=0, weights=weights) for x in (means, squares))
    return mean, np.sqrt(square - mean**2)


@pytest.mark.parametrize("books", [[], [0], [2]])
def test_a_reader_of_no_or_one_book_has_the_exact_posterior(books: list[int]) -> None:
    found = fold_in(TOPICS, ALPHA, shown([books], 3))
    mean, sd = exact_posterior(books)
    np.testing.assert_allclose(found.mean[0], mean, rtol=1e-5)
    np.testing.assert_allclose(found.sd[0], sd, rtol=1e-5)


@pytest.mark.parametrize("books", [[0, 1], [0, 1, 2], [2, 2, 2, 2, 1, 0], [0] * 12])
def test_a_reader_of_some_books_has_nearly_the_exact_posterior(books: list[int]) -> None:
    counts = sp.csr_matrix(np.bincount(books, minlength=3)[None].astype(np.float32))
    found = fold_in(TOPICS, ALPHA, counts)
    mean, sd = exact_posterior(books)
    np.testing.assert_allclose(found.mean[0], mean, atol=0.04)
    np.testing.assert_allclose(found.sd[0], sd, rtol=0.15)
    total = ALPHA.sum() + len(books)
    alone = np.sqrt(found.mean[0] * (1 - found.mean[0]) / (total + 1))
    assert (found.sd[0] > alone).all()  # the doubt about who made which reading counts too


def test_a_reader_is_folded_in_alike_whoever_is_beside(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    topics = random.dirichlet(np.full(40, 0.3), 4)
    alpha = np.array([0.2, 0.1, 0.4, 0.3])
    rows = sp.csr_matrix((random.random((30, 40)) < random.random((30, 1)) * 0.5).astype(np.float32))
    together = fold_in(topics, alpha, rows)
    for block in (1, 50):
        monkeypatch.setattr("models.lda_fold_in._BLOCK", block)
        apart = fold_in(topics, alpha, rows)
        np.testing.assert_allclose(apart.mean, together.mean, rtol=1e-6)
        np.testing.assert_allclose(apart.sd, together.sd, rtol=1e-6)
    alone = fold_in(topics, alpha, rows[[7]])
    np.testing.assert_allclose(alone.mean[0], together.mean[7], rtol=1e-6)
