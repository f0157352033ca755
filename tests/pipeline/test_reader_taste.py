"""A reader's process against the textbook's formulas, written out; variances recovered from planted readers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.optimize import check_grad
from scipy.stats import multivariate_normal
from threadpoolctl import threadpool_info, threadpool_limits

from data.vectors import unit_rows
from pipeline import reader_taste
from pipeline.rating_evidence import Population, Readers
from pipeline.reader_taste import History, ReaderTaste, negative_log_likelihood
from tests.pipeline.rated import rated

VARIANCES = np.array([0.1, 0.3, 0.2, 0.15, 0.4])
NEARNESS = (4.0,)


def books(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    vectors = unit_rows(random.normal(size=(n, 3)).astype(np.float32))
    vectors[0] = 0  # a book without a vector
    return vectors, random.integers(0, n // 2, n)


def covariance(taste: ReaderTaste, i: int, j: int, b_i: float, b_j: float) -> float:
    """Formula of the module's text for one pair."""
    v = taste.variances
    cosine = float(taste.vectors[i].astype(float) @ taste.vectors[j].astype(float))
    near = sum(v[1 + m] * np.exp(c * (cosine - 1)) for m, c in enumerate(taste.nearness))
    return float(v[0] + near + v[-3] * (taste.author[i] == taste.author[j]) + v[-2] * b_i * b_j)


def by_hand(
    taste: ReaderTaste, known: np.ndarray, effect: np.ndarray, rest: np.ndarray, book: int, b: float
) -> tuple[float, float]:
    pairs = list(zip(known, effect, strict=True))
    K = np.array([[covariance(taste, i, j, b_i, b_j) for j, b_j in pairs] for i, b_i in pairs])
    k = np.array([covariance(taste, book, j, b, b_j) for j, b_j in pairs])
    noisy = K.reshape(len(known), len(known)) + taste.variances[-1] * np.eye(len(known))
    mean = float(k @ np.linalg.solve(noisy, rest)) if len(known) else 0.0
    explained = float(k @ np.linalg.solve(noisy, k)) if len(known) else 0.0
    return mean, float(np.sqrt(covariance(taste, book, book, b, b) + taste.variances[-1] - explained))


@pytest.fixture
def taste() -> ReaderTaste:
    vectors, author = books(12, seed=1)
    return ReaderTaste(vectors, author, NEARNESS, VARIANCES)


def test_a_new_book_is_told_as_in_the_textbook(taste: ReaderTaste) -> None:
    random = np.random.default_rng(2)
    known, effect, rest = np.arange(6), random.normal(size=6), random.normal(size=(1, 6))
    asked, b = np.array([7, 11, 9]), np.array([0.3, -0.2, 0.0])
    found = taste.posterior(
        History(known, effect, rest), asked, b, np.full(3, -1), np.zeros(3, np.int64)
    )  # fmt: skip
    for i in range(3):
        assert (found[0][i], found[1][i]) == pytest.approx(by_hand(taste, known, effect, rest[0], asked[i], b[i]))


def test_a_known_book_is_told_from_the_others_alone(taste: ReaderTaste) -> None:
    """Leaving out in closed form is the same as a history without the rating, on the scale without it."""
    random = np.random.default_rng(3)
    known, effect, rest = np.arange(6), random.normal(size=6), random.normal(size=(3, 6))
    place, removed = np.array([0, 4, 2]), np.array([1, 0, 2])
    found = taste.posterior(History(known, effect, rest), known[place], effect[place], place, removed)
    for i, (at, row) in enumerate(zip(place, removed, strict=True)):
        left = np.delete(np.arange(6), at)
        expected = by_hand(taste, known[left], effect[left], rest[row, left], known[at], effect[at])
        assert (found[0][i], found[1][i]) == pytest.approx(expected)


