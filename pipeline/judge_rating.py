"""How well ratings are predicted: the hidden ratings of test readers, beside what is simple, row by row.

Everything a page needs is kept as arrays: probabilities of each system for the same ratings, how much of the doubt is
epistemic, how much was known of reader and book. Readers are numbers without meaning, which rows of one reader share.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from data.artifact import ModelArtifact, read_artifact, read_json, write_artifact
from data.corpus import Corpus
from data.digest import digest_of
from data.errors import EmptyCorpus
from data.progress import Progress
from data.ratings import Ratings
from data.seeds import derive_seed, generator
from data.store import Store
from models.base import Run
from models.catalogue import predictor_class
from pipeline.book_doubt import FORMAT as BOOK_DOUBT_FORMAT
from pipeline.book_doubt import share_of_book
from pipeline.config import Settings
from pipeline.doubt_config import DEEP_ENSEMBLE
from pipeline.rating_baselines import Biases, everybody
from pipeline.rating_metrics import Forecast
from pipeline.rating_references import FORMAT as REFERENCES_FORMAT
from pipeline.rating_references import reference_forecasts
from pipeline.rating_split import RatingSplit
from pipeline.rating_task import RatingPredictor, held_out_examples, open_rating, parts_of
from pipeline.represent import Part

KIND, FORMAT = "rating_quality", 2
NET, OPINION = "rating", "opinion"  # systems: the predictor, and the forecast it starts from
SHARES, BIASES, STRONGEST = "level_shares", "biases", "biases_reader_sd"  # what is simple
MAX_JUDGED = 50_000  # ratings judged by
MIN_JUDGED = 200  # fewer say nothing
_VARIANCES = ("epistemic_var", "aleatoric_var", "of_book", "of_reader")
_KNOWN = ("n_reader_ratings", "n_book_ratings")
_TOLD = ("in_set", "n_in_set")
TOLD_SET = 0.9  # probability of the set of levels that answers name


_ROWS = ("levels", "category", "reader", *_VARIANCES, *_KNOWN, *_TOLD)


@dataclass(frozen=True)
class RatingQuality:
    """Predictions of the hidden ratings of test readers.

    Attributes
    ----------
    levels
        float32 (n_levels,), of the scale.
    category
        int64 (n,), the place of each rating among `levels`.
    reader
        int64 (n,), equal for ratings of one reader; no row of any vocabulary.
    p
        System -> float32 (n, n_levels): the predictor (``rating``), the forecast it starts from (``opinion``), and the
        baselines (`pipeline.rating_baselines`).
    epistemic_var, aleatoric_var
        float32 (n,), of the predictor, in squared points.
    of_book, of_reader
        float32 (n,), shares of the aleatoric variance that go as a book is rated more (`pipeline.book_doubt`), and as a
        reader becomes well known.
    n_reader_ratings, n_book_ratings
        int64 (n,), ratings that were known of the reader, and of the book by others.
    in_set, n_in_set
        bool and int64 (n,), whether the rating is in the set of levels that answers name, of probability `TOLD_SET`
        and recalibrated where the predictor is, and how many levels that set has.
    """

    levels: np.ndarray
    category: np.ndarray
    reader: np.ndarray
    p: Mapping[str, np.ndarray]
    epistemic_var: np.ndarray
    aleatoric_var: np.ndarray
    of_book: np.ndarray
    of_reader: np.ndarray
    n_reader_ratings: np.ndarray
    n_book_ratings: np.ndarray
    in_set: np.ndarray
    n_in_set: np.ndarray

    def forecast(self, system: str) -> Forecast:
        """Return the forecasts of a system."""
        return Forecast(self.p[system], self.levels, self.category)

    def save(self, folder: Path, vocabulary: str, provenance: Mapping[str, Any]) -> None:
        """Write it as an artifact into an empty folder."""
        arrays = {name: getattr(self, name) for name in _ROWS}
        arrays |= {f"p/{system}": p for system, p in self.p.items()}
        write_artifact(folder, ModelArtifact(KIND, FORMAT, {"systems": list(self.p)}, arrays, vocabulary, provenance))

    @classmethod
    def load(cls, folder: Path) -> RatingQuality:
        """Return what was saved in `folder`."""
        artifact = read_artifact(folder, kind=KIND, format=FORMAT)
        arrays = artifact.arrays
        p = {system: arrays[f"p/{system}"] for system in artifact.config["systems"]}
        return cls(p=p, **{name: arrays[name] for name in _ROWS})


def make_rating_quality(
    store: Store, part: Part, ratings: Path, predictor: Path, settings: Settings, progress: Progress
) -> tuple[Path, bool]:
    """Return the folder of the quality of a predictor (`pipeline.rating_task`) made on a split, and whether it is new.

    Raises
    ------
    EmptyCorpus
        If there are fewer than `MIN_JUDGED` hidden ratings of test readers.
    """
    key = {**read_json(predictor / "manifest.json")["provenance"]["data"], "predictor": predictor.name}
    chosen = settings.predictors
    formats = [FORMAT, BOOK_DOUBT_FORMAT, REFERENCES_FORMAT, predictor_class(DEEP_ENSEMBLE).format]
    digest = digest_of([KIND, formats, key, chosen.n_draws, sorted(chosen.references), part.seed])

    def make(folder: Path) -> None:
        corpus = Corpus.load(part.corpus)
        parts = parts_of(part, ratings, corpus, settings)
        fitted = open_rating(predictor, corpus.books.digest)
        run = Run(part.seed, "evaluation/references", progress, part.device)
        quality = judge_rating(fitted, parts, chosen.n_draws, part.seed, chosen.references, run)
        quality.save(folder, corpus.books.digest, {"data": key, "seed": part.seed})
        progress.start("judge ratings", len(quality.category))  # after the references, which show their own progress
        progress.finish(f"{len(quality.category):,} hidden ratings of {len(np.unique(quality.reader)):,} readers")

    return store.get_or_make(KIND, digest, make)


def simple_forecasts(known: Ratings, reader: np.ndarray, book: np.ndarray) -> dict[str, np.ndarray]:
    """Return what is simple to say of pairs, given known ratings: system -> float64 (n, n_levels), rows sum to 1."""
    biases = Biases.fit(known)
    return {
        SHARES: everybody(known, len(reader)),
        BIASES: biases.forecast(reader, book, sd_of_reader=False),
        STRONGEST: biases.forecast(reader, book, sd_of_reader=True),
    }


def judge_rating(
    fitted: RatingPredictor,
    parts: RatingSplit,
    n_draws: int,
    seed: int,
    references: Sequence[str] = (),
    run: Run | None = None,
) -> RatingQuality:
    """Return what is said of the test ratings by what is known; EmptyCorpus if there are too few of them.

    Parameters
    ----------
    references
        What else is fitted and judged (`pipeline.rating_references`), by `run`.
    """
    if len(parts.test) < MIN_JUDGED:
        raise EmptyCorpus(f"{len(parts.test):,} hidden ratings of test readers: it takes {MIN_JUDGED} to judge by")
    random = generator(seed, "rating/judged")
    test = parts.test.rows(np.sort(random.permutation(len(parts.test))[:MAX_JUDGED]))
    known = parts.known
    rows = fitted.features.of_pairs(known, test.reader, test.book, counted=known)
    said = fitted.predict(rows.features, n_draws, derive_seed(seed, "rating/draws"))
    assert said.p is not None
    first, last = fitted.interval(said.p, TOLD_SET)
    number = random.permutation(test.n_readers)  # says no more of a reader than that the rows are of one
    p = {NET: said.p, **_others(fitted, known, test)}
    if references:
        p |= _references(fitted, parts, rows.features, n_draws, references, run or Run(seed))
    return RatingQuality(
        levels=test.levels,
        category=test.category,
        reader=number[test.reader].astype(np.int64),
        p={system: probabilities.astype(np.float32) for system, probabilities in p.items()},
        epistemic_var=said.epistemic_var,
        aleatoric_var=said.aleatoric_var,
        of_book=share_of_book(fitted, rows.features, rows.n_book_ratings).astype(np.float32),
        of_reader=fitted.of_reader(rows.features).astype(np.float32),
        n_reader_ratings=rows.n_reader_ratings,
        n_book_ratings=rows.n_book_ratings,
        in_set=(first <= test.category) & (test.category <= last),
        n_in_set=(last - first + 1).astype(np.int64),
    )


def _others(fitted: RatingPredictor, known: Ratings, test: Ratings) -> dict[str, np.ndarray]:
    """Return what the forecast that the predictor starts from, and what is simple, say of the test ratings."""
    opinion = fitted.features.opinions(known, test.reader, test.book, counted=known)
    return {OPINION: opinion, **simple_forecasts(known, test.reader, test.book)}


def _references(
    fitted: RatingPredictor, parts: RatingSplit, rows: np.ndarray, n_draws: int, kinds: Sequence[str], run: Run
) -> dict[str, np.ndarray]:
    features, known = fitted.features, parts.known
    stop = held_out_examples(features, known, parts.validation) if len(parts.validation) else None
    like = fitted.predictor.config
    return reference_forecasts(tuple(kinds), features.training(known), stop, rows, like, run, n_draws)
