"""Delta tables on local disk: opened, read at a version, appended to, merged into, kept small."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import polars as pl
from deltalake import DeltaTable, WriterProperties, write_deltalake
from deltalake.exceptions import DeltaError

from data.errors import BadHistory
from data.schema import Table

RETENTION_HOURS = 24  # what a run may still be reading is not removed under it
MAX_SMALL_FILES = 64
SMALL_FILE_BYTES = 16 << 20

_KEEP_LOG: dict[str, str | None] = {"delta.enableExpiredLogCleanup": "false"}  # else pins die after 30 days


_SMALL = WriterProperties(compression="ZSTD", compression_level=1)  # half the default's bytes, in as much time


def open_delta(folder: Path, table: Table) -> DeltaTable | None:
    """Return a table under `folder`, or None if it was never made."""
    path = str(folder / table.name)
    return DeltaTable(path) if DeltaTable.is_deltatable(path) else None


def create_delta(folder: Path, table: Table) -> DeltaTable:
    """Return a table under `folder`, made empty if it was not there.

    Raises
    ------
    BadHistory
        If it has other columns: another version of wagahai made it.
    """
    if (delta := open_delta(folder, table)) is None:
        path = folder / table.name
        path.mkdir(parents=True, exist_ok=True)
        write_deltalake(str(path), table.empty(), mode="append", configuration=_KEEP_LOG)
        return DeltaTable(str(path))
    _check_columns(delta, folder, table)
    return delta


def scan_delta(folder: Path, table: Table, version: int) -> pl.LazyFrame:
    """Scan one version of a table; `pl.scan_delta` finds no file under a path with blanks or Japanese.

    Raises
    ------
    BadHistory
        If that version was removed since, or another version of wagahai made it.
    """
    path = folder / table.name
    try:
        delta = DeltaTable(str(path), version=version)
    except DeltaError as error:
        raise _removed(path, version) from error
    _check_columns(delta, folder, table)
    uris = delta.file_uris()
    files = [path / uri.rsplit("/", 1)[-1] for uri in uris]
    if not all(file.exists() for file in files):
        raise _removed(path, version)
    return pl.scan_parquet(files, schema=table.dtypes, glob=False) if files else table.empty().lazy()


def _check_columns(delta: DeltaTable, folder: Path, table: Table) -> None:
    columns = [column.name for column in delta.schema().fields]
    if columns != list(table.dtypes):
        other = ", ".join(sorted(set(columns) ^ set(table.dtypes))) or "their order"
        raise BadHistory(
            f"{folder / table.name}: made by another version of wagahai (columns: {other}); ingest into a new store"
        )


def _removed(path: Path, version: int) -> BadHistory:
    return BadHistory(
        f"{path}: version {version} is no longer kept: later ingests, or a forget, removed it; open the latest"
    )


def append(delta: DeltaTable, table: Table, frame: pl.DataFrame) -> None:
    """Append rows."""
    write_deltalake(delta, table.check(frame), mode="append", writer_properties=_SMALL)


def merge_into(
    delta: DeltaTable, table: Table, frame: pl.DataFrame, change: tuple[dict[str, str], str]
) -> dict[str, Any]:
    """Insert the rows whose key is new, update the others; return Delta's counts.

    Parameters
    ----------
    frame
        Rows of the table, each key once. The narrower the range of its first key column, the fewer files are read.
    change
        Column -> SQL of its new value over ``source`` and ``target``, and SQL that says when a row changes at all.
    """
    updates, predicate = change
    first, last = (str(end).replace("'", "''") for end in (frame[table.key[0]].min(), frame[table.key[0]].max()))
    same = " AND ".join(f"target.{name} = source.{name}" for name in table.key)
    within = f"target.{table.key[0]} >= '{first}' AND target.{table.key[0]} <= '{last}'"
    merge = delta.merge(
        table.check(frame),
        f"{same} AND {within}",
        source_alias="source",
        target_alias="target",
        writer_properties=_SMALL,
    )
    return merge.when_matched_update(updates, predicate=predicate).when_not_matched_insert_all().execute()


def compact(folder: Path, table: Table, ends: Sequence[str]) -> bool:
    """Put small files together if there are many; say whether that was done.

    Parameters
    ----------
    ends
        Where ranges of the first key column end. Rows are rewritten range by range, in memory one at a time, so that
        a merge into a range goes on to touch the files of that range only. None: files are just put together.
    """
    delta = create_delta(folder, table)
    sizes = pl.DataFrame(delta.get_add_actions())["size_bytes"]
    if (sizes < SMALL_FILE_BYTES).sum() <= MAX_SMALL_FILES + 4 * len(ends):
        return False
    if not ends:
        delta.optimize.compact(target_size=4 * SMALL_FILE_BYTES, writer_properties=_SMALL)
        return True
    key = pl.col(table.key[0])
    before = scan_delta(folder, table, delta.version())
    delta.delete()  # of the new version; killed here, the next ingest restores what is pinned
    for first, last in zip(["", *ends], [*ends, None], strict=True):
        rows = before.filter(key >= first, key < last if last else True).collect()
        append(delta, table, rows)
    return True


def remove_old_files(delta: DeltaTable, keep: Iterable[int]) -> int:
    """Delete files that neither the current version nor one of `keep` needs, a day after they went; return how many."""
    kept = sorted(version for version in set(keep) if _is_logged(delta, version))
    removed = delta.vacuum(
        retention_hours=RETENTION_HOURS,
        enforce_retention_duration=False,
        dry_run=False,
        keep_versions=kept,
        full=True,  # also files of a write that was killed, which no version ever named
    )
    return len(removed)


def _is_logged(delta: DeltaTable, version: int) -> bool:
    """Say whether a version can be opened: those before a reader was forgotten cannot (`data.erasure`)."""
    try:
        DeltaTable(delta.table_uri, version=version)
    except DeltaError:
        return False
    return True
