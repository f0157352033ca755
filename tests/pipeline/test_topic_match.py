"""Topics are matched so that the overlaps together are largest, each topic once."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.topic_match import matches, overlaps

ONE = np.array([[0, 1, 2, 3], [4, 5, 6, 7]])


def test_overlap_is_the_share_of_books_in_common() -> None:
    other = np.array([[3, 2, 1, 9], [7, 8, 9, 0], [10, 11, 12, 13]])
    np.testing.assert_array_equal(overlaps(ONE, other), [[0.75, 0.25, 0], [0, 0.25, 0]])


def test_the_sum_decides_not_the_first_that_comes() -> None:
    """The first would take the second of the other (.5), leaving 0 for the second: .25 + .5 is more."""
    other = np.array([[0, 8, 9, 10], [1, 2, 4, 5]])
    assert matches(ONE, other) == [(0, 0, 0.25), (1, 1, 0.5)]


def test_each_topic_has_one_partner_or_none() -> None:
    other = np.array([[4, 5, 6, 7], [4, 5, 6, 0], [8, 9, 10, 11]])
    assert matches(ONE, other) == [(0, 1, 0.25), (1, 0, 1.0)]
    assert matches(ONE, other, least=0.25) == [(1, 0, 1.0)]


def test_lists_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="lists of 4 and of 3 books"):
        overlaps(ONE, ONE[:, :3])
