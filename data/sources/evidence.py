"""What the first rows of a column show: dates and the order of their parts, ratings and their scale, ids."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from data.editions import isbn13
from data.sources.values import NO_DATE, parse_dates

MIN_SHARE = 0.9  # of the cells that must be what the column is said to hold: the rest may be dirt
N_ISBNS = 200

DMY, MDY, YMD = "dmy", "mdy", "ymd"
_PARTS = r"^(\d{1,2})([-/.])(\d{1,2})[-/.]\d{4}(?:\D.*)?$"
_DATE_LIKE = r"^\d{8,}|\d\s?[-/.:年]\s?\d|\d{1,2}\D+\d{4}"
# Highest rating -> the scale it is the top of. 4 may be the best seen of 5, 7 of 7 or of 10: those are asked for.
_SCALES = {5.0: (1.0, 5.0), 10.0: (1.0, 10.0), 100.0: (0.0, 100.0)}
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
    """Return the order in which dates are written: ``ymd`` (what `parse_dates` reads), ``dmy`` or ``mdy``.

    None if most cells are no dates, or days cannot be told from months. With points (``3.4.2024``) the day is first.
    """
    texts = _dated(cells)
    if not len(texts):
        return None
    if _dates(texts).height >= MIN_SHARE * len(texts):
        return YMD
    parts = texts.str.extract_groups(_PARTS).struct.unnest().drop_nulls()
    if parts.height < MIN_SHARE * len(texts):
        return None
    first, second = (parts[name].cast(pl.Int32) for name in ("1", "3"))
    n_day_first, n_month_first = int((first > 12).sum()), int((second > 12).sum())
    if n_day_first and n_month_first:
        return None
    if n_day_first or n_month_first:
        return DMY if n_day_first else MDY
    return DMY if (parts["2"] == ".").all() else None


def are_same_days(one: pl.Series, other: pl.Series) -> bool:
    """Say whether two columns of dates name the same days, as a text and Unix seconds may."""
    days = [_dates(cells).get_column("read_on") for cells in (one, other)]
    return len(days[0]) == len(days[1]) == len(one) and days[0].equals(days[1], null_equal=True)


def looks_like_dates(cells: pl.Series) -> bool:
    """Say whether cells may be dates, if in a form that cannot be read."""
    texts = _dated(cells)
    return _share(texts.str.contains(_DATE_LIKE)) >= MIN_SHARE


def number_range(cells: pl.Series) -> tuple[float, float]:
    """Return the lowest and the highest number of a column that has some."""
    seen: list[float] = sorted(_numbers(cells).drop_nulls())
    return seen[0], seen[-1]


def is_flag(cells: pl.Series) -> bool:
    """Say whether a column has nothing but 1 (or nothing but 0): it marks that there is a row."""
    return len(_numbers(cells).unique()) == 1 and number_range(cells)[1] in (0.0, 1.0)


def is_numeric(cells: pl.Series) -> bool:
    """Say whether the cells that are not blank are numbers."""
    numbers = _numbers(cells)
    return bool(len(numbers)) and numbers.null_count() <= (1 - MIN_SHARE) * len(numbers)


def rating_scale(cells: pl.Series) -> Scale | None:
    """Return the scale that ratings are on, or None if they may be on another.

    The best rating seen must be the top of a common scale (5, 10, 100). Zeros among stars stand for no rating if they
    are many, and may be anything if they are few. Only 0 and 1 are dislike and like.
    """
    numbers = _numbers(cells).drop_nulls()
    numbers = numbers.filter(numbers.is_finite())
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


def _dates(texts: pl.Series) -> pl.DataFrame:
    rows = pl.DataFrame([texts.alias("read_on")]).with_columns(file=pl.lit(""), line=pl.lit(0, pl.Int64))
    return parse_dates(rows).good


def _share(are: pl.Series) -> float:
    return int(are.sum()) / len(are) if len(are) else 0.0


def _dated(cells: pl.Series) -> pl.Series:
    texts = cells.str.normalize("NFKC").str.strip_chars()
    return texts.filter(~texts.str.to_lowercase().is_in(NO_DATE))


def _numbers(cells: pl.Series) -> pl.Series:
    texts = cells.str.normalize("NFKC").str.strip_chars()
    return texts.filter(~texts.is_in(["", "NULL"])).cast(pl.Float64, strict=False)
