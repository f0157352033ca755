"""Peers are asked for what they say they do: each against the definition, or against our own model of the same."""

from __future__ import annotations

import numpy as np
import pytest

from models.base import Run
from models.item_knn import ItemKnn, ItemKnnConfig
from tests.benchmarks.peers import Peer, gensim_blog, gensim_defaults, implicit_als, implicit_bm25, plain_ease
from tests.models.corpora import corpus_of, shown, tastes

VISIBLE = [[0, 1, 2], [14, 15], [3, 20]]


def test_implicits_bm25_is_our_yardstick() -> None:
    corpus = tastes(seed=3)
    visible = shown(VISIBLE, corpus.n_books)
    ours = ItemKnn.fit(corpus, ItemKnnConfig(n_neighbours=50, k1=1.2, b=0.4), Run()).score(visible)
    theirs = implicit_bm25(corpus, 0).score(visible)
    known = np.isfinite(ours)
    np.testing.assert_allclose(theirs[known], ours[known], rtol=1e-4, atol=1e-5)


def test_als_folds_a_new_reader_in_by_ridge_regression() -> None:
    corpus = tastes(seed=3)
    peer = implicit_als(corpus, 0)
    assert peer.vectors is not None
    Y = peer.vectors.astype(np.float64)
    for books, scores in zip(VISIBLE, peer.score(shown(VISIBLE, corpus.n_books)), strict=True):
        confidence, preference = np.ones(corpus.n_books), np.zeros(corpus.n_books)
        confidence[books], preference[books] = 5, 1
        x = np.linalg.solve((Y.T * confidence) @ Y + 3 * np.eye(256), Y.T @ (confidence * preference))
        np.testing.assert_allclose(scores, Y @ x, atol=1e-4)


def test_ease_has_one_ridge() -> None:
    corpus = tastes(seed=3)
    X = corpus.counts.toarray().astype(np.float64)
    P = np.linalg.inv(X.T @ X + 100 * np.eye(corpus.n_books))
    weights = -P / P.diagonal()
    np.fill_diagonal(weights, 0)
    visible = shown(VISIBLE, corpus.n_books)
    known = corpus.readers_per_book > 0
    expected = visible @ weights
    np.testing.assert_allclose(plain_ease(corpus, 0).score(visible)[:, known], expected[:, known], atol=1e-5)


@pytest.mark.parametrize(("peer", "n_dims"), [(gensim_blog, 64), (gensim_defaults, 100)])
def test_a_reader_of_gensim_is_the_mean_of_the_books_shown(peer: Peer, n_dims: int) -> None:
    corpus = corpus_of([[0, 1, 2, 3]] * 6 + [[3, 2, 1, 4]] * 4, 5)
    fitted = peer(corpus, 0)
    assert fitted.vectors is not None
    assert fitted.vectors.shape == (5, n_dims)
    # gensim's default leaves out what occurs less than five times
    assert fitted.vectors.any(axis=1).tolist() == [True, True, True, True, False]
    unit = fitted.vectors[:4] / np.linalg.norm(fitted.vectors[:4], axis=1, keepdims=True)
    reader = (unit[0] + unit[2]) / 2
    cosine = unit @ reader / np.linalg.norm(reader)
    np.testing.assert_allclose(fitted.score(shown([[0, 2]], 5))[0, :4], cosine, atol=1e-5)
