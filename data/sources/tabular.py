"""Any table file (CSV, TSV, JSON, Parquet) into rows of strings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import polars as pl
from polars.selectors import by_name

from data.errors import BadFile
from data.progress import Progress
from data.sources.base import REJECT_COLUMNS
from data.sources.delimited import open_delimited
from data.sources.json_documents import open_json
from data.sources.json_lines import open_json_lines
from data.sources.rows import JOINT, Rows, Table, require_columns
from data.sources.upload import SourceFile

PARQUET_SUFFIXES = (".parquet", ".pq")
JSON_LINES_SUFFIXES = (".jsonl", ".ndjson")
JSON_SUFFIXES = (*JSON_LINES_SUFFIXES, ".json")
DELIMITED_SUFFIXES = (".csv", ".tsv", ".txt", ".dat")
TAB_SUFFIXES = (".tsv",)

_PARQUET, _PARQUET_MARK = "parquet", b"PAR1"
_PART_ROWS = 500_000


def open_table(file: SourceFile, *, required: Sequence[str] = (), wanted: Sequence[str] | None = None) -> Table:
    """Open a table by what its suffix says it is; an unknown suffix means delimited text.

    Parameters
    ----------
    file
        The file.
    required
        Columns that must be there.
    wanted
        Other columns to read, where the file has them; None means all of them. Delimited text is read whole.

    Raises
    ------
    BadFile
        If it is not a file of that kind or a required column is missing.
    """
    if file.suffix in PARQUET_SUFFIXES:
        return open_parquet(file, required=required, wanted=wanted)
    if file.suffix in JSON_LINES_SUFFIXES:
        return open_json_lines(file, required=required, wanted=wanted)
    if file.suffix in JSON_SUFFIXES:
        return open_json(file, required=required, wanted=wanted)
    return open_delimited(file, required=required, delimiter="\t" if file.suffix in TAB_SUFFIXES else None)


def open_parquet(file: SourceFile, *, required: Sequence[str] = (), wanted: Sequence[str] | None = None) -> Table:
    """Open a Parquet file; the line of a row is its number.

    Raises
    ------
    BadFile
        If the file is not Parquet, damaged, or a required column is missing or nested.
    """
    with _parquet(file) as content:
        names = list(pl.read_parquet_schema(content))
    require_columns(file.shown, names, required)
    if wanted is not None:
        names = [name for name in names if name in {*required, *wanted}]

    def read(progress: Progress) -> Iterator[Rows]:
        with _parquet(file) as content:
            lazy = pl.scan_parquet(content, glob=False)
            n_rows = int(lazy.select(pl.len()).collect().item())
            progress.start(f"reading {file.name}", n_rows)
            for first in range(0, n_rows, _PART_ROWS):
                frame = lazy.select(by_name(*names)).slice(first, _PART_ROWS).collect()
                cells = pl.DataFrame([_as_text(column) for column in frame.get_columns()])
                lines = pl.int_range(first + 1, first + frame.height + 1, dtype=pl.Int64, eager=True).alias("line")
                progress.advance(frame.height)
                yield Rows(file.name, cells, lines, pl.DataFrame(schema=REJECT_COLUMNS), _PARQUET)
            progress.finish(f"{n_rows:,} rows")

    return Table(file, tuple(names), _PARQUET, read)


@contextmanager
def _parquet(file: SourceFile) -> Iterator[Path | BytesIO]:
    """Give the file to Polars; what it cannot read is refused."""
    try:
        with file.open() as opened:
            if opened.read(len(_PARQUET_MARK)) != _PARQUET_MARK:
                raise BadFile(file.shown, found="no Parquet mark", expected="a Parquet file", remedy="check its suffix")
        with file.seekable() as content:
            yield content
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        found = f"a damaged Parquet file ({str(error).splitlines()[0][:200]})"
        raise BadFile(file.shown, found=found, expected="a Parquet file", remedy="export it again") from error


def _as_text(column: pl.Series) -> pl.Series:
    name, column = column.name, column.alias("cell")  # a name such as `*` is a pattern to Polars
    if isinstance(column.dtype, pl.List):
        column = column.cast(pl.List(pl.String)).list.join(JOINT, ignore_nulls=True)
    return column.cast(pl.String).fill_null("").alias(name)
