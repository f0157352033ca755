"""Books for the rules of works: each row gives what matters."""

from __future__ import annotations

from typing import Any

import polars as pl

from data.schema import BOOKS
from data.works.derive import derive_works
from data.works.overrules import Overrules
from data.works.table import Works


def shelf(**books: Any) -> pl.DataFrame:
    """Rows of the table `books`; ``a="Title / Author"`` is short for its title and authors, the id being ``t:a``."""
    rows = []
    for id_, book in books.items():
        title, _, authors = book.partition(" / ") if isinstance(book, str) else ("", "", "")
        given = book if isinstance(book, dict) else {"title": title, "authors": authors or None}
        given = {**given, "title": given.get("title", f"Untitled {id_}")}
        rows.append({"book": f"t:{id_}", "format": "unknown", "source": "tsv", "batch": "b", **given})
    return pl.DataFrame(rows, schema=BOOKS.dtypes)


def groups(works: Works) -> list[str]:
    """The works as words of ids: ``["ab", "c"]``; every id is a single letter."""
    together = works.books.group_by("work", maintain_order=True).agg("book")["book"]
    return sorted("".join(book.removeprefix("t:") for book in books) for books in together)


def works_of(said: Overrules | None = None, **books: Any) -> Works:
    """The works of such books."""
    return derive_works(shelf(**books), said or Overrules())


def refused(works: Works) -> dict[str, str]:
    """Refusals as pair of ids -> why."""
    rows = works.refusals.select("one", "other", "why").iter_rows()
    return {"".join(sorted((one + other).replace("t:", ""))): why for one, other, why in rows}
