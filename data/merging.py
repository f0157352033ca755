"""What is known of one reading or one book from two places becomes one row.

A reading is of one reader and one book. Of several rows, the status that says most stands (`STATUS_RANKS`: who read a
book has read it, whatever list it is put on later), so that it does not matter which file came first. A date counts
for its status: of dates under the status that stands, the better known one, and of two as well known the earlier. A
rating replaces an earlier one. How often a book was read is known only at least: the greater count stands.

Here are the rules for one ingest (in Polars) and for an ingest into the history (as SQL for a Delta merge).
"""

from __future__ import annotations

import polars as pl

from data.schema import BOOKS, PRECISIONS, UNKNOWN_TITLE

STATUS_RANKS = {"read": 0, "dropped": 1, "reading": 2, "wish": 3}  # the first says most

_PAIR = ("reader", "book")


def merge_repeats(rows: pl.DataFrame) -> pl.DataFrame:
    """Return one row per reader and book.

    Parameters
    ----------
    rows
        Columns of readings, with `position`, in the order of the file within a reader.
    """
    hashes = rows.select(pl.col("reader").hash(seed=1) ^ pl.col("book").hash(seed=2)).to_series()
    ordered = hashes.sort()
    twice = ordered.filter(ordered == ordered.shift(1))
    if twice.is_empty():
        return rows
    repeated = hashes.is_in(twice.implode())  # candidates: what follows looks at the pairs themselves
    return pl.concat([rows.filter(~repeated), _merged(rows.filter(repeated)).select(rows.columns)])


def _merged(rows: pl.DataFrame) -> pl.DataFrame:
    rank, coarseness = (
        pl.col(name).replace_strict(ranks, return_dtype=pl.Int8)
        for name, ranks in (("status", STATUS_RANKS), ("read_on_precision", _coarseness_ranks()))
    )
    of_status = pl.col("rank") == pl.col("rank").min().over(_PAIR)
    dated = pl.when(of_status & pl.col("read_on").is_not_null())
    rows = rows.sort("position").with_columns(rank=rank).with_columns(day=dated.then("read_on"), counted=of_status)
    best = rows.filter("counted").with_columns(coarseness=coarseness)
    best = best.sort("coarseness", "day", "position", nulls_last=True).unique(_PAIR, keep="first")
    dates = best.select(*_PAIR, "read_on", "read_on_precision", "status")
    rated = rows.filter(pl.col("rating").is_not_null()).unique(_PAIR, keep="last", maintain_order=True)
    ratings = rated.select(*_PAIR, "rating", "rating_min", "rating_max")
    counts = rows.group_by(_PAIR, maintain_order=True).agg(
        pl.max_horizontal(
            pl.col("day").drop_nulls().n_unique().cast(pl.Int32), pl.col("n_times").filter("counted").max()
        ).alias("n_times"),
        pl.col("position").min(),
    )
    return counts.join(dates, on=_PAIR, maintain_order="left").join(
        ratings, on=_PAIR, how="left", maintain_order="left"
    )


def changed_readings() -> tuple[dict[str, str], str]:
    """Return what a known reading takes from a new row, and when that is a change (see `data.delta.merge_into`)."""
    source, target = (_rank(f"{side}.status", STATUS_RANKS) for side in ("source", "target"))
    finer, coarser = (_rank(f"{side}.read_on_precision", _coarseness_ranks()) for side in ("source", "target"))
    better = (
        f"target.read_on IS NULL OR {finer} < {coarser} OR ({finer} = {coarser} AND source.read_on < target.read_on)"
    )
    of_date = f"{source} < {target} OR ({source} = {target} AND source.read_on IS NOT NULL AND ({better}))"
    takes = f"CASE WHEN {of_date} THEN source.{{0}} ELSE target.{{0}} END"
    values = {name: takes.format(name) for name in ("read_on", "read_on_precision")}
    values |= {name: _known(name) for name in ("rating", "rating_min", "rating_max")}
    values["status"] = f"CASE WHEN {source} < {target} THEN source.status ELSE target.status END"
    values["n_times"] = (
        f"CASE WHEN {source} < {target} THEN source.n_times WHEN {source} > {target} THEN target.n_times "
        "ELSE greatest(source.n_times, target.n_times) END"
    )
    return values, _differs_from_target(values)


def changed_books() -> tuple[dict[str, str], str]:
    """Return what a known book takes from a new description, and when that is a change at all."""
    content = [column.name for column in BOOKS.columns if column.name not in ("book", "source", "batch")]
    values = {name: _known(name) for name in content}
    no_title = UNKNOWN_TITLE.partition("{")[0]
    values["title"] = f"CASE WHEN source.title LIKE '{no_title}%' THEN target.title ELSE source.title END"
    values["format"] = "CASE WHEN source.format = 'unknown' THEN target.format ELSE source.format END"
    return {**values, "batch": "source.batch"}, _differs_from_target(values)


def _coarseness_ranks() -> dict[str, int]:
    return {precision: rank for rank, precision in enumerate(PRECISIONS)}


def _rank(column: str, ranks: dict[str, int]) -> str:
    cases = " ".join(f"WHEN '{word}' THEN {rank}" for word, rank in ranks.items())
    return f"(CASE {column} {cases} END)"


def _known(name: str) -> str:
    return f"coalesce(source.{name}, target.{name})"


def _differs_from_target(values: dict[str, str]) -> str:
    return " OR ".join(f"(({value}) IS DISTINCT FROM target.{name})" for name, value in values.items())
