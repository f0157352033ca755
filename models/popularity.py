"""Popularity: every reader gets the bestsellers. The floor that everything published must beat."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self, final

import numpy as np
import scipy.sparse as sp

from data.corpus import Corpus
from models.base import Ranker, Run


@dataclass(frozen=True)
class PopularityConfig:
    """Popularity has no settings."""


@final
class Popularity(Ranker[PopularityConfig, Corpus]):
    """Books by their number of readers."""

    kind = "popularity"
    format = 1
    config_type = PopularityConfig

    def __init__(self, config: PopularityConfig, n_readers: np.ndarray) -> None:
        self.config = config
        self.n_readers = n_readers  # float32 (n_books,)

    @classmethod
    def fit(cls, data: Corpus, config: PopularityConfig, run: Run, *, validation: Corpus | None = None) -> Self:
        """Count the readers of every book."""
        return cls(config, data.readers_per_book.astype(np.float32))

    def arrays(self) -> Mapping[str, np.ndarray]:
        """Return ``n_readers``, float32 (n_books,)."""
        return {"n_readers": self.n_readers}

    @classmethod
    def from_arrays(cls, config: PopularityConfig, arrays: Mapping[str, np.ndarray]) -> Self:
        """Return the model of these counts."""
        return cls(config, arrays["n_readers"])

    def score(self, visible: sp.csr_matrix) -> np.ndarray:
        """Return the same scores for every row."""
        return np.tile(self.n_readers, (visible.shape[0], 1))
