"""What the first rows of a column show: dates and the order of their parts, ratings and their scale, ids."""

from __future__ import annotations

import re
from dataclasses import dataclass

import polars as pl

from data.editions import isbn13
from data.sources.absent import is_nothing, plain
from data.sources.dates import DMY, EXCEL, MDY, YMD, is_no_date, read_dates, year_first
from data.sources.values import rating_numbers

MIN_SHARE = 0.9  # of the cells that must be what the column is said to hold: the rest may be dirt
MIN_READ = 0.5  # of the dates and the ratings that must be such, where the header says so: the rest are rejected
N_ISBNS = 200

_PARTS = r"^(\d{1,2})([-/.])(\d{1,2})[-/.](\d{4}|\d{2})(?:\D.*)?$"
_SERIALS = r"^(?:2[89]|3\d|4\d|5[0-4])\d{3}(?:[.,]\d+)?$"  # days of a spreadsheet, from 1976 to 2050
# Highest rating -> the scale it is the top of. 4 may be the best seen of 5, 7 of 7 or of 10: those are asked for.
_SCALES = {5.0: (1.0, 5.0), 10.0: (1.0, 10.0), 100.0: (0.0, 100.0)}
_NAME_OF_COLUMN = re.compile(r"[^\W\d_][^@]{0,40}")
_HALF = 0.5
_WORDS = r"\pL\S*\s+\S*\pL|[\p{Han}\p{Hiragana}\p{Katakana}]"
_ZEROS_MEAN_NONE = 0.4  # nobody gives the lowest rating to so many books: 0 stands for no rating


@dataclass(frozen=True)
class Scale:
    """The scale of a column of ratings, and the number that stands for no rating."""

    ends: tuple[float, float]
    no_rating: str | None = None


def filled_share(cells: pl.Series) -> float:
    """Return the share of cells that are not blank; 0 if there are none."""
    return _share(cells.str.strip_chars() != "")


def date_order(cells: pl.Series) -> str | None:
    """Return the order in which dates are written, one of `data.sources.dates.DATE_ORDERS`.

    None if too few cells are dates, or days cannot be told from months. With points (``3.4.2024``) the day is first.
    """
    texts = _dated(cells)
    if _share_read(texts, YMD) >= MIN_SHARE:
        return YMD
    if _share(texts.str.contains(_SERIALS)) >= MIN_SHARE:
        return EXCEL
    orders = (_day_or_month_first(texts), YMD)
    return next((order for order in orders if order and _share_read(texts, order) >= MIN_READ), None)


def is_day_or_month_first(cells: pl.Series) -> bool:
    """Say whether cells are dates, if only one knew whether days or months come first."""
    texts = _dated(cells)
    return max(_share_read(texts, order) for order in (DMY, MDY)) >= MIN_READ


def has_short_years(cells: pl.Series) -> bool:
    """Say whether years come last, with two digits, or so it seems."""
    return bool((_dated(cells).str.extract(_PARTS, 4).str.len_bytes() == 2).any())


def are_same_days(one: pl.Series, other: pl.Series) -> bool:
    """Say whether two columns of dates name the same days, as a text and Unix seconds may."""
    days = [read_dates(cells) for cells in (one, other)]
    return all(not read["reason"].count() for read in days) and days[0]["date"].equals(days[1]["date"])


def has_dates(cells: pl.Series) -> bool:
    """Say whether any cell says more than that there is no date."""
    return len(_dated(cells)) > 0


def has_ratings(cells: pl.Series) -> bool:
    """Say whether any cell says more than that there is no rating."""
    return len(_numbers(cells)) > 0


def number_range(cells: pl.Series) -> tuple[float, float]:
    """Return the lowest and the highest number of a column that has some."""
    seen: list[float] = sorted(_numbers(cells).drop_nulls())
    return seen[0], seen[-1]


def is_flag(cells: pl.Series) -> bool:
    """Say whether a column has nothing but 1 (or nothing but 0): it marks that there is a row."""
    return _numbers(cells).n_unique() == 1 and number_range(cells)[1] in (0.0, 1.0)


def is_numeric(cells: pl.Series, min_share: float = MIN_SHARE) -> bool:
    """Say whether so many of the cells that are not blank are numbers."""
    return _share(_numbers(cells).is_not_null()) >= min_share


