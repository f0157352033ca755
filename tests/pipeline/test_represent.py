"""Which models stand side by side."""

from __future__ import annotations

from pathlib import Path

import pytest

from data.artifact import write_json
from pipeline.config import PublishConfig, Settings
from pipeline.represent import compared

SPACES = PublishConfig(spaces=("spectral", "word2vec"))


@pytest.mark.parametrize(
    ("n_readers", "n_books", "rankers"),
    [
        (101, 100, ("popularity", "item_knn", "ease", "blend")),
        (100, 101, ("popularity", "item_knn", "ease", "blend")),
        (101, 101, ("popularity", "item_knn")),
    ],
)
def test_ease_is_left_out_where_both_sides_are_too_large_to_invert(
    tmp_path: Path, n_readers: int, n_books: int, rankers: tuple[str, ...]
) -> None:
    write_json(tmp_path / "manifest.json", {"metrics": {"n_readers": n_readers, "n_books": n_books}})
    settings = Settings(publish=SPACES, models={"ease": {"max_size": 100}})
    assert compared(tmp_path, settings) == (*rankers, "spectral", "word2vec")
