"""How sure an answer is, and what is far beyond doubt: replicates on a circle, against arithmetic by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from data.certainty import Calibration
from data.ensemble import Ensemble
from data.errors import WagahaiError
from data.release import Release
from data.store import Store
from pipeline.query import farthest, nearest, nearest_many, nearest_with
from pipeline.question import Question
from tests.pipeline.books import books_of, release_of, titled, turned


def sharp(vectors: np.ndarray, n_replicates: int = 3, k: int = 1) -> Ensemble:
    """Replicates that all are the space itself."""
    return Ensemble.of([np.asarray(vectors, np.float32)] * n_replicates, Calibration(k=k))


def swaying(angles: list[list[float]], calibration: Calibration) -> Ensemble:
    """Replicates of books on a circle, at these degrees."""
    return Ensemble.of([np.array([turned(angle) for angle in row], np.float32) for row in angles], calibration)


@pytest.fixture
def unsure(tmp_path: Path) -> Release:
    """Book 1 is nearest, but comes and goes; book 2 is nearly as near, and steady; book 3 is far and steady."""
    ensemble = swaying([[0, 5, 25, 120], [0, 55, 25, 120], [0, 5, 25, 120], [0, 55, 25, 120]], Calibration(k=1))
    books = books_of([{"title": title, "n_readers": 30} for title in "abcd"])
    return release_of(Store(tmp_path), books, np.array([turned(a) for a in (0, 20, 25, 120)]), ensemble=ensemble)


def test_the_surest_come_first_then_the_most_similar(unsure: Release) -> None:
    listed, sure = nearest_with(unsure, 0, 1, np.array([1, 2, 3]))
    assert sure is not None
    # margins of book 1 to the first of the others: cos 5 - cos 25 = .09 and cos 55 - cos 25 = -.33, in turn
    assert sure.p_top[2] < sure.p_top[0] < 0.5 < sure.p_top[1]
    found = nearest(unsure, 0, 1)
    assert found.p_top is not None
    assert (found.rows.tolist(), found.p_top.tolist()) == ([2], [sure.p_top[1]])
    assert (listed.rows.tolist(), listed.low, listed.p_top) == ([2], found.low, found.p_top)
    everything = nearest(unsure, 0, 3)
    assert everything.p_top is not None
    assert everything.rows.tolist() == [2, 1, 3]  # however long the list, p is about the first k
    assert everything.p_top[0] == found.p_top[0]


def test_the_interval_is_similarity_and_multiples_of_the_sd_over_replicates(unsure: Release) -> None:
    sd = np.std(np.cos(np.radians([5, 55, 5, 55])), ddof=1)
    found = nearest(unsure, 0, 3)
    assert found.low is not None
    assert found.high is not None
    expected = np.cos(np.radians(20))
    np.testing.assert_allclose([found.low[1], found.high[1]], [expected - 2 * sd, min(1, expected + 2 * sd)], atol=5e-3)
    np.testing.assert_allclose([found.low[2], found.high[2]], [np.cos(np.radians(120))] * 2, atol=5e-3)


def test_p_is_asked_of_the_allowed_books_only(unsure: Release) -> None:
    """Alone in the list, book 3 is sure to be first; beside book 2 it is sure not to be."""
    alone = nearest(unsure, 0, 1, np.array([True, False, False, True]))
    assert alone.p_top is not None
    assert (alone.rows.tolist(), alone.p_top.tolist()) == ([3], [1])
    beside = nearest(unsure, 0, 1, np.array([True, False, True, True]))
    assert beside.p_top is not None
    assert beside.rows.tolist() == [2]
    assert beside.p_top[0] > 0.9


def test_the_ensemble_is_asked_the_same_question(tmp_path: Path) -> None:
    """In every replicate the direction is that replicate's: turned as a whole, nothing changes."""
    angles = [0, 40, 15, 90]
    ensemble = swaying([[a + turn for a in angles] for turn in (0, 70, 200)], Calibration(k=1))
    release = release_of(Store(tmp_path), titled(*"abcd"), np.array([turned(a) for a in angles]), ensemble=ensemble)
    for question in (Question((0,)), Question((0, 1)), Question((1,), (0,))):
        found = nearest(release, question, 9)
        assert found.low is not None
        assert found.high is not None
        np.testing.assert_allclose(found.low, found.similarity, atol=0.01)
        np.testing.assert_allclose(found.high, found.similarity, atol=0.01)


def test_records_carry_how_sure(unsure: Release) -> None:
    found = nearest(unsure, 0, 1)
    assert found.p_top is not None
    assert found.low is not None
    record = found.records(unsure.books)[0]
    assert record["p_top"] == round(float(found.p_top[0]), 4)
    assert record["low"] == round(float(found.low[0]), 4) <= record["similarity"] <= record["high"]
    assert nearest(unsure, 0, 3).first(2).records(unsure.books) == nearest(unsure, 0, 3).records(unsure.books)[:2]


def test_of_a_new_book_it_is_not_known_how_sure(unsure: Release) -> None:
    question = Question((), new=(np.array(turned(21), np.float32),), n_readers=7)
    near, far = nearest(unsure, question, 4), farthest(unsure, question, 1)
    assert (near.rows.tolist(), near.p_top, near.low) == ([1, 2, 0, 3], None, None)
    assert (far.rows.tolist(), far.high) == ([3], None)


def test_only_what_is_far_beyond_its_uncertainty_is_far(tmp_path: Path) -> None:
    """Books at 0, 10 and 20 degrees, one at 100 that is steady, one at 110 that sways by 60."""
    angles = [0, 10, 20, 100, 110]
    ensemble = swaying([[0, 10, 20, 100, 50], [0, 10, 20, 100, 170], [0, 10, 20, 100, 110]], Calibration(k=1))
    books = books_of([{"title": str(a), "n_readers": 30} for a in angles])
    release = release_of(Store(tmp_path), books, np.array([turned(a) for a in angles]), ensemble=ensemble)
    found = farthest(release, 0, 5)
    assert found.rows.tolist() == [3]
    assert found.p_top is None
    assert found.high is not None
    assert found.high[0] == pytest.approx(np.cos(np.radians(100)), abs=0.01)
    plain = release_of(Store(tmp_path), books, np.array([turned(a) for a in angles]), id_="r2")
    assert farthest(plain, 0, 2).rows.tolist() == [4, 3]  # by similarity alone the swaying one is farther


def test_a_batch_need_not_ask_how_sure(unsure: Release) -> None:
    fast = nearest_many(unsure, [0, Question((1, 2))], 2, how_sure=False)
    assert [found.p_top for found in fast] == [None, None]
    assert fast[0].rows.tolist() == [1, 2]
    assert nearest_many(unsure, [0], 2)[0].p_top is not None
    assert nearest_many(unsure, [], 2) == []


def test_another_space_answers_for_itself(tmp_path: Path) -> None:
    spaces = {"one": np.array([[1, 0], [1, 0], [0, 1]]), "other": np.array([[1, 0], [0, 1], [1, 0]])}
    release = release_of(Store(tmp_path), titled(*"abc"), spaces, ensemble=sharp(spaces["one"]))
    assert nearest(release, 0, 1).rows.tolist() == [1]
    assert nearest(release, 0, 1, space="one").p_top is not None
    found = nearest(release, 0, 1, space="other")
    assert (found.rows.tolist(), found.p_top) == ([2], None)  # only of the default space is known how sure
    with pytest.raises(WagahaiError, match="no space 'third'; it has one, other"):
        nearest(release, 0, 1, space="third")
