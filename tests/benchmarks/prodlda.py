"""ProdLDA as Pyro's tutorial has it beside ours: topics on reading histories, and seconds an epoch.

    python -m tests.benchmarks.prodlda --protocol ../shared/protocol/topics.py --seed N ... [--n-topics K]
                                       [--only ours] [--json]

Quality is judged by the neutral protocol on readers held out; a seed is that of the fits, and `--split` chooses the
split. Speed is the median epoch of each at the tutorial's batch size, in this process, on the same readers; what
is done once before the first epoch is given apart.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import scipy.sparse as sp

from flows.tables import write_json, write_table
from models.base import Run
from models.coherence import top_books
from models.prodlda import ProdLda
from models.prodlda_config import ProdLdaConfig
from pipeline.topic_metrics import N_DIVERSE, dead, duplicates
from tests.benchmarks.prodlda_tutorial import Tutorial, TutorialProdLda, fit_tutorial
from tests.benchmarks.topics import protocols

FAILS, MENDED, OURS = "tutorial", "tutorial, lr .01", "wagahai"
MEASURES = ("npmi_all", "npmi_held", "diversity25", "irbo10", "perplexity_raw")
TIMED_EPOCHS = 4

Fitted = TutorialProdLda | ProdLda


def main(arguments: list[str]) -> int:
    """Run the benchmark and print its tables."""
    chosen = parsed(arguments)
    protocol, retrieval = protocols(chosen.protocol)
    books = retrieval.load()
    split = retrieval.make_split(books.X, chosen.split)
    rows = [
        judged(protocol, books, split, name, seed, fit(split.train, seed))
        for seed in chosen.seed
        for name, fit in systems(chosen.n_topics).items()
        if chosen.only in (None, name)
    ]
    speed = epochs_compared(split.train, chosen.n_topics, chosen.seed[0]) if chosen.only is None else None
    means = list(mean_rows(rows))
    if chosen.json:
        write_json({"mean": means, "per_seed": rows, "speed": speed})
        return 0
    title = (
        f"{split.train.shape[0]:,} training readers, {chosen.n_topics} topics, seeds {' '.join(map(str, chosen.seed))}"
    )
    shown = [
        {key: round(value, 3) if isinstance(value, float) else value for key, value in row.items()} for row in means
    ]
    write_table(title, shown, {key: key for key in shown[0]})
    if speed:
        sys.stdout.write(
            f"an epoch at batches of {speed['batch_size']}: tutorial {speed['tutorial_seconds']:.3f} s, "
            f"wagahai {speed['wagahai_seconds']:.3f} s (and {speed['wagahai_setup_seconds']:.1f} s once), "
            f"{speed['ratio']:.1f} times faster\n"
        )
    return 0


def parsed(arguments: list[str]) -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.prodlda",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--protocol", type=Path, required=True, help="path of the neutral protocol, topics.py")
    parser.add_argument("--seed", type=int, nargs="+", default=[0])
    parser.add_argument("--split", type=int, default=0)
    parser.add_argument("--n-topics", type=int, default=10)
    parser.add_argument("--only", choices=(FAILS, MENDED, OURS))
    parser.add_argument("--json", action="store_true")
    return parser.parse_args(arguments)


def systems(n_topics: int) -> dict[str, Callable[[sp.csr_matrix, int], Fitted]]:
    """Return name -> what fits it to counts with a seed."""
    tutorial, config = Tutorial(n_topics=n_topics), replace(ProdLdaConfig(), n_topics=n_topics)
    return {
        FAILS: lambda counts, seed: fit_tutorial(counts, tutorial, seed),
        MENDED: lambda counts, seed: fit_tutorial(counts, replace(tutorial, learning_rate=0.01), seed),
        OURS: lambda counts, seed: ProdLda.fit_counts(counts, config, Run(seed, "benchmark")),
    }


def judged(protocol: ModuleType, books: Any, split: Any, name: str, seed: int, fitted: Fitted) -> dict[str, Any]:
    """Return one system's measures with one seed."""
    report, _ = protocol.topic_report(books, split, fitted.typical(), fitted.predict)
    is_dead = dead(fitted.topics(), fitted.topic_shares()) if isinstance(fitted, ProdLda) else None
    return {
        "system": name,
        "seed": seed,
        **{measure: float(report[measure]) for measure in MEASURES},
        "dead": None if is_dead is None else int(is_dead.sum()),
        "duplicates": int(duplicates(top_books(fitted.typical(), N_DIVERSE)).sum()),
    }


def mean_rows(rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield one row a system: means over seeds, and the most dead topics and duplicates of any seed."""
    for name in dict.fromkeys(row["system"] for row in rows):
        of_name = [row for row in rows if row["system"] == name]
        means = {measure: float(np.mean([row[measure] for row in of_name])) for measure in MEASURES}
        n_dead = [row["dead"] for row in of_name if row["dead"] is not None]
        yield {
            "system": name,
            **means,
            "dead": max(n_dead) if n_dead else None,
            "duplicates": max(row["duplicates"] for row in of_name),
        }


class Stopwatch:
    """A `Progress` that notes when each step was done."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def start(self, what: str, total: int) -> None:
        """Note the start."""
        self.times = [time.perf_counter()]

    def advance(self, steps: int = 1) -> None:
        """Note the end of an epoch."""
        self.times.append(time.perf_counter())

    def finish(self, outcome: str = "") -> None:
        """Ignore the end."""


def epochs_compared(counts: sp.csr_matrix, n_topics: int, seed: int) -> dict[str, float]:
    """Return the median seconds of an epoch of both at the tutorial's batch size, and how many times ours is faster."""
    tutorial = Tutorial(n_topics=n_topics, epochs=TIMED_EPOCHS)
    config = replace(ProdLdaConfig(), n_topics=n_topics, batch_size=tutorial.batch_size, epochs=TIMED_EPOCHS)
    watch = Stopwatch()
    theirs = float(np.median(fit_tutorial(counts, tutorial, seed).epoch_seconds))
    ProdLda.fit_counts(counts, config, Run(seed, "benchmark", progress=watch))
    epochs = np.diff(watch.times)
    ours = float(np.median(epochs[1:]))
    return {
        "batch_size": tutorial.batch_size,
        "tutorial_seconds": theirs,
        "wagahai_seconds": ours,
        "wagahai_setup_seconds": float(epochs[0] - ours),
        "ratio": theirs / ours,
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
