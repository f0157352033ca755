"""Which files of the inbox name a reader: read as an ingest would, so that a book's id is not taken for a reader's."""

from __future__ import annotations

import re
from pathlib import Path

from data.errors import WagahaiError
from data.progress import Quiet
from data.sources.base import Options
from data.sources.catalogue import recognise
from data.sources.upload import SourceFile, Upload
from data.store import Store
from data.traces import Sought

_ENCODINGS = ("utf-8", "utf-16-le", "cp932", "euc_jp")
_CHUNK_BYTES = 1 << 20


def entries_with(store: Store, sought: Sought) -> list[str]:
    """Return the names of the entries of the inbox that name the reader; the names do not show the raw id."""
    if not store.inbox.is_dir():
        return []
    entries = [entry for entry in sorted(store.inbox.iterdir()) if entry.suffix != ".toml"]
    return [sought.hide(entry.name) for entry in entries if _names(entry, sought)]


def _names(entry: Path, sought: Sought) -> bool:
    """Say whether an entry names the reader: as a reader if it can be read, else anywhere in its text."""
    try:
        upload = Upload.open(entry)
        source = recognise(upload)
        for part in source.parse(upload, source.options_for(upload, Options()), Quiet()):
            if (part.readings["reader"].str.strip_chars() == sought.raw).any():
                return True
    except (WagahaiError, OSError):
        return _in_text(entry, sought)
    return sought.is_odd and _in_text(entry, sought)  # in a rejected row, say


def _in_text(entry: Path, sought: Sought) -> bool:
    try:
        return any(_holds(file, sought) for file in Upload.open(entry).files)
    except (WagahaiError, OSError):
        return sought.raw in entry.name


def _holds(file: SourceFile, sought: Sought) -> bool:
    written = {re.escape(sought.raw.encode(name, "ignore")) for name in _ENCODINGS} - {b""}
    pattern = re.compile(b"(?<![0-9A-Za-z])(?:" + b"|".join(written) + b")(?![0-9A-Za-z])")
    before = b""
    with file.open() as content:
        while chunk := content.read(_CHUNK_BYTES):
            if pattern.search(text := before + chunk):
                return True
            before = text[-4 * len(sought.raw) - 1 :]  # an id may lie across two chunks
    return False
