"""What an ingest refuses, beyond a file that cannot be read: what would go wrong silently."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from data.errors import BadConfig, BadFile, WagahaiError
from data.history import History
from data.pseudonym import key_fingerprint
from data.sources.base import Options, Source
from data.spill import Spill
from data.store import KEY_VARIABLE
from pipeline.account import Tally, told_reasons

MIN_SHARE_GOOD = 0.5  # of the rows
MIN_SHARED = 0.5  # of the books of the shorter of two exports
MIN_BOOKS = 3  # shorter exports say nothing


def refuse_empty(path: Path, tally: Tally) -> None:
    """Refuse a source of which most rows are no usable reading: it was mapped or exported wrongly."""
    n_good = tally.n_good + tally.n_forgotten
    if n_good > MIN_SHARE_GOOD * tally.n_rows or (tally.n_rows == 0 and tally.n_described):  # books alone: fine
        return
    why = told_reasons(tally.reasons)
    raise BadFile(
        path,
        found=f"{tally.n_rows:,} rows, {n_good:,} of them usable readings" + (f" ({why})" if why else ""),
        expected=f"usable readings in more than {MIN_SHARE_GOOD:.0%} of the rows",
        remedy="check the mapping of the columns, and how the file was exported",
    )


def refuse_another_key(history: History, key: bytes) -> None:
    """Refuse another key than the history was made with: every reader would silently become two."""
    if history.keys() - {key_fingerprint(key)}:
        raise WagahaiError(
            f"the readers of {history.folder} were pseudonymised with another key; set ${KEY_VARIABLE} to that key, "
            "or unset it to use the store's own"
        )


def refuse_two_readers(source: Source, options: Options) -> None:
    """Refuse to be told whose readings they are by someone when the rows say it themselves."""
    columns = {**options.mapping.readings, **options.mapping.books} if options.mapping else {}
    if options.reader is not None and ("reader" in columns or not (source.names_readers or options.mapping)):
        raise BadConfig(f"{source.name} says itself who read what: leave out --reader")


def refuse_another_table(history: History, namespace: str, layout: str) -> None:
    """Refuse a table of other columns under a name it was not given: readers of two services would become one."""
    others = [batch for batch in history.accounts() if batch["namespace"] == namespace]
    if others and all(batch["layout"] != layout for batch in others):
        raise BadConfig(
            f"{others[-1]['files']}, a table of other columns, was ingested as {namespace}. Pass --namespace NAME if "
            f"this one is of another service, --namespace {namespace} if the same reader has the same id in both"
        )


def refuse_another_reader(history: History, spill: Spill, namespace: str) -> None:
    """Refuse an export that has hardly a book in common with what its reader is known to have read.

    Every export of a service has the same name (`goodreads_library_export.csv`): the second reader's would silently
    become the first one's. A later export of the same reader holds the books of the earlier one.

    Raises
    ------
    BadConfig
        Saying how to name the reader.
    """
    if not history.accounts():
        return
    given = pl.concat([_NOTHING, *(shard.select("reader", "book") for shard in spill.shards([]))]).unique()
    given = given.with_columns((pl.lit(f"{namespace}:") + pl.col("book")).alias("book"))
    readers = given.lazy().select("reader").unique()
    known = history.latest().readings.select("reader", "book").join(readers, on="reader", how="semi").collect()
    both = (
        _sizes(given, "n_given")
        .join(_sizes(known, "n_known"), on="reader")
        .join(_sizes(given.join(known, on=["reader", "book"]), "n_shared"), on="reader", how="left")
        .with_columns(pl.col("n_shared").fill_null(0))
    )
    shorter = pl.min_horizontal("n_given", "n_known")
    others = both.filter((shorter >= MIN_BOOKS) & (pl.col("n_shared") < MIN_SHARED * shorter))
    if others.height:
        n_given, n_shared = others.select("n_given", "n_shared").row(0)
        raise BadConfig(
            f"an export of this file name was ingested before, and this one shares {n_shared} of its {n_given} books "
            "with it: is it another reader's? Say whose it is with --reader ID, or rename the file"
        )


def _sizes(rows: pl.DataFrame, name: str) -> pl.DataFrame:
    return rows.group_by("reader").agg(pl.len().alias(name))


_NOTHING = pl.DataFrame(schema={"reader": pl.String, "book": pl.String})
