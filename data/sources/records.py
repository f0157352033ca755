"""Whole lines of delimited text into records.

They are first looked at as bytes (`data.sources.layout`): if every quotation mark stands where RFC 4180 puts it,
Polars reads the records that have as many fields as the header (the fast path, no Python per good row). Anything
else goes record by record through the `csv` module, which keeps every good record too.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import polars as pl

from data.sources.encoding import DAMAGED
from data.sources.layout import Layout, find_records
from data.sources.rows import Rows, reject_frame

WRONG_NUMBER = "wrong number of fields"
UNPAIRED_QUOTE = "quotation mark without its partner"
REPEATED_HEADER = "header line repeated"
UNREADABLE = "a character cannot be read"
TOO_LONG = "record is too long"
MAX_FIELD_BYTES = 1 << 20  # a title, a review; not a file within a file

_BLANKS = " \t"


@dataclass(frozen=True)
class Header:
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


def parse_records(name: str, text: bytes, first_line: int, header: Header, encoding: str) -> Rows:
    """Return the records in whole lines of UTF-8.

    Parameters
    ----------
    name, encoding
        Of the file, for the rows.
    text
        Whole lines, the last perhaps without its end.
    first_line
        Number of the first of them in the file.
    header
        Header of the file, which is not in `text`.
    """
    records = _parse_fast(text, header) or _parse_slow(text, header)
    if DAMAGED in text:
        _reject_damaged(records)
    if first_line > 1:
        records.lines = records.lines + (first_line - 1)
        records.broken = [(line + first_line - 1, reason, found) for line, reason, found in records.broken]
    return _set_apart(name, records, header, encoding)


def _parse_fast(text: bytes, header: Header) -> _Records | None:
    """Parse by Polars, or return None where Polars and RFC 4180 might disagree."""
    body = text.rstrip(b"\r\n") + b"\n"
    n_fields = len(header.names)
    layout = find_records(body, header.delimiter, n_fields)
    if layout is None:
        return None
    good = layout.n_fields == n_fields
    too_long = layout.ends - layout.starts > MAX_FIELD_BYTES
    broken = []
    if not good.all() or too_long.any():
        if (layout.n_lines[~good] > 1).any():
            return None  # a quotation mark may have run away
        broken = _broken_records(body, layout, ~good & ~too_long, header)
        broken += [(int(line), TOO_LONG, None) for line in layout.lines[too_long]]
        good &= ~too_long
        body = layout.only(body, good)
    frame = _read_csv(body, header) if body else pl.DataFrame(schema=dict.fromkeys(header.names, pl.String))
    if frame is None or frame.height != good.sum():
        return None
    return _Records(frame, pl.Series("line", layout.lines[good], pl.Int64), broken)


def _read_csv(body: bytes, header: Header) -> pl.DataFrame | None:
    try:
        frame = pl.read_csv(
            body,
            has_header=False,
            new_columns=list(header.names),
            infer_schema=False,
            separator=header.delimiter,
            quote_char='"' if b'"' in body else None,
        )
    except pl.exceptions.PolarsError:
        return None
    return frame.fill_null("") if frame.width == len(header.names) else None


def _broken_records(
    body: bytes, layout: Layout, broken: npt.NDArray[np.bool_], header: Header
) -> list[tuple[int, str, str | None]]:
    """Describe the records with a wrong number of fields, all of one line; blank ones are none."""
    described: list[tuple[int, str, str | None]] = []
    n_bytes = layout.ends - layout.starts
    for at in np.flatnonzero(broken & (n_bytes > 1)).tolist():  # a line of one byte at most is blank, or "\r", or "x"
        line = body[layout.starts[at] : layout.ends[at]].decode("utf-8")
        fields, _ = _parse_line(line, header.delimiter)
        if any(cell.strip(_BLANKS) for cell in fields):
            described.append((int(layout.lines[at]), WRONG_NUMBER, _count(fields, header)))
    octets = np.frombuffer(body, np.uint8)
    short = np.flatnonzero(broken & (n_bytes == 1))
    short = short[octets[layout.starts[short]] > ord(" ")]
    described += [(line, WRONG_NUMBER, _count([""], header)) for line in layout.lines[short].tolist()]
    return described


def _count(fields: list[str], header: Header) -> str:
    return f"{len(fields)} fields, expected {len(header.names)}"


class _Lines:
    """Lines of a text that can be read again from any of them."""

    def __init__(self, text: bytes) -> None:
        self.lines = list(io.StringIO(text.decode("utf-8"), newline=""))
        self.at = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self.at >= len(self.lines):
            raise StopIteration
        self.at += 1
        return self.lines[self.at - 1]


def _parse_slow(text: bytes, header: Header) -> _Records:
    """Parse record by record; a record that runs away over several lines costs its first line only."""
    lines = _Lines(text)
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
    except StopIteration:
        return [], ""
    return fields, UNPAIRED_QUOTE if line.count('"') % 2 else ""


def _reject_damaged(records: _Records) -> None:
    """Set apart records with a character that could not be decoded, or a NUL."""
    mark = DAMAGED.decode()
    columns = [column.alias("cell") for column in records.cells.get_columns()]
    damaged = np.zeros(records.cells.height, bool)
    for column in columns:
        damaged |= column.str.contains(mark, literal=True).to_numpy()
    records.broken += [(line, UNREADABLE, None) for line in records.lines.filter(pl.Series(damaged)).to_list()]
    records.cells, records.lines = records.cells.filter(~damaged), records.lines.filter(pl.Series(~damaged))


def _set_apart(name: str, records: _Records, header: Header, encoding: str) -> Rows:
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
