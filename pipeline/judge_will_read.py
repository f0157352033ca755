"""How well it is predicted what a reader reads next: as a ranking, and as probabilities over all books.

The test readers are seen by no ranker and by no predictor. Every book they have not shown is a pair with an outcome, so
that probabilities are judged where they are used, on all pairs and not on drawn ones. Beside the predictor stand

- the *curve*: the base ranker's order alone, put on a scale of probabilities by a logistic regression on the log rank
  and its square: what all the other features, and doubt about them, add to that;
- *popularity*: as many books as the reader is expected to read, by their shares of the readings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from scipy.special import expit

from data.artifact import ModelArtifact, read_artifact, write_artifact
from data.digest import digest_of
from data.progress import Progress
from data.seeds import derive_seed, generator
from data.split import HeldOut
from data.store import Store
from pipeline.config import Settings
from pipeline.logistic import logistic
from pipeline.metrics import ranking_metrics
from pipeline.reading_examples import blocks, examples_of
from pipeline.reading_features import ReaderBlock
from pipeline.represent import Part
from pipeline.will_read import MAX_READERS, WillRead, open_will_read, opened, used

KIND, FORMAT = "will_read_quality", 2
NET, CURVE, POPULARITY = "will_read", "curve", "popularity"
LOG_LOSS = "log_loss"
MAX_JUDGED = 1_000  # test readers judged by: each means every book
N_SHOWN_EDGES = (10, 50)  # books shown: cold, warm, hot readers
N_READERS_EDGES = (10, 50)  # readers: cold, warm, hot books
P_EDGES = np.concatenate([[0.0], np.geomspace(1e-5, 1, 21)])
_SMALLEST = 1e-9


@dataclass(frozen=True)
class WillReadQuality:
    """What predictions of the books of held-out readers came to.

    Attributes
    ----------
    base
        Kind of the ranker that is compared with.
    per_reader
        ``SYSTEM/METRIC`` -> float64 (n_readers,): ranking metrics of the predictor (``will_read``), of the base ranker
        (its kind) and of popularity; ``log_loss``, the sum over all books in nats, of predictor, curve and popularity.
    n_shown, n_hidden
        int64 (n_readers,), books shown and hidden.
    bins
        float64 (3, len(P_EDGES) - 1): pairs whose probability lies between two of `P_EDGES`, the sum of their
        probabilities, and how many were read: a reliability diagram.
    groups
        float64 (5, 3, 3) by cold, warm and hot readers (rows) and books (columns): pairs, sum of probabilities, how
        many were read, sum of the entropy, and of the part of it that is epistemic (mutual information).
    """

    base: str
    per_reader: Mapping[str, np.ndarray]
    n_shown: np.ndarray
    n_hidden: np.ndarray
    bins: np.ndarray
    groups: np.ndarray

    def save(self, folder: Path, vocabulary: str, provenance: Mapping[str, Any]) -> None:
        """Write it as an artifact into an empty folder."""
        arrays = {f"per_reader/{name}": values for name, values in self.per_reader.items()}
        arrays |= {"n_shown": self.n_shown, "n_hidden": self.n_hidden, "bins": self.bins, "groups": self.groups}
        described = {"base": self.base, "p_edges": P_EDGES.tolist()}
        write_artifact(folder, ModelArtifact(KIND, FORMAT, described, arrays, vocabulary, provenance))

    @classmethod
    def load(cls, folder: Path) -> WillReadQuality:
        """Return what was saved in `folder`."""
        artifact = read_artifact(folder, kind=KIND, format=FORMAT)
        arrays = artifact.arrays
        per_reader = {
            name.removeprefix("per_reader/"): values
            for name, values in arrays.items()
            if name.startswith("per_reader/")
        }
        parts = (arrays[name] for name in ("n_shown", "n_hidden", "bins", "groups"))
        return cls(str(artifact.config["base"]), per_reader, *parts)


def make_will_read_quality(
    store: Store,
    part: Part,
    models: Mapping[str, Path],
    predictor: Path,
    author: np.ndarray,
    settings: Settings,
    progress: Progress,
) -> tuple[Path, bool]:
    """Return the folder of the quality of a predictor (`pipeline.will_read`), and whether it had to be measured.

    Parameters
    ----------
    part, models, author
        What it was made from.
    """
    key = {**part.key(settings.split), "models": used(models), "predictor": predictor.name}
    digest = digest_of([KIND, FORMAT, key, settings.predictors.n_draws, part.seed])

    def make(folder: Path) -> None:
        split = part.split(settings.split)
        vocabulary = split.train.books.digest
        fitted = open_will_read(predictor, opened(models, vocabulary), split.train.readers_per_book, author, vocabulary)
        curve = fit_curve(fitted, split.validation, part.seed)
        chosen = generator(part.seed, "will_read/judged").permutation(len(split.test.rows))[:MAX_JUDGED]
        quality = judge_will_read(
            fitted, curve, split.test, np.sort(chosen), settings.predictors.n_draws, part.seed, progress
        )
        quality.save(folder, vocabulary, {"data": key, "seed": part.seed})

    return store.get_or_make(KIND, digest, make)


def judge_will_read(
    fitted: WillRead,
    curve: np.ndarray,
    held_out: HeldOut,
    rows: np.ndarray,
    n_draws: int,
    seed: int,
    progress: Progress,
) -> WillReadQuality:
    """Return how well the hidden books of some held-out readers (rows of `held_out`) are predicted.

    Parameters
    ----------
    curve
        As `fit_curve` returns it.
    """
    parts: list[tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]] = []
    progress.start("judge what is read next", len(rows))
    for part in blocks(len(rows)):
        visible, hidden = held_out.visible[rows[part]], held_out.hidden[rows[part]]
        parts.append(_judge_block(fitted, curve, visible, hidden, n_draws, derive_seed(seed, "will_read/draws")))
        progress.advance(len(rows[part]))
    bins, groups = np.sum([one[1] for one in parts], axis=0), np.sum([one[2] for one in parts], axis=0)
    progress.finish(f"{len(rows):,} held-out readers, {int(bins[0].sum()):,} pairs")
    sizes = [np.diff(getattr(held_out, name)[rows].indptr).astype(np.int64) for name in ("visible", "hidden")]
    joined = {name: np.concatenate([found[name] for found, _, _ in parts]) for name in parts[0][0]}
    return WillReadQuality(fitted.features.base, joined, sizes[0], sizes[1], bins, groups)


def _judge_block(
    fitted: WillRead, curve: np.ndarray, visible: sp.csr_matrix, hidden: sp.csr_matrix, n_draws: int, seed: int
) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Return `per_reader`, `bins` and `groups` of some readers."""
    features = fitted.features
    block = features.block(visible)
    is_shown, is_read = visible.toarray() > 0, hidden.toarray() > 0
    reader, book = np.nonzero(~is_shown)
    said = fitted.predict(block, fitted.shifts(block, n_draws, seed), reader, book, n_draws, seed)
    p = np.zeros(is_shown.shape)
    p[reader, book] = said.mean
    systems = {NET: p, CURVE: _on_curve(curve, block), POPULARITY: _by_popularity(fitted, block)}
    found = {f"{name}/{LOG_LOSS}": _log_loss(values, is_read, is_shown) for name, values in systems.items()}
    for name, scores in ((NET, p), (features.base, block.scores[0]), (POPULARITY, systems[POPULARITY])):
        found |= {f"{name}/{metric}": v for metric, v in ranking_metrics(scores, visible, hidden).items()}
    of_pairs = (np.ones(len(book)), said.mean, is_read[reader, book].astype(np.float64))
    cell = _cell(block.n_shown[reader], N_SHOWN_EDGES), _cell(features.n_readers[book], N_READERS_EDGES)
    return found, _by_bin(of_pairs), _by_group((*of_pairs, said.entropy, said.mutual_information), *cell)


