"""Delimited text (CSV, TSV) into a frame of strings, the line of every record, and the broken records.

A file is first looked at as bytes (`data.sources.layout`): if every quotation mark stands where RFC 4180 puts
it, Polars reads the records that have as many fields as the header (the fast path, no Python per good row).
Anything else goes record by record through the `csv` module, which keeps every good record too.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from data.errors import BadFile
from data.progress import Progress
from data.sources.encoding import peek_utf8, read_utf8
from data.sources.layout import Layout, find_records
from data.sources.rows import Rows, reject_frame, require_columns

WRONG_NUMBER = "wrong number of fields"
UNPAIRED_QUOTE = "quotation mark without its partner"
REPEATED_HEADER = "header line repeated"

_DELIMITERS = (",", "\t", ";", "|")
_BLANKS = " \t"
_HEADER_BYTES = 1 << 20  # a header is looked for in the first MiB
_PEEK_BYTES = 1 << 16


def read_delimited(
    path: Path, progress: Progress, *, required: Sequence[str] = (), delimiter: str | None = None
) -> Rows:
    """Read a delimited text file with a header line.

    Lines end with LF, CRLF or CR. Blank records are skipped and counted nowhere. Column names are stripped.

    Parameters
    ----------
    path, progress
        The file, and who is told of the bytes read.
    required
        Columns that must be there.
    delimiter
        One character; by default the one of comma, tab, semicolon and bar that divides the header most.

    Returns
    -------
    Rows
        The records; rejects are those with another number of fields than the header, with a quotation mark
        that is never closed, or that repeat the header.

    Raises
    ------
    BadFile
        If it is no text file, or its header has no columns, repeats one, or misses a required one.
    """
    data, encoding = read_utf8(path)
    progress.start(f"reading {path.name}", len(data))
    if b"\n" not in data:
        data = data.replace(b"\r", b"\n")  # CR-only, as old spreadsheets write
    header = _read_header(path, data, delimiter)
    require_columns(path, header.names, required)
    records = _parse_fast(data, header) or _parse_slow(data, header)
    rows = _set_apart(path.name, records, header, encoding)
    progress.advance(len(data))
    progress.finish(f"{rows.cells.height:,} rows")
    return rows


def peek_columns(path: Path) -> list[str]:
    """Return the column names in the header of a delimited file, or an empty list if it cannot be one."""
    try:
        return list(_read_header(path, peek_utf8(path, _PEEK_BYTES).replace(b"\r", b"\n"), None).names)
    except BadFile:
        return []


@dataclass(frozen=True)
class _Header:
    """Names of the columns, cells as written, the delimiter, and the number of lines up to its end."""

    names: tuple[str, ...]
    cells: tuple[str, ...]
    delimiter: str
    n_lines: int


@dataclass
class _Records:
    """Records with the right number of fields, and (line, reason, number of fields) of the others."""

    cells: pl.DataFrame
    lines: pl.Series
    broken: list[tuple[int, str, str | None]] = field(default_factory=list)


def _read_header(path: Path, data: bytes, delimiter: str | None) -> _Header:
    text = data[:_HEADER_BYTES].decode("utf-8", "ignore")
    lines = list(io.StringIO(text, newline=""))
    at = next((i for i, line in enumerate(lines) if line.strip(_BLANKS + ",;|\r\n")), None)
    if at is None:
        raise BadFile(path, found="only blank lines", expected="a header line", remedy="check how it was exported")
    separator = delimiter or max(_DELIMITERS, key=lambda mark: _n_cells(lines[at], mark))
    reader = csv.reader(lines[at:], delimiter=separator)
    try:
        cells = next(reader)
    except csv.Error as error:
        found = f"a first line that cannot be read ({error})"
        raise BadFile(path, found=found, expected="a header line", remedy="check how it was exported") from error
    names = tuple(cell.strip() or f"(column {i})" for i, cell in enumerate(cells, 1))
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise BadFile(
            path,
            found=f"{len(repeated)} column names more than once, the first in column {names.index(repeated[0]) + 1}",
            expected="every column name once",
            remedy="rename or remove the repeated columns",
        )
    return _Header(names, tuple(cells), separator, at + reader.line_num)


def _n_cells(line: str, delimiter: str) -> int:
    try:
        return len(next(csv.reader([line], delimiter=delimiter)))
    except csv.Error:
        return 0


def _parse_fast(data: bytes, header: _Header) -> _Records | None:
    """Parse by Polars, or return None where Polars and RFC 4180 might disagree."""
    body = data.rstrip(b"\r\n") + b"\n"
    n_fields = len(header.names)
    layout = find_records(body, header.delimiter, n_fields)
    if layout is None:
        return None
    good = layout.n_fields == n_fields
    if not good.all():
        if (layout.n_lines[~good] > 1).any():
            return None  # a quotation mark may have run away
        broken = _broken_records(body, layout, ~good, header)
        body = layout.only(body, good)
    else:
        broken = []
    frame = _read_csv(body, header)
    if frame is None or frame.height != good.sum() or not frame.height or frame.row(0) != header.cells:
        return None
    return _Records(frame.slice(1), pl.Series("line", layout.lines[good][1:], pl.Int64), broken)


def _read_csv(data: bytes, header: _Header) -> pl.DataFrame | None:
    try:
        frame = pl.read_csv(
            data,
            has_header=False,
            new_columns=list(header.names),
            infer_schema=False,
            separator=header.delimiter,
            quote_char='"' if b'"' in data else None,
        )
    except pl.exceptions.PolarsError:
        return None
    return frame.fill_null("") if frame.width == len(header.names) else None


def _broken_records(
    data: bytes, layout: Layout, broken: npt.NDArray[np.bool_], header: _Header
) -> list[tuple[int, str, str | None]]:
    """Describe the records with a wrong number of fields, all of one line; blank ones are none."""
    described: list[tuple[int, str, str | None]] = []
    for at in np.flatnonzero(broken).tolist():
        line = data[layout.starts[at] : layout.ends[at]].decode("utf-8")
        fields, _ = _parse_line(line, header.delimiter)
        if any(cell.strip(_BLANKS) for cell in fields):
            described.append((int(layout.lines[at]), WRONG_NUMBER, _count(fields, header)))
    return described


def _count(fields: list[str], header: _Header) -> str:
    return f"{len(fields)} fields, expected {len(header.names)}"


class _Lines:
    """Lines of a text that can be read again from any of them."""

    def __init__(self, data: bytes, at: int) -> None:
        self.lines = list(io.StringIO(data.decode("utf-8"), newline=""))
        self.at = at

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self.at >= len(self.lines):
            raise StopIteration
        self.at += 1
        return self.lines[self.at - 1]


def _parse_slow(data: bytes, header: _Header) -> _Records:
    """Parse record by record; a record that runs away over several lines costs its first line only."""
    lines = _Lines(data, header.n_lines)
    n_fields, kept, starts = len(header.names), list[list[str]](), list[int]()
    broken: list[tuple[int, str, str | None]] = []
    reader = csv.reader(lines, delimiter=header.delimiter, strict=True)
    while lines.at < len(lines.lines):
        start, error = lines.at, ""
        try:
            fields = next(reader)
        except csv.Error:
            fields, error = [], WRONG_NUMBER
        if error or (len(fields) != n_fields and lines.at > start + 1):
            lines.at = start + 1
            fields, error = _parse_line(lines.lines[start], header.delimiter)
            reader = csv.reader(lines, delimiter=header.delimiter, strict=True)
        if error or len(fields) != n_fields:
            if any(cell.strip(_BLANKS) for cell in fields):
                broken.append((start + 1, error or WRONG_NUMBER, _count(fields, header)))
            continue
        kept.append(fields)
        starts.append(start + 1)
    columns = zip(header.names, zip(*kept, strict=True) if kept else [()] * n_fields, strict=True)
    cells = pl.DataFrame([pl.Series(name, values, pl.String) for name, values in columns])
    return _Records(cells, pl.Series("line", starts, pl.Int64), broken)


def _parse_line(line: str, delimiter: str) -> tuple[list[str], str]:
    """Return the fields of one line by itself, forgiving stray quotes that pair up, and what is wrong."""
    try:
        fields = next(csv.reader([line], delimiter=delimiter))
    except csv.Error:  # a field beyond the csv module's limit
        return [line], WRONG_NUMBER
    return fields, UNPAIRED_QUOTE if line.count('"') % 2 else ""


def _set_apart(name: str, records: _Records, header: _Header, encoding: str) -> Rows:
    """Drop blank records and reject repeated headers."""
    # To Polars a column named `*` or `^a$` is a pattern, even in methods of Series: so all get a plain name.
    columns = [column.alias("cell") for column in records.cells.get_columns()]
    rows = columns[0].str.strip_chars().is_in(["", header.cells[0].strip()]).arg_true()  # few, as a rule
    suspects = [column.gather(rows) for column in columns]
    blank, repeated = np.ones(rows.len(), bool), np.ones(rows.len(), bool)
    for column, written in zip(suspects, header.cells, strict=True):
        blank &= (column.str.strip_chars(_BLANKS) == "").to_numpy()
        repeated &= (column.str.strip_chars() == written.strip()).to_numpy()
    lines = records.lines.gather(rows).to_numpy()[repeated].tolist()
    rejects = reject_frame(name, [*records.broken, *((line, REPEATED_HEADER, None) for line in lines)])
    keep = np.ones(records.cells.height, bool)
    keep[rows.to_numpy()[blank | repeated]] = False
    kept = pl.Series(keep)
    return Rows(name, records.cells.filter(kept), records.lines.filter(kept), rejects, encoding)
