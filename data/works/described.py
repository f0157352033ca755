"""What of each book the rules look at: ids, and titles, authors and languages made comparable."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any

import polars as pl

from data.authors import first_author_key
from data.editions import compact_key
from data.languages import language_code
from data.schema import UNKNOWN_TITLE
from data.works.titles import COMIC, work_title

_TITLE = {
    "called": pl.String,
    "base": pl.String,
    "part": pl.String,
    "volume": pl.Float64,
    "form": pl.String,
    "is_cut": pl.Boolean,
}
_in_parts = attrgetter(*_TITLE)


def describe(books: pl.DataFrame) -> pl.DataFrame:
    """Return one row per book, ordered by id.

    Returns
    -------
    pl.DataFrame
        `row` (0, 1, ...), `book`, `title`, `authors`, `isbn13`, `work`, `edition` as in the history; `title_key`, the
        whole title folded, and `context_key`, the same with the authors; `called`, `base`, `part` and `is_cut` of
        `WorkTitle`; `author`, the first author folded, empty if unknown; `language` (a code), `volume` and `form`,
        null where unknown.
    """
    ordered = books.sort("book")
    is_known = ~pl.col("title").str.starts_with(UNKNOWN_TITLE.partition("{")[0])
    titles = ordered.select(pl.when(is_known).then("title").fill_null("")).to_series()
    parts = pl.DataFrame([_in_parts(work_title(title)) for title in titles], schema=_TITLE, orient="row")
    described = ordered.select("book", "title", "authors", "isbn13", "work", "edition", "format").with_columns(
        *parts.drop("volume").get_columns(),
        pl.Series("title_key", [compact_key(title) for title in titles], dtype=pl.String),
        _of_each("context_key", ordered["authors"], compact_key).fill_null(""),
        _of_each("author", ordered["authors"], first_author_key).fill_null(""),
        _of_each("language", ordered["language"], language_code),
        ordered["volume"].cast(pl.Float64).fill_null(parts["volume"]).alias("volume"),
    )
    form = pl.when(pl.col("format") == COMIC).then(pl.lit(COMIC)).otherwise(pl.col("form").replace("", None))
    context = pl.col("title_key") + pl.col("context_key")
    return described.with_columns(
        form.alias("form"), context.alias("context_key"), pl.int_range(pl.len(), dtype=pl.Int64).alias("row")
    )


def facts(described: pl.DataFrame) -> list[tuple[int, str, str]]:
    """Return what is known of each book that two books of one work agree in: (row, name, value)."""
    giver = pl.col("work").str.extract("^([^:]*):") + pl.lit(" work")
    columns: list[tuple[Any, pl.Expr]] = [
        (giver, pl.col("work").str.replace("^[^:]*:", "")),
        (pl.lit("language"), pl.col("language")),
        (pl.lit("volume"), pl.col("volume").round(3).cast(pl.String).str.strip_suffix(".0")),
        (pl.lit("form"), pl.col("form")),
    ]
    frames = [described.select("row", name.alias("name"), value.alias("value")) for name, value in columns]
    return list(pl.concat(frames).drop_nulls().iter_rows())


def _of_each(name: str, values: pl.Series, function: Callable[[str], str | None]) -> pl.Series:
    """Apply a function to each distinct text once: authors and languages repeat."""
    distinct = values.drop_nulls().unique()
    results = pl.Series([function(value) for value in distinct], dtype=pl.String)
    return values.replace_strict(distinct, results, default=None, return_dtype=pl.String).alias(name)
