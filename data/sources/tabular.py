"""Any table file (CSV, TSV, JSON lines, Parquet) into rows of strings."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from data.errors import BadFile
from data.progress import Progress
from data.sources.base import REJECT_COLUMNS
from data.sources.delimited import read_delimited
from data.sources.encoding import read_utf8, require_file
from data.sources.rows import Rows, reject_frame, require_columns

PARQUET_SUFFIXES = (".parquet", ".pq")
JSON_SUFFIXES = (".jsonl", ".ndjson")
DELIMITED_SUFFIXES = (".csv", ".tsv", ".txt", ".dat")
TAB_SUFFIXES = (".tsv",)

_PARQUET_MARK = b"PAR1"
_JOINT = "; "  # between the items of a list, as in several authors


def read_table(path: Path, progress: Progress, *, required: Sequence[str] = ()) -> Rows:
    """Read a table by what its suffix says it is; an unknown suffix means delimited text.

    Raises
    ------
    BadFile
        If it is not a file of that kind or a required column is missing.
    """
    suffix = path.suffix.lower()
    if suffix in PARQUET_SUFFIXES:
        return read_parquet(path, progress, required=required)
    if suffix in JSON_SUFFIXES:
        return read_json_lines(path, progress, required=required)
    return read_delimited(path, progress, required=required, delimiter="\t" if suffix in TAB_SUFFIXES else None)


def read_json_lines(path: Path, progress: Progress, *, required: Sequence[str] = ()) -> Rows:
    """Read one JSON object per line; lines that are none are rejected, a missing key is an empty cell.

    A list becomes its items joined by semicolons; null is the empty cell.

    Raises
    ------
    BadFile
        If the file is not text, or no object has a required key.
    """
    data, encoding = read_utf8(path)
    texts = data.decode("utf-8").replace("\r\n", "\n").split("\n")
    progress.start(f"reading {path.name}", len(texts))
    objects: list[dict[str, object]] = []
    lines: list[int] = []
    broken: list[tuple[int, str, str | None]] = []
    for line, text in enumerate(texts, 1):
        if not text.strip():
            continue
        value, reason = _json_object(text)
        if value is None:
            broken.append((line, reason, None))  # the line itself may hold a reader
        else:
            objects.append(value)
            lines.append(line)
    names = list(dict.fromkeys(name for value in objects for name in value))
    require_columns(path, names, required)
    cells = pl.DataFrame([pl.Series(_whole(name), [_cell(o.get(name)) for o in objects], pl.String) for name in names])
    progress.advance(len(texts))
    progress.finish(f"{len(objects):,} rows")
    return Rows(path.name, cells, pl.Series("line", lines, pl.Int64), reject_frame(path.name, broken), encoding)


def read_parquet(path: Path, progress: Progress, *, required: Sequence[str] = ()) -> Rows:
    """Read the required columns of a Parquet file, or all if none are; the line of a row is its number.

    Raises
    ------
    BadFile
        If the file is not Parquet, damaged, or a required column is missing or nested.
    """
    require_file(path)
    progress.start(f"reading {path.name}", 1)
    try:
        with path.open("rb") as file:
            is_parquet = file.read(len(_PARQUET_MARK)) == _PARQUET_MARK
        if not is_parquet:
            raise BadFile(path, found="no Parquet mark", expected="a Parquet file", remedy="check its suffix")
        names = list(pl.read_parquet_schema(path))
        require_columns(path, names, required)
        frame = pl.read_parquet(path, columns=list(dict.fromkeys(required)) or None, glob=False)
        cells = pl.DataFrame([_as_text(column) for column in frame.get_columns()])
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        found = f"a damaged Parquet file ({str(error).splitlines()[0][:200]})"
        raise BadFile(path, found=found, expected="a Parquet file", remedy="export it again") from error
    progress.advance()
    progress.finish(f"{cells.height:,} rows")
    lines = pl.int_range(1, cells.height + 1, dtype=pl.Int64, eager=True).alias("line")
    return Rows(path.name, cells, lines, pl.DataFrame(schema=REJECT_COLUMNS), "parquet")


def _json_object(text: str) -> tuple[dict[str, object] | None, str]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None, "line is not JSON"
    return (value, "") if isinstance(value, dict) else (None, "line is not a JSON object")


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return _whole(value)
    if isinstance(value, list):
        return _JOINT.join(_cell(item) for item in value)
    return _whole(json.dumps(value, ensure_ascii=False)) if isinstance(value, dict) else str(value)


def _whole(text: str) -> str:
    """Replace half surrogates, which JSON can spell and UTF-8 cannot."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _as_text(column: pl.Series) -> pl.Series:
    name, column = column.name, column.alias("cell")  # a name such as `*` is a pattern to Polars
    if isinstance(column.dtype, pl.List):
        column = column.cast(pl.List(pl.String)).list.join(_JOINT, ignore_nulls=True)
    return column.cast(pl.String).fill_null("").alias(name)
