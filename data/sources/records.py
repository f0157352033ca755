"""Whole lines of delimited text into records.

They are first looked at as bytes (`data.sources.layout`): if every quotation mark stands where RFC 4180 puts it,
Polars reads the records that have as many fields as the header (the fast path, no Python per good row). Anything
else goes record by record through the `csv` module, which keeps every good record too. Which way a record goes depends
on what stands near it; what becomes of it does not.
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
MAX_FIELD_BYTES = 1 << 20  # and no more in a record: a title, a review; not a file within a file

_BLANKS = " \t"
_UTF8_BYTES = 4  # of a character, at most

csv.field_size_limit(MAX_FIELD_BYTES)  # Python's own limit is an eighth of it


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
    too_long = _too_long(body, layout)
    broken = []
    if not good.all() or too_long.any():
        if (layout.n_lines[~good | too_long] > 1).any():
            return None  # a quotation mark may have run away
        broken = _broken_records(body, layout, ~good & ~too_long, header)
        broken += [(int(line), TOO_LONG, None) for line in layout.lines[too_long]]
        good &= ~too_long
        body = layout.only(body, good)
    frame = _read_csv(body, header) if body else pl.DataFrame(schema=dict.fromkeys(header.names, pl.String))
    if frame is None or frame.height != good.sum():
        return None
    return _Records(frame, pl.Series("line", layout.lines[good], pl.Int64), broken)


def _too_long(body: bytes, layout: Layout) -> npt.NDArray[np.bool_]:
    """Say of each record whether it is longer than it may be, without the end of its last line."""
    too_long: npt.NDArray[np.bool_] = layout.ends - layout.starts > MAX_FIELD_BYTES
    for at in np.flatnonzero(too_long).tolist():
        too_long[at] = len(body[layout.starts[at] : layout.ends[at]].rstrip(b"\r")) > MAX_FIELD_BYTES
    return too_long


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
        fields = _parse_line(line, header.delimiter)
        if any(cell.strip(_BLANKS) for cell in fields):
            described.append((int(layout.lines[at]), WRONG_NUMBER, _count(fields, header)))
    octets = np.frombuffer(body, np.uint8)
    short = np.flatnonzero(broken & (n_bytes == 1))
    short = short[octets[layout.starts[short]] > ord(" ")]
    described += [(line, WRONG_NUMBER, _count([""], header)) for line in layout.lines[short].tolist()]
    return described


def _count(fields: list[str], header: Header) -> str:
    return f"{len(fields)} fields, expected {len(header.names)}"


class _Reader:
    """Records of a text, one after the other; its lines end with LF, CRLF or CR."""

    def __init__(self, text: bytes, header: Header) -> None:
        decoded = text.decode("utf-8", "replace")  # a line that is too long may have been cut within a character
        self._lines = list(io.StringIO(decoded, newline=""))
        self._n_fields, self._delimiter = len(header.names), header.delimiter
        self._go_on_at(0)

    @property
    def at_end(self) -> bool:
        """Whether all lines were read."""
        return self.at >= len(self._lines)

    def next_record(self) -> tuple[list[str], str]:
        """Return the fields of the record that starts at line `at`, and what is wrong with it other than their number.

        One that runs away over several lines costs its first line only.
        """
        start, self._n_characters = self.at, 0
        line = self._lines[start]
        if _is_long(line):
            self.at += 1
            return [], TOO_LONG
        try:
            fields = next(self._records)
            if self.at == start + 1:
                return fields, ""
            if len(fields) == self._n_fields and not _is_long("".join(self._lines[start : self.at])):
                return fields, ""
        except csv.Error:
            pass
        self._go_on_at(start + 1)
        return _parse_line(line, self._delimiter), UNPAIRED_QUOTE if line.count('"') % 2 else ""

    def _go_on_at(self, line: int) -> None:
        self.at = line
        self._records = csv.reader(self._each_line(), delimiter=self._delimiter, strict=True)

    def _each_line(self) -> Iterator[str]:
        while not self.at_end and self._n_characters <= MAX_FIELD_BYTES:
            self.at += 1
            self._n_characters += len(self._lines[self.at - 1])
            yield self._lines[self.at - 1]


def _parse_slow(text: bytes, header: Header) -> _Records:
    """Parse record by record."""
    reader = _Reader(text, header)
    n_fields, kept, starts = len(header.names), list[list[str]](), list[int]()
    broken: list[tuple[int, str, str | None]] = []
    while not reader.at_end:
        line = reader.at + 1
        fields, reason = reader.next_record()
        if reason == TOO_LONG:
            broken.append((line, reason, None))
        elif not reason and len(fields) == n_fields:
            kept.append(fields)
            starts.append(line)
        elif any(cell.strip(_BLANKS) for cell in fields):
            broken.append((line, reason or WRONG_NUMBER, _count(fields, header)))
    columns = zip(header.names, zip(*kept, strict=True) if kept else [()] * n_fields, strict=True)
    cells = pl.DataFrame([pl.Series(name, values, pl.String) for name, values in columns])
    return _Records(cells, pl.Series("line", starts, pl.Int64), broken)


def _is_long(record: str) -> bool:
    """Say whether a record is longer than it may be, without the end of its last line."""
    may_be = len(record) * _UTF8_BYTES > MAX_FIELD_BYTES
    return may_be and len(record.rstrip("\r\n").encode()) > MAX_FIELD_BYTES


def _parse_line(line: str, delimiter: str) -> list[str]:
    """Return the fields of one line by itself, forgiving stray quotes that pair up."""
    return next(csv.reader([line], delimiter=delimiter), [])


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
