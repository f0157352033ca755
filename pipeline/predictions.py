"""What a release says of one reader and some books: whether they are read next, how they are liked, and why unsure.

Predictors lie in the release; the models they read lie in the store and are loaded when asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from data.artifact import read_json
from data.authors import first_author_key
from data.errors import WagahaiError
from data.release import Release
from data.seeds import derive_seed
from data.store import Store
from models.predictor import Predictive, pooled
from pipeline.asked_reader import AskedReader
from pipeline.book_doubt import share_of_book
from pipeline.config import AUTHOR, EDITION
from pipeline.doubt_config import RATING, WILL_READ
from pipeline.judge_will_read import NET
from pipeline.rating_task import KIND as RATING_KIND
from pipeline.rating_task import SETS, RatingPredictor, open_rating, with_unknown_book
from pipeline.reading_features import ReaderBlock, author_codes
from pipeline.stored_models import stored_model
from pipeline.will_read import WillRead, open_will_read

_LEVEL = 0.9  # of the interval of a probability over draws
_ROWS = 16_384  # books asked at a time, of all draws
_READ_NEXT = ("p", "low", "high", "epistemic")


@dataclass(frozen=True)
class ReadNext:
    """Whether some books are read next.

    Attributes
    ----------
    p
        float64 (n,), probability, the mean over draws.
    low, high
        float64 (n,), between which nine of ten draws lie.
    epistemic
        float64 (n,), share of the doubt (entropy) that more data would take away.
    """

    p: np.ndarray
    low: np.ndarray
    high: np.ndarray
    epistemic: np.ndarray


@dataclass(frozen=True)
class Liked:
    """How some books are liked.

    Attributes
    ----------
    levels
        float32 (n_levels,), of the scale.
    said
        What the predictor says, recalibrated where the release is.
    sets
        Probability -> places of the first and last level, int64 (n,) each, between which so many ratings lie.
    of_model, of_book, of_reader
        float64 (n,), shares of the variance that more readers to learn from, more ratings of the book, and more ratings
        by this reader would take away.
    n_reader_ratings, n_book_ratings
        int64 (n,), ratings that it is made of.
    """

    levels: np.ndarray
    said: Predictive
    sets: Mapping[float, tuple[np.ndarray, np.ndarray]]
    of_model: np.ndarray
    of_book: np.ndarray
    of_reader: np.ndarray
    n_reader_ratings: np.ndarray
    n_book_ratings: np.ndarray


@dataclass(frozen=True)
class Known:
    """What models know of one reader and every book, and the shift of the reader's log odds (`WillRead.shifts`)."""

    block: ReaderBlock
    shifts: np.ndarray


