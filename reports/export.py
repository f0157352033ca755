"""The watch list as files for other programs: CSV for a spreadsheet, Parquet for everything else."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import polars as pl

from data.release import Books, Release
from data.spreadsheet import harmless
from data.store import Store
from pipeline.disclosure import is_told, least_told
from reports.watch import Beside, Card, WatchList

_SHARED = ["n_shared", "lift"]
_SCHEMA = {
    "book": pl.String,
    "title": pl.String,
    "authors": pl.String,
    "side": pl.String,
    "rank": pl.Int32,
    "neighbour": pl.String,
    "neighbour_title": pl.String,
    "neighbour_authors": pl.String,
    "neighbour_readers": pl.Int64,
    "similarity": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "p_top": pl.Float64,
}


def export(store: Store, release: Release, watch: WatchList, page: Path) -> list[Path]:
    """Write the watch list beside its page, as CSV and as Parquet; return the paths.

    The CSV begins with a byte order mark, without which a spreadsheet takes Japanese titles for another encoding,
    and a text that a spreadsheet would run as a formula is preceded by an apostrophe. How many readers two books
    share is told only as far as `pipeline.disclosure` allows.
    """
    frame = watch_frame(release, watch)
    parquet = io.BytesIO()
    frame.write_parquet(parquet)
    paths = [page.with_suffix(".csv"), page.with_suffix(".parquet")]
    store.write_whole(paths[0], _csv(frame).encode("utf-8-sig"))
    store.write_whole(paths[1], parquet.getvalue())
    return paths


def watch_frame(release: Release, watch: WatchList) -> pl.DataFrame:
    """Return the watch list as a table: a row per book beside another, near ones before far ones.

    Returns
    -------
    DataFrame
        ``book, title, authors, side (near or far), rank, neighbour, neighbour_title, neighbour_authors,
        neighbour_readers, similarity, low, high, p_top, n_shared, lift``; null where unknown, not measured or, of the
        last two, not told.
    """
    books = release.books
    rows = [
        _record(books, card, side, beside)
        for card in watch.cards
        for side, listed in (("near", card.near), ("far", card.far))
        for beside in listed
    ]
    frame = pl.DataFrame(rows, schema=_SCHEMA, orient="row")
    return frame.join(_shared(release, frame), on=["book", "neighbour"], how="left", maintain_order="left")


def _record(books: Books, card: Card, side: str, beside: Beside) -> tuple[object, ...]:
    asked, other = (
        [books.columns[name][row] for name in ("book", "title", "authors")] for row in (card.row, beside.row)
    )
    sure = (beside.low, beside.high, beside.p_top)
    return (*asked, side, beside.rank, *other, beside.n_readers, beside.similarity, *sure)


def _shared(release: Release, frame: pl.DataFrame) -> pl.DataFrame:
    """How many readers the pairs share, as far as the release tells it; the rule of today is applied once more.

    A release may be older than the rule.
    """
    table = pl.scan_parquet(release.folder / "neighbours.parquet").select("book", "neighbour", *_SHARED)
    asked = table.filter(pl.col("book").is_in(frame["book"].unique().implode())).collect()
    n_readers = dict(zip(release.books.columns["book"], release.books.n_readers.tolist(), strict=True))
    n_one, n_other = (np.array([n_readers[book] for book in asked[name]], np.int64) for name in ("book", "neighbour"))
    told = pl.Series(is_told(asked["n_shared"].fill_null(0).to_numpy(), n_one, n_other, least_told(release)))
    return asked.with_columns(pl.when(told).then(pl.col(name)).alias(name) for name in _SHARED)


def _csv(frame: pl.DataFrame) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(frame.columns)
    writer.writerows([harmless(value) for value in row] for row in frame.iter_rows())
    return text.getvalue()
