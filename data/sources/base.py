"""What a source format is: files in, plain frames and rejects out.

A source knows one format and nothing else: not the history, not the pseudonyms, not the
release. `pipeline.ingest` does the rest, the same for every source.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import polars as pl

from data.errors import BadHistory
from data.progress import Progress

READING_COLUMNS: dict[str, pl.DataType] = {
    "reader": pl.String(),  # raw id, stripped; pseudonymised by the ingest, never stored
    "book": pl.String(),  # the source's own id, without namespace
    "read_on": pl.Date(),
    "read_on_precision": pl.String(),
    "rating": pl.Float32(),
    "status": pl.String(),
    "file": pl.String(),
    "line": pl.Int64(),  # 1-based line in `file`
}
BOOK_COLUMNS: dict[str, pl.DataType] = {
    "book": pl.String(),
    "title": pl.String(),  # as written, HTML entities resolved, outer blanks removed
    "authors": pl.String(),
    "publisher": pl.String(),
    "imprint": pl.String(),
    "format": pl.String(),
    "year": pl.Int32(),
    "language": pl.String(),
    "isbn13": pl.String(),
    "work": pl.String(),  # the source's own work id, or null
    "series": pl.String(),
    "volume": pl.Float32(),
}
REJECT_COLUMNS: dict[str, pl.DataType] = {
    "file": pl.String(),
    "line": pl.Int64(),
    "reason": pl.String(),
    "column": pl.String(),
    "found": pl.String(),  # never a reader id
}


@dataclass(frozen=True)
class Mapping:
    """Which columns of a generic file mean what (see `data.sources.events`).

    Attributes
    ----------
    readings, books
        Our column name -> the file's column name.
    books_file
        File with one row per book, relative to the readings file's folder; None if the readings file
        carries the book columns itself, or there are none.
    rating_scale
        Lowest and highest rating allowed.
    """

    readings: dict[str, str]
    books: dict[str, str]
    books_file: str | None = None
    rating_scale: tuple[float, float] | None = None


@dataclass(frozen=True)
class Parsed:
    """What a source found. Frames have exactly the columns above, in that order; checked when made.

    Attributes
    ----------
    readings
        Every usable row, repeats included, in file order.
    books
        One row per book that the source describes. Books read but not described may be missing.
    rejects
        One row per row that cannot be used.
    n_rows
        Rows of readings seen, usable or not (headers and blank lines not counted).
    encoding
        Text encoding of the files.
    rating_scale
        Lowest and highest rating of the source, or None if it has no ratings.
    """

    readings: pl.DataFrame
    books: pl.DataFrame
    rejects: pl.DataFrame
    n_rows: int
    encoding: str
    rating_scale: tuple[float, float] | None

    def __post_init__(self) -> None:
        """Refuse frames of other columns."""
        for name, frame, expected in (
            ("readings", self.readings, READING_COLUMNS),
            ("books", self.books, BOOK_COLUMNS),
            ("rejects", self.rejects, REJECT_COLUMNS),
        ):
            if dict(frame.schema) != expected:
                raise BadHistory(f"parsed {name}: {dict(frame.schema)}, expected {expected}")


class Source(ABC):
    """One source format.

    Attributes
    ----------
    name, describes
        What it is called, and one line for a person.
    version
        Raise it when the same file would be read differently: it is then ingested anew.
    """

    name: ClassVar[str]
    describes: ClassVar[str]
    version: ClassVar[int] = 1

    @abstractmethod
    def recognises(self, path: Path) -> bool:
        """Say whether the file or folder looks like this format, from its content; never raises."""

    def mapping_for(self, path: Path, mapping: Mapping | None) -> Mapping | None:
        """Return the mapping that `path` is read by: the one given, unless the format looks for one of its own."""
        return mapping

    @abstractmethod
    def files(self, path: Path, mapping: Mapping | None) -> list[Path]:
        """Return the files that make up the source, in a fixed order.

        Raises
        ------
        BadFile
            If something is missing or is not a regular file.
        """

    @abstractmethod
    def parse(self, path: Path, mapping: Mapping | None, progress: Progress) -> Parsed:
        """Read the whole source.

        Raises
        ------
        BadFile
            If a file as a whole cannot be what it should be (wrong header, binary, empty).
        """
