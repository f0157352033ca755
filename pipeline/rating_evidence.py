"""What is known before a reader rates a book: the reader's scale, what others think, the reader's own taste.

A `Population` is learned once from ratings; `Readers` are those one asks about, with what they rated. Readers of the
population, readers who rated more since, and new readers with any history, also none, go through the same code, by two
rules:

1. If a reader rated the book that is asked, that rating is left out of the history.
2. What the population *counted* of a reader is subtracted from what "others" think. Ratings of a book whose sums are
   withheld (`pipeline.rating_disclosure`) are in no sum, and are not subtracted.

So the ratings that the population was learned from can be asked about like any other, and no rating describes itself.
Leaving out is exact but for the few numbers that describe everybody (concentrations, strengths, variances).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from data.ratings import Ratings
from data.seeds import generator
from data.vectors import unit_rows
from pipeline.liking import KeyedSums, Liking, Scored
from pipeline.reader_taste import History, ReaderTaste
from pipeline.scale_use import ScaleUse, level_counts, normal_scores

_LEAST_FITTED = 5  # ratings of a reader from whom variances of taste are learned
_MOST_FITTED = 250


@dataclass(frozen=True)
class BookContext:
    """What is known of books besides ratings; checked when made.

    Attributes
    ----------
    author
        int64 (n_books,), the first author of each book as a number; -1 where unknown.
    vectors
        float32 (n_books, n_dims), a space of books; zero rows for books without, n_dims may be 0.
    n_readers
        int64 (n_books,), how many read each book, rated or not.
    topics
        Profiles of books in models of topics, each float32 (n_books, n_topics), rows summing to 1 or 0.
    """

    author: np.ndarray
    vectors: np.ndarray
    n_readers: np.ndarray
    topics: tuple[np.ndarray, ...] = ()

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit together."""
        n_books = len(self.author)
        for name, array in {"vectors": self.vectors, "n_readers": self.n_readers}.items():
            if len(array) != n_books:
                raise ValueError(f"{name}: {len(array)} rows, expected {n_books}, as many as authors")
        for profiles in self.topics:
            if profiles.ndim != 2 or len(profiles) != n_books:
                raise ValueError(f"topics: {profiles.shape}, expected {n_books} rows")

    @classmethod
    def unknown(cls, n_books: int) -> BookContext:
        """Return the context of books of which nothing is known."""
        nothing = np.zeros((n_books, 0), np.float32)
        return cls(np.full(n_books, -1, np.int64), nothing, np.zeros(n_books, np.int64))

    @property
    def unit_vectors(self) -> np.ndarray:
        """float32 (n_books, n_dims), vectors of length 1, or 0."""
        return unit_rows(self.vectors.astype(np.float32))

    @property
    def author_groups(self) -> np.ndarray:
        """int64 (n_books,), numbers of authors, where a book of unknown author is the only one of its own."""
        groups = self.author.astype(np.int64)
        unknown = groups < 0
        groups[unknown] = groups.max(initial=-1) + 1 + np.arange(int(unknown.sum()))
        return groups


@dataclass(frozen=True)
class Population:
    """What all ratings say together.

    Attributes
    ----------
    scale
        How readers use levels.
    books, authors
        How books, and the books of authors, were liked.
    taste
        How a reader's ratings hang together.
    levels
        float32 (n_levels,), of the scale.
    """

    scale: ScaleUse
    books: Liking
    authors: Liking
    taste: ReaderTaste
    levels: np.ndarray

    @classmethod
    def fit(
        cls, ratings: Ratings, context: BookContext, nearness: tuple[float, ...], n_fitted: int, seed: int
    ) -> Population:
        """Return what `ratings` say; the variances of taste are learned from `n_fitted` of the readers."""
        counts = level_counts(ratings.reader, ratings.category, ratings.n_readers, len(ratings.levels))
        scale = ScaleUse.fit(counts)
        scored = scored_ratings(scale, ratings)
        groups = context.author_groups
        vectors = context.unit_vectors
        books, authors = Liking.fit(np.arange(ratings.n_books), scored), Liking.fit(groups, scored)
        untaught = cls(scale, books, authors, ReaderTaste.fit(vectors, groups, nearness, ()), ratings.levels)
        readers = Readers.of(untaught, ratings, ratings, _MOST_FITTED)
        n_rated = counts.sum(axis=1)
        fit_for = np.flatnonzero((n_rated >= _LEAST_FITTED) & (n_rated <= _MOST_FITTED))
        chosen = generator(seed, "fit/reader_taste").permutation(fit_for)[:n_fitted]
        histories = [readers.history(int(reader))[0] for reader in np.sort(chosen)]
        return cls(scale, books, authors, ReaderTaste.fit(vectors, groups, nearness, histories), ratings.levels)


