"""What will a reader think of a book? A predictor over `pipeline.rating_features`, for the ratings of a history.

Fitted twice, by the same code. To be judged: spaces and topics of the training readers, what is known of all ratings
but the hidden ones of validation and test readers (`pipeline.rating_split`); validation ratings say when to stop. To be
published: spaces and topics of everybody, the test readers' hidden ratings are known too; and once the predictor is
fitted, features are worked out again from all ratings.

How sure probabilities are made, and the sets that hold, come from the judged predictor for both. The spaces of the
published one know the readings that are asked about, which those of a reader who asks about an unread book do not: on
these it would find itself surer than it may be. The published predictor is taken to err as its like does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from data.artifact import ModelArtifact, read_artifact, write_artifact
from data.corpus import Corpus
from data.digest import digest_of, digest_of_arrays
from data.progress import Progress
from data.ratings import Ratings
from data.seeds import derive_seed
from data.store import Store
from models.base import Encoder, Run
from models.catalogue import model_class, predictor_class
from models.predictor import Draws, Examples, Predictive, Predictor, joined, pooled
from models.topics import TopicModel
from pipeline.build_ratings import Account, account_of
from pipeline.config import TOPIC_MODELS, Settings
from pipeline.doubt_config import RATING
from pipeline.predictor_settings import features_config, predictor_config
from pipeline.rating_evidence import BookContext
from pipeline.rating_features import FORMAT as FEATURES_FORMAT
from pipeline.rating_features import RatingFeatures
from pipeline.rating_metrics import central_levels
from pipeline.rating_split import FORMAT as SPLIT_FORMAT
from pipeline.rating_split import RatingSplit, rating_split, together
from pipeline.recalibration import ConformalInterval, Scaling
from pipeline.represent import READERS, WHOLE, Part

KIND, FORMAT = RATING, 2
PREDICTOR, FEATURES = "predictor", "features"  # folders in the artifact
P_BEST_KNOWN = 0.05
SETS = (0.5, 0.9)  # probabilities of the sets of ratings that are told
_ROWS = 16_384  # rows predicted at a time, by all draws
SPACES = ("spectral", "word2vec", "ppmi")  # the first of them that is fitted is the space of taste


@dataclass(frozen=True)
class RatingPredictor:
    """A fitted predictor and the features it reads.

    Attributes
    ----------
    known_sd
        Doubt about a reader's taste where most is known: a twentieth of the ratings learned from have less.
    scaling
        How sure its probabilities are made, by validation ratings: its weights were not fitted to them, but they said
        when to stop.
    sets
        Probability -> intervals of levels that hold so many ratings, by the same ratings, so that what they promise
        is nearly held and no theorem; none if it was not recalibrated.
    """

    predictor: Predictor[Any]
    features: RatingFeatures
    known_sd: float
    scaling: Scaling
    sets: Mapping[float, ConformalInterval]

    @property
    def levels(self) -> np.ndarray:
        """float32 (n_levels,), of the scale."""
        return self.features.population.levels

    def predict(self, features: np.ndarray, n_draws: int, seed: int) -> Predictive:
        """Return what is said of rows of features (`RatingFeatures`)."""
        starts = range(0, max(len(features), 1), _ROWS)
        return joined([pooled(self._scaled(features[start : start + _ROWS], n_draws, seed)) for start in starts])

    def interval(self, p: np.ndarray, coverage: float) -> tuple[np.ndarray, np.ndarray]:
        """Return the places of the first and last level of sets that hold a share `coverage` of ratings, (n,) each."""
        found = self.sets.get(coverage)
        return central_levels(p, coverage) if found is None else found.levels(p)

    def _scaled(self, features: np.ndarray, n_draws: int, seed: int) -> Draws:
        """Return what draws say, each made as sure as `scaling` has it: what they disagree about stays apart."""
        drawn = self.predictor.draws(features, n_draws, seed).p
        assert drawn is not None
        p = self.scaling(drawn.reshape(-1, drawn.shape[2])).reshape(drawn.shape)
        mean = p @ self.levels
        return Draws(mean, np.maximum(p @ self.levels**2 - mean**2, 0), p)

    def of_reader(self, features: np.ndarray) -> np.ndarray:
        """Return the share of a rating's variance that goes as a reader becomes well known, float64 (n_rows,).

        Of the forecast's variance ``a + c s^2`` (`pipeline.rating_opinion`) s^2 is what is not known of the reader's
        taste in the book. It never goes: who rated hundreds of books still surprises. With ``s_0`` for `known_sd` the
        share is ``c (s^2 - s_0^2) / (a + c s^2)``, 0 where more is known.
        """
        sd = taste_sd(self.features, features)
        _, left, weight = self.features.opinion.parameters
        share: np.ndarray = weight * np.maximum(sd**2 - self.known_sd**2, 0) / (left + weight * sd**2)
        return share


def _recalibrated(learned: RatingPredictor, examples: Examples, n_draws: int, seed: int) -> RatingPredictor:
    """Return the predictor as sure as it may be on examples its weights were not fitted to, and sets that hold there.

    The sets are fitted to what `predict` says once scaled, the mean of scaled draws, as `interval` is asked with it.
    """
    category = np.searchsorted(learned.levels, examples.outcome)
    said = learned.predict(examples.features, n_draws, seed).p
    assert said is not None
    scaled = replace(learned, scaling=Scaling.fit(said, category))
    told = scaled.predict(examples.features, n_draws, seed).p
    assert told is not None
    return replace(scaled, sets={q: ConformalInterval.fit(told, category, q) for q in SETS})


def taste_sd(features: RatingFeatures, rows: np.ndarray) -> np.ndarray:
    """Return how much is not known of a reader's taste in a book, in normal scores, float64 (n_rows,)."""
    sd: np.ndarray = rows[:, features.names.index("taste: sd")].astype(np.float64)
    return sd


