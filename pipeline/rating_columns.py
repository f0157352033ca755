"""The columns of rating features, group by group, from what is known of pairs of a reader and a book."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.liking import Liking
from pipeline.rating_evidence import BookContext, Evidence, Readers
from pipeline.rating_opinion import Opinion

_LEAST_P = 1e-6
_TOPIC_WEIGHT = 1.0  # books that weigh as much as knowing nothing of a reader's topics


@dataclass(frozen=True)
class Pairs:
    """Readers and books to make columns of.

    Attributes
    ----------
    readers
        With what they rated.
    context
        What is known of books besides ratings.
    opinion
        The forecast in closed form.
    n_shown
        Dimensions of the space that are shown.
    sums
        Of each array in `arrays`, its rows summed over the books of each reader, float64 (n_readers, n).
    n_rated
        int64 (n_readers,).
    """

    readers: Readers
    context: BookContext
    opinion: Opinion
    n_shown: int
    sums: tuple[np.ndarray, ...]
    n_rated: np.ndarray

    @classmethod
    def of(cls, readers: Readers, context: BookContext, opinion: Opinion, n_shown: int) -> Pairs:
        """Return readers and books with the sums that mixtures of a reader's books are made of."""
        ratings = readers.ratings
        n_rated = np.bincount(ratings.reader, minlength=ratings.n_readers)
        sums = []
        for array in (readers.population.taste.vectors, *context.topics):
            total = np.zeros((ratings.n_readers, array.shape[1]))
            np.add.at(total, ratings.reader, array[ratings.book])
            sums.append(total)
        return cls(readers, context, opinion, n_shown, tuple(sums), n_rated)

    def columns(self, reader: np.ndarray, book: np.ndarray, groups: Sequence[str]) -> tuple[Evidence, np.ndarray]:
        """Return what is known of pairs, and their columns, float64 (n, n_columns)."""
        evidence = self.readers.evidence(reader, book)
        asked = Asked(self, evidence, reader, book)
        made = [GROUPS[name](asked) for name in groups]
        return evidence, np.concatenate(made, axis=1)

    def mixture(self, which: int, reader: np.ndarray, book: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return rows summed over a reader's books but the one asked, float64 (n, n_dims), and how many, (n, 1)."""
        arrays = (self.readers.population.taste.vectors, *self.context.topics)
        rated = self.readers.rated(reader, book)[:, None]
        return self.sums[which][reader] - rated * arrays[which][book], self.n_rated[reader][:, None] - rated


@dataclass(frozen=True)
class Asked:
    """Pairs of a reader and a book, (n,) each, and what is known of them."""

    pairs: Pairs
    evidence: Evidence
    reader: np.ndarray
    book: np.ndarray

    @property
    def levels(self) -> np.ndarray:
        """float64 (n_levels,), of the scale."""
        return self.pairs.readers.ratings.levels.astype(np.float64)


def _opinion(asked: Asked) -> np.ndarray:
    return _logs(asked.pairs.opinion.probabilities(asked.evidence))


def _reader(asked: Asked) -> np.ndarray:
    return np.column_stack([*_moments(asked.evidence.shares, asked.levels), np.log1p(asked.evidence.n_reader_ratings)])


def _reader_levels(asked: Asked) -> np.ndarray:
    return _logs(asked.evidence.shares)


def _book(asked: Asked) -> np.ndarray:
    return _liked(asked, asked.pairs.readers.population.books, asked.evidence.book)


def _book_levels(asked: Asked) -> np.ndarray:
    return _logs(asked.pairs.readers.population.books.levels.shares(asked.evidence.book[:, 1:]))


def _author(asked: Asked) -> np.ndarray:
    return _liked(asked, asked.pairs.readers.population.authors, asked.evidence.author)


def _author_levels(asked: Asked) -> np.ndarray:
    return _logs(asked.pairs.readers.population.authors.levels.shares(asked.evidence.author[:, 1:]))


def _taste(asked: Asked) -> np.ndarray:
    return np.column_stack([asked.evidence.taste_mean, asked.evidence.taste_sd])


def _popularity(asked: Asked) -> np.ndarray:
    n_readers: np.ndarray = asked.pairs.context.n_readers[asked.book]
    return np.log1p(n_readers.astype(np.float64))[:, None]


def _book_vectors(asked: Asked) -> np.ndarray:
    shown: np.ndarray = asked.pairs.readers.population.taste.vectors[asked.book, : asked.pairs.n_shown]
    return shown.astype(np.float64)


def _reader_vectors(asked: Asked) -> np.ndarray:
    total, n = asked.pairs.mixture(0, asked.reader, asked.book)
    mean = total / np.maximum(n, 1)
    nearness = np.einsum("ij,ij->i", mean, asked.pairs.readers.population.taste.vectors[asked.book])
    return np.column_stack([mean[:, : asked.pairs.n_shown], nearness])


def _book_topics(asked: Asked) -> np.ndarray:
    profiles = [array[asked.book].astype(np.float64) for array in asked.pairs.context.topics]
    return np.concatenate([*profiles, np.empty((len(asked.book), 0))], axis=1)


def _reader_topics(asked: Asked) -> np.ndarray:
    """Return mean and sd of the topics of readers: Dirichlet, a book counting as the profile it has."""
    made = [np.empty((len(asked.book), 0))]
    for which, profiles in enumerate(asked.pairs.context.topics, start=1):
        total, n = asked.pairs.mixture(which, asked.reader, asked.book)
        average = profiles.mean(axis=0, dtype=np.float64)
        mean = (total + _TOPIC_WEIGHT * average) / (n + _TOPIC_WEIGHT)
        made += [mean, np.sqrt(np.maximum(mean * (1 - mean), 0) / (n + _TOPIC_WEIGHT + 1))]
    return np.concatenate(made, axis=1)


def _logs(p: np.ndarray) -> np.ndarray:
    logs: np.ndarray = np.log(np.maximum(p, _LEAST_P))
    return logs


def _moments(shares: np.ndarray, levels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and sd of ratings with the given shares of levels, float64 (n,) each."""
    mean = shares @ levels
    return mean, np.sqrt(np.maximum(shares @ levels**2 - mean**2, 0))


def _liked(asked: Asked, liking: Liking, sums: np.ndarray) -> np.ndarray:
    """Return effect, spread of levels and log count of the sums of a group over other readers."""
    spread = _moments(liking.levels.shares(sums[:, 1:]), asked.levels)[1]
    return np.column_stack([liking.effect(sums), spread, np.log1p(np.maximum(sums[:, 1:].sum(axis=1), 0))])


GROUPS: dict[str, Callable[[Asked], np.ndarray]] = {
    "opinion": _opinion,
    "reader": _reader,
    "reader_levels": _reader_levels,
    "book": _book,
    "book_levels": _book_levels,
    "author": _author,
    "author_levels": _author_levels,
    "taste": _taste,
    "popularity": _popularity,
    "book_vectors": _book_vectors,
    "reader_vectors": _reader_vectors,
    "book_topics": _book_topics,
    "reader_topics": _reader_topics,
}


def column_names(
    groups: Sequence[str], levels: np.ndarray, n_shown: int, topics: Sequence[np.ndarray]
) -> tuple[str, ...]:
    """Return the names of the columns of `groups`, group first."""
    by_level = [f"{level:g}" for level in levels]
    axes = [f"axis {i}" for i in range(n_shown)]
    topic = [f"model {m} topic {i}" for m, profiles in enumerate(topics) for i in range(profiles.shape[1])]
    of_reader = [
        f"model {m} topic {i} {figure}"
        for m, profiles in enumerate(topics)
        for figure in ("mean", "sd")
        for i in range(profiles.shape[1])
    ]
    liked = ["effect", "spread", "log count"]
    names = {
        "opinion": by_level, "reader": ["mean", "spread", "log count"], "reader_levels": by_level, "book": liked,
        "book_levels": by_level, "author": liked, "author_levels": by_level, "taste": ["mean", "sd"],
        "popularity": ["log readers"], "book_vectors": axes, "reader_vectors": [*axes, "nearness"],
        "book_topics": topic, "reader_topics": of_reader,
    }  # fmt: skip
    return tuple(f"{group}: {name}" for group in groups for name in names[group])
