"""Delimited text in parts: the same rows wherever a block ends, and never more in memory than a record may take."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from data.progress import Quiet
from data.sources import delimited, encoding
from data.sources.delimited import open_delimited
from data.sources.records import (
    UNPAIRED_QUOTE,
)
from tests.data.sources.reading_rows import file_at, listed, read, rejected

FUZZ = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Steps(Quiet):
    """A progress that adds up its steps."""

    done = total = 0

    def start(self, what: str, total: int) -> None:
        self.total += total

    def advance(self, steps: int = 1) -> None:
        self.done += steps


ENDLESS = """
import re, sys
from pathlib import Path
from data.progress import Quiet
from data.sources.delimited import open_delimited
from data.sources.upload import Upload
file = Upload.open(Path(sys.argv[1])).files[0]
n_rows = n_rejects = 0
for rows in open_delimited(file).parts(Quiet()):
    n_rows, n_rejects = n_rows + rows.cells.height, n_rejects + rows.rejects.height
peak = int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) >> 10  # not the parent's
print(n_rows, n_rejects, peak)
"""


@pytest.mark.parametrize(
    ("unit", "n_mib", "expected"),
    [(b"x" * 64, 200, (2, 1)), (b"user1,book2\r", 64, (2 + (64 << 20) // 12, 0))],
    ids=["an endless line", "returns after the header"],
)
def test_lines_without_newlines_are_not_held(
    tmp_path: Path, unit: bytes, n_mib: int, expected: tuple[int, int]
) -> None:
    path = tmp_path / "t.csv.gz"
    n_units = (n_mib << 20) // len(unit)
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(b"a,b\n1,2\n" + b"," * (len(unit) == 64))
        for first in range(0, n_units, 10_000):
            file.write(unit * min(10_000, n_units - first))
        file.write(b"," * 2 * (len(unit) == 64) + b"\n" * (len(unit) == 64) + b"3,4\n")
    command = [sys.executable, "-c", ENDLESS, str(path)]
    said = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout.split()
    assert (int(said[0]), int(said[1])) == expected
    assert int(said[2]) < 700, "MiB at most"


def test_progress_reaches_its_end(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1,2\n")
    steps = Steps()
    open_delimited(file_at(path)).whole(steps)
    assert steps.done == steps.total == path.stat().st_size


fields = st.sampled_from(["a", "é", '"b,\nc"', '"""d"""', "", '"e\rf"', '"g\r\nh"', "i,j\rk"])
rows_of_fields = st.lists(st.lists(fields, max_size=3), max_size=20)


@FUZZ
@given(rows_of_fields, st.integers(1, 9), st.sampled_from(["\n", "\r\n", "\r"]))
@example([["a", '"e\rf"'], ["a"], ["a", "a"], ["a"]], 1, "\n")
@example([["i,j\rk"], ["a"], ["a", "i,j\rk"], ["a"]], 1, "\n")
def test_a_file_read_in_small_blocks_is_the_file_read_at_once(
    tmp_path: Path, table: list[list[str]], n_bytes: int, line_end: str
) -> None:
    lines = ["x,y", *(",".join(row).replace("\n", line_end) for row in table)]
    content = line_end.join(lines).encode()
    whole = read(tmp_path, content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encoding, "BLOCK_BYTES", n_bytes)
        in_parts = read(tmp_path, content)
    assert listed(in_parts) == listed(whole)
    assert rejected(in_parts) == rejected(whole)


def test_a_quotation_mark_that_ran_away_costs_little_of_a_large_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoding, "BLOCK_BYTES", 1 << 10)
    monkeypatch.setattr(delimited, "MAX_RECORD_BYTES", 1 << 12)
    rows = read(tmp_path, "a,b\n" + 'x,"y\n' + "".join(f"{i},z\n" for i in range(5_000)))
    assert rejected(rows) == [(2, UNPAIRED_QUOTE)]
    assert rows.cells["a"].to_list() == [str(i) for i in range(5_000)]
