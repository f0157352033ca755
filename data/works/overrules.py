"""``works.toml``: what a person says about works, above all rules.

::

    same = [["goodbooks10k:5", "bookcrossing:1094"]]   # editions of one work
    apart = [["goodbooks10k:5", "bookcrossing:77"]]    # editions of different works, pairwise
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from data.errors import BadConfig

SAME, APART = "same", "apart"
_EXAMPLE = '[["a:1", "b:2"], ...]'


@dataclass(frozen=True)
class Overrules:
    """Groups of book ids: editions of one work, and editions of which no two are one work."""

    same: tuple[tuple[str, ...], ...] = ()
    apart: tuple[tuple[str, ...], ...] = ()

    @property
    def books(self) -> set[str]:
        """Every id named."""
        return {book for group in (*self.same, *self.apart) for book in group}


def read_overrules(path: Path) -> Overrules:
    """Return what a ``works.toml`` says; nothing if there is no such file.

    Raises
    ------
    BadConfig
        If it is not as described above.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Overrules()
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise BadConfig(f"{path}: cannot be read as TOML: {error}") from error
    if unknown := sorted(set(table) - {SAME, APART}):
        raise BadConfig(f"{path}: unknown key {unknown[0]!r}; known are {SAME} and {APART}")
    return Overrules(*(_groups(path, name, table.get(name, [])) for name in (SAME, APART)))


def _groups(path: Path, name: str, groups: Any) -> tuple[tuple[str, ...], ...]:
    if not isinstance(groups, list):
        raise BadConfig(f"{path}: {name} = {groups!r}, expected lists of book ids: {name} = {_EXAMPLE}")
    for group in groups:
        is_list_of_ids = isinstance(group, list) and all(isinstance(book, str) for book in group)
        if not is_list_of_ids or len(set(group)) < 2:
            raise BadConfig(f"{path}: {name}: {group!r}, expected at least two book ids: {name} = {_EXAMPLE}")
    return tuple(tuple(dict.fromkeys(group)) for group in groups)


def refuse_unknown(path: Path, named: Collection[str], known: pl.Series) -> None:
    """Refuse ids that no book of the history has.

    Raises
    ------
    BadConfig
        Naming the first such id and the known one closest to it.
    """
    if not (unknown := sorted(set(named) - set(known.filter(known.is_in(list(named)))))):
        return
    from rapidfuzz import fuzz, process

    closest = process.extractOne(unknown[0], known.sort().to_list(), scorer=fuzz.ratio)
    hint = f"; the closest id is {closest[0]!r}" if closest else ""
    raise BadConfig(f"{path}: no book of the history has the id {unknown[0]!r}{hint}")
