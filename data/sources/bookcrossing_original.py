r"""Book-Crossing as C.-N. Ziegler published it (2005): `BX-Book-Ratings.csv`, `BX-Books.csv`; and copies of it.

The dump is latin-1, divided by semicolons, every field in quotation marks, a quotation mark within as ``\"``.
Copies are divided by commas, in UTF-8 (`Ratings.csv`, `Books.csv`), or went through a spreadsheet. Files and columns
are found by the names of the columns, whatever their case, hyphens and blanks; a file of ratings alone will do.

A rating of 0 says that the book was read, not how it was liked. Books are called by their ISBN
(`data.sources.isbns`); readings of books that `BX-Books.csv` does not have are kept, the dump has many.

Known problem: spreadsheets took ISBNs for numbers. In a copy that lost leading zeros they are put back where the
check digit holds with them, and else the row is rejected. In one that did not, a short number is what a reader typed,
and stays a book of its own.

Known problem: where a title ends in ``\"``, programs that do not know this form read on into the author and move the
columns after it by one; three books of the copies in circulation are written so.

Known problem: some texts are UTF-8 that was read as latin-1, twice, and then lost the characters that latin-1 has
no print for: ``Patrick SÃ?Â¼skind``.

`BX-Users.csv` is not read: who the readers are is no business of ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import polars as pl

from data.errors import BadFile
from data.progress import Progress
from data.sources.base import NO_READINGS, Options, Parsed, Source
from data.sources.bookcrossing import repair_text
from data.sources.books import parse_books, untitled
from data.sources.delimited import open_delimited, peek_columns
from data.sources.encoding import peek_utf8
from data.sources.isbns import have_lost_zeros, parse_isbns
from data.sources.rows import Rows, Table
from data.sources.upload import SourceFile, Upload
from data.sources.values import Checked, gather_rejects, parse_readings, set_apart, unless_zero

RATING_SCALE = (1.0, 10.0)
TORN = "row is torn: ISBN and rating in one cell"

# Our column -> the file's, letters and digits only.
_READINGS = {"reader": "userid", "book": "isbn", "rating": "bookrating"}
_BOOKS = {
    "book": "isbn",
    "title": "booktitle",
    "authors": "bookauthor",
    "year": "yearofpublication",
    "publisher": "publisher",
}
_REQUIRED_OF_BOOKS = ("book", "title", "authors")
_SUFFIXES = (".csv", ".tsv", ".txt")
_BOOKS_BESIDE = ("bx-books*", "bx_books*", "books*")
_MOST_FILES = 50  # a folder of more is something else, and would take long to look through

_ESCAPED = re.compile(rb'(\\\\)|\\"')
# A title that ends in a backslash, its author and year: \";"Michael Teitelbaum";"2000";
_SWALLOWED = re.compile(rb'\\";"?(?=[^\s"\\][^"\\\r\n]*";"[0-9]{1,4}";")')
_SWALLOWED_CELL = r'^(.*?)\s*\\?";"?([^"]*)"?$'
_YEAR = "^[0-9]{1,4}$"
_UNPAIRED_AT_END = r'^([^"]*)"$'
_LOST_CONTROL = re.compile("Ã\\?Â([\u00a0-\u00bf])")


class BookCrossingOriginal(Source):
    """Book-Crossing, the dump of 278,858 readers, and copies of it."""

    name = "bookcrossing_original"
    version = 2
    describes = "BX-Book-Ratings.csv (Book-Crossing as published), alone or with BX-Books.csv; Ratings.csv, Books.csv"

    def recognises(self, upload: Upload) -> bool:
        """Say whether `upload` has a file with the columns of ratings."""
        return bool(_with_columns(upload, _READINGS))

    def files(self, upload: Upload, options: Options) -> list[SourceFile]:
        """Return the files of ratings and, if there is one, that of books."""
        ratings = _with_columns(upload, _READINGS)
        if not ratings:
            names = ", ".join(file.name for file in upload.files[:10]) or "nothing"
            expected = "a file with the columns User-ID, ISBN and Book-Rating"
            raise BadFile(upload.path, found=names, expected=expected, remedy="check the names of the columns")
        return list(dict.fromkeys(ratings + _books_files(upload)))

    def parse(self, upload: Upload, options: Options, progress: Progress) -> Iterator[Parsed]:
        """Read the books, if there are any, then the ratings; a book that is only rated has its ISBN for a title."""
        known = pl.DataFrame(schema={"book": pl.String})
        ratings_files = _with_columns(upload, _READINGS)
        for file in _books_files(upload):
            rows = _open(file).whole(progress)
            books, rejects = _parse_books(rows, once=file not in ratings_files)
            known = books.select("book")
            yield Parsed(NO_READINGS, books, rejects, 0, rows.encoding, RATING_SCALE)
        for file in ratings_files:
            for rows, lost_zeros in _parts(_open(file), progress):
                isbns, torn = _parse_isbns(rows.pick(_named(rows.cells.columns, _READINGS)), lost_zeros)
                readings, rejects = parse_readings(isbns.with_columns(unless_zero("rating")), RATING_SCALE)
                new = _new_books(isbns, readings, known)
                known = pl.concat([known, new.select("book")])
                rejects = gather_rejects([rows.rejects, torn, rejects])
                yield Parsed(readings, untitled(new), rejects, rows.n_rows, rows.encoding, RATING_SCALE)


def doubled_quotes(block: bytes) -> bytes:
    r"""Return lines in which quotation marks are escaped by a backslash with doubled ones, as RFC 4180 has them.

    ``\";`` before the last text that comes before a year ends a field: a title that ends in a backslash.
    """
    if b"\\" not in block:
        return block
    return _ESCAPED.sub(lambda found: found[1] or b'""', _SWALLOWED.sub(b'";"', block))


def _named(found: Sequence[str], columns: dict[str, str]) -> dict[str, str]:
    """Return our name -> the file's name for those of `columns` that the file has."""
    folded = {re.sub(r"[\W_]", "", name).lower(): name for name in reversed(found)}
    return {ours: folded[theirs] for ours, theirs in columns.items() if theirs in folded}


