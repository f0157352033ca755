"""How well hidden books are found: word2vec against popularity and BM25 item-kNN, in one table.

    python -m tests.benchmarks.retrieval --data FOLDER [--format F] [--seed N] [--profile P] [--json]
    python -m tests.benchmarks.retrieval --protocol ../shared/protocol/retrieval.py [--seed N] [--json]

The first form ingests a source into a temporary store and judges on our own split. The second is
neutral: the protocol's split and scorers, models trained on its training readers alone.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import scipy.sparse as sp

from data.corpus import NO_DATE, Corpus
from data.history import History
from data.sources.catalogue import recognise, source_named
from data.sources.upload import Upload
from data.split import Split, reader_split
from data.store import Store
from data.vocabulary import Vocabulary
from flows.progress import TerminalProgress
from flows.tables import write_json, write_table
from models.base import Encoder, Ranker, Run
from models.catalogue import model_class
from pipeline.build_corpus import build_corpus
from pipeline.config import Settings, from_table, load_settings
from pipeline.evaluate import evaluate
from pipeline.ingest import ingest
from pipeline.represent import COMPARED


def main(arguments: list[str]) -> int:
    """Run one benchmark and print its table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.retrieval", description=__doc__)
    parser.add_argument("--data", type=Path, help="file or folder of readings")
    parser.add_argument("--format", help="source format (default: recognised)")
    parser.add_argument("--protocol", type=Path, help="path of the neutral protocol")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--profile", default="default")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args(arguments)
    settings = load_settings(chosen.profile)
    with TerminalProgress() as progress:
        run = Run(chosen.seed, "benchmark", progress)
        if chosen.protocol:
            rows = by_protocol(load_protocol(chosen.protocol), settings, run)
        elif chosen.data:
            rows = by_split(corpus_of(chosen.data, chosen.format, settings, progress), settings, run)
        else:
            parser.error("name --data or --protocol")
    if chosen.json:
        write_json(rows)
    else:
        columns = {key: key for key in rows[0] if not key.endswith(("_low", "_high"))}
        write_table(f"seed {chosen.seed}, profile {chosen.profile}", [_with_intervals(row) for row in rows], columns)
    return 0


def _with_intervals(row: dict[str, Any]) -> dict[str, Any]:
    """Put a mean and its interval into one cell, where there is one."""
    shown = dict(row)
    for key in row:
        if f"{key}_low" in row:
            shown[key] = f"{row[key]:.3f} ({row[f'{key}_low']:.3f} to {row[f'{key}_high']:.3f})"
    return shown


def corpus_of(path: Path, format: str | None, settings: Settings, progress: TerminalProgress) -> Corpus:
    """Return the corpus of a source, ingested into a store that is thrown away."""
    source = source_named(format) if format else recognise(Upload.open(path))
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        ingest(store, path, source, progress)
        return build_corpus(History(store.history).latest(), settings.corpus)


def fitted(train: Corpus, settings: Settings, run: Run) -> dict[str, Ranker[Any, Any]]:
    """Return every compared model, fitted to `train`."""
    models: dict[str, Ranker[Any, Any]] = {}
    for kind in COMPARED:
        model = model_class(kind)
        config: Any = from_table(model.config_type, settings.models.get(kind, {}), f"models.{kind}")
        models[kind] = model.fit(train, config, run)
    return models


def by_split(corpus: Corpus, settings: Settings, run: Run) -> list[dict[str, Any]]:
    """Return the table of our own split's test readers."""
    split: Split = reader_split(corpus, seed=run.seed)
    models = fitted(split.train, settings, run)
    judged = evaluate(split.name, models, split.test, run.progress)
    wide: dict[str, dict[str, Any]] = {}
    for row in judged.table(settings.evaluation, run.seed):
        columns = wide.setdefault(row["model"], {"model": row["model"], "n_readers": row["n_readers"]})
        columns[row["metric"]] = row["mean"]
        columns[f"{row['metric']}_low"], columns[f"{row['metric']}_high"] = row["low"], row["high"]
    return list(wide.values())


def by_protocol(protocol: ModuleType, settings: Settings, run: Run) -> list[dict[str, Any]]:
    """Return the table of the protocol's own scorers on its test readers."""
    books = protocol.load()
    split = protocol.make_split(books.X, run.seed)
    train = protocol_corpus(split.train, [books.order[i] for i in split.train_rows])
    rows = []
    for kind, model in fitted(train, settings, run).items():
        neighbours = protocol.vectors_neighbours(model.book_vectors()) if isinstance(model, Encoder) else None
        measured = protocol.evaluate(books, split, model.score, neighbours)
        wanted = ("recall20", "recall50", "ndcg100", "ndcg100_se", "author_p10")
        rows.append({"model": kind, **{name: measured.get(name) for name in wanted}})
    return rows


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
