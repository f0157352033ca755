"""Delimited text into rows, as tests look at them."""

from __future__ import annotations

from pathlib import Path

from data.progress import Quiet
from data.sources.delimited import open_delimited
from data.sources.rows import Rows
from data.sources.upload import SourceFile, Upload


def read(tmp_path: Path, content: bytes | str, **kwargs: object) -> Rows:
    path = tmp_path / "t.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return open_delimited(file_at(path), **kwargs).whole(Quiet())  # type: ignore[arg-type]  # the options of one test


def file_at(path: Path) -> SourceFile:
    return Upload.open(path).files[0]


def listed(rows: Rows) -> list[tuple[object, ...]]:
    return [(line, *cells) for line, cells in zip(rows.lines, rows.cells.iter_rows(), strict=True)]


def rejected(rows: Rows) -> list[tuple[object, ...]]:
    return rows.rejects.select("line", "reason").rows()
