"""From the books of a history to works: every rule in its order.

A person's word first, then ISBN, edition id and work id, then title and first author, at last titles cut short.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from data.progress import Progress, Quiet
from data.works.by_id import join_as_said, join_by_given_ids, join_by_isbn
from data.works.by_title import join_by_title, join_cut_titles
from data.works.described import describe
from data.works.joining import Joining
from data.works.overrules import Overrules, refuse_unknown
from data.works.table import LINKS, REFUSALS, Works

_NOTHING_SAID = Overrules()


def derive_works(
    books: pl.DataFrame,
    overrules: Overrules = _NOTHING_SAID,
    path: Path = Path("works.toml"),
    progress: Progress | None = None,
) -> Works:
    """Return the works of `books`, the same whatever the order of the rows.

    Parameters
    ----------
    books
        Rows of the table `books`.
    overrules, path
        What a person says of works, and the file that says it.

    Raises
    ------
    BadConfig
        If `overrules` names a book that there is not, or contradicts itself.
    """
    progress = progress or Quiet()
    refuse_unknown(path, overrules.books, books["book"])
    progress.start("find works", 5)
    described = describe(books)
    progress.advance()
    joining = Joining(len(described))
    rows = dict(described.filter(pl.col("book").is_in(list(overrules.books))).select("book", "row").iter_rows())
    join_as_said(joining, rows, overrules, path)
    join_by_isbn(joining, described)
    join_by_given_ids(joining, described)
    progress.advance()
    for rule in (join_by_title, join_cut_titles):
        rule(joining, described)
        progress.advance()
    works = _works(described, joining)
    progress.finish(f"{len(described):,} books are {works.n_works:,} works")
    return works


def _works(described: pl.DataFrame, joining: Joining) -> Works:
    ids = described["book"]
    books = described.select("book", ids.gather(joining.roots()).alias("work"), "title_key", "context_key")
    links = [(one, other, found.rule, found.value) for one, other, found in joining.links]
    refusals = [(one, other, found.rule, found.value, why) for one, other, found, why in joining.refusals]
    return Works(books, _table(ids, links, LINKS), _table(ids, refusals, REFUSALS))


def _table(ids: pl.Series, found: Sequence[tuple[int | str, ...]], columns: Sequence[str]) -> pl.DataFrame:
    """Return what was found, rows as ids of books."""
    types = {name: pl.Int64() if name in ("one", "other") else pl.String() for name in columns}
    frame = pl.DataFrame(found, schema=types, orient="row")
    return frame.with_columns(ids.gather(frame[name]).alias(name) for name in ("one", "other"))
