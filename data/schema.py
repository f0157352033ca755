"""The columns of every table of the history: name, type, unit, meaning.

This is the one place where a column is defined. Frames are checked against it before they are
written, and `data_dictionary` renders it as DATA.md (``make docs``).
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl
from polars.datatypes import DataType, DataTypeClass

from data.errors import BadHistory

PRECISIONS = ("day", "month", "year", "unknown")
STATUSES = ("read", "reading", "wish", "dropped")
UNKNOWN_TITLE = "(unknown title, id {})"  # of a book that no source describes; any title replaces it
FORMATS = ("bunko", "tankobon", "shinsho", "hardcover", "paperback", "comic", "ebook", "audio", "unknown")


@dataclass(frozen=True)
class Column:
    """One column: `unit` is a unit or a kind of value, `nullable` says whether it may be unknown."""

    name: str
    dtype: DataType | DataTypeClass
    unit: str
    meaning: str
    nullable: bool = False


@dataclass(frozen=True)
class Table:
    """A named table: its key columns (unique together) and all its columns in order."""

    name: str
    meaning: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]

    @property
    def dtypes(self) -> dict[str, DataType | DataTypeClass]:
        """Polars schema of the table."""
        return {column.name: column.dtype for column in self.columns}

    def empty(self) -> pl.DataFrame:
        """Return a frame of the right columns and no rows."""
        return pl.DataFrame(schema=self.dtypes)

    def check(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return `frame` unchanged, guaranteed to have exactly this table's columns and no forbidden null.

        Raises
        ------
        BadHistory
            Naming the first column that differs, what it is and what it should be.
        """
        if frame.columns != list(self.dtypes):
            raise BadHistory(f"table {self.name}: columns {frame.columns}, expected {list(self.dtypes)}")
        for column in self.columns:
            found = frame.schema[column.name]
            if found != column.dtype:
                raise BadHistory(f"table {self.name}, column {column.name}: {found}, expected {column.dtype}")
            if not column.nullable and frame[column.name].null_count():
                raise BadHistory(f"table {self.name}, column {column.name}: unknown values in a required column")
        return frame


READINGS = Table(
    "readings",
    "One row per reader and book: when it was read and how it was liked.",
    ("reader", "book"),
    (
        Column("reader", pl.String, "keyed hash", "Pseudonym of the reader: 32 hex digits; the raw id is not stored."),
        Column("book", pl.String, "id", "The edition read: `namespace:id in the source`."),
        Column("read_on", pl.Date, "date", "First day known for the reading; 1st of the month or year where only that is known.", True),
        Column("read_on_precision", pl.String, "|".join(PRECISIONS), "How much of `read_on` the source knew."),
        Column("rating", pl.Float32, "points", "Rating on the source's own scale, as given.", True),
        Column("rating_min", pl.Float32, "points", "Lowest rating the source's scale allows.", True),
        Column("rating_max", pl.Float32, "points", "Highest rating the source's scale allows.", True),
        Column("status", pl.String, "|".join(STATUSES), "What the reader did; only `read` counts as a reading downstream."),
        Column("n_times", pl.Int32, "count", "Times begun, at least: as the source says, or on as many different days; a renewal written as a new loan counts."),
        Column("source", pl.String, "format", "Source format the row came from."),
        Column("batch", pl.String, "digest", "Ingest that brought the row first."),
        Column("position", pl.Int64, "row", "Row within that batch: the order of a source without dates."),
    ),
)  # fmt: skip

BOOKS = Table(
    "books",
    "One row per book (an edition).",
    ("book",),
    (
        Column("book", pl.String, "id", "`namespace:id in the source`."),
        Column("title", pl.String, "text", "Title as written in the source, HTML entities resolved."),
        Column("authors", pl.String, "text", "Authors as written.", True),
        Column("publisher", pl.String, "text", "Publisher as written.", True),
        Column("imprint", pl.String, "text", "Imprint or label (新潮文庫), from the source or the title's last bracket.", True),
        Column("format", pl.String, "|".join(FORMATS), "Physical format."),
        Column("year", pl.Int32, "year", "Year of publication; negative is BC.", True),
        Column("language", pl.String, "BCP 47", "Language of the edition as the source says it.", True),
        Column("isbn13", pl.String, "ISBN-13", "13 digits with a valid check digit.", True),
        Column("work", pl.String, "id", "Work id the source gives, with the name of who gave it (`goodreads:3275794`).", True),
        Column("edition", pl.String, "id", "Edition id that several sources share (`goodreads:5907`), where the source has one.", True),
        Column("series", pl.String, "text", "Series name.", True),
        Column("volume", pl.Float32, "number", "Place in the series.", True),
        Column("source", pl.String, "format", "Source format the row came from."),
        Column("batch", pl.String, "digest", "Ingest that wrote the row last."),
    ),
)  # fmt: skip

