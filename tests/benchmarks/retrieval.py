"""How well hidden books are found, and how near the nearest are: what is published, yardsticks, peers, in one table.

    python -m tests.benchmarks.retrieval --data FOLDER [--format F]              [--seed N ...] [--models KIND ...]
    python -m tests.benchmarks.retrieval --protocol ../shared/protocol/retrieval.py  [--peers]  [--profile P] [--json]

The first form ingests a source into a temporary store and judges on our own split. The second is neutral: the
protocol's split and scorers, models trained on its training readers alone.

A seed is a split and the seed of every fit. Figures are means over the test readers of all splits; differences to BM25
item-kNN are paired by reader, and their intervals are bootstraps over readers (one who is tested in two splits is drawn
with both). `author_p10`, of the protocol alone, and `hubness`, the skewness of how often a book is among the 10 nearest
of others, are means over splits; for a model without a space, the nearest are what a reader of one book is recommended.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import numpy as np
import scipy.sparse as sp

from data.corpus import NO_DATE, Corpus
from data.history import History
from data.progress import Progress
from data.seeds import derive_seed
from data.sources.catalogue import recognise, source_named
from data.sources.upload import Upload
from data.split import reader_split
from data.store import Store
from data.vocabulary import Vocabulary
from flows.progress import TerminalProgress
from flows.tables import write_json, write_table
from models.base import Ranker, Run
from models.catalogue import KINDS, model_class
from models.ease import too_large
from pipeline.build_corpus import build_corpus
from pipeline.config import EvaluationConfig, Settings, load_settings
from pipeline.evaluate import evaluate
from pipeline.ingest import ingest
from pipeline.metrics import METRICS, Interval
from pipeline.represent import RANKERS, model_config
from tests.benchmarks.peers import PEERS
from tests.benchmarks.systems import System

YARDSTICK, RANKING = "item_knn", "blend"
K = 10
OF_LISTS = ("author_p10", "hubness")


@dataclass(frozen=True)
class Measured:
    """One system on one split.

    Attributes
    ----------
    readers
        int64 (n,), who was tested: a number that is the same reader's in every split.
    per_reader
        Metric -> float64 (n,).
    of_lists
        Measure of the lists of nearest books -> value, None if it has none.
    """

    seed: int
    model: str
    readers: np.ndarray
    per_reader: Mapping[str, np.ndarray]
    of_lists: Mapping[str, float | None]
    fit_seconds: float


def main(arguments: list[str]) -> int:
    """Run one benchmark and print its table."""
    chosen = parsed(arguments)
    settings = load_settings(chosen.profile)
    kinds = chosen.models or list(dict.fromkeys((*RANKERS, *settings.publish.spaces)))
    names = [*kinds, *(chosen.peers or PEERS if chosen.peers is not None else ())]
    with TerminalProgress() as progress:
        if chosen.protocol:
            measured = by_protocol(load_protocol(chosen.protocol), names, settings, chosen.seed, progress)
        else:
            corpus = corpus_of(chosen.data, chosen.format, settings, progress)
            measured = by_split(corpus, names, settings, chosen.seed, progress)
        results = list(measured)
    rows = table(results, settings)
    if chosen.json:
        write_json({"mean": rows, "per_seed": [row_of_split(result) for result in results]})
        return 0
    title = f"{rows[0]['n_readers']:,} test readers, seeds {' '.join(map(str, chosen.seed))}, profile {chosen.profile}"
    cells = [shown(row, settings) for row in rows]
    told = {key: heading for key, heading in COLUMNS.items() if any(row[key] not in (None, "") for row in cells)}
    write_table(title, cells, told)
    return 0


def parsed(arguments: list[str]) -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.retrieval",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    data = parser.add_mutually_exclusive_group(required=True)
    data.add_argument("--data", type=Path, help="file or folder of readings")
    data.add_argument("--protocol", type=Path, help="path of the neutral protocol")
    parser.add_argument("--format", help="source format (default: recognised)")
    parser.add_argument("--seed", type=int, nargs="+", default=[0], help="one split for each")
    parser.add_argument("--models", nargs="+", choices=KINDS, metavar="KIND", help="only these; default: all compared")
    parser.add_argument("--peers", nargs="*", choices=PEERS, metavar="PEER", help=f"all, or some of {sorted(PEERS)}")
    parser.add_argument("--profile", default="default")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args(arguments)


def corpus_of(path: Path, format: str | None, settings: Settings, progress: Progress) -> Corpus:
    """Return the corpus of a source, ingested into a store that is thrown away."""
    source = source_named(format) if format else recognise(Upload.open(path))
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        ingest(store, path, source, progress)
        return build_corpus(History(store.history).latest(), settings.corpus)


def fitted(names: Sequence[str], train: Corpus, settings: Settings, run: Run) -> Iterator[tuple[str, System, float]]:
    """Yield each system by its name, fitted to `train`, and the seconds it took; one at a time, to save memory."""
    why = too_large(train.n_readers, train.n_books, model_config("ease", settings))
    for name in names:
        if why and ("ease" in name.lower() or name == "blend"):
            sys.stderr.write(f"{name} is left out: {why}\n")
            continue
        started = time.monotonic()
        if name in PEERS:
            run.progress.start(name, 1)
            system = PEERS[name](train, run.seed)
            run.progress.finish("fitted")
        else:
            model = model_class(name).fit(train, model_config(name, settings), run)
            system = System.of(model, train.n_books)
        yield name, system, time.monotonic() - started


def by_split(
    corpus: Corpus, names: Sequence[str], settings: Settings, seeds: Sequence[int], progress: Progress
) -> Iterator[Measured]:
    """Yield every system's measures on the test readers of our own splits."""
    for seed in seeds:
        split = reader_split(corpus, seed=seed)
        for name, system, seconds in fitted(names, split.train, settings, Run(seed, "benchmark", progress=progress)):
            ranker = cast("Ranker[Any, Any]", system)  # a peer is no model, but scores like one
            judged = evaluate(split.name, {name: ranker}, split.test, progress).per_reader[name]
            hubness = system.hubness(system.nearest(K)) if system.vectors is not None else None
            yield Measured(seed, name, split.test.rows, judged, {"hubness": hubness}, seconds)


