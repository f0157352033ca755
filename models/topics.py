"""What every topic model is: topics over books, mixtures of topics over readers, and a space made of both.

A topic is a distribution over books; a reader is a mixture of topics, known only up to a posterior; a book has a
profile, the probability of each topic given that somebody reads it. Readers and books meet in one space: the square
roots of mixtures and profiles, which have length 1, so that a cosine is the Bhattacharyya coefficient of two
distributions (Bhattacharyya 1943), 1 where they are equal and 0 where they share no topic.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import final

import numpy as np
import scipy.sparse as sp

from models.base import ConfigT, DataT, Encoder


@dataclass(frozen=True)
class TopicPosterior:
    """What is known of the topics of some readers, both float32 (n_rows, n_topics).

    Attributes
    ----------
    mean
        Posterior mean of the mixture; rows sum to 1. Of a reader who shows nothing, that of the prior.
    sd
        Posterior standard deviation of each share.
    """

    mean: np.ndarray
    sd: np.ndarray


class TopicModel(Encoder[ConfigT, DataT]):
    """A model of topics."""

    @abstractmethod
    def topics(self) -> np.ndarray:
        """Return the probability of every book in every topic, float32 (n_topics, n_books); rows sum to 1."""

    @abstractmethod
    def typical(self) -> np.ndarray:
        """Return how typical every book is of every topic, float32 (n_topics, n_books), larger is more typical.

        The one order of books within a topic: lists, labels, coherence and stability all use it.
        """

    @abstractmethod
    def topic_shares(self) -> np.ndarray:
        """Return the share of all readings that each topic has, float32 (n_topics,), summing to 1."""

    @abstractmethod
    def reader_topics(self, rows: sp.csr_matrix) -> TopicPosterior:
        """Return the topics of readers, known or new, from the books they show, csr (n_rows, n_books)."""

    @abstractmethod
    def predict(self, rows: sp.csr_matrix) -> np.ndarray:
        """Return the probability of every book as a reader's next, float32 (n_rows, n_books); rows sum to 1."""

    @final
    def profiles(self) -> np.ndarray:
        """Return the probability of each topic given the book, float32 (n_books, n_topics).

        Rows sum to 1; a book without readers in the training corpus has zeros.
        """
        joint = (self.topics() * self.topic_shares()[:, None]).T.astype(np.float64)
        joint[~self.is_read()] = 0
        total = joint.sum(axis=1, keepdims=True)
        profiles: np.ndarray = (joint / np.where(total > 0, total, 1)).astype(np.float32)
        return profiles

    @abstractmethod
    def is_read(self) -> np.ndarray:
        """Return which books have readers in the training corpus, bool (n_books,)."""

    @final
    def score(self, visible: sp.csr_matrix) -> np.ndarray:
        """Return the log probability of every book as the reader's next."""
        with np.errstate(divide="ignore"):
            scores: np.ndarray = np.log(self.predict(visible))
        scores[:, ~self.is_read()] = -np.inf
        return scores

    @final
    def transform(self, rows: sp.csr_matrix) -> np.ndarray:
        """Return the square roots of the readers' mean mixtures; zero for a reader who shows nothing."""
        vectors: np.ndarray = np.sqrt(self.reader_topics(rows).mean)
        vectors[rows.getnnz(axis=1) == 0] = 0
        return vectors

    @final
    def book_vectors(self) -> np.ndarray:
        """Return the square roots of the books' profiles, float32 (n_books, n_topics)."""
        vectors: np.ndarray = np.sqrt(self.profiles())
        return vectors
