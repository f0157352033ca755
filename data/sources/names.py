"""Names of the files in an upload: readable, the same on every system, without what is no file of the user's."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

_PACKED_SUFFIX = re.compile(r"(?<=[^/])\.(?:gz|zst|zstd|bz2|xz)$", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_LEFT_BY_SYSTEMS = frozenset({"__macosx", "thumbs.db", "desktop.ini"})


def shown_path(path: Path) -> str:
    """Return a path that can be printed, whatever its bytes are."""
    return decoded_name(os.fsencode(path))


def decoded_name(octets: bytes, otherwise: str = "latin-1") -> str:
    """Return a name of unknown encoding as text: UTF-8, else CP932 as Japanese Windows has it, else as told.

    Control characters, which could steer a terminal, become question marks.
    """
    for encoding in ("utf-8", "cp932", otherwise):
        try:
            return _CONTROL.sub("?", octets.decode(encoding))
        except UnicodeDecodeError:
            continue
    raise ValueError(f"{otherwise} must decode everything")


def upload_name(parts: Sequence[str]) -> str:
    """Return the name of a file in an upload from its folders and last name.

    The suffix of a packed file is left out (a file that a browser unpacked on the way keeps it, so it says nothing).
    Letters are composed (NFC): macOS takes them apart, and a name may be all that tells a reader.
    """
    return _PACKED_SUFFIX.sub("", unicodedata.normalize("NFC", "/".join(parts)))


def is_litter(parts: Sequence[str]) -> bool:
    """Say whether a file is hidden, in a hidden folder, or something that an operating system left there."""
    return any(part.startswith(".") or part.lower() in _LEFT_BY_SYSTEMS for part in parts)
