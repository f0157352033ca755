"""What an ingest puts aside comes back: every row once, a reader in one shard, in the order it came."""

from __future__ import annotations

import time
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
    ends = [f"{16**8 * i // n_shards:08x}" for i in range(1, n_shards)]
    spill = Spill(tmp_path)
    for first in range(0, 1_000, 83):
        spill.add(all_rows.slice(first, 83), NOTHING, NOTHING)
    assert spill.n_readings == 1_000
    assert bool(list(tmp_path.rglob("*.parquet"))) == (run_rows < 1_000)
    shards = list(spill.shards(ends))
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
    assert list(spill.shards(["5", "a"])) == []


def test_a_run_of_books_has_each_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data.spill, "RUN_ROWS", 3)
    spill = Spill(tmp_path)
    for i in range(4):
        spill.add(NOTHING, pl.DataFrame({"book": ["a", "b"], "title": [f"a{i}", f"b{i}"]}), NOTHING)
    assert [pl.read_parquet(run).rows() for run in sorted(tmp_path.rglob("*.parquet"))] == [
        [("a", "a0"), ("b", "b0")],
        [("a", "a2"), ("b", "b2")],
    ]


def test_rejects_come_in_few_frames_and_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data.spill, "RUN_ROWS", 600)
    spill = Spill(tmp_path)
    for i in range(1_000):
        spill.add(NOTHING, NOTHING, pl.DataFrame({"line": [i]}))
    frames = list(spill.rejects())
    assert [frame.height for frame in frames] == [601, 399]
    assert pl.concat(frames)["line"].to_list() == list(range(1_000))


def test_time_is_proportional_to_the_number_of_parts(tmp_path: Path) -> None:
    def seconds(n_parts: int) -> float:
        spill = Spill(tmp_path / str(n_parts))
        part = pl.DataFrame({"reader": ["0" * 32], "book": ["b"]})
        start = time.process_time()
        for _ in range(n_parts):
            spill.add(part, part, part)
        assert [shard.height for shard in spill.shards(["8"])] == [n_parts]
        assert [frame.height for frame in spill.rejects()] == [n_parts]
        return time.process_time() - start

    seconds(1_000)
    assert seconds(10_000) < 40 * seconds(1_000), "ten times as many parts, and not a hundred times the time"
