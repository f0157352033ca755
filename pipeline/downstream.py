"""The tasks downstream of spaces and topics, each learned, judged and kept by digest: what is read, how it is liked.

A task that cannot be learned is left out with its reason, and stops nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data.artifact import read_json
from data.corpus import Corpus
from data.history import ReadingHistory
from data.progress import Progress
from data.store import Store
from pipeline.build_corpus import author_of_books
from pipeline.config import AUTHOR, TOPIC_MODELS, Settings
from pipeline.judge_will_read import make_will_read_quality
from pipeline.reading_features import STACKED, author_codes
from pipeline.represent import Part
from pipeline.will_read import make_will_read


@dataclass(frozen=True)
class Predicted:
    """What a task leaves in the store.

    Attributes
    ----------
    predictor, quality
        Folders of the predictor and of how well it predicts.
    models
        Kind -> folder of the models, fitted to everybody, that it is asked with.
    """

    predictor: Path
    quality: Path
    models: Mapping[str, Path]


def stacked_kinds(kinds: tuple[str, ...]) -> tuple[str, ...]:
    """Return which of some kinds of models features come from."""
    return tuple(kind for kind in kinds if kind in (*STACKED, *TOPIC_MODELS))


def predict_reading(
    store: Store,
    history: ReadingHistory,
    part: Part,
    judged: Mapping[str, Path],
    of_all: Mapping[str, Path],
    settings: Settings,
    progress: Progress,
) -> tuple[Predicted, bool]:
    """Learn and judge whether a book is read next; return it, and whether anything was made.

    Parameters
    ----------
    part
        A split by readers.
    judged, of_all
        Kind -> folder of the same models, fitted to its training readers and to everybody.
    """
    author = authors_of(history, part.corpus)
    predictor, made = make_will_read(store, part, judged, author, settings, progress)
    quality, measured = make_will_read_quality(store, part, judged, predictor, author, settings, progress)
    kinds = stacked_kinds(tuple(judged))
    return Predicted(predictor, quality, {kind: of_all[kind] for kind in kinds}), made or measured


def authors_of(history: ReadingHistory, corpus: Path) -> np.ndarray:
    """Return a number for the first author of each book of a corpus, int64 (n_books,), -1 where unknown."""
    opened = Corpus.load(corpus)
    if read_json(corpus / "manifest.json")["config"].get("unit") == AUTHOR:  # a book is an author
        return np.arange(opened.n_books)
    return author_codes(opened.books.ids, dict(author_of_books(history).iter_rows()))
