"""Prefect keeps parameters, messages and artifacts; none of them may hold what the store does not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from data.errors import BadConfig, BadFile
from data.sources.upload import Upload
from flows.discretion import plain, secret, without_names
from tests.data.sources.uploads import UPLOADS


def test_an_error_loses_the_names_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "hanako").mkdir()
    for name in ("taro.csv", "taro.csv.bak"):
        (tmp_path / "hanako" / name).write_text("x")
    upload = Upload.open(tmp_path / "hanako")
    error = BadFile(upload.files[0].shown, found="nothing of hanako", expected="taro.csv.bak", remedy="mend it")
    hidden = without_names(error, upload)
    assert isinstance(hidden, BadFile)
    assert "hanako" not in str(hidden)
    assert "taro" not in str(hidden)
    assert str(hidden).startswith("file 1: refused.")
    assert str(hidden).endswith("to do:    mend it")
    assert str(without_names(BadConfig("no name here"), upload)) == "no name here"


def test_secrets_are_shown_to_nobody_but_who_asks() -> None:
    assert plain(secret("hanako")) == plain("hanako") == "hanako"
    assert "hanako" not in repr(secret("hanako"))
    assert plain(secret(None)) is None


@pytest.mark.slow
def test_prefect_learns_no_raw_id(tmp_path: Path) -> None:
    good, bad = tmp_path / "hanako_77.csv", tmp_path / "taro_88.csv"
    good.write_text(UPLOADS["goodreads_export"]["goodreads_library_export.csv"])
    bad.write_text(good.read_text().splitlines()[0] + "\n" + "x,\n" * 5)
    home = tmp_path / "prefect"
    environment = {**os.environ, "PREFECT_HOME": str(home)}
    command = [sys.executable, "-m", "flows.cli", "--store", str(tmp_path / "store"), "ingest"]
    for arguments, code in (([str(good)], 0), ([str(good), "--reader", "jiro_99"], 0), ([str(bad)], 2)):
        done = subprocess.run([*command, *arguments], env=environment, capture_output=True, text=True, timeout=180)
        assert done.returncode == code, done.stderr
    kept = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
    assert b"ingest_readings" in kept
    for raw in (b"hanako_77", b"taro_88", b"jiro_99"):
        assert raw not in kept
