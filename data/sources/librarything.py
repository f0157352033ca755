"""LibraryThing's export: tab-separated text or JSON, with one record per book in one reader's catalogue.

A catalogue is of books that somebody has, not of books that somebody read. A book is

- **dropped**, if a collection says that it was not finished;
- **read**, if it has a date of reading, or a collection says that it was read (`Read but unowned`, `Read`);
- **reading**, if it has a date of starting, or is in `Currently reading`;
- **a wish**, if it is in `To read`;
- **read**, if it is rated: people rate what they read;
- **a wish** otherwise, `Wishlist` or not: nothing says that it was read, and no unread book may count as a reading.

Members make collections of their own; others than those named here say nothing. `Book Id` is of a member's copy, so
books have their ISBN for an id, else title and first author; `Work id` is the same for all members. Dates of the
tab-separated file are in brackets (``[2007-05-08]``), and so is the ISBN. Reviews, comments, tags, places and prices
are not read.
"""

from __future__ import annotations

import polars as pl

from data.sources.delimited import open_delimited, peek_columns
from data.sources.documents import open_document, peek_document_keys
from data.sources.personal import PersonalExport
from data.sources.rows import Rows, Table, require_columns
from data.sources.titled import asin_edition, without_asin
from data.sources.upload import SourceFile
from data.sources.values import prefixed, unless_zero

LIBRARYTHING = "librarything:"

_TAB_COLUMNS = {
    "title": "Title",
    "authors": "Primary Author",
    "others": "Secondary Author",
    "publisher": "Publication",
    "year": "Date",
    "format": "Media",
    "language": "Languages",
    "isbn13": "ISBN",
    "isbns": "ISBNs",
    "work": "Work id",
    "rating": "Rating",
    "started": "Date Started",
    "read_on": "Date Read",
    "collections": "Collections",
}
_JSON_COLUMNS = {
    "title": "title",
    "authors": "primaryauthor",
    "others": "authors.lf",
    "publisher": "publication",
    "year": "date",
    "format": "format.text",
    "language": "language_codeA",
    "isbn13": "originalisbn",
    "isbns": "isbn",
    "work": "workcode",
    "series": "series",
    "rating": "rating",
    "started": "datestarted",
    "read_on": "dateread",
    "collections": "collections",
}
_TAB_REQUIRED = ("Book Id", "Title", "Primary Author")  # together no other service's
_JSON_REQUIRED = ("books_id", "title")
_JSON_SUFFIX = ".json"

_DROPPED = ("dnf", "did not finish", "did not finish (dnf)", "abandoned", "gave up", "unfinished")
_READ = ("read", "read but unowned", "have read", "finished", "books read", "books i've read", "already read")
_READING = ("currently reading", "reading")
_TO_READ = ("to read", "to-read", "tbr", "unread")

_PUBLISHER = r"^(.*?)\s*(?:\(.*)?$"  # of "Gallimard (1979), Poche"
_NO_PUBLISHER, _NO_LANGUAGE = "Publisher Unknown", "xxx"


class LibraryThing(PersonalExport):
    """A reader's export from LibraryThing."""

    name = "librarything"
    describes = "tab-separated or JSON file exported from LibraryThing, or a folder of several readers'"
    suffixes = (".tsv", ".csv", ".xls", ".json")  # it used to name its text .xls
    rating_scale = (0.5, 5.0)

    def is_export(self, file: SourceFile) -> bool:
        """Say whether a table or document has the columns that only LibraryThing writes."""
        if file.suffix == _JSON_SUFFIX:
            return {*_JSON_REQUIRED, "primaryauthor"} <= peek_document_keys(file)
        return set(_TAB_REQUIRED) <= set(peek_columns(file))

    def open(self, file: SourceFile) -> Table:
        """Open the table or document."""
        if file.suffix != _JSON_SUFFIX:
            return open_delimited(file, required=_TAB_REQUIRED)
        table = open_document(file)
        require_columns(file.shown, table.columns, _JSON_REQUIRED)
        return table

    def describe(self, rows: Rows) -> pl.DataFrame:
        """Return what the columns mean."""
        columns = _TAB_COLUMNS if _TAB_REQUIRED[0] in rows.cells.columns else _JSON_COLUMNS
        cells = rows.pick(columns)
        absent = {name: pl.lit("") for name in _JSON_COLUMNS if name not in cells.columns}
        cells = cells.with_columns(**absent).with_columns(_unbracketed("started"), _unbracketed("read_on"))
        cells = cells.with_columns(unless_zero("rating"))
        return cells.with_columns(
            authors=_authors(),
            publisher=pl.col("publisher").str.extract(_PUBLISHER).replace(_NO_PUBLISHER, ""),
            format=_first("format"),
            language=_first("language").replace(_NO_LANGUAGE, ""),
            series=pl.col("series").str.extract(r"^([^;]*)"),  # the others are its names in other languages
            isbn13=pl.concat_str(without_asin("isbn13"), without_asin("isbns"), separator="; "),
            edition=asin_edition("isbn13"),
            work=prefixed("work", LIBRARYTHING),
            status=_status(),
        ).drop("others", "isbns", "started", "collections")


def _status() -> pl.Expr:
    """Return what the evidence amounts to, as the module says."""
    return (
        pl.when(_is_in(_DROPPED))
        .then(pl.lit("dropped"))
        .when((pl.col("read_on") != "") | _is_in(_READ))
        .then(pl.lit("read"))
        .when((pl.col("started") != "") | _is_in(_READING))
        .then(pl.lit("reading"))
        .when(_is_in(_TO_READ))
        .then(pl.lit("wish"))
        .when(pl.col("rating") != "")
        .then(pl.lit("read"))
        .otherwise(pl.lit("wish"))
    )


def _is_in(collections: tuple[str, ...]) -> pl.Expr:
    """Say whether a book is in one of some collections; they are divided by commas, bars or semicolons."""
    names = pl.col("collections").str.to_lowercase().str.replace_all("[|;]", ",").str.split(",")
    return names.list.eval(pl.element().str.strip_chars().is_in(collections)).list.any()


def _authors() -> pl.Expr:
    """Return all authors, the first one first, divided by semicolons: names are written last name first."""
    others = pl.col("others").str.replace_all(r"\s*\|\s*", "; ")
    first = pl.col("authors").str.strip_chars()
    rest = pl.when(others.str.starts_with(first)).then(others.str.slice(first.str.len_chars())).otherwise(others)
    rest = rest.str.strip_chars(" ;")
    return pl.when((rest == "") | (first == "")).then(first + rest).otherwise(first + "; " + rest)


def _first(column: str) -> pl.Expr:
    """Return the first of several values."""
    return pl.col(column).str.extract(r"^\s*([^,;|]*)")


def _unbracketed(column: str) -> pl.Expr:
    return pl.col(column).str.strip_chars(" []").alias(column)
