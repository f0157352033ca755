"""Which source formats there are: an explicit list, found by name or by looking at the files."""

from __future__ import annotations

import difflib

from data.errors import BadConfig, BadFile
from data.sources.adjacency import Adjacency
from data.sources.amazon_reviews import AmazonReviews
from data.sources.base import Source
from data.sources.bookcrossing import BookCrossing
from data.sources.bookcrossing_original import BookCrossingOriginal
from data.sources.bookmeter import Bookmeter
from data.sources.dbbook2014 import DBbook2014
from data.sources.events import Events
from data.sources.goodbooks10k import Goodbooks10k
from data.sources.goodreads_export import GoodreadsExport
from data.sources.goodreads_ucsd import GoodreadsUcsd
from data.sources.librarything import LibraryThing
from data.sources.storygraph import StoryGraph
from data.sources.unrecognised import is_table, what_it_is
from data.sources.upload import Upload

SOURCES: tuple[Source, ...] = (
    Goodbooks10k(),
    BookCrossing(),
    BookCrossingOriginal(),
    Bookmeter(),
    StoryGraph(),
    LibraryThing(),
    GoodreadsUcsd(),
    GoodreadsExport(),
    AmazonReviews(),
    Adjacency(),
    DBbook2014(),
    Events(),
)


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


def recognise(upload: Upload) -> Source:
    """Return the one format that a file or folder looks like.

    `events`, which reads anything a mapping explains, counts only where no other format does. It is also what a single
    table is of whose columns none is known: `Events.options_for` asks for the mapping.

    Raises
    ------
    BadFile
        If none or several recognise it, listing the formats; or what its first lines show it to be.
    """
    recognised = [source for source in SOURCES if source.recognises(upload)]
    special = [source for source in recognised if not isinstance(source, Events)]
    candidates = special or recognised
    if len(candidates) == 1:
        return candidates[0]
    if not candidates and is_table(upload):
        return source_named(Events.name)
    looks_like = " and ".join(source.name for source in candidates)
    raise BadFile(
        upload.path,
        found=f"something like {looks_like}" if candidates else what_it_is(upload),
        expected=f"one of {', '.join(source.name for source in SOURCES)} (wagahai formats describes them)",
        remedy="name the format with --format, or give a mapping of the columns with --mapping",
    )
