"""From a pinned history to its works: once per history and per word of the user's."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import polars as pl

from data.artifact import made_by
from data.digest import digest_of
from data.history import ReadingHistory
from data.progress import Progress, Quiet
from data.store import Store
from data.works.derive import derive_works
from data.works.overrules import Overrules, read_overrules
from data.works.table import FORMAT, KIND


def make_works(store: Store, history: ReadingHistory, progress: Progress | None = None) -> tuple[Path, bool]:
    """Return the folder of the works of a history, and whether they had to be derived.

    Works depend on the books of the history, on the rules (`data.works.table.FORMAT`) and on ``works.toml``: a change
    of any of them derives them anew, nothing is ingested again.

    Raises
    ------
    BadConfig
        If ``works.toml`` names a book that the history does not have, or contradicts itself.
    """
    overrules = read_overrules(store.overrules)
    digest = digest_of([FORMAT, history.digest, asdict(overrules)])
    provenance = {"history_version": history.version, "history_digest": history.digest, "overrules": asdict(overrules)}

    def make(folder: Path) -> None:
        books = _books(history, overrules)
        works = derive_works(books, overrules, store.overrules, progress or Quiet())
        works.save(folder, {**provenance, "made_by": made_by()})

    return store.get_or_make(KIND, digest, make)


def _books(history: ReadingHistory, overrules: Overrules) -> pl.DataFrame:
    """The described books, and those a person names that were read but never described."""
    books = history.books.collect()
    if not (named := sorted(overrules.books - set(books["book"].filter(books["book"].is_in(list(overrules.books)))))):
        return books
    read = history.readings.filter(pl.col("book").is_in(named)).select("book").unique().collect()
    return pl.concat([books, read], how="diagonal")
