"""The rows of an ingest on their way into the history: in memory while they are few, else on disk.

Readings come in the order of the file and are needed by reader. A *shard* is a range of pseudonyms: all that was
read of one reader is in one shard. Pseudonyms are uniform, so that equal ranges are equal shares. What does not fit
into memory is written in runs, each sorted by the first digits of the pseudonyms, and a shard is gathered from all
runs: Parquet then skips what is not in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

RUN_ROWS = 2_000_000  # kept in memory, of each kind; then they are a run
_ROW_GROUP = 1 << 15
_PREFIX_DIGITS = 8  # hex digits of a pseudonym that a range is given in
_SORTED_DIGITS = 2  # ... and that a run is sorted by: enough for 256 shards, and ten times faster than all of them


class Spill:
    """Frames kept, or written under a folder, and given back: readings by shard, everything else as it came."""

    def __init__(self, folder: Path) -> None:
        self._readings = _Frames(folder / "readings", by_reader=True)
        self._books = _Frames(folder / "books")
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

    def shards(self, n_shards: int) -> Iterator[pl.DataFrame]:
        """Yield the readings in `n_shards` ranges of pseudonyms, those of a reader in the order they came."""
        size = 16**_PREFIX_DIGITS
        ends = [f"{size * i // n_shards:0{_PREFIX_DIGITS}x}" for i in range(1, n_shards)]
        for first, last in zip(["", *ends], [*ends, "g"], strict=True):  # g: after every hex digit
            within = None if n_shards == 1 else (pl.col("reader") >= first) & (pl.col("reader") < last)
            shard = self._readings.gather(within)
            if shard.height:
                yield shard

    def books(self) -> pl.DataFrame:
        """Return the books, the first description of each."""
        books = self._books.gather(None)
        return books.unique("book", keep="first", maintain_order=True) if books.height else books

    def rejects(self) -> Iterator[pl.DataFrame]:
        """Yield the rejects, part by part."""
        return self._rejects.parts()


class _Frames:
    """Frames of the same columns, in memory until they are too many."""

    def __init__(self, folder: Path, *, by_reader: bool = False) -> None:
        self._folder, self._by_reader = folder, by_reader
        self._kept: list[pl.DataFrame] = []
        self._runs: list[Path] = []
        self.n_rows = 0

    def add(self, frame: pl.DataFrame) -> None:
        self.n_rows += frame.height
        if frame.height:
            self._kept.append(frame)
        if sum(kept.height for kept in self._kept) > RUN_ROWS:
            self._write(pl.concat(self._kept))
            self._kept.clear()

    def parts(self) -> Iterator[pl.DataFrame]:
        yield from (pl.read_parquet(file, glob=False) for file in self._runs)
        yield from self._kept

    def gather(self, within: pl.Expr | None) -> pl.DataFrame:
        """Return the rows that are `within`, all if that is None."""
        if not self.n_rows:
            return pl.DataFrame()
        runs = [pl.scan_parquet(self._runs, glob=False)] if self._runs else []
        rows = pl.concat([*runs, *(frame.lazy() for frame in self._kept)])
        return (rows if within is None else rows.filter(within)).collect()

    def _write(self, frame: pl.DataFrame) -> None:
        if self._by_reader:
            digits = pl.col("reader").str.slice(0, _SORTED_DIGITS).str.to_integer(base=16, dtype=pl.UInt32)
            order = frame.select(digits.cast(pl.UInt8)).to_series().to_numpy()
            frame = frame[np.argsort(order, kind="stable")]
        path = self._folder / f"{len(self._runs):06}.parquet"
        frame.write_parquet(path, compression="lz4", row_group_size=_ROW_GROUP, mkdir=True)
        self._runs.append(path)
