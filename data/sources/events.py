"""Any table of readings, explained by a mapping: which column of the file means what.

The mapping is a TOML file (`read_mapping`), given by hand or lying beside the readings as ``<file>.toml`` or
``mapping.toml``::

    [readings]
    reader = "user"            # required
    book = "book"              # required, unless there is a title
    read_on = "finished"
    rating = "stars"
    rating_scale = [1, 5]      # required with a rating
    status = "shelf"

    [books]
    file = "books.csv"         # beside the readings; without it, the columns are in the readings themselves
    book = "book"
    title = "title"            # ... and any other column of a book

A file without ids of books gets them from title and first author: ``compact_key(title)|first_author_key``, so
that spelling differences in width, case, blanks and brackets do not make two books.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from data.editions import compact_key, first_author_key
from data.errors import BadConfig
from data.progress import Progress
from data.sources.base import BOOK_COLUMNS, Mapping, Parsed, Source
from data.sources.books import parse_books, set_apart_unknown
from data.sources.encoding import require_file
from data.sources.mapping import check_mapping, read_mapping
from data.sources.rows import joined_encodings
from data.sources.tabular import DELIMITED_SUFFIXES, JSON_SUFFIXES, PARQUET_SUFFIXES, read_table
from data.sources.values import Checked, gather_rejects, parse_readings

__all__ = ["MAPPING_FILE", "Events", "read_mapping"]

MAPPING_FILE = "mapping.toml"
_SUFFIXES = (*DELIMITED_SUFFIXES, *JSON_SUFFIXES, *PARQUET_SUFFIXES)


class Events(Source):
    """One row per reading, in any file that a mapping explains."""

    name = "events"
    describes = f"CSV, TSV, JSONL or Parquet file of readings with a mapping of its columns ({MAPPING_FILE})"

    def recognises(self, path: Path) -> bool:
        """Say whether a table file has a mapping beside it."""
        return path.is_file() and path.suffix.lower() in _SUFFIXES and _mapping_beside(path) is not None

    def mapping_for(self, path: Path, mapping: Mapping | None) -> Mapping:
        """Return the mapping given, else the one beside the file; BadConfig if there is none."""
        return _mapping_for(path, mapping)

    def files(self, path: Path, mapping: Mapping | None) -> list[Path]:
        """Return the file of readings and, if the mapping names one, that of books."""
        require_file(path)
        mapping = _mapping_for(path, mapping)
        if mapping.books_file is None:
            return [path]
        books_file = path.parent / mapping.books_file
        require_file(books_file)
        return [path, books_file]

    def parse(self, path: Path, mapping: Mapping | None, progress: Progress) -> Parsed:
        """Read the readings and the books.

        With a file of books, a reading of a book that is not in it is rejected. Without, the first text
        that a book has in any of its rows describes it.

        Raises
        ------
        BadFile
            See `Source.parse`.
        BadConfig
            If there is no mapping, or it cannot work.
        """
        mapping = _mapping_for(path, mapping)
        files = self.files(path, mapping)
        read = read_table(path, progress, required=_columns_needed(mapping))
        picked = _with_book_ids(read.pick(_readings_columns(mapping)))
        readings, reading_rejects = parse_readings(picked, mapping.rating_scale)
        rejects, described = [read.rejects, reading_rejects], [read]
        if len(files) == 1:
            books, book_rejects = _books_within(picked)
        else:
            table = read_table(files[1], progress, required=tuple(mapping.books.values()))
            books, book_rejects = parse_books(table.pick(mapping.books))
            readings, unknown = set_apart_unknown(readings, books, files[1].name)
            rejects += [unknown, table.rejects]
            described.append(table)
        rejects.append(book_rejects)
        scale = mapping.rating_scale if "rating" in mapping.readings else None
        return Parsed(readings, books, gather_rejects(rejects), read.n_rows, joined_encodings(*described), scale)


def _mapping_beside(path: Path) -> Path | None:
    beside = (path.with_suffix(".toml"), path.parent / MAPPING_FILE)
    return next((file for file in beside if file.is_file()), None)


def _mapping_for(path: Path, mapping: Mapping | None) -> Mapping:
    """Return the mapping given, else the one beside the file."""
    if mapping is not None:
        return check_mapping(mapping)
    beside = _mapping_beside(path)
    if beside is None:
        raise BadConfig(
            f"{path}: which column is the reader, which the book? Give a mapping, or put {MAPPING_FILE} beside the file"
        )
    return read_mapping(beside)


def _readings_columns(mapping: Mapping) -> dict[str, str]:
    """Return our name -> the file's column for all that is in the file of readings."""
    return mapping.readings if mapping.books_file else {**mapping.books, **mapping.readings}


def _columns_needed(mapping: Mapping) -> tuple[str, ...]:
    return tuple(_readings_columns(mapping).values())


def _with_book_ids(rows: pl.DataFrame) -> pl.DataFrame:
    """Derive the book from title and first author if the file has no ids."""
    if "book" in rows.columns:
        return rows
    named = [name for name in ("title", "authors") if name in rows.columns]
    distinct = rows.select(named).unique()
    ids = [_book_id(*names) for names in distinct.iter_rows()]
    return rows.join(
        distinct.with_columns(book=pl.Series(ids, dtype=pl.String)),
        on=named,
        how="left",
        maintain_order="left",
    )


def _book_id(title: str, authors: str = "") -> str:
    key = compact_key(title)
    return f"{key}|{first_author_key(authors)}" if key else ""


def _books_within(rows: pl.DataFrame) -> Checked:
    """Gather the books from the rows of readings: of every column, the first text that a book has."""
    columns = [name for name in BOOK_COLUMNS if name in rows.columns and name != "book"]
    if "title" not in columns:
        return Checked(pl.DataFrame(schema=BOOK_COLUMNS), gather_rejects([]))
    text = (pl.col(name).filter(pl.col(name).str.strip_chars() != "").first() for name in columns)
    with_book = rows.with_columns(pl.col("book").str.strip_chars()).filter(pl.col("book") != "")
    books = with_book.group_by("book", maintain_order=True).agg(*text, pl.col("file", "line").first())
    return parse_books(books)
