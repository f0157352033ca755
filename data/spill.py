"""The rows of an ingest on their way into the history: in memory while they are few, else on disk.

Readings come in the order of the file and are needed by reader. A *shard* is a range of pseudonyms: all that was
read of one reader is in one shard. Pseudonyms are uniform, so that equal ranges are equal shares. What does not fit
into memory is written in runs, each sorted by the first digits of the pseudonyms, and a shard is gathered from all
runs: Parquet then skips what is not in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import polars as pl

RUN_ROWS = 2_000_000  # kept in memory, of each kind; then they are a run
MOST_FRAMES = 256  # kept apart; then they are put together, for Polars is slow at thousands of them
_ROW_GROUP = 1 << 15
_SORTED_DIGITS = 2  # hex digits that a run is sorted by: enough for 256 shards, and ten times faster than all


class Spill:
    """Frames kept, or written under a folder, and given back: readings by shard, everything else as it came."""

    def __init__(self, folder: Path) -> None:
        self._readings = _Frames(folder / "readings", by_reader=True)
        self._books = _Frames(folder / "books", once_by="book")
        self._rejects = _Frames(folder / "rejects")

    @property
    def n_readings(self) -> int:
        """Readings added so far."""
        return self._readings.n_rows

    def add(self, readings: pl.DataFrame, books: pl.DataFrame, rejects: pl.DataFrame) -> None:
        """Keep a part; readings are pseudonymised."""
        self._readings.add(readings)
        self._books.add(books)
        self._rejects.add(rejects)

    def shards(self, ends: Sequence[str]) -> Iterator[pl.DataFrame]:
        """Yield the readings in ranges of pseudonyms, those of a reader in the order they came.

        Parameters
        ----------
        ends
            Where the ranges end (`data.pseudonym.range_ends`).
        """
        for first, last in zip(["", *ends], [*ends, "g"], strict=True):  # g: after every hex digit
            within = (pl.col("reader") >= first) & (pl.col("reader") < last) if ends else None
            shard = self._readings.gather(within)
            if shard.height:
                yield shard

    def books(self) -> pl.DataFrame:
        """Return the books, the first description of each."""
        books = self._books.gather(None)
        return books.unique("book", keep="first", maintain_order=True) if books.height else books

    def rejects(self) -> Iterator[pl.DataFrame]:
        """Yield the rejects, in as few frames as fit into memory."""
        return self._rejects.parts()


class _Frames:
    """Frames of the same columns, in memory until they are too many."""

    def __init__(self, folder: Path, *, by_reader: bool = False, once_by: str | None = None) -> None:
        self._folder, self._by_reader, self._once_by = folder, by_reader, once_by
        self._kept: list[pl.DataFrame] = []  # of many parts each
        self._latest: list[pl.DataFrame] = []  # of one part each, of which there may be many thousands
        self._runs: list[Path] = []
        self._n_kept = self.n_rows = 0

    def add(self, frame: pl.DataFrame) -> None:
        self.n_rows += frame.height
        self._n_kept += frame.height
        if frame.height:
            self._latest.append(frame)
        if self._n_kept > RUN_ROWS:
            self._write(self._in_memory())
            self._kept, self._latest, self._n_kept = [], [], 0
        elif len(self._latest) > MOST_FRAMES:
            self._kept.append(pl.concat(self._latest, rechunk=True))  # so every row is copied once
            self._latest = []

    def parts(self) -> Iterator[pl.DataFrame]:
        """Yield the rows in the order they came, run by run."""
        yield from (pl.read_parquet(file, glob=False) for file in self._runs)
        if self._n_kept:
            yield self._in_memory()

    def gather(self, within: pl.Expr | None) -> pl.DataFrame:
        """Return the rows that are `within`, all if that is None."""
        if not self.n_rows:
            return pl.DataFrame()
        runs = [pl.scan_parquet(self._runs, glob=False)] if self._runs else []
        kept = [self._in_memory().lazy()] if self._n_kept else []
        rows = pl.concat([*runs, *kept])
        return (rows if within is None else rows.filter(within)).collect()

    def _in_memory(self) -> pl.DataFrame:
        return pl.concat([*self._kept, *self._latest])

    def _write(self, frame: pl.DataFrame) -> None:
        if self._once_by is not None:
            frame = frame.unique(self._once_by, keep="first", maintain_order=True)
        if self._by_reader:
            digits = pl.col("reader").str.slice(0, _SORTED_DIGITS).str.to_integer(base=16, dtype=pl.UInt32)
            order = frame.select(digits.cast(pl.UInt8)).to_series().to_numpy()
            frame = frame[np.argsort(order, kind="stable")]
        path = self._folder / f"{len(self._runs):06}.parquet"
        frame.write_parquet(path, compression="lz4", row_group_size=_ROW_GROUP, mkdir=True)
        self._runs.append(path)
