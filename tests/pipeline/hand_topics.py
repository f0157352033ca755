"""Models of topics that are known by hand: the books lie in blocks, and every block is a topic.

Topic k has the k-th block of books, each as probable as its readers make it, and `LEAK` of its probability lies evenly
on all books. A reader's mixture is the Dirichlet posterior of a flat prior and of the books shown in each block:
everything about it has a closed form. `HandProdLda` begins its blocks `config.shift` books later, and goes round.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self, final

import numpy as np
import pytest
import scipy.sparse as sp

import models.catalogue as catalogue
from data.corpus import Corpus
from models.base import Run
from models.topics import TopicModel, TopicPosterior

LEAK = 0.05
PRIOR = 0.5


@dataclass(frozen=True)
class HandConfig:
    """How many blocks, where they begin, and by how many books a fit from another seed begins them later."""

    n_topics: int = 2
    shift: int = 0
    wander: int = 0


class Hand(TopicModel[HandConfig, Corpus]):
    """Topics that are blocks of books."""

    format = 1
    config_type = HandConfig

    def __init__(self, config: HandConfig, block: np.ndarray, n_readers: np.ndarray) -> None:
        self.config, self.block, self.n_readers = config, block, n_readers

    @classmethod
    def fit(cls, data: Corpus, config: HandConfig, run: Run, *, validation: Corpus | None = None) -> Self:
        place = np.arange(data.n_books) - config.shift - config.wander * (run.seed != 0)
        block = (place % data.n_books) * config.n_topics // data.n_books
        return cls(config, block.astype(np.int64), data.readers_per_book)

    def arrays(self) -> Mapping[str, np.ndarray]:
        return {"block": self.block, "n_readers": self.n_readers}

    @classmethod
    def from_arrays(cls, config: HandConfig, arrays: Mapping[str, np.ndarray]) -> Self:
        return cls(config, arrays["block"], arrays["n_readers"])

    def topics(self) -> np.ndarray:
        own = np.where(self._members(), self.n_readers, 0.0)
        p: np.ndarray = (1 - LEAK) * own / own.sum(axis=1, keepdims=True) + LEAK / len(self.block)
        return p.astype(np.float32)

    def typical(self) -> np.ndarray:
        return self.topics()

    def topic_shares(self) -> np.ndarray:
        shares: np.ndarray = np.where(self._members(), self.n_readers, 0).sum(axis=1) / self.n_readers.sum()
        return shares.astype(np.float32)

    def reader_topics(self, rows: sp.csr_matrix) -> TopicPosterior:
        alpha = PRIOR + np.asarray(rows @ self._members().T.astype(np.float64))
        total = alpha.sum(axis=1, keepdims=True)
        mean = alpha / total
        sd = np.sqrt(mean * (1 - mean) / (total + 1))
        return TopicPosterior(mean.astype(np.float32), sd.astype(np.float32))

    def predict(self, rows: sp.csr_matrix) -> np.ndarray:
        predicted: np.ndarray = self.reader_topics(rows).mean @ self.topics()
        return predicted

    def is_read(self) -> np.ndarray:
        read: np.ndarray = self.n_readers > 0
        return read

    def _members(self) -> np.ndarray:
        members: np.ndarray = self.block == np.arange(self.config.n_topics)[:, None]
        return members


@final
class HandLda(Hand):
    """In place of LDA."""

    kind = "lda"


@final
class HandProdLda(Hand):
    """In place of ProdLDA."""

    kind = "prodlda"


def take_the_place(patch: pytest.MonkeyPatch) -> None:
    """Let the catalogue have these models as ``lda`` and ``prodlda``."""
    for kind, model in (("lda", HandLda), ("prodlda", HandProdLda)):
        patch.setitem(catalogue._CLASSES, kind, (model.__module__, model.__name__))