def scored_ratings(scale: ScaleUse, ratings: Ratings) -> Scored:
    """Return the ratings with their normal scores, each on the scale of its reader."""
    n_levels = len(ratings.levels)
    counts = level_counts(ratings.reader, ratings.category, ratings.n_readers, n_levels)
    scores = normal_scores(scale.shares(counts))
    return Scored(
        ratings.reader, ratings.book, ratings.category, scores[ratings.reader, ratings.category], n_levels
    )  # fmt: skip


@dataclass(frozen=True)
class Evidence:
    """What is known of pairs of a reader and a book, each row without the rating itself.

    Attributes
    ----------
    counts
        float64 (n, n_levels), how often the reader gave each level.
    shares
        float64 (n, n_levels), the same shrunk to what readers do.
    book, author
        float64 (n, 1 + n_levels), sums over other readers (`pipeline.liking`).
    effect
        float64 (n,), what they think of the book, as a normal score.
    taste_mean, taste_sd
        float64 (n,), how far the reader's score differs from `effect`, by the reader's own ratings.
    """

    counts: np.ndarray
    shares: np.ndarray
    book: np.ndarray
    author: np.ndarray
    effect: np.ndarray
    taste_mean: np.ndarray
    taste_sd: np.ndarray

    @property
    def n_reader_ratings(self) -> np.ndarray:
        """int64 (n,), ratings of the reader."""
        n: np.ndarray = self.counts.sum(axis=1).round().astype(np.int64)
        return n

    @property
    def n_book_ratings(self) -> np.ndarray:
        """int64 (n,), ratings of the book by others."""
        n: np.ndarray = self.book[:, 1:].sum(axis=1).round().astype(np.int64)
        return n