def by_protocol(
    protocol: ModuleType, names: Sequence[str], settings: Settings, seeds: Sequence[int], progress: Progress
) -> Iterator[Measured]:
    """Yield every system's measures by the protocol's own scorers on its test readers."""
    books = protocol.load()
    for seed in seeds:
        split = protocol.make_split(books.X, seed)
        train = protocol_corpus(split.train, [books.order[i] for i in split.train_rows])
        for name, system, seconds in fitted(names, train, settings, Run(seed, "benchmark", progress=progress)):
            progress.start(f"judge {name} on split {seed}", 1)
            nearest = system.nearest(K)
            _, raw = protocol.evaluate(books, split, system.score, nearest, per_reader=True)
            of_lists = {"author_p10": float(np.mean(raw["author_p10"])), "hubness": system.hubness(nearest)}
            judged = {metric: raw[metric] for metric in METRICS}
            progress.finish(f"NDCG@100 {judged['ndcg100'].mean():.4f}")
            yield Measured(seed, name, split.test_rows, judged, of_lists, seconds)


def table(results: Sequence[Measured], settings: Settings) -> list[dict[str, Any]]:
    """Return one row per system: means over all splits, and what it gains over BM25 item-kNN on the same readers."""
    drawn = derive_seed(min(result.seed for result in results), "evaluate/bootstrap")
    readers, values = _pooled(results)
    rows = []
    for model, metrics in values.items():
        row: dict[str, Any] = {"model": model, "role": role_of(model, settings), "n_readers": len(readers)}
        for metric in METRICS:
            measured = interval(metrics[metric], readers, settings.evaluation, drawn)
            row |= {metric: measured.mean, f"{metric}_low": measured.low, f"{metric}_high": measured.high}
            if model != YARDSTICK and YARDSTICK in values:
                gain = interval(metrics[metric] - values[YARDSTICK][metric], readers, settings.evaluation, drawn)
                row |= {f"{metric}_gain": gain.mean, f"{metric}_gain_low": gain.low, f"{metric}_gain_high": gain.high}
        for measure in OF_LISTS:
            found = [value for r in results if r.model == model and (value := r.of_lists.get(measure)) is not None]
            row[measure] = float(np.mean(found)) if found else None
        rows.append(row)
    return rows


