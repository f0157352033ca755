"""JSON lines (one object per line) into rows of strings, block by block.

Polars reads a block where what it reads is exactly what the `json` module would (the fast path, no Python per row).
A block with a line that is no object, a list or an object among the columns that are read, or a character that
cannot be read goes line by line through the `json` module, which keeps every good line.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal

import numpy as np
import polars as pl

from data.errors import BadFile
from data.progress import Progress
from data.sources.encoding import DAMAGED, peek_utf8, unicode_encoding
from data.sources.lines import MAX_LINE_BYTES, has_long_line, whole_lines
from data.sources.records import TOO_LONG, UNREADABLE
from data.sources.rows import JOINT, Rows, Table, reject_frame, require_columns
from data.sources.upload import SourceFile

NOT_JSON = "line is not JSON"
NO_OBJECT = "line is not a JSON object"

_PEEK_BYTES = 1 << 18
_N_PEEKED = 20  # lines whose keys tell formats apart
_NAMES_BYTES = 4 << 20  # of whole lines, whose keys are the columns

Decode = Callable[[str], object]
Broken = list[tuple[int, str, str | None]]


def _first_of_each(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Make an object of its pairs; a name written twice has its first value, as Polars has it."""
    made = dict(pairs)
    return made if len(made) == len(pairs) else dict(reversed(pairs))


def _missing_constant(name: str) -> None:
    """Read ``NaN`` as null; ValueError for the infinities."""
    if name != "NaN":
        raise ValueError(f"{name} is not JSON")


DECODER = json.JSONDecoder(object_pairs_hook=_first_of_each, parse_constant=_missing_constant)


def decode_json(text: str) -> object:
    """Return the value of a JSON text; of a name written twice in an object, the first value.

    Raises
    ------
    ValueError, RecursionError
        If it is not JSON or nested too deeply. ``NaN``, which Python and pandas write for what is missing, is null.
    """
    return DECODER.decode(text)


def open_json_lines(
    file: SourceFile,
    *,
    required: Sequence[str] = (),
    wanted: Sequence[str] | None = None,
    decode: Decode = decode_json,
) -> Table:
    """Open a file of one JSON object per line; lines that are none are rejected, a missing key is an empty cell.

    A list becomes its items joined by semicolons; a list of objects, or an object, its JSON; null is the empty cell;
    a number is written without exponent and needless zeros (``5.0`` is ``5``). The first lines (4 MiB) say which
    columns there are.

    Parameters
    ----------
    file
        UTF-8, or UTF-16 with its mark.
    required
        Columns that must be there.
    wanted
        Other columns to read, where the file has them; None means all of them.
    decode
        What makes an object of a line, where it is not JSON; it raises ValueError for a line that it cannot read.

    Raises
    ------
    BadFile
        If the file is not text, or none of the first objects has a required key.
    """
    encoding = unicode_encoding(file)
    names = _names(file, encoding, decode)
    require_columns(file.shown, names, required)
    if wanted is not None:
        names = [name for name in names if name in {*required, *wanted}]

    def read(progress: Progress) -> Iterator[Rows]:
        progress.start(f"reading {file.name}", file.size)
        n_rows = 0
        for text, first_line, n_gone in whole_lines(file, encoding):
            fast = _parse_fast(text, names) if decode is decode_json else None
            cells, lines, broken = fast or _parse_slow(text, names, decode)
            rejects = reject_frame(file.name, [(line + first_line, reason, found) for line, reason, found in broken])
            rows = Rows(file.name, cells, (lines + first_line).alias("line"), rejects, encoding)
            n_rows += cells.height
            progress.advance(n_gone)
            if rows.n_rows:
                yield rows
        progress.finish(f"{n_rows:,} rows")

    return Table(file, tuple(names), encoding, read)


def peek_keys(file: SourceFile, decode: Decode = decode_json) -> set[str]:
    """Return the keys of the first objects of a file of JSON lines; none if it cannot be one."""
    try:
        head = peek_utf8(file, _PEEK_BYTES)
    except BadFile:
        return set()
    whole, _, last = head.rpartition(b"\n")
    lines = whole if len(head) > len(last) else last  # the only line of a file need not end
    keys: set[str] = set()
    for line in itertools.islice(lines.split(b"\n"), _N_PEEKED):
        value, _ = _decoded(line.decode("utf-8", "ignore"), decode)
        keys.update(value or ())
    return keys


