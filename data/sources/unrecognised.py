"""Why no format recognises a file: what its first lines show it to be."""

from __future__ import annotations

import csv
import re

from data.errors import BadFile
from data.sources.delimited import read_header
from data.sources.encoding import peek_utf8
from data.sources.headers import BOOK_ROLES, with_roles
from data.sources.seen import columns_of, tables_in
from data.sources.tabular import DELIMITED_SUFFIXES, open_table
from data.sources.upload import SourceFile, Upload

_HTML = re.compile(rb"(?:<!--.*?-->|<\?xml[^>]*>|\s)*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL)
_N_LINES = 50  # among which a header is looked for, and rows
_MIN_SHARE = 0.5  # of the rows that have as many cells as the header
_DIVIDERS = {",": "comma", "\t": "tab", ";": "semicolon", "|": "bar"}


def is_table(upload: Upload) -> bool:
    """Say whether the only file of an upload is a table of two columns or more, whatever they are called.

    Raises
    ------
    BadFile
        If it is none, and its first lines show why.
    """
    file = upload.single
    if file is None or file not in tables_in(upload):
        if file is not None:
            peek_utf8(file)  # a file that is empty or no text is refused for that
        return False
    if file.suffix not in DELIMITED_SUFFIXES:
        return len(open_table(file).columns) > 1
    head = peek_utf8(file)
    if _HTML.match(head):
        raise _refusal(file, "a web page (HTML)", "download the file itself; the page may ask you to log in")
    header = read_header(file.shown, head.replace(b"\r", b"\n") if b"\n" not in head else head, None)
    lines = head.decode("utf-8", "ignore").splitlines()[:_N_LINES]
    if len(header.names) < 2:
        _refuse_late_header(file, lines)
        return False
    n_cells = [len(cells) for cells in _split(lines[header.n_lines :], header.delimiter) if cells]
    return n_cells.count(len(header.names)) >= max(1, _MIN_SHARE * len(n_cells))


def what_it_is(upload: Upload) -> str:
    """Return what a message says was found; nothing of what lines hold, since one may start with a reader."""
    file = upload.single
    columns = columns_of(file) if file is not None and file in tables_in(upload) else ()
    if file is None or not columns:
        return "none of the known formats"
    if len(columns) == 1:
        return "none of the known formats (a first line that no comma, tab, semicolon or bar divides)"
    return f"none of the known formats (a first line of {len(columns)} cells, and other numbers of cells below it)"


def _refuse_late_header(file: SourceFile, lines: list[str]) -> None:
    """Refuse a table with a title, or remarks, before its header."""
    for delimiter, name in _DIVIDERS.items():
        for at, cells in enumerate(_split(lines, delimiter)):
            if at and with_roles(cells, "reader") and with_roles(cells, *BOOK_ROLES, "title"):
                found = f"other text before line {at + 1}, which looks like the header: {', '.join(cells[:_N_LINES])}"
                raise _refusal(file, f"{found} (divided by {name})", f"delete the lines before line {at + 1}")


def _split(lines: list[str], delimiter: str) -> list[list[str]]:
    try:
        return [next(csv.reader([line], delimiter=delimiter), []) for line in lines]
    except csv.Error:
        return []


def _refusal(file: SourceFile, found: str, remedy: str) -> BadFile:
    return BadFile(file.shown, found=found, expected="a table whose first line is its header", remedy=remedy)
