"""What a text file is encoded in, and what is no text."""

from __future__ import annotations

from pathlib import Path

import pytest

from data.errors import BadFile
from tests.data.sources.reading_rows import read


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ("読者,題\n1,吾輩は猫である\n".encode(), "utf-8"),
        ("読者,題\n1,吾輩は猫である\n".encode("utf-8-sig"), "utf-8-sig"),
        ("読者,題\n1,吾輩は猫である\n".encode("utf-16"), "utf-16"),
        (b"\xfe\xff" + "読者,題\n1,吾輩は猫である\n".encode("utf-16-be"), "utf-16"),
        ("読者,題\n1,吾輩は猫である\n".encode("cp932"), "cp932"),
        ("読者,題\n1,吾輩は猫である\n".encode("euc_jp"), "euc_jp"),
    ],
)
def test_japanese_encodings(tmp_path: Path, content: bytes, encoding: str) -> None:
    rows = read(tmp_path, content)
    assert rows.encoding == encoding
    assert rows.cells.to_dicts() == [{"読者": "1", "題": "吾輩は猫である"}]


def test_days_in_japanese_do_not_hide_their_encoding(tmp_path: Path) -> None:
    rows = read(tmp_path, "読者,日\n1,令和5年11月15日\n2,2024年1月2日\n3,2024年1月3日\n".encode("cp932"))
    assert rows.encoding == "cp932"


@pytest.mark.parametrize(
    ("title", "encoding"),
    [("L'Été général à Genève", "latin-1"), ("Größe", "latin-1"), ("L’été “là”", "cp1252")],
)
def test_western_encodings(tmp_path: Path, title: str, encoding: str) -> None:
    rows = read(tmp_path, b"a,b\n1," + title.encode(encoding) + b"\n")
    assert rows.encoding == encoding
    assert rows.cells["b"].item() == title


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty file"),
        (b"\xef\xbb\xbf", "empty file"),
        (b"\n \n,,\n", "only blank lines"),
        (bytes(range(256)) * 4, "binary file"),
        (b"PK\x03\x04rest", "Excel workbook"),
        (b"a,b,a\n1,2,3\n", "column names more than once, the first in column 1"),
    ],
)
def test_files_refused_whole(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(BadFile, match=message) as caught:
        read(tmp_path, content)
    for part in ("t.csv", "found:", "expected:", "to do:"):
        assert part in str(caught.value)