def object_cells(value: dict[str, object], names: Iterable[str]) -> list[str]:
    """Return the values of an object under `names` as cells; see `open_json_lines`."""
    return [_cell(value.get(name)) for name in names]


def is_spelled(name: str) -> bool:
    """Say whether a key can be the name of a column: not blank, nor of characters that only JSON can spell."""
    return bool(name.strip()) and "\0" not in name and without_half_surrogates(name) == name


def without_half_surrogates(text: str) -> str:
    """Replace half surrogates, which JSON can spell and UTF-8 cannot."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _names(file: SourceFile, encoding: str, decode: Decode) -> list[str]:
    """Return the keys in the first lines, in the order in which they are met."""
    block, _, _ = next(whole_lines(file, encoding), (b"", 1, 0))
    keys = _keys(block[:_NAMES_BYTES], decode) or _keys(block, decode)
    if not keys:
        found, remedy = "no line that is a JSON object", "check its format, and how it was exported"
        raise BadFile(file.shown, found=found, expected="one JSON object per line", remedy=remedy)
    return [name for name in keys if is_spelled(name)]


def _keys(text: bytes, decode: Decode) -> dict[str, None]:
    keys: dict[str, None] = {}
    for line in text.decode("utf-8", "replace").split("\n"):
        value, _ = _decoded(line, decode)
        keys.update(dict.fromkeys(value or ()))
    return keys


def _parse_fast(text: bytes, names: list[str]) -> tuple[pl.DataFrame, pl.Series, Broken] | None:
    """Parse by Polars, or return None where Polars and the `json` module might disagree."""
    if not names or DAMAGED in text or has_long_line(text):
        return None
    try:
        frame = pl.read_ndjson(text, schema=dict.fromkeys(names, pl.String))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
        return None
    n_lines = text.count(b"\n") + (not text.endswith(b"\n"))
    if frame.height == n_lines:
        lines = np.arange(n_lines)
    else:
        lines = np.array([at for at, line in enumerate(text.split(b"\n")) if line.strip()], np.int64)
    columns = [column.alias("cell").fill_null("") for column in frame.get_columns()]  # a name may be a pattern
    if frame.height != lines.size or any(_is_doubtful(column) for column in columns):
        return None
    cells = [column.alias(name) for column, name in zip(columns, names, strict=True)]
    return pl.DataFrame(cells), pl.Series(lines, dtype=pl.Int64), []


def _is_doubtful(column: pl.Series) -> bool:
    """Say whether any cell may be a list or an object, or held half a surrogate, which Polars makes NUL."""
    nested = column.str.starts_with("[") | column.str.starts_with("{")
    return bool((nested | column.str.contains("\0", literal=True)).any())


def _parse_slow(text: bytes, names: list[str], decode: Decode) -> tuple[pl.DataFrame, pl.Series, Broken]:
    """Parse line by line."""
    kept, lines, broken = list[list[str]](), list[int](), Broken()
    for at, line in enumerate(text.decode("utf-8", "replace").split("\n")):
        value, reason = _decoded(line, decode)
        if value is None:
            if reason:
                broken.append((at, reason, None))  # the line itself may hold a reader
            continue
        cells = object_cells(value, names)
        if any("\0" in cell for cell in cells):
            broken.append((at, UNREADABLE, None))
        else:
            kept.append(cells)
            lines.append(at)
    columns = zip(names, zip(*kept, strict=True) if kept else [()] * len(names), strict=True)
    frame = pl.DataFrame([pl.Series(name, values, pl.String) for name, values in columns])
    return frame, pl.Series(lines, dtype=pl.Int64), broken


def _decoded(line: str, decode: Decode) -> tuple[dict[str, object] | None, str]:
    """Return the object on a line, or why there is none: nothing, if the line is blank."""
    if "\0" in line:
        return None, UNREADABLE
    if not line.strip():
        return None, ""
    if len(line) > MAX_LINE_BYTES or len(line.encode("utf-8", "replace")) > MAX_LINE_BYTES:
        return None, TOO_LONG
    try:
        value = decode(line)
    except (ValueError, RecursionError):
        return None, NOT_JSON
    return (value, "") if isinstance(value, dict) else (None, NO_OBJECT)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return without_half_surrogates(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return format(Decimal(repr(value)), "f").removesuffix(".0")
    if isinstance(value, list) and not any(isinstance(item, dict | list) for item in value):
        return JOINT.join(_cell(item) for item in value)
    if isinstance(value, dict | list):
        return without_half_surrogates(json.dumps(value, ensure_ascii=False))
    return str(value)
