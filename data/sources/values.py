"""Cells into values: dates with their precision, ratings, ids, statuses; and the rows that have none.

Every function takes rows as `Rows.pick` gives them (String columns, `file` and `line`) and returns the good
rows with the value in place of the text, and one reject for each other row.
"""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

import polars as pl

from data.sources.absent import is_nothing, plain
from data.sources.base import READING_COLUMNS, REJECT_COLUMNS
from data.sources.dates import read_dates

FOUND_SIZE = 80  # characters of a value at fault that are reported

_DECIMAL_COMMA = r"^(-?\d+),(\d{1,2})$"  # 1,000 is a thousand
_STARS = r"^([★⭐]+)☆*$"
_ONE_OF = r"^(\d+(?:[.,]\d+)?)\s*/\s*(\d{1,3})$"
_SPREADSHEET_TEXT = r'^=?"(.*)"$'  # ="0345" and "0345": how spreadsheets are kept from eating zeros

STATUS_WORDS: dict[str, str] = {
    **dict.fromkeys(("", "read", "finished", "completed", "done", "読了", "読んだ", "読んだ本"), "read"),
    **dict.fromkeys(("読了本", "読み終わった"), "read"),
    **dict.fromkeys(("reading", "currently reading", "in progress", "started", "読書中", "読んでる本"), "reading"),
    **dict.fromkeys(("paused", "on hold", "読んでる", "読んでいる", "読んでいる本"), "reading"),
    **dict.fromkeys(("wish", "wishlist", "wish list", "to read", "want to read", "want", "tbr"), "wish"),
    **dict.fromkeys(("読みたい", "読みたい本", "積読", "積読本", "積ん読", "積ん読本", "stacked"), "wish"),
    **dict.fromkeys(("dropped", "did not finish", "dnf", "abandoned", "gave up", "中断"), "dropped"),
    **dict.fromkeys(("didn't finish", "could not finish", "unfinished"), "dropped"),
}

_REASON, _VALUE = "\0reason", "\0value"  # names that no file has: NUL is refused


class Checked(NamedTuple):
    """Rows that passed a check, and one reject (`REJECT_COLUMNS`) per row that did not."""

    good: pl.DataFrame
    rejects: pl.DataFrame


def conform(frame: pl.DataFrame, columns: dict[str, pl.DataType]) -> pl.DataFrame:
    """Return exactly `columns`, in that order and of those types; columns that `frame` lacks are null."""
    present = set(frame.columns)
    return frame.select(
        (pl.col(name) if name in present else pl.lit(None)).cast(dtype).alias(name) for name, dtype in columns.items()
    )


def set_apart(rows: pl.DataFrame, reason: pl.Expr, column: str, *, found: bool) -> Checked:
    """Split rows by a reason.

    Parameters
    ----------
    rows
        With `file`, `line` and `column`.
    reason
        Text where the row is rejected, null where it is good.
    column
        Column at fault.
    found
        Whether the value at fault is reported; never for readers.
    """
    reasons = rows.select(reason.alias(_REASON)).to_series()
    if reasons.null_count() == rows.height:
        return Checked(rows, pl.DataFrame(schema=REJECT_COLUMNS))
    value = pl.col(column).str.slice(0, FOUND_SIZE) if found else pl.lit(None, pl.String)
    rejects = rows.with_columns(reasons).filter(reasons.is_not_null())
    rejects = rejects.select("file", "line", pl.col(_REASON).alias("reason"), column=pl.lit(column), found=value)
    return Checked(rows.filter(reasons.is_null()), conform(rejects, REJECT_COLUMNS))


def parse_ids(rows: pl.DataFrame, column: str) -> Checked:
    """Strip the ids in `column`; rows without one are rejected as ``no reader`` or ``no book``.

    Quotation marks that a spreadsheet export left around an id are taken off.
    """
    ids = rows[column].str.strip_chars()
    if ids.str.ends_with('"').any():
        ids = ids.str.replace(_SPREADSHEET_TEXT, "$1").str.strip_chars()
    missing = pl.when((pl.col(column) == "") | pl.col(column).is_null()).then(pl.lit(f"no {column}"))
    return set_apart(rows.with_columns(ids), missing, column, found=False)


def unless_zero(column: str) -> pl.Expr:
    """Return the texts of a column of ratings, stripped; empty where it is 0, which some services write for none."""
    text = pl.col(column).str.strip_chars()
    return pl.when(text.str.contains(r"^0+(?:\.0*)?$")).then(pl.lit("")).otherwise(text).alias(column)


def rating_numbers(text: pl.Expr, top: float | None = None) -> pl.Expr:
    """Return the numbers that `plain` texts are; null where they are none.

    Parameters
    ----------
    text
        A number, perhaps with a decimal comma (``3,5``), stars (``★★★☆☆``), or one of so many (``4/5``).
    top
        Of how many ``4/5`` may be; None: of any number.
    """
    stars = text.str.replace_all("\ufe0f", "", literal=True).str.extract(_STARS).str.len_chars()
    parts = text.str.extract_groups(_ONE_OF).struct
    number = pl.coalesce(parts.field("1"), text).str.replace(_DECIMAL_COMMA, "$1.$2").cast(pl.Float64, strict=False)
    fits = parts.field("2").is_null() | (parts.field("2").cast(pl.Float64) == top if top is not None else pl.lit(True))
    return pl.coalesce(stars.cast(pl.Float64), pl.when(fits & number.is_finite()).then(number))