@dataclass(frozen=True)
class Readers:
    """Readers with what they rated, ready to be asked about.

    Attributes
    ----------
    population
        What is known of everybody.
    ratings
        What they rated, in the order of reader and book.
    keys
        int64 (n_ratings,), reader and book as one number, ascending.
    category
        int64 (n_ratings,), the place of each rating among the levels.
    effect
        float64 (n_ratings,), what other readers think of the books.
    own_books, own_authors
        What the population counted of these readers; None if nothing.
    most
        Ratings of a reader that taste is made of, at most.
    """

    population: Population
    ratings: Ratings
    keys: np.ndarray
    category: np.ndarray
    effect: np.ndarray
    own_books: KeyedSums | None
    own_authors: KeyedSums | None
    most: int

    @classmethod
    def of(cls, population: Population, histories: Ratings, counted: Ratings | None, most: int) -> Readers:
        """Return readers with their `histories`; `counted` are ratings of the same rows that the population has."""
        keys = histories.reader.astype(np.int64) * histories.n_books + histories.book
        order = np.argsort(keys)
        ratings, keys = histories.rows(order), keys[order]
        if (np.diff(keys) == 0).any():
            raise ValueError("a reader rated a book twice")
        own_books = own_authors = None
        if counted is not None:
            scored = scored_ratings(population.scale, counted)
            scored = scored.rows(population.books.n_ratings[scored.book] > 0)  # withheld ones are in no sum
            own_books, own_authors = population.books.own(scored), population.authors.own(scored)
        others = population.books.of_others(ratings.reader, ratings.book, own_books)
        effect = population.books.effect(others)
        return cls(population, ratings, keys, ratings.category, effect, own_books, own_authors, most)

    def history(self, reader: int) -> tuple[History, np.ndarray]:
        """Return the history of one reader, and which of `ratings` it is made of."""
        start, end = np.searchsorted(self.ratings.reader, [reader, reader + 1])
        rows = np.arange(start, end)
        category = self.category[start:end]
        n_levels = len(self.ratings.levels)
        counts = level_counts(np.zeros(len(rows), np.int64), category, 1, n_levels)
        without = np.maximum(counts - np.concatenate([np.eye(n_levels), np.zeros((1, n_levels))]), 0)
        scores = normal_scores(self.population.scale.shares(without))
        if len(rows) > self.most:
            kept = np.linspace(0, len(rows) - 1, self.most).astype(np.int64)
            rows, category = rows[kept], category[kept]
        effect = self.effect[rows]
        return History(self.ratings.book[rows], effect, scores[:, category] - effect), rows

    def rated(self, reader: np.ndarray, book: np.ndarray) -> np.ndarray:
        """Return which readers of pairs rated the book themselves, bool (n,)."""
        rated: np.ndarray = self._places(reader, book) >= 0
        return rated

    def evidence(self, reader: np.ndarray, book: np.ndarray) -> Evidence:
        """Return what is known of pairs, (n,) each; BLAS is kept to one thread (`pipeline.reader_taste`)."""
        n_levels = len(self.ratings.levels)
        place = self._places(reader, book)
        own = np.where(place >= 0, self.category[np.maximum(place, 0)] if len(self.keys) else 0, n_levels)
        counts = self._counts(reader) - np.eye(n_levels + 1)[own, :n_levels]
        population = self.population
        of_book = population.books.of_others(reader, book, self.own_books)
        of_author = population.authors.of_others(reader, book, self.own_authors)
        effect = population.books.effect(of_book)
        with threadpool_limits(1, user_api="blas"):
            mean, sd = self._taste(reader, book, effect, place, own)
        return Evidence(counts, population.scale.shares(counts), of_book, of_author, effect, mean, sd)

    def _taste(
        self, reader: np.ndarray, book: np.ndarray, effect: np.ndarray, place: np.ndarray, own: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and sd of each reader's taste in a book, reader by reader, float64 (n,) each."""
        mean, sd = np.empty(len(reader)), np.empty(len(reader))
        by_reader = np.argsort(reader, kind="stable")
        for some in np.split(by_reader, np.flatnonzero(np.diff(reader[by_reader])) + 1):
            if len(some):
                history, rows = self.history(int(reader[some[0]]))
                at = np.searchsorted(rows, place[some])
                known = (at < len(rows)) & (np.append(rows, -2)[at] == place[some])
                mean[some], sd[some] = self.population.taste.posterior(
                    history, book[some], effect[some], np.where(known, at, -1), own[some]
                )
        return mean, sd

    def _places(self, reader: np.ndarray, book: np.ndarray) -> np.ndarray:
        """Return where pairs are among the ratings, -1 where they are not."""
        keys = reader.astype(np.int64) * self.ratings.n_books + book
        place = np.searchsorted(self.keys, keys)
        found: np.ndarray = np.where(np.append(self.keys, -1)[place] == keys, place, -1)
        return found

    def _counts(self, reader: np.ndarray) -> np.ndarray:
        """Return how often the readers of pairs gave each level, float64 (n, n_levels)."""
        unique, place = np.unique(reader, return_inverse=True)
        at = np.searchsorted(unique, self.ratings.reader)
        asked = np.append(unique, -1)[at] == self.ratings.reader
        counts = level_counts(at[asked], self.category[asked], len(unique), len(self.ratings.levels))
        every: np.ndarray = counts[place]
        return every
