"""Which book a row means, where a source has no ids of books that readers share.

Ids are, in this order: the ISBN, an id that the source or a shop gave, and else title and first author
(``compact_key(title)|first_author_key``), so that spelling differences in width, case, blanks and brackets do not
make two books. A title that was cut short keeps its mark in the id: it is not the book that has just those words.
"""

from __future__ import annotations

import polars as pl

from data.authors import first_author_key
from data.editions import compact_key, is_truncated
from data.sources.base import BOOK_COLUMNS, NO_BOOKS
from data.sources.books import first_isbn, parse_books
from data.sources.values import Checked, gather_rejects, parse_ids

ASIN = "asin:"  # Amazon's ids; those of printed books are ISBN-10s, and no ids of this kind

_ASIN = r"^B[0-9A-Z]{9}$"
_CUT = "…"


def book_key(title: str, authors: str = "") -> str:
    """Return the id of a book that has only a title and authors; empty if it has no title."""
    key = compact_key(title)
    return f"{key}{_CUT if is_truncated(title) else ''}|{first_author_key(authors)}" if key else ""


def with_book_ids(rows: pl.DataFrame) -> pl.DataFrame:
    """Derive `book` from `title` and `authors`, if the rows have no such column."""
    return rows if "book" in rows.columns else rows.with_columns(book=_keys(rows))


def identify(rows: pl.DataFrame) -> pl.DataFrame:
    """Fill `book` and make `isbn13` one.

    Parameters
    ----------
    rows
        With `title`, as text, and perhaps `authors`, `isbn13`, `edition` and `book`, which is an id of the source
        where there is one.
    """
    absent = {name: pl.lit(None, pl.String) for name in ("book", "isbn13", "edition") if name not in rows.columns}
    rows = rows.with_columns(**absent).with_columns(
        pl.col("isbn13").map_elements(first_isbn, return_dtype=pl.String),
        pl.col("book").str.strip_chars().replace("", None),
    )
    return rows.with_columns(book=pl.coalesce("isbn13", "book", "edition", _keys(rows)))


def asin_edition(column: str) -> pl.Expr:
    """Return Amazon's ids as ids of editions; null where the text is none, or an ISBN-10."""
    text = pl.col(column).str.strip_chars(" []")
    return pl.when(text.str.contains(_ASIN)).then(pl.lit(ASIN) + text)


def without_asin(column: str) -> pl.Expr:
    """Return a column of ISBNs without Amazon's ids, whose digits may look like an ISBN."""
    return pl.when(asin_edition(column).is_null()).then(column).otherwise(pl.lit("")).alias(column)


class BooksWithin:
    """The books in the rows of readings, part by part: each is described once, by the first part that has its title.

    Only ids are remembered, and what a part takes does not grow with how many there are.
    """

    def __init__(self) -> None:
        self._described: set[str] = set()
        self._untitled: set[str] = set()  # rejected once; a later part may have the title

    def parse(self, rows: pl.DataFrame) -> Checked:
        """Return the books met for the first time: of every column, the first text that a book has in these rows."""
        columns = [name for name in BOOK_COLUMNS if name in rows.columns and name != "book"]
        if "title" not in columns:
            return Checked(NO_BOOKS, gather_rejects([]))
        text = (pl.col(name).filter(pl.col(name).str.strip_chars() != "").first() for name in columns)
        new = _without(self._described, parse_ids(rows, "book").good)
        met = new.group_by("book", maintain_order=True).agg(*text, pl.col("file", "line").first())
        titled, untitled = met.filter(pl.col("title").is_not_null()), met.filter(pl.col("title").is_null())
        books, rejects = parse_books(pl.concat([titled, _without(self._untitled, untitled)]))
        self._described.update(books["book"])
        self._untitled.update(untitled["book"])
        return Checked(books, rejects)


def _without(ids: set[str], rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of books that are not among `ids`."""
    others = [id_ for id_ in rows["book"].unique() if id_ not in ids]
    return rows.join(pl.DataFrame({"book": others}, {"book": pl.String}), on="book", how="semi", maintain_order="left")


def _keys(rows: pl.DataFrame) -> pl.Series:
    """Return the ids from titles and authors; each pair is worked out once."""
    named = [name for name in ("title", "authors") if name in rows.columns]
    pairs = rows.select(pl.col(named).fill_null(""))
    distinct = pairs.unique()
    keys = pl.Series("key", [book_key(*names) for names in distinct.iter_rows()], pl.String)
    return pairs.join(distinct.with_columns(keys), on=named, how="left", maintain_order="left")["key"]
