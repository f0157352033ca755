"""Features of a reader and a book for what the reader will think of it, each without the rating itself.

`RatingFeatures` is fitted on training ratings; it is a value, made of arrays that can be stored, and holds sums over
readers; of a book that one reader rated such a sum is the rating (`pipeline.rating_disclosure`: what is published). It
describes pairs of the readers it was fitted on (`training`), of the same readers with more ratings, and of readers it
never saw (`of`), by one code (`pipeline.rating_evidence`): a reader without ratings and a book without ratings get what
is known of everybody.

The first columns, group `opinion`, are a forecast in themselves: the log probability of each level by an ordered probit
on the reader's own scale, whose mean is what others think of the book plus what the reader's own ratings say, and whose
variance grows with how little they say:

    P(r <= k) = Phi((t_k - w (b + m)) / sqrt(a + c s^2))

with cuts t of the reader (`pipeline.scale_use`), effect b (`pipeline.liking`), mean m and standard deviation s of
taste (`pipeline.reader_taste`), and (w, a, c) fitted by maximum likelihood on the training ratings, each left out of
its own row. A net that starts from these logits only has to learn what they lack.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np

from data.artifact import ModelArtifact, made_by, read_artifact, write_artifact
from data.errors import BadConfig
from data.ratings import Ratings
from data.seeds import generator
from models.predictor import Examples
from pipeline.rating_beginnings import beginnings, of_readers
from pipeline.rating_columns import GROUPS, Pairs, column_names
from pipeline.rating_evidence import BookContext, Population, Readers
from pipeline.rating_opinion import Opinion
from pipeline.rating_store import population_arrays, population_from

KIND, FORMAT = "rating_features", 1
_BLOCK = 32_768  # pairs described at a time
DEFAULT_GROUPS = (
    "opinion", "reader", "reader_levels", "book", "author", "taste", "popularity", "book_vectors", "reader_vectors",
)  # fmt: skip
_ASKED = 2  # ratings of a beginning that are asked


@dataclass(frozen=True)
class RatingFeaturesConfig:
    """What features are made of; checked when made.

    Attributes
    ----------
    groups
        Which groups of columns, of `pipeline.rating_columns.GROUPS`, in the order of the columns.
    n_dims
        Leading dimensions of the space that taste is over.
    n_vector_columns
        Leading dimensions of the space that the groups `book_vectors` and `reader_vectors` show.
    nearness
        Scales of taste over the space (`pipeline.reader_taste`): larger means that only nearer books count.
    n_fitted_readers
        Readers from whom the variances of taste are learned.
    n_beginnings
        How often each reader is shown with only some ratings (`pipeline.rating_beginnings`), so that new readers are
        known too.
    most_ratings
        Ratings of a reader that taste is made of, at most: its time grows with the cube, memory with the square.
    """

    groups: tuple[str, ...] = DEFAULT_GROUPS
    n_vector_columns: int = 32
    nearness: tuple[float, ...] = (4.0,)
    n_dims: int = 128
    n_fitted_readers: int = 250
    n_beginnings: int = 4
    most_ratings: int = 1000

    def __post_init__(self) -> None:
        """Refuse settings that cannot be; lists from TOML become tuples."""
        object.__setattr__(self, "groups", tuple(self.groups))
        object.__setattr__(self, "nearness", tuple(float(scale) for scale in self.nearness))
        for name in self.groups:
            if name not in GROUPS:
                near = get_close_matches(name, GROUPS, n=1, cutoff=0)
                raise BadConfig(
                    f"rating_features.groups: {name!r} is none of {', '.join(GROUPS)}; {near[0]!r} is closest"
                )
        if not self.groups or len(set(self.groups)) < len(self.groups):
            raise BadConfig(f"rating_features.groups: {list(self.groups)}, expected at least one, each once")
        if any(scale <= 0 for scale in self.nearness):
            raise BadConfig(f"rating_features.nearness: {list(self.nearness)}, expected positive numbers")
        at_least = {"n_vector_columns": 1, "n_dims": 1, "n_fitted_readers": 0, "n_beginnings": 0, "most_ratings": 1}
        for name, least in at_least.items():
            if getattr(self, name) < least:
                raise BadConfig(f"rating_features.{name}: {getattr(self, name)}, expected at least {least}")


@dataclass(frozen=True)
class RatingRows:
    """Pairs of a reader and a book, described.

    Attributes
    ----------
    features
        float32 (n, n_features).
    n_reader_ratings, n_book_ratings
        int64 (n,), ratings of the reader, and of the book by others, that the row is made of.
    """

    features: np.ndarray
    n_reader_ratings: np.ndarray
    n_book_ratings: np.ndarray

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self.features)


@dataclass(frozen=True)
class RatingFeatures:
    """How pairs are described; a value.

    Attributes
    ----------
    config
        What it is made of.
    context
        What is known of books besides ratings.
    population
        What the training ratings say of everybody.
    opinion
        The forecast of the first columns.
    fitted_on
        Digest of the training ratings.
    """

    config: RatingFeaturesConfig
    context: BookContext
    population: Population
    opinion: Opinion
    fitted_on: str

    @classmethod
    def fit(cls, ratings: Ratings, context: BookContext, config: RatingFeaturesConfig, seed: int = 0) -> RatingFeatures:
        """Return features fitted on `ratings`; ValueError if `context` is of other books."""
        if len(context.author) != ratings.n_books:
            raise ValueError(f"context of {len(context.author)} books, expected {ratings.n_books}")
        context = replace(context, vectors=context.vectors[:, : config.n_dims])
        population = Population.fit(ratings, context, config.nearness, config.n_fitted_readers, seed)
        readers = Readers.of(population, ratings, ratings, config.most_ratings)
        chosen = Opinion.sample(len(ratings), seed)
        evidence = readers.evidence(ratings.reader[chosen], ratings.book[chosen])
        return cls(config, context, population, Opinion.fit(evidence, ratings.category[chosen]), ratings.digest)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns: ``opinion: 7``, ``book: effect``, ..."""
        return column_names(self.config.groups, self.population.levels, self._n_shown, self.context.topics)

    def training(self, ratings: Ratings, seed: int = 0) -> Examples:
        """Return examples to learn from: `ratings`, each described without itself, then beginnings of their readers.

        Raises
        ------
        ValueError
            If the features were fitted on other ratings.
        """
        if ratings.digest != self.fitted_on:
            raise ValueError("these are not the ratings that the features were fitted on")
        rows = self.of_pairs(ratings, ratings.reader, ratings.book, counted=ratings)
        if not self.config.n_beginnings:
            return Examples(rows.features, ratings.value)
        random = generator(seed, "rating_beginnings")
        begun = beginnings(ratings, self.config.n_beginnings, _ASKED, random)
        counted = of_readers(ratings, begun.reader)
        early = self.of_pairs(begun.shown, begun.asked.reader, begun.asked.book, counted=counted)
        outcome = np.concatenate([ratings.value, begun.asked.value])
        return Examples(np.concatenate([rows.features, early.features]), outcome)

    def of_pairs(
        self, histories: Ratings, reader: np.ndarray, book: np.ndarray, *, counted: Ratings | None = None
    ) -> RatingRows:
        """Return pairs described by what the readers rated.

        Parameters
        ----------
        histories
            What the readers rated; a rating of a book that is asked is left out of its own row.
        reader, book
            int (n_pairs,), rows of the readers in `histories` and of the books.
        counted
            Ratings of the same rows of readers that the features were fitted on: those of a reader are subtracted from
            what others think. None if all of them are new.
        """
        features = np.empty((len(reader), len(self.names)), np.float32)
        counts = np.empty((2, len(reader)), np.int64)
        for places, rows in self.blocks(histories, reader, book, counted=counted):
            features[places], counts[:, places] = rows.features, (rows.n_reader_ratings, rows.n_book_ratings)
        return RatingRows(features, counts[0], counts[1])

    def blocks(
        self, histories: Ratings, reader: np.ndarray, book: np.ndarray, *, counted: Ratings | None = None
    ) -> Iterator[tuple[np.ndarray, RatingRows]]:
        """Yield which pairs, int64 (n,), and what `of_pairs` says of them, a block at a time.

        Memory does not grow with the number of pairs. Readers come together, so that each is looked at once or twice.
        """
        readers = self._readers(histories, counted)
        pairs = Pairs.of(readers, self.context, self.opinion, self._n_shown)
        order = np.argsort(reader, kind="stable")
        for start in range(0, len(order), _BLOCK):
            places = order[start : start + _BLOCK]
            asked = np.asarray(reader[places], np.int64), np.asarray(book[places], np.int64)
            evidence, columns = pairs.columns(*asked, self.config.groups)
            yield places, RatingRows(
                columns.astype(np.float32), evidence.n_reader_ratings, evidence.n_book_ratings
            )  # fmt: skip

    def of(self, history_books: np.ndarray, history_values: np.ndarray, books: np.ndarray) -> RatingRows:
        """Return `books` described for one new reader, who rated `history_books`, maybe none, as `history_values`."""
        value = np.asarray(history_values, np.float32)
        row = np.zeros(len(value), np.int32)
        n_books = len(self.context.author)
        history = Ratings(row, np.asarray(history_books, np.int32), value, self.population.levels, 1, n_books)
        return self.of_pairs(history, np.zeros(len(books), np.int64), books)

    def opinions(
        self, histories: Ratings, reader: np.ndarray, book: np.ndarray, *, counted: Ratings | None = None
    ) -> np.ndarray:
        """Return the forecast of the group `opinion`, probabilities float64 (n_pairs, n_levels), of the same pairs."""
        readers = self._readers(histories, counted)
        forecast = [
            self.opinion.probabilities(readers.evidence(reader[start : start + _BLOCK], book[start : start + _BLOCK]))
            for start in range(0, max(len(reader), 1), _BLOCK)
        ]
        return np.concatenate(forecast)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return everything that was learned, by name; ratings are in it as sums by book and author."""
        return {**population_arrays(self.population, self.context), "opinion": self.opinion.parameters}

    @classmethod
    def from_arrays(
        cls, config: RatingFeaturesConfig, arrays: Mapping[str, np.ndarray], fitted_on: str
    ) -> RatingFeatures:
        """Return the features that `arrays` came from."""
        population, context = population_from(arrays)
        return cls(config, context, population, Opinion(arrays["opinion"]), fitted_on)

    def save(self, folder: Path, *, vocabulary: str, provenance: Mapping[str, Any]) -> None:
        """Write the features as an artifact into an empty folder; `vocabulary` is the digest of the books'."""
        made = {**provenance, "made_by": made_by(), "fitted_on": self.fitted_on}
        write_artifact(folder, ModelArtifact(KIND, FORMAT, asdict(self.config), self.arrays(), vocabulary, made))

    @classmethod
    def load(cls, folder: Path, *, vocabulary: str | None = None) -> RatingFeatures:
        """Return the features saved in `folder`; BadArtifact if there are none, or of another vocabulary."""
        artifact = read_artifact(folder, kind=KIND, format=FORMAT, vocabulary=vocabulary)
        known = {f.name for f in fields(RatingFeaturesConfig)}
        if set(artifact.config) != known:
            raise BadConfig(f"{folder}: settings {sorted(artifact.config)}, expected {sorted(known)}")
        config = RatingFeaturesConfig(**artifact.config)
        return cls.from_arrays(config, artifact.arrays, str(artifact.provenance["fitted_on"]))

    @property
    def _n_shown(self) -> int:
        return min(self.config.n_vector_columns, int(self.context.vectors.shape[1]))

    def _readers(self, histories: Ratings, counted: Ratings | None) -> Readers:
        same = np.array_equal(histories.levels, self.population.levels)
        if histories.n_books != len(self.context.author) or not same:
            raise ValueError("histories over other books or another scale than the features were fitted on")
        return Readers.of(self.population, histories, counted, self.config.most_ratings)
