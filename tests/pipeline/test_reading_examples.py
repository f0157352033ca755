"""Examples of what is read: drawn pairs, corrected for how they were drawn, say what all pairs say."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.special import expit

from data.split import HeldOut
from models.base import Run
from models.popularity import Popularity, PopularityConfig
from models.predictor import Draws
from pipeline.logistic import logistic
from pipeline.reading_examples import Sampling, examples_of
from pipeline.reading_features import ReadingFeatures
from pipeline.will_read import corrected, shift_to
from tests.models.corpora import corpus_of


def planted(n_rows: int = 300, n_books: int = 200, seed: int = 0) -> tuple[ReadingFeatures, HeldOut, np.ndarray]:
    """Readers who read a book next with a probability that falls with its rank by popularity, known for every pair."""
    random = np.random.default_rng(seed)
    sequences = [np.flatnonzero(random.random(n_books) < 8 / (8 + np.arange(n_books))) for _ in range(60)]
    train = corpus_of([list(map(int, one)) for one in sequences], n_books)
    features = ReadingFeatures.of(
        {"blend": Popularity.fit(train, PopularityConfig(), Run(0))}, train.readers_per_book, np.arange(n_books)
    )
    is_shown = random.random((n_rows, n_books)) < 0.1
    is_shown[:, 0] = True
    shown = sp.csr_matrix(is_shown, dtype=np.float32)
    block = features.block(shown)
    p = expit(-1.0 - 0.9 * np.log1p(block.rank))
    hidden = (random.random(p.shape) < p) & ~is_shown
    kept = hidden.any(axis=1)
    held_out = HeldOut(np.flatnonzero(kept), shown[kept], sp.csr_matrix(hidden[kept], dtype=np.float32))
    return features, held_out, p[kept]


def test_drawn_examples_with_their_offset_give_the_probabilities_of_all_pairs() -> None:
    features, held_out, _ = planted(n_rows=1500)
    rows = np.arange(len(held_out.rows))
    examples = examples_of(features, held_out, rows, Sampling(0.2, 1.0), np.random.default_rng(1))
    n_pairs = held_out.hidden.shape[0] * held_out.hidden.shape[1]
    assert len(examples) < 0.6 * n_pairs, "they are a part of all pairs"
    log_rank = examples.features[:, 1 + features.names.index("rank")]
    columns = np.stack([np.ones(len(examples)), log_rank], axis=1)
    found = logistic(columns, examples.features[:, 0], examples.outcome)
    np.testing.assert_allclose(found, [-1.0, -0.9], atol=0.12)
    without = logistic(columns, np.zeros(len(examples)), examples.outcome)
    assert abs(without[0] + 1.0) > 0.3, "without the offset the odds are those of the examples"


def test_every_hidden_book_is_an_example_and_nothing_shown_is() -> None:
    features, held_out, _ = planted(n_rows=50)
    rows = np.arange(len(held_out.rows))
    examples = examples_of(features, held_out, rows, Sampling(0.2), np.random.default_rng(1))
    assert examples.outcome.sum() == held_out.hidden.nnz
    sure = examples_of(features, held_out, rows, Sampling(0.2, 1e6), np.random.default_rng(1))
    n_open = held_out.visible.shape[0] * held_out.visible.shape[1] - held_out.visible.nnz
    assert len(sure) == n_open, "with a rate of 1 every pair that is not shown"


def test_no_readers_give_no_examples_as_wide_as_others() -> None:
    features, held_out, _ = planted(n_rows=5)
    nothing = examples_of(features, held_out, np.empty(0, np.int64), Sampling(0.2), np.random.default_rng(1))
    some = examples_of(features, held_out, np.array([0]), Sampling(0.2), np.random.default_rng(1))
    assert len(nothing) == 0 < len(some)
    assert nothing.features.shape[1] == some.features.shape[1]


def test_the_odds_of_draws_are_multiplied_by_the_rate() -> None:
    p = np.array([[[0.5, 0.5], [0.2, 0.8]]], np.float32)
    found = corrected(Draws(p[:, :, 1], p[:, :, 1], p), np.log([0.1, 0.25]))
    assert found.p is not None
    np.testing.assert_allclose(found.p[0, :, 1], [0.1 / 1.1, 0.5], rtol=1e-5)
    np.testing.assert_allclose(found.var[0], found.mean[0] * (1 - found.mean[0]), rtol=1e-5)
    with pytest.raises(ValueError, match="two outcomes"):
        corrected(Draws(p[:, :, 1], p[:, :, 1]), np.zeros(2))


def test_a_shift_brings_the_sum_of_probabilities_to_what_is_expected() -> None:
    p, weight = np.array([0.5, 0.1, 0.01]), np.array([1.0, 2.0, 30.0])
    shift = shift_to(p, weight, 2.5)
    assert float(weight @ expit(np.log(p / (1 - p)) + shift)) == pytest.approx(2.5, abs=1e-6)
    assert shift_to(p, weight, float(weight @ p)) == pytest.approx(0, abs=1e-6)


def test_as_many_books_are_expected_as_a_split_hides() -> None:
    sampling = Sampling(0.2)
    np.testing.assert_array_equal(sampling.n_expected(np.array([0, 1, 4, 40])), [1, 1, 1, 10])
