"""Topics are matched so that what they have in common adds up to most, each topic once."""

from __future__ import annotations

import numpy as np

from pipeline.topic_match import in_common, matches

ONE = np.array([[0.5, 0.5, 0.0, 0.0], [0.0, 0.0, 0.5, 0.5]])


def test_in_common_are_the_readings_of_the_same_books() -> None:
    other = np.array([[0.25, 0.5, 0.25, 0.0], [0.5, 0.5, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]])
    np.testing.assert_array_equal(in_common(ONE, other), [[0.75, 1, 0], [0.25, 0, 0.5]])


def test_the_sum_decides_not_the_first_that_comes() -> None:
    """The first topic has most in common with the second (.75), which alone has anything of the second (.25)."""
    one = np.array([[0.5, 0.5, 0.0, 0.0], [0.0, 0.75, 0.25, 0.0]])
    other = np.array([[0.5, 0.0, 0.0, 0.5], [0.0, 1.0, 0.0, 0.0]])
    assert matches(one, other) == [(0, 0, 0.5), (1, 1, 0.75)]


def test_each_topic_has_one_partner_or_none() -> None:
    other = np.array([[0.0, 0.0, 0.5, 0.5], [0.25, 0.0, 0.25, 0.5], [0.0, 0.0, 1.0, 0.0]])
    assert matches(ONE, other) == [(0, 1, 0.25), (1, 0, 1.0)]
    assert matches(ONE, other, least=0.5) == [(1, 0, 1.0)]
