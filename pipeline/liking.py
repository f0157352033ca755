"""How other readers liked a book, or the books of an author: effects and levels, shrunk by how much is known.

The normal score of a rating (`pipeline.scale_use`) is the effect of its group, a book or an author, plus noise:
z = e_g + d,  e_g ~ N(0, t2),  d ~ N(0, s2).  The effect is the posterior mean,  sum(z) / (n + s2 / t2): of a group
nobody rated it is 0. Both variances are those of the one-way analysis of variance with unequal groups (Searle, Casella
and McCulloch 1992, section 3.6), so that the strength of shrinking comes from the ratings.

*Other* readers: whatever a reader contributed is subtracted before anything is said to that reader. A rating therefore
never describes itself, and neither do a reader's other ratings of the same author, whose scores depend on it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.scale_use import ScaleUse

_LEAST_STRENGTH, _MOST_STRENGTH = 1e-6, 1e6  # groups without noise, of which 0 / 0 would be asked; that do not differ


@dataclass(frozen=True)
class KeyedSums:
    """Rows of numbers by key, summed where keys repeat; zeros for a key that is not there.

    Attributes
    ----------
    keys
        int64 (n_keys,), ascending.
    sums
        float64 (n_keys, n_columns).
    """

    keys: np.ndarray
    sums: np.ndarray

    @classmethod
    def of(cls, keys: np.ndarray, values: np.ndarray) -> KeyedSums:
        """Return the sums of the rows of `values` (n, n_columns) by `keys` (n,)."""
        unique, place = np.unique(keys, return_inverse=True)
        sums = np.empty((len(unique), values.shape[1]))
        for column in range(values.shape[1]):
            sums[:, column] = np.bincount(place, values[:, column], len(unique))
        return cls(unique, sums)

    def at(self, keys: np.ndarray) -> np.ndarray:
        """Return the sums of some keys, float64 (n, n_columns)."""
        if not len(self.keys):
            return np.zeros((len(keys), self.sums.shape[1]))
        place = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        found: np.ndarray = self.sums[place] * (self.keys[place] == keys)[:, None]
        return found


@dataclass(frozen=True)
class Scored:
    """Ratings with their normal scores.

    Attributes
    ----------
    reader, book, category
        (n_ratings,), integers.
    score
        float64 (n_ratings,).
    n_levels
        Levels of the scale.
    """

    reader: np.ndarray
    book: np.ndarray
    category: np.ndarray
    score: np.ndarray
    n_levels: int

    @property
    def columns(self) -> np.ndarray:
        """float64 (n_ratings, 1 + n_levels): the score, and 1 at the level."""
        columns = np.zeros((len(self.reader), 1 + self.n_levels))
        columns[:, 0] = self.score
        columns[np.arange(len(self.reader)), 1 + self.category] = 1
        return columns

    def rows(self, rows: np.ndarray) -> Scored:
        """Return some of the ratings, with the scores they have."""
        return Scored(self.reader[rows], self.book[rows], self.category[rows], self.score[rows], self.n_levels)


@dataclass(frozen=True)
class Liking:
    """How the books of each group were rated.

    Attributes
    ----------
    group
        int64 (n_books,), the group of each book.
    sums
        float64 (n_groups, 1 + n_levels): the sum of normal scores, and how often each level was given.
    strength
        Ratings that weigh as much as knowing nothing.
    levels
        How the levels of groups differ.
    """

    group: np.ndarray
    sums: np.ndarray
    strength: float
    levels: ScaleUse

    @classmethod
    def fit(cls, group: np.ndarray, ratings: Scored) -> Liking:
        """Return the groups' sums, with a strength and a concentration estimated from them."""
        n_groups = int(group.max(initial=-1)) + 1
        of_rating = group[ratings.book]
        columns = ratings.columns
        sums = np.zeros((n_groups, columns.shape[1]))
        for column in range(columns.shape[1]):
            sums[:, column] = np.bincount(of_rating, columns[:, column], n_groups)
        return cls(group, sums, strength(of_rating, ratings.score), ScaleUse.fit(sums[:, 1:]))

    @property
    def n_ratings(self) -> np.ndarray:
        """int64 (n_groups,), how many ratings `sums` are of."""
        n: np.ndarray = self.sums[:, 1:].sum(axis=1).round().astype(np.int64)
        return n

    def own(self, ratings: Scored) -> KeyedSums:
        """Return what each reader contributed to each group, to be taken out by `of_others`."""
        return KeyedSums.of(self._keys(ratings.reader, ratings.book), ratings.columns)

    def of_others(self, reader: np.ndarray, book: np.ndarray, own: KeyedSums | None) -> np.ndarray:
        """Return sums over other readers for pairs (n,), float64 (n, 1 + n_levels); `own` is None for new readers."""
        sums: np.ndarray = self.sums[self.group[book]]
        return sums if own is None else sums - own.at(self._keys(reader, book))

    def effect(self, sums: np.ndarray) -> np.ndarray:
        """Return the shrunken effects, float64 (n,), that `sums` (n, 1 + n_levels) make."""
        effect: np.ndarray = sums[:, 0] / (sums[:, 1:].sum(axis=1) + self.strength)
        return effect

    def _keys(self, reader: np.ndarray, book: np.ndarray) -> np.ndarray:
        keys: np.ndarray = reader.astype(np.int64) * len(self.sums) + self.group[book]
        return keys


def strength(group: np.ndarray, score: np.ndarray) -> float:
    """Return s2 / t2 of the scores (n,) of groups (n,), by the analysis of variance.

    It is above 0, and large if groups do not differ.
    """
    size = np.bincount(group)
    size_of = size[size > 0].astype(np.float64)
    mean = np.bincount(group, score)[size > 0] / size_of
    n, n_groups = len(score), len(size_of)
    if n - n_groups < 1 or n_groups < 2:
        return _MOST_STRENGTH
    between = float((size_of * (mean - score.mean()) ** 2).sum())
    within = float(((score - score.mean()) ** 2).sum()) - between
    noise = within / (n - n_groups)
    effect_var = (between - (n_groups - 1) * noise) / (n - float((size_of**2).sum()) / n)
    return float(np.clip(noise / effect_var, _LEAST_STRENGTH, _MOST_STRENGTH)) if effect_var > 0 else _MOST_STRENGTH
