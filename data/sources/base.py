"""What a source format is: files in, plain frames and rejects out.

A source knows one format and nothing else: not the history, not the pseudonyms, not the
release. `pipeline.ingest` does the rest, the same for every source.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import polars as pl

from data.errors import BadHistory
from data.progress import Progress
from data.sources.upload import SourceFile, Upload

READING_COLUMNS: dict[str, pl.DataType] = {
    "reader": pl.String(),  # raw id, stripped; pseudonymised by the ingest, never stored
    "book": pl.String(),  # the source's own id, without namespace
    "read_on": pl.Date(),
    "read_on_precision": pl.String(),
    "rating": pl.Float32(),
    "status": pl.String(),
    "n_times": pl.Int32(),  # times read, as far as this row says; 1 as a rule
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
    "work": pl.String(),  # the source's own work id with the name of who gave it (`goodreads:3275794`), or null
    "edition": pl.String(),  # the same for the edition, where several sources use the id (`goodreads:5907`), or null
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

NO_READINGS = pl.DataFrame(schema=READING_COLUMNS)
NO_BOOKS = pl.DataFrame(schema=BOOK_COLUMNS)


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
    readings_files
        Files of readings, all with the same columns; none: the only table there is.
    no_rating
        Number or word that stands for no rating.
    date_order
        How dates are written: one of `data.sources.dates.DATE_ORDERS`.
    """

    readings: dict[str, str]
    books: dict[str, str]
    books_file: str | None = None
    rating_scale: tuple[float, float] | None = None
    readings_files: tuple[str, ...] = ()
    no_rating: str | None = None
    date_order: str = "ymd"


@dataclass(frozen=True)
class Options:
    """What the user says about an upload.

    Attributes
    ----------
    mapping
        Which column means what; None: find out.
    reader
        Raw id of the reader of a personal export, which does not say whose it is; None: the file's name.
    """

    mapping: Mapping | None = None
    reader: str | None = None

    def reader_of(self, file: SourceFile) -> str:
        """Return the raw id of the reader whose personal export a file is.

        Unless the user names the reader, it is the file's name within the upload, without the suffix (``Carol`` of
        ``Carol.CSV``). Folders are part of it: exports of one name in two folders are of two readers.
        """
        return self.reader or file.name_without_suffix


@dataclass(frozen=True)
class Parsed:
    """A part of what a source found. Frames have exactly the columns above, in that order; checked when made.

    Attributes
    ----------
    readings
        Every usable row, repeats included, in file order.
    books
        One row per book that the source describes; a book described in two parts has the first description.
        Books read but not described may be missing.
    rejects
        One row per row that cannot be used.
    n_rows
        Rows of readings seen, usable or not (headers and blank lines not counted).
    n_skipped
        Rows that are sound and no readings, as the returns in a log of loans; not among `n_rows`.
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
    rating_scale: tuple[float, float] | None = None
    n_skipped: int = 0

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
    names_readers
        Whether file names are ids of readers, which must not be stored.
    """

    name: ClassVar[str]
    describes: ClassVar[str]
    version: ClassVar[int] = 1
    names_readers: ClassVar[bool] = False

    @abstractmethod
    def recognises(self, upload: Upload) -> bool:
        """Say whether the upload looks like this format, from its content; never raises."""

    def options_for(self, upload: Upload, options: Options) -> Options:
        """Return the options that `upload` is read by: those given, unless the format finds some out itself."""
        return options

    def explains(self, upload: Upload, options: Options) -> str:
        """Return in one line how a file is understood, given what `options_for` returned; empty if nothing is open."""
        return ""

    @abstractmethod
    def files(self, upload: Upload, options: Options) -> list[SourceFile]:
        """Return the files that make up the source, in a fixed order.

        Raises
        ------
        BadFile
            If something is missing.
        """

    @abstractmethod
    def parse(self, upload: Upload, options: Options, progress: Progress) -> Iterator[Parsed]:
        """Read the source part by part, so that no file has to fit into memory.

        A catalogue of books may be held whole; readings come in the parts that `Table.parts` gives.

        Raises
        ------
        BadFile
            If a file as a whole cannot be what it should be (wrong header, binary, empty).
        """
