"""The books of the UCSD Book Graph: `goodreads_books*.json`, with the files that name their authors and series.

The file of books names authors and series by number; without the other two files a book has no authors, and only
the series that its title ends with.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import polars as pl

from data.progress import Progress
from data.sources.base import NO_READINGS, Parsed
from data.sources.books import parse_books
from data.sources.json_lines import open_json_lines
from data.sources.rows import Rows
from data.sources.upload import SourceFile
from data.sources.values import gather_rejects, prefixed

GOODREADS = "goodreads:"  # work and edition ids are Goodreads', and shared by other sources that use them
BOOK_KEYS = ("book_id", "title", "authors", "work_id")
AUTHOR_KEYS = ("author_id", "name")
SERIES_KEYS = ("series_id", "title")

_COLUMNS = {
    "book": "book_id",
    "title": "title",
    "authors": "authors",
    "series": "series",
    "publisher": "publisher",
    "format": "format",
    "year": "publication_year",
    "language": "language_code",
    "isbn13": "isbn13",
    "work": "work_id",
    "isbn": "isbn",
    "is_ebook": "is_ebook",
}
_NO_LANGUAGE = "--"
_IDS = {"row": pl.Int64(), "id": pl.List(pl.String())}


def parse_goodreads_books(
    file: SourceFile,
    authors: pl.DataFrame,
    series: pl.DataFrame,
    rating_scale: tuple[float, float],
    progress: Progress,
) -> Iterator[Parsed]:
    """Read a file of books part by part.

    An author is who has no role (translators and illustrators have one), or everybody if all have one. The series
    is the one that the title ends with, else the first of those listed.

    Parameters
    ----------
    file
        The file of books.
    authors, series
        Names by id, as `read_names` returns them.
    rating_scale
        Scale of the readings that the books go with.

    Raises
    ------
    BadFile
        If it is no such file.
    """
    table = open_json_lines(file, required=BOOK_KEYS, wanted=tuple(_COLUMNS.values()))
    for rows in table.parts(progress):
        books, rejects = parse_books(_described(rows, authors, series))
        yield Parsed(NO_READINGS, books, gather_rejects([rows.rejects, rejects]), 0, rows.encoding, rating_scale)


def read_names(files: list[SourceFile], keys: tuple[str, str], progress: Progress) -> pl.DataFrame:
    """Return the names of authors or series by id; no rows if there is no file.

    Returns
    -------
    pl.DataFrame
        Columns ``id``, every value once, and ``name``.
    """
    id_, name = keys
    tables = [open_json_lines(file, required=keys, wanted=()).whole(progress) for file in files]
    named = [table.cells.select(pl.col(id_).alias("id"), pl.col(name).alias("name")) for table in tables]
    nobody = pl.DataFrame(schema={"id": pl.String, "name": pl.String})
    return pl.concat([nobody, *named]).filter(pl.col("name") != "").unique("id", keep="first", maintain_order=True)


def _described(rows: Rows, authors: pl.DataFrame, series: pl.DataFrame) -> pl.DataFrame:
    """Return columns as `parse_books` takes them."""
    books = rows.pick(_COLUMNS)
    blank = [pl.lit("").alias(name) for name in _COLUMNS if name not in books.columns]
    books = books.with_columns(blank)
    in_title = pl.col("title").str.contains("#", literal=True)
    listed = books.select(id=pl.when(~in_title).then(pl.col("series").str.split("; ").list.first()))
    return books.with_columns(
        _author_names(books["authors"], authors),
        listed.join(series, on="id", how="left", maintain_order="left")["name"].alias("series"),
        prefixed("work", GOODREADS),
        prefixed("book", GOODREADS).alias("edition"),
        pl.concat_str("isbn13", "isbn", separator=";").alias("isbn13"),
        pl.when(pl.col("language") != _NO_LANGUAGE).then("language"),
        pl.when((pl.col("format") == "") & (pl.col("is_ebook") == "true"))
        .then(pl.lit("ebook"))
        .otherwise("format")
        .alias("format"),
    ).drop("isbn", "is_ebook")


def _author_names(cells: pl.Series, authors: pl.DataFrame) -> pl.Series:
    """Return the names of each book's authors, joined by semicolons."""
    ids = pl.DataFrame({"row": range(len(cells)), "id": [_author_ids(cell) for cell in cells]}, _IDS)
    names = ids.explode("id", empty_as_null=True).join(authors, on="id", how="left", maintain_order="left")
    joined = names.group_by("row", maintain_order=True).agg(pl.col("name").drop_nulls())
    return joined["name"].list.join("; ").alias("authors")


def _author_ids(cell: str) -> list[str]:
    """Return the ids in ``[{"author_id": "1", "role": ""}, ...]``; none if it is something else."""
    try:
        credits_ = json.loads(cell) if cell else []
    except (ValueError, RecursionError):
        return []
    people = [credit for credit in credits_ if isinstance(credit, dict)] if isinstance(credits_, list) else []
    main = [person for person in people if not person.get("role")]
    return [str(person.get("author_id", "")) for person in main or people]
