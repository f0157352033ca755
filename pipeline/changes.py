"""What changed since the release that served before: which neighbours moved more than their uncertainty.

A release says of each of its neighbours in which interval the similarity would lie, had the same model learned
from another sample of readers. A pair of books has moved if what the other release says lies outside: outside the
interval of either, where both have one. That is stricter than chance alone asks, because two releases share most of
their readers; the share of the pairs that did move stands beside it.

Books are matched by id. Of books that went only the number is told: a book may have gone because too few read it now.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from data.errors import BadArtifact
from data.outdated import outdated
from data.release import Release, kept_releases
from data.store import Store

LISTED = 10  # length of the lists that are compared
N_MOVES = 20
N_CAME = 10
_PAIR, _INTERVAL, _CERTAINTY = ["book", "neighbour"], ["low", "high"], "p_top10"
_BLOCK = 65_536  # pairs whose vectors are gathered at a time


@dataclass(frozen=True)
class Move:
    """Two books whose similarity is another than before, by more than its uncertainty.

    Attributes
    ----------
    row, neighbour
        Rows of the two books in the newer release.
    before, now
        Their similarity in the older and the newer release.
    low, high
        The interval `before` or `now` fell out of: of the newer release if it has one for the pair, else of the older.
    is_of_newer
        Whose interval that is.
    """

    row: int
    neighbour: int
    before: float
    now: float
    low: float
    high: float
    is_of_newer: bool


@dataclass(frozen=True)
class Changes:
    """How two releases differ.

    Attributes
    ----------
    previous
        Id of the older release; None if there is none to compare with.
    why_not
        Why similarities were not compared, as a sentence; empty if they were.
    n_shared, n_came, n_gone
        Books of both releases, of the newer only, of the older only.
    came
        Rows of the most read books that came.
    overlap
        Mean share of a shared book's list that stood in its list before; None if no book is shared.
    expected
        What the newer release itself expects of `overlap` if only the sample of readers had changed: its mean
        probability of belonging to the list. None without an ensemble.
    p_same
        Share of the shared books whose lists hold the same books.
    n_pairs, n_moved, n_nearer
        Pairs of books in either release's lists with an interval; those that moved; those of them that came nearer.
    moves
        The largest moves, largest first.
    """

    previous: str | None
    why_not: str
    n_shared: int = 0
    n_came: int = 0
    n_gone: int = 0
    came: Sequence[int] = ()
    overlap: float | None = None
    expected: float | None = None
    p_same: float | None = None
    n_pairs: int = 0
    n_moved: int = 0
    n_nearer: int = 0
    moves: Sequence[Move] = ()


def previous_release(store: Store, release: Release) -> Release | None:
    """Return the newest older release that has served, is kept, and knew no reader who was forgotten since.

    One that knew a forgotten reader is about to be deleted, and what set it off from the next is that reader.
    """
    forgotten = outdated(store)
    kept = [one for one in kept_releases(store) if one.id < release.id and one.id not in forgotten]
    served = [one for one in kept if one.manifest["passed"] and store.has_served(one.id)]
    return served[-1] if served else None


def changes(release: Release, previous: Release | None) -> Changes:
    """Return what changed from `previous` to `release`.

    Similarities in two kinds of space are not compared; their lists are. A release that cannot be read (it may be
    deleted meanwhile) counts as none.
    """
    if previous is None:
        return Changes(None, "No earlier release that served is kept: there is nothing to compare with.")
    try:
        return _compared(release, previous)
    except (BadArtifact, OSError, pl.exceptions.PolarsError):
        return Changes(None, f"The release before ({previous.id}) cannot be read: there is nothing to compare with.")


def _compared(release: Release, previous: Release) -> Changes:
    ids, ids_before = release.books.columns["book"], set(previous.books.columns["book"])
    came = [row for row, book in enumerate(ids) if book not in ids_before]
    came.sort(key=lambda row: (-int(release.books.n_readers[row]), row))
    shared = pl.Series("book", [book for book in ids if book in ids_before], dtype=pl.String)
    found = Changes(
        previous.id,
        _unlike(release, previous, len(shared)),
        n_shared=len(shared),
        n_came=len(came),
        n_gone=len(ids_before) - len(shared),
        came=came[:N_CAME],
    )
    if not len(shared):
        return found
    lists, before = (_lists(one, shared) for one in (release, previous))
    found = _with_overlap(found, lists, before)
    return found if found.why_not else _with_moves(found, release, previous, _pairs(lists, before, shared))


def _unlike(release: Release, previous: Release, n_shared: int) -> str:
    """Why similarities of the two cannot be compared; empty if they can."""
    if not n_shared:
        return f"The release before ({previous.id}) shares no book with this one."
    kind, before = release.spaces[0], previous.spaces[0]
    if kind == before:
        return ""
    return (
        f"The release before ({previous.id}) compared books in another kind of space ({before}; now {kind}): "
        "similarities of the two mean different things and are not compared."
    )


def _lists(release: Release, shared: pl.Series) -> pl.DataFrame:
    """The lists of the shared books; interval and certainty are null where the release knows none."""
    table = pl.scan_parquet(release.folder / "neighbours.parquet").select(*_PAIR, "rank", *_INTERVAL, _CERTAINTY)
    known = table.filter(pl.col("book").is_in(shared.implode())).collect()
    return known.with_columns(pl.col(*_INTERVAL, _CERTAINTY).cast(pl.Float64).fill_nan(None))


def _with_overlap(found: Changes, lists: pl.DataFrame, before: pl.DataFrame) -> Changes:
    listed = lists.filter(pl.col("rank") <= LISTED)
    stood = before.filter(pl.col("rank") <= LISTED).select(*_PAIR, stays=pl.lit(value=True))
    kept = listed.join(stood, on=_PAIR, how="left").group_by("book").agg(pl.col("stays").is_not_null().mean())["stays"]
    expected = listed[_CERTAINTY].mean()
    return replace(
        found,
        overlap=float(kept.to_numpy().mean()),
        p_same=float((kept == 1).to_numpy().mean()),
        expected=expected if isinstance(expected, float) else None,
    )


def _pairs(lists: pl.DataFrame, before: pl.DataFrame, shared: pl.Series) -> pl.DataFrame:
    """Pairs of shared books that stand in a list of either release and of which either has an interval, each once."""
    one, other = (_once(table.filter(pl.col("neighbour").is_in(shared.implode()))) for table in (lists, before))
    both = one.join(other, on=_PAIR, how="full", coalesce=True, suffix="_before", maintain_order="left_right")
    is_listed = (pl.col("rank") <= LISTED).fill_null(value=False) | (pl.col("rank_before") <= LISTED).fill_null(
        value=False
    )
    return both.filter(is_listed & (pl.col("low").is_not_null() | pl.col("low_before").is_not_null()))


def _once(table: pl.DataFrame) -> pl.DataFrame:
    """Each pair once, whichever of the two lists it: the place in the list is the better of the two."""
    one, other = pl.min_horizontal(_PAIR), pl.max_horizontal(_PAIR)
    pairs = table.with_columns(one.alias("book"), other.alias("neighbour"))
    return pairs.group_by(_PAIR, maintain_order=True).agg(pl.col("rank").min(), pl.col(*_INTERVAL).first())


def _with_moves(found: Changes, release: Release, previous: Release, pairs: pl.DataFrame) -> Changes:
    measured = pairs.with_columns(
        now=pl.Series(_similarities(release, pairs), dtype=pl.Float64),
        before=pl.Series(_similarities(previous, pairs), dtype=pl.Float64),
    )
    # unknown intervals say nothing against a move; `_pairs` made sure that there is one
    out_of_newer = (~pl.col("before").is_between("low", "high")).fill_null(value=True)
    out_of_older = (~pl.col("now").is_between("low_before", "high_before")).fill_null(value=True)
    moved = measured.filter(out_of_newer & out_of_older)
    largest = moved.sort((pl.col("now") - pl.col("before")).abs(), *_PAIR, descending=[True, False, False])
    return replace(
        found,
        n_pairs=len(pairs),
        n_moved=len(moved),
        n_nearer=int((moved["now"] > moved["before"]).sum()),
        moves=[_move(release, record) for record in largest.head(N_MOVES).to_dicts()],
    )


def _move(release: Release, record: dict[str, Any]) -> Move:
    rows = (release.books.row(record["book"]), release.books.row(record["neighbour"]))
    more, less = sorted((row for row in rows if row is not None), key=lambda row: -int(release.books.n_readers[row]))
    is_of_newer = record["low"] is not None
    low, high = (record[name if is_of_newer else f"{name}_before"] for name in _INTERVAL)
    return Move(more, less, record["before"], record["now"], low, high, is_of_newer)


def _similarities(release: Release, pairs: pl.DataFrame) -> np.ndarray:
    """Cosine of each pair in the release's default space, float32 (n_pairs,)."""
    row_of = {book: row for row, book in enumerate(release.books.columns["book"])}
    one, other = (np.array([row_of[book] for book in pairs[name]], np.int64) for name in _PAIR)
    similarity = np.empty(len(pairs), np.float32)
    for start in range(0, len(pairs), _BLOCK):
        block = slice(start, start + _BLOCK)
        np.einsum("pd,pd->p", release.vectors[one[block]], release.vectors[other[block]], out=similarity[block])
    return similarity