def _has_columns(file: SourceFile, columns: dict[str, str]) -> bool:
    return file.suffix in _SUFFIXES and len(_named(peek_columns(file), columns)) == len(columns)


def _with_columns(upload: Upload, columns: dict[str, str]) -> list[SourceFile]:
    """Return the files of an upload that have all the columns."""
    few = len(upload.files) <= _MOST_FILES
    return [file for file in upload.files if few and _has_columns(file, columns)]


def _books_files(upload: Upload) -> list[SourceFile]:
    """Return the one file of books in an upload, or beside a single file, or none."""
    required = {name: _BOOKS[name] for name in _REQUIRED_OF_BOOKS}
    found = _with_columns(upload, required)
    if not found and upload.single is not None:
        beside = (upload.beside(name) for name in _BOOKS_BESIDE)
        found = [file for file in beside if file is not None and _has_columns(file, required)]
    if len(found) > 1:
        names = ", ".join(file.name for file in found)
        raise BadFile(upload.path, found=names, expected="one file of books", remedy="leave out all but one")
    return found


def _open(file: SourceFile) -> Table:
    first_line = peek_utf8(file).lstrip().partition(b"\n")[0]
    is_dump = first_line.startswith(b'"') and b'";"' in first_line
    return open_delimited(file, repair=doubled_quotes if is_dump else None)


def _parts(table: Table, progress: Progress) -> Iterator[tuple[Rows, bool]]:
    """Return the parts of a file of ratings, and whether its ISBNs have lost zeros, by the first of them."""
    lost_zeros: bool | None = None
    for rows in table.parts(progress):
        if lost_zeros is None:
            lost_zeros = have_lost_zeros(rows.cells[_named(rows.cells.columns, _READINGS)["book"]])
        yield rows, lost_zeros


def _parse_isbns(rows: pl.DataFrame, lost_zeros: bool) -> Checked:
    whole, torn = set_apart(
        rows, pl.when(pl.col("book").str.contains('";"', literal=True)).then(pl.lit(TORN)), "book", found=False
    )
    good, lost = parse_isbns(whole, "book", lost_zeros=lost_zeros)
    return Checked(good, gather_rejects([torn, lost]))


def _new_books(isbns: pl.DataFrame, readings: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Return id and ISBN of every book that is read and not known."""
    books = isbns.select("book", "isbn13").unique("book", keep="first", maintain_order=True)
    read = books.join(readings, on="book", how="semi", maintain_order="left")
    return read.join(known, on="book", how="anti", maintain_order="left")


def _parse_books(rows: Rows, *, once: bool) -> Checked:
    """Parse the books of a file, which describes each of them once, or else with every rating."""
    picked, broken = rows.pick(_named(rows.cells.columns, _BOOKS)), rows.rejects
    if not once:
        picked, broken = picked.unique("book", keep="first", maintain_order=True), broken.clear()
    texts = [name for name in ("title", "authors", "publisher") if name in picked.columns]
    good, lost = parse_isbns(_unshifted(picked), "book", lost_zeros=have_lost_zeros(picked["book"]))
    good = good.with_columns(pl.col("title").str.replace(_UNPAIRED_AT_END, "$1"))
    good = good.with_columns(pl.col(name).map_elements(_repaired, return_dtype=pl.String) for name in texts)
    books, rejects = parse_books(good)
    return Checked(books, gather_rejects([broken, lost, rejects]) if once else broken)


def _unshifted(rows: pl.DataFrame) -> pl.DataFrame:
    """Take the author out of a title that swallowed it, and move the columns after it back."""
    if not {"year", "publisher"} <= set(rows.columns):
        return rows
    is_year = pl.col("authors").str.strip_chars().str.contains(_YEAR)
    shifted = is_year & pl.col("title").str.contains('";', literal=True) & ~pl.col("year").str.contains(_YEAR)
    back = {
        "title": pl.col("title").str.replace(_SWALLOWED_CELL, "$1"),
        "authors": pl.col("title").str.replace(_SWALLOWED_CELL, "$2"),
        "year": pl.col("authors"),
        "publisher": pl.col("year"),
    }
    return rows.with_columns(pl.when(shifted).then(value).otherwise(name).alias(name) for name, value in back.items())


def _repaired(text: str) -> str:
    """Undo UTF-8 read as latin-1; ``Ã?Â¼`` was ``ü`` with the unprintable second of four characters lost."""
    return repair_text(_LOST_CONTROL.sub(lambda found: chr(ord(found[1]) + 0x40), text))
