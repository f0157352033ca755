"""Finding a source format by name and by content."""

from __future__ import annotations

from pathlib import Path

import pytest

from data.errors import BadConfig, BadFile
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
    path = tmp_path / "r.csv"
    path.write_text("x,y\nu,b\n")
    with pytest.raises(BadFile, match="give a mapping"):
        recognise(Upload.open(path))
    path.with_suffix(".toml").write_text('[readings]\nreader = "x"\nbook = "y"\n')
    assert recognise(Upload.open(path)).name == "events"


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("folder", "name"), [("goodbooks10k_sample", "goodbooks10k"), ("bookcrossing", "bookcrossing")]
)
def test_real_folders(shared: Path, folder: str, name: str) -> None:
    assert recognise(Upload.open(shared / "data" / folder)).name == name
