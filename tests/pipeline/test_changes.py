"""Two releases of books on a circle: which pairs moved, and by how much, is known from their angles."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.outdated import mark_outdated
from data.release import Release
from data.store import Store
from pipeline.changes import LISTED, N_MOVES, Move, changes, previous_release
from tests.pipeline.books import books_of, release_of

Angles = Mapping[str, float]  # id of a book -> degrees
N = 14
EVEN: Angles = {f"b{i:02d}": 10.0 * i for i in range(N)}
P_TOP = 0.75


def made(
    root: Path,
    angles: Angles,
    *,
    id_: str = "r2",
    width: float | None = 0.05,
    kind: str = "spectral",
    readers: Mapping[str, int] | None = None,
) -> Release:
    """A release whose every interval is `width` wide to both sides; None: it has no intervals."""
    rows = [{"book": book, "title": book, "n_readers": (readers or {}).get(book, 10)} for book in angles]
    vectors = np.array([[math.cos(math.radians(a)), math.sin(math.radians(a))] for a in angles.values()])
    release = release_of(Store(root), books_of(rows), {kind: vectors}, id_=id_)
    table = []
    for book in angles:
        for rank, other in enumerate(ranked(angles, book), start=1):
            similarity = cosine(angles, book, other)
            sure = (None,) * 3 if width is None else (similarity - width, similarity + width, P_TOP)
            table.append((book, other, rank, similarity, *sure))
    columns = ["book", "neighbour", "rank", "similarity", "low", "high", "p_top10"]
    frame = pl.DataFrame(table, columns, orient="row").with_columns(pl.col(columns[3:]).cast(pl.Float32))
    frame.write_parquet(release.folder / "neighbours.parquet")
    return release


def cosine(angles: Angles, one: str, other: str) -> float:
    return math.cos(math.radians(angles[one] - angles[other]))


def ranked(angles: Angles, book: str) -> list[str]:
    others = [other for other in angles if other != book]
    return sorted(others, key=lambda other: (-round(cosine(angles, book, other), 9), other))


def moved(now: Angles, before: Angles, width: float) -> set[tuple[str, str]]:
    """The slow oracle: both intervals are of the same width, and every pair has both."""
    found = set()
    for one, other in combinations(sorted(now.keys() & before.keys()), 2):
        listed = any(other in ranked(a, one)[:LISTED] or one in ranked(a, other)[:LISTED] for a in (now, before))
        if listed and abs(cosine(now, one, other) - cosine(before, one, other)) > width:
            found.add((one, other))
    return found


def test_a_book_that_went_round_the_circle_moved_and_no_other(tmp_path: Path) -> None:
    now = {**EVEN, "b13": -20.0}
    found = changes(made(tmp_path, now), made(tmp_path, EVEN, id_="r1"))
    assert found.previous == "r1"
    assert not found.why_not
    largest = found.moves[0]
    assert (largest.row, largest.neighbour, largest.is_of_newer) == (12, 13, True)
    assert largest.before == pytest.approx(math.cos(math.radians(10)), abs=1e-6)
    assert largest.now == pytest.approx(math.cos(math.radians(140)), abs=1e-6)
    assert [largest.low, largest.high] == pytest.approx([largest.now - 0.05, largest.now + 0.05], abs=1e-6)
    expected = moved(now, EVEN, 0.05)
    assert found.n_moved == len(expected) == len(found.moves)
    assert all(other == "b13" for _, other in expected)
    assert found.n_nearer == sum(cosine(now, *pair) > cosine(EVEN, *pair) for pair in expected)


def test_the_first_book_loses_one_of_ten_to_the_newcomer(tmp_path: Path) -> None:
    now = {**EVEN, "b13": -20.0}
    found = changes(made(tmp_path, now), made(tmp_path, EVEN, id_="r1"))
    shares = {book: len({*ranked(now, book)[:10]} & {*ranked(EVEN, book)[:10]}) / 10 for book in now}
    assert shares["b00"] == 0.9
    assert found.overlap == pytest.approx(np.mean(list(shares.values())))
    assert found.p_same == pytest.approx(np.mean([share == 1 for share in shares.values()]))
    assert found.expected == pytest.approx(P_TOP)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 359), min_size=24, max_size=24), st.floats(0.01, 1.5))
def test_moves_are_those_of_the_oracle(degrees: list[int], width: float) -> None:
    names = [f"b{i:02d}" for i in range(12)]
    # apart by odd thousandths, so that no two cosines tie: float32 would break the tie otherwise
    now, before = (
        {name: a + 0.001 * i * i for i, (name, a) in enumerate(zip(names, part, strict=True))}
        for part in (degrees[:12], degrees[12:])
    )
    with TemporaryDirectory() as folder:
        found = changes(made(Path(folder), now, width=width), made(Path(folder), before, id_="r1", width=width))
    expected = moved(now, before, width)
    assert abs(found.n_moved - len(expected)) <= sum(
        abs(abs(cosine(now, *pair) - cosine(before, *pair)) - width) < 1e-5 for pair in combinations(names, 2)
    )
    assert len(found.moves) == min(found.n_moved, N_MOVES)


def test_nothing_moved_between_equal_releases_in_another_order(tmp_path: Path) -> None:
    turned = {book: EVEN[book] for book in sorted(EVEN, reverse=True)}
    found = changes(made(tmp_path, turned, width=0.01), made(tmp_path, EVEN, id_="r1", width=0.01))
    assert (found.overlap, found.p_same, found.n_moved, found.moves) == (1.0, 1.0, 0, [])
    assert (found.n_shared, found.n_came, found.n_gone) == (N, 0, 0)
    assert found.n_pairs > N * LISTED / 2


@pytest.mark.parametrize(("now", "before"), [(0.05, 2.0), (2.0, 0.05)])
def test_a_pair_has_moved_only_if_both_intervals_say_so(tmp_path: Path, now: float, before: float) -> None:
    angles = {**EVEN, "b13": -20.0}
    found = changes(made(tmp_path, angles, width=now), made(tmp_path, EVEN, id_="r1", width=before))
    assert found.n_moved == 0


def test_the_interval_of_one_release_is_enough(tmp_path: Path) -> None:
    angles = {**EVEN, "b13": -20.0}
    found = changes(made(tmp_path, angles, width=None), made(tmp_path, EVEN, id_="r1"))
    assert found.n_moved == len(moved(angles, EVEN, 0.05))
    assert not found.moves[0].is_of_newer
    assert found.expected is None


def test_without_any_interval_only_lists_are_compared(tmp_path: Path) -> None:
    found = changes(made(tmp_path, EVEN, width=None), made(tmp_path, EVEN, id_="r1", width=None))
    assert (found.overlap, found.n_pairs, found.moves) == (1.0, 0, [])


def test_books_that_came_are_named_by_readers_and_those_that_went_are_counted(tmp_path: Path) -> None:
    now = {"new1": 3.0, **{book: a for book, a in EVEN.items() if book not in ("b00", "b01", "b02")}, "new2": 7.0}
    found = changes(made(tmp_path, now, readers={"new2": 30}), made(tmp_path, EVEN, id_="r1"))
    assert (found.n_shared, found.n_came, found.n_gone) == (N - 3, 2, 3)
    assert list(found.came) == [len(now) - 1, 0]


def test_a_book_that_is_not_shared_is_in_no_move(tmp_path: Path) -> None:
    now = {**{book: a for book, a in EVEN.items() if book != "b13"}, "other": -20.0}
    assert changes(made(tmp_path, now), made(tmp_path, EVEN, id_="r1")).n_moved == 0


def test_two_kinds_of_space_are_not_compared_but_their_lists_are(tmp_path: Path) -> None:
    found = changes(made(tmp_path, {**EVEN, "b13": -20.0}), made(tmp_path, EVEN, id_="r1", kind="word2vec"))
    assert "another kind of space (word2vec; now spectral)" in found.why_not
    assert (found.n_pairs, found.moves) == (0, ())
    assert found.overlap is not None


def test_what_cannot_be_compared_is_said(tmp_path: Path) -> None:
    release = made(tmp_path, EVEN)
    assert "No earlier release" in changes(release, None).why_not
    strangers = made(tmp_path, {"x": 0.0, "y": 90.0}, id_="r1")
    found = changes(release, strangers)
    assert "shares no book" in found.why_not
    assert (found.n_came, found.n_gone, found.overlap) == (N, 2, None)
    (made(tmp_path, EVEN, id_="r0").folder / "neighbours.parquet").unlink()
    assert "cannot be read" in changes(release, Release.open(Store(tmp_path), "r0")).why_not


def test_a_move_names_the_more_read_book_first(tmp_path: Path) -> None:
    now = {**EVEN, "b13": -20.0}
    found = changes(made(tmp_path, now, readers={"b13": 99}), made(tmp_path, EVEN, id_="r1"))
    assert {move.row for move in found.moves} == {13}
    assert isinstance(found.moves[0], Move)


def test_previous_is_the_newest_older_one_that_served_and_knew_nobody_forgotten(tmp_path: Path) -> None:
    store, pair = Store(tmp_path), {"x": 0.0, "y": 90.0}
    ids = ["r1", "r2", "r3", "r4", "r5"]
    releases = {id_: made(tmp_path, pair, id_=id_) for id_ in ids}
    for id_ in ("r1", "r2", "r4", "r5"):  # r3 passed and was never switched to
        store.switch(id_, "published")
    previous = previous_release(store, releases["r5"])
    assert previous is not None
    assert previous.id == "r4"
    mark_outdated(store, ["r4"])
    previous = previous_release(store, releases["r5"])
    assert previous is not None
    assert previous.id == "r2"
    assert previous_release(store, releases["r1"]) is None
