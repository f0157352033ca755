"""Packed files (gzip, zstd, bzip2, xz): told by their first bytes, not by their names, and unpacked as streams."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol

import zstandard

from data.errors import BadFile

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

HEAD_BYTES = 512  # what is looked at: the mark of a tar archive stands at byte 257

# A gzip file of nothing but blank rows unpacks to a thousand times its size and is harmless; what has to be bounded
# is the time spent on a file made to unpack for ever. Histories unpack to 3 to 20 times their size.
FREE_BYTES = 1 << 30  # read within seconds, whatever the ratio
MAX_RATIO = 200
MAX_BYTES = 1 << 40

_READ_BYTES = 1 << 12  # of zstd, these unpack to at most 128 MiB, however they were made
_UNPACKED_BYTES = 1 << 20
_XZ_MEMORY_BYTES = 1 << 28  # `xz -9` takes a quarter of it


@dataclass(frozen=True)
class Packing:
    """One way to pack a file: its name, how such files begin, and how to open one."""

    name: str
    mark: re.Pattern[bytes]
    unpack: Callable[[io.BufferedIOBase], io.BufferedIOBase]


class _Decompressor(Protocol):
    """What `bz2`, `lzma` and `zstandard` have in common: it unpacks one stream of those that make up a file."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    @property
    def decompress(self) -> Callable[..., bytes]: ...


class _Streams(io.RawIOBase):
    """The streams of a packed file, one after the other; zeros behind one are padding.

    The file readers of those modules take a second stream that is damaged for the end of the file, and that of
    `zstandard` even a first one that ends too early; this does not.
    """

    def __init__(self, packed: io.BufferedIOBase, start: Callable[[], _Decompressor], *limits: int) -> None:
        self._packed = packed
        self._start = start
        self._limits = limits
        self._stream = start()
        self._ready = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        while not self._ready and self._unpack_more():
            pass
        wanted = memoryview(buffer)
        n = min(len(wanted), len(self._ready))
        wanted[:n] = self._ready[:n]
        self._ready = self._ready[n:]
        return n

    def _unpack_more(self) -> bool:
        """Unpack a bit, perhaps to nothing; return False at the end of the file."""
        octets = b""
        if self._stream.eof:
            octets = self._stream.unused_data.lstrip(b"\0")
            while not octets and (padding := self._packed.read(_READ_BYTES)):
                octets = padding.lstrip(b"\0")
            if not octets:
                return False
            self._stream = self._start()
        elif getattr(self._stream, "needs_input", True) and not (octets := self._packed.read(_READ_BYTES)):
            raise EOFError("the file ends within a stream")
        self._ready = memoryview(self._stream.decompress(octets, *self._limits))
        return True


def _open_gzip(packed: io.BufferedIOBase) -> io.BufferedIOBase:
    return gzip.GzipFile(fileobj=packed, mode="rb")


def _open_zstd(packed: io.BufferedIOBase) -> io.BufferedIOBase:
    return io.BufferedReader(_Streams(packed, lambda: zstandard.ZstdDecompressor().decompressobj()))


def _open_bzip2(packed: io.BufferedIOBase) -> io.BufferedIOBase:
    return io.BufferedReader(_Streams(packed, bz2.BZ2Decompressor, _UNPACKED_BYTES))


def _open_xz(packed: io.BufferedIOBase) -> io.BufferedIOBase:
    start = partial(lzma.LZMADecompressor, lzma.FORMAT_XZ, _XZ_MEMORY_BYTES)
    return io.BufferedReader(_Streams(packed, start, _UNPACKED_BYTES))


# Of zstd, also the frames to be skipped that some tools begin with.
PACKINGS = (
    Packing("gzip", re.compile(rb"\x1f\x8b"), _open_gzip),
    Packing("zstd", re.compile(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18"), _open_zstd),
    Packing("bzip2", re.compile(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)"), _open_bzip2),
    Packing("xz", re.compile(rb"\xfd7zXZ\x00"), _open_xz),
)
_ZIP = re.compile(rb"PK(?:\x03\x04|\x05\x06|\x07\x08)")
_REFUSED: tuple[tuple[re.Pattern[bytes], str, str], ...] = (
    (_ZIP, "a zip archive or an Excel workbook within the upload", "unpack it, or save the sheet as CSV UTF-8"),
    (
        re.compile(rb"[^\x00].{256}ustar(?:  )?\x00", re.DOTALL),
        "a tar archive",
        "unpack it with tar -xf and name the folder",
    ),
    (re.compile(rb"7z\xbc\xaf\x27\x1c"), "a 7z archive", "unpack it and name the folder"),
    (re.compile(rb"Rar!\x1a\x07"), "a rar archive", "unpack it and name the folder"),
    (re.compile(rb"\x04\x22\x4d\x18"), "an lz4 file", "unpack it with unlz4"),
    (re.compile(rb"\x1f\x9d"), "a file packed with compress", "unpack it with gunzip"),
)


def packing_of(head: bytes) -> Packing | None:
    """Return how a file with these first bytes is packed, or None if it is not."""
    return next((packing for packing in PACKINGS if packing.mark.match(head)), None)


def is_zip(head: bytes) -> bool:
    """Say whether these are the first bytes of a zip archive."""
    return _ZIP.match(head) is not None


def refuse_archives(shown: str, head: bytes) -> None:
    """Refuse unpacked content that begins like another archive or packed file.

    Raises
    ------
    BadFile
        Saying what it is.
    """
    if (packing := packing_of(head)) is not None:
        found, remedy = f"a {packing.name} file packed twice", "unpack it once"
    else:
        refused = ((found, remedy) for mark, found, remedy in _REFUSED if mark.match(head))
        found, remedy = next(refused, ("", ""))
    if found:
        raise BadFile(shown, found=found, expected="a table, as it is or packed with gzip, zstd or zip", remedy=remedy)


def unpacked_limit(packed_bytes: int) -> int:
    """Return to how many bytes a packed file may unpack."""
    return min(max(FREE_BYTES, MAX_RATIO * packed_bytes), MAX_BYTES)
