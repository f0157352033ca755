"""What a reader is to a Boltzmann machine: one unit for each of the most read books, and one for each topic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch

from data.corpus import Corpus
from models.base import Run
from models.dbm_config import DbmConfig
from models.dbm_machine import Machine
from models.topics import TopicModel

_PREFIX = "topics_"


def most_read(corpus: Corpus, n_books: int) -> np.ndarray:
    """Return the rows of the `n_books` books with most readers, int64, ascending; none that nobody read."""
    n_readers = corpus.readers_per_book
    order = np.argsort(-n_readers, kind="stable")[:n_books]
    return np.sort(order[n_readers[order] > 0]).astype(np.int64)


class Units:
    """Visible units of readers.

    Attributes
    ----------
    books
        int64 (n_known,), rows of the books that have a unit.
    n_books
        Books of the corpus.
    topics
        Model whose memberships are units after the books'; None for none.
    """

    def __init__(
        self, config: DbmConfig, books: np.ndarray, n_books: int, topics: TopicModel[Any, Any] | None = None
    ) -> None:
        self.config, self.books, self.n_books, self.topics = config, books, n_books, topics

    @classmethod
    def fit(cls, corpus: Corpus, config: DbmConfig, run: Run) -> Units:
        """Choose the books, and fit the model of topics to all of the corpus, if there is to be one."""
        books = most_read(corpus, config.n_visible)
        topics: TopicModel[Any, Any] | None = None
        if config.topics:
            kind = topic_class(config.topics)
            topics = kind.fit(corpus, kind.config_type(n_topics=config.n_topics), run)
        return cls(config, books, corpus.n_books, topics)

    @property
    def n_known(self) -> int:
        """Units that are books."""
        return len(self.books)

    def of(self, rows: sp.csr_matrix) -> np.ndarray:
        """Return the units of readers who show these books, uint8 (n_rows, n_visible)."""
        books = (rows[:, self.books].toarray() > 0).astype(np.uint8)
        if self.topics is None:
            return books
        shares = self.topics.reader_topics(rows).mean
        return np.concatenate([books, (shares >= self.config.topic_threshold).astype(np.uint8)], axis=1)

    def learnable(self, counts: sp.csr_matrix) -> np.ndarray:
        """Return which readers have read enough of the books to be learned from, bool (n_readers,)."""
        n_read = np.asarray((counts[:, self.books] > 0).sum(axis=1)).reshape(-1)
        enough: np.ndarray = n_read >= self.config.min_books
        return enough

    def arrays(self) -> dict[str, np.ndarray]:
        """Return ``books``, ``n_books`` and the arrays of the model of topics, named ``topics_*``."""
        topics = {} if self.topics is None else self.topics.arrays()
        own = {"books": self.books, "n_books": np.array(self.n_books, np.int64)}
        return own | {f"{_PREFIX}{name}": array for name, array in topics.items()}

    @classmethod
    def from_arrays(cls, config: DbmConfig, arrays: Mapping[str, np.ndarray]) -> Units:
        """Return the units of these arrays."""
        topics: TopicModel[Any, Any] | None = None
        if config.topics:
            kind = topic_class(config.topics)
            parts = {name.removeprefix(_PREFIX): a for name, a in arrays.items() if name.startswith(_PREFIX)}
            topics = kind.from_arrays(kind.config_type(n_topics=config.n_topics), parts)
        return cls(config, arrays["books"], int(arrays["n_books"]), topics)


def topic_class(name: str) -> Any:
    """Return the class of a model of topics."""
    if name == "lda":
        from models.lda import Lda

        return Lda
    from models.prodlda import ProdLda

    return ProdLda


def without_tail(machine: Machine, n_kept: int) -> Machine:
    """Return the machine of the first `n_kept` visible units; the others become units of layer 2.

    They see layer 1 only, as those of layer 2 do, so that what is summed out is the same in either place.
    """
    weights, biases = list(machine.weights), list(machine.biases)
    if n_kept == len(biases[0]):
        return machine
    tail, of_tail = weights[0][n_kept:].T, biases[0][n_kept:]
    weights[0], biases[0] = weights[0][:n_kept], biases[0][:n_kept]
    if len(weights) == 1:
        return Machine((weights[0], tail), (*biases, of_tail))
    weights[1], biases[2] = torch.cat([weights[1], tail], dim=1), torch.cat([biases[2], of_tail])
    if len(weights) > 2:
        nothing = weights[2].new_zeros(len(of_tail), weights[2].shape[1])
        weights[2] = torch.cat([weights[2], nothing])
    return Machine(tuple(weights), tuple(biases))
