"""EASE against its closed form, written out in float64, from both sides."""

from __future__ import annotations

import re

import numpy as np
import pytest

from data.corpus import Corpus
from data.errors import BadConfig, WagahaiError
from models.base import Run
from models.ease import Ease, EaseConfig, ridge_of, too_large
from tests.models.contract import RankerContract
from tests.models.corpora import checkerboard, corpus_of, shown, tastes


class TestEaseByBooks(RankerContract):
    model = Ease
    config = EaseConfig(l2=3.0, popularity_exponent=0.5, max_size=30)


class TestEaseByReaders(TestEaseByBooks):
    @classmethod
    def data_of(cls, seed: int) -> Corpus:
        return tastes(seed=seed, n_readers=20)


def test_both_sides_are_under_contract() -> None:
    assert "weights" in Ease.fit(tastes(seed=1), EaseConfig(), Run()).arrays()
    assert "weights" not in Ease.fit(tastes(seed=1, n_readers=20), EaseConfig(), Run()).arrays()


def weights_by_definition(corpus: Corpus, config: EaseConfig) -> np.ndarray:
    """Steck's B, one book at a time: a ridge regression of the book on the others."""
    X = corpus.counts.toarray().astype(np.float64)
    n = X.sum(axis=0)
    penalty = config.l2 * (np.maximum(n, 1) / n[n > 0].mean()) ** config.popularity_exponent
    B = np.zeros((corpus.n_books, corpus.n_books))
    for book in range(corpus.n_books):
        others = np.arange(corpus.n_books) != book
        gram = X[:, others].T @ X[:, others] + np.diag(penalty[others])
        B[others, book] = np.linalg.solve(gram, X[:, others].T @ X[:, book])
    return B


def some_readers(seed: int, n_readers: int, n_books: int) -> Corpus:
    """Readers of books of very different popularity; the last book has none."""
    random = np.random.default_rng(seed)
    p_book = 1 / np.arange(1, n_books)
    p_book /= p_book.sum()
    sizes = random.integers(1, n_books // 2, n_readers)
    return corpus_of([random.choice(n_books - 1, size, replace=False, p=p_book).tolist() for size in sizes], n_books)


@pytest.mark.parametrize("exponent", [0.0, 0.25, 1.0])
@pytest.mark.parametrize(("n_readers", "n_books"), [(60, 25), (25, 60), (30, 30), (1, 12), (40, 1100)])
def test_scores_are_those_of_a_ridge_regression_of_every_book(n_readers: int, n_books: int, exponent: float) -> None:
    corpus, config = some_readers(4, n_readers, n_books), EaseConfig(l2=2.5, popularity_exponent=exponent)
    if n_books > 1000:  # more than one block; the regressions are too slow there
        X = corpus.counts.toarray().astype(np.float64)
        P = np.linalg.inv(X.T @ X + np.diag(ridge_of(corpus.readers_per_book, config).astype(np.float64)))
        B = -P / np.diag(P)
        np.fill_diagonal(B, 0)
    else:
        B = weights_by_definition(corpus, config)
    others = some_readers(5, 20, n_books).counts
    score = Ease.fit(corpus, config, Run()).score(others)
    read = corpus.readers_per_book > 0
    np.testing.assert_allclose(score[:, read], (others @ B)[:, read], atol=1e-4)
    assert np.isneginf(score[:, ~read]).all()


def test_two_books_by_hand() -> None:
    # both books have 2 of 3 readers, 1 in common: the regression of one on the other is 1 / (2 + ridge)
    corpus = corpus_of([[0], [1], [0, 1]], n_books=2)
    score = Ease.fit(corpus, EaseConfig(l2=0.5), Run()).score(shown([[0], [1], [0, 1], []], 2))
    np.testing.assert_allclose(score, np.array([[0, 0.4], [0.4, 0], [0.4, 0.4], [0, 0]]), atol=1e-6)


@pytest.mark.parametrize("n_books", [30, 31])
def test_a_reader_more_than_books_or_a_book_more_scores_the_same(n_books: int) -> None:
    """The same readings with and without books that nobody read, so that the sides change."""
    corpus = some_readers(8, 30, 25)
    histories = [corpus.counts[i].indices.tolist() for i in range(30)]
    config = EaseConfig(l2=2.5)
    score = Ease.fit(corpus_of(histories, n_books), config, Run()).score(shown(histories, n_books))
    expected = Ease.fit(corpus, config, Run()).score(corpus.counts)
    np.testing.assert_allclose(score[:, :24], expected[:, :24], atol=1e-4)
    assert np.isneginf(score[:, 24:]).all()


@pytest.mark.parametrize("n_cut", [0, 4])
def test_the_checkerboard_is_completed_for_every_reader(n_cut: int) -> None:
    corpus = checkerboard(50)  # as many readers as books: the books' side; without the last 4: the readers'
    corpus = corpus_of([corpus.counts[i].indices.tolist() for i in range(50 - n_cut)], 50)
    scores = Ease.fit(corpus, EaseConfig(l2=1.0), Run()).score(corpus.counts)
    scores[corpus.counts.nonzero()] = -np.inf
    assert scores.argmax(axis=1).tolist() == list(range(50 - n_cut))


def test_the_ridge_of_a_book_by_hand() -> None:
    ridge = ridge_of(np.array([1, 4, 16, 0]), EaseConfig(l2=10.0, popularity_exponent=0.5))  # mean of those read: 7
    np.testing.assert_allclose(ridge, 10 * np.sqrt([1 / 7, 4 / 7, 16 / 7, 1]), rtol=1e-6)
    assert ridge_of(np.array([0, 0]), EaseConfig(l2=10.0)).tolist() == [10.0, 10.0]


def test_nothing_of_size_books_by_books_is_kept_with_fewer_readers() -> None:
    arrays = Ease.fit(some_readers(1, 10, 1000), EaseConfig(), Run()).arrays()
    assert max(array.size for array in arrays.values()) < 10 * 1000


def test_what_is_too_large_is_refused_before_it_is_tried() -> None:
    small = EaseConfig(max_size=20)
    assert too_large(20, 10**6, small) == too_large(10**6, 20, small) == too_large(20_000, 10**6) == ""
    assert too_large(30_000, 40_000).endswith("found 30,000 readers and 40,000 books")
    message = "at most 20 readers or at most 20 books: found 40 readers and 24 books; "
    with pytest.raises(WagahaiError, match=re.escape(message)):
        Ease.fit(tastes(seed=0), small, Run())


@pytest.mark.parametrize(
    "wrong", [{"l2": 0.0}, {"l2": float("inf")}, {"popularity_exponent": float("nan")}, {"max_size": 0}]
)
def test_impossible_settings_are_refused(wrong: dict[str, float]) -> None:
    (name,) = wrong
    with pytest.raises(BadConfig, match=rf"ease\.{name}"):
        EaseConfig(**wrong)  # type: ignore[arg-type]  # a wrong value is the point
