"""What a benchmark of topics knows of a system: one of our topic models, or what others would use instead."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from data.corpus import Corpus
from models.topics import TopicModel


@dataclass(frozen=True)
class TopicSystem:
    """A fitted system of topics.

    Attributes
    ----------
    topics
        (n_topics, n_books), rows sum to 1.
    typical
        (n_topics, n_books), larger is more typical: the order of lists.
    shares
        (n_topics,), share of all readings of each topic, summing to 1.
    mixtures
        csr of books shown (n_rows, n_books) -> (n_rows, n_topics), rows sum to 1.
    predict
        csr of books shown -> (n_rows, n_books), probability of every book.
    """

    topics: np.ndarray
    typical: np.ndarray
    shares: np.ndarray
    mixtures: Callable[[sp.csr_matrix], np.ndarray]
    predict: Callable[[sp.csr_matrix], np.ndarray]

    @classmethod
    def of(cls, model: TopicModel[Any, Any]) -> TopicSystem:
        """Return one of our models as a system."""
        shares = model.topic_shares()
        return cls(model.topics(), model.typical(), shares, lambda rows: model.reader_topics(rows).mean, model.predict)

    @classmethod
    def mixing(
        cls, topics: np.ndarray, mixtures: Callable[[sp.csr_matrix], np.ndarray], train: sp.csr_matrix
    ) -> TopicSystem:
        """Return the system that mixes these topics and lists books by probability."""
        read = mixtures(train) * np.asarray(train.sum(axis=1)).reshape(-1, 1)
        return cls(topics, topics, read.sum(axis=0) / read.sum(), mixtures, lambda rows: mixtures(rows) @ topics)


def gensim_blog(train: Corpus, n_topics: int, seed: int) -> TopicSystem:
    """LDA as the blog post of 2017 set it: gensim's LdaMulticore with its defaults, one pass."""
    from gensim.models import LdaMulticore

    names = dict.fromkeys(range(train.n_books), "")
    model = LdaMulticore(_documents(train.counts), n_topics, id2word=names, workers=1, random_state=seed)
    topics = np.asarray(model.get_topics(), np.float64)

    def mixtures(rows: sp.csr_matrix) -> np.ndarray:
        gamma, _ = model.inference(_documents(rows))
        return _normalised(np.asarray(gamma, np.float64))

    return TopicSystem.mixing(_normalised(topics), mixtures, train.counts)


def nmf_tfidf(train: Corpus, n_topics: int, seed: int) -> TopicSystem:
    """Non-negative factors of tf-idf; lists by factor, probabilities with the idf taken out again."""
    from sklearn.decomposition import NMF
    from sklearn.feature_extraction.text import TfidfTransformer

    tfidf = TfidfTransformer()
    weighted = tfidf.fit_transform(train.counts)
    model = NMF(n_topics, init="nndsvda", max_iter=400, random_state=seed)
    model.fit(weighted)
    likely = model.components_ / tfidf.idf_
    size = likely.sum(axis=1)

    def mixtures(rows: sp.csr_matrix) -> np.ndarray:
        return _normalised(model.transform(tfidf.transform(rows)) * size)

    system = TopicSystem.mixing(_normalised(likely), mixtures, train.counts)
    return TopicSystem(system.topics, model.components_, system.shares, system.mixtures, system.predict)


def _documents(rows: sp.csr_matrix) -> list[list[tuple[int, float]]]:
    starts = rows.indptr
    pairs = list(zip(rows.indices.tolist(), rows.data.tolist(), strict=True))
    return [pairs[a:b] for a, b in itertools.pairwise(starts)]


def _normalised(weights: np.ndarray) -> np.ndarray:
    """Return rows that sum to 1; even where a row is zero."""
    total = weights.sum(axis=1, keepdims=True)
    shares: np.ndarray = np.where(total > 0, weights / np.where(total > 0, total, 1), 1 / weights.shape[1])
    return shares


TOPIC_PEERS: dict[str, Callable[[Corpus, int, int], TopicSystem]] = {
    "gensim, 2017 blog": gensim_blog,
    "NMF on tf-idf": nmf_tfidf,
}
