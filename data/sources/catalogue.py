"""Which source formats there are: an explicit list, found by name or by looking at the files."""

from __future__ import annotations

import difflib
from pathlib import Path

from data.errors import BadConfig, BadFile
from data.sources.base import Source
from data.sources.bookcrossing import BookCrossing
from data.sources.events import Events
from data.sources.goodbooks10k import Goodbooks10k

SOURCES: tuple[Source, ...] = (Goodbooks10k(), BookCrossing(), Events())


def source_named(name: str) -> Source:
    """Return the source format of that name.

    Raises
    ------
    BadConfig
        If there is none, naming the known ones and the closest.
    """
    known = {source.name: source for source in SOURCES}
    if name in known:
        return known[name]
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {close[0]}?" if close else ""
    raise BadConfig(f"no source format {name!r}{hint} (known: {', '.join(known)})")


def recognise(path: Path) -> Source:
    """Return the one format that a file or folder looks like.

    `events`, which reads anything a mapping explains, counts only where no other format does.

    Raises
    ------
    BadFile
        If none or several recognise it, listing the formats.
    """
    recognised = [source for source in SOURCES if source.recognises(path)]
    special = [source for source in recognised if not isinstance(source, Events)]
    candidates = special or recognised
    if len(candidates) == 1:
        return candidates[0]
    listed = "".join(f"\n            {source.name}: {source.describes}" for source in SOURCES)
    looks_like = " and ".join(source.name for source in candidates)
    nothing = "none of the known formats" if path.exists() else "nothing there"
    raise BadFile(
        path,
        found=f"something like {looks_like}" if candidates else nothing,
        expected=f"one of{listed}",
        remedy="name the format, or give a mapping of the columns for events",
    )
