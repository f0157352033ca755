"""Zip archives: the files in one, checked before any is read. They are read where they are, never written to disk."""

from __future__ import annotations

import io
import re
import stat
import struct
from collections import Counter
from itertools import pairwise
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipExtFile, ZipFile, ZipInfo

from data.errors import BadFile
from data.sources.content import open_regular, refuse_bomb, refusing_damage
from data.sources.names import decoded_name, is_litter
from data.sources.packed import unpacked_limit

MAX_LIST_BYTES = 1 << 25  # of an archive's list of its members: 300,000 or so, 300 MB in memory

_LOCAL_HEADER = struct.Struct("<4s22xHH")
_LOCAL_MARK = b"PK\x03\x04"
_UTF8_FLAG, _ENCRYPTED_FLAG = 0x800, 0x1
_METHODS = (ZIP_STORED, ZIP_DEFLATED)  # zipfile unpacks the others without a bound on memory
_DRIVE = re.compile(r"[A-Za-z]:")
_MARKS_OF_DOCUMENTS = frozenset({"[Content_Types].xml", "mimetype"})
_EXPECTED = "a zip archive of tables"


def list_members(path: Path, shown: str) -> dict[tuple[str, ...], ZipInfo]:
    """Return the files in an archive by their folders and last name, in the order of these.

    A folder that holds everything is left out of the names, and so is what an operating system added.

    Raises
    ------
    BadFile
        If the archive is damaged or encrypted, holds no files or a file twice, holds links or names outside
        itself, is packed in unusual ways, or would unpack to more than is sane.
    """
    with refusing_damage(shown, "a zip archive or an Excel workbook"):
        size, infos = _read_list(path, shown)
    _refuse_bombs(shown, size, infos)
    found = []
    for info in infos:
        name = _name(info)
        parts = _inner_parts(shown, name, info)
        if not name.endswith("/") and not is_litter(parts):
            _refuse_unusual(shown, name, info)
            found.append((parts, info))
    _refuse_sets(shown, [parts for parts, _ in found])
    tops = {parts[:1] for parts, _ in found}
    within = 1 if len(tops) == 1 and all(len(parts) > 1 for parts, _ in found) else 0
    return {parts[within:]: info for parts, info in sorted(found, key=lambda member: member[0])}


def open_member(path: Path, shown: str, info: ZipInfo) -> io.BufferedIOBase:
    """Open a member of an archive without reading its list again, which would take long for each of thousands."""
    file, _ = open_regular(path, shown)
    try:
        with refusing_damage(shown):
            file.seek(info.header_offset)
            header = file.read(_LOCAL_HEADER.size)
            if len(header) < _LOCAL_HEADER.size:
                raise EOFError
            mark, n_name, n_extra = _LOCAL_HEADER.unpack(header)
            if mark != _LOCAL_MARK:
                raise BadZipFile("a member does not begin where the list says")
            file.seek(n_name + n_extra, io.SEEK_CUR)
            return ZipExtFile(file, "r", info, None, True)
    except BaseException:
        file.close()
        raise


class _ListedOnly(io.BufferedReader):
    """An archive of which only the list is read: `ZipFile` does that at once, however long it is."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > MAX_LIST_BYTES:
            raise BadZipFile(f"its list of members has {size:,} bytes")
        return super().read(size)


def _read_list(path: Path, shown: str) -> tuple[int, list[ZipInfo]]:
    opened, size = open_regular(path, shown)
    with _ListedOnly(opened.detach()) as file, ZipFile(file) as archive:
        return size, archive.infolist()


def _refuse_bombs(shown: str, size: int, infos: list[ZipInfo]) -> None:
    """Refuse more than tables unpack to, and members that share bytes so that few bytes can be many files."""
    limit = unpacked_limit(size)
    if sum(info.file_size for info in infos) > limit:
        refuse_bomb(shown, limit)
    ordered = sorted(infos, key=lambda info: info.header_offset)
    for info, following in pairwise(ordered):
        if info.header_offset + _LOCAL_HEADER.size + info.compress_size > following.header_offset:
            raise _refused(shown, "a zip archive whose members overlap, as in a zip bomb", "pack the files again")


def _name(info: ZipInfo) -> str:
    """Return the name of a member, folders divided by ``/``; without the flag of UTF-8, its encoding is unknown."""
    octets = info.orig_filename.encode("utf-8" if info.flag_bits & _UTF8_FLAG else "cp437")
    return decoded_name(octets, otherwise="cp437").replace("\\", "/")  # some tools of Windows divide by that


def _inner_parts(shown: str, name: str, info: ZipInfo) -> tuple[str, ...]:
    """Return folders and last name of a member; refuse a name that leaves the archive, and a link."""
    parts = tuple(part for part in name.split("/") if part not in ("", "."))
    if not parts or ".." in parts or name.startswith("/") or _DRIVE.match(name):
        raise _refused(shown, f"a member named {name[:200]!r}, outside the archive", "pack the files again")
    if stat.S_ISLNK(info.external_attr >> 16):
        raise _refused(shown, f"a link, {name[:200]!r}, instead of a file", "pack the file that it leads to")
    return parts


def _refuse_unusual(shown: str, name: str, info: ZipInfo) -> None:
    if info.flag_bits & _ENCRYPTED_FLAG:
        raise _refused(shown, f"an encrypted member, {name}", "unpack it with its password and name the folder")
    if info.compress_type not in _METHODS:
        found = f"a member, {name}, packed by zip's method {info.compress_type}"
        raise _refused(shown, found, "pack the files again with the usual method (deflate), or unpack them")


def _refuse_sets(shown: str, names: list[tuple[str, ...]]) -> None:
    if not names:
        raise _refused(shown, "a zip archive without files", "check how it was packed")
    if any("/".join(parts) in _MARKS_OF_DOCUMENTS for parts in names):
        raise _refused(shown, "an Excel workbook or another office document", "save the sheet as CSV UTF-8")
    if all(parts[-1].lower().endswith(".zip") for parts in names):
        raise _refused(shown, "zip archives in a zip archive", "unpack the outer one")
    parts, n = Counter(names).most_common(1)[0]
    if n > 1:
        raise _refused(shown, f"{n} members named {'/'.join(parts)}", "keep one of them")


def _refused(shown: str, found: str, remedy: str) -> BadFile:
    return BadFile(shown, found=found, expected=_EXPECTED, remedy=remedy)
