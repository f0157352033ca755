"""How much of what was planted in the bundled sample the spaces find: one row per space, beside chance.

    python -m tests.benchmarks.planted [--seed N] [--n-readers N] [--models KIND ...] [--profile P] [--json]

The sample is simulated and ingested as the demo does it, damage included, and each space is fitted on all readers.
`rand_index` is the adjusted Rand index (Hubert and Arabie 1985) of k-means clusters, as many as communities were
planted, against the community in which a book is likeliest to be read; chance is 0, and 1 is complete.

The other columns are shares of the 10 nearest that have the same community, author, imprint or work (another edition),
over the books of which there is another with the same. *chance*: of all other books. *possible*: if all there are were
nearest. Planted readers hardly ever read a work twice, so editions are near by their other books alone.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from data.corpus import Corpus
from data.history import History
from data.planted import Truth
from data.sample_files import read_truth
from data.simulate import load_catalogue
from data.store import Store
from flows.progress import TerminalProgress
from flows.tables import write_json, write_table
from models.base import Encoder, Run
from models.catalogue import model_class
from pipeline.build_corpus import build_corpus
from pipeline.config import SPACES, SampleConfig, Settings, load_settings
from pipeline.represent import model_config
from tests.benchmarks.systems import System
from tests.refreshing import ingest_sample

K = 10
SAME = ("community", "author", "imprint", "work")


def main(arguments: list[str]) -> int:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.planted",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seed", type=int, default=0, help="of the simulation and of every fit")
    parser.add_argument("--n-readers", type=int, help="readers to simulate (default: the profile's)")
    parser.add_argument("--models", nargs="+", choices=SPACES, metavar="KIND", help="only these spaces")
    parser.add_argument("--profile", default="demo")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args(arguments)
    settings = load_settings(chosen.profile)
    if chosen.n_readers:
        settings = replace(settings, sample=SampleConfig(n_readers=chosen.n_readers))
    with TerminalProgress() as progress:
        corpus, truth = sample_of(settings, chosen.seed)
        run = Run(chosen.seed, "benchmark", progress=progress)
        rows = table(corpus, truth, chosen.models or settings.publish.spaces, settings, run)
    if chosen.json:
        write_json(rows)
    else:
        title = (
            f"{corpus.n_readers:,} simulated readers, {corpus.n_books:,} books, {len(truth.communities)} communities"
        )
        write_table(f"{title}, seed {chosen.seed}", rows, {key: key for key in rows[0]})
    return 0


def sample_of(settings: Settings, seed: int) -> tuple[Corpus, Truth]:
    """Return the corpus of the sample, ingested into a store that is thrown away, and what was planted in it."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        ingest_sample(store, settings, seed)
        (sample,) = (store.root / "artifacts" / "sample").iterdir()
        return build_corpus(History(store.history).latest(), settings.corpus), read_truth(sample)


def table(corpus: Corpus, truth: Truth, spaces: Sequence[str], settings: Settings, run: Run) -> list[dict[str, Any]]:
    """Return one row per space, the default one marked, then what chance and what perfection would give."""
    labels = labels_of(corpus, truth)
    rows = []
    for kind in spaces:
        model = model_class(kind).fit(corpus, model_config(kind, settings), run)
        assert isinstance(model, Encoder)
        system = System.of(model, corpus.n_books)
        name = f"{kind} (default space)" if kind == settings.publish.spaces[0] else kind
        clusters = rand_index(model.book_vectors(), labels["community"], len(truth.communities), run)
        nearest = system.nearest(K)
        shares = {what: share_of_same(nearest, labels[what]) for what in SAME}
        rows.append({"space": name, "rand_index": clusters, **shares, "hubness": system.hubness(nearest)})
    for name, expected, found in (("chance", chance_of_same, 0.0), ("possible", possible_of_same, 1.0)):
        rows.append({"space": name, "rand_index": found, **{what: expected(labels[what]) for what in SAME}})
    return rows


def labels_of(corpus: Corpus, truth: Truth) -> Mapping[str, np.ndarray]:
    """Return a number per book, equal where the books share it; -1 for a book that has none (no imprint)."""
    editions = [book.split(":", 1)[1] for book in corpus.books.ids]
    main_community = dict(zip(truth.editions, truth.community_editions.argmax(axis=0).tolist(), strict=True))
    catalogue = load_catalogue()
    columns = {"author": "authors", "imprint": "imprint", "work": "work"}
    labels = {"community": np.array([main_community[edition] for edition in editions])}
    for what, column in columns.items():
        text = dict(zip(catalogue["edition"], catalogue[column], strict=True))
        found = np.array([text[edition] or "" for edition in editions])
        labels[what] = np.where(found == "", -1, np.unique(found, return_inverse=True)[1])
    return labels


def rand_index(vectors: np.ndarray, community: np.ndarray, n_clusters: int, run: Run) -> float:
    """Return the adjusted Rand index of k-means clusters of the vectors against the planted communities."""
    from sklearn.cluster import KMeans
    from sklearn.metrics import adjusted_rand_score

    means = KMeans(n_clusters, n_init=10, random_state=run.derive_seed("benchmark/k-means"))
    return float(adjusted_rand_score(community, means.fit_predict(vectors)))


def share_of_same(nearest: np.ndarray, label: np.ndarray) -> float:
    """Return the share of the nearest with the label of the asked book, over books that have company."""
    asked = _company(label) > 0
    return float((label[nearest[asked]] == label[asked, None]).mean())


def chance_of_same(label: np.ndarray) -> float:
    """Return the same of lists drawn at random."""
    company = _company(label)
    return float(company[company > 0].mean() / (len(label) - 1))


def possible_of_same(label: np.ndarray) -> float:
    """Return the same of lists that begin with all there are."""
    company = _company(label)
    return float(np.minimum(company[company > 0], K).mean() / K)


def _company(label: np.ndarray) -> np.ndarray:
    """Return the number of other books with each book's label; 0 where it has none."""
    _, group = np.unique(label, return_inverse=True)
    others: np.ndarray = np.where(label < 0, 0, np.bincount(group)[group] - 1)
    return others


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
