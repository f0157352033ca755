"""What changed since the last release, as a reader of a report sees it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from data.release import Release
from pipeline.changes import LISTED, Changes, Move
from reports.document import Table, count, decimal, percent
from reports.watch import details


@dataclass(frozen=True)
class Changed:
    """Sentences, the largest moves, and the books that came (title and details).

    Attributes
    ----------
    moves
        None if there are none to show.
    """

    sentences: Sequence[str]
    moves: Table | None
    came: Sequence[tuple[str, str]]


def changed_in_words(release: Release, changes: Changes) -> Changed:
    """Return what is to be said of the changes of a release."""
    said = [changes.why_not, *_books(changes), *_lists(changes), *_pairs(release, changes)]
    came = [(release.books.columns["title"][row], details(release.books, row)) for row in changes.came]
    return Changed([sentence for sentence in said if sentence], _moves(release, changes.moves), came)


def _books(changes: Changes) -> list[str]:
    if changes.previous is None:
        return []
    told = f"{changes.n_came:,} books came and {changes.n_gone:,} went; {changes.n_shared:,} are in both."
    return [told if changes.why_not else f"Compared with the release before, {changes.previous}: {told}"]


def _lists(changes: Changes) -> list[str]:
    if changes.overlap is None or changes.p_same is None:
        return []
    said = (
        f"Of the {LISTED} nearest of a book, {percent(changes.overlap)} were among its {LISTED} nearest before; "
        f"{percent(changes.p_same)} of the lists hold the same books."
    )
    if changes.expected is None:
        return [said]
    return [f"{said} Learned from wholly other readers, the release expects {percent(changes.expected)} to stay."]


def _pairs(release: Release, changes: Changes) -> list[str]:
    if not changes.n_pairs:
        return []
    n_moved, n_nearer = changes.n_moved, changes.n_nearer
    told = f"{n_moved:,} of {changes.n_pairs:,} neighbouring pairs ({percent(n_moved / changes.n_pairs)})"
    level = "" if release.ensemble is None else f" {percent(release.ensemble.calibration.level)}"
    said = (
        f"{told} moved by more than their uncertainty: what the other release says lies outside their{level} interval"
    )
    return [f"{said}. {n_nearer:,} came nearer and {n_moved - n_nearer:,} went apart." if n_moved else f"{said}."]


def _moves(release: Release, moves: Sequence[Move]) -> Table | None:
    title = release.books.columns["title"]
    rows = [
        (
            title[move.row],
            title[move.neighbour],
            count(int(release.books.n_readers[move.neighbour])),
            decimal(move.before),
            decimal(move.now),
            f"{decimal(move.low)} to {decimal(move.high)} ({'now' if move.is_of_newer else 'before'})",
        )
        for move in moves
    ]
    columns = ("book", "beside", "its readers", "similarity before", "now", "interval")
    return Table(columns, rows) if rows else None
