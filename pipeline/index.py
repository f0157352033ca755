"""The nearest books of many at once: exactly, and above a set size by an index that says how many it misses.

Exact search is products of matrices, a block of queries at a time so that the scores of a block stay in the cache. It
reads every vector for every block: at a million books that is the time of one query. An index (a graph, HNSW, Malkov
and Yashunin 2018, by usearch) looks at a few thousand books instead and may miss some. So it is measured against exact
search on a sample of the books when it is made, and carries the result (`Recall`). What the graph proposes is compared
again with the vectors themselves: similarities are exact, and ties go to the lower row, as everywhere.

Loaded here is numpy alone; usearch where a graph is made or opened.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from data.artifact import read_json, write_json
from data.digest import digest_of_arrays
from data.errors import BadArtifact, BadConfig, WagahaiError
from data.progress import Progress, Quiet
from data.seeds import generator
from pipeline.ranking import top_columns

MANIFEST, GRAPH = "index.json", "graph.usearch"
FORMAT = 1
BLOCK_SCORES = 2**20  # similarities computed at a time
MIN_BLOCK, MAX_BLOCK = 16, 256  # queries at a time: fewer are read too often, more leave the cache
ADD_BLOCK = 16_384  # books put into the graph between two reports of progress
N_FINGERPRINT = 1000  # rows by which saved vectors are recognised
Found = tuple[np.ndarray, np.ndarray]  # rows and similarities


@dataclass(frozen=True)
class IndexConfig:
    """When there is an index, and how thorough it is."""

    threshold: int = 200_000  # books above which a graph is searched, not every vector
    connectivity: int = 16  # neighbours of a book in the graph; more find more, and take more memory
    expansion_add: int = 128  # books looked at when one is put in
    expansion_search: int = 128  # and when one is searched for
    candidates: int = 4  # books compared exactly for each of the k that are wanted
    n_sample: int = 500  # queries by which the recall is measured

    def __post_init__(self) -> None:
        """Refuse impossible settings."""
        for name, value in asdict(self).items():
            if value < (0 if name == "threshold" else 1):
                raise BadConfig(f"index.{name}: {value}, expected at least {0 if name == 'threshold' else 1}")


@dataclass(frozen=True)
class Recall:
    """How many of the true `k` nearest an index found.

    `mean` is the share found, over `n_queries` queries, and `se` its standard error.
    """

    mean: float
    se: float
    k: int
    n_queries: int

    def __str__(self) -> str:
        return f"{self.mean:.2%} of the true {self.k} nearest found ({self.n_queries:,} queries against exact search)"


class Index(Protocol):
    """What finds the nearest of a set of unit vectors."""

    @property
    def recall(self) -> Recall | None:
        """How much it finds, measured; None of exact search."""

    def search(self, queries: np.ndarray, k: int, exclude: np.ndarray | None = None) -> Found:
        """Return what `nearest_rows` returns."""


# ---- exact ------------------------------------------------------------------------------


def nearest_rows(vectors: np.ndarray, queries: np.ndarray, k: int, exclude: np.ndarray | None = None) -> Found:
    """Return the `k` nearest rows of each query, and their similarities, most similar first.

    Parameters
    ----------
    vectors
        float32 (n_books, n_dims), unit rows.
    queries
        float (n_queries, n_dims): directions, of any length; or integers (n_queries,): rows of `vectors`.
    exclude
        Integers (n_queries,) or (n_queries, n), different in each row: rows that are no answer to a query. By default
        nothing is left out for a direction, and the row itself for a row.

    Returns
    -------
    rows, similarity
        int64 and float32 (n_queries, min(k, what is left)). Similarities are products with the queries as given.
    """
    directions, left_out = _asked(vectors, queries, exclude)
    k = max(0, min(k, len(vectors) - left_out.shape[1]))
    rows = np.empty((len(directions), k), np.int64)
    similarity = np.empty((len(directions), k), np.float32)
    size = min(max(BLOCK_SCORES // max(len(vectors), 1), MIN_BLOCK), MAX_BLOCK)
    scores = np.empty((min(size, len(directions)), len(vectors)), np.float32)  # once: fresh memory is slow to write
    for start in range(0, len(directions), size):
        part = slice(start, start + size)
        n = len(directions[part])
        np.matmul(directions[part], vectors.T, out=scores[:n])
        at = np.arange(n)[:, None]
        scores[at, left_out[part]] = -np.inf
        rows[part] = top_columns(scores[:n], k)
        similarity[part] = scores[at, rows[part]]
    return rows, similarity


@dataclass(frozen=True)
class ExactIndex:
    """Search that looks at every vector."""

    vectors: np.ndarray

    @property
    def recall(self) -> None:
        """Nothing to measure: it finds everything."""
        return

    def search(self, queries: np.ndarray, k: int, exclude: np.ndarray | None = None) -> Found:
        """Return what `nearest_rows` returns."""
        return nearest_rows(self.vectors, queries, k, exclude)


def _asked(vectors: np.ndarray, queries: np.ndarray, exclude: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Return directions float32 (n_queries, n_dims) and rows to leave out, int64 (n_queries, n)."""
    if queries.dtype.kind in "iu":
        directions = vectors[queries]
        exclude = queries if exclude is None else exclude
    else:
        directions = np.asarray(queries, np.float32)
    left_out = np.empty((len(queries), 0), np.int64) if exclude is None else np.asarray(exclude, np.int64)
    return directions, left_out.reshape(len(queries), -1) if len(queries) else left_out.reshape(0, 0)


