"""The spectral space: the contract, the factorisation against a dense one, and corpora whose neighbours are known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from data.corpus import Corpus
from data.errors import BadConfig
from models import spectral
from models.base import Run
from models.spectral import Spectral, SpectralConfig
from tests.models.contract import EncoderContract
from tests.models.corpora import checkerboard, corpus_of, shown, tastes

PLAIN = SpectralConfig(n_dims=64, reader_exponent=0.0, book_exponent=0.0, popularity_weight=0.0)


class TestSpectral(EncoderContract):
    model = Spectral
    config = SpectralConfig(n_dims=8)


def test_on_the_checkerboard_the_nearest_books_are_of_the_same_colour() -> None:
    w = Spectral.fit(checkerboard(50), SpectralConfig(n_dims=8), Run()).book_vectors()
    cosine = w @ w.T
    np.fill_diagonal(cosine, -np.inf)
    nearest = np.argsort(-cosine, axis=1)[:, :24]
    assert (nearest % 2 == np.arange(50)[:, None] % 2).all()


def test_with_all_dimensions_the_cosines_are_those_of_the_scaled_columns() -> None:
    corpus = tastes(0)
    config = SpectralConfig(n_dims=64, reader_exponent=0.25, book_exponent=0.5, near_exponent=1.0)
    dense = corpus.counts.toarray()
    dense = dense / dense.sum(axis=1, keepdims=True) ** 0.25 / np.maximum(dense.sum(axis=0), 1) ** 0.5
    norms = np.maximum(np.linalg.norm(dense, axis=0), 1e-9)
    w = Spectral.fit(corpus, config, Run()).book_vectors()
    np.testing.assert_allclose(w @ w.T, (dense.T @ dense) / norms / norms[:, None], atol=1e-4)


def transposed(corpus: Corpus) -> Corpus:
    """The corpus in which readers are books: there are then fewer books than readers."""
    columns = corpus.counts.T.tocsr()
    return corpus_of([columns[i].indices.tolist() for i in range(corpus.n_books - 1)], corpus.n_readers)


@pytest.mark.parametrize("corpus", [tastes(0), transposed(tastes(0))], ids=["wide", "tall"])
def test_the_factors_are_those_of_a_dense_svd(corpus: Corpus) -> None:
    model = Spectral.fit(corpus, PLAIN, Run())
    s = np.linalg.svd(corpus.counts.toarray(), compute_uv=False)[: len(model.s)]
    np.testing.assert_allclose(model.s, s, atol=1e-3)
    np.testing.assert_allclose(model.v.T @ model.v, np.eye(len(s)), atol=1e-3)
    restored = (model.v * model.s**2) @ model.v.T
    np.testing.assert_allclose(restored, (corpus.counts.T @ corpus.counts).toarray(), atol=1e-3)


def test_the_randomised_factors_are_those_of_the_exact_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = tastes(3)
    config = replace(PLAIN, n_dims=5)
    exact = Spectral.fit(corpus, config, Run())
    monkeypatch.setattr(spectral, "EXACT_SIZE", 0)
    randomised = Spectral.fit(corpus, config, Run())
    np.testing.assert_allclose(randomised.s, exact.s, rtol=1e-3)
    np.testing.assert_allclose(np.abs((randomised.v * exact.v).sum(axis=0)), np.ones(5), atol=1e-2)
    again = Spectral.fit(corpus, config, Run())
    assert np.array_equal(again.v, randomised.v)


def test_the_largest_entry_of_every_direction_is_positive() -> None:
    v = Spectral.fit(tastes(1), PLAIN, Run()).v
    assert (v[np.abs(v).argmax(axis=0), np.arange(v.shape[1])] > 0).all()


def test_books_are_ranked_by_the_density_in_the_flatter_spectrum_and_popularity() -> None:
    v, s = np.array([[0.6, 0.8], [0.8, -0.6], [0.0, 0.0]], np.float32), np.array([4.0, 1.0], np.float32)
    config = SpectralConfig(n_dims=2, near_exponent=1.0, rank_exponent=0.5, concentration=2.0, popularity_weight=0.1)
    model = Spectral(config, v, s, np.array([10, 1, 0]))
    ranked = np.array([[1.2, 0.8], [1.6, -0.6]])  # v * 2, v * 1
    cosine = ranked[0] @ ranked[1] / np.linalg.norm(ranked[0]) / np.linalg.norm(ranked[1])
    expected = [[0.1 * np.log(10), 2 * (cosine - 1), -np.inf]]
    np.testing.assert_allclose(model.score(shown([[0]], 3)), expected, rtol=1e-5)
    near = np.array([[2.4, 0.8], [3.2, -0.6]])
    near /= np.linalg.norm(near, axis=1, keepdims=True)
    np.testing.assert_allclose(model.book_vectors()[:2], near, rtol=1e-5)


@pytest.mark.parametrize("wrong", [{"n_dims": 0}, {"rank_exponent": float("nan")}, {"concentration": 0}])
def test_impossible_settings_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadConfig, match=f"spectral.{next(iter(wrong))}"):
        SpectralConfig(**wrong)
