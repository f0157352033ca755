"""A reader goes out of the history, and out of every file that an earlier version of it left.

Delta deletes by a new version; the old files, and a log that says which reader was deleted, stay. So an erasure has
two halves. First the reader's rows are deleted and a row of source ``forget`` in `batches` commits that, as an ingest
would. Then every file that the new version does not name is unlinked, and the log before it, of which a checkpoint
takes the place: no earlier version of the history can be opened any more. Killed in the first half, nothing has
happened (`History.recover`); killed in the second, the same erasure done again goes on with it.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
from deltalake import DeltaTable, write_deltalake

from data.digest import digest_of
from data.history import History
from data.schema import BATCHES, READINGS, REJECTS, TABLES, Table
from data.traces import Sought

FORGET = "forget"  # in `batches`, in place of a source's name
_PINNED = tuple(table for table in TABLES if f"{table.name}_version" in BATCHES.dtypes)


def n_readings_of(history: History, sought: Sought) -> int:
    """Return how many readings of a reader the latest history has."""
    rows = history.latest().readings.filter(pl.col("reader").is_in(sought.pseudonyms))
    return int(rows.select(pl.len()).collect().item())


def erase(history: History, sought: Sought, key: str) -> None:
    """Remove a reader's readings, and names of files that hold the raw id; call it under the ``history`` lock.

    Parameters
    ----------
    key
        Fingerprint of the key of the pseudonyms.
    """
    history.recover()
    if n_readings_of(history, sought):
        readers = ", ".join(f"'{one}'" for one in sought.pseudonyms)  # hex digits: nothing to escape
        _table(history, READINGS).delete(f"reader IN ({readers})")
    _hide_names(history, sought)
    _commit(history, _without_names(history.latest().batches, sought), key)
    for table in TABLES:
        _keep_current_only(history.folder / table.name, _table(history, table))


def _hide_names(history: History, sought: Sought) -> None:
    """Hide the raw id in the names of files of which rows were rejected."""
    rejects = history.latest().rejects.filter(pl.col("file").str.contains(sought.in_name))
    for name in rejects.select(pl.col("file").unique()).collect()["file"]:
        same = name.replace("'", "''")
        _table(history, REJECTS).update(new_values={"file": sought.hide(name)}, predicate=f"file = '{same}'")


def _without_names(batches: pl.DataFrame, sought: Sought) -> pl.DataFrame:
    """Hide the raw id in the names of files that were ingested."""
    files = [sought.hide(names) for names in batches["files"]]
    reasons = [_in_examples(reasons, sought) for reasons in batches["reasons"]]
    return batches.with_columns(pl.Series("files", files, pl.String), pl.Series("reasons", reasons, pl.String))


def _in_examples(reasons: str, sought: Sought) -> str:
    def hidden(example: str) -> str:
        name, colon, rest = example.partition(":")
        return sought.hide(name) + colon + rest

    told = [{**one, "examples": [hidden(example) for example in one["examples"]]} for one in json.loads(reasons)]
    return json.dumps(told, ensure_ascii=False)


def _commit(history: History, batches: pl.DataFrame, key: str) -> None:
    """Commit the tables as they are, with a row that says so; the earlier rows stay, as given."""
    for table in _PINNED:  # an empty version: the one before has the pseudonyms in its log
        write_deltalake(_table(history, table), table.empty(), mode="append")
    versions = {f"{table.name}_version": _table(history, table).version() for table in _PINNED}
    row: dict[str, Any] = {column.name: _nothing(column.dtype) for column in BATCHES.columns if not column.nullable}
    row |= {"batch": digest_of([FORGET, batches["batch"].to_list()]), "source": FORGET, "key": key, "reasons": "[]"}
    row |= {"ingested_at": datetime.now(UTC), **versions}
    frame = pl.concat([batches, pl.DataFrame([row], schema=BATCHES.dtypes)])
    write_deltalake(_table(history, BATCHES), BATCHES.check(frame), mode="overwrite")


def _nothing(dtype: Any) -> object:
    return 0 if dtype.is_numeric() else ""


def _keep_current_only(folder: Path, delta: DeltaTable) -> None:
    """Unlink every file and every entry of the log that the current version can do without.

    Not Delta's vacuum: that leaves the log, whose statistics and predicates name readers.
    """
    delta.create_checkpoint()
    named = {uri.rsplit("/", 1)[-1] for uri in delta.file_uris()}
    for path in sorted(folder.rglob("*")):
        is_log = path.parent.name == "_delta_log"
        is_needed = _is_recent(path.name, delta.version()) if is_log else path.name in named
        if path.is_file() and not is_needed:
            path.unlink()


def _is_recent(entry: str, version: int) -> bool:
    """Say whether a file of the log is of this version or a later one; anything half written is not."""
    number, _, kind = entry.partition(".")
    if entry == "_last_checkpoint":
        return True
    return kind in ("json", "checkpoint.parquet") and number.isdecimal() and int(number) >= version


def _table(history: History, table: Table) -> DeltaTable:
    return history._create(table)
