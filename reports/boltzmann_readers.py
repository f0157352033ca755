"""Readers that a Boltzmann machine samples, and what its hidden units are about, as cards of books.

A sample is what the machine takes for a typical reader; no real one is among them, unless by the accident of a short
list. Books that too few have read are in no list.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from data.release import Books
from reports.document import decimal

N_LISTED = 12


@dataclass(frozen=True)
class Line:
    """A book of a card: title and authors, and what is said of it, empty if nothing is."""

    title: str
    authors: str
    said: str = ""


@dataclass(frozen=True)
class Sample:
    """A reader whom the machine sampled: the likeliest books, and how many it reads in all."""

    nth: int
    books: Sequence[Line]
    n_books: int

    @property
    def n_more(self) -> int:
        """Books that are not listed."""
        return self.n_books - len(self.books)


@dataclass(frozen=True)
class UnitCard:
    """A hidden unit: when it speaks for its books, of how many sampled readers, and by how much."""

    name: str
    speaks: str
    p_speaks: float
    books: Sequence[Line]


def samples_of(books: Books, typical: Sequence[Sequence[int]], min_readers: int) -> list[Sample]:
    """Return the sampled readers.

    Parameters
    ----------
    typical
        Rows of books of each, the likeliest first.
    min_readers
        Books of fewer readers are left out.
    """
    told = [_told(books, rows, min_readers) for rows in typical]
    return [Sample(i, [_line(books, row) for row in rows[:N_LISTED]], len(rows)) for i, rows in enumerate(told, 1)]


def units_of(books: Books, units: Sequence[Mapping[str, Any]], min_readers: int) -> list[UnitCard]:
    """Return the hidden units, layer by layer; books of fewer than `min_readers` are left out."""
    found = []
    for unit in units:
        told = set(_told(books, unit["books"], min_readers))
        lines = [
            _line(books, row, decimal(weight, 1, sign=True))
            for row, weight in zip(unit["books"], unit["weights"], strict=True)
            if row in told
        ]
        name, speaks = f"Layer {unit['layer']}, unit {unit['number']}", "on" if unit["speaks_on"] else "off"
        found.append(UnitCard(name, speaks, unit["p_speaks"], lines))
    return found


def samples_sentence(samples: Sequence[Sample]) -> str:
    """How many books sampled readers have read."""
    sizes = [sample.n_books for sample in samples]
    return (
        f"{len(sizes)} samples, each from a chain of its own, of {min(sizes)} to {max(sizes)} books (median "
        f"{decimal(float(np.median(sizes)), 0)}); the first are those that the sample’s hidden units make likeliest."
    )


def _told(books: Books, rows: Sequence[int], min_readers: int) -> list[int]:
    return [row for row in rows if books.n_readers[row] >= min_readers]


def _line(books: Books, row: int, said: str = "") -> Line:
    return Line(books.columns["title"][row], books.columns["authors"][row], said)