def rating_scale(cells: pl.Series) -> Scale | None:
    """Return the scale that ratings are on, or None if they may be on another.

    The best rating seen must be the top of a common scale (5, 10, 100). Zeros among stars stand for no rating if they
    are many, and may be anything if they are few. Only 0 and 1 are dislike and like.
    """
    numbers = _numbers(cells).drop_nulls()
    seen: list[float] = sorted(numbers.unique())
    if not seen or seen[0] < 0:
        return None
    if seen == [0.0, 1.0]:
        return Scale((0.0, 1.0))
    top = seen[-1]
    if top not in _SCALES or (top < 100 and any(number % _HALF for number in seen)):
        return None
    low, high = _SCALES[top]
    n_zeros = int((numbers == 0).sum())
    if n_zeros and low > 0 and n_zeros < _ZEROS_MEAN_NONE * len(numbers):
        return None
    return Scale((_HALF if _HALF in seen else low, high), "0" if n_zeros and low > 0 else None)


def are_headers(cells: pl.DataFrame) -> bool:
    """Say whether the names of columns are names, by what is below them: words over a column of numbers or dates.

    A first line of data would be of the kind of the others: a name over names, a number over numbers.
    """
    if not all(_NAME_OF_COLUMN.fullmatch(name) for name in cells.columns):
        return False
    return any(is_numeric(column) or date_order(column) for column in cells.iter_columns())


def is_one_to_one(one: pl.Series, other: pl.Series) -> bool:
    """Say whether two columns tell the same things apart; things must repeat, or there is nothing to see."""
    pairs = pl.DataFrame([one.alias("one"), other.alias("other")])
    n_pairs = pairs.n_unique()
    return n_pairs < pairs.height and pairs["one"].n_unique() == n_pairs == pairs["other"].n_unique()


def is_key(cells: pl.Series) -> bool:
    """Say whether (nearly) every cell is another: one row per thing."""
    return len(cells) > 0 and cells.n_unique() >= MIN_SHARE * len(cells)


def are_titles(cells: pl.Series) -> bool:
    """Say whether cells are words rather than ids: most have blanks between letters, or are Japanese or Chinese."""
    return _share(cells.unique().str.contains(_WORDS)) >= MIN_SHARE / 2


def isbn_share(cells: pl.Series) -> float:
    """Return the share of the first cells that are not blank that hold a valid ISBN."""
    texts = cells.str.strip_chars()
    texts = texts.filter(texts != "").head(N_ISBNS)
    found = [any(isbn13(part) for part in text.replace(",", ";").split(";")) for text in texts]
    return sum(found) / len(found) if found else 0.0


def _day_or_month_first(texts: pl.Series) -> str | None:
    """Return whether days or months come first, or None if that cannot be told."""
    parts = texts.str.extract_groups(_PARTS).struct.unnest().drop_nulls()
    if not parts.height or _may_begin_with_year(parts):
        return None
    first, second = (parts[name].cast(pl.Int32) for name in ("1", "3"))
    n_day_first, n_month_first = int((first > 12).sum()), int((second > 12).sum())
    if n_day_first and n_month_first:
        return None
    if n_day_first or n_month_first:
        return DMY if n_day_first else MDY
    return DMY if (parts["2"] == ".").all() else None


def _may_begin_with_year(parts: pl.DataFrame) -> bool:
    """Say whether two digits may be the year in ``21/03/14``: there are few years among many days."""
    short = parts.filter(pl.col("4").str.len_bytes() == 2)
    n_first, n_second, n_last = (short[name].n_unique() for name in ("1", "3", "4"))
    return short.height > 0 and 2 * n_last > max(n_first, n_second)


def _share_read(texts: pl.Series, order: str) -> float:
    """Return the share of texts that are dates in that order."""
    return _share(read_dates(year_first(texts, order))["reason"].is_null())


def _share(are: pl.Series) -> float:
    return int(are.sum()) / len(are) if len(are) else 0.0


def _dated(cells: pl.Series) -> pl.Series:
    texts = pl.DataFrame([cells.alias("text")]).select(plain(pl.col("text")))
    return texts.filter(~is_no_date(pl.col("text"))).to_series()


def _numbers(cells: pl.Series) -> pl.Series:
    texts = pl.DataFrame([cells.alias("text")]).select(plain(pl.col("text")))
    return texts.filter(~is_nothing(pl.col("text"))).select(rating_numbers(pl.col("text"))).to_series()
