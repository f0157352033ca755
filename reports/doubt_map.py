"""What a release is unsure about: groups of readers by groups of books, and what the doubt of each is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.judge_will_read import N_READERS_EDGES, N_SHOWN_EDGES
from pipeline.rating_doubt import Cell, Foreign, Parts
from pipeline.rating_metrics import BOOK_EDGES, KNOWN, READER_EDGES, Figure
from reports.document import Table, count, decimal, percent
from reports.doubt_words import share_ends

KINDS = {
    "model": ("more readers to learn from", "of_model"),
    "book": ("more ratings of the book", "of_book"),
    "reader": ("more ratings by the reader", "of_reader"),
    "stays": ("nothing: it stays", "stays"),
}


@dataclass(frozen=True)
class Square:
    """One group of readers with one group of books: what is told of it, and the parts of its bar.

    Attributes
    ----------
    main
        The figure that matters, in words; empty where nothing is told, and `lines` say why.
    lines
        What stands below it.
    bar
        (kind of `KINDS`, width in per cent) of each part; the widest bar of the map is full.
    """

    main: str
    lines: Sequence[str]
    bar: Sequence[tuple[str, float]]


@dataclass(frozen=True)
class DoubtMap:
    """Groups of readers (rows) by groups of books (columns); None where there is no pair."""

    columns: Sequence[str]
    rows: Sequence[tuple[str, Sequence[Square | None]]]


def rating_map(cells: Sequence[Cell], min_readers: int) -> DoubtMap:
    """Return the map of the doubt about ratings."""
    widest = max((cell.sd**2 for cell in cells if cell.is_told), default=1.0)
    squares = {(cell.readers, cell.books): _square(cell, widest, min_readers) for cell in cells}
    return _map(squares, READER_EDGES, BOOK_EDGES, ("ratings", "ratings"))


def _square(cell: Cell, widest: float, min_readers: int) -> Square:
    if not cell.is_told:
        return _withheld(min_readers)
    lines = [
        f"{percent(cell.parts.helped)} would go with more data",
        f"errors {decimal(cell.rmse.value, 2)}; 90 % sets hold {percent(cell.cover90.value)}",
        f"{count(cell.n)} ratings, {count(cell.n_readers)} readers",
    ]
    width = 100 * cell.sd**2 / widest
    return Square(f"± {decimal(cell.sd, 2)}", lines, _bar(cell.parts, width))


def _bar(parts: Parts, width: float) -> list[tuple[str, float]]:
    return [(kind, round(width * getattr(parts, name), 1)) for kind, (_, name) in KINDS.items()]


def reading_map(groups: Sequence[Mapping[str, Any]], min_readers: int) -> DoubtMap:
    """Return the map of the doubt about what is read: how many books were expected and read, and the epistemic part.

    Parameters
    ----------
    groups
        As `pipeline.trust_predictors.will_read_record` has them.
    """
    squares = {
        (tuple(one["readers"]), one["books"]): _read_square(one) if one["is_told"] else _withheld(min_readers)
        for one in groups
    }
    return _map(squares, N_SHOWN_EDGES, N_READERS_EDGES, ("books shown", "readers"))


def _read_square(group: Mapping[str, Any]) -> Square:
    expected, read = group["n"] * group["p"], group["n"] * group["read"]
    epistemic = float(group["epistemic"])
    lines = [
        f"said {expected:,.0f}, read {read:,.0f}",
        f"{percent(epistemic)} of the doubt would go with more data",
        f"{count(group['n'])} pairs",
    ]
    bar = [("model", round(100 * epistemic, 1)), ("stays", round(100 * (1 - epistemic), 1))]
    return Square(f"× {decimal(expected / read, 2)}" if round(read) else "none read", lines, bar)


def _withheld(min_readers: int) -> Square:
    return Square("", [f"not told: fewer than {min_readers} readers, or what others leave"], ())


def _map(
    squares: Mapping[tuple[tuple[str, ...], str], Square],
    reader_edges: Sequence[int],
    book_edges: Sequence[int],
    counted: tuple[str, str],
) -> DoubtMap:
    """Return the map of squares by groups of readers and books, of which so many of `counted` are known."""
    columns = [f"{name} books ({_range([i], book_edges, counted[1])})" for i, name in enumerate(KNOWN)]
    rows = []
    for run in dict.fromkeys(readers for readers, _ in squares):
        said = _range([KNOWN.index(name) for name in run], reader_edges, counted[0])
        name = f"{' and '.join(run)} readers ({said})" if len(run) < len(KNOWN) else "all readers"
        rows.append((name, [squares.get((run, book)) for book in KNOWN]))
    return DoubtMap(columns, rows)


def _range(run: Sequence[int], edges: Sequence[int], what: str) -> str:
    ends = (None, *edges, None)
    low, high = ends[run[0]], ends[run[-1] + 1]
    if high is None:
        return f"{low} or more {what}" if low else "all"
    return f"{low} to {high - 1}" if low else f"under {high} {what}"


def foreign_table(found: Sequence[Foreign], level: float) -> Table | None:
    """Return how well doubt tells what is foreign from what is familiar; None where that was not measured."""
    if not found:
        return None
    kinds = list(found[0].auroc)
    rows = [
        (
            f"{one.foreign} ({count(one.n_foreign)}) from {one.familiar} ({count(one.n_familiar)})",
            *(_auroc(one.auroc[kind], level) for kind in kinds),
        )
        for one in found
    ]
    return Table(("tells", *(f"by {kind} doubt" for kind in kinds)), rows)


def _auroc(figure: Figure, level: float) -> str:
    interval = share_ends(figure, level)
    told = decimal(figure.value, 2)
    return f"{told} ({decimal(interval[0], 2)} to {decimal(interval[1], 2)})" if interval else told
