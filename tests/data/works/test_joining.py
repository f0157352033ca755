"""The union-find: roots, traits, what is kept apart."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from data.works.joining import KEPT_APART, Evidence, Joining

BY = Evidence("rule", "value")
PAIRS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=25)


def components(pairs: list[tuple[int, int]]) -> list[int]:
    """Smallest member of the component of each of ten rows, by flooding."""
    label = list(range(10))
    for _ in range(10):
        for one, other in pairs:
            label[one] = label[other] = min(label[one], label[other])
    return label


@given(PAIRS)
def test_works_are_connected_components_named_by_their_first_row(pairs: list[tuple[int, int]]) -> None:
    joining = Joining(10)
    assert all(joining.join(one, other, BY) for one, other in pairs)
    assert joining.roots() == components(pairs)
    assert len(joining.links) == 10 - len(set(joining.roots()))  # a tree a work


@given(PAIRS, st.tuples(st.integers(0, 9), st.integers(0, 9)).filter(lambda pair: pair[0] != pair[1]))
def test_what_is_kept_apart_never_meets(pairs: list[tuple[int, int]], apart: tuple[int, int]) -> None:
    joining = Joining(10)
    assert joining.keep_apart(*apart)
    joined = [joining.join(one, other, BY) for one, other in pairs]
    assert joining.root(apart[0]) != joining.root(apart[1])
    assert joining.roots() == components([pair for pair, done in zip(pairs, joined, strict=True) if done])
    assert [why for *_, why in joining.refusals] == [KEPT_APART] * joined.count(False)
    assert joining.conflict(*apart) == KEPT_APART


def test_books_that_are_one_cannot_be_kept_apart() -> None:
    joining = Joining(3)
    joining.join(0, 1, BY)
    joining.join(1, 2, BY)
    assert not joining.keep_apart(0, 2)


def test_works_conflict_in_what_is_known_of_both_and_disjoint() -> None:
    joining = Joining(5)
    joining.learn(
        [(0, "language", "en"), (1, "language", "ja"), (1, "volume", "1"), (2, "volume", "1"), (3, "volume", "2")]
    )
    assert joining.conflict(0, 1) == "language differs: en and ja"
    assert joining.conflict(0, 2) == joining.conflict(1, 2) == joining.conflict(1, 4) == ""
    assert joining.conflict(2, 3) == "volume differs: 1 and 2"
    joining.join(0, 2, BY)
    assert joining.traits(2) == {"language": {"en"}, "volume": {"1"}}  # what is known of a work is of all its books
    assert joining.conflict(0, 3) == "volume differs: 1 and 2"
    joining.join(2, 3, BY)
    assert joining.conflict(1, 0) == "language differs: ja and en"
    assert joining.traits(0)["volume"] == {"1", "2"}
