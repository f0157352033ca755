"""What an ingest puts aside comes back: every row once, a reader in one shard, in the order it came."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import data.spill
from data.spill import Spill

NOTHING = pl.DataFrame({"book": pl.Series([], dtype=pl.String)})


@pytest.mark.parametrize("run_rows", [10, 300, 10_000])
@pytest.mark.parametrize("n_shards", [1, 2, 7])
def test_shards_are_the_readings_by_reader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run_rows: int, n_shards: int
) -> None:
    monkeypatch.setattr(data.spill, "RUN_ROWS", run_rows)
    rng = np.random.default_rng(0)
    readers = [f"{number:032x}" for number in rng.integers(0, 2**62, 50).astype(object) * 2**66 + 5]
    all_rows = pl.DataFrame({"reader": rng.choice(readers, 1_000), "position": np.arange(1_000)})
    spill = Spill(tmp_path)
    for first in range(0, 1_000, 83):
        spill.add(all_rows.slice(first, 83), NOTHING, NOTHING)
    assert spill.n_readings == 1_000
    assert bool(list(tmp_path.rglob("*.parquet"))) == (run_rows < 1_000)
    shards = list(spill.shards(n_shards))
    assert pl.concat(shards).sort("position").equals(all_rows)
    where = pl.concat([shard.select("reader").unique().with_columns(shard=i) for i, shard in enumerate(shards)])
    assert where["reader"].n_unique() == where.height
    for shard in shards:
        assert shard.select(pl.col("position").diff().over("reader").min()).item() > 0
    assert 1 <= len(shards) <= n_shards


def test_books_have_their_first_description(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data.spill, "RUN_ROWS", 2)
    spill = Spill(tmp_path)
    for i, books in enumerate(("ab", "bc", "ca", "d")):
        described = pl.DataFrame({"book": list(books), "title": [f"{book}{i}" for book in books]})
        spill.add(NOTHING, described, described)
    assert spill.books()["title"].to_list() == ["a0", "b0", "c1", "d3"]
    assert sum(part.height for part in spill.rejects()) == 7
    assert list(spill.shards(3)) == []
