"""LDA: the contract for both inferences, topics that were planted, closed forms, and the posterior by enumeration."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from data.corpus import Corpus
from data.errors import BadConfig
from models.base import Run
from models.coherence import npmi, top_books
from models.lda import Lda
from models.lda_config import INFERENCES, LdaConfig, Learned, has_converged
from models.lda_cvb0 import minka_alpha
from models.lda_start import factored_start
from pipeline.topic_metrics import completion_perplexity
from tests.models.contract import EncoderContract
from tests.models.corpora import corpus_of, shown, tastes
from tests.models.planted_topics import counted, drawn_from, matched_cosines

SHORT = LdaConfig(n_topics=3, epochs=20, cooling_epochs=5, n_batches=3, reader_exponent=0.2, eta=0.05)


class TestLdaByCvb0(EncoderContract):
    model = Lda
    config = SHORT

    def test_another_seed_gives_other_topics(self) -> None:
        assert not np.array_equal(
            self.fit(tastes(1), 1).arrays()["expected"], self.fit(tastes(1), 2).arrays()["expected"]
        )


class TestLdaByGensim(EncoderContract):
    model = Lda
    config = replace(SHORT, inference="gensim")


@pytest.mark.parametrize("inference", INFERENCES)
def test_planted_topics_are_recovered(inference: str) -> None:
    topics = np.random.default_rng(0).dirichlet(np.full(100, 0.1), 5)
    corpus = counted(drawn_from(topics, 0.2, n_readers=300, n_read=60, seed=1))
    model = Lda.fit(corpus, LdaConfig(n_topics=5, inference=inference), Run(2))
    assert (matched_cosines(model.topics(), topics) >= 0.9).all()


def test_a_learnt_alpha_says_which_topics_are_common_and_how_mixed_readers_are() -> None:
    topics = np.kron(np.eye(3), np.full(30, 1 / 30))  # who reads what is plain: three disjoint shelves
    random = np.random.default_rng(0)
    mixtures = random.dirichlet([0.9, 0.3, 0.1], 4000)
    counts = np.array([random.multinomial(30, p) for p in mixtures @ topics])
    model = Lda.fit(
        counted(counts), LdaConfig(n_topics=3, temperature=1, cooling_epochs=0, epochs=60, tolerance=0), Run(0)
    )
    np.testing.assert_allclose(np.sort(model.learned.alpha), [0.1, 0.3, 0.9], rtol=0.1)


def test_minkas_fixed_point_is_where_the_likelihood_is_highest() -> None:
    counts = np.random.default_rng(3).multinomial(20, [0.5, 0.3, 0.2], 50).astype(np.float64)
    counts[:10] = [20, 0, 0]
    alpha = np.ones(3)
    for _ in range(400):
        alpha = minka_alpha(alpha, counts)

    def log_likelihood(alpha: np.ndarray) -> float:
        from scipy.special import gammaln

        total = alpha.sum()
        ends = gammaln(total) - gammaln(counts.sum(axis=1) + total)
        return float((ends + (gammaln(counts + alpha) - gammaln(alpha)).sum(axis=1)).sum())

    best = log_likelihood(alpha)
    for k, factor in product(range(3), (0.97, 1.03)):
        moved = alpha.copy()
        moved[k] *= factor
        assert log_likelihood(moved) < best


@pytest.mark.parametrize("inference", INFERENCES)
def test_one_topic_is_the_smoothed_unigram(inference: str) -> None:
    corpus = tastes(0)
    model = Lda.fit(corpus, LdaConfig(n_topics=1, inference=inference, eta=0.3), Run())
    unigram = corpus.readers_per_book + 0.3
    np.testing.assert_allclose(model.topics()[0], unigram / unigram.sum(), rtol=1e-5)
    np.testing.assert_allclose(model.predict(corpus.counts[:3]), np.tile(model.topics(), (3, 1)), rtol=1e-5)
    np.testing.assert_allclose(model.reader_topics(corpus.counts[:3]).sd, 0, atol=1e-6)


def test_the_fixed_point_is_one() -> None:
    corpus = tastes(4)
    model = Lda.fit(corpus, SHORT, Run())
    beta, alpha = model.topics().astype(np.float64), model.learned.alpha
    m = model.reader_topics(corpus.counts).mean * (alpha.sum() + 7)  # everybody read 7 books
    for row in range(5):
        books = corpus.counts[row].indices
        g = np.tile((m[row] - alpha) / 7, (7, 1))
        for _ in range(3000):
            g = beta.T[books] * (alpha + g.sum(axis=0) - g)
            g /= g.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(g.sum(axis=0), m[row] - alpha, atol=1e-3)


def test_counts_count() -> None:
    unigram = Lda.fit(
        counted(np.array([[3, 1, 0], [0, 4, 2]])), LdaConfig(n_topics=1, eta=0.5, reader_exponent=0.0), Run()
    )
    np.testing.assert_allclose(unigram.topics()[0], np.array([3.5, 5.5, 2.5]) / 11.5, rtol=1e-6)


def test_books_hardly_likelier_than_elsewhere_come_after_those_that_are() -> None:
    expected = np.array([[11.0, 5.0, 2.0, 0.0, 0.0], [5.0, 0.0, 2.0, 9.0, 0.0]])  # the last book has no reader
    learned = Learned(expected, np.array([0.1, 0.1]), np.empty(0))
    orders = {0.0: [[0, 1, 2, 3], [3, 0, 2, 1]], 2.0: [[1, 0, 2, 3], [3, 0, 2, 1]], 1e9: [[0, 1, 2, 3], [3, 0, 2, 1]]}
    for least_lift, order in orders.items():  # lift in the first topic: 12/6, 6, 1, 1/10, times 21/23
        config = LdaConfig(n_topics=2, eta=1.0, least_lift=least_lift)
        typical = Lda(config, learned, np.array([3, 2, 2, 2, 0])).typical()
        np.testing.assert_array_equal(np.argsort(-typical, axis=1, kind="stable")[:, :4], order)
        assert (typical[:, 4] == -np.inf).all()


def test_a_single_topic_is_ordered_by_probability() -> None:
    typical = Lda.fit(tastes(0), LdaConfig(n_topics=1, epochs=5), Run()).typical()[0]
    n_readers = tastes(0).readers_per_book
    np.testing.assert_array_equal(n_readers[np.argsort(-typical, kind="stable")], np.sort(n_readers)[::-1])


def test_profiles_are_probabilities_of_topics_and_zero_for_unread_books() -> None:
    model = Lda.fit(tastes(0), SHORT, Run())
    profiles = model.profiles()
    np.testing.assert_allclose(profiles[:-1].sum(axis=1), 1, rtol=1e-5)
    assert not profiles[-1].any()
    assert (model.typical()[:, -1] == -np.inf).all()
    np.testing.assert_allclose(model.topics().sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(model.predict(tastes(0).counts).sum(axis=1), 1, rtol=1e-5)
    assert model.topic_shares().sum() == pytest.approx(1)


def with_a_bestseller(seed: int) -> Corpus:
    """The readers of `tastes`, who have all read the last book too."""
    corpus = tastes(seed)
    return corpus_of([[*corpus.sequence_of(i).tolist(), 23] for i in range(corpus.n_readers)], 24)


def test_a_book_everybody_reads_shapes_no_topic_but_is_scored() -> None:
    config = LdaConfig(n_topics=2, max_reader_share=0.9)
    plain, model = Lda.fit(tastes(0), config, Run()), Lda.fit(with_a_bestseller(0), config, Run())
    np.testing.assert_array_equal(model.learned.expected[:, :-1], plain.learned.expected[:, :-1])
    assert model.learned.expected[:, -1].sum() == pytest.approx(40)
    readers = plain.reader_topics(tastes(0).counts).mean
    np.testing.assert_allclose(model.learned.expected[:, -1], readers.sum(axis=0), rtol=1e-5)
    assert (model.typical()[:, -1] == -np.inf).all()
    assert np.isfinite(model.score(shown([[0]], 24))[0, -1])


def test_heavy_readers_weigh_less_and_all_readings_together_as_much() -> None:
    corpus = counted(np.array([[4, 0], [0, 1]]))
    unigram = Lda.fit(corpus, LdaConfig(n_topics=1, reader_exponent=0.5), Run()).learned.expected[0]
    np.testing.assert_allclose(unigram, np.array([2, 1]) * 5 / 3)


@pytest.mark.parametrize("inference", INFERENCES)
def test_perplexity_is_watched_and_ends_the_fit(inference: str) -> None:
    topics = np.random.default_rng(0).dirichlet(np.full(60, 0.1), 4)
    counts = drawn_from(topics, 0.2, n_readers=300, n_read=30, seed=1)
    train, validation = counted(counts[:200]), counted(counts[200:])
    config = LdaConfig(n_topics=4, epochs=400, cooling_epochs=20, inference=inference, tolerance=0.01)
    watched = Lda.fit(train, config, Run(), validation=validation).learned.perplexities
    assert 2 <= len(watched) < 40
    alike = np.tile(counts[:200].sum(axis=0), (100, 1))
    unigram = completion_perplexity(alike, validation.counts, train.counts).unigram
    assert watched[-1] < 0.8 * unigram
    own = Lda.fit(train, config, Run()).learned.perplexities
    assert own[-1] != watched[-1]
    endless = replace(config, tolerance=0, epochs=60, n_starts=1)
    n_checked = 60 - endless.trial_epochs if inference == "cvb0" else 60  # while it cools there is nothing to watch
    assert len(Lda.fit(train, endless, Run()).learned.perplexities) == n_checked // 10


def test_of_several_starts_the_most_coherent_goes_on() -> None:
    topics = np.random.default_rng(0).dirichlet(np.full(60, 0.1), 6)
    corpus = counted(drawn_from(topics, 0.2, n_readers=60, n_read=15, seed=1))
    trial = LdaConfig(n_topics=6, epochs=10, cooling_epochs=0, temperature=1)

    def coherence(n_starts: int, seed: int) -> float:
        tops = top_books(Lda.fit(corpus, replace(trial, n_starts=n_starts), Run(seed)).typical(), 10)
        return float(np.mean([npmi(tops, corpus.counts[i::8]).mean() for i in range(8)]))

    # the starts of n are the first n of n + 1
    best = np.array([[coherence(n_starts, seed) for n_starts in (1, 2, 4, 8)] for seed in range(4)])
    assert (np.diff(best, axis=1) >= 0).all()
    assert (best[:, -1] > best[:, 0]).any()


def test_a_factored_start_holds_each_shelf_together() -> None:
    counts = sp.csr_matrix(np.kron(np.eye(3), np.ones((5, 4))).astype(np.float32))
    g = factored_start(counts, 3, np.random.default_rng(0))
    np.testing.assert_allclose(g.sum(axis=1), 1)
    topic = g.argmax(axis=1).reshape(3, 20)
    assert (topic == topic[:, :1]).all()
    assert sorted(topic[:, 0]) == [0, 1, 2]


def test_a_fit_has_converged_when_perplexity_hardly_falls() -> None:
    assert not has_converged([100.0], 0.5)
    assert not has_converged([100.0, 90.0], 0.05)
    assert has_converged([100.0, 90.0, 89.0], 0.05)
    assert has_converged([100.0, 101.0], 0.05)
    assert not has_converged([100.0, 100.0], 0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"n_topics": 0},
        {"inference": "gibbs"},
        {"alpha": 0.0},
        {"eta": float("nan")},
        {"epochs": 0},
        {"tolerance": -0.1},
        {"temperature": 0.5},
        {"cooling_epochs": -1},
        {"n_starts": 0},
        {"n_batches": 0},
        {"reader_exponent": 2},
        {"max_reader_share": 0.0},
        {"least_lift": -1},
    ],
)
def test_impossible_settings_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadConfig, match=rf"lda\.{next(iter(wrong))}"):
        LdaConfig(**wrong)
