"""Factorised PMI: the contract, the matrix by hand and against a dense oracle, and neighbours that are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.corpus import Corpus
from data.errors import BadConfig
from models import ppmi
from models.base import Run
from models.ppmi import Ppmi, PpmiConfig, shifted_pmi
from tests.models.contract import EncoderContract
from tests.models.corpora import checkerboard, corpus_of, shown, tastes
from tests.models.model_contract import assert_same_arrays


class TestPpmi(EncoderContract):
    model = Ppmi
    config = PpmiConfig(
        n_dims=6, shift=0.5, context_exponent=0.6, near_exponent=0.7, rank_exponent=0.4, popularity_weight=0.2
    )


def matrix_of(corpus: Corpus, **config: float) -> np.ndarray:
    return shifted_pmi(corpus.counts, PpmiConfig(**config), Run()).toarray()  # type: ignore[arg-type]  # floats only


def slowly(corpus: Corpus, shift: float, context_exponent: float) -> np.ndarray:
    """The matrix by its definition, pair by pair, both directions apart."""
    n = corpus.n_books
    together = np.zeros((n, n))
    for reader in range(corpus.n_readers):
        books = corpus.sequence_of(reader)
        for one in books:
            for other in books:
                if one != other:
                    together[one, other] += 1 / (len(books) - 1)
    share = together.sum(axis=1) / max(together.sum(), 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        context = share**context_exponent / np.sum(share[share > 0] ** context_exponent)
        pmi = np.log(together / together.sum() / np.outer(share, context))
    both = (pmi + pmi.T) / 2 - np.log(shift)
    return np.where(together > 0, np.log1p(np.exp(both)), 0)


def test_the_matrix_of_four_books_by_hand() -> None:
    # Readers of {0, 1}, {0, 1}, {2, 3} and {0, 2, 3}: the last one's pairs weigh 1/2. C sums to 2 + 2 + 2 + 3 = 9.
    corpus = corpus_of([[0, 1], [1, 0], [2, 3], [0, 2, 3]], 4)
    # C: 0-1 2, 0-2 1/2, 0-3 1/2, 2-3 3/2; sums 3, 2, 2, 2.
    odds = np.zeros((4, 4))
    odds[0, 1] = 2 * 9 / (3 * 2)
    odds[0, 2] = odds[0, 3] = 0.5 * 9 / (3 * 2)
    odds[2, 3] = 1.5 * 9 / (2 * 2)
    for shift in (0.5, 1.0, 8.0):
        expected = np.log(1 + (odds + odds.T) / shift)
        np.testing.assert_allclose(matrix_of(corpus, shift=shift, context_exponent=1.0), expected, rtol=1e-6)


def test_a_reader_counts_by_books_not_by_pairs() -> None:
    # Without weights 10 books of one reader would make 90 pairs to the 2 of another, and PMI would say so.
    corpus = corpus_of([list(range(10)), [10, 11]], 12)
    found = matrix_of(corpus, shift=2.0, context_exponent=1.0)
    np.testing.assert_allclose(found[10, 11], np.log(1 + 12 / 2), rtol=1e-6)
    np.testing.assert_allclose(found[0, 1], np.log(1 + 12 / 9 / 2), rtol=1e-6)


histories = st.lists(st.lists(st.integers(0, 7), max_size=6, unique=True), min_size=1, max_size=12)


@given(histories, st.floats(0.3, 4), st.floats(0, 1))
@settings(max_examples=60, deadline=None)
def test_the_matrix_is_that_of_the_definition(readers: list[list[int]], shift: float, context_exponent: float) -> None:
    corpus = corpus_of(readers, 8)
    found = matrix_of(corpus, shift=shift, context_exponent=context_exponent)
    np.testing.assert_array_equal(found, found.T)
    np.testing.assert_allclose(found, slowly(corpus, shift, context_exponent), atol=2e-5)


def test_blocks_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    corpus, config = tastes(seed=3), PpmiConfig(n_dims=5)
    whole = matrix_of(corpus)
    before = Ppmi.fit(corpus, config, Run(1))
    monkeypatch.setattr(ppmi, "_CELLS", 7 * corpus.n_books)
    assert len(ppmi._blocks(corpus.n_books)) == 4
    np.testing.assert_array_equal(matrix_of(corpus), whole)
    in_blocks = Ppmi.fit(corpus, config, Run(1))
    monkeypatch.setattr(ppmi, "_SPARSE", 1.1)
    sparse = Ppmi.fit(corpus, config, Run(1))
    for other in (in_blocks, sparse):
        np.testing.assert_allclose(other.book_vectors(), before.book_vectors(), atol=1e-4)


def test_pairs_are_bounded_and_the_faintest_go(monkeypatch: pytest.MonkeyPatch) -> None:
    # 9 readings, 12 pairs; at most 9: those below 9/9 = 1 go, which are the two of weight 1/2. If 12 may be, none goes.
    corpus = corpus_of([[0, 1], [1, 0], [2, 3], [0, 2, 3]], 4)
    monkeypatch.setattr(ppmi, "MAX_PAIRS", 9)
    kept = matrix_of(corpus, shift=0.01, context_exponent=1.0)
    assert np.argwhere(kept).tolist() == [[0, 1], [1, 0], [2, 3], [3, 2]]
    monkeypatch.setattr(ppmi, "MAX_PAIRS", 12)
    assert np.count_nonzero(matrix_of(corpus)) == 8


def test_all_dimensions_give_the_matrix_back() -> None:
    # Two cliques of books: M is a block of equal values without its diagonal, whose only positive eigenvectors
    # are constant on a clique. n - 1 times the value is theirs.
    corpus = corpus_of([[0, 1, 2], [0, 1, 2], [3, 4, 5, 6]], 7)
    found = Ppmi.fit(corpus, PpmiConfig(n_dims=7, shift=1.0, context_exponent=1.0), Run())
    first, second = np.log(1 + 2 / 2 * 10 / 4), np.log(1 + 1 / 3 * 10)
    np.testing.assert_allclose(found.values, [3 * second, 2 * first], rtol=1e-5)
    np.testing.assert_allclose(found.vectors, np.array([[0] * 3 + [0.5] * 4, [3**-0.5] * 3 + [0] * 4]).T, atol=1e-6)


def test_the_factors_are_those_of_the_dense_eigendecomposition() -> None:
    corpus = tastes(seed=4, n_readers=200)
    values, vectors = np.linalg.eigh(matrix_of(corpus).astype(np.float64))
    found = Ppmi.fit(corpus, PpmiConfig(n_dims=3), Run())
    np.testing.assert_allclose(found.values, values[::-1][:3], rtol=1e-5)
    np.testing.assert_allclose(np.abs(found.vectors), np.abs(vectors[:, ::-1][:, :3]), atol=1e-4)
    assert (found.vectors[np.abs(found.vectors).argmax(axis=0), range(3)] > 0).all()


def test_on_the_checkerboard_the_nearest_books_are_of_the_same_colour() -> None:
    w = Ppmi.fit(checkerboard(50), PpmiConfig(n_dims=16), Run()).book_vectors()
    cosine = w @ w.T
    np.fill_diagonal(cosine, -np.inf)
    nearest = np.argsort(-cosine, axis=1)[:, :24]  # 24 other books have the colour
    assert (nearest % 2 == np.arange(50)[:, None] % 2).all()


def test_two_fits_are_equal_to_the_bit_where_the_range_is_sampled() -> None:
    corpus, config = tastes(seed=2, n_readers=400, n_books=120), PpmiConfig(n_dims=20)  # 52 samples of 120 dimensions
    assert_same_arrays(Ppmi.fit(corpus, config, Run(5)).arrays(), Ppmi.fit(corpus, config, Run(5)).arrays())


def by_hand(**config: float) -> Ppmi:
    """Three books, the first two of one direction when the eigenvalues do not count; the last without readers."""
    vectors = np.array([[0.8, 0.6], [0.8, -0.6], [0, 0]], np.float32)
    return Ppmi(PpmiConfig(n_dims=2, **config), vectors, np.array([16, 1], np.float32), np.array([1, 100, 0]))


def test_exponents_weigh_the_dimensions() -> None:
    # 16**.25 = 2: directions (1.6, ±.6), whose cosine is (2.56 - .36) / (2.56 + .36)
    near = by_hand(near_exponent=0.25).book_vectors()
    np.testing.assert_allclose(near[0] @ near[1], 2.2 / 2.92, rtol=1e-6)
    flat = by_hand(near_exponent=0.0).book_vectors()
    np.testing.assert_allclose(flat, [[0.8, 0.6], [0.8, -0.6], [0.0, 0.0]], rtol=1e-6)


def test_readers_are_ranked_by_another_exponent_and_popularity() -> None:
    scores = by_hand(near_exponent=1.0, rank_exponent=0.25, popularity_weight=0.5).score(shown([[0]], 3))[0]
    assert scores.tolist() == pytest.approx([1, 2.2 / 2.92 + 0.5 * np.log(100), -np.inf])


def test_a_reader_is_the_mean_of_the_books_shown() -> None:
    np.testing.assert_allclose(by_hand(near_exponent=0.0).transform(shown([[0, 1]], 3))[0], [0.8, 0], atol=1e-6)


def test_books_without_readers_are_nowhere_and_a_lone_book_is_known() -> None:
    corpus = corpus_of([[0, 1], [0, 1], [2]], 4)  # book 2 was read alone, book 3 not at all
    model = Ppmi.fit(corpus, PpmiConfig(n_dims=3), Run())
    assert not model.book_vectors()[2:].any()
    np.testing.assert_allclose(np.linalg.norm(model.book_vectors()[:2], axis=1), 1, rtol=1e-6)
    scores = model.score(shown([[0]], 4))[0]
    assert np.isfinite(scores).tolist() == [True, True, True, False]


def test_a_corpus_without_pairs_has_a_space_without_vectors() -> None:
    model = Ppmi.fit(corpus_of([[0], [0], [1]], 2), PpmiConfig(n_dims=3, popularity_weight=1.0), Run())
    assert not model.book_vectors().any()
    np.testing.assert_allclose(model.score(shown([[0]], 2))[0], [np.log(2), 0], rtol=1e-6)


def test_progress_counts_blocks_and_products() -> None:
    class Heard:
        total, steps, ended = 0, 0, False

        def start(self, what: str, total: int) -> None:
            self.total = total

        def advance(self, steps: int = 1) -> None:
            self.steps += steps

        def finish(self, outcome: str = "") -> None:
            self.ended = True

    heard = Heard()
    Ppmi.fit(tastes(0), PpmiConfig(n_dims=4), Run(progress=heard))
    assert heard.ended
    assert heard.total == heard.steps > 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n_dims", 0),
        ("shift", 0.0),
        ("shift", float("inf")),
        ("context_exponent", float("nan")),
        ("near_exponent", float("inf")),
        ("rank_exponent", float("nan")),
        ("popularity_weight", float("nan")),
    ],
)
def test_impossible_settings_are_refused(name: str, value: object) -> None:
    with pytest.raises(BadConfig, match=rf"ppmi\.{name}"):
        PpmiConfig(**{name: value})  # type: ignore[arg-type]  # a wrong value is the point
