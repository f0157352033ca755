"""How sure a reader's topics are: the quantiles of the posterior, exact where it is a Dirichlet."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import beta

from data.errors import WagahaiError
from data.release import Release
from data.store import Store
from models.topics import TopicPosterior
from pipeline.reader_topics import of_posterior, reader_topics
from tests.pipeline.hand_topics import PRIOR, HandLda, take_the_place
from tests.pipeline.topic_release import build, store_of

store = store_of(build)


def test_the_interval_of_a_dirichlet_is_exact() -> None:
    alpha = np.array([0.5, 4.0, 12.0, 1.5])
    total = alpha.sum()
    mean = alpha / total
    sd = np.sqrt(mean * (1 - mean) / (total + 1))
    found = of_posterior(TopicPosterior(mean[None].astype(np.float32), sd[None].astype(np.float32)))
    np.testing.assert_allclose(found.low, beta.ppf(0.05, alpha, total - alpha), rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(found.high, beta.ppf(0.95, alpha, total - alpha), rtol=1e-3)


def test_what_is_certain_has_no_interval_and_no_impossible_spread_breaks_it() -> None:
    mean, sd = np.array([[0.0, 1.0, 0.5, 0.5]], np.float32), np.array([[0.0, 0.0, 0.0, 0.9]], np.float32)
    found = of_posterior(TopicPosterior(mean, sd))
    assert found.low[:3].tolist() == found.high[:3].tolist() == [0, 1, 0.5]
    assert 0 <= found.low[3] < 0.01
    assert 0.99 < found.high[3] <= 1


def test_the_model_of_the_release_answers(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    take_the_place(monkeypatch)
    release = Release.open(store)
    found = reader_topics(store, release, "lda", np.array([0, 1, 2, 25]))
    alpha = PRIOR + np.array([3, 1])
    np.testing.assert_allclose(found.share, alpha / alpha.sum(), rtol=1e-6)
    np.testing.assert_allclose(found.low, beta.ppf(0.05, alpha, alpha.sum() - alpha), rtol=1e-3)
    with pytest.raises(WagahaiError, match="none of the reader's books"):
        reader_topics(store, release, "lda", np.array([], np.int64))
    with pytest.raises(WagahaiError, match="no topics of 'gensim'; it has those of lda, prodlda"):
        reader_topics(store, release, "gensim", np.array([0]))


def test_a_model_that_is_gone_is_said_to_be(store: Store, tmp_path: Path) -> None:
    shutil.copytree(store.root, tmp_path / "copy")
    copy = Store(tmp_path / "copy")
    shutil.rmtree(copy.root / "artifacts" / "lda")
    with pytest.raises(WagahaiError, match=r"the model lda of release .* is not in"):
        reader_topics(copy, Release.open(copy), "lda", np.array([0]))


def test_a_model_of_another_version_is_said_to_be(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_the_place(monkeypatch)
    monkeypatch.setattr(HandLda, "format", 2)
    with pytest.raises(WagahaiError, match=r"cannot be read\. Make it anew: wagahai refresh\n.*format: expected 2"):
        reader_topics(store, Release.open(store), "lda", np.array([0]))
