"""Uploads: what is found in files and folders, unpacked whole or refused with a reason."""

from __future__ import annotations

import bz2
import errno
import gzip
import io
import lzma
import os
import random
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from data.errors import BadFile
from data.sources import packed, upload
from data.sources.base import Options
from data.sources.upload import Upload

TEXT = "user,book\n1,吾輩は猫である\n".encode() * 500
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zstd": zstandard.ZstdCompressor(write_checksum=True).compress,
    "bzip2": partial(bz2.compress, compresslevel=1),
    "xz": lzma.compress,
}


def contents(path: Path) -> dict[str, bytes]:
    """All that is in an upload, by name."""
    found = {}
    for file in Upload.open(path).files:
        with file.open() as content:
            found[file.name] = content.read()
    return found


def write(path: Path, octets: bytes = b"") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(octets)
    return path


def refused(path: Path, words: str) -> None:
    with pytest.raises(BadFile, match=words) as caught:
        contents(path)
    assert all(part in str(caught.value) for part in (path.name, "found:", "expected:", "to do:"))


@pytest.mark.parametrize("pack", PACKERS.values(), ids=PACKERS)
@pytest.mark.parametrize("name", ["r.csv", "r.csv.gz", "R.zip", "r.csv.ZST"])
def test_packed_files_are_told_by_content(tmp_path: Path, pack: Callable[[bytes], bytes], name: str) -> None:
    named = name.removesuffix(".gz").removesuffix(".ZST")
    assert contents(write(tmp_path / name, pack(TEXT))) == {named: TEXT}
    assert contents(write(tmp_path / name, pack(TEXT) + pack(b"") + pack(b"end"))) == {named: TEXT + b"end"}
    assert contents(write(tmp_path / name, TEXT)) == {named: TEXT}


@pytest.mark.parametrize("pack", [bytes, *PACKERS.values()], ids=["plain", *PACKERS])
def test_read_piece_by_piece(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    text = bytes(range(256)) * 2_000 + random.Random(0).randbytes(200_000)
    file = Upload.open(write(tmp_path / "r.csv", pack(text))).files[0]
    pieces, positions = [], [0]
    with file.open() as content:
        assert content.read(0) == b""
        while piece := content.read(7_001):
            pieces.append(piece)
            positions.append(content.position)
    assert b"".join(pieces) == text
    assert {len(piece) for piece in pieces[:-1]} == {7_001}
    assert positions == sorted(positions)
    assert positions[-1] == file.size == len(pack(text))
    assert len(set(positions)) > 5


def test_names_are_of_the_unpacked_file(tmp_path: Path) -> None:
    for name in ("books.csv.gz", "in/ratings.CSV", "b.json.zst", "c.tsv.zstd", ".gz.csv", "d.csv.bz2", "e.xz"):
        write(tmp_path / name, b"x")
    found = Upload.open(tmp_path)
    assert [file.name for file in found.files] == ["b.json", "books.csv", "c.tsv", "d.csv", "e", "in/ratings.CSV"]
    ratings = found.require("RATINGS.csv")
    assert (ratings.stem, ratings.suffix, ratings.size) == ("ratings", ".csv", 1)
    assert ratings.path == tmp_path / "in" / "ratings.CSV"
    assert ratings.shown == str(ratings.path)
    assert [file.name for file in found.matching("*.csv")] == ["books.csv", "d.csv", "in/ratings.CSV"]
    assert found.find("*.csv") is None
    assert found.single is None


def test_names_in_other_letters(tmp_path: Path) -> None:
    write(tmp_path / "タイトル.csv".encode("cp932").decode("utf-8", "surrogateescape"), b"1")
    write(tmp_path / "cafe\u0301.csv", b"2")  # as macOS takes letters apart
    write(tmp_path / "a\x1b[2J.csv", b"3")
    assert contents(tmp_path) == {"a?[2J.csv": b"3", "caf\u00e9.csv": b"2", "タイトル.csv": b"1"}
    for file in Upload.open(tmp_path).files:
        assert file.shown.encode().decode().isprintable()


def test_what_systems_leave_is_skipped(tmp_path: Path) -> None:
    for name in (
        ".DS_Store",
        "Thumbs.db",
        "Desktop.ini",
        "__MACOSX/r.csv",
        ".git/config",
        "in/.hidden.csv",
        "in/r.csv",
    ):
        write(tmp_path / name, b"x")
    assert list(contents(tmp_path)) == ["in/r.csv"]
    assert contents(tmp_path / ".DS_Store") == {".DS_Store": b"x"}  # named by the user


def test_companions_of_a_single_file(tmp_path: Path) -> None:
    ratings = write(tmp_path / "ratings.csv", b"r")
    books = write(tmp_path / "Books.csv.gz", gzip.compress(b"b"))
    write(tmp_path / "deeper" / "tags.csv", b"t")
    found = Upload.open(ratings)
    assert found.single is not None
    assert [file.name for file in found.files] == ["ratings.csv"]
    assert found.find("books.csv") is None
    companion = found.require("books.csv")
    assert (companion.name, companion.path) == ("Books.csv", books)
    assert found.beside("tags.csv") is None
    with pytest.raises(BadFile, match=r"found: +ratings\.csv\n.*one file tags\.csv\n.*beside the others"):
        found.require("tags.csv")
    write(tmp_path / "books.csv", b"b")
    with pytest.raises(BadFile, match=r"Books\.csv\.gz, .*books\.csv\n.*\n.*keep one of them"):
        found.require("books.csv")
    assert Upload.open(tmp_path / "deeper").beside("ratings.csv") is None


def test_a_relative_path_has_companions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "ratings.csv", b"r")
    write(tmp_path / "books.csv", b"b")
    monkeypatch.chdir(tmp_path)
    assert Upload.open(Path("ratings.csv")).require("books.csv").name == "books.csv"
    assert list(contents(Path())) == ["books.csv", "ratings.csv"]


