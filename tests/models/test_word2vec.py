"""word2vec: the contract, and corpora whose neighbours are known."""

from __future__ import annotations

import numpy as np
import pytest

from data.errors import BadConfig
from models import density, word2vec
from models.base import Run
from models.word2vec import Word2Vec, Word2VecConfig
from tests.models.contract import EncoderContract
from tests.models.corpora import checkerboard, corpus_of, shown, tastes

N_RING = 20


class TestWord2Vec(EncoderContract):
    model = Word2Vec
    config = Word2VecConfig(
        embedding_size=8, window=3, epochs=5, subsample=0.0, concentration=5.0, popularity_weight=0.2
    )

    def test_another_seed_gives_other_vectors(self) -> None:
        assert not np.array_equal(self.fit(tastes(1), seed=1).arrays()["u"], self.fit(tastes(1), seed=2).arrays()["u"])


def crossed(popularity_weight: float = 0.0, concentration: float = 2.0) -> Word2Vec:
    """Four books at the ends of a cross, whose mean is the origin; the last one is the bestseller."""
    u = np.array([[1, 0], [0.6, 0.8], [-0.6, -0.8], [-1, 0]], np.float32)
    config = Word2VecConfig(embedding_size=2, popularity_weight=popularity_weight, concentration=concentration)
    return Word2Vec(config, u, np.zeros_like(u), np.array([1, 1, 1, 1000]))


def test_on_the_checkerboard_the_nearest_books_are_of_the_same_colour() -> None:
    corpus = checkerboard(50)
    config = Word2VecConfig(embedding_size=16, epochs=30, subsample=0.0)
    w = Word2Vec.fit(corpus, config, Run()).book_vectors()
    cosine = w @ w.T
    np.fill_diagonal(cosine, -np.inf)
    nearest = np.argsort(-cosine, axis=1)[:, :24]  # 24 other books have the colour
    assert (nearest % 2 == np.arange(50)[:, None] % 2).all()


def neighbours_learned(order: str) -> float:
    """Share of the ring's neighbours among the two most probable contexts of each book.

    Probable by input times output vector: a book and the next one share no context, so that their
    input vectors alone need not be near.
    """
    random = np.random.default_rng(0)
    histories = [np.roll(np.arange(N_RING), random.integers(N_RING)).tolist() for _ in range(60)]
    config = Word2VecConfig(embedding_size=16, window=1, epochs=30, subsample=0.0, order=order)
    model = Word2Vec.fit(corpus_of(histories, N_RING), config, Run())
    logit = model.u @ model.v.T
    np.fill_diagonal(logit, -np.inf)
    likeliest = np.argsort(-logit, axis=1)[:, :2]
    beside = (likeliest - np.arange(N_RING)[:, None]) % N_RING
    return float(np.isin(beside, (1, N_RING - 1)).mean())


def test_the_order_of_reading_is_learned_as_read_and_lost_when_shuffled() -> None:
    assert neighbours_learned("as_read") > 0.9
    assert neighbours_learned("shuffled") < 0.5  # chance is 0.1


COSINES_WITH_THE_FIRST = np.array([1, 0.6, -0.6, -1])


def test_for_one_book_shown_a_score_is_the_cosine_times_the_concentration() -> None:
    score = crossed().score(shown([[0]], 4))[0]
    np.testing.assert_allclose(score, 2 * (COSINES_WITH_THE_FIRST - 1), atol=1e-6)


def test_popularity_weighs_the_log_of_the_readers() -> None:
    score = crossed(popularity_weight=0.9).score(shown([[0]], 4))[0]
    np.testing.assert_allclose(score, [0, -0.8, -3.2, -4 + 0.9 * np.log(1000)], atol=1e-6)
    assert score.argmax() == 3


def test_a_reader_of_two_tastes_is_near_both_and_not_between() -> None:
    angles = np.radians([0, 120, 60, 180, 300, 240])  # around the circle: the mean is the origin
    u = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    config = Word2VecConfig(embedding_size=2, popularity_weight=0.0, concentration=9.0)
    model = Word2Vec(config, u, np.zeros_like(u), np.ones(6, np.int64))
    score = model.score(shown([[0, 1]], 6))[0]
    both, between = np.log((1 + np.exp(9 * (-0.5 - 1))) / 2), 9 * (0.5 - 1)
    np.testing.assert_allclose(score[:3], [both, both, between], rtol=1e-5)
    assert (model.transform(shown([[0, 1]], 6)) @ model.book_vectors().T)[0].argmax() == 2  # the mean lies between


def random_model(concentration: float) -> Word2Vec:
    random = np.random.default_rng(0)
    u, v = (random.normal(size=(30, 6)).astype(np.float32) for _ in range(2))
    config = Word2VecConfig(embedding_size=6, concentration=concentration, popularity_weight=0.0)
    return Word2Vec(config, u, v, np.ones(30, np.int64))


HISTORIES = [[0, 1, 2], [5], [7, 29, 3, 11]]


def test_with_hardly_any_concentration_books_are_ranked_by_the_cosine_with_the_mean() -> None:
    model, visible = random_model(concentration=1e-3), shown(HISTORIES, 30)
    mean = model.transform(visible) @ model.book_vectors().T
    np.testing.assert_allclose(model.score(visible) / 1e-3, mean - 1, atol=2e-3)


