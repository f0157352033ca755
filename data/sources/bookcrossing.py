"""Book-Crossing as cleaned by A. Fortes: `book_history.dat`, `book_ratings.dat`, `items_info.dat`.

Known problem: **the metadata are shifted by one.** History id *i* carries the title and author of
`items_info` id *i - 1*; history id 1 has none. Found by co-reading: readers stay with an author, so the books
read by the same people should often share one. Of the 10 nearest books by readers in common (cosine; books of
at least 5 readers), the share with the same author is .010, **.074**, .018 and .009 if the metadata are taken
from id *i - 2*, *i - 1*, *i* and *i + 1*. Unshifted, every title is wrong and nothing looks broken but the
neighbours. `tests/data/sources/test_bookcrossing.py` measures it again.

Known problem: fields of `items_info.dat` were once divided by semicolons, and every semicolon became a tab,
those within a field too: ``Norton &amp;`` is ``Norton &amp<tab>``, and some titles fall apart. The year, the
first field of digits after the author, tells where they end.

Known problem: some texts are UTF-8 that was read as Latin-1, up to twice.

The README counts 272,679 accesses and 62,657 ratings: it counts the header lines. There are 272,678 and
62,656, every pair once, and every rated pair is in the history.

`users_info.dat` is not read: who the readers are is no business of ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import polars as pl

from data.errors import BadFile
from data.progress import Progress
from data.schema import UNKNOWN_TITLE
from data.sources.base import READING_COLUMNS, Options, Parsed, Source
from data.sources.books import parse_books
from data.sources.delimited import open_delimited, peek_columns
from data.sources.encoding import peek_utf8, read_utf8
from data.sources.rows import Rows, joined_encodings, reject_frame
from data.sources.upload import SourceFile, Upload
from data.sources.values import Checked, conform, gather_rejects, parse_ids, parse_ratings, parse_readings

METADATA_SHIFT = 1  # history id = items_info id + 1
RATING_SCALE = (1.0, 10.0)
HISTORY_FILE, RATINGS_FILE, ITEMS_FILE = "book_history.dat", "book_ratings.dat", "items_info.dat"

_PAIR = {"reader": "user", "book": "item"}
_ITEM_COLUMNS = {name: name for name in ("book", "isbn13", "title", "authors", "year", "publisher")}
_ITEM_HEADER = "Book_ID\tISBN\tBook-Title\tBook-Author"
_ITEM_ID = re.compile(r"[0-9]{1,9}")
_YEAR = re.compile(r"\s*\d{1,4}\s*")
_FIRST_YEAR = 4  # fields before it: id, ISBN, title, author
_MAX_REPAIRS = 3


class BookCrossing(Source):
    """Book-Crossing, the cut of 2,946 readers."""

    name = "bookcrossing"
    describes = f"folder with {HISTORY_FILE}, {RATINGS_FILE} and {ITEMS_FILE} (Book-Crossing, Fortes' cut)"

    def recognises(self, upload: Upload) -> bool:
        """Say whether `upload` has the three files and their columns."""
        try:
            history, ratings, items = self.files(upload, Options())
            item_header = peek_utf8(items, len(_ITEM_HEADER) + 3)  # + 3: a byte order mark
        except BadFile:
            return False
        needed = set(_PAIR.values())
        return (
            needed <= set(peek_columns(history))
            and needed | {"rating"} <= set(peek_columns(ratings))
            and item_header.decode("utf-8", "ignore").startswith(_ITEM_HEADER)
        )

    def files(self, upload: Upload, options: Options) -> list[SourceFile]:
        """Return the three files."""
        return [upload.require(name) for name in (HISTORY_FILE, RATINGS_FILE, ITEMS_FILE)]

    def parse(self, upload: Upload, options: Options, progress: Progress) -> Iterator[Parsed]:
        """Read the three files: one reading per row of the history, with its rating where there is one.

        A rating whose reader and book are not in the history is a reading too. A rejected rating costs the
        rating, not the reading that the history knows. The cut is small, and ratings are joined to readings: it
        is read whole.
        """
        history_file, ratings_file, items_file = self.files(upload, options)
        history = open_delimited(history_file, required=tuple(_PAIR.values()), delimiter="\t").whole(progress)
        rated = open_delimited(ratings_file, required=(*_PAIR.values(), "rating"), delimiter="\t").whole(progress)
        items = read_items(items_file, progress)
        read, history_rejects = parse_readings(history.pick(_PAIR), None)
        ratings, rating_rejects = _parse_ratings(rated.pick(_PAIR | {"rating": "rating"}))
        readings = _join(read, ratings)
        books, book_rejects = parse_books(_describe(items.pick(_ITEM_COLUMNS), readings["book"]))
        rejects = [
            history.rejects,
            history_rejects,
            rated.rejects,
            rating_rejects,
            items.rejects,
            book_rejects,
        ]
        n_rows = readings.height + sum(frame.height for frame in rejects[:4])
        encoding = joined_encodings(history, rated, items)
        yield Parsed(readings, books, gather_rejects(rejects), n_rows, encoding, RATING_SCALE)


def read_items(file: SourceFile, progress: Progress) -> Rows:
    """Read `items_info.dat`, under its own ids (not shifted).

    Returns
    -------
    Rows
        Columns ``book``, ``isbn13``, ``title``, ``authors``, ``year``, ``publisher``; texts repaired. Lines
        without an id or too short for a title and an author are rejected.

    Raises
    ------
    BadFile
        If the file is not text or starts with another header.
    """
    data, encoding = read_utf8(file)
    lines = data.decode("utf-8").replace("\r\n", "\n").split("\n")
    if not lines[0].startswith(_ITEM_HEADER):
        raise BadFile(
            file.shown,
            found="another first line",
            expected=f"a header starting {_ITEM_HEADER!r}",
            remedy="use the file as published",
        )
    progress.start(f"reading {file.name}", len(lines))
    items = {number: split_item(line) for number, line in enumerate(lines[1:], 2) if line.strip()}
    good = {number: item for number, item in items.items() if item is not None}
    broken = [(number, "item cannot be read", None) for number in items.keys() - good.keys()]
    progress.advance(len(lines))
    progress.finish(f"{len(good):,} items")
    cells = pl.DataFrame(list(good.values()), schema=dict.fromkeys(_ITEM_COLUMNS, pl.String), orient="row")
    numbers = pl.Series("line", list(good), pl.Int64)
    return Rows(file.name, cells, numbers, reject_frame(file.name, broken), encoding)


def split_item(line: str) -> list[str] | None:
    """Return id, ISBN, title, author, year and publisher of a line of `items_info.dat`, or None."""
    fields = line.replace("&amp\t", "&").split("\t")
    if len(fields) <= _FIRST_YEAR or not _ITEM_ID.fullmatch(fields[0].strip()):
        return None
    years = (at for at in range(_FIRST_YEAR, len(fields)) if _YEAR.fullmatch(fields[at]))
    year = next(years, _FIRST_YEAR)
    title = ";".join(fields[2 : year - 1]).rstrip("; ")
    publisher = fields[year + 1] if len(fields) > year + 1 else ""
    title, authors, publisher = (repair_text(text) for text in (title, fields[year - 1], publisher))
    return [fields[0].strip(), fields[1], title, authors, fields[year], publisher]


def repair_text(text: str) -> str:
    """Undo UTF-8 read as Latin-1 or cp1252, as often as it was done.

    Letters that happen to be valid UTF-8 when taken as bytes (``Ã©``) do not occur side by side in any
    language, so text that decodes was garbled.
    """
    for _ in range(_MAX_REPAIRS):
        repaired = None if text.isascii() else _redecoded(text)
        if repaired is None:
            return text
        text = repaired
    return text


def _redecoded(text: str) -> str | None:
    for encoding in ("latin-1", "cp1252"):
        try:
            return text.encode(encoding).decode("utf-8")
        except UnicodeError:
            continue
    return None


def _parse_ratings(rows: pl.DataFrame) -> Checked:
    good, no_reader = parse_ids(rows, "reader")
    good, no_book = parse_ids(good, "book")
    good, rejects = parse_ratings(good, RATING_SCALE)
    return Checked(good, gather_rejects([no_reader, no_book, rejects]))


def _join(read: pl.DataFrame, ratings: pl.DataFrame) -> pl.DataFrame:
    """Return the history with ratings, then what is only rated; of a pair's ratings the last counts."""
    pair = ["reader", "book"]
    last = ratings.unique(pair, keep="last", maintain_order=True)
    rated = read.drop("rating").join(last.select(*pair, "rating"), on=pair, how="left", maintain_order="left")
    alone = last.join(read, on=pair, how="anti", maintain_order="left")
    alone = alone.with_columns(read_on_precision=pl.lit("unknown"), status=pl.lit("read"))
    return pl.concat([conform(rated, READING_COLUMNS), conform(alone, READING_COLUMNS)])


def _describe(items: pl.DataFrame, read: pl.Series) -> pl.DataFrame:
    """Give every book read its shifted description, by id; one without gets its id as title."""
    shifted = (pl.col("book").cast(pl.Int64) + METADATA_SHIFT).cast(pl.String)
    described = items.with_columns(book=shifted)
    books = pl.DataFrame({"book": read.unique()}).sort(pl.col("book").cast(pl.Int64, strict=False), "book")
    books = books.join(described, on="book", how="left", maintain_order="left")
    unknown = pl.format(UNKNOWN_TITLE, "book")
    title = pl.when(pl.col("title").str.strip_chars() != "").then("title").otherwise(unknown)
    return books.with_columns(title=title, file=pl.col("file").fill_null(ITEMS_FILE), line=pl.col("line").fill_null(0))
