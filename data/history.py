"""The history: Delta tables `readings`, `books`, `rejects`, and `batches` that binds them.

Delta Lake commits one table at a time. An ingest touches three, so a fourth, `batches`, holds one
row per ingest with the versions it left in the others, and its append *is* the commit: readers
only ever see table versions that a batch row names. An ingest killed half way leaves versions that
no batch names; the next one restores the tables first (`History.recover`). Writers therefore take
the store's ``history`` lock; readers need none.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
from deltalake import DeltaTable, write_deltalake

from data.digest import digest_of
from data.errors import BadHistory
from data.schema import BATCHES, BOOKS, PRECISIONS, READINGS, REJECTS, Table

_MERGED = (READINGS, BOOKS, REJECTS)
_KEEP_VERSIONS: dict[str, str | None] = {"delta.enableExpiredLogCleanup": "false"}  # else pins die after 30 days


@dataclass(frozen=True)
class Batch:
    """One ingest, ready to be committed.

    Attributes
    ----------
    account
        Columns of `batches` that are known before the commit (counts, names, encoding).
    readings, books, rejects
        Rows of the tables, each key once.
    """

    account: dict[str, Any]
    readings: pl.DataFrame
    books: pl.DataFrame
    rejects: pl.DataFrame


@dataclass(frozen=True)
class ReadingHistory:
    """The history as it was after one ingest; later ingests do not change it.

    Attributes
    ----------
    folder
        Folder of the Delta tables.
    version
        Version of the table `batches`: what a training run pins.
    """

    folder: Path
    version: int

    @property
    def batches(self) -> pl.DataFrame:
        """Ingests so far, in the order they were committed."""
        frame = _scan(self.folder, BATCHES, self.version).collect()
        return BATCHES.check(frame).sort("rejects_version")  # grows with every ingest; a clock may be set back

    @property
    def digest(self) -> str:
        """Digest of what was ingested and in which order; the same in every store, whatever its key."""
        return digest_of(self.batches["batch"].to_list())

    @property
    def readings(self) -> pl.LazyFrame:
        """Table `readings` at this version."""
        return self._scan(READINGS)

    @property
    def books(self) -> pl.LazyFrame:
        """Table `books` at this version."""
        return self._scan(BOOKS)

    @property
    def rejects(self) -> pl.LazyFrame:
        """Table `rejects` at this version."""
        return self._scan(REJECTS)

    def _scan(self, table: Table) -> pl.LazyFrame:
        return _scan(self.folder, table, int(self.batches[f"{table.name}_version"][-1]))


class History:
    """The Delta tables under one folder; made empty on first use."""

    def __init__(self, folder: Path) -> None:
        if bad := sorted(set("%[]") & set(str(folder.absolute()))):
            raise BadHistory(f"{folder}: Delta tables cannot lie under a path with {' '.join(bad)}; move the store")
        self.folder = folder

    def latest(self) -> ReadingHistory:
        """Return the history after the last committed ingest.

        Raises
        ------
        BadHistory
            If nothing was ever ingested.
        """
        if (version := self._committed()) is None:
            raise BadHistory(f"{self.folder}: no readings yet; ingest a source first (wagahai ingest PATH)")
        return ReadingHistory(self.folder, version)

    def account(self, batch: str) -> dict[str, Any] | None:
        """Return the row of `batches` for a batch, or None if it was never committed."""
        if self._committed() is None:
            return None
        rows = self.latest().batches.filter(pl.col("batch") == batch)
        return rows.row(0, named=True) if len(rows) else None

    def keys(self) -> set[str]:
        """Return the fingerprints of the keys that readers were pseudonymised with; empty before the first ingest."""
        return set() if self._committed() is None else set(self.latest().batches["key"])

    def recover(self) -> list[str]:
        """Restore every table to what the last batch names; return the names of those that had gone ahead.

        Call it under the ``history`` lock, before writing.
        """
        committed = self._committed()
        pins = self.latest().batches.row(-1, named=True) if committed is not None else {}
        restored = []
        for table in _MERGED:
            if (delta := self._open(table)) is None:
                continue
            pinned = int(pins.get(f"{table.name}_version", 0))  # version 0 is the empty table
            if self._differs(delta, pinned):
                delta.restore(pinned)
                restored.append(table.name)
        return restored

    def commit(self, batch: Batch) -> dict[str, Any]:
        """Merge a batch into the tables and return its account. All of it is visible, or nothing.

        A reading that is known keeps its place (`batch`, `position`) and takes the new rating, status
        and count; a null never replaces a known value. Call it under the ``history`` lock, after `recover`.
        """
        books = self._merge(BOOKS, batch.books, _changed_books())
        readings = self._merge(READINGS, batch.readings, _changed_readings())
        rejects = self._create(REJECTS)
        write_deltalake(rejects, REJECTS.check(batch.rejects), mode="append")
        account = {
            **batch.account,
            "n_new": readings["num_target_rows_inserted"],
            "n_changed": readings["num_target_rows_updated"],
            "n_books": books["num_target_rows_inserted"] + books["num_target_rows_updated"],
            "ingested_at": datetime.now(UTC),
            **{f"{table.name}_version": self._create(table).version() for table in _MERGED},
        }
        row = pl.DataFrame([account], schema=BATCHES.dtypes)
        write_deltalake(self._create(BATCHES), BATCHES.check(row), mode="append")
        return account

    # ---- Delta ---------------------------------------------------------------------------

    def _open(self, table: Table) -> DeltaTable | None:
        path = str(self.folder / table.name)
        return DeltaTable(path) if DeltaTable.is_deltatable(path) else None

    def _create(self, table: Table) -> DeltaTable:
        if (delta := self._open(table)) is None:
            path = self.folder / table.name
            path.mkdir(parents=True, exist_ok=True)
            write_deltalake(str(path), table.empty(), mode="append", configuration=_KEEP_VERSIONS)
            delta = DeltaTable(str(path))
        return delta

    def _committed(self) -> int | None:
        """Version of `batches`, or None as long as it has no row."""
        delta = self._open(BATCHES)
        return delta.version() if delta is not None and delta.version() > 0 else None

    @staticmethod
    def _differs(delta: DeltaTable, pinned: int) -> bool:
        """Say whether the table holds other files than it did at `pinned` (a restore is a version too)."""
        before = DeltaTable(delta.table_uri, version=pinned)
        return sorted(delta.file_uris()) != sorted(before.file_uris())

    def _merge(self, table: Table, frame: pl.DataFrame, change: tuple[dict[str, str], str]) -> dict[str, Any]:
        updates, predicate = change
        same = " AND ".join(f"target.{name} = source.{name}" for name in table.key)
        merge = self._create(table).merge(
            table.check(frame), predicate=same, source_alias="source", target_alias="target"
        )
        return merge.when_matched_update(updates, predicate=predicate).when_not_matched_insert_all().execute()


def _scan(folder: Path, table: Table, version: int) -> pl.LazyFrame:
    """Scan one version of a table; `pl.scan_delta` finds no file under a path with blanks or Japanese."""
    path = folder / table.name
    files = [path / uri.rsplit("/", 1)[-1] for uri in DeltaTable(str(path), version=version).file_uris()]
    return pl.scan_parquet(files, schema=table.dtypes, glob=False) if files else table.empty().lazy()


def _known(name: str) -> str:
    return f"coalesce(source.{name}, target.{name})"


def _differs_from_target(values: dict[str, str]) -> str:
    return " OR ".join(f"(({value}) IS DISTINCT FROM target.{name})" for name, value in values.items())


def _changed_readings() -> tuple[dict[str, str], str]:
    """What a known reading takes from a new row, and when that is a change at all.

    As within one file (`pipeline.ingest`): a date counts for its status, so a new status brings its own
    date, known or not. Under the same status the better known date stands, and of two as well known the
    earlier. How often a book was read is known only at least: the greater count stands.
    """
    theirs = "source.status <> target.status OR (target.read_on IS NULL AND source.read_on IS NOT NULL)"
    better = f"{_coarseness('source')} < {_coarseness('target')}"
    earlier = f"{_coarseness('source')} = {_coarseness('target')} AND source.read_on < target.read_on"
    dated = f"source.read_on IS NOT NULL AND ({better} OR {earlier})"
    takes = f"CASE WHEN {theirs} OR ({dated}) THEN source.{{0}} ELSE target.{{0}} END"
    values = {name: takes.format(name) for name in ("read_on", "read_on_precision")}
    values |= {name: _known(name) for name in ("rating", "rating_min", "rating_max")}
    values["status"] = "source.status"
    values["n_times"] = (
        "CASE WHEN source.status <> target.status THEN source.n_times ELSE greatest(source.n_times, target.n_times) END"
    )
    return values, _differs_from_target(values)


def _coarseness(side: str) -> str:
    cases = " ".join(f"WHEN '{precision}' THEN {rank}" for rank, precision in enumerate(PRECISIONS))
    return f"(CASE {side}.read_on_precision {cases} END)"


def _changed_books() -> tuple[dict[str, str], str]:
    content = [column.name for column in BOOKS.columns if column.name not in ("book", "source", "batch")]
    values = {name: _known(name) for name in content}
    values["format"] = "CASE WHEN source.format = 'unknown' THEN target.format ELSE source.format END"
    return {**values, "batch": "source.batch"}, _differs_from_target(values)
