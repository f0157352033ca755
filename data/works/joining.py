"""Editions joined into works, one piece of evidence after another; every join and every refusal is kept.

A union-find over rows of books (Tarjan 1975, paths halved). The root of a work is its first row, whatever the order of
joining, so that equal books make equal works.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

Traits = dict[str, frozenset[str]]  # what is known of a work (`language`, `volume`, a giver's work id) -> values

KEPT_APART = "kept apart by works.toml"


@dataclass(frozen=True)
class Evidence:
    """Why two editions may be one work: the rule, and the value they share under it."""

    rule: str
    value: str


@dataclass
class Joining:
    """The works so far.

    Attributes
    ----------
    links
        (row, row, evidence) of every join that made one work of two.
    refusals
        (row, row, evidence, why) of joins that were considered and refused.
    """

    n_books: int
    links: list[tuple[int, int, Evidence]] = field(default_factory=list)
    refusals: list[tuple[int, int, Evidence, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Begin with every book a work of its own."""
        self._parent = list(range(self.n_books))
        self._apart: dict[int, set[int]] = {}
        self._traits: dict[int, Traits] = {}

    def root(self, row: int) -> int:
        """Return the first row of the work that `row` is in."""
        parent = self._parent
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = parent[row]
        return row

    def roots(self) -> list[int]:
        """Return the root of every row."""
        return [self.root(row) for row in range(self.n_books)]

    def join(self, one: int, other: int, evidence: Evidence) -> bool:
        """Make one work of two; say whether they now are one. Works kept apart are not joined."""
        first, second = sorted((self.root(one), self.root(other)))
        if first == second:
            return True
        if self._apart and second in self._apart.get(first, ()):
            self.refuse(one, other, evidence, KEPT_APART)
            return False
        self._parent[second] = first
        for enemy in self._apart.pop(second, ()):
            self._apart[enemy].discard(second)
            self._apart[enemy].add(first)
            self._apart.setdefault(first, set()).add(enemy)
        if second in self._traits:
            mine, theirs = self._traits.get(first, {}), self._traits.pop(second)
            none: frozenset[str] = frozenset()
            self._traits[first] = {name: mine.get(name, none) | theirs.get(name, none) for name in {*mine, *theirs}}
        self.links.append((one, other, evidence))
        return True

    def refuse(self, one: int, other: int, evidence: Evidence, why: str) -> None:
        """Remember that a join was considered and refused."""
        self.refusals.append((one, other, evidence, why))

    def keep_apart(self, one: int, other: int) -> bool:
        """Keep the works of two books apart from now on; say whether they still were."""
        first, second = self.root(one), self.root(other)
        if first == second:
            return False
        self._apart.setdefault(first, set()).add(second)
        self._apart.setdefault(second, set()).add(first)
        return True

    def learn(self, facts: Iterable[tuple[int, str, str]]) -> None:
        """Take in what is known of works: (row, name of the trait, value)."""
        gathered: dict[int, dict[str, set[str]]] = {}
        for row, name, value in facts:
            gathered.setdefault(self.root(row), {}).setdefault(name, set()).add(value)
        self._traits = {
            root: {name: frozenset(values) for name, values in traits.items()} for root, traits in gathered.items()
        }

    def traits(self, row: int) -> Traits:
        """Return what is known of the work that `row` is in."""
        return self._traits.get(self.root(row), {})

    def conflict(self, one: int, other: int) -> str:
        """Say why the works of two books cannot be one; empty if they can. What is not known conflicts with nothing."""
        first, second = self.root(one), self.root(other)
        if second in self._apart.get(first, ()):
            return KEPT_APART
        mine, theirs = self._traits.get(first, {}), self._traits.get(second, {})
        for name in sorted(mine.keys() & theirs.keys()):
            if mine[name].isdisjoint(theirs[name]):
                return f"{name} differs: {_listed(mine[name])} and {_listed(theirs[name])}"
        return ""


def _listed(values: Iterable[str], most: int = 3) -> str:
    ordered = sorted(values)
    return "/".join(ordered[:most]) + ("/…" if len(ordered) > most else "")