def test_with_much_concentration_books_are_ranked_by_the_nearest_book_shown() -> None:
    model = random_model(concentration=40.0)
    w = model.book_vectors()
    for row, history in enumerate(HISTORIES):
        nearest = (w @ w[history].T).max(axis=1)
        score = model.score(shown(HISTORIES, 30))[row]
        assert (score <= 40 * (nearest - 1) + 1e-4).all()
        assert (score >= 40 * (nearest - 1) - np.log(len(history)) - 1e-4).all()


@pytest.mark.parametrize("block", [1, 3, 1024])
def test_scores_are_log_densities_whatever_the_blocks(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(density, "_BLOCK", block)
    model = random_model(concentration=9.0)
    w = model.book_vectors().astype(np.float64)
    oracle = [[np.log(np.mean([np.exp(9 * (w[i] @ w[j] - 1)) for i in h])) for j in range(30)] for h in HISTORIES]
    np.testing.assert_allclose(model.score(shown(HISTORIES, 30)), oracle, rtol=1e-4, atol=1e-5)


def test_who_shows_nothing_or_nothing_known_gets_the_bestsellers() -> None:
    u = np.array([[1, 0], [0, 1], [-1, 0], [0, -1], [0, 0]], np.float32)
    n_readers = np.array([3, 9, 1, 2, 0])
    model = Word2Vec(Word2VecConfig(embedding_size=2), u, np.zeros_like(u), n_readers)
    for row in model.score(shown([[], [4]], 5)):
        np.testing.assert_array_equal(np.argsort(-row), [1, 0, 3, 2, 4])


def test_a_reader_is_the_mean_of_the_books_shown() -> None:
    np.testing.assert_allclose(crossed().transform(shown([[0, 1]], 4))[0], [0.8, 0.4], atol=1e-6)


def test_the_direction_shared_by_all_vectors_is_taken_off() -> None:
    u = np.array([[9, 1], [9, -1], [9, 3], [9, -3]], np.float32)
    w = Word2Vec(Word2VecConfig(embedding_size=2), u, u, np.ones(4, np.int64)).book_vectors()
    np.testing.assert_allclose(w, [[0, 1], [0, -1], [0, 1], [0, -1]], atol=1e-6)


def test_a_book_without_readers_has_a_zero_vector_and_no_score() -> None:
    corpus = tastes(seed=0)  # its last book has no reader
    model = Word2Vec.fit(corpus, Word2VecConfig(embedding_size=4, epochs=1), Run())
    assert not model.book_vectors()[-1].any()
    scores = model.score(corpus.counts)
    assert (scores[:, -1] == -np.inf).all()
    assert np.isfinite(scores[:, :-1]).all()
    np.testing.assert_allclose(np.linalg.norm(model.book_vectors()[:-1], axis=1), 1, rtol=1e-5)


def test_progress_counts_the_epochs() -> None:
    class Heard:
        total, steps, ended = 0, 0, False

        def start(self, what: str, total: int) -> None:
            self.total = total

        def advance(self, steps: int = 1) -> None:
            self.steps += steps

        def finish(self, outcome: str = "") -> None:
            self.ended = True

    heard = Heard()
    Word2Vec.fit(tastes(0), Word2VecConfig(embedding_size=4, epochs=3), Run(progress=heard))
    assert (heard.total, heard.steps, heard.ended) == (3, 3, True)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("order", "random"),
        ("embedding_size", 0),
        ("window", 0),
        ("epochs", -1),
        ("negative", 0),
        ("learning_rate", 0.0),
        ("learning_rate", 1.0),
        ("learning_rate", float("nan")),
        ("subsample", -1e-5),
        ("popularity_weight", float("nan")),
        ("concentration", 0.0),
        ("concentration", 41.0),
        ("concentration", float("nan")),
    ],
)
def test_impossible_settings_are_refused(name: str, value: object) -> None:
    with pytest.raises(BadConfig, match=rf"word2vec\.{name}"):
        Word2VecConfig(**{name: value})  # type: ignore[arg-type]  # a wrong value is the point


def test_the_output_side_counts_by_its_weight() -> None:
    u = np.array([[1, 0], [-1, 0]], np.float32)
    v = np.array([[0, 2], [0, -2]], np.float32)
    w = Word2Vec(Word2VecConfig(embedding_size=2, output_weight=0.75), u, v, np.ones(2, np.int64)).book_vectors()
    np.testing.assert_allclose(w, [[0.8, 0.6], [-0.8, -0.6]], atol=1e-6)


def test_a_history_longer_than_gensims_sentence_is_read_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(word2vec, "MAX_SENTENCE", 4)
    corpus = corpus_of([list(range(10)), [1, 2, 3]], 10)
    histories = word2vec._Histories(corpus, "shuffled", Run())
    sentences = list(histories)
    assert [len(sentence) for sentence in sentences] == [4, 4, 2, 3]
    assert histories.n_sentences == len(sentences)
    assert sorted(book for sentence in sentences[:3] for book in sentence) == list(range(10))
