"""What a user hands over, a file, a folder or an archive, as named files that open as plain bytes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import partial
from io import BufferedIOBase, BytesIO
from pathlib import Path, PurePosixPath
from typing import NoReturn
from zipfile import ZipInfo

from data.errors import BadFile
from data.sources.archive import list_members, open_member
from data.sources.content import Content, open_regular, refusing_damage
from data.sources.names import decoded_name, is_litter, shown_path, upload_name
from data.sources.packed import HEAD_BYTES, is_zip

__all__ = ["Content", "SourceFile", "Upload"]

MAX_SEEKABLE_BYTES = 1 << 29  # of a packed file that has to be in memory as a whole

_PROBE_BYTES = 1 << 16
_N_SHOWN = 10


@dataclass(frozen=True)
class SourceFile:
    """One file of an upload, on disk or in an archive.

    Attributes
    ----------
    name
        Its path within the upload, folders divided by ``/``, without the suffix of a packed file: the
        ``books.csv`` of ``books.csv.gz``.
    shown
        How messages call it.
    path
        The regular file on disk whose bytes hold it: itself, or the archive.
    member
        What the archive says of it; None if it is not in one.
    """

    name: str
    shown: str
    path: Path
    member: ZipInfo | None = field(default=None, repr=False, compare=False)

    @property
    def stem(self) -> str:
        """The last part of its name, without the suffix."""
        return Path(self.name).stem

    @property
    def name_without_suffix(self) -> str:
        """Its name with its folders and without the suffix, whatever the suffix's case."""
        return str(PurePosixPath(self.name).with_suffix(""))

    @property
    def suffix(self) -> str:
        """The suffix of its name, in lower case."""
        return Path(self.name).suffix.lower()

    @property
    def size(self) -> int:
        """Bytes on disk that are gone through when it is read (packed, if it is)."""
        if self.member is not None:
            return self.member.compress_size
        with refusing_damage(self.shown):
            return self.path.stat().st_size

    def open(self) -> Content:
        """Open its content, unpacked, to be read from the start.

        Raises
        ------
        BadFile
            If it cannot be opened. Reading raises it too, if the content is damaged or unpacks to more than is sane.
        """
        with ExitStack() as stack:
            if (member := self.member) is None:
                raw, size = open_regular(self.path, self.shown)
                content = Content(self.shown, stack.enter_context(raw), size)
            else:
                inner = stack.enter_context(open_member(self.path, self.shown, member))
                content = Content(self.shown, inner, self.size, partial(_packed_position, inner, member))
            stack.pop_all()
            return content

    @contextmanager
    def seekable(self) -> Iterator[Path | BytesIO]:
        """Give its content to those who must jump about in it, as Parquet does: its path or, if packed, a buffer.

        Raises
        ------
        BadFile
            If it cannot be read, or is packed and too large to be unpacked into memory.
        """
        with self.open() as content:
            if self.member is None and not content.is_packed:
                yield self.path
                return
            octets = content.read(MAX_SEEKABLE_BYTES + 1)
        if len(octets) > MAX_SEEKABLE_BYTES:
            found = f"a packed file of more than {MAX_SEEKABLE_BYTES >> 20} MiB that cannot be read in order"
            raise BadFile(self.shown, found=found, expected="such a file unpacked", remedy="unpack it")
        yield BytesIO(octets)