def test_a_reader_without_ratings_has_the_prior(taste: ReaderTaste) -> None:
    nothing = History(np.empty(0, np.int64), np.empty(0), np.empty((2, 0)))
    mean, sd = taste.posterior(nothing, np.array([0, 3]), np.array([0.5, 0.0]), np.array([-1, -1]), np.array([1, 1]))
    assert mean.tolist() == [0, 0]
    assert sd[1] == pytest.approx(np.sqrt(VARIANCES[[0, 1, 2, 4]].sum()))
    none = np.empty(0)
    assert sd[0] == pytest.approx(by_hand(taste, none, none, none, 0, 0.5)[1])


def test_likelihood_and_gradient(taste: ReaderTaste) -> None:
    random = np.random.default_rng(4)
    history = History(np.arange(7), random.normal(size=7), random.normal(size=(1, 7)))
    parts = [(np.stack(list(taste._parts(history, history.book, history.effect))), history.rest[-1])]
    density = multivariate_normal(np.zeros(7), np.tensordot(VARIANCES[:-1], parts[0][0], 1) + VARIANCES[-1] * np.eye(7))
    expected = -density.logpdf(history.rest[-1]) - 7 / 2 * np.log(2 * np.pi)
    assert negative_log_likelihood(VARIANCES, parts)[0] == pytest.approx(expected)

    def value(at: np.ndarray) -> float:
        return negative_log_likelihood(at, parts)[0]

    def gradient(at: np.ndarray) -> np.ndarray:
        return negative_log_likelihood(at, parts)[1]

    assert check_grad(value, gradient, VARIANCES) < 1e-4


def test_planted_variances_are_recovered() -> None:
    vectors, author = books(60, seed=5)
    random = np.random.default_rng(6)
    true = ReaderTaste(vectors, author, NEARNESS, VARIANCES)
    histories = []
    for _ in range(300):
        known = random.choice(60, 40, replace=False)
        history = History(known, random.normal(size=40), np.zeros((1, 40)))
        K = np.tensordot(VARIANCES[:-1], np.stack(list(true._parts(history, known, history.effect))), 1)
        drawn = random.multivariate_normal(np.zeros(40), K + VARIANCES[-1] * np.eye(40))
        histories.append(History(known, history.effect, drawn[None]))
    found = ReaderTaste.fit(vectors, author, NEARNESS, histories).variances
    assert np.abs(found / VARIANCES - 1).max() < 0.25


def test_without_vectors_there_is_no_nearness() -> None:
    taste = ReaderTaste.fit(np.zeros((4, 0), np.float32), np.arange(4), NEARNESS, [])
    assert taste.nearness == ()
    assert len(taste.variances) == 4
    history = History(np.array([0]), np.array([0.0]), np.array([[1.0]]))
    mean, _ = taste.posterior(history, np.array([1]), np.array([0.0]), np.array([-1]), np.array([0]))
    assert mean[0] == pytest.approx(0.1 / (0.1 + 0.1 + 0.7))  # constant / (constant + author + noise)


def blas_threads() -> set[int]:
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


def test_readers_are_looked_at_by_one_thread_of_blas(monkeypatch: pytest.MonkeyPatch) -> None:
    """With two, each small inverse waits for both to meet: a fit on a busy machine takes 5 to 15 times as long."""
    seen: dict[str, set[int]] = {"fit": set(), "posterior": set()}
    likelihood, posterior = reader_taste.negative_log_likelihood, ReaderTaste.posterior

    def listening(*arguments: Any) -> tuple[float, np.ndarray]:
        seen["fit"] |= blas_threads()
        return likelihood(*arguments)

    def asked(self: ReaderTaste, *arguments: Any) -> tuple[np.ndarray, np.ndarray]:
        seen["posterior"] |= blas_threads()
        return posterior(self, *arguments)

    monkeypatch.setattr(reader_taste, "negative_log_likelihood", listening)
    monkeypatch.setattr(ReaderTaste, "posterior", asked)
    ratings, context = rated(n_readers=10, n_books=20)
    with threadpool_limits(2, user_api="blas"):
        population = Population.fit(ratings, context, NEARNESS, 5, 0)
        Readers.of(population, ratings, ratings, 100).evidence(ratings.reader[:5], ratings.book[:5])
        assert blas_threads() == {2}, "others have as many as before"
    assert seen == {"fit": {1}, "posterior": {1}}
