"""How good Boltzmann machines of readers are: likelihood and hidden books found, beside what is simple, in one table.

    python -m tests.benchmarks.dbm_readers --data FOLDER [--format F] [--seed N ...] [--profile P] [--json]
    python -m tests.benchmarks.dbm_readers --protocol ../shared/protocol/retrieval.py [--seed N ...] ...

A seed is a split of readers and the seed of every fit. Everything is over the most read books of the training readers
(``models.dbm.n_visible``); `rbm` has the first hidden layer of `dbm` alone, `dbm unknown` takes books that are not
shown for unknown. ``--part validation`` judges on validation readers, which settings are chosen by. ``--set KEY=VALUE``
changes a setting of ``models.dbm``.

Log-likelihoods are in nats a reader; `gain` is over independent books, and `share` the gain over minus their
likelihood, which can be compared between samples of readers whose histories have other lengths: that of independent
books alone lies between -83 and -93 nats on the test readers of the protocol's five splits.

With --json there are also books of samples from the machine, `typical readers`.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from data.corpus import Corpus
from data.split import HeldOut, reader_split
from flows.progress import TerminalProgress
from flows.tables import write_json, write_table
from models.base import Run
from models.dbm import Dbm
from models.dbm_config import UNKNOWN, DbmConfig
from models.dbm_state import sampled
from pipeline.config import Settings, load_settings
from pipeline.judge_boltzmann import (
    DEEP,
    LIKELIHOOD,
    POPULARITY,
    RESTRICTED,
    BoltzmannQuality,
    judge_boltzmann,
    task_of,
)
from pipeline.metrics import ranking_metrics
from pipeline.represent import model_config
from pipeline.typed_table import from_table
from tests.benchmarks.retrieval import corpus_of, load_protocol, protocol_corpus

FREE = "dbm unknown"
COLUMNS = {
    "system": "system", "log_likelihood": "nats", "gain": "gain", "gain_sd_error": "+-", "share": "share",
    "recall20": "recall20", "recall20_sd_error": "+-", "ndcg100": "ndcg100", "least_effective": "effective",
    "effective_of_row": "of a row", "fit_seconds": "seconds",
}  # fmt: skip
_TYPICAL, _SWEEPS = 12, 500


@dataclass(frozen=True)
class Judged:
    """The systems on one split, how long fits took, and samples of the machine as lists of books' ids."""

    seed: int
    quality: BoltzmannQuality
    fit_seconds: Mapping[str, float]
    typical: list[list[str]]


def main(arguments: list[str]) -> int:
    """Run the benchmark and print its table."""
    chosen = parsed(arguments)
    settings = load_settings(chosen.profile)
    config = changed(model_config("dbm", settings), chosen.set)
    results = []
    with TerminalProgress() as progress:
        for seed, train, held_out in splits(chosen, settings, progress):
            run = Run(seed, "benchmark", progress=progress)
            results.append(judged(train, held_out, config, settings, run))
    rows = table(results)
    if chosen.json:
        by_split = [{"seed": r.seed, **row} for r in results for row in table([r])]
        write_json({"rows": rows, "splits": by_split, "typical_readers": [r.typical for r in results]})
        return 0
    data = chosen.protocol or chosen.data
    seeds = " ".join(map(str, chosen.seed))
    title = f"{data.name}, {chosen.part} readers, seeds {seeds}, {results[0].quality.n_books} books"
    write_table(title, [{key: _shown(value) for key, value in row.items()} for row in rows], COLUMNS)
    return 0


def parsed(arguments: list[str]) -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.dbm_readers",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    data = parser.add_mutually_exclusive_group(required=True)
    data.add_argument("--data", type=Path, help="file or folder of readings")
    data.add_argument("--protocol", type=Path, help="path of the neutral protocol of retrieval")
    parser.add_argument("--format", help="source format (default: recognised)")
    parser.add_argument("--seed", type=int, nargs="+", default=[0], help="one split for each")
    parser.add_argument("--part", choices=("validation", "test"), default="test")
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="settings of models.dbm")
    parser.add_argument("--profile", default="default")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args(arguments)


def changed(config: DbmConfig, changes: Sequence[str]) -> DbmConfig:
    """Return `config` with settings as in TOML: ``hidden_sizes=[200,100]``."""
    import tomllib

    table = tomllib.loads("\n".join(changes))
    return replace(config, **{key: getattr(from_table(DbmConfig, table, "--set"), key) for key in table})


