"""Systems that others would use instead, with the settings their users or a search on validation readers chose.

Settings of implicit and EASE are the best found on validation readers of bookcrossing, outside of this project; those
of gensim are what people take: its defaults, and what a blog post of 2017 on word2vec and reading histories set.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as sp

from data.corpus import Corpus
from data.vectors import unit_rows
from models.base import Run
from models.ease import Ease, EaseConfig
from tests.benchmarks.systems import System

Peer = Callable[[Corpus, int], System]  # readings (`counts`, and `sequence_of` a reader), seed -> fitted


def gensim_defaults(train: Corpus, seed: int) -> System:
    """Word2vec as gensim sets it: CBOW, 100 dimensions, window 5, 5 epochs."""
    return _gensim(train, seed)


def gensim_blog(train: Corpus, seed: int) -> System:
    """Word2vec as the blog post set it, a skip-gram; all else is gensim's default."""
    return _gensim(train, seed, sg=1, vector_size=64, window=20, epochs=10, negative=5)


def _gensim(train: Corpus, seed: int, **settings: Any) -> System:
    """Fit on the books of each reader in the order read; a reader is the mean of the unit vectors of books shown."""
    from gensim.models import Word2Vec

    sentences = [[str(book) for book in train.sequence_of(row)] for row in range(train.n_readers)]
    trained = Word2Vec(sentences, seed=seed, workers=1, **settings)  # with more workers no two fits are alike
    vectors = np.zeros((train.n_books, trained.vector_size), np.float32)
    vectors[[int(book) for book in trained.wv.index_to_key]] = trained.wv.vectors
    unit = unit_rows(vectors)
    return System(train.n_books, lambda visible: unit_rows(np.asarray(visible @ unit)) @ unit.T, vectors)


def implicit_als(train: Corpus, seed: int) -> System:
    """Alternating least squares (Hu, Koren and Volinsky 2008)."""
    from implicit.cpu.als import AlternatingLeastSquares
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, "blas"):  # implicit asks for it: its threads and those of BLAS would fight
        model = AlternatingLeastSquares(factors=256, regularization=3, alpha=5, random_state=seed)
        model.fit(train.counts, show_progress=False)

    def score(visible: sp.csr_matrix) -> np.ndarray:
        readers = model.recalculate_user(np.arange(visible.shape[0]), visible)
        scores: np.ndarray = readers @ model.item_factors.T
        return scores

    return System(train.n_books, score, model.item_factors)


def implicit_bm25(train: Corpus, seed: int) -> System:
    """Item-kNN on BM25 weights."""
    from implicit.nearest_neighbours import BM25Recommender

    model = BM25Recommender(K=50, K1=1.2, B=0.4)
    with warnings.catch_warnings(action="ignore"):  # implicit finds fault with a matrix it makes itself
        model.fit(train.counts, show_progress=False)
    return System(train.n_books, lambda visible: np.asarray((visible @ model.similarity).toarray(), np.float32))


def plain_ease(train: Corpus, seed: int) -> System:
    """EASE as published, one ridge for all; `tests.models.test_ease` holds it to the closed form."""
    return System.of(Ease.fit(train, EaseConfig(l2=100, popularity_exponent=0), Run(seed)), train.n_books)


PEERS: dict[str, Peer] = {
    "gensim, 2017 blog": gensim_blog,
    "gensim, defaults": gensim_defaults,
    "implicit ALS": implicit_als,
    "implicit BM25": implicit_bm25,
    "EASE, lambda 100": plain_ease,
}
