"""StoryGraph's export: a CSV file with one row per book of one reader.

`Read Status` is what the reader says: paused is reading, what is not finished is dropped, and a book without a status
(owned, perhaps) is a wish, for nothing says that it was read. The date is `Last Date Read`; where it is empty, the
latest end in `Dates Read` (``2021/01/05-2021/01/10, 2022/03``), in which a range without an end is a reading that goes
on. A book was read `Read Count` times, or as often as `Dates Read` has ends if that is more. Stars go by quarters; 0 is
none.

`ISBN/UID` is an ISBN, Amazon's id of an e-book, or an id of StoryGraph's own. Moods, pace, tags, content warnings
and the review are not read: they are the reader's own words.
"""

from __future__ import annotations

import polars as pl

from data.sources.delimited import open_delimited, peek_columns
from data.sources.personal import PersonalExport
from data.sources.rows import Rows, Table
from data.sources.titled import asin_edition, without_asin
from data.sources.upload import SourceFile
from data.sources.values import unless_zero

STORYGRAPH = "storygraph:"

_COLUMNS = {
    "title": "Title",
    "authors": "Authors",
    "isbn13": "ISBN/UID",
    "format": "Format",
    "status": "Read Status",
    "read_on": "Last Date Read",
    "dates": "Dates Read",
    "n_times": "Read Count",
    "rating": "Star Rating",
}
_REQUIRED = ("Title", "Authors", "ISBN/UID", "Read Status")  # together no other service's
_OPTIONAL = ("read_on", "dates", "n_times", "rating", "format")
_ISBN = r"^[0-9-]{9,16}[0-9Xx]$"
_END = r"(\d{4}(?:[/-]\d{1,2}(?:[/-]\d{1,2})?)?)$"  # of 2021/01/05-2021/01/10 the second date, of 2021/01/05- none


class StoryGraph(PersonalExport):
    """A reader's export from StoryGraph."""

    name = "storygraph"
    describes = "CSV file exported from StoryGraph, or a folder of several readers' (Read Status, ISBN/UID)"
    suffixes = (".csv", ".tsv")
    rating_scale = (0.25, 5.0)

    def is_export(self, file: SourceFile) -> bool:
        """Say whether a table has the columns that only StoryGraph writes."""
        return set(_REQUIRED) <= set(peek_columns(file))

    def open(self, file: SourceFile) -> Table:
        """Open the table."""
        return open_delimited(file, required=_REQUIRED)

    def describe(self, rows: Rows) -> pl.DataFrame:
        """Return what the columns mean."""
        cells = rows.pick(_COLUMNS)
        absent = {name: pl.lit("") for name in _OPTIONAL if name not in cells.columns}
        cells = cells.with_columns(**absent).with_columns(ends=_ends(pl.col("dates")))
        uid = pl.col("isbn13").str.strip_chars()
        own = (uid != "") & ~uid.str.contains(_ISBN) & asin_edition("isbn13").is_null()
        return cells.with_columns(
            book=pl.when(own).then(uid),
            edition=pl.when(own).then(pl.lit(STORYGRAPH) + uid).otherwise(asin_edition("isbn13")),
            isbn13=pl.when(own).then(pl.lit("")).otherwise(without_asin("isbn13")),
            status=_unless_blank(pl.col("status"), "wish"),
            read_on=_unless_blank(pl.col("read_on"), _latest()),
            n_times=_at_least(pl.col("n_times"), pl.col("ends").list.len()),
            rating=unless_zero("rating"),
        ).drop("dates", "ends")


def _ends(dates: pl.Expr) -> pl.Expr:
    """Return the ends of readings in `Dates Read`, as texts."""
    return dates.str.split(",").list.eval(pl.element().str.strip_chars().str.extract(_END)).list.drop_nulls()


def _latest() -> pl.Expr:
    """Return the latest end, which as texts of two-digit months sort by date; what cannot be read, to be rejected."""
    dates = pl.col("dates").str.strip_chars()
    return pl.col("ends").list.max().fill_null(pl.when(dates.str.ends_with("-")).then(pl.lit("")).otherwise(dates))


def _unless_blank(text: pl.Expr, instead: pl.Expr | str) -> pl.Expr:
    other = pl.lit(instead) if isinstance(instead, str) else instead
    return pl.when(text.str.strip_chars() == "").then(other).otherwise(text)


def _at_least(count: pl.Expr, n_ends: pl.Expr) -> pl.Expr:
    """Raise a count to the number of ends; what is no number stays, to be rejected."""
    number = count.str.strip_chars().replace("", "0").cast(pl.Int64, strict=False)
    return pl.when(number < n_ends).then(n_ends.cast(pl.String)).otherwise(count)