def make_rating(
    store: Store,
    part: Part,
    ratings: Path,
    models: Mapping[str, Path],
    author: np.ndarray,
    settings: Settings,
    progress: Progress,
    judged: Path | None = None,
) -> tuple[Path, bool]:
    """Return the folder of the predictor fitted on a part, and whether it had to be fitted.

    Parameters
    ----------
    part
        The split by readers, to be judged, or the whole corpus, to be published.
    ratings
        Folder of the ratings of the corpus.
    models
        Kind -> folder of the spaces and models of topics, fitted to the readers of the part.
    author
        int64 (n_books,), a number for the first author of each book, -1 where unknown.
    judged
        Folder of the predictor of the split, whose scaling and sets the one of the whole corpus takes over; None for
        the split itself, where they are fitted on the validation ratings.
    """
    kind = settings.predictors.kind
    described = features_config(settings)
    levels = Ratings.load(ratings).levels
    config = rating_config(settings, levels)
    key = {**Part(part.corpus, READERS, part.seed).key(settings.split), "part": part.name, "ratings": ratings.name}
    key |= {"models": used(models), "author": digest_of_arrays({"author": author})}
    recalibration = [settings.predictors.recalibrate, settings.predictors.n_draws, judged and judged.name]
    formats = [FORMAT, FEATURES_FORMAT, SPLIT_FORMAT, predictor_class(kind).format]
    digest = digest_of([KIND, formats, kind, asdict(config), asdict(described), key, part.seed, recalibration])

    def make(folder: Path) -> None:
        corpus = Corpus.load(part.corpus)
        parts = parts_of(part, ratings, corpus, settings)
        known = together(parts.known, parts.test) if part.name == WHOLE else parts.known
        context = book_context(models, corpus, author)
        features = RatingFeatures.fit(known, context, described, derive_seed(part.seed, "rating/features"))
        run = Run(part.seed, f"{part.name}/rating", progress, part.device)
        stop = held_out_examples(features, known, parts.validation) if len(parts.validation) else None
        examples = features.training(known)
        fitted = predictor_class(kind).fit(examples, config, run, validation=stop)
        known_sd = float(np.quantile(taste_sd(features, examples.features), P_BEST_KNOWN))
        learned = RatingPredictor(fitted, features, known_sd, Scaling.none(len(levels)), {})
        if judged is not None:
            like = open_rating(judged, corpus.books.digest)
            learned = replace(learned, scaling=like.scaling, sets=like.sets)
        elif settings.predictors.recalibrate and stop is not None:
            learned = _recalibrated(learned, stop, settings.predictors.n_draws, part.seed)
        if part.name == WHOLE:
            everything = together(known, parts.validation)
            again = RatingFeatures.fit(everything, context, described, derive_seed(part.seed, "rating/features"))
            learned = replace(learned, features=again)
        provenance = {"data": key, "seed": part.seed}
        _write(folder, learned, account_of(ratings), provenance, corpus.books.digest)

    return store.get_or_make(KIND, digest, make)


