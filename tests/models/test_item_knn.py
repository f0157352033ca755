"""BM25 item-kNN against arithmetic by hand and a direct dense computation."""

from __future__ import annotations

from math import log

import numpy as np
import pytest

from data.errors import BadConfig
from models.base import Run
from models.item_knn import ItemKnn, ItemKnnConfig, bm25_weights
from tests.models.contract import RankerContract
from tests.models.corpora import checkerboard, corpus_of, shown, tastes


class TestItemKnn(RankerContract):
    model = ItemKnn
    config = ItemKnnConfig(n_neighbours=7, k1=0.9, b=0.7)


def test_the_checkerboard_is_completed_for_every_reader() -> None:
    corpus = checkerboard(50)
    scores = ItemKnn.fit(corpus, ItemKnnConfig(), Run()).score(corpus.counts)
    scores[corpus.counts.nonzero()] = -np.inf
    assert scores.argmax(axis=1).tolist() == list(range(50))


def test_bm25_weights_by_hand() -> None:
    # reader 0 reads books 0 and 1, reader 1 reads book 0, reader 2 reads books 1 and 2
    corpus = corpus_of([[0, 1], [0], [1, 2]], n_books=3)
    k1, b = 2.0, 0.5
    rare, common = log(3) - log(2), log(3) - log(3)  # idf of a reader of one book, and of two
    # books 0 and 1 have 2 readers, book 2 has 1; the mean is 5/3
    long = (k1 + 1) / (k1 * (1 - b + b * 2 / (5 / 3)) + 1)
    expected = np.array([[long * common, long * rare, 0], [long * common, 0, long * common], [0, 0, 0]])
    weights = bm25_weights(corpus.counts, ItemKnnConfig(k1=k1, b=b)).toarray()
    np.testing.assert_allclose(weights, expected, rtol=1e-6, atol=1e-7)


def test_a_short_book_weighs_more_than_a_long_one_unless_b_is_zero() -> None:
    corpus = corpus_of([[0], [0], [0, 1], [2]], n_books=5)
    by_length = bm25_weights(corpus.counts, ItemKnnConfig(b=0.8)).toarray()
    assert by_length[1, 2] > by_length[0, 2] > 0
    flat = bm25_weights(corpus.counts, ItemKnnConfig(b=0.0)).toarray()
    assert flat[1, 2] == flat[0, 2] > 0


@pytest.mark.parametrize("n_neighbours", [1, 5, 700])
def test_similarities_equal_a_dense_computation(n_neighbours: int) -> None:
    random = np.random.default_rng(0)
    n_books = 600  # more than one block
    corpus = corpus_of([random.choice(n_books, 40, replace=False).tolist() for _ in range(150)], n_books)
    config = ItemKnnConfig(n_neighbours=n_neighbours)
    weights = bm25_weights(corpus.counts, config).toarray().astype(np.float64)
    dense = weights @ weights.T
    found = ItemKnn.fit(corpus, config, Run()).similarity.toarray()
    kept = min(n_neighbours, n_books)
    smallest_kept = np.sort(dense, axis=1)[:, -kept, None]
    clear = np.abs(dense - smallest_kept) > 1e-4  # rounding may swap books at the edge
    expected = np.where(dense > smallest_kept, dense, 0)
    np.testing.assert_allclose(found[clear], expected[clear], rtol=1e-4)
    assert ((found != 0).sum(axis=1) <= kept).all()
    np.testing.assert_allclose(np.sort(found, axis=1)[:, -kept:], np.sort(dense, axis=1)[:, -kept:], atol=1e-4)


def test_a_score_is_the_sum_of_the_similarities_to_the_books_shown() -> None:
    corpus = tastes(seed=0)
    model = ItemKnn.fit(corpus, ItemKnnConfig(n_neighbours=5), Run())
    dense = model.similarity.toarray()
    read = corpus.readers_per_book > 0
    score = model.score(shown([[2, 7]], 24))[0]
    np.testing.assert_allclose(score[read], (dense[2] + dense[7])[read], rtol=1e-6)
    assert np.isneginf(score[~read]).all()


def test_a_book_without_readers_has_no_similarity() -> None:
    similarity = ItemKnn.fit(tastes(seed=0), ItemKnnConfig(), Run()).similarity.toarray()
    assert not similarity[-1].any()
    assert not similarity[:, -1].any()


@pytest.mark.parametrize("wrong", [{"n_neighbours": 0}, {"k1": -0.1}, {"b": 1.5}, {"b": -0.1}])
def test_impossible_settings_are_refused(wrong: dict[str, float]) -> None:
    (name,) = wrong
    with pytest.raises(BadConfig, match=rf"item_knn\.{name}"):
        ItemKnnConfig(**wrong)  # type: ignore[arg-type]  # a wrong value is the point
