"""What is known of a reader and a book before it is read: what the rankers say, how known both are, shared topics.

Everything comes from models fitted to other readers, and from the books a reader shows. A row of features is of one
reader and one book:

    one for each ranker     its score, with mean 0 and standard deviation 1 over the books the reader has not shown
    rank                    log of the place by the first ranker, from 1; of equal scores the book of more readers first
    popularity, shown       log of the readers of the book; log of 1 + the books the reader shows
    author                  log of 1 + the books shown by the author of the book
    two for each model of   sum_k theta_k phi_k, theta the reader's mixture and phi the book's profile: the chance that
    topics                  a topic drawn of each is the same; and its standard deviation, sqrt(sum_k sd_k^2 phi_k^2),
                            shares taken as independent: that of a reader of few books is wide
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from models.base import Ranker
from models.blend import standard_scores
from models.topics import TopicModel

FORMAT = 2  # raise it when a feature means something else
STACKED = ("blend", "item_knn", "spectral", "word2vec")  # rankers, the one that the others are compared with first
UNKNOWN_AUTHOR = -1


@dataclass(frozen=True)
class ReaderBlock:
    """Some readers, and what is known of them and every book.

    Attributes
    ----------
    visible
        csr (n_rows, n_books), the books they show.
    scores
        float32 (n_rankers, n_rows, n_books), standard scores; a book that a ranker knows nothing of has the lowest.
    rank
        int32 (n_rows, n_books), place of each book by the first ranker, from 0, of equal scores by readers of the book:
        a reader of whom nothing is known gets what is read most. What is shown comes last.
    by_author
        float32 (n_rows, n_books), books shown by the author of each.
    overlap
        float32 (2, n_topic_models, n_rows, n_books), shared topics and their standard deviation.
    """

    visible: sp.csr_matrix
    scores: np.ndarray
    rank: np.ndarray
    by_author: np.ndarray
    overlap: np.ndarray

    @property
    def n_shown(self) -> np.ndarray:
        """int64 (n_rows,), books shown."""
        return np.diff(self.visible.indptr).astype(np.int64)


@dataclass(frozen=True)
class ReadingFeatures:
    """The models that features come from.

    Attributes
    ----------
    rankers
        Kind -> model, in the order of `STACKED`; one at least.
    topics
        Kind -> model of topics.
    n_readers
        int64 (n_books,), readers of each book among those the models were fitted to.
    author
        int64 (n_books,), a number for each first author, `UNKNOWN_AUTHOR` where it is unknown.
    """

    rankers: Mapping[str, Ranker[Any, Any]]
    topics: Mapping[str, TopicModel[Any, Any]]
    n_readers: np.ndarray
    author: np.ndarray

    @classmethod
    def of(cls, models: Mapping[str, Ranker[Any, Any]], n_readers: np.ndarray, author: np.ndarray) -> ReadingFeatures:
        """Return the features of fitted models, kind -> model; kinds that are neither stacked nor of topics are left.

        Raises
        ------
        ValueError
            If none of them is a ranker of `STACKED`.
        """
        rankers = {kind: models[kind] for kind in STACKED if kind in models}
        if not rankers:
            raise ValueError(f"rankers: {', '.join(models)}, expected one of {', '.join(STACKED)} at least")
        topics = {kind: model for kind, model in models.items() if isinstance(model, TopicModel)}
        return cls(rankers, topics, n_readers, author)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the features, in the order of the columns of `rows`."""
        shared = [f"{kind} {what}" for kind in self.topics for what in ("overlap", "overlap sd")]
        return (*self.rankers, "rank", "popularity", "shown", "author", *shared)

    @property
    def base(self) -> str:
        """Kind of the ranker that the others are compared with."""
        return next(iter(self.rankers))

    def block(self, visible: sp.csr_matrix) -> ReaderBlock:
        """Return what is known of some readers and every book; dense: a few readers at a time."""
        scores = np.stack([_standard(ranker.score(visible), visible) for ranker in self.rankers.values()])
        first = scores[0].copy()
        first[visible.nonzero()] = -np.inf
        order = np.lexsort((np.broadcast_to(-self.n_readers, first.shape), -first), axis=1)
        rank = np.empty(order.shape, np.int32)
        np.put_along_axis(rank, order, np.arange(order.shape[1], dtype=np.int32)[None], axis=1)
        overlap = np.zeros((2, len(self.topics), *visible.shape), np.float32)
        for i, model in enumerate(self.topics.values()):
            known, profiles = model.reader_topics(visible), model.profiles().T
            overlap[0, i], overlap[1, i] = known.mean @ profiles, np.sqrt(known.sd**2 @ profiles**2)
        return ReaderBlock(visible, scores, rank, self._by_author(visible), overlap)

    def rows(self, block: ReaderBlock, reader: np.ndarray, book: np.ndarray) -> np.ndarray:
        """Return the features of pairs, float32 (n_pairs, n_features).

        Parameters
        ----------
        reader, book
            int (n_pairs,), rows in the block and of the books.
        """
        columns = [scores[reader, book] for scores in block.scores]
        columns += [np.log1p(block.rank[reader, book]), np.log1p(self.n_readers[book])]
        columns += [np.log1p(block.n_shown[reader]), np.log1p(block.by_author[reader, book])]
        columns += [block.overlap[what, i, reader, book] for i in range(len(self.topics)) for what in (0, 1)]
        return np.stack(columns, axis=1).astype(np.float32)

    def _by_author(self, visible: sp.csr_matrix) -> np.ndarray:
        """Count the books shown by the author of every book, float32 (n_rows, n_books); 0 where that is unknown."""
        known = np.flatnonzero(self.author != UNKNOWN_AUTHOR)
        codes, number = np.unique(self.author[known], return_inverse=True)
        parts = (np.ones(len(known), np.float32), (known, number))
        of_author = sp.csr_matrix(parts, shape=(len(self.author), len(codes)))
        counts: np.ndarray = ((visible.astype(np.float32) @ of_author) @ of_author.T).toarray()
        return counts


def author_codes(ids: Sequence[str], author_of: Mapping[str, str]) -> np.ndarray:
    """Return a number for the author of every book, int64 (n_books,), `UNKNOWN_AUTHOR` where `author_of` has none."""
    numbers: dict[str, int] = {}
    return np.array(
        [numbers.setdefault(author_of[id_], len(numbers)) if id_ in author_of else UNKNOWN_AUTHOR for id_ in ids],
        np.int64,
    )


def _standard(scores: np.ndarray, visible: sp.csr_matrix) -> np.ndarray:
    """Return standard scores, the lowest of the row where a ranker knows nothing of a book; 0 if it knows none."""
    standard = standard_scores(np.array(scores, np.float32), visible)
    finite = np.isfinite(standard)
    lowest = np.where(finite, standard, np.inf).min(axis=1)
    return np.where(finite, standard, np.where(np.isfinite(lowest), lowest, 0)[:, None])
