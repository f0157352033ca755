"""How good topics are, measured on readers whom their model has never seen, beside what random lists of books give.

The model fitted to the training readers is judged on all held-out readers. Models fitted from other seeds to bootstrap
samples of these readers say how stable its topics are: from other seeds alone a fit with a start of its own, as from a
factorisation, would be stable by making. *Random lists* are as many books drawn one after another as readings are: a
book with twice as many readers is twice as likely.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from data.artifact import ModelArtifact, read_artifact, write_artifact
from data.corpus import Corpus
from data.digest import digest_of
from data.progress import Progress
from data.seeds import derive_seed, generator
from data.split import Split
from data.store import Store
from models.base import Run
from models.catalogue import model_class
from models.coherence import N_COHERENT, npmi
from models.topics import TopicModel
from pipeline.config import Settings
from pipeline.represent import Part, model_config
from pipeline.resample import sample
from pipeline.topic_metrics import BACKGROUND_WEIGHT, N_DIVERSE, dead

KIND, FORMAT = "topic_quality", 2
N_RANDOM = 100  # random lists
_BLOCK = 256  # readers predicted at a time


@dataclass(frozen=True)
class Lists:
    """Lists of books, and how much these are read together.

    Attributes
    ----------
    top
        int32 (n_topics, `N_DIVERSE`), rows of the books, most typical first.
    npmi_all, npmi_held
        float64 (n_topics,), of the first `N_COHERENT`, over all readers and over the held-out ones.
    """

    top: np.ndarray
    npmi_all: np.ndarray
    npmi_held: np.ndarray


@dataclass(frozen=True)
class JudgedTopics:
    """The topics of one model.

    Attributes
    ----------
    lists
        Its topics as lists.
    tops
        The most typical books of the judged model and of those learned again, in this order; int32 (n_topics, n)
        each, n at most `N_DIVERSE`.
    is_dead
        bool (n_topics,), topics that are hardly read or hardly differ from the average (`pipeline.topic_metrics.dead`).
    log_p
        float64 (n_readers,), sum of the log probabilities of each held-out reader's hidden books.
    """

    lists: Lists
    tops: tuple[np.ndarray, ...]
    is_dead: np.ndarray
    log_p: np.ndarray


@dataclass(frozen=True)
class TopicQuality:
    """The topics of several models, judged by the same held-out readers.

    Attributes
    ----------
    random
        Random lists.
    n_hidden
        int64 (n_readers,), hidden books of each held-out reader.
    log_unigram
        float64 (n_readers,), as `JudgedTopics.log_p`, by the frequency of books among the training readings alone.
    """

    models: Mapping[str, JudgedTopics]
    random: Lists
    n_hidden: np.ndarray
    log_unigram: np.ndarray

    def save(self, folder: Path, config: Mapping[str, Any], vocabulary: str, provenance: Mapping[str, Any]) -> None:
        """Write it as an artifact into an empty folder."""
        arrays = {"n_hidden": self.n_hidden, "log_unigram": self.log_unigram}
        arrays |= {f"random/{name}": array for name, array in vars(self.random).items()}
        for kind, judged in self.models.items():
            arrays |= {f"{kind}/{name}": array for name, array in vars(judged.lists).items()}
            arrays |= {f"{kind}/tops": np.stack(judged.tops)}
            arrays |= {f"{kind}/is_dead": judged.is_dead, f"{kind}/log_p": judged.log_p}
        described = {**config, "models": list(self.models)}
        write_artifact(folder, ModelArtifact(KIND, FORMAT, described, arrays, vocabulary, provenance))

    @classmethod
    def load(cls, folder: Path) -> TopicQuality:
        """Return what was saved in `folder`."""
        artifact = read_artifact(folder, kind=KIND, format=FORMAT)
        arrays = artifact.arrays

        def lists(of: str) -> Lists:
            return Lists(*(arrays[f"{of}/{name}"] for name in ("top", "npmi_all", "npmi_held")))

        models = {
            kind: JudgedTopics(
                lists(kind), tuple(arrays[f"{kind}/tops"]), arrays[f"{kind}/is_dead"], arrays[f"{kind}/log_p"]
            )
            for kind in artifact.config["models"]
        }
        return cls(models, lists("random"), arrays["n_hidden"], arrays["log_unigram"])


def make_topic_quality(
    store: Store, part: Part, models: Mapping[str, Path], settings: Settings, progress: Progress
) -> tuple[Path, bool]:
    """Return the folder of the quality of the topics of `models`, and whether it had to be measured.

    Parameters
    ----------
    part
        A split by readers.
    models
        Kind -> folder of the model fitted to the training readers of the split.
    """
    key = {**part.key(settings.split), "models": {kind: folder.name for kind, folder in models.items()}}
    digest = digest_of([KIND, FORMAT, key, settings.topics.n_seeds])

    def make(folder: Path) -> None:
        split = part.split(settings.split)
        fitted = {kind: _opened(kind, path, split.train.books.digest) for kind, path in models.items()}
        others = {kind: _fitted_again(kind, split.train, part, settings, progress) for kind in models}
        quality = judge_topics(fitted, others, Corpus.load(part.corpus), split, part.seed)
        quality.save(
            folder, {"n_seeds": settings.topics.n_seeds}, split.train.books.digest, {"data": key, "seed": part.seed}
        )

    return store.get_or_make(KIND, digest, make)


def judge_topics(
    models: Mapping[str, TopicModel[Any, Any]],
    others: Mapping[str, list[np.ndarray]],
    data: Corpus,
    split: Split,
    seed: int,
) -> TopicQuality:
    """Return the quality of models fitted to the training readers of `split`, which is a split of `data`.

    Parameters
    ----------
    others
        Kind -> most typical books of the same model learned again (`typical_books`).
    """
    parts = (split.validation, split.test)
    held = data.counts[np.concatenate([part.rows for part in parts])]
    visible, hidden = (sp.vstack([getattr(part, name) for part in parts]).tocsr() for name in ("visible", "hidden"))
    unigram = split.train.readers_per_book + 0.5
    unigram = unigram / unigram.sum()

    def lists(top: np.ndarray) -> Lists:
        first = top[:, :N_COHERENT]
        return Lists(top.astype(np.int32), npmi(first, data.counts), npmi(first, held))

    judged = {}
    for kind, model in models.items():
        of_model = lists(typical_books(model))
        log_p = _log_probabilities(model, visible, hidden, unigram)
        is_dead = dead(model.topics(), model.topic_shares())
        tops = (of_model.top, *others[kind])
        n = min(top.shape[1] for top in tops)  # fewer where a sample has not so many books
        judged[kind] = JudgedTopics(of_model, tuple(top[:, :n] for top in tops), is_dead, log_p)
    return TopicQuality(
        judged,
        lists(random_lists(data.readers_per_book, generator(seed, "topics/random-lists"))),
        np.diff(hidden.indptr).astype(np.int64),
        np.asarray(hidden @ np.log(unigram), np.float64),
    )


def typical_books(model: TopicModel[Any, Any], n: int = N_DIVERSE) -> np.ndarray:
    """Return the `n` most typical books of every topic, int32 (n_topics, n), most typical first.

    Fewer where fewer may stand in the list of every topic: a model can keep books out of lists (``-inf``).
    """
    typical = model.typical()
    n_listed = int(np.isfinite(typical).sum(axis=1).min())
    return np.argsort(-typical, axis=1, kind="stable")[:, : min(n, n_listed)].astype(np.int32)


def random_lists(n_readers: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return `N_RANDOM` random lists, int32 (`N_RANDOM`, `N_DIVERSE`), fewer books where there are not so many."""
    p = n_readers / n_readers.sum()
    n = min(N_DIVERSE, int((p > 0).sum()))
    return np.stack([random.choice(len(p), n, replace=False, p=p) for _ in range(N_RANDOM)]).astype(np.int32)


