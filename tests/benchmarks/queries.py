"""How fast the nearest books are found, against gensim, numpy and one pass over the memory, in one table.

    python -m tests.benchmarks.queries [--data SPACE] [--large] [--store STORE] [--seed N] [--json]

The ten nearest of one book and of 256 at a time, on one thread; every system in turn, again and again, and the median
of the rounds. Times are of the processor, so that others on the machine count less. `--data` is a space of a release
(``releases/ID/spaces/KIND``); without it the vectors are simulated: 17,000 x 64.
The product alone is what any search that looks at every vector takes at least. `--large` adds 1,000,000 x 128 against
a plain product of the same matrix with a vector: the time to read it once. `--store` adds `wagahai nearest` from a
cold shell in wall-clock seconds, on a store with a release, or on a simulated one (``--store simulated``).
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from gensim.models import KeyedVectors
from threadpoolctl import threadpool_limits

from data.artifact import read_artifact
from data.release import SPACE, SPACE_FORMAT, Release
from data.store import Store
from data.vectors import unit_rows
from flows.tables import write_json, write_table
from pipeline.index import GraphIndex, IndexConfig, make_index, measure_recall, nearest_rows
from tests.pipeline.books import books_of, release_of

K, BATCHES = 10, (1, 256)
N_ROUNDS = 9
MIN_SECONDS = 0.05  # of one measurement: shorter ones are repeated
BARS = {1: 3.0, 256: 5.0}  # times gensim
MAX_PASSES, MAX_COLD_SECONDS = 1.5, 0.6
EXACT = "wagahai exact"
SIMULATED = "simulated"
ROOT = Path(__file__).parents[2]
Row = dict[str, Any]
COLUMNS = {
    "n_books": "books",
    "n_dims": "dims",
    "batch": "batch",
    "system": "system",
    "queries_per_second": "a second",
    "times_gensim": "x gensim",
    "bar": "bar",
    "passed": "passed",
    "recall": "recall",
    "passes": "passes",
    "seconds": "s",
}


def main(arguments: list[str]) -> int:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.queries", description=__doc__)
    parser.add_argument("--data", type=Path, help="folder of a space of a release (default: simulated vectors)")
    parser.add_argument("--large", action="store_true", help="also 1,000,000 x 128 (takes 2 GB of memory)")
    parser.add_argument("--store", help=f"also `wagahai nearest` on this store, or {SIMULATED}")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args(arguments)
    random = np.random.default_rng(chosen.seed)
    with threadpool_limits(1):
        vectors = space_of(chosen.data) if chosen.data else simulated(17_000, 64, random)
        rows = peers(vectors, random)
        rows += large(simulated(1_000_000, 128, random), random) if chosen.large else []
    rows += [cold(chosen.store)] if chosen.store else []
    if chosen.json:
        write_json(rows)
    else:
        write_table(f"top {K}, one thread, seed {chosen.seed}", rows, COLUMNS)
    return 0


def space_of(folder: Path) -> np.ndarray:
    """Return the vectors of a published space."""
    vectors: np.ndarray = read_artifact(folder, kind=SPACE, format=SPACE_FORMAT).arrays["vectors"]
    return vectors


def simulated(n_books: int, n_dims: int, random: np.random.Generator) -> np.ndarray:
    """Return unit vectors float32 (n_books, n_dims), in clusters of a hundred as books are."""
    centres = random.standard_normal((max(1, n_books // 100), n_dims), dtype=np.float32)
    vectors = random.standard_normal((n_books, n_dims), dtype=np.float32)
    vectors *= np.float32(0.7)
    for part in (slice(start, start + 100_000) for start in range(0, n_books, 100_000)):
        vectors[part] += centres[random.integers(0, len(centres), len(vectors[part]))]
        vectors[part] = unit_rows(vectors[part])
    return vectors


# ---- against others -------------------------------------------------------------------------


def peers(vectors: np.ndarray, random: np.random.Generator) -> list[Row]:
    """Return a row for each system and size of batch."""
    n_books, n_dims = vectors.shape
    keyed = KeyedVectors(n_dims)
    keyed.add_vectors([str(row) for row in range(n_books)], vectors)
    index = make_index(vectors, IndexConfig(threshold=0), k=K, n_threads=1)
    assert isinstance(index, GraphIndex)
    recall = measure_recall(index, vectors, random.permutation(n_books)[:1000], K).mean
    rows = []
    for batch in BATCHES:
        asked = random.permutation(n_books)[:batch]
        seconds = medians(
            {
                EXACT: lambda asked=asked: nearest_rows(vectors, asked, K),  # type: ignore[misc]  # bound now
                "gensim most_similar": lambda asked=asked: [keyed.most_similar(str(row), topn=K) for row in asked],  # type: ignore[misc]
                "the product alone": lambda asked=asked: vectors[asked] @ vectors.T,  # type: ignore[misc]
                "numpy argpartition": lambda asked=asked: by_argpartition(vectors, asked),  # type: ignore[misc]
                "wagahai index (usearch)": lambda asked=asked: index.search(asked, K),  # type: ignore[misc]
            }
        )
        for system, taken in seconds.items():
            faster = seconds["gensim most_similar"] / taken
            rows.append(
                {
                    "n_books": n_books,
                    "n_dims": n_dims,
                    "batch": batch,
                    "system": system,
                    "queries_per_second": round(batch / taken),
                    "times_gensim": round(faster, 2),
                    "bar": f">= {BARS[batch]:g}" if system == EXACT else "",
                    "passed": faster >= BARS[batch] if system == EXACT else None,
                    "recall": round(recall, 4) if "index" in system else 1.0,
                }
            )
    return rows


def by_argpartition(vectors: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Return the nearest rows as one would write it in numpy."""
    scores = vectors[asked] @ vectors.T
    scores[np.arange(len(asked)), asked] = -np.inf
    top = np.argpartition(-scores, K, axis=1)[:, :K]
    order = np.argsort(-np.take_along_axis(scores, top, axis=1), axis=1)
    return np.take_along_axis(top, order, axis=1)


