"""What every ranker promises. A ranker's test class inherits `RankerContract` and names its class and settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import scipy.sparse as sp

from data.corpus import Corpus
from models.base import Encoder, Ranker
from tests.models.corpora import shown, tastes
from tests.models.model_contract import ModelContract

_SCORE_ELSEWHERE = """
import sys
import numpy as np
import scipy.sparse as sp
from pathlib import Path
from models.catalogue import model_class
kind, folder, vocabulary = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
model = model_class(kind).load(folder / "model", vocabulary=vocabulary)
np.save(folder / "answer.npy", model.score(sp.load_npz(folder / "visible.npz")))
"""


class RankerContract(ModelContract):
    """Tests that every ranker passes."""

    model: ClassVar[type[Ranker[Any, Any]]]
    elsewhere = _SCORE_ELSEWHERE

    @classmethod
    def data_of(cls, seed: int) -> Corpus:
        return tastes(seed=seed)

    @staticmethod
    def contents(data: Corpus) -> dict[str, np.ndarray]:
        counts = data.counts
        parts = {"data": counts.data, "indices": counts.indices, "indptr": counts.indptr}
        return {**parts, "sequence": data.sequence, "read_on": data.read_on, "tokens": data.reader_tokens}

    @staticmethod
    def answer(model: Ranker[Any, Any], data: Corpus) -> np.ndarray:
        return model.score(data.counts)

    @staticmethod
    def ask(data: Corpus, folder: Path) -> None:
        sp.save_npz(folder / "visible.npz", data.counts)

    @pytest.fixture(scope="class")
    @classmethod
    def corpus(cls, data: Corpus) -> Corpus:
        return data

    def test_scores_are_one_float32_for_every_row_and_book(self, fitted: Ranker[Any, Any], corpus: Corpus) -> None:
        scores = fitted.score(corpus.counts[:5])
        assert scores.shape == (5, corpus.n_books)
        assert scores.dtype == np.float32
        assert not np.isnan(scores).any()

    def test_rows_together_score_as_rows_alone(self, fitted: Ranker[Any, Any], corpus: Corpus) -> None:
        together = fitted.score(corpus.counts)
        alone = np.concatenate([fitted.score(corpus.counts[[i]]) for i in range(corpus.n_readers)])
        np.testing.assert_allclose(together, alone, rtol=1e-5, atol=1e-6)

    def test_a_reader_who_shows_nothing_is_scored(self, fitted: Ranker[Any, Any], corpus: Corpus) -> None:
        scores = fitted.score(shown([[], [0]], corpus.n_books))
        assert not np.isnan(scores).any()
        np.testing.assert_allclose(scores[1], fitted.score(shown([[0]], corpus.n_books))[0], rtol=1e-5, atol=1e-6)

    def test_no_reader_gives_no_score(self, fitted: Ranker[Any, Any], corpus: Corpus) -> None:
        assert fitted.score(shown([], corpus.n_books)).shape == (0, corpus.n_books)


class EncoderContract(RankerContract):
    """What an encoder promises beside."""

    @pytest.fixture
    def encoder(self, fitted: Ranker[Any, Any]) -> Encoder[Any, Any]:
        assert isinstance(fitted, Encoder)
        return fitted

    def test_readers_and_books_share_a_space(self, encoder: Encoder[Any, Any], corpus: Corpus) -> None:
        books, readers = encoder.book_vectors(), encoder.transform(corpus.counts)
        assert books.dtype == readers.dtype == np.float32
        assert books.shape == (corpus.n_books, readers.shape[1])
        assert len(readers) == corpus.n_readers

    def test_a_reader_who_shows_nothing_is_at_the_origin(self, encoder: Encoder[Any, Any], corpus: Corpus) -> None:
        assert not encoder.transform(shown([[]], corpus.n_books)).any()