@dataclass(frozen=True)
class Asked:
    """A release of which something is asked, opened when it is."""

    store: Store
    release: Release

    @property
    def tasks(self) -> tuple[str, ...]:
        """What the release predicts."""
        return tuple(task for task in (RATING, WILL_READ) if self.why_not(task) is None)

    def why_not(self, task: str) -> str | None:
        """Return why the release does not predict a task; None if it does."""
        quality = self.release.predictor_quality
        if task in quality["tasks"] and task not in quality["left_out"]:
            return None
        return str(quality["left_out"].get(task, "the release was made without; make one anew: wagahai refresh"))

    @cached_property
    def rating(self) -> RatingPredictor:
        """The predictor of ratings, from the store: of books that few have rated the release's copy is not told.

        Raises
        ------
        WagahaiError
            If it is no longer in the store.
        """
        folder = self.store.artifact(RATING_KIND, str(self.release.manifest["predictors"][RATING]["artifact"]))
        if not folder.is_dir():
            raise WagahaiError(
                f"how a book is liked cannot be worked out any more: the predictor of release {self.release.id} is not "
                f"in {self.store.root}. Make it anew: wagahai refresh"
            )
        return open_rating(folder, self.release.manifest["vocabulary"])

    @cached_property
    def reading(self) -> WillRead:
        """The predictor of what is read next, with the models it reads; an error says which is gone."""
        folder, manifest = self.release.predictor(WILL_READ), self.release.manifest
        names = manifest["predictors"][WILL_READ]["models"]
        told = "what a reader reads next"
        models = {
            kind: stored_model(self.store, self.release, kind, name, told=told) for kind, name in sorted(names.items())
        }
        return open_will_read(folder, models, self.release.books.n_readers, self._author, manifest["vocabulary"])

    @property
    def scale(self) -> tuple[np.ndarray, tuple[float, float]]:
        """Levels of the ratings, float32 (n_levels,), and the ends of their scale; no levels without ratings."""
        if self.why_not(RATING) is not None:
            return np.empty(0, np.float32), (0.0, 0.0)
        low, high = read_json(self.release.predictor(RATING) / "manifest.json")["config"]["scale"]
        return self.rating.levels, (float(low), float(high))

    @property
    def rank_by(self) -> str:
        """What books are ranked by for a reader: the predictor (``will_read``), or the kind of the base ranker."""
        return str(self.release.predictor_quality["tasks"][WILL_READ]["verdict"]["rank_by"])

    def known(self, reader: AskedReader) -> Known:
        """Return what the models know of a reader and every book."""
        block = self.reading.features.block(reader.visible(len(self.release.books)))
        return Known(block, self.reading.shifts(block, self._n_draws, self._seed))

    def read_next(self, known: Known, rows: np.ndarray) -> ReadNext:
        """Return whether books (rows of the release) are read next by a reader."""
        parts = [self._read_next(known, rows[start : start + _ROWS]) for start in range(0, max(len(rows), 1), _ROWS)]
        return ReadNext(*(np.concatenate([getattr(part, name) for part in parts]) for name in _READ_NEXT))

    def scores(self, known: Known, rows: np.ndarray, explore: int | None = None) -> np.ndarray:
        """Return what books are ranked by, float64 (n,), higher is better.

        Parameters
        ----------
        explore
            Seed of one draw of the predictor, by which they are ranked then (Thompson 1933): an opinion that is
            consistent over all books, and as often another as there is doubt.
        """
        if explore is None and self.rank_by != NET:
            by_base: np.ndarray = known.block.scores[0, 0, rows].astype(np.float64)
            return by_base
        n_draws, seed = (1, explore) if explore is not None else (self._n_draws, self._seed)
        zeros = np.zeros(len(rows), np.int64)
        p: np.ndarray = self.reading.predict(known.block, known.shifts, zeros, rows, n_draws, seed).mean.astype(
            np.float64
        )
        return p

    def liked(self, reader: AskedReader, rows: np.ndarray) -> Liked:
        """Return how a reader likes books, rows of the release."""
        return self._liked(self.rating, reader, rows)

    def liked_unknown(self, reader: AskedReader, authors: str) -> Liked:
        """Return how a reader likes a book that the release does not have, by its first author if that one is known."""
        code = self._code_of(first_author_key(authors))
        predictor = replace(self.rating, features=with_unknown_book(self.rating.features, code))
        return self._liked(predictor, reader, np.array([len(self.release.books)]))

    def _liked(self, predictor: RatingPredictor, reader: AskedReader, rows: np.ndarray) -> Liked:
        features, levels = predictor.features, predictor.levels
        n_books = len(features.context.author)
        history, counted = (part.as_ratings(levels, n_books) for part in (reader.rated, reader.counted))
        described = features.of_pairs(history, np.zeros(len(rows), np.int64), rows, counted=counted)
        said = predictor.predict(described.features, self._n_draws, self._seed)
        total = np.maximum(said.epistemic_var + said.aleatoric_var, 1e-12).astype(np.float64)
        of_model = said.epistemic_var / total
        of_reader = predictor.of_reader(described.features) * said.aleatoric_var / total
        of_book = share_of_book(predictor, described.features, described.n_book_ratings) * said.aleatoric_var / total
        assert said.p is not None
        sets = {q: predictor.interval(said.p, q) for q in SETS}
        known = described.n_reader_ratings, described.n_book_ratings
        return Liked(levels, said, sets, of_model, of_book, of_reader, *known)

    def _read_next(self, known: Known, rows: np.ndarray) -> ReadNext:
        zeros = np.zeros(len(rows), np.int64)
        draws = self.reading.draws(known.block, known.shifts, zeros, rows, self._n_draws, self._seed)
        low, high = np.quantile(draws.mean, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2], axis=0)
        said = pooled(draws)
        entropy = np.maximum(said.entropy, 1e-12)
        return ReadNext(said.mean.astype(np.float64), low, high, said.mutual_information / entropy)

    @property
    def _n_draws(self) -> int:
        return int(self.release.manifest["settings"]["predictors"]["n_draws"])

    @property
    def _seed(self) -> int:
        """The same draws for every question: two answers then differ by what was asked."""
        return derive_seed(int(self.release.manifest["seed"]), "predict/draws")

    @cached_property
    def _keys(self) -> list[str]:
        return [first_author_key(authors) for authors in self.release.books.columns["authors"]]

    @cached_property
    def _author(self) -> np.ndarray:
        books = self.release.books
        if self.release.manifest["settings"]["corpus"].get("unit", EDITION) == AUTHOR:
            return np.arange(len(books))
        ids = books.columns["book"]
        return author_codes(ids, {id_: key for id_, key in zip(ids, self._keys, strict=True) if key})

    def _code_of(self, key: str) -> int:
        """Return the number that the features of ratings have for an author, -1 if there is no book of theirs."""
        rows = [row for row, known in enumerate(self._keys) if key and known == key]
        return int(self.rating.features.context.author[rows[0]]) if rows else -1
