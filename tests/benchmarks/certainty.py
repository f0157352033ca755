"""Is a neighbour said to be in the top 10 with probability .8 there 80 % of the time? From half of the readers to half.

    python -m tests.benchmarks.certainty --data FOLDER [--format F] [--seed N ...] [--kind K] [--profile P] [--json]

Readers are halved anew for every seed. Half A is treated as a release: its space, its ensemble, and a calibration that
sees nobody else (it halves A again). What is then said of the neighbours of all its books is checked on a model of
half B, of which nothing was known. The last part of the table is what users see: the first 10 of each list.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np

from data.certainty import Certainty
from data.corpus import Corpus
from data.ensemble import Ensemble
from data.progress import Progress
from data.vectors import unit_rows
from flows.progress import TerminalProgress
from flows.tables import write_json, write_table
from models.base import Run
from models.catalogue import KINDS, model_class
from pipeline.calibration import reliability
from pipeline.config import Settings, load_settings
from pipeline.ensemble import N_CANDIDATES, calibrated, neighbour_certainty
from pipeline.index import nearest_rows
from pipeline.ranking import top_columns
from pipeline.represent import model_config
from pipeline.resample import halves
from tests.benchmarks.retrieval import corpus_of

GROUPS = (("all", 1, 10**9), ("5 to 9 readers", 5, 9), ("10 to 29 readers", 10, 29), ("30 and more", 30, 10**9))


def main(arguments: list[str]) -> int:
    """Run the benchmark and print its tables."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.certainty",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True, help="file or folder of readings")
    parser.add_argument("--format", help="source format (default: recognised)")
    parser.add_argument("--seed", type=int, nargs="+", default=[0], help="one pair of halves for each")
    parser.add_argument("--kind", default="spectral", choices=KINDS)
    parser.add_argument("--profile", default="default")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args(arguments)
    settings = load_settings(chosen.profile)
    with TerminalProgress() as progress:
        corpus = corpus_of(chosen.data, chosen.format, settings, progress)
        seeds = [checked(corpus, chosen.kind, seed, settings, progress) for seed in chosen.seed]
    pooled = {name: np.concatenate([one[name] for one in seeds]) for name in seeds[0]}
    results = {name: table(pooled, settings) for name, table in TABLES.items()}
    if chosen.json:
        write_json({"kind": chosen.kind, "seeds": chosen.seed, **results})
        return 0
    for name, rows in results.items():
        title = f"{chosen.kind}, seeds {' '.join(map(str, chosen.seed))}: {name}"
        cells = [{key: _shown(value) for key, value in row.items()} for row in rows]
        write_table(title, cells, {key: key for key in rows[0]})
    return 0


def checked(corpus: Corpus, kind: str, seed: int, settings: Settings, progress: Progress) -> dict[str, np.ndarray]:
    """Return what was said and what was found of every candidate of every book of half A, by name, one row a book."""
    run = Run(seed, "benchmark", progress=progress)
    first, second = halves(corpus, run.generator("benchmark/certainty"), settings.corpus.min_readers)
    model, config = model_class(kind), model_config(kind, settings)

    def fit(data: Corpus, run: Run) -> np.ndarray:
        fitted: Any = model.fit(data, config, run)
        return unit_rows(fitted.book_vectors())

    mine, theirs = (
        fit(half, Run(run.derive_seed(name), "benchmark", progress=progress))
        for half, name in ((first, "benchmark/a"), (second, "benchmark/b"))
    )
    ensemble: Ensemble = calibrated(
        first, fit, settings.ensemble, run, settings.corpus.min_readers, settings.publish.far_min_readers
    )
    rows, similarity = nearest_rows(mine, np.arange(len(mine)), min(N_CANDIDATES, len(mine) - 1))
    k = settings.ensemble.k
    sure: Certainty = neighbour_certainty(ensemble, mine, rows, first.readers_per_book, progress)
    there, in_top = truth(theirs, rows, k)
    rank = np.argsort(np.lexsort((rows, -similarity, -sure.p_top), axis=1), axis=1)
    return {
        "p": sure.p_top.astype(np.float64),
        "in_top": in_top,
        "is_inside": (sure.low <= there) & (there <= sure.high),
        "width": sure.high - sure.low,
        "is_listed": rank < k,
        "n_readers": np.repeat(first.readers_per_book[:, None], rows.shape[1], axis=1),
    }


def truth(vectors: np.ndarray, rows: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the similarity of each book's candidates in another space, and whether they are in its top `k` there."""
    there, in_top = np.empty(rows.shape, np.float32), np.empty(rows.shape, np.bool_)
    for start in range(0, len(rows), 256):
        asked = np.arange(start, min(start + 256, len(rows)))
        similarity = vectors[asked] @ vectors.T
        similarity[np.arange(len(asked)), asked] = -np.inf
        top = top_columns(similarity, k)
        there[asked] = np.take_along_axis(similarity, rows[asked], axis=1)
        in_top[asked] = (rows[asked][:, :, None] == top[:, None, :]).any(axis=2)
    return there, in_top


def said_and_found(seen: dict[str, np.ndarray], settings: Settings) -> list[dict[str, Any]]:
    """Return the reliability of all candidates, one row per tenth of p."""
    bins = zip(*reliability(seen["p"].ravel(), seen["in_top"].ravel()), strict=True)
    return [{"said": float(said), "found": float(found), "n_pairs": int(n)} for said, found, n in bins]


def listed(seen: dict[str, np.ndarray], settings: Settings) -> list[dict[str, Any]]:
    """Return the reliability of those that users see: the first k of each list by p."""
    kept = seen["is_listed"]
    return said_and_found({name: seen[name][kept] for name in ("p", "in_top")}, settings)


def by_readers(seen: dict[str, np.ndarray], settings: Settings) -> list[dict[str, Any]]:
    """Return calibration error, Brier score and coverage of the intervals by readers of the asked book."""
    rows = []
    for name, least, most in GROUPS:
        kept = (seen["n_readers"] >= least) & (seen["n_readers"] <= most)
        if not kept.any():
            continue
        p, true = seen["p"][kept], seen["in_top"][kept]
        said, found, n = reliability(p, true)
        rows.append(
            {
                "group": name,
                "n_pairs": int(kept.sum()),
                "ece": float(np.abs(said - found) @ n / n.sum()),
                "brier": float(np.mean((p - true) ** 2)),
                "brier_base": float(true.mean() * (1 - true.mean())),
                f"coverage (level {settings.ensemble.level})": float(seen["is_inside"][kept].mean()),
                "width": float(seen["width"][kept].mean()),
            }
        )
    return rows


def _shown(value: Any) -> Any:
    return f"{value:.3f}" if isinstance(value, float) else value


TABLES = {
    "all candidates: said and found": said_and_found,
    "the first of each list: said and found": listed,
    "by readers of the asked book": by_readers,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
