"""Amazon review data (McAuley's group): reviews or ratings of 2014, 2018 and 2023, with descriptions if there are any.

| edition | reader | book | rating | time |
|---|---|---|---|---|
| 2014, 2018, JSON lines | `reviewerID` | `asin` | `overall` | `unixReviewTime`, or `reviewTime` (``01 5, 2013``) |
| 2023, JSON lines | `user_id` | `parent_asin` | `rating` | `timestamp`, milliseconds |
| 2023, ratings only, CSV | `user_id` | `parent_asin` | `rating` | `timestamp` |
| 2014 and 2018, ratings only, CSV without a header | 1st or 2nd | 2nd or 1st | 3rd | 4th |

Lines of 2014 may be Python literals instead of JSON.

In CSV files without a header the reader comes first in 2014 (`ratings_Books.csv`), the book in 2018 (`Books.csv`).
Their ids tell them apart: a book has ten characters, ``B`` and nine more or an ISBN-10; a reader ``A`` and at least
nine more.

A book of 2023 is the `parent_asin`, which the descriptions and the ratings go by; a review without it has its `asin`.
Who reviews a book has read it, and its day is that of the review: read by then. The text, its title, the name of the
reviewer and the votes are not taken in. Books that nothing describes are known by what their id says, an ISBN-10 or an
`asin:` id. The data do not say what is a book: name the files of Books or Kindle_Store.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import polars as pl

from data.editions import isbn13
from data.errors import BadFile
from data.progress import Progress
from data.sources.amazon_books import book_key_of, decoder_of, parse_amazon_books, peek_metadata
from data.sources.base import NO_BOOKS, Options, Parsed, Source
from data.sources.books import untitled
from data.sources.delimited import open_delimited, peek_columns
from data.sources.headerless import open_headerless, peek_rows
from data.sources.json_lines import open_json_lines
from data.sources.rows import Rows, Table
from data.sources.titled import asin_edition, without_asin
from data.sources.upload import SourceFile, Upload
from data.sources.values import gather_rejects, parse_readings

RATING_SCALE = (1.0, 5.0)

_OLD = {"reader": "reviewerID", "book": "asin", "rating": "overall", "read_on": "unixReviewTime", "day": "reviewTime"}
_NEW = {"reader": "user_id", "book": "parent_asin", "rating": "rating", "read_on": "timestamp", "asin": "asin"}
_REQUIRED_OF_OLD = ("reviewerID", "asin", "overall")
_REQUIRED_OF_NEW = ("user_id", "parent_asin", "rating", "timestamp")
_JSON_SUFFIXES = (".json", ".jsonl", ".ndjson")
_MOST_FILES = 200  # the data have some thirty categories; a folder of thousands is something else

_BOOK = re.compile(r"B[0-9A-Z]{9}|[0-9]{9}[0-9X]")
_READER = re.compile(r"A[0-9A-Z]{9,39}")
_RATING = re.compile(r"[1-5](?:\.0)?")
_TIME = re.compile(r"[0-9]{9,13}")
_SHARE_FITTING = 0.9  # of the first rows of a file without a header
_ORDERS = {("reader", "book"): (_READER, _BOOK), ("book", "reader"): (_BOOK, _READER)}

_DAY_WRITTEN = r"^(\d{1,2}) (\d{1,2}), (\d{4})$"
_FIRST_TIME = 788_918_400  # 1995-01-01, when Amazon opened
_FIRST_MILLISECONDS = 10**12
_DAY_SECONDS = 86_400
_CATEGORY = re.compile(r"(?:meta_|reviews_|ratings_)?(.*?)(?:_\d+)?")


class _Files(NamedTuple):
    """The files of an upload that are read."""

    readings: list[SourceFile]
    books: list[SourceFile]


class AmazonReviews(Source):
    """Amazon reviews of books, of any edition."""

    name = "amazon_reviews"
    version = 2
    describes = "Amazon reviews: JSON lines (2014, 2018, 2023) or a CSV of ratings, with meta_*.json if there is one"

    def recognises(self, upload: Upload) -> bool:
        """Say whether a file has the keys of reviews, or four columns with ids of Amazon."""
        return len(upload.files) <= _MOST_FILES and bool(_find(upload).readings)

    def files(self, upload: Upload, options: Options) -> list[SourceFile]:
        """Return the descriptions and the reviews."""
        found = _require(upload)
        return [*found.books, *found.readings]

    def parse(self, upload: Upload, options: Options, progress: Progress) -> Iterator[Parsed]:
        """Read the descriptions, then the reviews, part by part."""
        found = _require(upload)
        known: set[str] = set()
        for file in found.books:
            for part in parse_amazon_books(file, RATING_SCALE, progress):
                known.update(part.books["book"])
                yield part
        for file in found.readings:
            for rows in _open(file).parts(progress):
                readings, rejects = parse_readings(_meant(rows), RATING_SCALE)
                books = _new_books(readings["book"], known)
                rejects = gather_rejects([rows.rejects, rejects])
                yield Parsed(readings, books, rejects, rows.n_rows, rows.encoding, RATING_SCALE)


def _require(upload: Upload) -> _Files:
    """Return the files that are read; BadFile if none has readings."""
    found = _find(upload)
    if not found.readings:
        names = ", ".join(file.name for file in upload.files[:10]) or "nothing"
        expected = "reviews (reviewerID, asin, overall or user_id, parent_asin, rating) or ratings of Amazon"
        raise BadFile(upload.path, found=names, expected=expected, remedy="name the file as it was published")
    return found


def _find(upload: Upload) -> _Files:
    files = _Files([], [])
    for file in upload.files:
        if _is_readings(file):
            files.readings.append(file)
        elif _is_metadata(file):
            files.books.append(file)
    if files.readings and upload.single is not None and upload.path.is_file():
        files.books.extend(_beside(upload.path, files.readings[0]))
    return files


def _beside(path: Path, readings: SourceFile) -> list[SourceFile]:
    """Return the descriptions of the same category in the folder of a single file."""
    near = [
        file for other in sorted(path.parent.glob("meta_*")) if other.is_file() for file in Upload.open(other).files
    ]
    return [file for file in near if _category(file) == _category(readings) and _is_metadata(file)][:1]


def _category(file: SourceFile) -> str:
    match = _CATEGORY.fullmatch(Path(file.name).stem.lower())
    return match[1] if match else ""


def _is_readings(file: SourceFile) -> bool:
    if file.suffix in _JSON_SUFFIXES:
        keys = peek_metadata(file)
        return keys.issuperset(_REQUIRED_OF_OLD) or keys.issuperset(_REQUIRED_OF_NEW)
    if file.suffix != ".csv":
        return False
    return _has_header(file) or _order(file) is not None


def _has_header(file: SourceFile) -> bool:
    return set(peek_columns(file)).issuperset(_REQUIRED_OF_NEW)


def _is_metadata(file: SourceFile) -> bool:
    return file.suffix in _JSON_SUFFIXES and book_key_of(peek_metadata(file)) is not None


def _order(file: SourceFile) -> tuple[str, str] | None:
    """Return what the first two columns of a file without a header hold; None if it has one, or no ratings."""
    if _has_header(file):
        return None
    rows = peek_rows(file)
    for order, (first, second) in _ORDERS.items():
        forms = (first, second, _RATING, _TIME)
        fitting = [len(row) == len(forms) and all(map(re.Pattern.fullmatch, forms, row)) for row in rows]
        if rows and sum(fitting) >= _SHARE_FITTING * len(rows):
            return order
    return None


def _open(file: SourceFile) -> Table:
    if file.suffix == ".csv":
        order = _order(file)
        return open_delimited(file, required=_REQUIRED_OF_NEW) if order is None else _open_ratings(file, order)
    keys = peek_metadata(file)
    old = keys.issuperset(_REQUIRED_OF_OLD)
    required, columns = (_REQUIRED_OF_OLD, _OLD) if old else (_REQUIRED_OF_NEW, _NEW)
    return open_json_lines(file, required=required, wanted=tuple(columns.values()), decode=decoder_of(file))


def _open_ratings(file: SourceFile, order: tuple[str, str]) -> Table:
    named = {"reader": _NEW["reader"], "book": _NEW["book"]}
    return open_headerless(file, (*(named[role] for role in order), _NEW["rating"], _NEW["read_on"]))


def _meant(rows: Rows) -> pl.DataFrame:
    """Return the columns of readings, the times as days: they are few, and parsed once each."""
    picked = rows.pick(_OLD if "reviewerID" in rows.cells.columns else _NEW)
    if "asin" in picked.columns:
        picked = picked.with_columns(book=pl.when(pl.col("book") == "").then("asin").otherwise("book"))
    day = (
        pl.col("day").str.strip_chars().str.replace(_DAY_WRITTEN, "$3-$1-$2") if "day" in picked.columns else pl.lit("")
    )
    time = pl.col("read_on").str.strip_chars() if "read_on" in picked.columns else pl.lit("")
    return picked.with_columns(read_on=pl.when(time == "").then(day).otherwise(_midnight(time)))


def _midnight(time: pl.Expr) -> pl.Expr:
    """Return the second at which the day of a Unix time began; texts that are none as they are."""
    number = time.cast(pl.Int64, strict=False)
    seconds = pl.when(number < _FIRST_MILLISECONDS).then(number).otherwise(number // 1000)
    midnight = (seconds // _DAY_SECONDS * _DAY_SECONDS).cast(pl.String)
    return pl.when(seconds >= _FIRST_TIME).then(midnight).otherwise(time)


def _new_books(books: pl.Series, known: set[str]) -> pl.DataFrame:
    """Return books met for the first time whose ids say more than that they are Amazon's; add all to `known`."""
    new = [book for book in books.unique(maintain_order=True) if book not in known]
    known.update(new)
    if not new:
        return NO_BOOKS
    frame = pl.DataFrame({"book": new}, {"book": pl.String})
    isbns = without_asin("book").map_elements(isbn13, return_dtype=pl.String)
    frame = frame.with_columns(isbn13=isbns, edition=asin_edition("book"))
    return untitled(frame.filter(pl.col("isbn13").is_not_null() | pl.col("edition").is_not_null()))
