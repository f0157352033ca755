"""Topics by hand: shares, lifts and profiles follow from two topics over four books."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from data.errors import BadArtifact
from data.topics import NOT_TOLD, Topics, topics_of

P = np.array([[0.5, 0.3, 0.2, 0.0], [0.0, 0.2, 0.2, 0.6]])
SHARES = np.array([0.75, 0.25])


def by_hand(**changed: np.ndarray) -> Topics:
    order = np.argsort(-P, axis=1, kind="stable")
    arrays = {
        "p": P,
        "typical_rows": order,
        "typicality": np.take_along_axis(P, order, axis=1),
        "shares": SHARES,
        "n_main": np.array([30, NOT_TOLD]),
        "npmi": np.array([0.5, -0.25]),
        "stability": np.array([1.0, 0.5]),
    }
    return topics_of("lda", **{**arrays, **changed})


def test_a_book_is_of_the_topics_that_its_readings_come_from() -> None:
    """Book 1: .75 * .3 = .225 against .25 * .2 = .05; book 2 as often in both: the shares."""
    topics = by_hand()
    np.testing.assert_allclose(topics.profile(1), [0.225 / 0.275, 0.05 / 0.275], rtol=1e-6)
    np.testing.assert_allclose(topics.profile(2), SHARES, rtol=1e-6)
    np.testing.assert_allclose(topics.profile(0), [1, 0])


def test_lift_is_against_a_reading_of_anybody() -> None:
    """Book 3 is .25 * .6 = .15 of all readings, and .6 of those of topic 1: four times as many; at most 1 / share."""
    topics = by_hand()
    np.testing.assert_allclose(topics.lift(1, np.array([3, 2, 0])), [4, 1, 0], rtol=1e-6)
    np.testing.assert_allclose(topics.lift(0, np.array([0])), [1 / 0.75], rtol=1e-6)


def test_lists_are_in_their_own_orders() -> None:
    topics = by_hand(typical_rows=np.array([[2, 1, 0, 3], [3, 2, 1, 0]]))
    assert topics.most_typical(0, 2).tolist() == [2, 1]
    assert topics.most_probable(0, 2).tolist() == [0, 1]
    assert topics.largest_lift(0, 2).tolist() == [0, 1]
    assert topics.largest_lift(1, 2).tolist() == [3, 2]


def test_a_book_of_no_topic_has_no_profile() -> None:
    topics = by_hand(p=np.array([[0.5, 0.5, 0.0, 0.0], [0.0, 0.5, 0.5, 0.0]]))
    assert topics.profile(3).tolist() == [0, 0]
    assert topics.lift(0, np.array([3])).tolist() == [0]


def test_what_was_saved_is_opened(tmp_path: Path) -> None:
    by_hand(stability=np.empty(0)).save(tmp_path, {"artifact": "a1"}, "books")
    opened = Topics.open(tmp_path, "books")
    assert opened.kind == "lda"
    np.testing.assert_array_equal(opened.p, P.astype(np.float32))
    assert opened.n_main.tolist() == [30, NOT_TOLD]
    assert opened.stability.shape == (0,)
    with pytest.raises(BadArtifact, match="vocabulary"):
        Topics.open(tmp_path, "other books")


@pytest.mark.parametrize("name", ["shares", "n_main", "npmi"])
def test_arrays_of_another_number_of_topics_are_refused(name: str) -> None:
    with pytest.raises(BadArtifact, match=f"expected 2 topics, found {name} of 3"):
        by_hand(**{name: np.zeros(3)})