def fit_curve(fitted: WillRead, validation: HeldOut, seed: int) -> np.ndarray:
    """Return intercept and slopes of the base ranker's log rank and its square, float64 (3,), by penalised likelihood.

    They are learned from the examples of the validation readers, with the same offset that the predictor has.
    """
    rows = generator(seed, "will_read/readers").permutation(len(validation.rows))[:MAX_READERS]
    random = generator(seed, "will_read/curve")
    examples = examples_of(fitted.features, validation, np.sort(rows), fitted.sampling, random)
    log_rank = examples.features[:, 1 + fitted.features.names.index("rank")]
    return logistic(_curve_columns(log_rank), examples.features[:, 0], examples.outcome)


def _curve_columns(log_rank: np.ndarray) -> np.ndarray:
    return np.stack([np.ones(log_rank.shape), log_rank, log_rank**2], axis=-1).astype(np.float64)


def _on_curve(curve: np.ndarray, block: ReaderBlock) -> np.ndarray:
    p: np.ndarray = expit(_curve_columns(np.log1p(block.rank)) @ curve)
    return p


def _by_popularity(fitted: WillRead, block: ReaderBlock) -> np.ndarray:
    """Expected number of books times each book's share of the readings of those not shown."""
    share = np.where(block.visible.toarray() > 0, 0, fitted.features.n_readers + 0.5)
    share /= np.maximum(share.sum(axis=1, keepdims=True), _SMALLEST)
    p: np.ndarray = -np.expm1(-fitted.sampling.n_expected(block.n_shown)[:, None] * share)
    return p


def _log_loss(p: np.ndarray, is_read: np.ndarray, is_shown: np.ndarray) -> np.ndarray:
    p = np.clip(p, _SMALLEST, 1 - 1e-7)
    losses = -np.where(is_read, np.log(p), np.log1p(-p))
    total: np.ndarray = np.where(is_shown, 0, losses).sum(axis=1)
    return total


def _by_bin(of_pairs: tuple[np.ndarray, ...]) -> np.ndarray:
    place = np.clip(np.searchsorted(P_EDGES, of_pairs[1], side="right") - 1, 0, len(P_EDGES) - 2)
    return np.stack([np.bincount(place, values, len(P_EDGES) - 1) for values in of_pairs])


def _cell(size: np.ndarray, edges: tuple[int, int]) -> np.ndarray:
    return np.searchsorted(edges, size, side="right")


def _by_group(of_pairs: tuple[np.ndarray, ...], reader: np.ndarray, book: np.ndarray) -> np.ndarray:
    return np.stack([np.bincount(3 * reader + book, values, 9).reshape(3, 3) for values in of_pairs])