@dataclass(frozen=True)
class Upload:
    """A file, folder or archive, and the files in it.

    Attributes
    ----------
    path
        As the user named it.
    files
        Every file in it, by name; hidden ones and the droppings of operating systems left out.
    """

    path: Path
    files: tuple[SourceFile, ...]

    @classmethod
    def open(cls, path: Path) -> Upload:
        """Look into `path`.

        Links in a folder are followed, wherever they lead (a folder of links to where the data lie is usual), but
        no folder is entered twice.

        Raises
        ------
        BadFile
            If nothing is there, it is a folder without files, a file that cannot be read, or an archive that
            cannot be read or names files outside itself.
        """
        shown = shown_path(path)
        with refusing_damage(shown):
            files = _in_folder(path) if path.is_dir() else _in_file(path, shown)
        if not files:
            raise BadFile(
                shown, found="a folder without files", expected="files", remedy="check the name of the folder"
            )
        upload = cls(path, tuple(files))
        if (file := upload.single) is not None:  # what is wrong with it is said here, not by every format in turn
            with file.open() as content:
                content.read(_PROBE_BYTES)
        return upload

    @property
    def single(self) -> SourceFile | None:
        """The only file of the upload, or None if there are several."""
        return self.files[0] if len(self.files) == 1 else None

    def find(self, pattern: str) -> SourceFile | None:
        """Return the only file whose last name matches a pattern such as ``ratings*.csv``, whatever its case.

        None if no file matches, or several do.
        """
        return _only(self.matching(pattern))

    def matching(self, pattern: str) -> list[SourceFile]:
        """Return every file whose last name matches, in the order of their names."""
        return [file for file in self.files if fnmatchcase(Path(file.name).name.lower(), pattern.lower())]

    def beside(self, pattern: str) -> SourceFile | None:
        """Return what `find` returns or, for a single file, its only match in the folder it lies in."""
        return _only(self._near(pattern))

    def require(self, pattern: str) -> SourceFile:
        """Return what `beside` returns; BadFile if that is nothing."""
        near = self._near(pattern)
        if (file := _only(near)) is not None:
            return file
        shown = [file.shown for file in near] or [file.name for file in self.files]
        more = f" and {len(shown) - _N_SHOWN:,} more" if len(shown) > _N_SHOWN else ""
        raise BadFile(
            shown_path(self.path),
            found=", ".join(shown[:_N_SHOWN]) + more,
            expected=f"one file {pattern}",
            remedy="keep one of them" if near else "put it beside the others",
        )

    def _near(self, pattern: str) -> list[SourceFile]:
        file, found = self.single, self.matching(pattern)
        if found or file is None or file.member is not None or file.path != self.path:
            return found
        with refusing_damage(shown_path(self.path.parent)):
            around = _in_folder(self.path.parent, deep=False)
        return Upload(self.path.parent, tuple(around)).matching(pattern)


def _only(files: list[SourceFile]) -> SourceFile | None:
    return files[0] if len(files) == 1 else None


def _in_file(path: Path, shown: str) -> list[SourceFile]:
    opened, _ = open_regular(path, shown)
    with opened:
        head = opened.read(HEAD_BYTES)
    if not is_zip(head):
        return [_on_disk(path, [path.name])]
    return [
        SourceFile(upload_name(parts), f"{'/'.join(parts)} in {shown}", path, info)
        for parts, info in list_members(path, shown).items()
    ]


def _in_folder(folder: Path, *, deep: bool = True) -> list[SourceFile]:
    """Return the files in a folder, by name; no folder is entered twice, nor one that the folder itself lies in."""
    seen = {_identity(outer) for outer in folder.resolve().parents}
    found: dict[tuple[str, ...], Path] = {}
    for at, folders, names in os.walk(folder, onerror=_raise, followlinks=True):
        if (identity := _identity(Path(at))) in seen or not deep:
            folders.clear()
        if identity in seen:
            continue
        seen.add(identity)
        inner = Path(at).relative_to(folder).parts
        folders[:] = sorted(name for name in folders if not is_litter([name]))
        found |= {(*inner, name): Path(at, name) for name in names if not is_litter([name])}
    return [_on_disk(path, parts) for parts, path in sorted(found.items())]


def _on_disk(path: Path, parts: Sequence[str]) -> SourceFile:
    return SourceFile(upload_name([decoded_name(os.fsencode(part)) for part in parts]), shown_path(path), path)


def _identity(folder: Path) -> tuple[int, int]:
    status = folder.stat()
    return status.st_dev, status.st_ino


def _raise(error: OSError) -> NoReturn:
    with refusing_damage(shown_path(Path(error.filename))):
        raise error


def _packed_position(opened: BufferedIOBase, member: ZipInfo) -> int:
    return round(opened.tell() / max(member.file_size, 1) * member.compress_size)