def test_links_are_followed_but_never_round(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    write(lake / "r.csv", b"r")
    write(lake / "2024" / "s.csv", b"s")
    folder = tmp_path / "folder"
    write(folder / "t.csv", b"t")
    (folder / "linked.csv").symlink_to(lake / "r.csv")
    (folder / "year").symlink_to(lake / "2024")
    (folder / "again").symlink_to(folder)
    (folder / "outer").symlink_to(tmp_path)
    (lake / "2024" / "back").symlink_to(folder)
    assert contents(folder) == {"linked.csv": b"r", "t.csv": b"t", "year/s.csv": b"s"}
    (folder / "broken.csv").symlink_to(tmp_path / "gone.csv")
    assert Upload.open(folder).find("broken.csv") is not None
    with pytest.raises(BadFile, match=r"broken\.csv: refused\.\n.*nothing there"):
        contents(folder)


def test_what_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refused(tmp_path / "none.csv", "nothing there")
    refused(write(tmp_path / "a.csv") / "none.csv", "nothing there")
    (tmp_path / "empty" / ".git").mkdir(parents=True)
    refused(tmp_path / "empty", "a folder without files")
    os.mkfifo(tmp_path / "pipe")
    refused(tmp_path / "pipe", "neither a file nor a folder")  # opened, it would wait for ever
    (tmp_path / "loop").symlink_to("loop")
    refused(tmp_path / "loop", "cannot be read")
    with pytest.raises(BadFile, match="nothing there"):
        Upload.open(Path("a\0b"))

    def deny(path: object, *arguments: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(Path, "open", deny)
    refused(tmp_path / "a.csv", r"cannot be read \(Permission denied\)")
    monkeypatch.setattr(os, "scandir", deny)
    refused(tmp_path, r"cannot be read \(Permission denied\)")


def test_a_disk_that_fails_half_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Failing(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell():
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return super().read(size)

    def open_failing(path: Path, shown: str) -> tuple[io.BytesIO, int]:
        return Failing(bytes(1_000)), 1_000

    file = Upload.open(write(tmp_path / "r.csv", b"x")).files[0]
    monkeypatch.setattr(upload, "open_regular", open_failing)
    with file.open() as content, pytest.raises(BadFile, match=r"cannot be read \(Input/output error\)"):
        content.read()


@pytest.mark.parametrize("name", PACKERS)
def test_truncated_and_damaged(tmp_path: Path, name: str) -> None:
    octets = PACKERS[name](TEXT + random.Random(0).randbytes(5_000))
    for size in (len(octets) - 1, len(octets) // 2, 12):
        refused(write(tmp_path / "r.csv.gz", octets[:size]), "ends too early")
    at = len(octets) // 2
    damaged = octets[:at] + bytes([octets[at] ^ 0xFF]) + octets[at + 1 :]
    refused(write(tmp_path / "r.csv.gz", damaged), "cannot be unpacked")
    refused(write(tmp_path / "r.csv.gz", octets + b"something else"), "cannot be unpacked")
    refused(write(tmp_path / "r.csv.gz", octets + octets[:-1]), "ends too early")
    assert contents(write(tmp_path / "r.csv.gz", octets + bytes(10_000)))["r.csv"].startswith(TEXT)  # as on tapes


@pytest.mark.parametrize(
    ("octets", "words"),
    [
        (gzip.compress(gzip.compress(TEXT)), "packed twice"),
        (zstandard.compress(b"PK\x03\x04 and so on"), "a zip archive"),
        (b"7z\xbc\xaf\x27\x1c....", "a 7z archive"),
        (b"Rar!\x1a\x07\x01\x00", "a rar archive"),
        (b"\x04\x22\x4d\x18....", "an lz4 file"),
        (b"\x1f\x9d\x90....", "packed with compress"),
    ],
)
def test_other_packings(tmp_path: Path, octets: bytes, words: str) -> None:
    refused(write(tmp_path / "r.csv", octets), words)


@pytest.mark.parametrize("suffix", ["tar", "tar.gz"])
def test_tar(tmp_path: Path, suffix: str) -> None:
    inner = write(tmp_path / "r.csv", TEXT)
    with tarfile.open(tmp_path / f"r.{suffix}", "w:gz" if suffix == "tar.gz" else "w") as tar:
        tar.add(inner, "r.csv")
    refused(tmp_path / f"r.{suffix}", r"a tar archive(.|\n)*tar -xf")


def test_text_that_only_looks_packed(tmp_path: Path) -> None:
    for text in (b"BZh9 is a title\n", b"PK,title\n", b"x" * 257 + b"ustard, a cook book\n", b"PAR1", b"\x1f"):
        assert contents(write(tmp_path / "r.csv", text)) == {"r.csv": text}


def test_zip_within_a_folder(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
        archive.writestr("r.csv", TEXT)
    write(tmp_path / "s.csv", b"s")
    found = Upload.open(tmp_path)
    with found.require("s.csv").open() as content:
        assert content.read() == b"s"
    with pytest.raises(BadFile, match=r"in\.zip: refused\.\n.*a zip archive"):
        found.require("in.zip").open()


def test_a_file_that_unpacks_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blank_rows = write(tmp_path / "blank.csv.gz", gzip.compress(b",,,\n" * 1_000_000))
    assert len(contents(blank_rows)["blank.csv"]) > packed.MAX_RATIO * blank_rows.stat().st_size  # and harmless
    monkeypatch.setattr(packed, "FREE_BYTES", 1_000_000)
    refused(blank_rows, "unpacks to more than")
    monkeypatch.setattr(packed, "MAX_RATIO", 2_000)
    assert len(contents(blank_rows)["blank.csv"]) == 4_000_000
    monkeypatch.setattr(packed, "MAX_BYTES", 3_000_000)
    refused(blank_rows, "unpacks to more than")
    assert len(contents(write(tmp_path / "plain.csv", bytes(4_000_000)))["plain.csv"]) == 4_000_000


def test_limits_let_every_table_through() -> None:
    gib = 1 << 30
    assert packed.unpacked_limit(1) == gib
    assert packed.unpacked_limit(12 * gib) == min(200 * 12 * gib, 1024 * gib)


def test_seekable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = write(tmp_path / "r.parquet", TEXT)
    with Upload.open(plain).files[0].seekable() as opened:
        assert opened == plain
    file = Upload.open(write(tmp_path / "s.parquet.gz", gzip.compress(TEXT))).files[0]
    with file.seekable() as opened:
        assert isinstance(opened, io.BytesIO)
        assert opened.getvalue() == TEXT
    monkeypatch.setattr(upload, "MAX_SEEKABLE_BYTES", len(TEXT) - 1)
    with pytest.raises(BadFile, match=r"(?s)cannot be read in order.*unpack it"), file.seekable():
        raise AssertionError


@settings(max_examples=300, deadline=None)
@given(
    head=st.sampled_from([b"", b"\x1f\x8b", b"\x1f\x8b\x08\x00", b"\x28\xb5\x2f\xfd", b"BZh91AY&SY", b"\xfd7zXZ\x00"]),
    tail=st.binary(max_size=2_000),
)
def test_any_bytes_are_read_or_refused(head: bytes, tail: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder) / "r.csv.gz", head + tail)
        try:
            found = contents(path)
        except BadFile:
            return
        assert list(found) == ["r.csv"]
        assert head or found["r.csv"] == tail


@settings(max_examples=300, deadline=None)
@given(name=st.sampled_from(sorted(PACKERS)), data=st.data())
def test_damage_is_never_read_as_something_else(name: str, data: st.DataObject) -> None:
    octets = bytearray(PACKERS[name](TEXT[:3_000]))
    at = data.draw(st.integers(10, len(octets) - 1))
    octets[at] = data.draw(st.integers(0, 255))
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder) / "r.csv", bytes(octets[: data.draw(st.integers(10, len(octets)))]))
        with suppress(BadFile):
            assert contents(path) == {"r.csv": TEXT[:3_000]}


@pytest.mark.parametrize(
    ("name", "reader"),
    [
        ("Carol.CSV", "Carol"),
        ("Carol.csv.gz", "Carol"),
        ("J. Smith.Csv", "J. Smith"),
        ("ann/goodreads_library_export.csv", "ann/goodreads_library_export"),
        ("ann.b/export", "ann.b/export"),
    ],
)
def test_the_reader_of_an_export_goes_by_its_name(tmp_path: Path, name: str, reader: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(gzip.compress(b"a,b\n") if name.endswith(".gz") else b"a,b\n")
    (tmp_path / "other.txt").write_text("x")
    (file,) = (file for file in Upload.open(tmp_path).files if file.name != "other.txt")
    assert Options().reader_of(file) == reader
    assert Options(reader="me").reader_of(file) == "me"
