"""Lines of text that may be very long, part by part, with their numbers."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import polars as pl

from data.errors import BadFile
from data.progress import Progress
from data.sources.base import REJECT_COLUMNS
from data.sources.encoding import DAMAGED, text_blocks
from data.sources.records import UNREADABLE
from data.sources.upload import SourceFile
from data.sources.values import Checked, conform

MAX_LONG_LINE_BYTES = 1 << 28  # all the books of one reader may be one line; this is more than there are books


def read_lines(file: SourceFile, encoding: str, progress: Progress) -> Iterator[Checked]:
    """Read the lines of a text, part by part, without blank ones; they end with LF, CRLF or CR.

    Yields
    ------
    Checked
        Columns `file`, `line` (Int64, from 1) and `text`, without outer blanks; and rejects of lines with characters
        that cannot be read.

    Raises
    ------
    BadFile
        If the file cannot be read, or a line is longer than `MAX_LONG_LINE_BYTES`.
    """
    progress.start(f"reading {file.name}", file.size)
    n_lines = gone = 0
    for block, position in _whole_lines(file, encoding):
        texts = block.decode("utf-8").split("\n")
        lines = pl.DataFrame({"text": texts}, schema={"text": pl.String})
        lines = lines.with_row_index("line", n_lines + 1).with_columns(pl.col("line").cast(pl.Int64))
        lines = lines.with_columns(pl.col("text").str.strip_chars(), file=pl.lit(file.name))
        n_lines += len(texts) - 1  # what follows the last newline is empty, or the end of the file
        progress.advance(position - gone)
        gone = position
        is_damaged = pl.col("text").str.contains(DAMAGED.decode(), literal=True)
        yield set_apart_lines(lines.filter(pl.col("text") != ""), is_damaged, UNREADABLE)
    progress.finish(f"{n_lines:,} lines")


def set_apart_lines(lines: pl.DataFrame, is_bad: pl.Expr, reason: str) -> Checked:
    """Split lines by a condition; those that meet it are rejected for `reason`, no column being at fault."""
    bad = lines.select(is_bad.fill_null(False)).to_series()
    rejects = lines.filter(bad).select("file", "line", reason=pl.lit(reason), column=None, found=None)
    return Checked(lines.filter(~bad), conform(rejects, REJECT_COLUMNS))


def _whole_lines(file: SourceFile, encoding: str) -> Iterator[tuple[bytes, int]]:
    """Yield whole lines as UTF-8, ended by LF, and the bytes gone through."""
    kept: list[bytes] = []
    only_returns: bool | None = None
    for block, position in itertools.chain(text_blocks(file, encoding), [(b"", file.size)]):
        if only_returns is None:
            only_returns = b"\n" not in block and b"\r" in block
        text = block.replace(b"\r", b"\n") if only_returns else block
        end = text.rfind(b"\n") + 1
        if end or not block:
            yield b"".join([*kept, text[:end]]), position
            kept = []
        kept.append(text[end:])
        if sum(map(len, kept)) > MAX_LONG_LINE_BYTES:
            found = f"a line of more than {MAX_LONG_LINE_BYTES >> 20} MiB"
            raise BadFile(file.shown, found=found, expected="lines", remedy="check how it was exported")
