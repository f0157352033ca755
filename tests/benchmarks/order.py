"""Does the order in which books were read carry anything, or is it a file's?

    python -m tests.benchmarks.order --data FOLDER [--format F] [--seed N] [--fits N] [--profile P] [--json]

The shuffle test: word2vec is fitted to the training readers with their books as read and with their books shuffled anew
every epoch; validation readers are ranked by both, and the difference of NDCG@100 is paired by reader. The interval is
a bootstrap over readers and knows nothing of the chance in a fit (about .002): `--fits` averages over several.

Beside it the cheap signs of an order that no reader made, each with what a shuffled order gives in expectation:

- *rising*: of two books side by side in a history, the share whose ids rise (sorted by id: 1 or 0; shuffled: .5);
- *next_id*: the share that are also side by side when the reader's books are sorted by id (sorted: 1; shuffled: 2/n);
- *agreeing*: two readers of the same two books have them in the same order (a file sorted by anything at all: 1;
  shuffled: .5; what is read in series, or as it appears, is honestly between the two).
"""

from __future__ import annotations

import argparse
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from data.corpus import Corpus
from data.seeds import derive_seed, generator
from data.split import reader_split
from flows.progress import TerminalProgress
from flows.tables import write_json, write_table
from models.base import Run
from models.word2vec import ORDERS, Word2Vec
from pipeline.config import Settings, load_settings
from pipeline.evaluate import evaluate
from pipeline.metrics import Interval, bootstrap_interval
from pipeline.represent import model_config
from tests.benchmarks.retrieval import corpus_of

FAKE = 0.9  # share of agreeing, or of next ids, that no reader's own order reaches
N_PAIRS = 300  # pairs of books drawn from each reader to see who agrees


def main(arguments: list[str]) -> int:
    """Print both tables and one sentence."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.order", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="file or folder of readings")
    parser.add_argument("--format", help="source format (default: recognised)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--fits", type=int, default=1, help="fits of each order, with seeds from --seed on")
    parser.add_argument("--profile", default="default")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args(arguments)
    if chosen.fits < 1:
        parser.error(f"--fits {chosen.fits}: expected at least 1")
    settings = load_settings(chosen.profile)
    with TerminalProgress() as progress:
        corpus = corpus_of(chosen.data, chosen.format, settings, progress)
        signs = signs_of_order(corpus, chosen.seed)
        quality = shuffle_test(corpus, settings, Run(chosen.seed, "benchmark", progress=progress), chosen.fits)
    said = verdict(quality[-1], signs)
    if chosen.json:
        write_json({"quality": quality, "signs": signs, "verdict": said})
    else:
        write_table(f"seed {chosen.seed}, profile {chosen.profile}", quality, {key: key for key in quality[0]})
        write_table("signs of a file's order", signs, {key: key for key in signs[0]})
        sys.stdout.write(f"{said}\n")
    return 0


def shuffle_test(corpus: Corpus, settings: Settings, run: Run, n_fits: int) -> list[dict[str, Any]]:
    """Return NDCG@100 of validation readers for both orders, and their paired difference, as read minus shuffled."""
    split = reader_split(corpus, seed=run.seed)
    config = model_config("word2vec", settings)
    found = {}
    for order in ORDERS:
        fits = []
        for seed in range(run.seed, run.seed + n_fits):
            model = Word2Vec.fit(split.train, replace(config, order=order), Run(seed, run.stage, progress=run.progress))
            judged = evaluate(split.name, {order: model}, split.validation, run.progress)
            fits.append(judged.per_reader[order]["ndcg100"])
        found[order] = np.mean(fits, axis=0)
    found["as_read - shuffled"] = found["as_read"] - found["shuffled"]
    rows = []
    for order, values in found.items():
        measured = _interval(values, settings, run.seed)
        row = {"order": order, "n_readers": len(values), "n_fits": n_fits}
        rows.append({**row, "ndcg100": measured.mean, "low": measured.low, "high": measured.high})
    return rows


def _interval(values: np.ndarray, settings: Settings, seed: int) -> Interval:
    config, drawn = settings.evaluation, derive_seed(seed, "evaluate/bootstrap")
    return bootstrap_interval(values, n_bootstrap=config.n_bootstrap, level=config.level, seed=drawn)


def signs_of_order(corpus: Corpus, seed: int) -> list[dict[str, Any]]:
    """Return the three signs, as found and as expected of a shuffled order."""
    rank = np.empty(corpus.n_books, np.int64)
    rank[sorted(range(corpus.n_books), key=lambda book: _natural(corpus.books.ids[book]))] = np.arange(corpus.n_books)
    ids = rank[corpus.sequence]
    sizes = np.diff(corpus.counts.indptr)
    reader = np.repeat(np.arange(corpus.n_readers), sizes)
    by_id = np.lexsort((ids, reader))
    place = np.empty(len(ids), np.int64)
    place[by_id] = np.arange(len(ids))  # among the reader's books sorted by id, after those of readers before
    step = np.diff(place)[reader[1:] == reader[:-1]]
    n_pairs = np.maximum(sizes - 1, 0)
    shuffled = (n_pairs * 2 / np.maximum(sizes, 1)).sum() / n_pairs.sum()
    return [
        {"sign": "rising", "found": float((step > 0).mean()), "shuffled": 0.5},
        {"sign": "next_id", "found": float((np.abs(step) == 1).mean()), "shuffled": float(shuffled)},
        {"sign": "agreeing", "found": _agreement(corpus, seed), "shuffled": 0.5},
    ]


def _natural(book: str) -> list[tuple[int, str]]:
    """Sort key that puts ``x:9`` before ``x:10``."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", book)]


