"""What is known of one reading or one book from two places becomes one row.

A reading is of one reader and one book. Of several rows, the status that says most stands (`STATUS_RANKS`: who read a
book has read it, whatever list it is put on later), so that it does not matter which file came first. A date counts
for its status: of dates under the status that stands, the better known one, and of two as well known the earlier. A
rating replaces one that came before it, unless it is of an earlier day. How often a book was read is known only at
least: what a source says, or as many days as it was begun on; of two ingests whose days differ, two.

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
    rows = rows.sort("position").with_columns(rank=rank, coarseness=coarseness)
    counted = rows.filter(pl.col("rank") == pl.col("rank").min().over(_PAIR))
    best = counted.sort("coarseness", "read_on", "position", nulls_last=True).unique(_PAIR, keep="first")
    dates = best.select(*_PAIR, "read_on", "read_on_precision", "status")
    rated = rows.filter(pl.col("rating").is_not_null())
    rated = rated.filter(pl.col("read_on").is_null() | (pl.col("read_on") == pl.col("read_on").max().over(_PAIR)))
    ratings = rated.unique(_PAIR, keep="last", maintain_order=True).select(*_PAIR, "rating", "rating_min", "rating_max")
    days = counted.filter(pl.col("read_on_precision") == "day").group_by(_PAIR).agg(pl.col("read_on").n_unique())
    times = counted.group_by(_PAIR).agg(pl.col("n_times").max()).join(days, on=_PAIR, how="left")
    n_times = pl.max_horizontal("n_times", pl.col("read_on").cast(pl.Int32)).alias("n_times")
    merged = rows.group_by(_PAIR, maintain_order=True).agg(pl.col("position").min())
    for known in (dates, ratings, times.select(*_PAIR, n_times)):
        merged = merged.join(known, on=_PAIR, how="left", maintain_order="left")
    return merged


def changed_readings() -> tuple[dict[str, str], str]:
    """Return what a known reading takes from a new row, and when that is a change (see `data.delta.merge_into`)."""
    source, target = (_rank(f"{side}.status", STATUS_RANKS) for side in ("source", "target"))
    finer, coarser = (_rank(f"{side}.read_on_precision", _coarseness_ranks()) for side in ("source", "target"))
    earlier = f"{finer} = {coarser} AND source.read_on < target.read_on"
    better = f"target.read_on IS NULL OR {finer} < {coarser} OR ({earlier})"
    of_date = f"{source} < {target} OR ({source} = {target} AND source.read_on IS NOT NULL AND ({better}))"
    values = {name: _either(of_date, name) for name in ("read_on", "read_on_precision")}
    is_of_earlier = "coalesce(source.read_on < target.read_on, false) AND target.rating IS NOT NULL"
    rated = f"source.rating IS NOT NULL AND NOT ({is_of_earlier})"
    values |= {name: _either(rated, name) for name in ("rating", "rating_min", "rating_max")}
    values["status"] = _either(f"{source} < {target}", "status")
    both_days = "source.read_on_precision = 'day' AND target.read_on_precision = 'day'"
    twice = f"CASE WHEN {both_days} AND source.read_on <> target.read_on THEN 2 ELSE 1 END"
    values["n_times"] = (
        f"CASE WHEN {source} < {target} THEN source.n_times WHEN {source} > {target} THEN target.n_times "
        f"ELSE greatest(source.n_times, target.n_times, {twice}) END"
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


def _either(condition: str, name: str) -> str:
    return f"CASE WHEN {condition} THEN source.{name} ELSE target.{name} END"


def _known(name: str) -> str:
    return f"coalesce(source.{name}, target.{name})"


def _differs_from_target(values: dict[str, str]) -> str:
    return " OR ".join(f"(({value}) IS DISTINCT FROM target.{name})" for name, value in values.items())
