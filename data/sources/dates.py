"""Texts into days with their precision, whatever way dates are written in."""

from __future__ import annotations

import datetime as dt

import polars as pl

from data.sources.absent import is_nothing, plain
from data.sources.spelled_dates import full_year, spelled_date

EARLIEST = dt.date(1450, 1, 1)  # before printing, nobody wrote down the day on which a book was read
YMD, DMY, MDY, EXCEL = "ymd", "dmy", "mdy", "excel"
DATE_ORDERS = (YMD, DMY, MDY, EXCEL)

_NO_DATE = ("日付不明", "読んだ日不明", "不明", "unknown")
_OPEN = r"^(?:0000[-/.]?00[-/.]?00|9999[-/.]?12[-/.]?31)$"  # how databases write "none" and "not yet"
_DATE = r"^(\d{4})(?:([-/.年])(?:(\d{1,2})(?:([-/.月])(?:(\d{1,2})(日?))?)?)?)?$"
_TIME_OF_DAY = (
    r"[T ,]+(?:[01]?\d|2[0-4]):[0-5]\d(?::[0-6]\d(?:[.,]\d+)?)?\s*(?:[AaPp]\.?[Mm]\.?)?"
    r"\s*(?:Z|UTC|[+-]\d{2}(?::?\d{2})?)?$"
)
_YEAR_AS_FLOAT = r"^(\d{4})\.0+$"
_COMPACT = r"^(\d{4})(\d{2})(\d{2})$"
_SECONDS = r"^(\d{9,13})(?:\.\d*)?$"  # from 1973 on; shorter numbers are years, compact dates or mistakes
_FIRST_MILLISECONDS = 10**12  # thirteen digits: as milliseconds from 2001 on, as seconds from the year 33658

_YEAR_LAST = r"^(\d{1,2})[-/.](\d{1,2})[-/.](\d{4}|\d{2})(\D.*)?$"
_SERIAL = r"^(\d{5})(?:[.,]\d+)?$"  # days of a spreadsheet, from 1927 to 2173
_DAY_ZERO = dt.date(1899, 12, 30)


def is_no_date(text: pl.Expr) -> pl.Expr:
    """Say whether `plain` texts stand for a day that is not known, or has not come."""
    return is_nothing(text, *_NO_DATE) | text.str.replace(_TIME_OF_DAY, "").str.contains(_OPEN)


def year_first(texts: pl.Series, order: str) -> pl.Series:
    """Write dates with the year first, as `read_dates` takes them; texts of another form stay as they are.

    Parameters
    ----------
    texts
        As the file has them.
    order
        How they are written: ``ymd`` changes nothing; ``dmy`` and ``mdy`` may have years of two digits, which are the
        last that have begun; ``excel`` are the days that a spreadsheet counts.
    """
    if order == YMD:
        return texts
    text = plain(pl.col("text"))
    if order == EXCEL:
        days = pl.duration(days=text.str.extract(_SERIAL).cast(pl.Int32))
        written = (pl.lit(_DAY_ZERO) + days).cast(pl.String)
    else:
        parts = text.str.extract_groups(_YEAR_LAST).struct
        day, month = ("1", "2") if order == DMY else ("2", "1")
        digits = parts.field("3").cast(pl.Int32)
        today = dt.datetime.now(dt.UTC).date()
        years = {two: full_year(two, today) for two in range(100)}
        year = pl.when(parts.field("3").str.len_bytes() == 2).then(digits.replace_strict(years, default=digits))
        rest = parts.field("4").fill_null("")
        written = pl.concat_str(
            year.otherwise(digits).cast(pl.String).str.zfill(4), pl.lit("-"),
            parts.field(month), pl.lit("-"), parts.field(day), rest,
        )  # fmt: skip
    frame = pl.DataFrame([texts.alias("text")])
    return frame.select(pl.coalesce(written, "text").alias(texts.name)).to_series()


def read_dates(texts: pl.Series, today: dt.date | None = None) -> pl.DataFrame:
    """Read texts as dates, each distinct day once.

    Parameters
    ----------
    texts
        In the forms that `data.sources.values.parse_dates` names.
    today
        Dates later than the day after it are none; by default today in UTC.

    Returns
    -------
    pl.DataFrame
        For each text ``date``, ``precision`` and, where it is no date, the ``reason``.
    """
    given = pl.DataFrame([texts.alias("text")]).select(text=plain(pl.col("text")).str.replace(_TIME_OF_DAY, ""))
    days = given.unique()  # few, and the patterns slow
    return given.join(_read(days, today), on="text", how="left", maintain_order="left", nulls_equal=True).drop("text")


def _read(days: pl.DataFrame, today: dt.date | None) -> pl.DataFrame:
    """Return the texts of days with what `read_dates` returns for them."""
    today = today or dt.datetime.now(dt.UTC).date()
    read = _taken_apart(days, pl.col("text"))
    has_words = pl.col("text").str.contains(r"\pL") & pl.col("text").str.contains(r"\d|元")
    doubtful = read.select((has_words & pl.col("year").is_null()).fill_null(False)).to_series()
    if doubtful.any():
        pairs = zip(days["text"], doubtful, strict=True)
        iso = [(spelled_date(text, today) or text) if is_doubtful else text for text, is_doubtful in pairs]
        read = _taken_apart(days.with_columns(iso=pl.Series(iso, dtype=pl.String)), pl.col("iso"))
    read = read.with_columns(date=_as_date().fill_null(_from_seconds()))
    open_end = is_no_date(pl.col("text"))
    read = read.with_columns(pl.when(~open_end).then(name).alias(name) for name in ("date", "year", "month", "day"))
    return read.select("text", "date", precision=_precision(), reason=_reason(today + dt.timedelta(days=1)))


def _taken_apart(days: pl.DataFrame, text: pl.Expr) -> pl.DataFrame:
    """Add the year, month and day of each text, null where not given; the year is null if it is no date."""
    text = pl.when(~text.str.contains(_SECONDS)).then(text)  # seconds are many, and the patterns slow
    match = text.str.extract_groups(_DATE)
    year, first, month, second, day = (match.struct.field(str(i)) for i in range(1, 6))
    agree = pl.when(first == "年").then(second.fill_null("月") == "月").otherwise(second.fill_null(first) == first)
    has_month = first.is_null() | (first == "年") | month.is_not_null()
    has_day = second.is_null() | (second == "月") | day.is_not_null()
    point = (first == ".") & day.is_null()  # 2024.5 is as likely a number as a month
    compact = text.str.extract_groups(_COMPACT)
    fits = agree.fill_null(True) & has_month & has_day & ~point.fill_null(False)
    return days.with_columns(
        year=pl.coalesce(pl.when(fits).then(year), text.str.extract(_YEAR_AS_FLOAT), compact.struct.field("1")),
        month=pl.coalesce(pl.when(fits).then(month), compact.struct.field("2")),
        day=pl.coalesce(pl.when(fits).then(day), compact.struct.field("3")),
    )


def _reason(latest: dt.date) -> pl.Expr:
    return (
        pl.when(is_no_date(pl.col("text")))
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