def _agreement(corpus: Corpus, seed: int) -> float:
    """Return how often two readers have the same two books in the same order, over what several drew; NaN if none."""
    random = generator(seed, "benchmark/order")
    keys, signs = [], []
    for row in np.flatnonzero(np.diff(corpus.counts.indptr) > 1).tolist():
        books = corpus.sequence_of(row).astype(np.int64)
        drawn = np.unique(np.sort(random.integers(0, len(books), (N_PAIRS, 2)), axis=1), axis=0)
        first, second = books[drawn[drawn[:, 0] < drawn[:, 1]]].T
        keys.append(np.minimum(first, second) * corpus.n_books + np.maximum(first, second))
        signs.append(first < second)
    _, of = np.unique(np.concatenate(keys), return_inverse=True)
    n, n_rising = np.bincount(of), np.bincount(of, weights=np.concatenate(signs))
    n, n_rising = n[n > 1], n_rising[n > 1]
    same = n_rising * (n_rising - 1) + (n - n_rising) * (n - n_rising - 1)
    return float(same.sum() / (n * (n - 1)).sum()) if len(n) else float("nan")


def verdict(difference: dict[str, Any], signs: list[dict[str, Any]]) -> str:
    """Return one sentence: whether the order carries anything, and whether it looks like a file's."""
    figures = "NDCG@100 {ndcg100:+.4f}, {low:+.4f} to {high:+.4f}".format(**difference)
    if difference["low"] > 0:
        said = f"The order carries something: as read is better than shuffled ({figures})"
    elif difference["high"] < 0:
        said = f"The order misleads: as read is worse than shuffled ({figures})"
    else:
        said = f"Nothing says that the order carries anything: as read and shuffled are as good ({figures})"
    found = {sign["sign"]: sign["found"] for sign in signs}
    is_sorted = found["next_id"] > FAKE or max(found["rising"], 1 - found["rising"]) > FAKE
    if is_sorted:
        return f"{said}, and it is the order of the ids: a file's, no reader's."
    if found["agreeing"] > FAKE:
        return f"{said}, and readers of the same books agree on it beyond belief: a file's, no reader's."
    return f"{said}; it does not look like a file's."


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