# ---- by a graph -------------------------------------------------------------------------


@dataclass(frozen=True)
class GraphIndex:
    """Search along a graph of neighbours; `make_index` makes it, `save` and `open_index` keep it.

    The vectors, float32 (n_books, n_dims), may be mapped from a file.
    """

    vectors: np.ndarray
    config: IndexConfig
    graph: Any = field(repr=False)
    recall: Recall | None = None
    n_threads: int = 0

    def search(self, queries: np.ndarray, k: int, exclude: np.ndarray | None = None) -> Found:
        """Return what `nearest_rows` returns, but for books that were missed."""
        directions, left_out = _asked(self.vectors, queries, exclude)
        n_wanted = max(k + left_out.shape[1], 1) * self.config.candidates
        if k < 1 or n_wanted >= len(self.vectors):
            return nearest_rows(self.vectors, directions, k, left_out)
        rows = np.empty((len(directions), k), np.int64)
        similarity = np.empty((len(directions), k), np.float32)
        for part in (slice(start, start + MAX_BLOCK) for start in range(0, len(directions), MAX_BLOCK)):
            rows[part], similarity[part] = self._search(directions[part], k, left_out[part], n_wanted)
        return rows, similarity

    def _search(self, directions: np.ndarray, k: int, left_out: np.ndarray, n_wanted: int) -> Found:
        found = self.graph.search(directions, n_wanted, threads=self.n_threads)
        keys = np.atleast_2d(found.keys).astype(np.int64)  # of one query usearch gives one row, and no `counts`
        if keys.shape[1] < n_wanted or (getattr(found, "counts", np.full(1, n_wanted)) < n_wanted).any():
            return nearest_rows(self.vectors, directions, k, left_out)  # a graph in parts: not all can be reached
        keys.sort(axis=1)
        similarity = np.matmul(self.vectors[keys], directions[:, :, None])[:, :, 0]
        similarity[(keys[:, :, None] == left_out[:, None, :]).any(axis=2)] = -np.inf
        best = top_columns(similarity, k)
        return np.take_along_axis(keys, best, axis=1), np.take_along_axis(similarity, best, axis=1)

    def save(self, folder: Path) -> None:
        """Write the graph and what is known of it into a folder; not the vectors."""
        self.graph.save(str(folder / GRAPH))
        manifest = {
            "format": FORMAT,
            "config": asdict(self.config),
            "recall": asdict(self.recall) if self.recall else None,
            "vectors": _fingerprint(self.vectors),
            "n_bytes": (folder / GRAPH).stat().st_size,
        }
        write_json(folder / MANIFEST, manifest)


