"""Topics that two books share: profiles by hand, the threshold, and a release without topics."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from data.release import TOPICS, Release
from data.store import Store
from data.topics import topics_of
from pipeline.shared_topics import MIN_SHARE, SharedTopic, shared_topics
from tests.pipeline.books import VOCABULARY, release_of, titled

SHARES = np.array([0.5, 0.3, 0.2])
P = np.array([[0.6, 0.2, 0.2], [0.2, 0.6, 0.2], [0.05, 0.05, 0.9]])
PROFILE = SHARES[:, None] * P / (SHARES @ P)  # book 0: .81 .16 .03; book 1: .34 .62 .03; book 2: .29 .18 .53
ORDER = np.argsort(-P, axis=1, kind="stable")


@pytest.fixture
def release(tmp_path: Path) -> Release:
    made = release_of(Store(tmp_path), titled("A", "B", "C"), np.eye(3))
    for kind, shares in (("lda", SHARES), ("prodlda", SHARES[::-1])):
        ones = np.ones(3)
        arrays = {"p": P, "shares": shares, "typical_rows": ORDER, "typicality": np.take_along_axis(P, ORDER, axis=1)}
        topics = topics_of(kind, **arrays, n_main=ones, npmi=ones, stability=ones)
        (made.folder / TOPICS / kind).mkdir(parents=True)
        topics.save(made.folder / TOPICS / kind, {}, VOCABULARY)
    made.manifest["topics"] = ["lda"]
    return made


def test_topics_of_both_books_by_the_smaller_share(release: Release) -> None:
    found = shared_topics(release, 0, 1)
    assert [(shared.model, shared.topic, shared.name) for shared in found] == [("lda", 0, "A · B"), ("lda", 1, "B · A")]
    np.testing.assert_allclose([[s.of_one, s.of_other] for s in found], PROFILE[:2, :2], rtol=1e-6)
    turned = [SharedTopic(s.model, s.topic, s.name, s.of_other, s.of_one) for s in found]
    assert list(shared_topics(release, 1, 0)) == turned


def test_a_topic_of_one_book_only_is_not_shared(release: Release) -> None:
    """The third topic has .53 of book 2 and .03 of book 0."""
    assert PROFILE[2, 0] < MIN_SHARE < PROFILE[2, 2]
    assert [shared.topic for shared in shared_topics(release, 0, 2)] == [0, 1]


def test_every_model_is_asked(release: Release) -> None:
    """With the shares of the topics turned round, book 0 is .59 .29 .12 and book 2 .07 .11 .82."""
    release.manifest["topics"] = ["prodlda", "lda"]
    found = [(shared.model, shared.topic) for shared in shared_topics(release, 0, 2)]
    assert found == [("prodlda", 2), ("prodlda", 1), ("lda", 0), ("lda", 1)]


def test_a_release_without_topics_shares_none(release: Release) -> None:
    del release.manifest["topics"]
    assert shared_topics(release, 0, 1) == ()
