"""Any table of readings or loans, and a table of its books; which column means what is told, or found out.

It is told by a TOML file (`read_mapping`), given by hand or lying beside the readings as ``<file>.toml`` or
``mapping.toml``::

    [readings]
    file = "loans.csv"         # or several, with the same columns; without it, the only table there is
    reader = "user"            # required, unless the user names the reader of all rows
    book = "book"              # required, unless there is a title
    read_on = "finished"       # of a loan, the day it began
    ended_on = "returned"
    date_order = "dmy"         # or mdy, or excel (days that a spreadsheet counts); without it, ymd
    rating = "stars"
    rating_scale = [1, 5]      # required with a rating
    no_rating = 0              # what stands for no rating, besides nothing
    status = "shelf"           # what the reader did, or how the loan stands
    event = "type"             # kind of transaction, of a log of check-outs, renewals, holds, ...
    n_times = "read count"

    [books]
    file = "books.csv"         # beside the readings; without it, the columns are in the readings themselves
    book = "book"
    title = "title"            # ... and any other column of a book

Where nothing tells it, headers and first rows do (`data.sources.sniff`). What is special about loans is in
`data.sources.loans`. A table without ids of books gets them from title and first author (`data.sources.titled`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePosixPath

import polars as pl

from data.errors import BadConfig, BadFile
from data.progress import Progress
from data.sources.base import NO_BOOKS, NO_READINGS, Mapping, Options, Parsed, Source
from data.sources.books import parse_books, set_apart_unknown
from data.sources.dates import YMD, year_first
from data.sources.draft import MAPPING_FILE
from data.sources.loans import parse_loans
from data.sources.mapping import check_mapping, explained, read_mapping, read_mapping_file
from data.sources.rows import Rows
from data.sources.seen import columns_of, may_be_readings, tables_in
from data.sources.sniff import sniff
from data.sources.tabular import open_table
from data.sources.titled import BooksWithin, with_book_ids
from data.sources.upload import SourceFile, Upload
from data.sources.values import gather_rejects, parse_readings

__all__ = ["MAPPING_FILE", "Events", "read_mapping"]


class Events(Source):
    """One row per reading, loan or transaction, in any table that a mapping explains or that explains itself."""

    name = "events"
    describes = f"table of readings or library loans (CSV, TSV, JSONL, Parquet); {MAPPING_FILE} says what is not clear"
    version = 3

    def recognises(self, upload: Upload) -> bool:
        """Say whether there is a table with a mapping, or one that seems to have readers or books."""
        return bool(tables_in(upload)) and (_mapping_file(upload) is not None or may_be_readings(upload))

    def options_for(self, upload: Upload, options: Options) -> Options:
        """Return the options with the mapping given, else the one beside the readings, else the one found out.

        Raises
        ------
        BadConfig
            If the mapping cannot work, or is not certain; with what was found, and a mapping to complete.
        """
        return replace(options, mapping=_mapping_for(upload, options))

    def explains(self, upload: Upload, options: Options) -> str:
        """Return which column was taken for what, and which for nothing."""
        return explained(_mapping_for(upload, options), columns_of(self.files(upload, options)[0]))

    def files(self, upload: Upload, options: Options) -> list[SourceFile]:
        """Return the files of readings and, last, that of books if there is one."""
        readings, books = _files(upload, _mapping_for(upload, options))
        return readings if books is None else [*readings, books]

    def parse(self, upload: Upload, options: Options, progress: Progress) -> Iterator[Parsed]:
        """Read the books and the readings.

        With a file of books, a reading of a book that is not in it is rejected. Without, a book is described by its
        rows in the first part that has its title, by the first text of each column.

        Raises
        ------
        BadFile
            See `Source.parse`.
        BadConfig
            If the mapping cannot work, or is not certain.
        """
        mapping = _mapping_for(upload, options)
        files, books_file = _files(upload, mapping)
        scale = mapping.rating_scale if "rating" in mapping.readings else None
        needed = tuple(_readings_columns(mapping).values())
        tables = [open_table(file, required=needed, wanted=()) for file in files]
        books, within = None, BooksWithin()
        if books_file is not None:
            described = open_table(books_file, required=tuple(mapping.books.values()), wanted=()).whole(progress)
            books, rejects = parse_books(described.pick(mapping.books))
            rejects = gather_rejects([described.rejects, rejects])
            yield Parsed(NO_READINGS, books, rejects, 0, described.encoding, scale)
        for table in tables:
            for rows in table.parts(progress):
                part = _parse_part(rows, mapping, options.reader, scale, within)
                if books is not None and books_file is not None:
                    readings, unknown = set_apart_unknown(part.readings, books, books_file.name)
                    rejects = gather_rejects([part.rejects, unknown])
                    part = replace(part, readings=readings, books=NO_BOOKS, rejects=rejects)
                yield part


def _parse_part(
    rows: Rows, mapping: Mapping, reader: str | None, scale: tuple[float, float] | None, within: BooksWithin
) -> Parsed:
    """Parse some rows of readings, and the books that they describe themselves."""
    picked = rows.pick(_readings_columns(mapping))
    if "reader" not in picked.columns:
        picked = picked.with_columns(reader=pl.lit(reader))
    loans, odd, n_skipped = parse_loans(with_book_ids(_as_we_write(picked, mapping)))
    readings, unusable = parse_readings(loans, scale)
    books, undescribed = (NO_BOOKS, unusable.clear()) if mapping.books_file else within.parse(loans)
    rejects = gather_rejects([rows.rejects, odd, unusable, undescribed])
    return Parsed(readings, books, rejects, rows.n_rows - n_skipped, rows.encoding, scale, n_skipped)


def _as_we_write(rows: pl.DataFrame, mapping: Mapping) -> pl.DataFrame:
    """Write dates with the year first, and no rating as nothing."""
    if mapping.date_order != YMD:
        dates = [name for name in ("read_on", "ended_on") if name in rows.columns]
        rows = rows.with_columns(year_first(rows[name], mapping.date_order) for name in dates)
    if mapping.no_rating is not None and "rating" in rows.columns:
        text = pl.col("rating").str.strip_chars()
        none = (text == mapping.no_rating) | (text.cast(pl.Float64, strict=False) == _number(mapping.no_rating))
        rows = rows.with_columns(rating=pl.when(none.fill_null(False)).then(pl.lit("")).otherwise("rating"))
    return rows


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _mapping_for(upload: Upload, options: Options) -> Mapping:
    """Return the mapping given, else the one beside the readings, else the one found out."""
    if options.mapping is not None:
        mapping = check_mapping(options.mapping)
    elif (file := _mapping_file(upload)) is not None:
        mapping = read_mapping_file(file)
    else:
        mapping = sniff(upload, reader_is_known=options.reader is not None)
    if "reader" not in _readings_columns(mapping) and options.reader is None:
        raise BadConfig("[readings] must say which column is the reader, unless you name one reader for all rows")
    return mapping


def _mapping_file(upload: Upload) -> SourceFile | None:
    """Return the mapping in a folder or an archive, or beside a file."""
    path, single = upload.path, upload.single
    if (within := upload.find(MAPPING_FILE)) is not None or path.is_dir():
        return within
    own = [path.parent / f"{PurePosixPath(single.name).stem}.toml"] if single else []
    beside = (*own, path.with_suffix(".toml"), path.parent / MAPPING_FILE)
    return next((Upload.open(found).files[0] for found in beside if found.is_file()), None)


def _files(upload: Upload, mapping: Mapping) -> tuple[list[SourceFile], SourceFile | None]:
    """Return the files of readings, and that of books if there is one."""
    books = None if mapping.books_file is None else _named(upload, mapping.books_file)
    if mapping.readings_files:
        return [_named(upload, name) for name in mapping.readings_files], books
    tables = [file for file in tables_in(upload) or upload.files if file != books]
    if len(tables) == 1:
        return tables, books
    raise BadFile(
        upload.path,
        found=", ".join(file.name for file in tables[:10]) or "no table",
        expected="one table of readings",
        remedy='say which it is: [readings] file = "..."',
    )


def _named(upload: Upload, name: str) -> SourceFile:
    exact = next((file for file in upload.files if file.name == name), None)
    return exact or upload.require(PurePosixPath(name).name)


def _readings_columns(mapping: Mapping) -> dict[str, str]:
    """Return our name -> the file's column for all that is in the files of readings."""
    return mapping.readings if mapping.books_file else {**mapping.books, **mapping.readings}
