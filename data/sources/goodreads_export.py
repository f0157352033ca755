"""Goodreads' export of one reader's library: a CSV file, `goodreads_library_export.csv`, with one row per book.

`Exclusive Shelf` is what the reader says of a book: `read`, `currently-reading`, `to-read`, or a shelf of their own.
Those of a known meaning (`did-not-finish`, `dnf`, `abandoned`, `paused`, `on-hold`, ...) are taken at it; rows on any
other are rejected, for nothing says whether the book was read. `Date Read` is the day of what was read or dropped, and
of nothing else; `Date Added`, the day on which a book was put on a shelf, is no day of reading.

`Book Id` is Goodreads' id of the edition. The title ends with the series (`Dune (Dune, #1)`). ISBNs are wrapped so that
spreadsheets keep their zeros (`="0441013597"`, `=""`). A rating of 0 is none, a `Read Count` of 0 of a book that was
read is once. The review, the private notes and the shelves are not read: they are the reader's own words. Exports made
before 2021 have more columns, copies fewer; only the id, the title and the exclusive shelf must be there.
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from data.progress import Progress
from data.sources.base import Options, Parsed
from data.sources.delimited import open_delimited, peek_columns
from data.sources.goodreads_books import GOODREADS
from data.sources.personal import PersonalExport, require_one_reader
from data.sources.rows import Rows, Table
from data.sources.titled import BooksWithin
from data.sources.upload import SourceFile, Upload
from data.sources.values import gather_rejects, parse_readings, prefixed, set_apart, unless_zero

NO_SHELF = "no exclusive shelf: whether it was read is not said"

_COLUMNS = {
    "book": "Book Id",
    "title": "Title",
    "authors": "Author",
    "others": "Additional Authors",
    "isbn13": "ISBN13",
    "isbn": "ISBN",
    "rating": "My Rating",
    "publisher": "Publisher",
    "format": "Binding",
    "year": "Year Published",
    "read_on": "Date Read",
    "status": "Exclusive Shelf",
    "n_times": "Read Count",
}
_REQUIRED = ("Book Id", "Title", "Exclusive Shelf")  # together no other service's


class GoodreadsExport(PersonalExport):
    """A reader's export from Goodreads."""

    name = "goodreads_export"
    describes = "goodreads_library_export.csv, or a folder of several readers' (Book Id, Exclusive Shelf)"
    suffixes = (".csv", ".tsv")
    rating_scale = (1.0, 5.0)

    def is_export(self, file: SourceFile) -> bool:
        """Say whether a table has the columns that only Goodreads writes."""
        return set(_REQUIRED) <= set(peek_columns(file))

    def open(self, file: SourceFile) -> Table:
        """Open the table."""
        return open_delimited(file, required=_REQUIRED)

    def parse(self, upload: Upload, options: Options, progress: Progress) -> Iterator[Parsed]:
        """Read the exports, each whole; books go by their Goodreads id, not, as elsewhere, by ISBN or title.

        Raises
        ------
        BadFile, BadConfig
            See `PersonalExport.parse`.
        """
        files = self.files(upload, options)
        require_one_reader(upload, {file.name for file in files}, options)
        within = BooksWithin()
        for file in files:
            rows = self.open(file).whole(progress)
            described = self.describe(rows).with_columns(reader=pl.lit(options.reader_of(file)))
            unsaid = pl.when(pl.col("status").str.strip_chars() == "").then(pl.lit(NO_SHELF))
            shelved, without_shelf = set_apart(described, unsaid, "status", found=False)
            readings, rejects = parse_readings(shelved, self.rating_scale)
            readings = readings.with_columns(*_dates_of_what_ended())
            books, others = within.parse(described)
            rejects = gather_rejects([rows.rejects, without_shelf, rejects, others])
            yield Parsed(readings, books, rejects, rows.n_rows, rows.encoding, self.rating_scale)

    def describe(self, rows: Rows) -> pl.DataFrame:
        """Return what the columns mean."""
        cells = rows.pick(_COLUMNS)
        cells = cells.with_columns(pl.lit("").alias(name) for name in _COLUMNS if name not in cells.columns)
        return cells.with_columns(
            prefixed("book", GOODREADS).alias("edition"),
            authors=_joined("authors", pl.col("others").str.replace_all(",", ";", literal=True)),
            isbn13=pl.concat_str("isbn13", "isbn", separator=";"),
            rating=unless_zero("rating"),
        ).drop("others", "isbn")


def _joined(first: str, others: pl.Expr) -> pl.Expr:
    """Join two texts by a semicolon, unless the second is blank."""
    return pl.when(others.str.strip_chars() == "").then(first).otherwise(pl.concat_str(first, others, separator="; "))


def _dates_of_what_ended() -> list[pl.Expr]:
    """Leave the dates out of what is being read or wished for: it was read before, perhaps, and is not read now."""
    has_ended = pl.col("status").is_in(["read", "dropped"])
    precision = pl.when(has_ended).then("read_on_precision").otherwise(pl.lit("unknown"))
    return [pl.when(has_ended).then("read_on").alias("read_on"), precision.alias("read_on_precision")]
