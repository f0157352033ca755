"""Finding a source format by name and by content."""

from __future__ import annotations

from pathlib import Path

import pytest

from data.errors import BadConfig, BadFile
from data.sources.base import Options
from data.sources.catalogue import SOURCES, recognise, source_named
from data.sources.upload import Upload


def test_every_source_is_found_by_its_name() -> None:
    assert [source_named(source.name) for source in SOURCES] == list(SOURCES)
    assert len({source.name for source in SOURCES}) == len(SOURCES)


def test_unknown_names_get_the_closest() -> None:
    with pytest.raises(BadConfig, match=r"did you mean goodbooks10k\?.*bookcrossing, .*events"):
        source_named("goodbooks")


def test_what_nobody_recognises_is_refused_with_the_formats(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("It was a dark and stormy night.\n")
    with pytest.raises(BadFile, match=r"one of goodbooks10k, bookcrossing, .*wagahai formats"):
        recognise(Upload.open(tmp_path))
    with pytest.raises(BadFile, match="nothing there"):
        Upload.open(tmp_path / "none")


def test_events_is_recognised_by_its_mapping(tmp_path: Path) -> None:
    path = tmp_path / "r.dat"
    path.write_text("xy\nub\n")
    with pytest.raises(BadFile, match="give a mapping"):
        recognise(Upload.open(path))
    path.with_suffix(".toml").write_text('[readings]\nreader = "xy"\nbook = "xy"\n')
    assert recognise(Upload.open(path)).name == "events"


def test_a_table_whose_columns_nobody_knows_is_asked_about(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text("wer,was,wieviel\nanna,Emma,3\nbert,Faust,4\n")
    upload = Upload.open(path)
    with pytest.raises(BadConfig) as asked:
        recognise(upload).options_for(upload, Options())
    assert "columns wer, was, wieviel" in str(asked.value)
    assert 'reader = ""  # which column?' in str(asked.value)
    assert 'book = ""  # which column?' in str(asked.value)
    path.write_text("anna,Emma\nbert,Faust\n")  # no header, as far as it shows
    with pytest.raises(BadConfig) as asked:
        recognise(upload).options_for(upload, Options())
    assert "a first line of 2 cells" in str(asked.value)
    assert "anna" not in str(asked.value)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("user_id,book_id,book_id\n1,2,3\n", "1 column names more than once, the first in column 2"),
        (" \n\t\n\n", "only blank lines"),
        ("<!DOCTYPE html>\n<html><title>404, not found</title></html>\n", "a web page"),
        ("Loans of 2024\n\nuser_id;title\n1;Emma\n", "other text before line 3.*user_id, title .divided by semicolon"),
        ("user_id book_id\n1 2\n", "a first line that no comma, tab, semicolon or bar divides"),
        ("anna,2\nbert,3,4\nbert,3,4\n", "a first line of 2 cells, and other numbers of cells below it"),
    ],
)
def test_what_first_lines_show_is_said(tmp_path: Path, text: str, found: str) -> None:
    path = tmp_path / "r.csv"
    path.write_text(text)
    with pytest.raises(BadFile, match=found) as refused:
        recognise(Upload.open(path))
    assert "anna" not in str(refused.value)


def test_what_only_is_called_parquet_is_refused_for_that(tmp_path: Path) -> None:
    path = tmp_path / "r.parquet"
    path.write_text("user_id,book_id\n1,2\n")
    with pytest.raises(BadFile, match="no Parquet mark"):
        recognise(Upload.open(path))


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("folder", "name"), [("goodbooks10k_sample", "goodbooks10k"), ("bookcrossing", "bookcrossing")]
)
def test_real_folders(shared: Path, folder: str, name: str) -> None:
    assert recognise(Upload.open(shared / "data" / folder)).name == name
