"""What is told of shared readers: the edges of the rule, of one count and of many."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from data.store import Store
from pipeline.disclosure import is_told, least_told, parts_told, runs_told
from tests.pipeline.books import release_of, titled


@pytest.mark.parametrize(
    ("n_shared", "n_one", "n_other", "told"),
    [
        (5, 10, 10, True),
        (4, 10, 10, False),  # too few share
        (6, 10, 100, False),  # too few of the one do not
        (6, 100, 10, False),  # nor of the other, whichever it is
        (8, 8, 100, False),  # all of them
        (0, 10, 10, False),
        (95, 100, 100, True),
    ],
)
def test_a_count_and_what_it_leaves_out_are_both_enough(n_shared: int, n_one: int, n_other: int, told: bool) -> None:
    assert bool(is_told(n_shared, n_one, n_other, 5)) is told


def test_many_pairs_at_once() -> None:
    n_shared = np.array([[5, 6], [4, 20]])
    found = is_told(n_shared, np.array([[11], [25]]), np.array([[10, 11], [100, 30]]), 5)
    assert found.tolist() == [[True, True], [False, True]]


def test_the_threshold_is_the_setting_of_the_release(tmp_path: Path) -> None:
    release = release_of(Store(tmp_path), titled("A", "B"), np.eye(2))
    release.manifest["settings"]["corpus"]["min_readers"] = 7
    assert least_told(release) == 7


@pytest.mark.parametrize(
    ("counts", "withheld"),
    [
        ([9, 8, 7], []),
        ([30, 2, 8, 9], [1, 2]),  # the total less 30, 8 and 9 would be the 2
        ([30, 2, 1, 8, 9], [1, 2, 3]),  # together they are 3, which the total less the others would tell
        ([30, 3, 4, 8], [1, 2]),
        ([2], [0]),
        ([0, 0, 40], [0, 1, 2]),
    ],
)
def test_what_the_others_leave_of_a_total_tells_no_small_part(counts: list[int], withheld: list[int]) -> None:
    told = parts_told(np.array(counts), 5)
    assert np.flatnonzero(~told).tolist() == withheld


@pytest.mark.parametrize(
    ("counts", "runs"),
    [
        ([10, 20, 30], [[0], [1], [2]]),
        ([3, 20, 30], [[0, 1], [2]]),
        ([20, 10, 4], [[0], [1, 2]]),
        ([20, 4, 10], [[0], [1, 2]]),  # with the smaller neighbour
        ([0, 7, 9], [[1], [2]]),
        ([2, 2, 2], [[0, 1, 2]]),
        ([1, 1, 1], [[0, 1, 2]]),  # too few all together: the caller has to see to that
        ([0, 0, 0], []),
    ],
)
def test_small_groups_of_readers_go_with_their_smaller_neighbour(counts: list[int], runs: list[list[int]]) -> None:
    assert runs_told(np.array(counts), 5) == runs
