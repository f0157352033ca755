"""JSON files that are one document: arrays and objects of objects, or lines after all."""

from __future__ import annotations

from pathlib import Path

import pytest

from data.errors import BadFile
from data.progress import Quiet
from data.sources import json_documents
from data.sources.json_documents import open_json
from data.sources.records import UNREADABLE
from data.sources.rows import Rows
from data.sources.tabular import open_table
from data.sources.upload import SourceFile, Upload


def file_of(path: Path, content: bytes) -> SourceFile:
    path.write_bytes(content)
    (file,) = Upload.open(path).files
    return file


def read(tmp_path: Path, content: bytes) -> Rows:
    return open_json(file_of(tmp_path / "a.json", content)).whole(Quiet())


def test_an_array(tmp_path: Path) -> None:
    content = (
        '\n[ {"t": "こころ",\n   "by": ["A", "B"]},\n\n 5, {"t": 5.0}\n,{"t": "x\\u0000"}, {"t": "last", "t": "x"}]\n'
    )
    rows = read(tmp_path, content.encode("utf-8-sig"))
    assert rows.cells.rows() == [("こころ", "A; B"), ("5", ""), ("last", "")]
    assert rows.lines.to_list() == [2, 5, 6]
    item = "item is not a JSON object"
    assert rows.rejects.rows() == [("a.json", 5, item, None, None), ("a.json", 6, UNREADABLE, None, None)]
    assert (rows.n_rows, rows.encoding) == (5, "utf-8-sig")


@pytest.mark.parametrize(
    "content", [b'{"7": {"t": "a"}, "8": {"t": "b"}}', b'{\n"7":{"t":"a"},\n"8" : {"t": "b"} }\n\n']
)
def test_an_object_of_objects(tmp_path: Path, content: bytes) -> None:
    assert read(tmp_path, content).cells.rows() == [("a",), ("b",)]


@pytest.mark.parametrize(
    ("content", "cells"),
    [
        (b'{"t": "a"}\n{"t": "b"}\n', ["a", "b"]),
        (b'\n{"t": "a"}\n\noops\n{"t": "b"}', ["a", "b"]),
        (b'{"t": {"x": 1}}\n{"t": "b"}\n', ['{"x": 1}', "b"]),
    ],
)
def test_lines(tmp_path: Path, content: bytes, cells: list[str]) -> None:
    assert read(tmp_path, content).cells["t"].to_list() == cells


def test_one_object_is_a_line(tmp_path: Path) -> None:
    assert read(tmp_path, b'{"t": "a", "n": 1}').cells.rows() == [("a", "1")]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b'[{"t": "a"},\n{"t": ', 2),
        (b'[{"t": "a"}', 1),
        (b'[{"t": "a"}\n{"t": "b"}]', 2),
        (b'[{"t": "a"}]\n]', 2),
        (b"5", 1),
        (b'{"t" 5}', 1),
        (b"[" * 100_000, 1),
        (b'[{"t": "a"},\n\n{"t": "\xff"}]', 3),
    ],
)
def test_what_is_damaged_is_refused_with_the_line(tmp_path: Path, content: bytes, line: int) -> None:
    with pytest.raises(BadFile, match=rf"damaged at line {line}\b"):
        read(tmp_path, content)


def test_what_is_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_documents, "MAX_DOCUMENT_BYTES", 10)
    with pytest.raises(BadFile, match="JSON lines"):
        read(tmp_path, b'[{"t": "a"}, {"t": "b"}]')


def test_an_array_of_nothing_has_no_columns(tmp_path: Path) -> None:
    file = file_of(tmp_path / "a.json", b"[]")
    assert open_json(file).whole(Quiet()).n_rows == 0
    with pytest.raises(BadFile, match="columns t"):
        open_table(file, required=("t",))
