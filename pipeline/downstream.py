"""The tasks downstream of spaces and topics, each learned, judged and kept by digest: what is read, how it is liked.

A task that cannot be learned is left out with its reason, and stops nothing: a release of spaces does not wait for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from data.artifact import read_json
from data.corpus import Corpus
from data.errors import EmptyCorpus
from data.history import ReadingHistory
from data.progress import Progress
from data.store import Store
from pipeline import rating_task, will_read
from pipeline.build_corpus import author_of_books
from pipeline.build_ratings import NoRatings, make_ratings
from pipeline.config import AUTHOR, Settings
from pipeline.doubt_config import RATING, WILL_READ
from pipeline.judge_rating import make_rating_quality
from pipeline.judge_will_read import make_will_read_quality
from pipeline.reading_features import STACKED, author_codes
from pipeline.represent import READERS, WHOLE, Part, compared

# No ratings, too few readers, a loss that is no number (`models.training.Diverged`, which it takes torch to name).
CANNOT_BE_LEARNED = (NoRatings, EmptyCorpus, FloatingPointError)


@dataclass(frozen=True)
class Models:
    """Kind -> folder of the same models, fitted to the training readers of a split, and to everybody."""

    judged: Mapping[str, Path]
    of_all: Mapping[str, Path]


@dataclass(frozen=True)
class Predicted:
    """What a task leaves in the store.

    Attributes
    ----------
    predictor, quality
        Folders of the predictor that is published, and of how well its like predicts.
    models
        Kind -> folder of the models, fitted to everybody, that it is asked with.
    made
        Whether anything was made, not known before.
    """

    predictor: Path
    quality: Path
    models: Mapping[str, Path]
    made: bool = False


@dataclass(frozen=True)
class LeftOut:
    """A task that is not predicted, and why."""

    why: str


def kinds_of_all(corpus: Path, settings: Settings) -> tuple[str, ...]:
    """Return the kinds of the models that are fitted to everybody: all spaces, and the rankers that predictors read."""
    stacked = STACKED if WILL_READ in settings.predictors.tasks else ()
    rankers = (kind for kind in compared(corpus, settings, READERS) if kind in stacked)
    return tuple(dict.fromkeys((*settings.spaces, *rankers)))


def predict(
    store: Store, task: str, history: ReadingHistory, part: Part, models: Models, settings: Settings, progress: Progress
) -> Predicted | LeftOut:
    """Learn a task and judge it; return what it left in the store, or why it is left out.

    Parameters
    ----------
    part
        The split by readers of the corpus.

    Only what the readings themselves do not allow leaves a task out. A wrong setting, a device that is not there or a
    damaged artifact is for a person to mend, and is raised.
    """
    make = {RATING: _predict_rating, WILL_READ: _predict_reading}[task]
    try:
        return make(store, history, part, models, settings, progress)
    except CANNOT_BE_LEARNED as error:
        return LeftOut(str(error))


def authors_of(history: ReadingHistory, corpus: Path) -> np.ndarray:
    """Return a number for the first author of each book of a corpus, int64 (n_books,), -1 where unknown."""
    opened = Corpus.load(corpus)
    if read_json(corpus / "manifest.json")["config"].get("unit") == AUTHOR:  # a book is an author
        return np.arange(opened.n_books)
    return author_codes(opened.books.ids, dict(author_of_books(history).iter_rows()))


def _predict_reading(
    store: Store, history: ReadingHistory, part: Part, models: Models, settings: Settings, progress: Progress
) -> Predicted:
    author, judged = authors_of(history, part.corpus), models.judged
    predictor, made = will_read.make_will_read(store, part, judged, author, settings, progress)
    quality, measured = make_will_read_quality(store, part, judged, predictor, author, settings, progress)
    asked = {kind: models.of_all[kind] for kind in will_read.used(judged)}
    return Predicted(predictor, quality, asked, made or measured)


def _predict_rating(
    store: Store, history: ReadingHistory, part: Part, models: Models, settings: Settings, progress: Progress
) -> Predicted:
    author = authors_of(history, part.corpus)
    ratings, gathered = make_ratings(store, history, part.corpus)
    judged, made = rating_task.make_rating(store, part, ratings, models.judged, author, settings, progress)
    quality, measured = make_rating_quality(store, part, ratings, judged, settings, progress)
    whole = replace(part, name=WHOLE)
    published, remade = rating_task.make_rating(
        store, whole, ratings, models.of_all, author, settings, progress, judged
    )
    return Predicted(published, quality, {}, any((gathered, made, measured, remade)))
