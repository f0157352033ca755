"""Delimited text (CSV, TSV) into rows of strings, the line of every record, and the broken records, part by part."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from data.errors import BadFile
from data.progress import Progress
from data.sources.encoding import detect_encoding, peek_utf8, text_blocks
from data.sources.records import MAX_FIELD_BYTES, Header, parse_records
from data.sources.rows import Rows, Table, require_columns
from data.sources.upload import SourceFile

MAX_RECORD_BYTES = 16 << 20  # a record is looked for over this much text; more, and a quotation mark has run away

_DELIMITERS = (",", "\t", ";", "|")
_BLANKS = " \t"
_LINE_END = re.compile(rb"\r\n|\r|\n")  # as the csv module has it
_HEADER_BYTES = 1 << 20  # a header is looked for in the first MiB

Repair = Callable[[bytes], bytes]


def open_delimited(
    file: SourceFile, *, required: Sequence[str] = (), delimiter: str | None = None, repair: Repair | None = None
) -> Table:
    """Open a delimited text file with a header line.

    Lines end with LF, CRLF or CR. Blank records are skipped and counted nowhere. Column names are stripped.

    Parameters
    ----------
    file
        The file.
    required
        Columns that must be there.
    delimiter
        One character; by default the one of comma, tab, semicolon and bar that divides the header most.
    repair
        What whole lines of UTF-8 go through before they are parsed; it must not change the number of lines.

    Returns
    -------
    Table
        Rejects are records with another number of fields than the header, with a quotation mark that is never
        closed, with characters that cannot be read, or that repeat the header.

    Raises
    ------
    BadFile
        If it is no text file, or its header has no columns, repeats one, or misses a required one.
    """
    encoding = detect_encoding(file)
    head = _head(file, encoding)
    only_returns = _has_only_returns(head)
    if only_returns:
        head = head.replace(b"\r", b"\n")
    header = read_header(file.shown, repair(head) if repair else head, delimiter)
    require_columns(file.shown, header.names, required)

    def read(progress: Progress) -> Iterator[Rows]:
        progress.start(f"reading {file.name}", file.size)
        n_rows = 0
        for lines, first_line, n_gone in _whole_records(file, encoding, header.n_lines, only_returns):
            rows = parse_records(file.name, repair(lines) if repair else lines, first_line, header, encoding)
            n_rows += rows.cells.height
            progress.advance(n_gone)
            if rows.n_rows:
                yield rows
        progress.finish(f"{n_rows:,} rows")

    return Table(file, header.names, encoding, read)


def peek_columns(file: SourceFile) -> list[str]:
    """Return the column names in the header of a delimited file, or an empty list if it cannot be one."""
    try:
        head = peek_utf8(file)
        head = head.replace(b"\r", b"\n") if _has_only_returns(head) else head
        return list(read_header(file.shown, head, None).names)
    except BadFile:
        return []


def read_header(shown: str, head: bytes, delimiter: str | None) -> Header:
    """Return the header of delimited text that starts with `head`.

    Raises
    ------
    BadFile
        If there is none, or it repeats a name.
    """
    lines = list(io.StringIO(head.decode("utf-8", "ignore"), newline=""))
    at = next((i for i, line in enumerate(lines) if line.strip(_BLANKS + ",;|\r\n")), None)
    if at is None:
        raise BadFile(shown, found="only blank lines", expected="a header line", remedy="check how it was exported")
    separator = delimiter or max(_DELIMITERS, key=lambda mark: _n_cells(lines[at], mark))
    reader = csv.reader(lines[at:], delimiter=separator)
    try:
        cells = next(reader)
    except csv.Error as error:
        found = f"a first line that cannot be read ({error})"
        raise BadFile(shown, found=found, expected="a header line", remedy="check how it was exported") from error
    if any("\0" in cell for cell in cells):
        raise BadFile(shown, found="a header that cannot be read", expected="a header line", remedy="save it as UTF-8")
    names = tuple(cell.strip() or f"(column {i})" for i, cell in enumerate(cells, 1))
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise BadFile(
            shown,
            found=f"{len(repeated)} column names more than once, the first in column {names.index(repeated[0]) + 1}",
            expected="every column name once",
            remedy="rename or remove the repeated columns",
        )
    return Header(names, tuple(cells), separator, at + reader.line_num)


def _n_cells(line: str, delimiter: str) -> int:
    try:
        return len(next(csv.reader([line], delimiter=delimiter)))
    except csv.Error:
        return 0


def _head(file: SourceFile, encoding: str) -> bytes:
    head = b""
    for block, _ in text_blocks(file, encoding):
        head += block
        if len(head) >= _HEADER_BYTES:
            break
    return head[:_HEADER_BYTES]


def _has_only_returns(head: bytes) -> bool:
    """Say whether lines end with CR alone, as old spreadsheets write them."""
    return b"\n" not in head


def _whole_records(
    file: SourceFile, encoding: str, n_header_lines: int, only_returns: bool
) -> Iterator[tuple[bytes, int, int]]:
    """Yield whole lines of text that end no record half way, the number of the first line, and the bytes gone through.

    The lines of the header are left out. Of a line longer than a record may be, only the beginning is given: it is
    rejected, and the rest is never held.
    """
    line, kept, gone = 1, b"", 0
    to_skip, is_torn = n_header_lines, False
    for block, position in itertools.chain(text_blocks(file, encoding), [(b"", file.size)]):
        text = kept + (block.replace(b"\r", b"\n") if only_returns else block)
        if is_torn:
            text = text[text.find(b"\n") :] if b"\n" in text else b""
            is_torn = not text
        if len(text) > MAX_RECORD_BYTES and b"\n" not in text and b"\r" in text:
            only_returns, text = True, text.replace(b"\r", b"\n")  # they do after all, but for the first lines
        end = _end_of_records(text) if block else len(text)
        if not end and len(text) > MAX_RECORD_BYTES:
            end, is_torn = MAX_FIELD_BYTES + 1, True
        text, kept = text[:end], b"" if is_torn else text[end:]
        while to_skip and (end_of_line := _LINE_END.search(text)) is not None:
            text, line, to_skip = text[end_of_line.end() :], line + 1, to_skip - 1
        if text and not to_skip:
            yield text, line, position - gone
            gone = position
            line += _n_lines(text)


def _n_lines(text: bytes) -> int:
    """Return the number of line ends, as the csv module counts them."""
    n_newlines = int(np.count_nonzero(np.frombuffer(text, np.uint8) == ord("\n")))  # bytes.count is slow at many
    return n_newlines if b"\r" not in text else n_newlines + text.count(b"\r") - text.count(b"\r\n")


def _end_of_records(text: bytes) -> int:
    """Return where the last whole record of `text` ends, which starts with a record; 0 if none does.

    That is the last newline outside quotes. If that would leave more than a record may take, a quotation mark has lost
    its partner, and the last newline it is.
    """
    last = text.rfind(b"\n") + 1
    if b'"' not in text or text.count(b'"', 0, last) % 2 == 0:
        return last
    octets = np.frombuffer(text, np.uint8)
    newlines, quotes = np.flatnonzero(octets == ord("\n")), np.flatnonzero(octets == ord('"'))
    ends = newlines[np.searchsorted(quotes, newlines) % 2 == 0] + 1
    outside = int(ends[-1]) if ends.size else 0
    return outside if len(text) - outside <= MAX_RECORD_BYTES else last