def parse_ratings(rows: pl.DataFrame, scale: tuple[float, float]) -> Checked:
    """Make `rating` Float32; nothing is null, what is no number (see `rating_numbers`) or off the scale is rejected."""
    low, high = scale
    text = plain(pl.col("rating"))
    number = rating_numbers(text, high)
    reason = (
        pl.when(is_nothing(text))
        .then(None)
        .when(number.is_null())
        .then(pl.lit("rating is not a number"))
        .when(~number.is_between(low, high))
        .then(pl.lit(f"rating is outside {low:g} to {high:g}"))
    )
    distinct = _distinct(rows, "rating").with_columns(number.cast(pl.Float32).alias(_VALUE), reason.alias(_REASON))
    good, rejects = set_apart(_expanded(rows, distinct), pl.col(_REASON), "rating", found=True)
    return Checked(good.drop("rating", _REASON).rename({_VALUE: "rating"}), rejects)


def parse_statuses(rows: pl.DataFrame) -> Checked:
    """Make `status` one of `data.schema.STATUSES`; none is ``read``, an unknown word rejects the row."""
    words = pl.col("status").fill_null("").str.strip_chars().str.to_lowercase().str.replace_all(r"[-_\s]+", " ")
    status = words.replace_strict(STATUS_WORDS, default=None, return_dtype=pl.String)
    unknown = pl.when(status.is_null()).then(pl.lit("status is not known"))
    good, rejects = set_apart(rows, unknown, "status", found=True)
    return Checked(good.with_columns(status), rejects)


def parse_times(rows: pl.DataFrame) -> Checked:
    """Make `n_times` Int32; none and 0 are once, what is no whole number rejects the row."""
    text = plain(pl.col("n_times")).str.replace(r"\.0+$", "")
    number = text.cast(pl.Int32, strict=False)
    unknown = pl.when((text != "") & ((number < 0) | number.is_null())).then(pl.lit("number of times cannot be read"))
    good, rejects = set_apart(rows, unknown, "n_times", found=True)
    return Checked(good.with_columns(number.fill_null(1).clip(1).alias("n_times")), rejects)


def parse_dates(rows: pl.DataFrame, today: dt.date | None = None) -> Checked:
    """Make `read_on` a Date and add `read_on_precision`.

    Understood are ISO dates and datetimes (also with ``/`` or ``.``), ``2024年5月6日``, ``20240506``, year
    and month, the year alone (``1990``, ``1990.0``), months in words and Japanese eras (`data.sources.spelled_dates`),
    and Unix time: seconds of nine to twelve digits, milliseconds of thirteen. The day is the one written: a zone is not
    converted. Words for "no date", ``0000-00-00`` and ``9999-12-31`` give null and ``unknown``. Where day or month come
    first, `data.sources.dates.year_first` goes before.

    Parameters
    ----------
    rows
        With `read_on` as text.
    today
        Dates later than the day after it are rejected; by default today in UTC.
    """
    distinct = _distinct(rows, "read_on")
    dates = read_dates(distinct.to_series(), today)
    dates = dates.rename({"date": _VALUE, "precision": "read_on_precision", "reason": _REASON})
    good, rejects = set_apart(_expanded(rows, distinct.hstack(dates)), pl.col(_REASON), "read_on", found=True)
    return Checked(good.drop("read_on", _REASON).rename({_VALUE: "read_on"}), rejects)


def parse_readings(rows: pl.DataFrame, scale: tuple[float, float] | None, today: dt.date | None = None) -> Checked:
    """Parse whichever columns of a reading are there, into `READING_COLUMNS`.

    Parameters
    ----------
    rows
        With `reader` and `book`, and perhaps `read_on`, `rating`, `status` and `n_times`, as text.
    scale
        Lowest and highest rating; a `rating` column is read only if it is given.
    today
        See `parse_dates`.
    """
    good, rejects = parse_ids(rows, "reader")
    checked = [rejects]
    good, rejects = parse_ids(good, "book")
    checked.append(rejects)
    if "read_on" in good.columns:
        good, rejects = parse_dates(good, today)
        checked.append(rejects)
    if scale is not None and "rating" in good.columns:
        good, rejects = parse_ratings(good, scale)
        checked.append(rejects)
    if "status" in good.columns:
        good, rejects = parse_statuses(good)
        checked.append(rejects)
    if good.schema.get("n_times") == pl.String:
        good, rejects = parse_times(good)
        checked.append(rejects)
    constant = {"read_on_precision": "unknown", "status": "read", "n_times": 1}
    good = good.with_columns(pl.lit(word).alias(name) for name, word in constant.items() if name not in good.columns)
    return Checked(conform(good, READING_COLUMNS), gather_rejects(checked))


def prefixed(column: str, prefix: str) -> pl.Expr:
    """Return the texts of a column, stripped and with a prefix; null where there is none."""
    text = pl.col(column).str.strip_chars()
    return pl.when(text != "").then(pl.lit(prefix) + text).alias(column)


def gather_rejects(frames: list[pl.DataFrame]) -> pl.DataFrame:
    """Return all rejects in one frame, by file and line."""
    return pl.concat([pl.DataFrame(schema=REJECT_COLUMNS), *frames]).sort("file", "line", maintain_order=True)


def _distinct(rows: pl.DataFrame, column: str) -> pl.DataFrame:
    """Return the distinct texts of a column: ratings and dates repeat, and are parsed once each."""
    return rows.select(pl.col(column).unique())


def _expanded(rows: pl.DataFrame, distinct: pl.DataFrame) -> pl.DataFrame:
    """Give every row what was parsed from its text; the text is the first column of `distinct`."""
    return rows.join(distinct, on=distinct.columns[0], how="left", maintain_order="left", nulls_equal=True)
