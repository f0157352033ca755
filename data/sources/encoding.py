"""Files into UTF-8: what a file is and how its text is encoded, decided before anything is parsed."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from data.errors import BadFile

# What a person is most likely to hand over instead of text, by the first bytes.
_SIGNATURES: tuple[tuple[bytes, str, str], ...] = (
    (b"PK\x03\x04", "a zip archive or an Excel workbook", "unpack it, or save the sheet as CSV UTF-8"),
    (b"\x1f\x8b", "a gzip archive", "unpack it with gunzip"),
    (b"BZh", "a bzip2 archive", "unpack it with bunzip2"),
    (b"\xfd7zXZ\x00", "an xz archive", "unpack it with unxz"),
    (b"PAR1", "a Parquet file", "name it *.parquet"),
    (b"%PDF", "a PDF document", "export the table as CSV UTF-8"),
)
_TEXT = "a text file"
_SAVE_AS_UTF8 = "save the file as UTF-8 and try again"
_NON_ASCII_RUN = re.compile(r"[^\x00-\x7f]+")
_C1_CONTROL = re.compile(r"[\x80-\x9f]")
# With fewer than 1 in 4 non-ASCII characters broken, a text is damaged UTF-8: other encodings rarely fit.
_DAMAGE_SHARE = 0.25


def require_file(path: Path) -> None:
    """Refuse a path that is not a readable regular file.

    Raises
    ------
    BadFile
        If nothing is there, or it is a folder, a pipe or a device.
    """
    if path.is_file():
        return
    if path.is_dir():
        found, remedy = "a folder", "name one of the files in it"
    elif path.exists():
        found, remedy = "neither a file nor a folder", "copy its content into a file"
    else:
        found, remedy = "nothing there", "check the name and the folder"
    raise BadFile(path, found=found, expected="a file", remedy=remedy)


def read_bytes(path: Path) -> bytes:
    """Return the content of a regular file.

    Raises
    ------
    BadFile
        If it is not a regular file, cannot be opened, or is empty.
    """
    require_file(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadFile(
            path,
            found=error.strerror or str(error),
            expected="a readable file",
            remedy="check its permissions",
        ) from error
    if not content:
        raise BadFile(path, found="an empty file", expected=_TEXT, remedy="check how it was exported")
    return content


def read_utf8(path: Path) -> tuple[bytes, str]:
    """Return the text of a file as UTF-8 without byte order mark, and the encoding it was in.

    The encoding is that of the byte order mark (UTF-8, UTF-16), else UTF-8 if all of it is valid, else CP932
    if that decodes it into running Japanese, else latin-1 (cp1252 where it uses the places that latin-1
    leaves to control characters).

    Returns
    -------
    tuple[bytes, str]
        The text, at least one byte, without NUL; and ``utf-8``, ``utf-8-sig``, ``utf-16``, ``cp932``,
        ``latin-1`` or ``cp1252``.

    Raises
    ------
    BadFile
        If it is no regular file, empty, binary, or damaged UTF-8 or UTF-16.
    """
    content = read_bytes(path)
    for signature, what, remedy in _SIGNATURES:
        if content.startswith(signature):
            raise BadFile(path, found=what, expected=_TEXT, remedy=remedy)
    text, encoding = _decode(path, content)
    if not text:
        raise BadFile(path, found="an empty file", expected=_TEXT, remedy="check how it was exported")
    if (at := text.find(b"\x00")) >= 0:
        line = text.count(b"\n", 0, at) + 1
        found = f"a binary file (NUL byte in line {line})"
        raise BadFile(path, found=found, expected=_TEXT, remedy=_SAVE_AS_UTF8)
    return text, encoding


def peek_utf8(path: Path, n_bytes: int) -> bytes:
    """Return the first bytes of a text file as UTF-8, to tell formats apart; broken characters are dropped.

    Raises
    ------
    BadFile
        If it is no readable regular file, or binary.
    """
    require_file(path)
    try:
        with path.open("rb") as file:
            head = file.read(n_bytes)
    except OSError as error:
        raise BadFile(path, found=str(error), expected=_TEXT, remedy="check its permissions") from error
    encoding = "utf-16" if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    text = head.decode(encoding, "ignore").encode("utf-8")
    if b"\x00" in text:
        raise BadFile(path, found="a binary file", expected=_TEXT, remedy=_SAVE_AS_UTF8)
    return text


def _decode(path: Path, content: bytes) -> tuple[bytes, str]:
    if content.startswith(codecs.BOM_UTF8):
        return _marked(path, content, "utf-8-sig"), "utf-8-sig"
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _marked(path, content, "utf-16"), "utf-16"
    try:
        content.isascii() or content.decode("utf-8")
    except UnicodeDecodeError as error:
        _refuse_damaged_utf8(path, content, error)
        return _legacy(content)
    return content, "utf-8"


def _marked(path: Path, content: bytes, encoding: str) -> bytes:
    try:
        return content.decode(encoding).encode("utf-8")
    except UnicodeError as error:
        found = f"a byte order mark of {encoding} before text that is not"
        raise BadFile(path, found=found, expected=f"{encoding} text", remedy=_SAVE_AS_UTF8) from error


def _refuse_damaged_utf8(path: Path, content: bytes, error: UnicodeDecodeError) -> None:
    """Refuse UTF-8 with a few broken characters: read in any other encoding, every title would be garbled."""
    decoded = content.decode("utf-8", "replace")
    n_broken = decoded.count("\ufffd")
    n_foreign = sum(len(run) for run in _NON_ASCII_RUN.findall(decoded))
    if n_broken < _DAMAGE_SHARE * n_foreign:
        line = content.count(b"\n", 0, error.start) + 1
        found = f"UTF-8 text with a damaged character in line {line}"
        raise BadFile(path, found=found, expected="valid UTF-8", remedy=f"repair line {line} or export the file again")


def _legacy(content: bytes) -> tuple[bytes, str]:
    try:
        japanese = content.decode("cp932")
    except UnicodeDecodeError:
        pass
    else:
        if _is_running_japanese(japanese):
            return japanese.encode("utf-8"), "cp932"
    text = content.decode("latin-1")
    if _C1_CONTROL.search(text):
        try:
            return content.decode("cp1252").encode("utf-8"), "cp1252"
        except UnicodeDecodeError:
            pass
    return text.encode("utf-8"), "latin-1"


def _is_running_japanese(text: str) -> bool:
    """Say whether non-ASCII characters come mostly in runs.

    ``général`` in latin-1 is valid CP932 too, but then gives single kanji between Latin letters; Japanese
    words have two characters or more as a rule.
    """
    lengths = [len(run) for run in _NON_ASCII_RUN.findall(text)]
    n_single = sum(length == 1 for length in lengths)
    return sum(lengths) - n_single > n_single