def splits(
    chosen: argparse.Namespace, settings: Settings, progress: TerminalProgress
) -> Iterator[tuple[int, Corpus, HeldOut]]:
    """Yield seed, training readings and held-out readers of each split."""
    if chosen.protocol:
        protocol = load_protocol(chosen.protocol)
        books = protocol.load()
        for seed in chosen.seed:
            split = protocol.make_split(books.X, seed)
            train = protocol_corpus(split.train, [books.order[i] for i in split.train_rows])
            part = "val" if chosen.part == "validation" else "test"
            rows, shown, hidden = (getattr(split, f"{part}_{name}") for name in ("rows", "visible", "hidden"))
            yield seed, train, HeldOut(rows, shown.tocsr(), hidden.tocsr())
        return
    corpus = corpus_of(chosen.data, chosen.format, settings, progress)
    for seed in chosen.seed:
        found = reader_split(corpus, seed=seed)
        yield seed, found.train, getattr(found, chosen.part)


def judged(train: Corpus, held_out: HeldOut, config: DbmConfig, settings: Settings, run: Run) -> Judged:
    """Return the machines and the yardsticks on one split."""
    machines, seconds = {}, {}
    for name, settings_of in ((RESTRICTED, replace(config, hidden_sizes=config.hidden_sizes[:1])), (DEEP, config)):
        started = time.monotonic()
        machines[name] = Dbm.fit(train, settings_of, run)
        seconds[name] = time.monotonic() - started
    deep, task = machines[DEEP], task_of(train, held_out, config)
    quality = judge_boltzmann(machines, task, settings, run)
    free = Dbm(replace(config, unshown=UNKNOWN), deep.units, deep.machine)
    shown = task.visible[:, task.books].tocsr()
    found = ranking_metrics(free.score(task.visible)[:, task.books], shown, task.hidden)
    quality = replace(quality, per_reader={**quality.per_reader, FREE: found})
    return Judged(run.seed, quality, seconds, typical_readers(deep, train, run.derive_seed("benchmark/typical")))


def typical_readers(model: Dbm, corpus: Corpus, seed: int) -> list[list[str]]:
    """Return the books of samples from a machine, each from a chain of its own, after so many sweeps."""
    machine, random = model.machine, torch.Generator().manual_seed(seed)
    state = machine.uniform_state(_TYPICAL, random)
    for _ in range(_SWEEPS):
        state = machine.sweep(state, sampled(random))
    read = machine.layers(state)[0][:, : model.units.n_known].numpy() > 0
    return [[str(corpus.books.ids[row]) for row in model.units.books[one].tolist()] for one in read]


def table(results: Sequence[Judged]) -> list[dict[str, Any]]:
    """Return one row per system: means over the readers of all splits."""
    rows = []
    alone = np.concatenate([r.quality.per_reader[POPULARITY][LIKELIHOOD] for r in results])
    for system in results[0].quality.per_reader:
        of = [r.quality.per_reader[system] for r in results]
        values = {metric: np.concatenate([one[metric] for one in of]) for metric in of[0]}
        gain = values[LIKELIHOOD] - alone if LIKELIHOOD in values else None
        sampling = [r.quality.sampling.get(system, {}) for r in results]
        row: dict[str, Any] = {"system": system, "n_readers": len(alone)}
        row |= {"log_likelihood": None if gain is None else float(values[LIKELIHOOD].mean())}
        row |= {"gain": None if gain is None else float(gain.mean())}
        row |= {"gain_sd_error": None if gain is None else float(gain.std() / np.sqrt(len(gain)))}
        row |= {"share": None if gain is None else float(-gain.mean() / alone.mean())}
        for metric in ("recall20", "recall50", "ndcg100"):
            row[metric] = float(values[metric].mean())
        row["recall20_sd_error"] = float(values["recall20"].std() / np.sqrt(len(values["recall20"])))
        row["least_effective"] = _least([one.get("effective_samples") for one in sampling])
        row["n_samples"] = sampling[0].get("n_samples")
        row["effective_of_row"] = _least([one.get("effective_samples_of_row") for one in sampling])
        seconds = [r.fit_seconds[system] for r in results if system in r.fit_seconds]
        row["fit_seconds"] = float(np.mean(seconds)) if seconds else None
        rows.append(row)
    return rows


def _least(values: Sequence[float | None]) -> float | None:
    found = [value for value in values if value is not None]
    return min(found) if found else None


def _shown(value: Any) -> Any:
    if not isinstance(value, float):
        return value
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.2f}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
