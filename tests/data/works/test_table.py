"""Works on disk."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from data.errors import BadArtifact
from data.works.table import Works
from tests.data.works.shelf import works_of


@pytest.fixture
def works() -> Works:
    return works_of(a="Emma / Jane Austen", b="Emma 2 / Jane Austen", c="EMMA / Austen, Jane", d="Ulysses")


def test_works_come_back_as_they_were_saved(works: Works, tmp_path: Path) -> None:
    works.save(tmp_path, {"history_digest": "h"})
    loaded = Works.load(tmp_path)
    for name in ("books", "links", "refusals"):
        assert getattr(loaded, name).equals(getattr(works, name))
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["provenance"] == {"history_digest": "h"}
    sizes = {"n_books": 4, "n_works": 3, "n_refused": 1, "joined": {"title and author": 1}}
    assert manifest["metrics"] == sizes


def test_a_book_that_nothing_describes_is_a_work_of_its_own(works: Works) -> None:
    asked = pl.Series(["t:c", "t:zzz", "t:a", "t:c"])
    assert works.of(asked).to_list() == ["t:a", "t:zzz", "t:a", "t:a"]


def test_what_is_not_ours_is_refused(works: Works, tmp_path: Path) -> None:
    works.save(tmp_path, {})
    (tmp_path / "links.parquet").write_bytes(b"damaged")
    with pytest.raises(BadArtifact, match="cannot be read"):
        Works.load(tmp_path)
    works.books.write_parquet(tmp_path / "links.parquet")
    with pytest.raises(BadArtifact, match="works: table links"):
        Works.load(tmp_path)
    (tmp_path / "manifest.json").write_text('{"kind": "works", "format": 99}')
    with pytest.raises(BadArtifact, match=r"expected works of format 2, found works of format 99"):
        Works.load(tmp_path)
