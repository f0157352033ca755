"""Which files of the UCSD Book Graph an upload has: told apart by their keys, chosen so that nothing is read twice."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from data.errors import BadFile
from data.sources.delimited import peek_columns
from data.sources.goodreads_books import AUTHOR_KEYS, BOOK_KEYS, SERIES_KEYS
from data.sources.json_lines import peek_keys
from data.sources.upload import SourceFile, Upload

CSV_COLUMNS = ("user_id", "book_id", "is_read", "rating", "is_reviewed")
BOOK_MAP = ("book_id_csv", "book_id")
READER_MAP = ("user_id_csv", "user_id")

_PAIR = ("user_id", "book_id", "review_id", "rating")
_DELIMITED = (("csv", CSV_COLUMNS), ("book_map", BOOK_MAP), ("reader_map", READER_MAP))
_JSON = (
    ("reviews", (*_PAIR, "review_text")),
    ("interactions", (*_PAIR, "is_read")),
    ("interactions", (*_PAIR, "isRead")),
    ("reviews", (*_PAIR, "review_sentences")),
    ("books", (*BOOK_KEYS, "title_without_series")),
    ("authors", (*AUTHOR_KEYS, "average_rating")),
    ("series", (*SERIES_KEYS, "numworks")),
)
_JSON_SUFFIXES = (".json", ".jsonl", ".ndjson")
_BESIDE = ("goodreads_*", "book_id_map.csv*", "user_id_map.csv*")
_PART = re.compile(r"goodreads_(?:interactions|reviews|books|book_authors|book_series)_?(.*)")
_WHOLE = ("", "dedup")  # what follows the kind in the name of a file that has all genres


@dataclass(frozen=True)
class GoodreadsFiles:
    """The files that are read; false if they are not worth it.

    Attributes
    ----------
    books, authors, series
        Descriptions of books, and what their numbers of authors and series mean.
    book_map, reader_map
        What the numbers in the CSV mean.
    csv, lines
        Readings, as CSV and as JSON lines.
    """

    books: list[SourceFile] = field(default_factory=list)
    authors: list[SourceFile] = field(default_factory=list)
    series: list[SourceFile] = field(default_factory=list)
    book_map: SourceFile | None = None
    reader_map: SourceFile | None = None
    csv: list[SourceFile] = field(default_factory=list)
    lines: list[SourceFile] = field(default_factory=list)

    @property
    def all(self) -> list[SourceFile]:
        """Every file, in a fixed order."""
        maps = [file for file in (self.book_map, self.reader_map) if file is not None]
        return [*self.books, *self.authors, *self.series, *maps, *self.csv, *self.lines]

    def __bool__(self) -> bool:
        return bool(self.books or self.csv or self.lines)

    def require(self, upload: Upload) -> GoodreadsFiles:
        """Return them; BadFile if there is nothing to read, or books that the CSV cannot be joined to."""
        if not self:
            found, remedy = "none of its files", "name a folder that has them"
            raise BadFile(upload.path, found=found, expected="goodreads_interactions*.json or .csv", remedy=remedy)
        if self.csv and self.books and self.book_map is None:
            raise BadFile(
                upload.path,
                found="interactions that number books anew, and books, but no map from one to the other",
                expected=f"a file with columns {', '.join(BOOK_MAP)}",
                remedy="put book_id_map.csv beside them, or name the file of interactions alone",
            )
        return self


def find_goodreads(upload: Upload) -> GoodreadsFiles:
    """Return the files of the UCSD Book Graph in an upload and, if it is a single file, its companions beside it."""
    found: dict[str, list[SourceFile]] = {}
    for file in upload.files:
        found.setdefault(_kind(file), []).append(file)
    if upload.single is not None and upload.path.is_file() and _readable(found):
        _add_companions(found, upload)
    csv, lines = _choose(found)
    return GoodreadsFiles(
        books=found.get("books", []),
        authors=found.get("authors", []),
        series=found.get("series", []),
        book_map=next(iter(found.get("book_map", [])), None),
        reader_map=next(iter(found.get("reader_map", [])), None),
        csv=csv,
        lines=lines,
    )


def _kind(file: SourceFile) -> str:
    """Return what a file is, by its keys; nothing if it is none of them."""
    kinds: tuple[tuple[str, tuple[str, ...]], ...]
    if file.suffix == ".csv":
        keys, kinds = set(peek_columns(file)), _DELIMITED
    elif file.suffix in _JSON_SUFFIXES:
        keys, kinds = peek_keys(file), _JSON
    else:
        return ""
    return next((kind for kind, needed in kinds if keys.issuperset(needed)), "")


def _readable(found: dict[str, list[SourceFile]]) -> bool:
    return bool(found.keys() & {"csv", "interactions", "reviews", "books"})


def _add_companions(found: dict[str, list[SourceFile]], upload: Upload) -> None:
    """Add what describes a single file: of the same genre where there is such a file, else of all."""
    beside: dict[str, list[SourceFile]] = {}
    for path in sorted({path for pattern in _BESIDE for path in upload.path.parent.glob(pattern)} - {upload.path}):
        if path.is_file():
            for file in Upload.open(path).files:
                beside.setdefault(_kind(file), []).append(file)
    part = _part(next(file for files in found.values() for file in files))
    for kind in ("books", "authors", "series", "book_map", "reader_map"):
        files = beside.get(kind, [])
        same = [file for file in files if _part(file) == part]
        found.setdefault(kind, []).extend((same or [file for file in files if not _part(file)])[:1])


def _choose(found: dict[str, list[SourceFile]]) -> tuple[list[SourceFile], list[SourceFile]]:
    """Return the CSV and JSON files of readings, without those whose readings are in another, with more in it.

    The whole interactions have everything, the CSV all but the dates; reviews are interactions with a text.
    """
    lines = found.get("interactions", [])
    if whole := [file for file in lines if not _part(file)]:
        return [], whole
    if csv := found.get("csv", []):
        return csv, lines
    reviews = found.get("reviews", [])
    reviews = [file for file in reviews if not _part(file)] or reviews
    covered = {_part(file) for file in lines}
    return [], [*lines, *(file for file in reviews if _part(file) not in covered)]


def _part(file: SourceFile) -> str:
    """Return the genre in a file's name; nothing for a file of all genres."""
    match = _PART.fullmatch(Path(file.name).stem.lower())
    return "" if match is None or match[1] in _WHOLE else match[1]
