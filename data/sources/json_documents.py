"""A JSON file in any of the three forms that exports have: an array of objects, an object of objects, or lines."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

import polars as pl

from data.errors import BadFile
from data.progress import Progress
from data.sources.encoding import peek_utf8, text_blocks, unicode_encoding
from data.sources.json_lines import DECODER, decode_json, is_spelled, object_cells, open_json_lines
from data.sources.records import UNREADABLE
from data.sources.rows import Rows, Table, reject_frame, require_columns
from data.sources.upload import SourceFile

MAX_DOCUMENT_BYTES = 128 << 20  # it is held whole, and several times as large; what is larger comes as JSON lines

_BLANKS = re.compile(r"[ \t\r\n]*")
_PEEK_BYTES = 1 << 18


def open_json(file: SourceFile, *, required: Sequence[str] = (), wanted: Sequence[str] | None = None) -> Table:
    """Open a file of JSON objects, one per row: ``[{...}, ...]``, ``{"id": {...}, ...}``, or one on every line.

    The names that an object gives to its objects are not read. Cells are those of `open_json_lines`; the line of a
    row is the one on which its object starts.

    Raises
    ------
    BadFile
        If it is no JSON of these forms, too large to be held, or a required column is missing.
    """
    if _is_lines(file):
        return open_json_lines(file, required=required, wanted=wanted)
    text, encoding = _read(file)
    objects: list[tuple[int, dict[str, object]]] = []
    broken: list[tuple[int, str, str | None]] = []
    for line, value in _numbered(file, text):
        if isinstance(value, dict):
            objects.append((line, value))
        else:
            broken.append((line, "item is not a JSON object", None))
    names = [name for name in dict.fromkeys(name for _, value in objects for name in value) if is_spelled(name)]
    require_columns(file.shown, names, required)
    if wanted is not None:
        names = [name for name in names if name in {*required, *wanted}]

    def read(progress: Progress) -> Iterator[Rows]:
        progress.start(f"reading {file.name}", file.size)
        rows = _rows(file.name, names, objects, broken, encoding)
        progress.advance(file.size)
        progress.finish(f"{rows.cells.height:,} rows")
        if rows.n_rows:
            yield rows

    return Table(file, tuple(names), encoding, read)


def _is_lines(file: SourceFile) -> bool:
    """Say whether the first line is an object by itself, and not one of objects with nothing after it."""
    head = peek_utf8(file, _PEEK_BYTES).lstrip(b" \t\r\n")
    first, newline, rest = head.partition(b"\n")
    try:
        value = decode_json(first.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return False
    alone = not newline or not rest.strip()
    return isinstance(value, dict) and not (alone and _holds_objects(value))


def _holds_objects(value: dict[str, object]) -> bool:
    return bool(value) and all(isinstance(item, dict) for item in value.values())


def _read(file: SourceFile) -> tuple[str, str]:
    with file.open() as content:
        n_bytes = len(content.read(MAX_DOCUMENT_BYTES + 1))
    if n_bytes > MAX_DOCUMENT_BYTES:
        raise BadFile(
            file.shown,
            found=f"a JSON document of more than {MAX_DOCUMENT_BYTES >> 20} MiB",
            expected="large data as JSON lines, one object per line",
            remedy="write every object on a line of its own (jq -c '.[]')",
        )
    encoding = unicode_encoding(file)
    return b"".join(block for block, _ in text_blocks(file, encoding)).decode("utf-8"), encoding


def _numbered(file: SourceFile, text: str) -> Iterator[tuple[int, object]]:
    """Yield the items of a document with the line on which each starts."""
    line, counted = 1, 0
    try:
        for start, value in _items(text):
            line, counted = line + text.count("\n", counted, start), start
            yield line, value
    except (ValueError, IndexError, RecursionError) as error:
        at = error.pos if isinstance(error, json.JSONDecodeError) else counted
        where = text.count("\n", 0, at) + 1
        raise BadFile(
            file.shown,
            found=f"JSON that breaks off or is damaged at line {where}",
            expected="an array of objects, an object of objects, or an object per line",
            remedy="export it again",
        ) from error


def _items(text: str) -> Iterator[tuple[int, object]]:
    """Yield where each item of an array or object starts, and its value.

    Raises
    ------
    ValueError, IndexError
        Where the text is not that.
    """
    at = _past_blanks(text, 0)
    is_object = text[at] == "{"
    if not is_object and text[at] != "[":
        raise json.JSONDecodeError("no array or object", text, at)
    close, at = "}" if is_object else "]", _past_blanks(text, at + 1)
    while text[at] != close:
        if is_object:
            _, at = DECODER.raw_decode(text, at)
            at = _past_mark(text, at, ":")
        start = at
        value, at = DECODER.raw_decode(text, at)
        yield start, value
        at = _past_blanks(text, at)
        if text[at] != close:
            at = _past_mark(text, at, ",")
    if (end := _past_blanks(text, at + 1)) != len(text):
        raise json.JSONDecodeError("more after the end", text, end)


def _past_blanks(text: str, at: int) -> int:
    found = _BLANKS.match(text, at)
    return found.end() if found else at


def _past_mark(text: str, at: int, mark: str) -> int:
    at = _past_blanks(text, at)
    if text[at] != mark:
        raise json.JSONDecodeError(f"no {mark}", text, at)
    return _past_blanks(text, at + 1)


def _rows(
    name: str,
    names: list[str],
    objects: list[tuple[int, dict[str, object]]],
    broken: list[tuple[int, str, str | None]],
    encoding: str,
) -> Rows:
    cells = [object_cells(value, names) for _, value in objects]
    good = [not any("\0" in cell for cell in row) for row in cells]
    unreadable = [(line, UNREADABLE, None) for (line, _), is_good in zip(objects, good, strict=True) if not is_good]
    kept = [row for row, is_good in zip(cells, good, strict=True) if is_good]
    lines = [line for (line, _), is_good in zip(objects, good, strict=True) if is_good]
    columns = zip(names, zip(*kept, strict=True) if kept else [()] * len(names), strict=True)
    frame = pl.DataFrame([pl.Series(column, values, pl.String) for column, values in columns])
    return Rows(name, frame, pl.Series("line", lines, pl.Int64), reject_frame(name, [*broken, *unreadable]), encoding)