REJECTS = Table(
    "rejects",
    "One row per row of a source that did not enter the history, and why.",
    ("batch", "file", "line", "reason"),
    (
        Column("batch", pl.String, "digest", "Ingest that rejected the row."),
        Column("file", pl.String, "name", "File name, without its folder."),
        Column("line", pl.Int64, "line", "Line in the file, the first being 1."),
        Column("reason", pl.String, "text", "Why the row was rejected."),
        Column("column", pl.String, "name", "Column at fault.", True),
        Column(
            "found",
            pl.String,
            "text",
            "The value at fault if it is a short number or date, else its length: it may be anybody's words.",
            True,
        ),
    ),
)

BATCHES = Table(
    "batches",
    "One row per ingest: its account, and the table versions it left. Its append is the commit.",
    ("batch",),
    (
        Column("batch", pl.String, "digest", "Digest of the files' contents, the format and the mapping."),
        Column("source", pl.String, "format", "Source format."),
        Column("namespace", pl.String, "name", "Prefix under which readers and books of this source are told apart."),
        Column("layout", pl.String, "digest", "Digest of which column meant what, for tables; else empty."),
        Column("explained", pl.String, "text", "Which column meant what, for tables; else empty."),
        Column("files", pl.String, "names", "File names, joined by a comma."),
        Column("key", pl.String, "fingerprint", "Fingerprint of the key that the readers were pseudonymised with."),
        Column("encoding", pl.String, "name", "Text encoding the files were read in."),
        Column("n_rows", pl.Int64, "rows", "Rows of readings in the source."),
        Column("n_kept", pl.Int64, "rows", "Rows kept after rejection and merging of repeats."),
        Column("n_merged", pl.Int64, "rows", "Rows merged into another row of the same reader and book."),
        Column("n_rejected", pl.Int64, "rows", "Rows rejected (readings and books)."),
        Column("n_skipped", pl.Int64, "rows", "Rows that are no readings and do not claim to be: returns, fees."),
        Column("n_forgotten", pl.Int64, "rows", "Rows of readers who were forgotten before, not kept."),
        Column("n_new", pl.Int64, "readings", "Readings that were not in the history."),
        Column("n_changed", pl.Int64, "readings", "Readings whose rating, date, status or count changed."),
        Column("n_new_readers", pl.Int64, "readers", "Readers that were not in the history."),
        *(Column(f"n_{status}", pl.Int64, "readings", f"Rows kept with status `{status}`.") for status in STATUSES),
        Column("n_new_books", pl.Int64, "books", "Descriptions of books that were not in the history."),
        Column("n_books", pl.Int64, "books", "Descriptions of books written, new or changed."),
        Column(
            "reasons",
            pl.String,
            "JSON",
            "Rejects by reason, most frequent first: `[{reason, n, examples: [file:line]}]`.",
        ),
        Column("first_read_on", pl.Date, "date", "Earliest date.", True),
        Column("last_read_on", pl.Date, "date", "Latest date.", True),
        Column("ingested_at", pl.Datetime("us", "UTC"), "UTC", "When the ingest was committed."),
        Column("readings_version", pl.Int64, "version", "Delta version of `readings` after this ingest."),
        Column("books_version", pl.Int64, "version", "Delta version of `books` after this ingest."),
        Column("rejects_version", pl.Int64, "version", "Delta version of `rejects` after this ingest."),
    ),
)

TABLES = (READINGS, BOOKS, REJECTS, BATCHES)


def data_dictionary() -> str:
    """Return the data dictionary of all tables as Markdown."""
    parts = ["# Data dictionary\n\nGenerated from `data/schema.py` by `make docs`; do not edit.\n"]
    for table in TABLES:
        parts.append(f"\n## {table.name}\n\n{table.meaning} Key: {', '.join(f'`{name}`' for name in table.key)}.\n\n")
        parts.append("| column | type | unit | may be unknown | meaning |\n|---|---|---|---|---|\n")
        for column in table.columns:
            unit = column.unit.replace("|", r" \| ")
            nullable = "yes" if column.nullable else "no"
            parts.append(f"| `{column.name}` | {column.dtype} | {unit} | {nullable} | {column.meaning} |\n")
    return "".join(parts)
