"""The history: Delta tables `readings`, `books`, `rejects`, and `batches` that binds them.

Delta Lake commits one table at a time. An ingest touches three, so a fourth, `batches`, holds one
row per ingest with the versions it left in the others, and its append *is* the commit: readers
only ever see table versions that a batch row names. An ingest killed half way leaves versions that
no batch names; the next one restores the tables first (`History.recover`). Writers therefore take
the store's ``history`` lock; readers need none.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import DeltaError

from data.delta import append, compact, create_delta, merge_into, open_delta, remove_old_files, scan_delta
from data.digest import digest_of
from data.errors import BadHistory
from data.merging import changed_books, changed_readings
from data.pseudonym import range_ends
from data.schema import BATCHES, BOOKS, READINGS, REJECTS, Table

KEPT_INGESTS = 10  # how many can be opened as they were
_MERGED = (READINGS, BOOKS, REJECTS)


@dataclass(frozen=True)
class ReadingHistory:
    """The history as it was after one ingest; later ingests do not change it. The last `KEPT_INGESTS` can be opened.

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
        frame = scan_delta(self.folder, BATCHES, self.version).collect()
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
        return scan_delta(self.folder, table, int(self.batches[f"{table.name}_version"][-1]))


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
        return next((account for account in self.accounts() if account["batch"] == batch), None)

    def accounts(self) -> list[dict[str, Any]]:
        """Return the rows of `batches`, in the order they were committed; none before the first ingest."""
        return [] if self._committed() is None else self.latest().batches.to_dicts()

    def keys(self) -> set[str]:
        """Return the fingerprints of the keys that readers were pseudonymised with; empty before the first ingest."""
        return {account["key"] for account in self.accounts()}

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

    def begin(self, namespace: str) -> Commit:
        """Begin to write an ingest. Call it under the ``history`` lock, after `recover`."""
        return Commit(self, is_new=all(account["namespace"] != namespace for account in self.accounts()))

    def n_readings(self) -> int:
        """Return how many readings there are."""
        return 0 if self._committed() is None else int(self.latest().readings.select(pl.len()).collect().item())

    # ---- Delta ---------------------------------------------------------------------------

    def _open(self, table: Table) -> DeltaTable | None:
        return open_delta(self.folder, table)

    def _create(self, table: Table) -> DeltaTable:
        return create_delta(self.folder, table)

    def _committed(self) -> int | None:
        """Version of `batches`, or None as long as it has no row."""
        delta = self._open(BATCHES)
        return delta.version() if delta is not None and delta.version() > 0 else None

    @staticmethod
    def _differs(delta: DeltaTable, pinned: int) -> bool:
        """Say whether the table holds other files than it did at `pinned` (a restore is a version too)."""
        before = DeltaTable(delta.table_uri, version=pinned)
        return sorted(delta.file_uris()) != sorted(before.file_uris())


class Commit:
    """An ingest being written. Nothing of it is visible before `finish`, all of it afterwards.

    A reading that is known keeps its place (`batch`, `position`) and takes the new rating; see `data.merging`.
    A null never replaces a known value.

    Parameters
    ----------
    history
        Where it goes.
    is_new
        Whether nothing of its namespace is in the history, so that no row can be known already.
    """

    def __init__(self, history: History, *, is_new: bool) -> None:
        self._history, self._is_new = history, is_new
        self.counts: Counter[str] = Counter(n_new=0, n_changed=0, n_new_readers=0, n_new_books=0, n_books=0)

    def add_readings(self, frame: pl.DataFrame) -> None:
        """Write readings, each reader and book once. Frames of few readers each are merged fastest."""
        self.counts["n_new_readers"] += self._n_unknown(frame["reader"].unique())
        n_new, n_changed = self._take(READINGS, frame, changed_readings())
        self.counts.update(n_new=n_new, n_changed=n_changed)

    def add_books(self, frame: pl.DataFrame) -> None:
        """Write books, each once."""
        n_new, n_changed = self._take(BOOKS, frame, changed_books())
        self.counts.update(n_new_books=n_new, n_books=n_new + n_changed)

    def add_rejects(self, frame: pl.DataFrame) -> None:
        """Write rejects."""
        self._append(REJECTS, frame)

    def finish(self, account: dict[str, Any]) -> dict[str, Any]:
        """Commit, and return the account as it is stored.

        Parameters
        ----------
        account
            Columns of `batches` that are not in `counts`.
        """
        history = self._history
        write_deltalake(history._create(REJECTS), REJECTS.empty(), mode="append")  # its version orders the ingests
        n_readings = history._create(READINGS).count()
        for table in _MERGED:
            compact(history.folder, table, range_ends(n_readings) if table is READINGS else [])
        tables = {table.name: history._create(table) for table in _MERGED}
        versions = {f"{name}_version": delta.version() for name, delta in tables.items()}
        row = {**account, **self.counts, "ingested_at": datetime.now(UTC), **versions}
        frame = pl.DataFrame([row], schema=BATCHES.dtypes)
        write_deltalake(history._create(BATCHES), BATCHES.check(frame), mode="append")
        kept = history.latest().batches.tail(KEPT_INGESTS)
        with suppress(DeltaError, OSError):  # it is committed: what cannot be removed now is removed next time
            for name, delta in tables.items():
                remove_old_files(delta, kept[f"{name}_version"])
        return row

    def _take(self, table: Table, frame: pl.DataFrame, change: tuple[dict[str, str], str]) -> tuple[int, int]:
        """Append or merge rows; return how many are new and how many changed."""
        if self._is_new or frame.is_empty():
            self._append(table, frame)
            return frame.height, 0
        done = merge_into(self._history._create(table), table, frame, change)
        return int(done["num_target_rows_inserted"]), int(done["num_target_rows_updated"])

    def _append(self, table: Table, frame: pl.DataFrame) -> None:
        delta = self._history._create(table)
        if frame.height:
            append(delta, table, frame)

    def _n_unknown(self, readers: pl.Series) -> int:
        """How many of some readers are not in the history."""
        if self._is_new or readers.is_empty():
            return readers.len()
        known = (
            self._history.latest()
            .readings.select("reader")
            .filter(pl.col("reader").is_between(pl.lit(readers.min()), pl.lit(readers.max())))
        )
        return readers.len() - int(known.unique().collect()["reader"].is_in(readers.implode()).sum())
