"""Books of the history as a release holds them: texts, and keys for look-up."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from data.release import KEY_COLUMNS, TEXT_COLUMNS, Books
from pipeline.lookup import title_keys

_DETAILS = ("authors", "publisher", "imprint", "language", "year")


def book_columns(books: pl.DataFrame) -> dict[str, list[Any]]:
    """Return `n_readers`, `year`, and the text and key columns of `data.release.Books`, one list per column.

    Parameters
    ----------
    books
        Rows of the table `books`, with `n_readers`.
    """
    columns = books.with_columns(pl.col(TEXT_COLUMNS).fill_null("")).to_dict(as_series=False)
    rows = zip(columns["title"], *(columns[name] for name in _DETAILS), strict=True)
    keys = [title_keys(title, *(str(detail) for detail in details if detail is not None)) for title, *details in rows]
    kept = {name: columns[name] for name in ("n_readers", "year", *TEXT_COLUMNS)}
    return kept | {name: [key[name] for key in keys] for name in KEY_COLUMNS}


def books_of(frame: pl.DataFrame) -> Books:
    """Return the books of a frame (see `book_columns`), to be looked up in."""
    columns = book_columns(frame)
    n_readers, year = columns.pop("n_readers"), columns.pop("year")
    return Books(columns, year, np.array(n_readers, np.int64))
