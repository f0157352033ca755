"""Popularity: the floor."""

from __future__ import annotations

import numpy as np

from models.base import Run
from models.popularity import Popularity, PopularityConfig
from tests.models.contract import RankerContract
from tests.models.corpora import corpus_of, shown


class TestPopularity(RankerContract):
    model = Popularity
    config = PopularityConfig()


def test_a_book_scores_its_number_of_readers_whoever_asks() -> None:
    corpus = corpus_of([[0, 1], [1], [1, 2]], n_books=4)
    model = Popularity.fit(corpus, PopularityConfig(), Run())
    np.testing.assert_array_equal(model.score(shown([[0], [2, 3]], 4)), [[1, 3, 1, 0]] * 2)
