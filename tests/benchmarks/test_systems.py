"""Nearest books and hubs, by hand."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from models.base import Run
from models.item_knn import ItemKnn, ItemKnnConfig
from models.spectral import Spectral, SpectralConfig
from tests.benchmarks.systems import System
from tests.models.corpora import tastes


def in_space(vectors: np.ndarray) -> System:
    return System(len(vectors), lambda visible: np.zeros(visible.shape), vectors)


def on_circle(*degrees: float) -> np.ndarray:
    """Vectors of these directions and different lengths."""
    angle = np.deg2rad(degrees)
    return np.column_stack([np.cos(angle), np.sin(angle)]) * np.arange(1, len(angle) + 1)[:, None]


def test_nearest_in_a_space_go_by_the_angle() -> None:
    nearest = in_space(on_circle(0, 10, 25, 80)).nearest(2)
    assert nearest.tolist() == [[1, 2], [0, 2], [1, 0], [2, 1]]


def test_nearest_without_a_space_are_what_a_reader_of_the_book_is_recommended() -> None:
    weights = np.array([[9, 1, 2, 3], [0, 9, 0, 4], [5, 5, 0, -np.inf], [0, 0, 0, 9.0]])
    scored = System(4, lambda visible: visible @ np.where(np.isfinite(weights), weights, -99))
    # ties go to the lower row, and a book is never its own neighbour
    assert scored.nearest(2).tolist() == [[3, 2], [3, 0], [0, 1], [0, 1]]


def test_blocks_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    system = in_space(np.random.default_rng(0).normal(size=(50, 4)))
    whole = system.nearest(5)
    monkeypatch.setattr("tests.benchmarks.systems._BLOCK", 7)
    assert (system.nearest(5) == whole).all()


def test_hubness_of_a_hub_and_of_even_lists() -> None:
    # in 4, 1, 0, 0, 0 lists: mean 1, variance 2.4, third central moment 4.8
    hub = np.array([[1], [0], [0], [0], [0]])
    assert in_space(np.ones((5, 2))).hubness(hub) == pytest.approx(4.8 / 2.4**1.5)
    ring = np.array([[1], [2], [3], [4], [0]])
    assert in_space(np.ones((5, 2))).hubness(ring) == 0


def test_books_without_a_vector_neither_ask_nor_count() -> None:
    vectors = np.vstack([np.ones((5, 2)), np.zeros((3, 2))])
    nearest = np.array([[1], [0], [0], [0], [0], [4], [4], [4]])
    assert in_space(vectors).hubness(nearest) == pytest.approx(4.8 / 2.4**1.5)


def test_our_models_are_systems() -> None:
    corpus = tastes(seed=0)
    space = Spectral.fit(corpus, SpectralConfig(n_dims=4), Run())
    assert System.of(space, corpus.n_books).vectors is space.book_vectors()
    ranker = ItemKnn.fit(corpus, ItemKnnConfig(), Run())
    system = System.of(ranker, corpus.n_books)
    assert system.vectors is None
    alone = sp.csr_matrix(np.eye(corpus.n_books, dtype=np.float32))
    expected = ranker.score(alone).argmax(axis=1)[0]
    assert expected == 0  # itself, which `nearest` leaves out
    likest = np.argsort(-ranker.score(alone)[0], kind="stable")
    assert system.nearest(3)[0].tolist() == likest[likest != 0][:3].tolist()
