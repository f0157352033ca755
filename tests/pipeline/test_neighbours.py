"""The table of neighbours: what it tells of shared readers, by hand."""

from __future__ import annotations

import numpy as np
import polars as pl

from data.progress import Quiet
from data.vectors import unit_rows
from pipeline.config import PublishConfig, Settings
from pipeline.index import ExactIndex
from pipeline.neighbours import neighbour_table
from tests.models.corpora import corpus_of

# 23 readers: 18 of book 0, 11 of book 1, of whom 6 read both; the 7 readers of book 2 all read book 0
HISTORIES = [[0, 1]] * 6 + [[0]] * 5 + [[1]] * 5 + [[0, 2]] * 7


def test_shared_readers_are_told_by_the_rule() -> None:
    vectors = unit_rows(np.array([[1, 0], [1, 1], [0, 1]]))
    settings = Settings(publish=PublishConfig(n_neighbours=2))
    table = neighbour_table(corpus_of(HISTORIES, 3), vectors, ExactIndex(vectors), None, settings, Quiet())
    told = table.filter(pl.col("n_shared").is_not_null())
    assert told.select("book", "neighbour", "n_shared").rows() == [("book0", "book1", 6), ("book1", "book0", 6)]
    np.testing.assert_allclose(told["lift"], 6 / (18 * 11 / 23), rtol=1e-6)
    assert len(table) == 6
    assert table["lift"].null_count() == 4
