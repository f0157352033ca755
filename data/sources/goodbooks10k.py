"""goodbooks-10k: a folder with `books.csv` and one file of ratings from 1 to 5, without dates.

Books that readers want to read are wishes, if there is `to_read.csv`.

Ratings are joined on `book_id`, never on `goodreads_book_id`: both are small integers, and the wrong one
gives every book another's title without any error. The column `isbn13` is in float notation and lost its
digits; the ISBN-13 comes from `isbn`, which lost only leading zeros.
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from data.errors import BadFile
from data.progress import Progress
from data.sources.base import NO_BOOKS, NO_READINGS, Options, Parsed, Source
from data.sources.books import parse_books, set_apart_unknown
from data.sources.delimited import open_delimited, peek_columns
from data.sources.rows import Rows
from data.sources.upload import SourceFile, Upload
from data.sources.values import Checked, gather_rejects, parse_readings, prefixed

RATING_SCALE = (1.0, 5.0)
BOOKS_FILE = "books.csv"
WISHES_FILE = "to_read.csv"
PREFERRED_RATINGS = ("ratings.csv", "ratings_random.csv")
GOODREADS = "goodreads:"  # work and edition ids are Goodreads', and shared by other sources that use them

_WISHES = {"reader": "user_id", "book": "book_id"}
_READINGS = {**_WISHES, "rating": "rating"}
_BOOKS = {
    "book": "book_id",
    "title": "title",
    "authors": "authors",
    "year": "original_publication_year",
    "language": "language_code",
    "isbn13": "isbn",
    "work": "work_id",
    "edition": "goodreads_book_id",
}
# A copy in circulation calls the Goodreads id `book_id`; asking for both names refuses it.
_REQUIRED_OF_BOOKS = ("book_id", "goodreads_book_id", "title", "authors")


class Goodbooks10k(Source):
    """goodbooks-10k, whole or a sample of its readers."""

    name = "goodbooks10k"
    version = 2
    describes = f"folder with {BOOKS_FILE} (goodbooks-10k) and ratings.csv or another ratings*.csv; {WISHES_FILE}"

    def recognises(self, upload: Upload) -> bool:
        """Say whether `upload` has the two files and their columns."""
        try:
            books, ratings, *_ = self.files(upload, Options())
        except BadFile:
            return False
        return set(_REQUIRED_OF_BOOKS) <= set(peek_columns(books)) and set(_READINGS.values()) <= set(
            peek_columns(ratings)
        )

    def files(self, upload: Upload, options: Options) -> list[SourceFile]:
        """Return `books.csv`, the file of ratings and, if there is one, that of wishes."""
        wishes = upload.beside(WISHES_FILE)
        return [upload.require(BOOKS_FILE), _ratings_file(upload), *([wishes] if wishes else [])]

    def parse(self, upload: Upload, options: Options, progress: Progress) -> Iterator[Parsed]:
        """Read the files; a rating of, or a wish for a book that is not in `books.csv` is rejected."""
        books_file, ratings_file, *wishes_files = self.files(upload, options)
        described = open_delimited(books_file, required=_REQUIRED_OF_BOOKS).whole(progress)
        tables = [open_delimited(ratings_file, required=tuple(_READINGS.values()))]
        tables += [open_delimited(file, required=tuple(_WISHES.values())) for file in wishes_files]
        books, book_rejects = _parse_books(described.pick(_BOOKS))
        rejects = gather_rejects([described.rejects, book_rejects])
        yield Parsed(NO_READINGS, books, rejects, 0, described.encoding, RATING_SCALE)
        for table in tables:
            for rows in table.parts(progress):
                readings, rejects = parse_readings(_picked(rows, table.file in wishes_files), RATING_SCALE)
                readings, unknown = set_apart_unknown(readings, books, BOOKS_FILE)
                rejects = gather_rejects([rows.rejects, rejects, unknown])
                yield Parsed(readings, NO_BOOKS, rejects, rows.n_rows, rows.encoding, RATING_SCALE)


def _picked(rows: Rows, are_wishes: bool) -> pl.DataFrame:
    return rows.pick(_WISHES).with_columns(status=pl.lit("wish")) if are_wishes else rows.pick(_READINGS)


def _ratings_file(upload: Upload) -> SourceFile:
    for name in PREFERRED_RATINGS:
        if (file := upload.beside(name)) is not None:
            return file
    return upload.require("ratings*.csv")


def _parse_books(rows: pl.DataFrame) -> Checked:
    ids = [name for name in ("work", "edition") if name in rows.columns]
    return parse_books(rows.with_columns(prefixed(name, GOODREADS) for name in ids))