def _pooled(results: Sequence[Measured]) -> tuple[np.ndarray, dict[str, dict[str, np.ndarray]]]:
    """Return the test readers of all splits, (n,), and each model's metrics of them, (n,), in one order."""
    of_model: dict[str, list[Measured]] = {}
    for result in results:
        of_model.setdefault(result.model, []).append(result)
    readers = [np.concatenate([result.readers for result in some]) for some in of_model.values()]
    assert all(np.array_equal(readers[0], others) for others in readers)
    values = {
        model: {metric: np.concatenate([result.per_reader[metric] for result in some]) for metric in METRICS}
        for model, some in of_model.items()
    }
    return readers[0], values


def interval(values: np.ndarray, readers: np.ndarray, config: EvaluationConfig, seed: int) -> Interval:
    """Return the mean of `values` (n,) and its percentile interval, drawing readers with all that is theirs."""
    _, who = np.unique(readers, return_inverse=True)
    n_values, total = np.bincount(who), np.bincount(who, weights=values)
    random, n = np.random.default_rng(seed), len(n_values)
    draws = (random.integers(0, n, n) for _ in range(config.n_bootstrap))
    means = [total[drawn].sum() / n_values[drawn].sum() for drawn in draws]
    low, high = np.quantile(means, [(1 - config.level) / 2, (1 + config.level) / 2])
    return Interval(float(values.mean()), float(low), float(high))


def row_of_split(result: Measured) -> dict[str, Any]:
    """Return the means of one system on one split."""
    means = {metric: float(result.per_reader[metric].mean()) for metric in METRICS}
    size = {"n_readers": len(result.readers), "fit_seconds": round(result.fit_seconds, 2)}
    return {"seed": result.seed, "model": result.model, **size, **means, **result.of_lists}


def role_of(model: str, settings: Settings) -> str:
    """Return what a system is to a release."""
    spaces = settings.publish.spaces
    if model in PEERS:
        return "peer"
    if model in spaces:
        return "default space" if model == spaces[0] else "space"
    return "the release's ranking" if model == RANKING else "yardstick"


COLUMNS = {
    "model": "model",
    **{metric: metric for metric in METRICS},
    "gain": f"ndcg100 - {YARDSTICK}",
    **{measure: measure for measure in OF_LISTS},
}


def shown(row: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """Put a gain and its interval into one cell, and mark what a release calls its own."""
    told = f" ({row['role']})" if row["role"] not in ("yardstick", "peer", "space") else ""
    gain = [row.get(f"ndcg100_gain{end}") for end in ("", "_low", "_high")]
    cell = "" if gain[0] is None else f"{gain[0]:+.4f} ({gain[1]:+.4f} to {gain[2]:+.4f})"
    return {**row, "model": row["model"] + told, "gain": cell}


def protocol_corpus(counts: sp.csr_matrix, order: list[list[int]]) -> Corpus:
    """Return the protocol's training matrix as a corpus; `order` holds each reader's books in file order."""
    sequence = np.concatenate([np.asarray(books, np.int32) for books in order])
    matrix = counts.tocsr().astype(np.float32)
    matrix.sort_indices()
    return Corpus(
        Vocabulary.of(range(matrix.shape[0])),
        Vocabulary.of(range(matrix.shape[1])),
        matrix,
        sequence,
        np.full(matrix.nnz, NO_DATE, np.int32),
        np.arange(matrix.shape[0], dtype=np.uint64),
    )


def load_protocol(path: Path) -> ModuleType:
    """Return the module at `path`; it is run where it lies and never copied."""
    spec = importlib.util.spec_from_file_location("protocol_retrieval", path)
    if spec is None or spec.loader is None:
        raise SystemExit(f"{path}: not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
