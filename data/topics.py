"""The topics that a release publishes: what each is about, how large it is, how far it can be trusted. numpy only.

::

    p[k, b]         probability of book b in topic k            share[k]   share of all readings that topic k has
    lift[k, b]      p[k, b] / sum_j share[j] p[j, b]            against a reading of anybody
    profile[k | b]  share[k] p[k, b] / sum_j share[j] p[j, b]   probability of the topic, given a reading of the book

How typical a book is of a topic is the model's own order (`models.topics.TopicModel.typical`); of each topic the first
`N_TYPICAL` books are kept.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

import numpy as np

from data.artifact import ModelArtifact, read_artifact, write_artifact
from data.errors import BadArtifact

KIND, FORMAT = "topics", 1
N_TYPICAL = 100
NOT_TOLD = -1  # in `n_main`
_TYPES = {
    "p": np.float32,
    "typical_rows": np.int32,
    "typicality": np.float32,
    "shares": np.float32,
    "n_main": np.int64,
    "npmi": np.float32,
    "stability": np.float32,
}


@dataclass(frozen=True)
class Topics:
    """The topics of one model.

    Attributes
    ----------
    kind
        Kind of the model.
    p
        float32 (n_topics, n_books), probability of each book in each topic; rows sum to 1.
    typical_rows
        int32 (n_topics, n), rows of the most typical books, most typical first.
    typicality
        float32 (n_topics, n), how typical they are, by the model's own measure.
    shares
        float32 (n_topics,), share of all readings that each topic has; sums to 1.
    n_main
        int64 (n_topics,), readers who have more of this topic than of any other; `NOT_TOLD` if they are too few.
    npmi
        float32 (n_topics,), how much the ten most typical books are read together (`models.coherence`).
    stability
        float32 (n_topics,), how many of the ten most typical books, on average, the topic most like this one has in
        models learned again, as a share; (0,) where that was not measured.
    """

    kind: str
    p: np.ndarray
    typical_rows: np.ndarray
    typicality: np.ndarray
    shares: np.ndarray
    n_main: np.ndarray
    npmi: np.ndarray
    stability: np.ndarray

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit together."""
        n_topics = len(self.p)
        lengths = {name: len(getattr(self, name)) for name in _TYPES}
        lengths["stability"] = lengths["stability"] or n_topics
        wrong = [f"{name} of {length}" for name, length in lengths.items() if length != n_topics]
        if wrong or self.typical_rows.shape != self.typicality.shape:
            raise BadArtifact(f"topics of {self.kind}: expected {n_topics} topics, found {', '.join(wrong) or 'ranks'}")

    def __len__(self) -> int:
        return len(self.p)

    def profile(self, row: int) -> np.ndarray:
        """Return the probability of each topic given a reading of a book, float64 (n_topics,)."""
        joint: np.ndarray = self.shares.astype(np.float64) * self.p[:, row]
        total = joint.sum()
        return joint / total if total > 0 else joint

    def lift(self, topic: int, rows: np.ndarray) -> np.ndarray:
        """Return how many times more often a topic's readings are of these books than anybody's, float64 (n,)."""
        of_anybody = self.shares.astype(np.float64) @ self.p[:, rows]
        lift: np.ndarray = self.p[topic, rows] / np.where(of_anybody > 0, of_anybody, 1)
        return lift

    def most_typical(self, topic: int, n: int) -> np.ndarray:
        """Return the rows of the `n` books most typical of a topic, by the model's own order."""
        rows: np.ndarray = self.typical_rows[topic, :n].astype(np.int64)
        return rows

    def most_probable(self, topic: int, n: int) -> np.ndarray:
        """Return the rows of the `n` most probable books of a topic."""
        rows: np.ndarray = np.argsort(-self.p[topic], kind="stable")[:n]
        return rows

    def largest_lift(self, topic: int, n: int) -> np.ndarray:
        """Return, of the `N_TYPICAL` most probable books of a topic, the rows of the `n` with the largest lift.

        Among all books the largest lifts are those of books that hardly anybody reads.
        """
        rows = self.most_probable(topic, N_TYPICAL)
        return rows[np.argsort(-self.lift(topic, rows), kind="stable")[:n]]

    def save(self, folder: Path, made_from: dict[str, Any], vocabulary: str) -> None:
        """Write them as an artifact into an empty folder."""
        arrays = {name: getattr(self, name) for name in _TYPES}
        write_artifact(folder, ModelArtifact(KIND, FORMAT, {**made_from, "model": self.kind}, arrays, vocabulary))

    @classmethod
    def open(cls, folder: Path, vocabulary: str) -> Self:
        """Return the topics saved in `folder`; BadArtifact if it holds none, or those of other books."""
        names = {field.name for field in fields(cls)} - {"kind"}
        found = read_artifact(folder, kind=KIND, format=FORMAT, vocabulary=vocabulary, names=names)
        return cls(str(found.config["model"]), **found.arrays)


def topics_of(kind: str, **arrays: np.ndarray) -> Topics:
    """Return topics from arrays of any precision."""
    return Topics(kind, **{name: np.asarray(array, _TYPES[name]) for name, array in arrays.items()})
