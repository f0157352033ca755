"""A column of ISBNs: one id for every way to write one, and what a spreadsheet did to them.

A spreadsheet takes an ISBN of digits alone for a number: ``0155061224`` becomes ``155061224``, ``9780155061224``
perhaps ``9.78016E+12``. One that ends in X stays text. The check digit of an ISBN-10 (the sum of the digits times
10, 9, ... 1 is a multiple of 11; ISO 2108) tells whether zeros put back are the ones that were lost.
"""

from __future__ import annotations

import polars as pl

from data.sources.absent import is_nothing
from data.sources.values import Checked, set_apart

SCIENTIFIC = "ISBN in scientific notation: its last digits are lost"
ONLY_ZEROS = "ISBN of zeros only"
NOT_RECOVERED = "ISBN lost leading zeros, and its check digit does not hold with them"

_WRAPPING = " \t'\"="  # of 034545104X, "034545104X" and ="034545104X"
_CALLED = r"^(?:E-?)?ISBN(?:[-\s]?1[03][:\s]+|[-:.\s]*)"  # ISBN 0-330-48618-7, ISBN-13: 978...
_SEPARATORS = r"[\s.\u00ad\u2010-\u2015\u2212-]"
_AS_FLOAT = r"^([0-9]+)\.0+$"
_SCIENTIFIC = r"^[0-9](?:[.,][0-9]+)?E\+[0-9]{1,2}$"
_REASON = "\0reason"  # a name that no file has
_SHORTEST = 6  # digits of an ISBN-10 that are left; in a shorter number any zeros would be a guess


def parse_isbns(rows: pl.DataFrame, column: str, *, lost_zeros: bool) -> Checked:
    """Make ids of ISBNs: the ISBN-10, or else the ISBN-13, without hyphens.

    An ISBN-10 may lack leading zeros, if its check digit holds with them. What is no ISBN (a mistyped one, the
    number of another article) is an id too, as written but for case, outer blanks and quotation marks. ``N/A`` is none.

    Parameters
    ----------
    rows
        With `file`, `line` and `column` as text.
    lost_zeros
        Whether the ISBNs went through a spreadsheet (see `have_lost_zeros`): a number that is too short and no
        ISBN is then rejected, because nobody knows what it was.

    Returns
    -------
    Checked
        Rows with the id in `column` and ``isbn13``, null where it is no ISBN; and rejects of ids that are lost.
    """
    ids = read_isbns(rows[column]).rename({"text": column}).with_columns(_reason(lost_zeros).alias(_REASON))
    known = rows.join(ids, on=column, how="left", maintain_order="left", nulls_equal=True)
    good, rejects = set_apart(known, pl.col(_REASON), column, found=True)
    return Checked(good.with_columns(pl.col("id").alias(column)).drop("id", "plain", _REASON), rejects)


def read_isbns(texts: pl.Series) -> pl.DataFrame:
    """Read distinct texts as ISBNs.

    Returns
    -------
    pl.DataFrame
        ``text``; ``plain``, without what spreadsheets wrap it in; ``id``, see `parse_isbns`; and ``isbn13``, null
        where it is no ISBN.
    """
    distinct = pl.DataFrame({"text": texts.unique(maintain_order=True)}).with_columns(plain=_plain(pl.col("text")))
    distinct = distinct.with_columns(bare=pl.col("plain").str.replace_all(_SEPARATORS, ""))
    distinct = distinct.with_columns(nine=_first_nine(pl.col("bare")), isbn979=_isbn979(pl.col("bare")))
    return distinct.select(
        "text",
        "plain",
        id=pl.coalesce(pl.col("nine") + _check10("nine"), "isbn979", _without_separators(), "plain"),
        isbn13=pl.coalesce(_isbn13("nine"), "isbn979"),
    )


def have_lost_zeros(isbns: pl.Series) -> bool:
    """Say whether a column of ISBNs went through a spreadsheet: more lack leading zeros than have them."""
    plain = pl.DataFrame({"isbn": isbns}).select(_plain(pl.col("isbn"))).to_series()
    n_short = plain.str.contains("^[1-9][0-9]{0,8}$").sum()
    n_whole = plain.str.contains("^0[0-9]{9}$").sum()
    return n_short > 0 and n_short >= n_whole


def _plain(text: pl.Expr) -> pl.Expr:
    text = text.str.normalize("NFKC").str.strip_chars(_WRAPPING).str.to_uppercase().str.replace(_CALLED, "")
    is_none = text.is_not_null() & is_nothing(text)
    return pl.when(is_none).then(pl.lit("")).otherwise(text.str.replace(_AS_FLOAT, "$1"))


def _without_separators() -> pl.Expr:
    """Return a mistyped ISBN without its hyphens; null for what is none at all."""
    return pl.when(pl.col("bare").str.contains("^[0-9]{6,12}[0-9X]$")).then("bare")


def _reason(lost_zeros: bool) -> pl.Expr:
    plain = pl.col("plain")
    is_lost = pl.lit(lost_zeros) & plain.str.contains("^[0-9]{1,9}$") & pl.col("isbn13").is_null()
    return (
        pl.when(plain.str.contains(_SCIENTIFIC))
        .then(pl.lit(SCIENTIFIC))
        .when(plain.str.contains("^0+$"))
        .then(pl.lit(ONLY_ZEROS))
        .when(is_lost)
        .then(pl.lit(NOT_RECOVERED))
    )


def _first_nine(bare: pl.Expr) -> pl.Expr:
    """Return the nine digits that an ISBN-10 and an ISBN-13 of prefix 978 share; null if it is neither."""
    ten = bare.str.zfill(10)
    is_ten = bare.str.contains(f"^[0-9]{{{_SHORTEST - 1},9}}[0-9X]$") & (_weighted(ten, range(10, 0, -1)) % 11 == 0)
    is_thirteen = bare.str.contains("^978[0-9]{10}$") & _holds13(bare)
    nine = pl.when(is_ten).then(ten.str.head(9)).when(is_thirteen).then(bare.str.slice(3, 9))
    return pl.when(nine != "0" * 9).then(nine)


def _isbn979(bare: pl.Expr) -> pl.Expr:
    return pl.when(bare.str.contains("^979[0-9]{10}$") & _holds13(bare)).then(bare)


def _holds13(isbn: pl.Expr) -> pl.Expr:
    return _weighted(isbn, (1, 3) * 6 + (1,)) % 10 == 0


def _check10(nine: str) -> pl.Expr:
    return (_weighted(pl.col(nine), range(1, 10)) % 11).cast(pl.String).replace("10", "X")


def _isbn13(nine: str) -> pl.Expr:
    twelve = pl.lit("978") + pl.col(nine)
    return twelve + ((10 - _weighted(twelve, (1, 3) * 6) % 10) % 10).cast(pl.String)


def _weighted(text: pl.Expr, weights: range | tuple[int, ...]) -> pl.Expr:
    """Return the sum of the first characters, X being 10, times their weights; null if one is no digit."""
    digits = (text.str.slice(i, 1).replace("X", "10").cast(pl.Int32, strict=False) for i in range(len(weights)))
    return pl.sum_horizontal(
        [digit * weight for digit, weight in zip(digits, weights, strict=True)], ignore_nulls=False
    )
