"""Zip archives: read where they are, or refused whole with the member that is at fault."""

from __future__ import annotations

import gzip
import io
import tempfile
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.errors import BadFile
from data.sources import archive, packed
from data.sources.upload import Upload
from tests.data.sources.test_upload import TEXT, contents, refused, write

LISTED = b"PK\x01\x02"  # begins what the list at the end of an archive says of a member


def zipped(members: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An archive of these members."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as opened:
        for name, octets in members.items():
            opened.writestr(name, octets)
    return buffer.getvalue()


def listed_as(octets: bytes, at: int, value: bytes) -> bytes:
    """The archive, with another value at a place of what its list says of the first member."""
    start = octets.index(LISTED) + at
    return octets[:start] + value + octets[start + len(value) :]


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_members_by_name(tmp_path: Path, method: int) -> None:
    members = {
        "export/": b"",
        "export/r.csv": TEXT,
        "export/in/books.csv.gz": gzip.compress(b"b" * 9),
        "export/.hidden": b"x",
        "__MACOSX/export/._r.csv": b"x",
        "export/Thumbs.db": b"x",
        "export/empty.csv": b"",
    }
    path = write(tmp_path / "export.bin", zipped(members, method))
    assert contents(path) == {"empty.csv": b"", "in/books.csv": b"b" * 9, "r.csv": TEXT}
    found = Upload.open(path)
    books = found.require("books.csv")
    assert (books.name, books.path) == ("in/books.csv", path)
    assert books.shown == f"in/books.csv.gz in {path}"
    write(tmp_path / "tags.csv", b"beside the archive, not in it")
    assert found.beside("tags.csv") is None
    assert sorted(tmp_path.iterdir()) == [path, tmp_path / "tags.csv"]


def test_only_a_folder_around_everything_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    assert list(contents(write(path, zipped({"a/r.csv": b"r", "s.csv": b"s"})))) == ["a/r.csv", "s.csv"]
    assert list(contents(write(path, zipped({"a/r.csv": b"r", "b/r.csv": b"s"})))) == ["a/r.csv", "b/r.csv"]
    assert list(contents(write(path, zipped({"a/b/r.csv": b"r", ".x": b"", "./a/s.csv": b""})))) == ["b/r.csv", "s.csv"]


def test_progress_is_of_the_packed_bytes(tmp_path: Path) -> None:
    members = {"r.csv": TEXT * 100, "s.csv.gz": gzip.compress(TEXT * 1_000, 1)}
    for file in Upload.open(write(tmp_path / "a.zip", zipped(members))).files:
        positions = []
        with file.open() as content:
            while content.read(100_001):
                positions.append(content.position)
        assert positions == sorted(positions)
        assert len(set(positions)) > 5
        assert positions[-1] == file.size < (tmp_path / "a.zip").stat().st_size


def test_seekable_member(tmp_path: Path) -> None:
    file = Upload.open(write(tmp_path / "a.zip", zipped({"r.parquet": TEXT}, zipfile.ZIP_STORED))).files[0]
    with file.seekable() as opened:
        assert isinstance(opened, io.BytesIO)
        assert opened.getvalue() == TEXT


@pytest.mark.parametrize("encoding", ["cp932", "utf-8", "cp437"])
def test_names_that_do_not_tell_their_encoding(tmp_path: Path, encoding: str) -> None:
    name = "café.csv" if encoding == "cp437" else "表/読書メーター.csv"  # 表 ends in a backslash in CP932
    octets = name.encode(encoding)
    path = write(tmp_path / "a.zip", zipped({"x" * len(octets): b"r", "s": b"s"}).replace(b"x" * len(octets), octets))
    assert contents(path) == {name: b"r", "s": b"s"}


def test_folders_divided_as_on_windows(tmp_path: Path) -> None:
    assert list(contents(write(tmp_path / "a.zip", zipped({"a\\": b"", "a\\r.csv": b"r", "s.csv": b"s"})))) == [
        "a/r.csv",
        "s.csv",
    ]


@pytest.mark.parametrize(
    "name",
    ["../r.csv", "a/../../r.csv", "/etc/passwd", "C:\\r.csv", "c:r.csv", "..\\r.csv", "\\\\server\\r.csv", "../", "."],
)
def test_a_path_that_leaves_the_archive(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / "a.zip", zipped({"fine.csv": b"f", name: b"r"}))
    with pytest.raises(BadFile, match=r"a\.zip: refused\.\n.*outside the archive") as caught:
        Upload.open(path)
    assert repr(name.replace("\\", "/")) in str(caught.value)


def test_a_link(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("r.csv")
    info.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as opened:
        opened.writestr(info, "/etc/passwd")
    refused(tmp_path / "a.zip", r"a link, 'r\.csv'")


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({}, "without files"),
        ({"a/": b"", "__MACOSX/r.csv": b""}, "without files"),
        ({"a.zip": zipped({"r.csv": TEXT}), "b.ZIP": b""}, r"(?s)zip archives in a zip archive.*unpack the outer one"),
        ({"r.csv": zipped({"r.csv": TEXT})}, "a zip archive or an Excel workbook"),
        ({"r.csv.gz": gzip.compress(gzip.compress(TEXT))}, "packed twice"),
        ({"[Content_Types].xml": b"", "xl/workbook.xml": b""}, r"(?s)an Excel workbook.*CSV UTF-8"),
        ({"mimetype": b"application/epub+zip", "content.xml": b""}, "another office document"),
    ],
)
def test_archives_without_tables(tmp_path: Path, members: dict[str, bytes], words: str) -> None:
    refused(write(tmp_path / "a.zip", zipped(members)), words)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_twice(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as opened:
        opened.writestr("r.csv", "1")
        opened.writestr("./r.csv", "2")
    refused(tmp_path / "a.zip", r"2 members named r\.csv")


@pytest.mark.parametrize(
    ("at", "value", "words"),
    [
        (8, b"\x01\x00", r"(?s)an encrypted member, r\.csv.*password"),
        (10, b"\x09\x00", r"(?s)packed by zip's method 9.*deflate"),
        (6, b"\xff\x00", "zip file version 25.5"),
        (16, b"\x00\x00\x00\x00", "Bad CRC-32"),
        (42, b"\x01\x00\x00\x00", "does not begin where the list says"),
        (42, b"\x00\xff\x00\x00", "ends too early"),
    ],
)
def test_what_the_list_says(tmp_path: Path, at: int, value: bytes, words: str) -> None:
    refused(write(tmp_path / "a.zip", listed_as(zipped({"r.csv": TEXT}), at, value)), words)


def test_truncated_and_damaged(tmp_path: Path) -> None:
    octets = zipped({"r.csv": TEXT}, zipfile.ZIP_STORED)
    for size in (len(octets) - 1, len(octets) // 2, 5):
        refused(write(tmp_path / "a.zip", octets[:size]), "cannot be unpacked")
    refused(write(tmp_path / "a.zip", octets.replace(b"500", b"501").replace(b"user", b"usex")), "Bad CRC-32")
    assert contents(write(tmp_path / "a.zip", octets + b"a comment nobody announced")) == {"r.csv": TEXT}


def test_bombs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blank_rows = b",,,\n" * 100_000
    many = write(tmp_path / "many.zip", zipped({f"{i}.csv": blank_rows for i in range(10)}))
    nested = write(tmp_path / "nested.zip", zipped({"r.csv.gz": gzip.compress(blank_rows * 10)}))
    assert sum(map(len, contents(many).values())) > packed.MAX_RATIO * many.stat().st_size  # harmless
    assert contents(nested) == {"r.csv": blank_rows * 10}
    monkeypatch.setattr(packed, "FREE_BYTES", 3_000_000)
    refused(many, "unpacks to more than")
    refused(nested, "unpacks to more than")


def test_members_that_share_bytes(tmp_path: Path) -> None:
    """A few bytes listed a thousand times, as D. Fifield's bomb does (A better zip bomb, WOOT 2019)."""
    octets = zipped({"a.csv": TEXT, "b.csv": TEXT})
    second = octets.rindex(LISTED) + 42
    refused(write(tmp_path / "a.zip", octets[:second] + bytes(4) + octets[second + 4 :]), "members overlap")


def test_a_list_too_long_for_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.zip", zipped({f"{i:03}.csv": b"" for i in range(100)}))
    n_bytes = 100 * (46 + len("000.csv"))
    monkeypatch.setattr(archive, "MAX_LIST_BYTES", n_bytes)
    assert len(contents(path)) == 100
    monkeypatch.setattr(archive, "MAX_LIST_BYTES", n_bytes - 1)
    refused(path, "its list of members has 5,300 bytes")


ZIP = zipped({"a/r.csv": TEXT[:2_000], "a/s.csv": TEXT[:2_000]})
STORED = zipped({"r.csv": TEXT[:2_000]}, zipfile.ZIP_STORED)


@settings(max_examples=300, deadline=None)
@given(head=st.sampled_from([b"PK\x03\x04", b"PK\x05\x06", ZIP[:60]]), body=st.binary(max_size=500), data=st.data())
def test_any_bytes_are_read_or_refused(head: bytes, body: bytes, data: st.DataObject) -> None:
    tail = data.draw(st.sampled_from([b"", ZIP[-22:], ZIP[ZIP.index(LISTED) :]]))
    with tempfile.TemporaryDirectory() as folder, suppress(BadFile):
        assert all(
            octets == TEXT[:2_000] for octets in contents(write(Path(folder) / "a.zip", head + body + tail)).values()
        )


@settings(max_examples=500, deadline=None)
@given(octets=st.sampled_from([ZIP, STORED]), data=st.data())
def test_damage_is_never_read_as_something_else(octets: bytes, data: st.DataObject) -> None:
    where = st.integers(4, len(octets) - 1) | st.integers(octets.index(LISTED), len(octets) - 1)
    damaged = bytearray(octets)
    for at in data.draw(st.lists(where, min_size=1, max_size=3)):
        damaged[at] = data.draw(st.integers(0, 255))
    with tempfile.TemporaryDirectory() as folder, suppress(BadFile):
        assert set(contents(write(Path(folder) / "a.zip", bytes(damaged))).values()) <= {TEXT[:2_000]}
