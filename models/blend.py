"""The blend: EASE and BM25 item-kNN, added. What a release ranks books for a reader with.

The two err on different books, so that their sum beats either. Scores are made comparable reader by reader:
those of the books a reader has not shown get mean 0 and standard deviation 1, and the two are added by weight.

BM25 is sharpened first: of every book the similarities to others are raised to a power and divided by their sum.
Each book shown so has one vote, and casts most of it on the few books that are really near; otherwise bestsellers,
whose similarities are large, and the many books that hardly resemble anything shown would decide.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self, final

import numpy as np
import scipy.sparse as sp

from data.corpus import Corpus
from data.errors import BadConfig
from models.base import Ranker, Run
from models.ease import Ease, EaseConfig
from models.item_knn import ItemKnn, ItemKnnConfig


@dataclass(frozen=True)
class BlendConfig:
    """Settings of the blend and of its parts.

    Attributes
    ----------
    ease_weight
        Weight of EASE, 0 to 1; BM25 has the rest.
    similarity_power
        Power of the BM25 similarities before they are made to sum to 1.
    l2, popularity_exponent, max_size
        As in EASE.
    n_neighbours, k1, b
        As in BM25 item-kNN.
    """

    ease_weight: float = 0.5
    similarity_power: float = 3.0
    l2: float = 100.0
    popularity_exponent: float = 0.25
    max_size: int = 20_000
    n_neighbours: int = 200
    k1: float = 1.2
    b: float = 0.4

    def __post_init__(self) -> None:
        """Refuse impossible settings."""
        if not 0 <= self.ease_weight <= 1:
            raise BadConfig(f"blend.ease_weight: {self.ease_weight}, expected between 0 and 1")
        if not 0 < self.similarity_power < np.inf:
            raise BadConfig(f"blend.similarity_power: {self.similarity_power}, expected more than 0")
        try:
            _ = self.ease, self.item_knn
        except BadConfig as error:  # of a part: named as it is in the section of the blend
            raise BadConfig(f"blend: {error}") from error

    @property
    def ease(self) -> EaseConfig:
        """Settings of EASE."""
        return EaseConfig(self.l2, self.popularity_exponent, self.max_size)

    @property
    def item_knn(self) -> ItemKnnConfig:
        """Settings of BM25 item-kNN."""
        return ItemKnnConfig(self.n_neighbours, self.k1, self.b)


@final
class Blend(Ranker[BlendConfig, Corpus]):
    """Standard scores of EASE and of BM25 item-kNN, added by weight."""

    kind = "blend"
    format = 1
    config_type = BlendConfig

    def __init__(self, config: BlendConfig, ease: Ease, item_knn: ItemKnn) -> None:
        self.config = config
        self.ease = ease
        self.item_knn = item_knn  # of similarities that are votes

    @classmethod
    def fit(cls, data: Corpus, config: BlendConfig, run: Run, *, validation: Corpus | None = None) -> Self:
        """Fit both parts.

        Raises
        ------
        TooLarge
            If EASE cannot be fitted to a corpus of this size.
        """
        ease = Ease.fit(data, config.ease, run)
        similarity = votes(ItemKnn.fit(data, config.item_knn, run).similarity, config.similarity_power)
        return cls(config, ease, ItemKnn(config.item_knn, similarity))

    def arrays(self) -> Mapping[str, np.ndarray]:
        """Return the arrays of the parts, named ``ease_*`` and ``item_knn_*``."""
        parts = {"ease": self.ease.arrays(), "item_knn": self.item_knn.arrays()}
        return {f"{part}_{name}": array for part, arrays in parts.items() for name, array in arrays.items()}

    @classmethod
    def from_arrays(cls, config: BlendConfig, arrays: Mapping[str, np.ndarray]) -> Self:
        """Return the model of these parts."""
        ease = Ease.from_arrays(config.ease, _part(arrays, "ease_"))
        return cls(config, ease, ItemKnn.from_arrays(config.item_knn, _part(arrays, "item_knn_")))

    def score(self, visible: sp.csr_matrix) -> np.ndarray:
        """Return the sum of the parts' standard scores; ``-inf`` where either knows nothing of a book."""
        weight = self.config.ease_weight
        scores = standard_scores(self.ease.score(visible), visible, weight)
        scores += standard_scores(self.item_knn.score(visible), visible, 1 - weight)
        return scores


def standard_scores(scores: np.ndarray, visible: sp.csr_matrix, weight: float = 1.0) -> np.ndarray:
    """Return scores with mean 0 and standard deviation 1 in every row, over the finite ones of books not shown.

    A row in which these are all equal becomes 0; ``-inf`` stays.

    Parameters
    ----------
    scores
        float32 (n_rows, n_books); changed.
    visible
        csr (n_rows, n_books), the books shown: what a model says of them varies with the model and is not asked.
    weight
        Factor of the result, except of ``-inf``.
    """
    for row, score in enumerate(scores):
        asked = np.isfinite(score)
        known = asked.copy()
        asked[visible.indices[visible.indptr[row] : visible.indptr[row + 1]]] = False
        values = score[asked].astype(np.float64)
        mean, sd = (values.mean(), values.std()) if len(values) else (0.0, 0.0)
        equal = sd <= 1e-6 * np.abs(values).max(initial=0)  # rounding is no difference
        score[known] = 0 if equal else weight * (score[known] - mean) / sd
    return scores


def votes(similarity: sp.csr_matrix, power: float) -> sp.csr_matrix:
    """Return what a book's vote for other books is: similarities to a power, every row divided by its sum.

    A book has none for itself; negative similarities count 0, and a row of zeros stays one. Zeros stay stored: a
    book that is like nothing but itself is still one that item-kNN knows.
    """
    row = np.repeat(np.arange(similarity.shape[0]), np.diff(similarity.indptr))
    values = np.where(similarity.indices == row, 0, np.maximum(similarity.data, 0)).astype(np.float64)
    largest = np.zeros(similarity.shape[0])
    np.maximum.at(largest, row, values)
    largest[largest == 0] = 1
    values = (values / largest[row]) ** power  # below 1: no power is too large for it
    total = np.bincount(row, weights=values, minlength=len(largest))
    total[total == 0] = 1
    parts = ((values / total[row]).astype(np.float32), similarity.indices, similarity.indptr)
    return sp.csr_matrix(parts, shape=similarity.shape)


def _part(arrays: Mapping[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
