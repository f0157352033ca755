"""The smallest source: lines of tab-separated values, `-` for unknown.

``B book title authors work`` describes a book; ``!column found`` is a row to reject; every other line
is ``reader book [day [rating [status]]]``. A line ``BAD`` refuses the file.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any, ClassVar

import polars as pl

from data.errors import BadFile
from data.history import History
from data.progress import Progress
from data.sources.base import BOOK_COLUMNS, READING_COLUMNS, REJECT_COLUMNS, Options, Parsed, Source
from data.sources.upload import SourceFile, Upload
from data.store import Store


class Tsv(Source):
    """Reads what the docstring above says."""

    name: ClassVar[str] = "tsv"
    describes: ClassVar[str] = "test files"

    def recognises(self, upload: Upload) -> bool:
        """Never: tests name it."""
        return False

    def files(self, upload: Upload, options: Options) -> list[SourceFile]:
        """The file itself."""
        return list(upload.files)

    def parse(self, upload: Upload, options: Options, progress: Progress) -> Iterator[Parsed]:
        """Parse the lines, a part a file."""
        for file in upload.files:
            yield _parse(file)


def _parse(file: SourceFile) -> Parsed:
    readings: list[list[object]] = []
    books: list[list[object]] = []
    rejects: list[list[object]] = []
    for number, line in enumerate(file.path.read_text(encoding="utf-8").splitlines(), start=1):
        if line == "BAD":
            raise BadFile(file.shown, found="BAD", expected="good", remedy="mend it")
        values = [None if value == "-" else value for value in line.split("\t")]
        if values[0] == "B":
            book, title, authors, work = (*values[1:], None, None, None)[:4]
            books.append([book, title, authors, *[None] * 6, work, None, None, None])
        elif line.startswith("!"):
            rejects.append([file.name, number, "cannot be used", (values[0] or "")[1:], values[1]])
        else:
            reader, book, day, rating, status = (*values, None, None, None)[:5]
            read_on = dt.date.fromisoformat(day) if day else None
            known = "day" if day else "unknown"
            points = float(rating) if rating else None
            readings.append([reader, book, read_on, known, points, status or "read", 1, file.name, number])
    return Parsed(
        pl.DataFrame(readings, schema=READING_COLUMNS, orient="row"),
        pl.DataFrame(books, schema=BOOK_COLUMNS, orient="row"),
        pl.DataFrame(rejects, schema=REJECT_COLUMNS, orient="row"),
        len(readings) + len(rejects),
        "utf-8",
        (1.0, 5.0),
    )


def readings(store: Store, *columns: str) -> list[tuple[Any, ...]]:
    """Rows of the latest history, in the order they came."""
    frame = History(store.history).latest().readings.sort("batch", "position")
    return frame.select(columns or ("book", "read_on", "rating", "status", "n_times")).collect().rows()
