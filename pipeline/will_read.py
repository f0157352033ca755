"""Will a reader read a book next? A predictor over what the rankers say (stacking), without looking at its own answer.

The rankers are fitted to the training readers. The predictor learns from the *validation* readers, whom no ranker has
seen: from what they show to what is hidden (Wolpert 1992, stacked generalisation). It is judged on the test readers
(`pipeline.judge_will_read`), and a release applies it to rankers fitted to everybody.

What is predicted is the probability that the book is among the next ones the reader reads, as many as a quarter of
those shown where a fifth is hidden (`Sampling.n_expected`): hidden books are those to come.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import expit

from data.artifact import ModelArtifact, read_artifact, write_artifact
from data.digest import digest_of, digest_of_arrays
from data.errors import BadArtifact, EmptyCorpus
from data.progress import Progress
from data.seeds import generator
from data.store import Store
from models.base import Ranker, Run
from models.catalogue import model_class, predictor_class
from models.predictor import Draws, Predictive, Predictor, joined, pooled
from pipeline.config import TOPIC_MODELS, Settings
from pipeline.doubt_config import WILL_READ
from pipeline.predictor_settings import predictor_config
from pipeline.reading_examples import FORMAT as EXAMPLES_FORMAT
from pipeline.reading_examples import Sampling, examples_of
from pipeline.reading_features import FORMAT as FEATURES_FORMAT
from pipeline.reading_features import STACKED, ReaderBlock, ReadingFeatures
from pipeline.represent import Part

KIND, FORMAT = WILL_READ, 3
PREDICTOR = "predictor"  # folder in an artifact of a task
MAX_READERS = 2_000  # validation readers learned from: more add time, not sense
P_STOP = 0.2  # share of them by whom it is seen when to stop
_PAIRS = 65_536  # pairs predicted at a time
_FIRST, _ROUNDS = 1_000, 2  # places summed one by one; times that it is shifted
_MOST_SHIFT, _HALVINGS = 12.0, 40
_EDGE = 1e-7  # what float32 tells from 0 and 1


@dataclass(frozen=True)
class WillRead:
    """A fitted predictor, the features it reads, and how its examples were drawn."""

    predictor: Predictor[Any]
    features: ReadingFeatures
    sampling: Sampling

    def shifts(self, block: ReaderBlock, n_draws: int, seed: int) -> np.ndarray:
        """Return what is added to the log odds of each reader of a block, float64 (n_rows,).

        How many books a reader reads next is known: it is what the question is about (`Sampling.n_expected`). The
        probabilities of all books must sum to it, and those of a net that learned from drawn examples do so only
        nearly, the less the fewer readers it learned from. The sum is taken over the first `_FIRST` places of the base
        ranker and over one place in so many of the others that about as many again are looked at.
        """
        n_rows, n_books = block.rank.shape
        order = np.argsort(block.rank, axis=1)
        step = max(1, (n_books - _FIRST) // _FIRST)
        places = np.concatenate([np.arange(min(_FIRST, n_books)), np.arange(_FIRST + step // 2, n_books, step)])
        weight = np.where(places < _FIRST, 1, step)
        expected = self.sampling.n_expected(block.n_shown)
        shifts = np.zeros(n_rows)
        for row in range(n_rows):
            used = places < n_books - block.n_shown[row]  # what is shown comes last
            books = order[row, places[used]]
            total = min(expected[row], weight[used].sum() / 2)
            for _ in range(_ROUNDS):  # the mean over draws of shifted odds is not the shifted mean
                p = self.predict(block, shifts, np.full(len(books), row), books, n_draws, seed).mean
                shifts[row] += shift_to(p, weight[used], total)
        return shifts

    def draws(
        self, block: ReaderBlock, shifts: np.ndarray, reader: np.ndarray, book: np.ndarray, n_draws: int, seed: int
    ) -> Draws:
        """Return what draws say of pairs, over all books: the odds are corrected for how examples were drawn.

        Parameters
        ----------
        shifts
            float64 (n_rows,), as `shifts` returns them.
        reader, book
            int (n_pairs,), rows in the block and of the books.
        """
        log_rate = self.sampling.log_rate(block, self.features.n_readers)[reader, book]
        rows = self.features.rows(block, reader, book)
        with_offset = np.column_stack([-log_rate, rows]).astype(np.float32)
        return corrected(self.predictor.draws(with_offset, n_draws, seed), log_rate + shifts[reader])

    def predict(
        self, block: ReaderBlock, shifts: np.ndarray, reader: np.ndarray, book: np.ndarray, n_draws: int, seed: int
    ) -> Predictive:
        """Return what is said of pairs; `mean` is the probability that the book is read next."""
        parts = []
        for start in range(0, max(len(reader), 1), _PAIRS):
            pairs = (reader[start : start + _PAIRS], book[start : start + _PAIRS])
            parts.append(pooled(self.draws(block, shifts, *pairs, n_draws, seed)))
        return joined(parts)


def corrected(draws: Draws, log_rate: np.ndarray) -> Draws:
    """Return draws of *read* among all pairs from draws among the examples, by the rates of the latter (n_pairs,).

    A draw without probabilities is refused (ValueError): outcomes are read and not read.
    """
    if draws.p is None or draws.p.shape[2] != 2:
        raise ValueError("will read: expected a predictor of two outcomes, read and not read")
    sampled = np.clip(draws.p[:, :, 1].astype(np.float64), _EDGE, 1 - _EDGE)
    odds = sampled / (1 - sampled) * np.exp(log_rate)
    p = (odds / (1 + odds)).astype(np.float32)
    return Draws(p, p * (1 - p), np.stack([1 - p, p], axis=2))


def shift_to(p: np.ndarray, weight: np.ndarray, total: float) -> float:
    """Return the shift of the log odds of `p` (n,) after which ``sum(weight * p)`` is `total`, by bisection."""
    p = np.clip(p.astype(np.float64), 1e-12, 1 - 1e-9)
    log_odds, low, high = np.log(p / (1 - p)), -_MOST_SHIFT, _MOST_SHIFT
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if float(weight @ expit(log_odds + middle)) < total else (low, middle)
    return (low + high) / 2


def make_will_read(
    store: Store,
    part: Part,
    models: Mapping[str, Path],
    author: np.ndarray,
    settings: Settings,
    progress: Progress,
) -> tuple[Path, bool]:
    """Return the folder of the predictor learned from the validation readers of a split, and whether it was now.

    Parameters
    ----------
    part
        A split by readers.
    models
        Kind -> folder of the models fitted to its training readers.
    author
        int64 (n_books,), a number for the author of each book (`pipeline.reading_features.author_codes`).

    Raises
    ------
    EmptyCorpus
        If there is no validation reader to learn from. So few that none is left to say when to stop are learned from
        to the end.
    """
    kind = settings.predictors.kind
    predictor = predictor_class(kind)
    config = predictor_config(settings, WILL_READ, likelihood="bernoulli", n_offset_features=1)
    key = {**part.key(settings.split), "models": used(models), "author": digest_of_arrays({"author": author})}
    made_of = [KIND, FORMAT, FEATURES_FORMAT, EXAMPLES_FORMAT, kind, predictor.format, asdict(config), key, part.seed]

    def make(folder: Path) -> None:
        split = part.split(settings.split)
        features = ReadingFeatures.of(opened(models, split.train.books.digest), split.train.readers_per_book, author)
        sampling = Sampling(settings.split.p_hidden)
        rows = generator(part.seed, "will_read/readers").permutation(len(split.validation.rows))[:MAX_READERS]
        if not len(rows):
            raise EmptyCorpus("no validation reader: it takes one at least to learn from what is read next")
        n_stop = round(P_STOP * len(rows))
        random = generator(part.seed, "will_read/examples")
        stop, learned = (
            examples_of(features, split.validation, np.sort(some), sampling, random)
            for some in (rows[:n_stop], rows[n_stop:])
        )
        run = Run(part.seed, "evaluation/will_read", progress, part.device)
        fitted = predictor.fit(learned, config, run, validation=stop if len(stop) else None)
        (folder / PREDICTOR).mkdir()
        provenance = {"data": key, "seed": part.seed}
        fitted.save(folder / PREDICTOR, vocabulary=split.train.books.digest, provenance=provenance)
        described = {"predictor": kind, "features": list(features.names), "sampling": asdict(sampling)}
        counts = {"n_read": int(learned.outcome.sum()), "n_examples": len(learned), "n_readers": len(rows) - n_stop}
        write_artifact(folder, ModelArtifact(KIND, FORMAT, described, {}, split.train.books.digest, provenance, counts))

    return store.get_or_make(KIND, digest_of(made_of), make)


def open_will_read(
    folder: Path, models: Mapping[str, Ranker[Any, Any]], n_readers: np.ndarray, author: np.ndarray, vocabulary: str
) -> WillRead:
    """Return the predictor in `folder`, to be asked with the models it learned by, or the same of all readers.

    Raises
    ------
    BadArtifact
        If it is none, or learned by other models than these.
    """
    found = read_artifact(folder, kind=KIND, format=FORMAT, vocabulary=vocabulary)
    features = ReadingFeatures.of(models, n_readers, author)
    if (expected := list(features.names)) != found.config["features"]:
        raise BadArtifact(f"{folder}: features: expected {expected}, found {found.config['features']}")
    predictor = predictor_class(found.config["predictor"]).load(folder / PREDICTOR, vocabulary=vocabulary)
    return WillRead(predictor, features, Sampling(**found.config["sampling"]))


def used(models: Mapping[str, Path]) -> dict[str, str]:
    """Return the names of the artifacts that features come from, by kind."""
    return {kind: folder.name for kind, folder in sorted(models.items()) if kind in (*STACKED, *TOPIC_MODELS)}


def opened(models: Mapping[str, Path], vocabulary: str) -> dict[str, Ranker[Any, Any]]:
    """Return the models that features come from, loaded."""
    return {kind: model_class(kind).load(models[kind], vocabulary=vocabulary) for kind in used(models)}
