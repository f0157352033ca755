"""Tables of an upload as they are first seen: their columns and first rows, and which could be what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from data.errors import BadFile
from data.progress import Quiet
from data.sources import evidence
from data.sources.delimited import peek_columns
from data.sources.headers import BOOK_ROLES, header_key, role_of, with_roles
from data.sources.tabular import DELIMITED_SUFFIXES, JSON_SUFFIXES, PARQUET_SUFFIXES, open_table
from data.sources.upload import SourceFile, Upload

TABLE_SUFFIXES = (*DELIMITED_SUFFIXES, *JSON_SUFFIXES, *PARQUET_SUFFIXES, ".inter", ".item")
N_ROWS = 20_000  # rows looked at
N_SHOWN = 20  # columns that a message lists
N_PEEKED = 50  # tables of a folder that are looked into before it is claimed


@dataclass(frozen=True, eq=False)
class Seen:
    """A table and its first rows, as text."""

    file: SourceFile
    cells: pl.DataFrame

    def __getitem__(self, column: str) -> pl.Series:
        """Return the first cells of a column."""
        return self.cells.get_column(column).alias("cell")  # to Polars some names are patterns

    @property
    def n_known(self) -> int:
        """Number of columns whose names are known."""
        return sum(role_of(name) is not None for name in self.cells.columns)

    @property
    def is_catalogue(self) -> bool:
        """Whether it may describe books: it has ids and titles, and no readers."""
        has_ids = self.named(*BOOK_ROLES)
        has_titles = self.named("title") or (self.named("name") and (has_ids or self.named("authors")))
        return not self.named("reader") and bool(has_titles) and bool(has_ids or self.named("id"))

    @property
    def described(self) -> str:
        """Its name and columns, if that is what they are: a file without a header starts with a reader."""
        columns = self.cells.columns
        if not self.n_known and not evidence.are_headers(self.cells):
            first = f"{self.file.name}: a first line of {len(columns)} cells, none of them a known column"
            return f"{first}; if it is no header, write one above it"
        more = f" and {len(columns) - N_SHOWN} more" if len(columns) > N_SHOWN else ""
        return f"{self.file.name}: columns {', '.join(columns[:N_SHOWN])}{more}"

    def where(self, rows: pl.Expr) -> Seen:
        """Return it with some of its rows."""
        return Seen(self.file, self.cells.filter(rows))

    def named(self, *roles: str) -> list[str]:
        """Return the columns of any of the roles."""
        return with_roles(self.cells.columns, *roles)

    def comes_back(self, column: str) -> bool:
        """Say whether any cell of a column comes again: in the first rows, or else in any later part of the file."""
        if self[column].n_unique() < self.cells.height:
            return True
        parts = open_table(self.file, required=(column,), wanted=()).parts(Quiet())
        later = (part.cells.get_column(column) for part in parts)
        return any(cells.n_unique() < len(cells) for cells in later)

    def filled(self, columns: Sequence[str]) -> list[str]:
        """Return those of the columns that are filled in nearly every row; all of them, if there are no rows."""
        if not self.cells.height:
            return list(columns)
        return [name for name in columns if evidence.filled_share(self[name]) >= evidence.MIN_SHARE]

    def only(self, columns: Sequence[str]) -> str | None:
        """Return the only one of some columns, or the best of several that tell the same things apart."""
        first, *others = sorted(self.filled(columns) or columns, key=lambda name: not header_key(name).endswith("id"))
        return first if all(evidence.is_one_to_one(self[first], self[other]) for other in others) else None


def tables_in(upload: Upload) -> list[SourceFile]:
    """Return the files of an upload that may be tables."""
    return [file for file in upload.files if file.suffix in TABLE_SUFFIXES]


def may_be_readings(upload: Upload) -> bool:
    """Say whether a table has a column of readers, or of books; from its header alone, never raises."""
    return any(with_roles(columns_of(file), "reader", *BOOK_ROLES, "title") for file in tables_in(upload)[:N_PEEKED])


def look_at(upload: Upload) -> list[Seen]:
    """Return the tables of an upload that have any rows; a single file whatever it has.

    Raises
    ------
    BadFile
        If the single file is no table. In a folder, such files may be anything.
    """
    if (file := upload.single) is not None:
        return [_first_rows(file)]
    tables = []
    for file in tables_in(upload):
        try:
            tables.append(_first_rows(file))
        except BadFile:
            continue
    return [table for table in tables if table.cells.height]


def ledgers_among(tables: Sequence[Seen], *, reader_is_known: bool) -> list[Seen]:
    """Return the tables that may have the readings: with readers and ids of books, or at least with titles."""
    with_reader = [table for table in tables if table.named("reader")]
    for candidates in (with_reader, tables if reader_is_known else []):
        for roles in (BOOK_ROLES, ("id", "title"), ("title",)):
            if found := [table for table in candidates if table.named(*roles)]:
                return found
    return []


def _first_rows(file: SourceFile) -> Seen:
    table = open_table(file)
    rows = next(table.parts(Quiet()), None)
    cells = pl.DataFrame(schema=dict.fromkeys(table.columns, pl.String)) if rows is None else rows.cells.head(N_ROWS)
    return Seen(file, cells)


def columns_of(file: SourceFile) -> Sequence[str]:
    """Return the columns of a table, by its first lines if it is text; none if it is no table."""
    if file.suffix not in (*JSON_SUFFIXES, *PARQUET_SUFFIXES):
        return peek_columns(file)
    try:
        return open_table(file).columns
    except BadFile:
        return ()
