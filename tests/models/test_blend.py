"""The blend against its parts, added by hand."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest
import scipy.sparse as sp

from data.corpus import Corpus
from data.errors import BadConfig, WagahaiError
from models.base import Run
from models.blend import Blend, BlendConfig, standard_scores, votes
from models.ease import Ease, EaseConfig
from models.item_knn import ItemKnn, ItemKnnConfig
from pipeline.typed_table import from_table
from tests.models.contract import RankerContract
from tests.models.corpora import checkerboard, shown, tastes


class TestBlendByBooks(RankerContract):
    model = Blend
    config = BlendConfig(
        ease_weight=0.3,
        similarity_power=1.5,
        l2=3.0,
        popularity_exponent=0.5,
        max_size=30,
        n_neighbours=7,
        k1=0.9,
        b=0.7,
    )


class TestBlendByReaders(TestBlendByBooks):
    @classmethod
    def data_of(cls, seed: int) -> Corpus:
        return tastes(seed=seed, n_readers=20)


@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0])
def test_a_score_is_the_weighted_sum_of_the_standard_scores_of_the_parts(weight: float) -> None:
    corpus = tastes(seed=0)
    config = BlendConfig(weight, 2.0, l2=4.0, popularity_exponent=0.5, n_neighbours=6, k1=0.9, b=0.7)
    visible = shown([[2, 7], [4]], 24)
    ease = Ease.fit(corpus, EaseConfig(4.0, 0.5), Run()).score(visible)
    similarity = ItemKnn.fit(corpus, ItemKnnConfig(6, 0.9, 0.7), Run()).similarity.toarray().astype(np.float64)
    vote = similarity**2 * (1 - np.eye(24))
    vote[:23] /= vote[:23].sum(axis=1, keepdims=True)
    knn = np.array([vote[2] + vote[7], vote[4]])
    score = Blend.fit(corpus, config, Run()).score(visible)
    for row, books in enumerate([[2, 7], [4]]):
        rest = [book for book in range(23) if book not in books]  # the last has no reader
        e, k = ease[row, rest].astype(np.float64), knn[row, rest]
        expected = weight * (e - e.mean()) / e.std() + (1 - weight) * (k - k.mean()) / k.std()
        np.testing.assert_allclose(score[row, rest], expected, atol=1e-5)
    assert np.isneginf(score[:, 23]).all()
    assert np.isfinite(score[:, :23]).all()


def test_all_weight_on_ease_ranks_as_ease() -> None:
    corpus = tastes(seed=3)
    ease = Ease.fit(corpus, BlendConfig().ease, Run()).score(corpus.counts)
    score = Blend.fit(corpus, BlendConfig(ease_weight=1.0), Run()).score(corpus.counts)
    for row in range(corpus.n_readers):
        order = np.argsort(ease[row], kind="stable")[1:]  # without the book that nobody read
        assert (np.diff(score[row, order]) >= -1e-5).all()


def test_votes_by_hand() -> None:
    rows = [[9, 4, 2, 2], [0, 7, 3, -1], [0, -1, 0, 0], [0, 0, 0, 5]]
    similarity = sp.csr_matrix(np.array(rows, np.float32))
    expected = np.array([[0, 4 / 6, 1 / 6, 1 / 6], [0, 0, 1, 0], [0] * 4, [0] * 4], np.float32)
    found = votes(similarity, 2.0)
    np.testing.assert_allclose(found.toarray(), expected, rtol=1e-6)
    assert found.dtype == np.float32
    np.testing.assert_allclose(votes(1e30 * similarity, 2.0).toarray(), expected, rtol=1e-6)
    np.testing.assert_allclose(votes(similarity, 60.0).toarray()[0], [0, 1, 0, 0], atol=1e-6)


def test_the_checkerboard_is_completed_for_every_reader() -> None:
    corpus = checkerboard(50)
    scores = Blend.fit(corpus, BlendConfig(l2=1.0), Run()).score(corpus.counts)
    scores[corpus.counts.nonzero()] = -np.inf
    assert scores.argmax(axis=1).tolist() == list(range(50))


def test_standard_scores_by_hand() -> None:
    nothing = -np.inf
    scores = np.array([[9, 1, 3, nothing], [5, 5, 5, 5], [0.1, 0.1, 0.1, 7], [nothing] * 4, [1, 2, 3, 4]], np.float32)
    visible = shown([[0], [], [3], [1], [0, 1, 2, 3]], 4)
    expected = [[7, -1, 1, nothing], [0] * 4, [0] * 4, [nothing] * 4, [0] * 4]
    np.testing.assert_allclose(standard_scores(scores, visible), np.array(expected, np.float32), rtol=1e-6)


def test_standard_scores_do_not_change_with_scale_or_offset() -> None:
    scores = np.random.default_rng(0).normal(size=(5, 40)).astype(np.float32)
    visible = shown([[0, 1], [], [5], [7, 9], [3]], 40)
    expected = standard_scores(scores.copy(), visible)
    np.testing.assert_allclose(standard_scores(1e-4 * scores - 2e-5, visible), expected, atol=1e-4)


def test_settings_come_back_from_a_dict_and_from_a_profile() -> None:
    config = TestBlendByBooks.config
    assert BlendConfig(**asdict(config)) == config
    assert from_table(BlendConfig, asdict(config), "models.blend") == config
    assert config.ease == EaseConfig(3.0, 0.5, 30)
    assert config.item_knn == ItemKnnConfig(7, 0.9, 0.7)


def test_what_ease_cannot_hold_is_refused() -> None:
    with pytest.raises(WagahaiError, match="at most 20 readers or at most 20 books"):
        Blend.fit(tastes(seed=0), BlendConfig(max_size=20), Run())


@pytest.mark.parametrize(
    "wrong", [{"ease_weight": 1.1}, {"ease_weight": -0.1}, {"similarity_power": 0.0}, {"l2": 0.0}, {"b": 2.0}]
)
def test_impossible_settings_are_refused(wrong: dict[str, float]) -> None:
    (name,) = wrong
    with pytest.raises(BadConfig, match=rf"blend.*\.{name}"):
        BlendConfig(**wrong)  # type: ignore[arg-type]  # a wrong value is the point
