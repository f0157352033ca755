"""The content of a file of an upload, unpacked as it is read; whatever goes wrong is a `BadFile`."""

from __future__ import annotations

import gzip
import lzma
import stat
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BufferedIOBase, BufferedReader
from pathlib import Path
from typing import Self
from zipfile import BadZipFile

import zstandard

from data.errors import BadFile
from data.sources.packed import HEAD_BYTES, packing_of, refuse_archives, unpacked_limit

_CHUNK_BYTES = 1 << 20
_DAMAGE = (
    zlib.error,
    lzma.LZMAError,
    zstandard.ZstdError,
    gzip.BadGzipFile,
    BadZipFile,
    NotImplementedError,  # zipfile: a version of zip that does not exist
    struct.error,
    ValueError,  # zipfile: a name that is no UTF-8, a place before the start
    OverflowError,
    MemoryError,
)


class Content:
    """The unpacked bytes of a file, read once from start to end; a context manager.

    Parameters
    ----------
    shown
        How messages call the file.
    raw
        It, as it lies on the disk or in an archive; closed at the end.
    size
        Bytes on disk of `raw`.
    passed
        Tells how many of them have been gone through; None if they are what `raw` gives.

    Attributes
    ----------
    is_packed
        Whether it had to be unpacked.
    """

    def __init__(self, shown: str, raw: BufferedIOBase, size: int, passed: Callable[[], int] | None = None) -> None:
        self._shown = shown
        self._raw = raw
        self._stream = raw
        self._passed = passed or raw.tell
        self._n_read = 0
        self._limit = unpacked_limit(size)
        with refusing_damage(shown):
            self._head = raw.read(HEAD_BYTES)
            if (packing := packing_of(self._head)) is not None:
                raw.seek(0)
                self._stream = packing.unpack(raw)
                self._head = self._stream.read(HEAD_BYTES)
        self.is_packed = packing is not None
        refuse_archives(shown, self._head)

    def read(self, size: int = -1) -> bytes:
        """Return the next `size` bytes, fewer only at the end; all that is left if negative.

        Raises
        ------
        BadFile
            If the content is damaged, cannot be read, or unpacks to more than is sane.
        """
        if size < 0:
            return b"".join(iter(lambda: self.read(_CHUNK_BYTES), b""))
        octets, self._head = self._head[:size], self._head[size:]
        if len(octets) < size:
            with refusing_damage(self._shown):
                octets += self._stream.read(size - len(octets))
        self._n_read += len(octets)
        if self.is_packed and self._n_read > self._limit:
            refuse_bomb(self._shown, self._limit)
        return octets

    @property
    def position(self) -> int:
        """Bytes of `SourceFile.size` gone through so far."""
        return self._passed()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._stream.close()
        self._raw.close()


@contextmanager
def refusing_damage(shown: str, what: str = "a packed file") -> Iterator[None]:
    """Turn what reading and unpacking raise into `BadFile`, which calls it `what` if it is damaged."""
    again = "copy or download it again; if it unpacks elsewhere, name the unpacked file"
    try:
        yield
    except EOFError as error:
        raise _unreadable(shown, f"{what} that ends too early", again) from error
    except _DAMAGE as error:
        raise _unreadable(shown, f"{what} that cannot be unpacked ({_reason(error)})", again) from error
    except OSError as error:
        if error.errno is None:  # that is how bz2 says that a file is damaged
            raise _unreadable(shown, f"{what} that cannot be unpacked ({_reason(error)})", again) from error
        found = f"a file that cannot be read ({error.strerror})"
        raise _unreadable(shown, found, "check its permissions, and the disk it lies on") from error


def refuse_bomb(shown: str, limit: int) -> None:
    """Refuse a file that unpacks to more than `limit` bytes."""
    found = f"a packed file that unpacks to more than {limit / (1 << 30):,.1f} GiB, far more than tables do"
    raise _unreadable(shown, found, "if you trust it, unpack it and name what comes out")


def open_regular(path: Path, shown: str) -> tuple[BufferedReader, int]:
    """Open a file on disk; return it and its size.

    Raises
    ------
    BadFile
        If it is not there, no regular file (to open a pipe would wait for ever), or closed to us.
    """
    with refusing_damage(shown):
        try:
            status = path.stat()
        except (FileNotFoundError, NotADirectoryError, ValueError) as error:
            raise _unreadable(shown, "nothing there", "check the name and the folder") from error
        if stat.S_ISDIR(status.st_mode):
            raise _unreadable(shown, "a folder", "name one of the files in it")
        if not stat.S_ISREG(status.st_mode):
            raise _unreadable(shown, "neither a file nor a folder", "copy its content into a file")
        return path.open("rb"), status.st_size


def _unreadable(shown: str, found: str, remedy: str) -> BadFile:
    return BadFile(shown, found=found, expected="a file that can be read to its end", remedy=remedy)


def _reason(error: BaseException) -> str:
    """The first words of an error, which may quote what it found."""
    return (str(error).splitlines() or [""])[0][:80] or type(error).__name__
