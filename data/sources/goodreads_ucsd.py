"""UCSD Book Graph (Wan and McAuley, RecSys 2018): what 876,145 readers of Goodreads had on public shelves in 2017.

Any part of it is read: interactions or reviews, whole or by genre, as JSON lines or as the one large CSV; books, and
the files that name their authors and series. Files are told apart by their keys; the companions of a single file
are found beside it. Readings of books that no file describes are kept.

**The CSV numbers readers and books anew.** `user_id_map.csv` and `book_id_map.csv` give them back the ids of the JSON
files, so that a reader is the same in both. Without a map its numbers are kept apart as ``csv-17``: book 17 of the CSV
is not book 17 of Goodreads.

**A day of reading is `read_at` and nothing else.** `date_added`, always there, is the day on which a book was put
on a shelf: often years after it was read, or before. A reading without `read_at` has no date.

What is not read (`is_read` false) is a wish; with `started_at` it is being read. Reviews do not say `is_read`: who
reviews has read. Rating 0 means none. Review texts are never taken in.
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from data.progress import Progress
from data.sources.base import NO_BOOKS, Options, Parsed, Source
from data.sources.delimited import open_delimited
from data.sources.goodreads_books import AUTHOR_KEYS, SERIES_KEYS, parse_goodreads_books, read_names
from data.sources.goodreads_files import BOOK_MAP, CSV_COLUMNS, READER_MAP, GoodreadsFiles, find_goodreads
from data.sources.json_lines import open_json_lines
from data.sources.rows import Rows, Table
from data.sources.upload import SourceFile, Upload
from data.sources.values import Checked, gather_rejects, parse_readings, set_apart, unless_zero

RATING_SCALE = (1.0, 5.0)
UNMAPPED = "csv-"

_MOST_FILES = 200  # the data have some fifty; a folder of thousands is something else
_COLUMNS = {
    "reader": "user_id",
    "book": "book_id",
    "is_read": "is_read",
    "rating": "rating",
    "read_at": "read_at",
    "started_at": "started_at",
}
_OLD_IS_READ = "isRead"
_TRUE, _FALSE = ("true", "1"), ("false", "0")
_TIME = r"^[A-Z][a-z]{2} [A-Z][a-z]{2} \d{2} \d{2}:\d{2}:\d{2} [-+]\d{4} \d{4}$"  # Thu Jul 30 07:44:10 -0700 2009
_MONTH_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTHS = {name: f"{month:02}" for month, name in enumerate(_MONTH_NAMES, 1)}


class GoodreadsUcsd(Source):
    """UCSD Book Graph, whole or in parts."""

    name = "goodreads_ucsd"
    describes = "goodreads_interactions*.json or .csv, goodreads_reviews*.json (UCSD Book Graph), alone or in a folder"

    def recognises(self, upload: Upload) -> bool:
        """Say whether `upload` has readings or books of it, by their keys."""
        return len(upload.files) <= _MOST_FILES and bool(find_goodreads(upload))

    def files(self, upload: Upload, options: Options) -> list[SourceFile]:
        """Return the files that are read: of readings that several files have, the fullest."""
        return find_goodreads(upload).require(upload).all

    def parse(self, upload: Upload, options: Options, progress: Progress) -> Iterator[Parsed]:
        """Read the books, then the readings, part by part; names and maps of ids are held whole."""
        files = find_goodreads(upload).require(upload)
        if files.books:
            authors = read_names(files.authors, AUTHOR_KEYS, progress)
            series = read_names(files.series, SERIES_KEYS, progress)
            for file in files.books:
                yield from parse_goodreads_books(file, authors, series, RATING_SCALE, progress)
        maps = _read_maps(files, progress) if files.csv else {}
        for file in (*files.csv, *files.lines):
            for rows in _open(file).parts(progress):
                readings, rejects = _parse(rows.pick(_columns(rows)), maps if file in files.csv else {})
                rejects = gather_rejects([rows.rejects, rejects])
                yield Parsed(readings, NO_BOOKS, rejects, rows.n_rows, rows.encoding, RATING_SCALE)


def _open(file: SourceFile) -> Table:
    if file.suffix == ".csv":
        return open_delimited(file, required=CSV_COLUMNS)
    return open_json_lines(file, required=("user_id", "book_id"), wanted=(*_COLUMNS.values(), _OLD_IS_READ))


def _columns(rows: Rows) -> dict[str, str]:
    is_read = _OLD_IS_READ if _OLD_IS_READ in rows.cells.columns else "is_read"
    return {**_COLUMNS, "is_read": is_read}


def _parse(rows: pl.DataFrame, maps: dict[str, pl.DataFrame | None]) -> Checked:
    """Parse one part of the readings; `maps` has an entry for each column that the CSV numbers anew."""
    checked = []
    for column, ids in maps.items():
        rows, rejects = _mapped(rows, column, ids)
        checked.append(rejects)
    rows, rejects = _with_status(rows)
    checked.append(rejects)
    if "read_at" in rows.columns:
        rows = rows.with_columns(_day().alias("read_on"))
    if "rating" in rows.columns:
        rows = rows.with_columns(unless_zero("rating"))
    readings, rejects = parse_readings(rows, RATING_SCALE)
    return Checked(readings, gather_rejects([*checked, rejects]))


def _with_status(rows: pl.DataFrame) -> Checked:
    """Give the rows a status; `is_read` must be there in every row if it is in any."""
    if "is_read" not in rows.columns:
        return Checked(rows.with_columns(status=pl.lit("read")), gather_rejects([]))
    said = pl.col("is_read").str.strip_chars().str.to_lowercase()
    unsaid = pl.when(~said.is_in([*_TRUE, *_FALSE])).then(pl.lit("is_read is neither true nor false"))
    is_started = pl.col("started_at") != "" if "started_at" in rows.columns else pl.lit(False)
    is_ended = pl.col("read_at") != "" if "read_at" in rows.columns else pl.lit(False)
    status = (
        pl.when(said.is_in(_TRUE))
        .then(pl.lit("read"))
        .when(is_started & ~is_ended)
        .then(pl.lit("reading"))
        .otherwise(pl.lit("wish"))
    )
    return set_apart(rows.with_columns(status.alias("status")), unsaid, "is_read", found=True)


def _day() -> pl.Expr:
    """The day of `read_at`, of what was read, as ISO; texts of other forms as they are."""
    text = pl.col("read_at")
    month = text.str.slice(4, 3).replace_strict(_MONTHS, default=None, return_dtype=pl.String)
    day = pl.concat_str(text.str.slice(-4), month, text.str.slice(8, 2), separator="-")
    iso = pl.when(text.str.contains(_TIME)).then(day)
    return pl.when(pl.col("status") == "read").then(pl.coalesce(iso, text))


def _read_maps(files: GoodreadsFiles, progress: Progress) -> dict[str, pl.DataFrame | None]:
    """Return number -> id for readers and books; None where there is no map."""
    return {
        "reader": _read_map(files.reader_map, READER_MAP, progress),
        "book": _read_map(files.book_map, BOOK_MAP, progress),
    }


def _read_map(file: SourceFile | None, columns: tuple[str, str], progress: Progress) -> pl.DataFrame | None:
    if file is None:
        return None
    number, id_ = columns
    cells = open_delimited(file, required=columns).whole(progress).cells
    ids = cells.select(_number(number).alias("number"), pl.col(id_).str.strip_chars().alias("id"))
    return ids.unique("number", keep="first", maintain_order=True)


def _number(column: str) -> pl.Expr:
    """The numbers in a column; null where it has none. There are millions of them, and they join faster than texts."""
    return pl.col(column).str.strip_chars().cast(pl.Int64, strict=False)


def _mapped(rows: pl.DataFrame, column: str, ids: pl.DataFrame | None) -> Checked:
    """Give readers or books of the CSV their Goodreads ids; a number that the map lacks is rejected."""
    number = pl.col(column).str.strip_chars()
    if ids is None:
        apart = pl.when(number != "").then(pl.lit(UNMAPPED) + number).otherwise(number)
        return Checked(rows.with_columns(apart.alias(column)), gather_rejects([]))
    known = rows.select(number=_number(column)).join(ids, on="number", how="left", maintain_order="left")
    unknown = pl.when(pl.col(column).is_null()).then(pl.lit(f"{column} is not in the map of ids"))
    mapped = pl.coalesce(pl.lit(known["id"]), pl.when(number == "").then(number))
    return set_apart(rows.with_columns(mapped.alias(column)), unknown, column, found=False)
