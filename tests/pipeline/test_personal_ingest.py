"""Exports that are named after their readers: whose they are, and that the store does not say it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from data.errors import BadConfig
from data.history import History
from data.progress import Progress, Quiet
from data.sources.base import Options, Parsed
from data.sources.upload import Upload
from data.store import KEY_VARIABLE, Store
from pipeline.ingest import ingest
from tests.pipeline.tsv import Tsv, readings


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    return Store(tmp_path / "store")


class Personal(Tsv):
    """A source whose files are named after readers."""

    name = "personal"
    names_readers = True


def test_files_named_after_readers_are_not_named(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "exports"
    folder.mkdir()
    for raw in ("hanako", "taro"):
        (folder / f"{raw}.tsv").write_text(f"{raw}\tx\n{raw}\ty\n!rating\tn\n")
    account = ingest(store, folder, Personal(), Quiet()).account
    assert account["files"] == "2 files"
    rejects = History(store.history).latest().rejects.sort("file").collect()
    assert rejects["file"].to_list() == ["file 1", "file 2"]
    assert json.loads(account["reasons"])[0]["examples"] == ["file 1:3 (1 characters)", "file 2:3 (1 characters)"]
    for path in store.root.rglob("*"):
        text = pl.read_parquet(path).write_csv() if path.suffix == ".parquet" else ""
        content = path.read_bytes() if path.is_file() else b""
        assert not any(raw in text + str(path.relative_to(store.root)) for raw in ("hanako", "taro"))
        assert not any(raw in content for raw in (b"hanako", b"taro"))


def test_equal_exports_of_two_readers_are_two_readers(store: Store, tmp_path: Path) -> None:
    for raw in ("hanako", "taro"):
        (tmp_path / f"{raw}.tsv").write_text("-\tx\n-\ty\n")
    accounts = [ingest(store, tmp_path / f"{raw}.tsv", Named(), Quiet()) for raw in ("hanako", "taro", "taro")]
    assert [account.unchanged for account in accounts] == [False, False, True]
    assert len(readings(store)) == 4


def test_an_export_of_another_reader_under_a_known_name_is_asked_about(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "export.tsv"
    for lines in (["a", "b", "c"], ["a", "b", "c", "d"], ["c", "d", "e", "f", "g"]):  # a later one, and half a new one
        path.write_text("".join(f"-\t{book}\n" for book in lines))
        ingest(store, path, Named(), Quiet())
    path.write_text("".join(f"-\t{book}\n" for book in "vwxyza"))
    with pytest.raises(BadConfig, match=r"shares 1 of its 6 books with it.*--reader ID"):
        ingest(store, path, Named(), Quiet())
    assert ingest(store, path, Named(), Quiet(), options=Options(reader="taro")).account["n_new_readers"] == 1


class Named(Tsv):
    """A source that takes the reader from the file's name."""

    name = "named"
    names_readers = True

    def parse(self, upload: Upload, options: Options, progress: Progress) -> Iterator[Parsed]:
        """Parse the lines; each is of the reader of its file."""
        for file, part in zip(upload.files, super().parse(upload, options, progress), strict=True):
            read = part.readings.with_columns(reader=pl.lit(options.reader_of(file)))
            yield replace(part, readings=read)