def _opened(kind: str, folder: Path, vocabulary: str) -> TopicModel[Any, Any]:
    model = model_class(kind).load(folder, vocabulary=vocabulary)
    if not isinstance(model, TopicModel):
        raise TypeError(f"{kind} has no topics")
    return model


def _fitted_again(kind: str, train: Corpus, part: Part, settings: Settings, progress: Progress) -> list[np.ndarray]:
    """Most typical books of the model fitted again, from other seeds and to bootstrap samples of the readers."""
    model, config = model_class(kind), model_config(kind, settings)
    tops = []
    for nth in range(1, settings.topics.n_seeds):
        stream = f"topics/stability/{nth}"
        rows = np.sort(generator(part.seed, f"{stream}/readers").integers(0, train.n_readers, train.n_readers))
        run = Run(derive_seed(part.seed, stream), "evaluation/readers", progress, part.device)
        again = model.fit(sample(train, rows), config, run)
        assert isinstance(again, TopicModel)
        tops.append(typical_books(again))
    return tops


def _log_probabilities(
    model: TopicModel[Any, Any], visible: sp.csr_matrix, hidden: sp.csr_matrix, unigram: np.ndarray
) -> np.ndarray:
    """Sum of the log probabilities of each reader's hidden books, given the visible ones; a little unigram mixed in."""
    sums = np.zeros(hidden.shape[0])
    for start in range(0, len(sums), _BLOCK):
        row, column = hidden[start : start + _BLOCK].nonzero()
        p = model.predict(visible[start : start + _BLOCK])[row, column].astype(np.float64)
        log_p = np.log((1 - BACKGROUND_WEIGHT) * p + BACKGROUND_WEIGHT * unigram[column])
        sums[start : start + _BLOCK] = np.bincount(row, log_p, minlength=min(_BLOCK, len(sums) - start))
    return sums
