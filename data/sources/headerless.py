"""Delimited text without a header line, whose format says what its columns are."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence

from data.errors import BadFile
from data.progress import Progress
from data.sources.encoding import peek_utf8, unicode_encoding
from data.sources.lines import whole_lines
from data.sources.records import Header, parse_records
from data.sources.rows import Rows, Table
from data.sources.upload import SourceFile

_PEEK_BYTES = 1 << 16


def open_headerless(file: SourceFile, names: Sequence[str], delimiter: str = ",") -> Table:
    """Open a delimited text file in which every line is a record, the first one too.

    Parameters
    ----------
    file
        UTF-8, or UTF-16 with its mark.
    names
        Names of the columns, in order.
    delimiter
        What divides them.

    Raises
    ------
    BadFile
        If it is no text file.
    """
    encoding = unicode_encoding(file)
    header = Header(tuple(names), tuple(names), delimiter, 0)

    def read(progress: Progress) -> Iterator[Rows]:
        progress.start(f"reading {file.name}", file.size)
        n_rows = 0
        for text, first_line, n_gone in whole_lines(file, encoding):
            rows = parse_records(file.name, text, first_line, header, encoding)
            n_rows += rows.cells.height
            progress.advance(n_gone)
            if rows.n_rows:
                yield rows
        progress.finish(f"{n_rows:,} rows")

    return Table(file, tuple(names), encoding, read)


def peek_rows(file: SourceFile, delimiter: str = ",") -> list[list[str]]:
    """Return the cells of the first lines, to tell a format by them; none if it cannot be delimited text."""
    try:
        head = peek_utf8(file, _PEEK_BYTES).decode("utf-8", "ignore")
    except BadFile:
        return []
    lines = head.splitlines()
    whole = lines if len(head) < _PEEK_BYTES // 4 else lines[:-1]  # the last may be cut
    try:
        return [row for row in csv.reader(whole, delimiter=delimiter) if row]
    except csv.Error:
        return []
