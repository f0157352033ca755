"""Rows as a file has them: strings, the line of each, and what could not be read at all."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from data.errors import BadFile
from data.progress import Progress
from data.sources.base import REJECT_COLUMNS
from data.sources.upload import SourceFile

JOINT = "; "  # between the items of a list in a cell, as in several authors


@dataclass(frozen=True)
class Rows:
    """The records of one file.

    Attributes
    ----------
    name
        File name, without its folder.
    cells
        One String column per column of the file; the empty cell is ``""``.
    lines
        Line of the file on which each record starts, the first being 1; Int64, as long as `cells`.
    rejects
        Records that could not be read (`REJECT_COLUMNS`).
    encoding
        Text encoding of the file, or its format if it is not text.
    """

    name: str
    cells: pl.DataFrame
    lines: pl.Series
    rejects: pl.DataFrame
    encoding: str

    @property
    def n_rows(self) -> int:
        """Records seen, readable or not."""
        return self.cells.height + self.rejects.height

    def pick(self, columns: Mapping[str, str]) -> pl.DataFrame:
        """Return columns under other names, with `file` and `line`.

        Parameters
        ----------
        columns
            New name -> column of the file; columns that the file has not are left out.
        """
        known = {ours: theirs for ours, theirs in columns.items() if theirs in self.cells.columns}
        picked = [self.cells[theirs].alias(ours) for ours, theirs in known.items()]
        file = pl.repeat(self.name, self.lines.len(), dtype=pl.String, eager=True).alias("file")
        return pl.DataFrame([*picked, file, self.lines.alias("line")])


@dataclass(frozen=True)
class Table:
    """An opened file of rows, of which only the header was read.

    Attributes
    ----------
    file
        The file.
    columns
        Names of its columns, outer blanks removed.
    encoding
        Text encoding of the file, or its format if it is not text.
    """

    file: SourceFile
    columns: tuple[str, ...]
    encoding: str
    _read: Callable[[Progress], Iterator[Rows]]

    def parts(self, progress: Progress) -> Iterator[Rows]:
        """Read the file part by part; every call starts anew. Parts have all the columns, in order."""
        yield from self._read(progress)

    def whole(self, progress: Progress) -> Rows:
        """Read all of it: for catalogues of books, and exports of one reader."""
        parts = list(self.parts(progress))
        if not parts:
            empty = pl.DataFrame(schema=dict.fromkeys(self.columns, pl.String))
            return Rows(self.file.name, empty, pl.Series("line", [], pl.Int64), reject_frame("", []), self.encoding)
        return Rows(
            parts[0].name,
            pl.concat([part.cells for part in parts]),
            pl.concat([part.lines for part in parts]),
            pl.concat([part.rejects for part in parts]),
            self.encoding,
        )


def reject_frame(file: str, broken: Iterable[tuple[int, str, str | None]]) -> pl.DataFrame:
    """Return rejects of a file from (line, reason, found), in line order, with no column at fault."""
    rows = [(file, line, reason, None, found) for line, reason, found in sorted(broken, key=lambda row: row[0])]
    return pl.DataFrame(rows, schema=REJECT_COLUMNS, orient="row")


def require_columns(path: object, found: Sequence[str], required: Sequence[str]) -> None:
    """Refuse a file that has not all required columns.

    Raises
    ------
    BadFile
        Naming the columns found, those expected, and for each missing one the closest found.
    """
    missing = [name for name in dict.fromkeys(required) if name not in found]
    if not missing:
        return
    hints = []
    for name in missing:
        close = difflib.get_close_matches(name, found, n=1)
        hints.append(f"{name} (is it {close[0]}?)" if close else name)
    raise BadFile(
        path,
        found=_shown(found, required),
        expected=f"columns {', '.join(dict.fromkeys(required))}",
        remedy=f"add or rename the missing columns: {', '.join(hints)}",
    )


def _shown(found: Sequence[str], required: Sequence[str]) -> str:
    """Name the columns found, if that is what they are: a file without a header starts with a reader."""
    if not set(found) & set(required):
        return f"a first line of {len(found)} cells, none of them a column that is needed"
    return f"columns {', '.join(found)}"


def joined_encodings(*files: Rows | Table) -> str:
    """Return the encodings of several files, each once, joined by commas."""
    return ", ".join(dict.fromkeys(file.encoding for file in files))
