"""Editions of a work side by side: counts and lists by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from data.corpus import Corpus
from data.errors import AmbiguousTitle, UnknownBook
from data.release import Release
from data.store import Store
from pipeline.editions_beside import N_LOOKED_AT, editions_beside, find_work
from pipeline.why import why
from tests.pipeline.readings_beside import release_and_corpus

N_OTHERS = 30
ROWS = [
    {"title": "猫 (新潮文庫)", "work": "w:1", "format": "bunko"},
    {"title": "猫 (岩波文庫)", "work": "w:1", "format": "bunko"},
    {"title": "猫 ハードカバー", "work": "w:1", "format": "hardcover"},
    {"title": "犬"},
    {"title": "犬"},
    *({"title": f"other {i}", "work": f"w:9{i}"} for i in range(N_OTHERS)),
]
# 12 readers of the first edition, 20 of the second, 8 of the third; 6 read the first two, 2 the second and the third
HISTORIES = [[0, 1]] * 6 + [[0]] * 6 + [[1, 2]] * 2 + [[1]] * 12 + [[2]] * 6 + [[3, 4]] * 5


def on_circle(*degrees: float) -> np.ndarray:
    return np.array([[np.cos(a), np.sin(a)] for a in np.radians(degrees)])


@pytest.fixture
def cats(tmp_path: Path) -> tuple[Release, Corpus]:
    """The editions at 0, 10 and 180 degrees; 犬 twice at 90; other books every 3 degrees from 0 to 87."""
    vectors = on_circle(0, 10, 180, 90, 90, *(3.0 * i for i in range(N_OTHERS)))
    return release_and_corpus(Store(tmp_path), ROWS, vectors, HISTORIES)


def test_most_read_first_with_share_and_similarity_to_it(cats: tuple[Release, Corpus]) -> None:
    found = editions_beside(*cats, 2)
    assert (found.work, [edition.row for edition in found.editions]) == ("w:1", [1, 0, 2])
    assert [edition.share for edition in found.editions] == pytest.approx([20 / 40, 12 / 40, 8 / 40])
    assert found.editions[0].similarity is None
    assert [edition.similarity for edition in found.editions[1:]] == pytest.approx(
        np.cos(np.radians([10, 170])).tolist(), abs=1e-6
    )


@pytest.mark.parametrize(("n_both", "told"), [(6, 6), (4, None), (8, None)])
def test_readers_of_both_of_two_editions_are_told_by_the_rule(tmp_path: Path, n_both: int, told: int | None) -> None:
    """Of 12 readers of the one and 20 of the other, 4 are too few to be told, and 8 leave 4 of the one."""
    histories = [[0, 1]] * n_both + [[0]] * (12 - n_both) + [[1]] * (20 - n_both) + [[2]] * 5
    two = release_and_corpus(Store(tmp_path), [*ROWS[:2], {"title": "犬"}], on_circle(0, 10, 90), histories)
    assert [edition.n_shared for edition in editions_beside(*two, 0).editions] == [told, told]


def test_of_three_editions_none_is_told(cats: tuple[Release, Corpus]) -> None:
    """8 of the second read another: less the 6 who read the first, which `why` tells, 2 would be left of the third."""
    assert why(*cats, 0, 1).shared.n_shared == 6
    assert why(*cats, 1, 2).shared.n_shared is None
    assert [edition.n_shared for edition in editions_beside(*cats, 0).editions] == [None] * 3


def test_what_each_is_near_among_other_works(cats: tuple[Release, Corpus]) -> None:
    """Edition 1 at 10 degrees: 9, 12, 6, 15, 3. Edition 0 at 0: 0, 3, 6, 9, 12. The third: 犬 twice, then 87 down."""
    first, second, third = editions_beside(*cats, 0).editions
    assert [row - 5 for row in first.near.rows.tolist()] == [3, 4, 2, 5, 1]
    assert [row - 5 for row in second.near.rows.tolist()] == [0, 1, 2, 3, 4]
    assert third.near.rows.tolist() == [3, 4, 34, 33, 32]


def test_what_only_one_edition_is_near_is_marked(cats: tuple[Release, Corpus]) -> None:
    """The first 20 of the two at 0 and 10 degrees reach to 57; those of the third begin at 90 and end at 36."""
    assert N_LOOKED_AT == 20
    first, second, third = editions_beside(*cats, 0).editions
    assert first.only_here == second.only_here == (False,) * 5
    assert third.only_here == (True,) * 5


def test_a_work_of_one_edition(cats: tuple[Release, Corpus]) -> None:
    found = editions_beside(*cats, 3)
    assert found.work == "t:3"
    (only,) = found.editions
    assert (only.share, only.n_shared, only.similarity) == (1, None, None)
    assert only.near.rows[0] == 4  # another book of the same title is no edition
    assert all(only.only_here)


def test_a_title_of_several_editions_is_one_work(cats: tuple[Release, Corpus]) -> None:
    books = cats[0].books
    assert find_work(books, "猫") == 1
    assert find_work(books, "猫 (新潮文庫)") == 0
    assert find_work(books, "t:2") == 2
    with pytest.raises(AmbiguousTitle, match="2 books match '犬'"):
        find_work(books, "犬")
    with pytest.raises(UnknownBook):
        find_work(books, "象")