def large(vectors: np.ndarray, random: np.random.Generator) -> list[Row]:
    """Return rows of exact search of one book and of one pass over the same matrix."""
    row = random.permutation(len(vectors))[:1]
    query = vectors[row[0]].copy()
    seconds = medians({"one pass": lambda: vectors @ query, EXACT: lambda: nearest_rows(vectors, row, K)})
    passes = seconds[EXACT] / seconds["one pass"]
    shape = {"n_books": len(vectors), "n_dims": vectors.shape[1], "batch": 1}
    told = {"bar": f"<= {MAX_PASSES:g} passes", "passed": passes <= MAX_PASSES, "passes": round(passes, 3)}
    return [
        {**shape, "system": system, "queries_per_second": round(1 / taken, 1), **(told if system == EXACT else {})}
        for system, taken in seconds.items()
    ]


def medians(systems: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Return the processor seconds of one call of each: the median of rounds in which all take turns."""
    repeats = {}
    for name, call in systems.items():
        call()  # what is made once: norms, caches
        began = time.process_time()
        call()
        repeats[name] = max(1, int(MIN_SECONDS / max(time.process_time() - began, 1e-6)))
    rounds: dict[str, list[float]] = {name: [] for name in systems}
    for _ in range(N_ROUNDS):
        for name, call in systems.items():
            began = time.process_time()
            for _ in range(repeats[name]):
                call()
            rounds[name].append((time.process_time() - began) / repeats[name])
    return {name: float(np.median(taken)) for name, taken in rounds.items()}


# ---- from a cold shell ----------------------------------------------------------------------


def cold(store: str) -> Row:
    """Return a row of `wagahai nearest` as a new process, median wall-clock seconds."""
    if store != SIMULATED:
        return _cold(Store(Path(store)))
    with tempfile.TemporaryDirectory() as folder:
        made = Store(Path(folder))
        rows = [{"title": f"The {i} chronicles of a library", "authors": f"Author {i % 999}"} for i in range(17_000)]
        release_of(made, books_of(rows), simulated(17_000, 64, np.random.default_rng(0)))
        made.switch("r1", "simulated")
        return _cold(made)


def _cold(store: Store) -> Row:
    release = Release.open(store)
    book = release.books.columns["book"][int(np.argmax(release.books.n_readers))]
    command = [sys.executable, "-m", "flows.cli", "--store", str(store.root), "nearest", "--book", book]
    seconds = []
    for _ in range(N_ROUNDS):
        began = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
        seconds.append(time.perf_counter() - began)
    taken = float(np.median(seconds))
    return {
        "n_books": len(release.books),
        "n_dims": release.vectors.shape[1],
        "batch": 1,
        "system": "wagahai nearest, cold",
        "bar": f"< {MAX_COLD_SECONDS:g} s",
        "passed": taken < MAX_COLD_SECONDS,
        "seconds": round(taken, 3),
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
