"""How fast a CSV of readings becomes a history, in how much memory, beside the same steps in pandas: one table.

    python -m tests.benchmarks.ingest [--rows 1000000 10000000 ...] [--seed N] [--json]
    python -m tests.benchmarks.ingest --data FILE_OR_FOLDER [--seed N] [--json]

Each size is ingested by a process of its own, whose peak memory the operating system reports. The simulated file
is a log in order of time, as a service writes it: readers and books drawn by their popularity, some pairs
more than once, some dates and ratings missing. pandas, at the first size only, takes the same
steps (`tests.benchmarks.ingest_pandas`). Of three runs at the first size the fastest counts. With --data there is no
peer.
"""

from __future__ import annotations

import argparse
import json
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from flows.tables import write_json, write_table

BLOCK = 1_000_000
ROWS_PER_READER, N_BOOKS = 50, 200_000
MAPPING = '[readings]\nreader = "user"\nbook = "book"\nread_on = "finished"\nrating = "stars"\nrating_scale = [1, 5]\n'
P_DATED = 0.9
N_RUNS = 3

Run = Callable[[Path, Path], tuple[int, int]]  # file, folder for what is written -> rows read, readings kept


def main(arguments: list[str]) -> int:
    """Run one benchmark and print its table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.ingest", description=__doc__)
    parser.add_argument("--data", type=Path, help="file or folder of readings to ingest, instead of simulated ones")
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000], help="sizes of the simulated files")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        if chosen.data:
            rows = [measured("wagahai", chosen.data, Path(folder))]
        else:
            rows = simulated(chosen.rows, chosen.seed, Path(folder))
    if chosen.json:
        write_json(rows)
    else:
        write_table(f"ingest, seed {chosen.seed}", rows, {name: name.replace("_", " ") for name in rows[0]})
    return 0


def simulated(sizes: list[int], seed: int, folder: Path) -> list[dict[str, Any]]:
    """Return a row per size, and the ratio to pandas at the first."""
    rows = []
    for n_rows in sizes:
        path = folder / f"{n_rows}.csv"
        (folder / f"{n_rows}.toml").write_text(MAPPING)
        write_log(path, n_rows, seed)
        n_runs = N_RUNS if n_rows == sizes[0] else 1
        rows.append(fastest("wagahai", path, folder, n_runs))
        if n_rows == sizes[0]:
            peer = fastest("pandas", path, folder, n_runs)
            if peer["readings"] != rows[-1]["readings"]:
                raise SystemExit(f"pandas keeps {peer['readings']:,} readings, wagahai {rows[-1]['readings']:,}")
            rows[-1]["times_pandas"], peer["times_pandas"] = round(peer["seconds"] / rows[-1]["seconds"], 2), 1.0
            rows.append(peer)
        path.unlink()
    return rows


def write_log(path: Path, n_rows: int, seed: int) -> None:
    """Write a simulated log of readings as CSV, block by block."""
    rng = np.random.default_rng(seed)
    n_readers = max(n_rows // ROWS_PER_READER, 1)
    with path.open("wb") as file:
        file.write(b"user,book,finished,stars\n")
        for first in range(0, n_rows, BLOCK):
            n = min(BLOCK, n_rows - first)
            days = 18_000 + (first + np.arange(n)) * 2_000 // n_rows
            stars = pl.Series(rng.integers(0, 6, n))
            frame = pl.DataFrame(
                {
                    "user": pl.Series((n_readers * rng.random(n) ** 2).astype(np.int64)),
                    "book": pl.Series((N_BOOKS * rng.random(n) ** 3).astype(np.int64)),
                    "finished": pl.Series(days.astype(np.int32)).cast(pl.Date).dt.strftime("%Y-%m-%d"),
                    "stars": stars.set(stars == 0, None),
                }
            )
            undated = pl.when(pl.Series(rng.random(n)) < P_DATED).then("finished")
            named = frame.with_columns(user=pl.format("reader{}", "user"), finished=undated)
            named.write_csv(file, include_header=False)


def fastest(system: str, path: Path, folder: Path, n_runs: int) -> dict[str, Any]:
    """Return the fastest of some runs."""
    return min((measured(system, path, folder) for _ in range(n_runs)), key=lambda row: float(row["seconds"]))


def measured(system: str, path: Path, folder: Path) -> dict[str, Any]:
    """Return what a fresh process says of one run: seconds, peak memory, readings kept."""
    child = f"from tests.benchmarks import ingest; ingest.run_alone({system!r}, {str(path)!r}, {str(folder)!r})"
    done = subprocess.run([sys.executable, "-c", child], check=True, stdout=subprocess.PIPE, text=True)
    said = json.loads(done.stdout.splitlines()[-1])
    return {
        "system": system,
        "rows": said["n_rows"],
        "readings": said["n_kept"],
        "seconds": round(said["seconds"], 2),
        "cpu_seconds": round(said["cpu_seconds"], 2),
        "rows_per_second": round(said["n_rows"] / said["seconds"]),
        "peak_GB": round(said["peak_bytes"] / 1e9, 2),
        "times_pandas": None,
    }


def run_alone(system: str, path: str, folder: str) -> None:
    """Run one system and print what it took: the work of a child process. Imports are not timed."""
    run = {"wagahai": _load_wagahai, "pandas": _load_pandas}[system]()
    started = time.perf_counter()
    n_rows, n_kept = run(Path(path), Path(folder))
    seconds = time.perf_counter() - started
    used = resource.getrusage(resource.RUSAGE_SELF)
    cpu = used.ru_utime + used.ru_stime
    # not ru_maxrss, which begins with the peak of the process that started this one
    (peak_kib,) = re.findall(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    said = {"n_rows": n_rows, "n_kept": n_kept, "seconds": seconds, "cpu_seconds": cpu}
    sys.stdout.write(json.dumps({**said, "peak_bytes": int(peak_kib) * 1024}))


def _load_wagahai() -> Run:
    from data.progress import Quiet
    from data.sources.catalogue import recognise
    from data.sources.upload import Upload
    from data.store import Store
    from pipeline.ingest import ingest

    def run(path: Path, folder: Path) -> tuple[int, int]:
        with tempfile.TemporaryDirectory(dir=folder) as store:
            account = ingest(Store(Path(store)), path, recognise(Upload.open(path)), Quiet()).account
        return account["n_rows"], account["n_kept"]

    return run


def _load_pandas() -> Run:
    from tests.benchmarks.ingest_pandas import ingest

    return ingest


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
