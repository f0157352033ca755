"""How good topics are: ours, and what others would use instead, in one table.

    python -m tests.benchmarks.topics --protocol ../shared/protocol/topics.py  [--split N]  [--seed N ...]
                                      [--models KIND ...] [--peers] [--n-topics N ...] [--profile P] [--json]
    python -m tests.benchmarks.topics --newsgroups ../shared/data/topics_20ng  ...
                                      [--profile tests/benchmarks/newsgroups.toml]

The first form trains on the training readers of one split of bookcrossing and is judged by the protocol: coherence
(NPMI) of the first 10 books on all readers and on those held out, diversity of the first 25, perplexity of hidden books
of held-out readers (`perplexity` with 1 % of the unigram mixed in, `raw` without), NDCG@100 of test readers, share of a
topic's first 10 books by one author. The second is 20 Newsgroups: coherence on test documents, and purity and NMI of
the likeliest topic of test documents against the newsgroup.

A seed is one fit of every system; a row is the mean over seeds. `stability` is the share of the first 10 books of
matched topics that two fits have in common, over all pairs of seeds; `dead` and `duplicates` are numbers of topics
(`pipeline.topic_metrics` says which).
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import scipy.sparse as sp

from data.corpus import Corpus
from flows.progress import TerminalProgress
from flows.tables import write_json, write_table
from models.base import Run
from models.catalogue import KINDS, model_class
from models.coherence import N_COHERENT, npmi, top_books
from models.topics import TopicModel
from pipeline.config import Settings, load_settings
from pipeline.represent import model_config
from pipeline.topic_metrics import N_DIVERSE, cluster_nmi, cluster_purity, dead, diversity, duplicates, mean_stability
from tests.benchmarks.retrieval import load_protocol, protocol_corpus
from tests.benchmarks.topic_systems import TOPIC_PEERS, TopicSystem


@dataclass(frozen=True)
class Data:
    """What systems are fitted to, and how they are judged on it: a function from a system to figures by name."""

    name: str
    train: Corpus
    judge: Callable[[TopicSystem], dict[str, float]]


@dataclass(frozen=True)
class Fit:
    """One fit of one system."""

    system: str
    n_topics: int
    seed: int
    first_books: np.ndarray  # (n_topics, N_COHERENT)
    figures: Mapping[str, float]


def main(arguments: list[str]) -> int:
    """Run the benchmark and print its table."""
    chosen = parsed(arguments)
    settings = load_settings(chosen.profile)
    data = newsgroups(chosen.newsgroups) if chosen.newsgroups else readers(chosen.protocol, chosen.split)
    kinds = topic_kinds() if chosen.models is None else chosen.models  # none may be named, to see the peers alone
    names = [*kinds, *(TOPIC_PEERS if chosen.peers else ())]
    with TerminalProgress() as progress:
        fits = [
            fit
            for n_topics in chosen.n_topics
            for name in names
            for fit in fitted(data, name, n_topics, chosen.seed, settings, progress)
        ]
    rows = table(fits)
    if chosen.json:
        per_seed = [{"system": f.system, "n_topics": f.n_topics, "seed": f.seed, **f.figures} for f in fits]
        write_json({"mean": rows, "per_seed": per_seed})
        return 0
    cells = [{key: _shown(value) for key, value in row.items()} for row in rows]
    title = f"{data.name}, seeds {' '.join(map(str, chosen.seed))}, profile {chosen.profile}"
    write_table(title, cells, {key: key for key in rows[0]})
    return 0


def parsed(arguments: list[str]) -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.topics",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    data = parser.add_mutually_exclusive_group(required=True)
    data.add_argument("--protocol", type=Path, help="path of the neutral protocol of topics")
    data.add_argument("--newsgroups", type=Path, help="folder of the bag of words of 20 Newsgroups")
    parser.add_argument("--split", type=int, default=0, help="split of the protocol")
    parser.add_argument("--seed", type=int, nargs="+", default=[0], help="one fit for each")
    parser.add_argument("--models", nargs="*", choices=topic_kinds(), metavar="KIND", help="default: all topic models")
    parser.add_argument("--n-topics", type=int, nargs="+", default=[10])
    parser.add_argument("--peers", action="store_true", help=f"also {', '.join(TOPIC_PEERS)}")
    parser.add_argument("--profile", default="default")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args(arguments)


def topic_kinds() -> list[str]:
    """Return the kinds of our topic models."""
    return [kind for kind in KINDS if issubclass(model_class(kind), TopicModel)]


def protocols(path: Path) -> tuple[ModuleType, ModuleType]:
    """Return the protocol of topics at `path`, and that of retrieval, which lies beside it."""
    retrieval = load_protocol(path.with_name("retrieval.py"))
    sys.modules["retrieval"] = retrieval  # by that name the protocol of topics asks for it
    return load_protocol(path), retrieval


def readers(path: Path, split_seed: int) -> Data:
    """Return the readers of a split of the protocol at `path`."""
    protocol, retrieval = protocols(path)
    books = retrieval.load()
    split = retrieval.make_split(books.X, split_seed)

    def judge(system: TopicSystem) -> dict[str, float]:
        report, _ = protocol.topic_report(books, split, system.typical, system.predict)
        return {name: float(report[theirs]) for name, theirs in OF_PROTOCOL.items()}

    train = protocol_corpus(split.train, [books.order[i] for i in split.train_rows])
    return Data(f"bookcrossing, split {split_seed}", train, judge)


OF_PROTOCOL = {
    "npmi_all": "npmi_all",
    "npmi_held": "npmi_held",
    "diversity": "diversity25",
    "author_purity": "author_purity10",
    "perplexity": "perplexity_mix",
    "raw": "perplexity_raw",
    "ndcg100": "ndcg100",
}


def newsgroups(folder: Path) -> Data:
    """Return 20 Newsgroups: words are books, documents readers who read a book as often as the word occurs."""
    train, test = (sp.csr_matrix(sp.load_npz(folder / f"{part}_bow.npz")) for part in ("train", "test"))
    labels = np.loadtxt(folder / "test_labels.txt", dtype=np.int64)
    order = [train.indices[a:b].tolist() for a, b in zip(train.indptr[:-1], train.indptr[1:], strict=True)]
    shown = sp.csr_matrix(test, dtype=np.float32)
    return Data("20 Newsgroups", protocol_corpus(train, order), lambda system: of_documents(system, shown, labels))


def of_documents(system: TopicSystem, test: sp.csr_matrix, labels: np.ndarray) -> dict[str, float]:
    """Return coherence on test documents, diversity, and how the likeliest topics agree with labels."""
    likeliest = system.mixtures(test).argmax(axis=1)
    return {
        "npmi_test": float(npmi(top_books(system.typical, N_COHERENT), test).mean()),
        "diversity": diversity(top_books(system.typical, N_DIVERSE)),
        "purity": cluster_purity(likeliest, labels),
        "nmi": cluster_nmi(likeliest, labels),
    }


def fitted(
    data: Data, name: str, n_topics: int, seeds: Sequence[int], settings: Settings, progress: Any
) -> Iterator[Fit]:
    """Yield one fit of a system for each seed, judged."""
    for seed in seeds:
        started = time.monotonic()
        if name in TOPIC_PEERS:
            progress.start(f"{name}, {n_topics} topics", 1)
            system = TOPIC_PEERS[name](data.train, n_topics, seed)
            progress.finish("fitted")
        else:
            config = replace(model_config(name, settings), n_topics=n_topics)
            model: Any = model_class(name).fit(data.train, config, Run(seed, "benchmark", progress=progress))
            system = TopicSystem.of(model)
        seconds = time.monotonic() - started
        failed = {
            "dead": float(dead(system.topics, system.shares).sum()),
            "duplicates": float(duplicates(top_books(system.typical, N_DIVERSE)).sum()),
        }
        figures = {**data.judge(system), **failed, "fit_seconds": seconds}
        yield Fit(name, n_topics, seed, top_books(system.typical, N_COHERENT), figures)


def table(fits: Sequence[Fit]) -> list[dict[str, Any]]:
    """Return one row per system and number of topics: means over seeds, and how stable the topics are."""
    groups: dict[tuple[str, int], list[Fit]] = {}
    for fit in fits:
        groups.setdefault((fit.system, fit.n_topics), []).append(fit)
    rows = []
    for (system, n_topics), some in groups.items():
        means = {name: float(np.mean([fit.figures[name] for fit in some])) for name in some[0].figures}
        stable = mean_stability([fit.first_books for fit in some]) if len(some) > 1 else None
        rows.append({"system": system, "n_topics": n_topics, **means, "stability": stable})
    return rows


def _shown(value: Any) -> Any:
    if not isinstance(value, float):
        return value
    return f"{value:.3f}" if abs(value) < 10 else f"{value:,.0f}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
