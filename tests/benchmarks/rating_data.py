"""Ratings of bookcrossing as the neutral protocol splits them, and what is known of the books besides.

Spaces and topics are of the reading history without the pairs of validation and test rows: that somebody read a book
later is not known before. That history has readings that nobody rated; systems that see only ratings, as the biases do,
know less than those that see it. `HISTORIES` has both: ``all``, and ``rated``, the pairs of the training ratings alone,
by which systems are compared that know the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import scipy.sparse as sp

from data.corpus import Corpus
from data.ratings import Ratings
from models.base import Encoder, Run
from models.catalogue import model_class
from models.topics import TopicModel
from pipeline.config import Settings
from pipeline.rating_evidence import BookContext
from pipeline.represent import model_config
from tests.benchmarks.retrieval import load_protocol, protocol_corpus

PARTS = ("train", "validation", "test")
HISTORIES = ("all", "rated")


@dataclass(frozen=True)
class RatingData:
    """One split.

    Attributes
    ----------
    protocol
        The module that scores.
    parts
        Ratings of each of `PARTS`, in the order of the protocol.
    corpus
        Readings without the pairs of validation and test; of the history `rated`, those of the training ratings alone.
    author
        int64 (n_books,), a number for each author, -1 where unknown.
    """

    protocol: ModuleType
    parts: dict[str, Ratings]
    corpus: Corpus
    author: np.ndarray

    @classmethod
    def load(cls, path: Path, split: int, history: str = "all") -> RatingData:
        """Return a split of the protocol of ratings at `path`, beside which that of retrieval lies.

        Parameters
        ----------
        history
            One of `HISTORIES`.
        """
        protocol, retrieval = load_protocol(path), load_protocol(path.with_name("retrieval.py"))
        read = np.loadtxt(protocol.DATA / "book_history.dat", skiprows=1, usecols=(0, 1), dtype=np.int64) - 1
        n_readers, n_books = (int(size) for size in read.max(axis=0) + 1)
        reader, book, rating = protocol.load()
        levels = np.arange(1, 11, dtype=np.float32)
        ratings = Ratings(
            (reader - 1).astype(np.int32), (book - 1).astype(np.int32), rating.astype(np.float32),
            levels, n_readers, n_books,
        )  # fmt: skip
        rows = dict(zip(PARTS, protocol.split(len(ratings), split), strict=True))
        parts = {name: ratings.rows(some) for name, some in rows.items()}
        kept = read[known_before(read, parts, history)]
        return cls(protocol, parts, _corpus(kept, n_readers, n_books), _authors(retrieval, n_books))

    def context(self, kinds: Sequence[str], settings: Settings, seed: int, progress: Any) -> BookContext:
        """Return what models of `kinds` fitted on the readings say of books: one space, any models of topics."""
        vectors, topics = np.zeros((self.corpus.n_books, 0), np.float32), []
        for kind in kinds:
            run = Run(seed, "benchmark", progress=progress)
            model: Any = model_class(kind).fit(self.corpus, model_config(kind, settings), run)
            if isinstance(model, TopicModel):
                topics.append(model.profiles())
            elif isinstance(model, Encoder):
                vectors = model.book_vectors()
        return BookContext(self.author, vectors, self.corpus.readers_per_book, tuple(topics))


def known_before(read: np.ndarray, parts: Mapping[str, Ratings], history: str) -> np.ndarray:
    """Return which readings, int64 (n_readings, 2), spaces are fitted to, bool (n_readings,); see `HISTORIES`."""
    n_books = parts["train"].n_books
    pairs = {name: part.reader.astype(np.int64) * n_books + part.book for name, part in parts.items()}
    asked = read[:, 0] * n_books + read[:, 1]
    kept: np.ndarray = (
        np.isin(asked, pairs["train"])
        if history == "rated"
        else ~np.isin(asked, np.concatenate([pairs[name] for name in PARTS[1:]]))
    )
    return kept


def _corpus(history: np.ndarray, n_readers: int, n_books: int) -> Corpus:
    ones = np.ones(len(history), np.float32)
    counts = sp.csr_matrix((ones, (history[:, 0], history[:, 1])), shape=(n_readers, n_books))
    by_reader = history[np.argsort(history[:, 0], kind="stable"), 1]
    return protocol_corpus(counts, [part.tolist() for part in np.split(by_reader, counts.indptr[1:-1])])


def _authors(retrieval: ModuleType, n_books: int) -> np.ndarray:
    """Return numbers of authors; history id i carries the metadata of items_info id i - 1 (the protocol's finding)."""
    items = retrieval.load_items()
    names = [retrieval.norm_author(items[i][2]) if (i := book + 1 + retrieval.META_SHIFT) in items else None
             for book in range(n_books)]  # fmt: skip
    numbers = {name: number for number, name in enumerate(sorted({name for name in names if name}))}
    return np.array([numbers[name] if name else -1 for name in names], np.int64)
