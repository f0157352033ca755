"""Book rows from a source's strings: the cleaning that every source shares."""

from __future__ import annotations

import re
from collections.abc import Callable

import polars as pl

from data.editions import clean_text, isbn13, split_title
from data.schema import FORMATS, UNKNOWN_TITLE
from data.sources.base import BOOK_COLUMNS
from data.sources.values import Checked, conform, gather_rejects, parse_ids, set_apart

NO_TITLE = "no title"
REPEATED_BOOK = "book is described again"

FORMAT_WORDS: dict[str, str] = {
    **{word: word for word in FORMATS},
    **dict.fromkeys(("文庫", "文庫本"), "bunko"),
    **dict.fromkeys(("単行本", "単行本(ソフトカバー)", "単行本(ハードカバー)"), "tankobon"),
    **dict.fromkeys(("新書",), "shinsho"),
    **dict.fromkeys(("hardback", "ハードカバー"), "hardcover"),
    **dict.fromkeys(("mass market paperback", "trade paperback", "softcover", "ペーパーバック"), "paperback"),
    **dict.fromkeys(("comics", "manga", "コミック", "漫画", "マンガ"), "comic"),
    **dict.fromkeys(("e-book", "kindle", "kindle edition", "kindle版", "電子書籍", "digital"), "ebook"),
    **dict.fromkeys(("audiobook", "audio cd", "audible audio", "オーディオブック"), "audio"),
    **dict.fromkeys(("audible audiobook", "audio cassette", "mp3 cd", "preloaded digital audio player"), "audio"),
    **dict.fromkeys(("library binding", "school & library binding", "leather bound"), "hardcover"),
    **dict.fromkeys(("perfect paperback", "flexibound"), "paperback"),
    **dict.fromkeys(("paperback bunko",), "bunko"),
    **dict.fromkeys(("tankobon hardcover", "tankobon softcover"), "tankobon"),
    **dict.fromkeys(("paperback shinsho",), "shinsho"),
    **dict.fromkeys(("comic book", "graphic novel", "graphic novels"), "comic"),
    **dict.fromkeys(("nook",), "ebook"),
}

_TEXTS = ("title", "authors", "publisher", "imprint", "language", "work", "edition", "series")
# Libraries write "title : subtitle / authors", and leave the mark when they cut the rest off.
_ISBD_END = re.compile(r"(?:\s+[/:;=])+$|(?<=[^/\s])/$")
# 1998, 2008.0, -720.0, 1998-05-01, 2003年
_YEAR = r"^(-?\d{1,4})(?:\.0*)?(?:[-/.年]\d.*|年)?$"


def parse_books(rows: pl.DataFrame) -> Checked:
    """Clean the descriptions of books.

    Texts are cleaned and null where empty, titles without the mark that library catalogues end them with; the
    imprint, series and volume come from the title's last bracket where the source has none; of several ISBNs the
    first valid one counts; a year 0 and one that is no number are null; a format that is not known is ``unknown``.

    Parameters
    ----------
    rows
        With `book`, `title`, `file` and `line`, and any other of `BOOK_COLUMNS`, all as text.

    Returns
    -------
    Checked
        Books (`BOOK_COLUMNS`), and rejects for rows without id or title and for ids described before.
    """
    good, without_id = parse_ids(rows, "book")
    texts = [name for name in _TEXTS if name in good.columns]
    good = good.with_columns(_mapped(name, _clean_title if name == "title" else _clean) for name in texts)
    untitled = pl.when(pl.col("title").is_null()).then(pl.lit(NO_TITLE))
    good, without_title = set_apart(good, untitled, "title", found=False)
    again = pl.when(~pl.col("book").is_first_distinct()).then(pl.lit(REPEATED_BOOK))
    good, repeated = set_apart(good, again, "book", found=True)
    good = good.with_columns(_values(good.columns))
    rejects = gather_rejects([without_id, without_title, repeated])
    return Checked(conform(_with_bracket(good), BOOK_COLUMNS), rejects)


def _values(columns: list[str]) -> list[pl.Expr]:
    """Parse the columns that are not plain text."""
    plain = {name: pl.col(name).str.normalize("NFKC").str.strip_chars() for name in ("year", "volume", "format")}
    year = plain["year"].str.extract(_YEAR).cast(pl.Int32)
    words = plain["format"].str.to_lowercase()
    format_ = words.replace_strict(FORMAT_WORDS, default="unknown", return_dtype=pl.String)
    parsed = {
        "year": pl.when(year != 0).then(year),
        "volume": plain["volume"].cast(pl.Float32, strict=False),
        "format": format_.fill_null("unknown"),
        "isbn13": _mapped("isbn13", first_isbn),
    }
    absent = [pl.lit("unknown").alias("format")] if "format" not in columns else []
    return [expression.alias(name) for name, expression in parsed.items() if name in columns] + absent


def _with_bracket(books: pl.DataFrame) -> pl.DataFrame:
    """Fill imprint, series and volume from the title's last bracket."""
    parts = [split_title(title) for title in books["title"]]
    bracket = {
        "imprint": pl.Series([part.imprint for part in parts], dtype=pl.String),
        "series": pl.Series([part.series for part in parts], dtype=pl.String),
        "volume": pl.Series([part.volume for part in parts], dtype=pl.Float32),
    }
    given = [pl.coalesce(pl.col(name), pl.lit(values)).alias(name) for name, values in bracket.items() if name in books]
    return books.with_columns(given).with_columns(
        values.alias(name) for name, values in bracket.items() if name not in books
    )


def _mapped(column: str, function: Callable[[str], str | None]) -> pl.Expr:
    """Apply a function of one text; books are few enough for Python."""
    return pl.col(column).map_elements(function, return_dtype=pl.String)


def _clean(text: str) -> str | None:
    return clean_text(text) or None


def _clean_title(text: str) -> str | None:
    cleaned = clean_text(text)
    return _ISBD_END.sub("", cleaned) or cleaned or None


def first_isbn(text: str) -> str | None:
    """Return the first valid ISBN of several, divided by commas or semicolons, as ISBN-13; None if there is none."""
    return next((isbn for part in text.replace(",", ";").split(";") if (isbn := isbn13(part))), None)


def untitled(books: pl.DataFrame) -> pl.DataFrame:
    """Describe books of which only ids are known, by `BOOK_COLUMNS`; the id stands for the title.

    Parameters
    ----------
    books
        With `book`, and perhaps `isbn13`, `work` and `edition`, clean.
    """
    title = pl.format(UNKNOWN_TITLE, "book")
    return conform(books.with_columns(title=title, format=pl.lit("unknown")), BOOK_COLUMNS)


def set_apart_unknown(readings: pl.DataFrame, books: pl.DataFrame, file: str) -> Checked:
    """Reject readings of books that the source does not describe, where it promises to describe all.

    Parameters
    ----------
    readings, books
        Frames of `READING_COLUMNS` and `BOOK_COLUMNS`.
    file
        Name of the file that describes the books.
    """
    known = pl.col("book").is_in(books["book"].implode())
    return set_apart(readings, pl.when(~known).then(pl.lit(f"book is not in {file}")), "book", found=True)
