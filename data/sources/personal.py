"""What exports of one reader have in common: they do not say whose they are, and several are several readers."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import ClassVar

import polars as pl

from data.errors import BadConfig, BadFile
from data.progress import Progress
from data.sources.base import Options, Parsed, Source
from data.sources.rows import Rows, Table
from data.sources.titled import BooksWithin, identify
from data.sources.upload import SourceFile, Upload
from data.sources.values import gather_rejects, parse_readings


class PersonalExport(Source):
    """A format of one file per reader, the name of which stands for the reader unless the options say who it is.

    Attributes
    ----------
    suffixes
        Of the files that are looked at, in lower case.
    rating_scale
        Lowest and highest rating; None if there are none.
    """

    names_readers: ClassVar[bool] = True
    suffixes: ClassVar[tuple[str, ...]]
    rating_scale: ClassVar[tuple[float, float] | None]

    @abstractmethod
    def is_export(self, file: SourceFile) -> bool:
        """Say whether a file is one, from its first bytes; never raises."""

    @abstractmethod
    def open(self, file: SourceFile) -> Table:
        """Open an export; BadFile if it cannot be one."""

    @abstractmethod
    def describe(self, rows: Rows) -> pl.DataFrame:
        """Return columns of readings and of books, as text, with `file` and `line`, but for `reader`.

        A `book` is an id of the source's own, if there is one (see `data.sources.titled`).
        """

    def recognises(self, upload: Upload) -> bool:
        """Say whether one of the files is such an export."""
        return any(file.suffix in self.suffixes and self.is_export(file) for file in upload.files)

    def files(self, upload: Upload, options: Options) -> list[SourceFile]:
        """Return the exports; a file by itself is one, whatever it looks like."""
        if upload.single is not None:
            return [upload.single]
        found = [file for file in upload.files if file.suffix in self.suffixes and self.is_export(file)]
        if not found:
            raise BadFile(upload.path, found="no such file", expected=self.describes, remedy="name the exported file")
        return found

    def parse(self, upload: Upload, options: Options, progress: Progress) -> Iterator[Parsed]:
        """Read the exports, each whole: it is of one reader.

        Raises
        ------
        BadFile
            See `Source.parse`.
        BadConfig
            If the options name one reader, and there are several.
        """
        files = self.files(upload, options)
        require_one_reader(upload, {file.name for file in files}, options)
        within = BooksWithin()
        for file in files:
            rows = self.open(file).whole(progress)
            yield parse_export(rows, self.describe(rows), options.reader_of(file), self.rating_scale, within)


def parse_export(
    rows: Rows, described: pl.DataFrame, reader: str, scale: tuple[float, float] | None, within: BooksWithin
) -> Parsed:
    """Parse the export of one reader from what its columns mean (see `PersonalExport.describe`).

    Books that `within` has met are not described again.
    """
    described = identify(described.with_columns(reader=pl.lit(reader)))
    readings, rejects = parse_readings(described, scale)
    books, others = within.parse(described)
    return Parsed(readings, books, gather_rejects([rows.rejects, rejects, others]), rows.n_rows, rows.encoding, scale)


def require_one_reader(upload: Upload, readers: set[str], options: Options) -> None:
    """Refuse to give the books of several readers to one.

    Raises
    ------
    BadConfig
        If the options name the reader, and the upload has several.
    """
    if options.reader is not None and len(readers) > 1:
        raise BadConfig(
            f"{upload.path}: the reader is given, but here are exports of {len(readers)} readers; "
            "ingest them one by one, or leave the reader out: the names of the files tell them apart"
        )