def make_index(
    vectors: np.ndarray,
    config: IndexConfig | None = None,
    *,
    k: int = 10,
    seed: int = 0,
    n_threads: int = 0,
    progress: Progress | None = None,
) -> ExactIndex | GraphIndex:
    """Return exact search up to ``config.threshold`` vectors, and above it a graph with its measured recall.

    The recall is that of lists of `k`. `n_threads` build and search; 0 is all there are, and with 1 the same vectors
    make the same graph.
    """
    config, progress = config or IndexConfig(), progress or Quiet()
    if len(vectors) <= config.threshold:
        return ExactIndex(vectors)
    progress.start("index", len(vectors))
    index = GraphIndex(vectors, config, _graph(vectors, config, n_threads, progress), None, n_threads)
    sample = generator(seed, "index/recall").permutation(len(vectors))[: config.n_sample]
    measured = replace(index, recall=measure_recall(index, vectors, sample, k))
    progress.finish(str(measured.recall))
    return measured


def _graph(vectors: np.ndarray, config: IndexConfig, n_threads: int, progress: Progress) -> Any:
    graph = _usearch().Index(
        ndim=vectors.shape[1],
        metric="ip",  # of unit vectors: the cosine
        dtype="f16",
        connectivity=config.connectivity,
        expansion_add=config.expansion_add,
        expansion_search=config.expansion_search,
    )
    for start in range(0, len(vectors), ADD_BLOCK):
        part = np.ascontiguousarray(vectors[start : start + ADD_BLOCK], np.float32)
        graph.add(np.arange(start, start + len(part)), part, threads=n_threads)
        progress.advance(len(part))
    return graph


def measure_recall(index: Index, vectors: np.ndarray, sample: np.ndarray, k: int) -> Recall:
    """Return how many of the true `k` nearest of the rows in `sample` an index finds."""
    found, _ = index.search(sample, k)
    true, _ = nearest_rows(vectors, sample, k)
    shares = (found[:, :, None] == true[:, None, :]).any(axis=1).mean(axis=1)
    return Recall(float(shares.mean()), float(shares.std() / np.sqrt(len(sample))), k, len(sample))


def open_index(folder: Path, vectors: np.ndarray, *, n_threads: int = 0) -> GraphIndex:
    """Return the saved graph of these vectors; its file is mapped, not read.

    Raises
    ------
    BadArtifact
        If it is of other vectors, of another layout, or cut short.
    """
    manifest = read_json(folder / MANIFEST)
    expected = {"format": FORMAT, "vectors": _fingerprint(vectors)}
    for name, value in expected.items():
        if manifest.get(name) != value:
            raise BadArtifact(f"{folder / MANIFEST}: {name}: expected {value}, found {manifest.get(name)}")
    path = folder / GRAPH
    n_bytes = path.stat().st_size if path.is_file() else 0
    if n_bytes != manifest["n_bytes"]:
        raise BadArtifact(f"{path}: expected {manifest['n_bytes']:,} bytes, found {n_bytes:,}")
    try:
        graph = _usearch().Index.restore(str(path), view=True)
        graph.expansion_search = manifest["config"]["expansion_search"]  # is not in the file
    except (RuntimeError, ValueError) as error:
        raise BadArtifact(f"{path}: cannot be read: {error}") from error
    recall = Recall(**manifest["recall"]) if manifest["recall"] else None
    return GraphIndex(vectors, IndexConfig(**manifest["config"]), graph, recall, n_threads)


def saved_index(folder: Path, vectors: np.ndarray) -> ExactIndex | GraphIndex:
    """Return the graph of these vectors if `folder` has one, else exact search."""
    return open_index(folder, vectors) if (folder / MANIFEST).is_file() else ExactIndex(vectors)


def _usearch() -> Any:
    try:
        return import_module("usearch.index")
    except ImportError as error:
        raise WagahaiError("an index needs the package usearch: install requirements.lock again") from error


def _fingerprint(vectors: np.ndarray) -> str:
    """Digest of some rows and the shape: tells other vectors apart without reading all of a large file."""
    rows = np.linspace(0, max(len(vectors) - 1, 0), min(N_FINGERPRINT, len(vectors))).astype(np.int64)
    return digest_of_arrays({"vectors": np.asarray(vectors[rows]), "shape": np.array(vectors.shape, np.int64)})