def open_rating(folder: Path, vocabulary: str | None = None) -> RatingPredictor:
    """Return the predictor in `folder`; BadArtifact if it is none, or of other books."""
    found = read_artifact(folder, kind=KIND, format=FORMAT, vocabulary=vocabulary)
    predictor = predictor_class(found.config["predictor"]).load(folder / PREDICTOR, vocabulary=vocabulary)
    features = RatingFeatures.load(folder / FEATURES, vocabulary=vocabulary)
    sets = {
        q: ConformalInterval(q, found.arrays[name]) for q in SETS if (name := f"set{round(100 * q)}") in found.arrays
    }
    scaling = Scaling(*found.arrays["scaling"])
    return RatingPredictor(predictor, features, float(found.config["known_sd"]), scaling, sets)


def rating_config(settings: Settings, levels: np.ndarray) -> Any:
    """Return the configuration of the predictor for ratings of some levels; BadConfig if a profile is wrong.

    The likelihood is categorical, over the forecast that the first features are (log probabilities): what is learned
    is what that forecast lacks.
    """
    outcomes = [float(level) for level in levels]
    return predictor_config(
        settings, RATING, likelihood="categorical", outcomes=outcomes, n_offset_features=len(outcomes)
    )


def parts_of(part: Part, ratings: Path, corpus: Corpus, settings: Settings) -> RatingSplit:
    """Return the ratings in three parts, by the split by readers of the corpus of a part."""
    split = Part(part.corpus, READERS, part.seed).split(settings.split)
    return rating_split(Ratings.load(ratings), corpus, split, part.seed)


def book_context(models: Mapping[str, Path], corpus: Corpus, author: np.ndarray) -> BookContext:
    """Return what is known of the books of a corpus besides ratings, from fitted models."""
    vectors, topics = np.zeros((corpus.n_books, 0), np.float32), []
    for kind in used(models):
        model = model_class(kind).load(models[kind], vocabulary=corpus.books.digest)
        if isinstance(model, TopicModel):
            topics.append(model.profiles())
        elif isinstance(model, Encoder):
            vectors = model.book_vectors()
    return BookContext(author, vectors, corpus.readers_per_book, tuple(topics))


def used(models: Mapping[str, Path]) -> dict[str, str]:
    """Return the artifacts that books are described by: of the space of taste, and of the models of topics."""
    space = next((kind for kind in SPACES if kind in models), None)
    kinds = [*([space] if space else []), *(kind for kind in TOPIC_MODELS if kind in models)]
    return {kind: models[kind].name for kind in kinds}


def held_out_examples(features: RatingFeatures, known: Ratings, held_out: Ratings) -> Examples:
    """Return ratings that are not known, described by those that are, of the same readers."""
    rows = features.of_pairs(known, held_out.reader, held_out.book, counted=known)
    return Examples(rows.features, held_out.value)


def with_unknown_book(features: RatingFeatures, author: int) -> RatingFeatures:
    """Return features with one more book, the last, of which nothing is known but its author (-1: not even that)."""
    arrays = dict(features.arrays())
    for name, array in arrays.items():
        if name in ("vectors", "book_sums") or name.startswith("topics_") or (name == "author_sums" and author < 0):
            arrays[name] = np.concatenate([array, np.zeros((1, *array.shape[1:]), array.dtype)])
    arrays["n_readers"] = np.append(arrays["n_readers"], 0)
    arrays["author"] = np.append(arrays["author"], author)
    return RatingFeatures.from_arrays(features.config, arrays, features.fitted_on)


def _write(
    folder: Path,
    fitted: RatingPredictor,
    account: Account,
    provenance: Mapping[str, Any],
    vocabulary: str,
) -> None:
    for name in (PREDICTOR, FEATURES):
        (folder / name).mkdir()
    fitted.predictor.save(folder / PREDICTOR, vocabulary=vocabulary, provenance=provenance)
    fitted.features.save(folder / FEATURES, vocabulary=vocabulary, provenance=provenance)
    described = {
        "predictor": fitted.predictor.kind,
        "features": list(fitted.features.names),
        "scale": [account.low, account.high],
        "known_sd": fitted.known_sd,
    }
    arrays = {"scaling": np.stack([fitted.scaling.weight, fitted.scaling.bias])}
    arrays |= {f"set{round(100 * q)}": one.threshold for q, one in fitted.sets.items()}
    write_artifact(folder, ModelArtifact(KIND, FORMAT, described, arrays, vocabulary, provenance))
