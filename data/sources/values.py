"""Cells into values: dates with their precision, ratings, ids, statuses; and the rows that have none.

Every function takes rows as `Rows.pick` gives them (String columns, `file` and `line`) and returns the good
rows with the value in place of the text, and one reject for each other row.
"""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

import polars as pl

from data.sources.base import READING_COLUMNS, REJECT_COLUMNS

EARLIEST = dt.date(1450, 1, 1)  # before printing, nobody wrote down the day on which a book was read
NO_DATE = ("", "日付不明", "読んだ日不明", "不明", "unknown", "null")  # compared in lower case
FOUND_SIZE = 80  # characters of a value at fault that are reported

_DATE = (
    r"^(\d{4})(?:([-/.年])(?:(\d{1,2})(?:([-/.月])(?:(\d{1,2})(日?))?)?)?)?"
    r"(?:[T ]+(?:[01]?\d|2[0-4]):[0-5]\d(?::[0-6]\d(?:[.,]\d+)?)?\s*(?:Z|UTC|[+-]\d{2}(?::?\d{2})?)?)?$"
)
_YEAR_AS_FLOAT = r"^(\d{4})\.0+$"
_COMPACT = r"^(\d{4})(\d{2})(\d{2})$"
_SECONDS = r"^(\d{9,13})(?:\.\d*)?$"  # from 1973 on; shorter numbers are years, compact dates or mistakes
_FIRST_MILLISECONDS = 10**12  # thirteen digits: as milliseconds from 2001 on, as seconds from the year 33658
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


def parse_ratings(rows: pl.DataFrame, scale: tuple[float, float]) -> Checked:
    """Make `rating` Float32; an empty one is null, one that is no number or off the scale rejects the row."""
    low, high = scale
    text = _plain("rating")
    number = text.cast(pl.Float64, strict=False)
    reason = (
        pl.when(text.is_in(["", "NULL"]) | text.is_null())
        .then(None)
        .when(number.is_null() | ~number.is_finite())
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
    text = _plain("n_times").str.replace(r"\.0+$", "")
    number = text.cast(pl.Int32, strict=False)
    unknown = pl.when((text != "") & ((number < 0) | number.is_null())).then(pl.lit("number of times cannot be read"))
    good, rejects = set_apart(rows, unknown, "n_times", found=True)
    return Checked(good.with_columns(number.fill_null(1).clip(1).alias("n_times")), rejects)


def parse_dates(rows: pl.DataFrame, today: dt.date | None = None) -> Checked:
    """Make `read_on` a Date and add `read_on_precision`.

    Understood are ISO dates and datetimes (also with ``/`` or ``.``), ``2024年5月6日``, ``20240506``, year
    and month, the year alone (``1990``, ``1990.0``), and Unix time: seconds of nine to twelve digits, milliseconds of
    thirteen. The day is the one written: a zone is not converted. Words for "no date" give null and ``unknown``.

    Parameters
    ----------
    rows
        With `read_on` as text.
    today
        Dates later than the day after it are rejected; by default today in UTC.
    """
    latest = (today or dt.datetime.now(dt.UTC).date()) + dt.timedelta(days=1)
    distinct = _distinct(rows, "read_on").with_columns(_plain("read_on").alias("text"))
    dates = distinct.select("read_on", "text", parts=_date_parts(pl.col("text"))).unnest("parts")
    dates = dates.with_columns(date=_as_date().fill_null(_from_seconds()))
    dates = dates.select(
        "read_on",
        pl.col("date").alias(_VALUE),
        _precision().alias("read_on_precision"),
        _date_reason(latest).alias(_REASON),
    )
    good, rejects = set_apart(_expanded(rows, dates), pl.col(_REASON), "read_on", found=True)
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


def _plain(column: str) -> pl.Expr:
    """Full-width digits and marks to ASCII, outer blanks removed."""
    return pl.col(column).str.normalize("NFKC").str.strip_chars()


def _date_parts(text: pl.Expr) -> pl.Expr:
    """Take a date apart into year, month and day, null where not given; year is null if it is no date."""
    text = pl.when(~text.str.contains(_SECONDS)).then(text)  # seconds are many, and the patterns slow
    match = text.str.extract_groups(_DATE)
    year, first, month, second, day = (match.struct.field(str(i)) for i in range(1, 6))
    agree = pl.when(first == "年").then(second.fill_null("月") == "月").otherwise(second.fill_null(first) == first)
    has_month = first.is_null() | (first == "年") | month.is_not_null()
    has_day = second.is_null() | (second == "月") | day.is_not_null()
    point = (first == ".") & day.is_null()  # 2024.5 is as likely a number as a month
    compact = text.str.extract_groups(_COMPACT)
    fits = agree.fill_null(True) & has_month & has_day & ~point.fill_null(False)
    return pl.struct(
        year=pl.coalesce(pl.when(fits).then(year), text.str.extract(_YEAR_AS_FLOAT), compact.struct.field("1")),
        month=pl.coalesce(pl.when(fits).then(month), compact.struct.field("2")),
        day=pl.coalesce(pl.when(fits).then(day), compact.struct.field("3")),
    )


def _date_reason(latest: dt.date) -> pl.Expr:
    return (
        pl.when(pl.col("text").str.to_lowercase().is_in(NO_DATE) | pl.col("text").is_null())
        .then(None)
        .when(pl.col("date").is_null() & pl.col("year").is_null())
        .then(pl.lit("date cannot be read"))
        .when(pl.col("date").is_null())
        .then(pl.lit("no such date"))
        .when(~pl.col("date").is_between(EARLIEST, latest))
        .then(pl.lit(f"date is outside {EARLIEST} to {latest}"))
    )


def _as_date() -> pl.Expr:
    month, day = (pl.col(name).fill_null("1").str.zfill(2) for name in ("month", "day"))
    return pl.concat_str("year", month, day, separator="-").str.to_date("%Y-%m-%d", strict=False)


def _from_seconds() -> pl.Expr:
    number = pl.col("text").str.extract(_SECONDS).cast(pl.Int64)
    seconds = pl.when(number < _FIRST_MILLISECONDS).then(number).otherwise(number // 1000)
    return pl.from_epoch(seconds, "s").cast(pl.Date)


def _precision() -> pl.Expr:
    return (
        pl.when(pl.col("date").is_null())
        .then(pl.lit("unknown"))
        .when(pl.col("day").is_not_null() | pl.col("year").is_null())
        .then(pl.lit("day"))
        .when(pl.col("month").is_not_null())
        .then(pl.lit("month"))
        .otherwise(pl.lit("year"))
    )
