"""Where a reader still is, in any file under a folder: opened and looked at, not concluded.

A pseudonym is 32 hex digits and is looked for everywhere. A raw id may be ``7`` or ``may``, which any book has in it:
it is looked for where a reader or a file is named, and in every text only if it is too odd to be there by chance.
"""

from __future__ import annotations

import json
import mmap
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import polars as pl

HIDDEN = "…"
_NAMES = ("file", "files")  # columns that hold names of files
_FILES_KEY = rb'\\*"files?\\*"\s*:\s*\\*"[^"\n]*'  # of JSON, or of JSON within JSON
_EXAMPLES_KEY = rb'\\*"examples\\*"\s*:\s*\[[^\]]*'  # "title_7.txt:12 0": a file, a line, what was found
_ODD = re.compile(r"(?=.*[^\W\d_])(?=.*[\d@._-]).{8,}|.{16,}")


@dataclass(frozen=True)
class Sought:
    """A reader to look for.

    Attributes
    ----------
    raw
        The id as the source wrote it, outer blanks removed. Never shown.
    pseudonyms
        What the id became, one per namespace.
    """

    raw: str = field(repr=False)
    pseudonyms: tuple[str, ...] = field(repr=False)

    @property
    def is_odd(self) -> bool:
        """Whether the raw id stands in no text by chance, so that every text is searched for it."""
        return bool(_ODD.fullmatch(self.raw))

    def hide(self, name: str) -> str:
        """Return the name of a file without the raw id; ``title_7.txt`` of reader 7 becomes ``title_….txt``."""
        return self._word.sub(HIDDEN, name)

    @cached_property
    def _word(self) -> re.Pattern[str]:
        return re.compile(rf"(?<![^\W_]){re.escape(self.raw)}(?![^\W_])")

    @property
    def in_name(self) -> str:
        """What to look for in the name of a file; a regular expression for polars."""
        return rf"(?:^|[^\pL\pN]){re.escape(self.raw)}(?:$|[^\pL\pN])"

    @cached_property
    def in_text(self) -> re.Pattern[bytes]:
        """What to look for in the bytes of a text."""
        word = rb"(?<![0-9A-Za-z])" + re.escape(self.raw.encode()) + rb"(?![0-9A-Za-z])"
        found = [one.encode() for one in self.pseudonyms]
        found += [_FILES_KEY + word, _EXAMPLES_KEY + word + rb'(?=[^":]*:)'] + ([word] if self.is_odd else [])
        return re.compile(b"|".join(found))


@dataclass(frozen=True)
class Trace:
    """A file that holds the reader, and where in it; `path` does not show the raw id."""

    path: str
    where: str


def search(files: list[Path], root: Path, sought: Sought, advance: Callable[[], None]) -> Iterator[Trace]:
    """Open every file and yield those that hold the reader, or cannot be read; calls `advance` after each."""
    for path in files:
        name = str(path.relative_to(root))
        hidden = sought.hide(name)
        if hidden != name:
            yield Trace(hidden, "its name")
        try:
            if where := _look(path, sought):
                yield Trace(hidden, where)
        except FileNotFoundError:  # a lock of another process, say: gone is gone
            pass
        except (OSError, ValueError, BadZipFile, pl.exceptions.PolarsError):
            yield Trace(hidden, "cannot be read")
        advance()


def files_under(place: Path) -> list[Path]:
    """Return every regular file under a folder, hidden and half-made ones too; a file is itself."""
    return [place] if place.is_file() else sorted(path for path in place.rglob("*") if path.is_file())


def _look(path: Path, sought: Sought) -> str:
    """Say where in a file the reader is; nothing if nowhere."""
    if path.suffix == ".parquet":
        return _in_bytes(path, sought, packed=True) or _in_table(path, sought)
    if path.suffix == ".npz":
        return _in_arrays(path, sought)
    return _in_bytes(path, sought)


def _in_bytes(path: Path, sought: Sought, *, packed: bool = False) -> str:
    if path.stat().st_size == 0:
        return ""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        if packed:  # statistics, and pages that were not worth packing
            return "its bytes" if any(content.find(one.encode()) >= 0 for one in sought.pseudonyms) else ""
        return "its text" if sought.in_text.search(content) else ""


def _in_table(path: Path, sought: Sought) -> str:
    """Look into the columns of texts; statistics are not trusted to skip any."""
    scan = pl.scan_parquet(path, glob=False, use_statistics=False)
    for name, dtype in scan.collect_schema().items():
        if dtype == pl.String:
            found = scan.filter(_holds(name, sought)).select(pl.len()).collect(engine="streaming").item()
        elif dtype.is_nested():  # a checkpoint of Delta's
            values = scan.select(name).collect().to_dict(as_series=False)
            found = sought.in_text.search(json.dumps(values, default=str, ensure_ascii=False).encode())
        else:
            continue
        if found:
            return f"column {name}"
    return ""


def _holds(name: str, sought: Sought) -> pl.Expr:
    column = pl.col(name)
    if name == "reader":
        return column.is_in([*sought.pseudonyms, sought.raw])
    if name == "reasons":  # JSON
        return column.map_elements(lambda text: bool(sought.in_text.search(text.encode())), return_dtype=pl.Boolean)
    pseudonyms = column.str.contains_any(list(sought.pseudonyms))
    if name in _NAMES:
        return pseudonyms | column.str.contains(sought.in_name)
    return pseudonyms | column.str.contains(sought.raw, literal=True) if sought.is_odd else pseudonyms


def _in_arrays(path: Path, sought: Sought) -> str:
    with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        for name in arrays.files:
            array: np.ndarray[Any, Any] = arrays[name]
            if array.dtype.kind == "U" and np.isin(array, [*sought.pseudonyms, sought.raw]).any():
                return f"array {name}"
    return ""
