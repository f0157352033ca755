"""goodbooks-10k: a folder with `books.csv` and one file of ratings from 1 to 5, without dates.

Ratings are joined on `book_id`, never on `goodreads_book_id`: both are small integers, and the wrong one
gives every book another's title without any error. The column `isbn13` is in float notation and lost its
digits; the ISBN-13 comes from `isbn`, which lost only leading zeros.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from data.errors import BadFile
from data.progress import Progress
from data.sources.base import Mapping, Parsed, Source
from data.sources.books import parse_books, set_apart_unknown
from data.sources.delimited import peek_columns, read_delimited
from data.sources.encoding import require_file
from data.sources.rows import joined_encodings
from data.sources.values import Checked, gather_rejects, parse_readings

RATING_SCALE = (1.0, 5.0)
BOOKS_FILE = "books.csv"
PREFERRED_RATINGS = ("ratings.csv", "ratings_random.csv")
WORK_PREFIX = "goodreads:"  # work ids are Goodreads', and shared by other sources that use them

_READINGS = {"reader": "user_id", "book": "book_id", "rating": "rating"}
_BOOKS = {
    "book": "book_id",
    "title": "title",
    "authors": "authors",
    "year": "original_publication_year",
    "language": "language_code",
    "isbn13": "isbn",
    "work": "work_id",
}
# A copy in circulation calls the Goodreads id `book_id`; asking for both names refuses it.
_REQUIRED_OF_BOOKS = ("book_id", "goodreads_book_id", "title", "authors")


class Goodbooks10k(Source):
    """goodbooks-10k, whole or a sample of its readers."""

    name = "goodbooks10k"
    describes = f"folder with {BOOKS_FILE} (goodbooks-10k) and ratings.csv or another ratings*.csv"

    def recognises(self, path: Path) -> bool:
        """Say whether `path` is a folder with the two files and their columns."""
        try:
            books, ratings = self.files(path, None)
        except BadFile:
            return False
        return set(_REQUIRED_OF_BOOKS) <= set(peek_columns(books)) and set(_READINGS.values()) <= set(
            peek_columns(ratings)
        )

    def files(self, path: Path, mapping: Mapping | None) -> list[Path]:
        """Return `books.csv` and the file of ratings."""
        require_file(path / BOOKS_FILE)
        return [path / BOOKS_FILE, _ratings_file(path)]

    def parse(self, path: Path, mapping: Mapping | None, progress: Progress) -> Parsed:
        """Read both files; a rating of a book that is not in `books.csv` is rejected."""
        books_file, ratings_file = self.files(path, mapping)
        described = read_delimited(books_file, progress, required=_REQUIRED_OF_BOOKS)
        rated = read_delimited(ratings_file, progress, required=tuple(_READINGS.values()))
        books, book_rejects = _parse_books(described.pick(_BOOKS))
        readings, rejects = parse_readings(rated.pick(_READINGS), RATING_SCALE)
        readings, unknown = set_apart_unknown(readings, books, BOOKS_FILE)
        return Parsed(
            readings,
            books,
            gather_rejects([described.rejects, book_rejects, rated.rejects, rejects, unknown]),
            rated.n_rows,
            joined_encodings(described, rated),
            RATING_SCALE,
        )


def _ratings_file(folder: Path) -> Path:
    for name in PREFERRED_RATINGS:
        if (folder / name).is_file():
            return folder / name
    found = sorted(file for file in folder.glob("ratings*.csv") if file.is_file())
    if len(found) == 1:
        return found[0]
    raise BadFile(
        folder,
        found=", ".join(file.name for file in found) or "no file named ratings*.csv",
        expected=f"{' or '.join(PREFERRED_RATINGS)}, or a single ratings*.csv",
        remedy="keep one file of ratings in the folder",
    )


def _parse_books(rows: pl.DataFrame) -> Checked:
    if "work" in rows.columns:
        number = pl.col("work").str.strip_chars()
        rows = rows.with_columns(work=pl.when(number != "").then(pl.concat_str(pl.lit(WORK_PREFIX), number)))
    return parse_books(rows)
