"""The topics of a reader, known or new, and how sure they are: from the release's model and the reader's books alone.

A share has its posterior mean and standard deviation from the model. Its interval is that of the Beta distribution with
these two moments: exact for LDA and a reader without books (the shares of a Dirichlet are Beta distributed, Johnson &
Kotz 1972), else an approximation that stays between 0 and 1, as a normal one would not. The topics are taken for known,
though they were learned: of readers of 40 books drawn from known topics about 8 shares in 10 lie in their intervals, by
either model.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import betaincinv

from data.corpus import binary_rows
from data.errors import BadArtifact, WagahaiError
from data.release import Release
from data.store import Store
from models.topics import TopicModel, TopicPosterior
from pipeline.stored_models import stored_model

LEVEL = 0.9
_SMALLEST = 1e-9  # of a mean and of a standard deviation, below which a share is certain


@dataclass(frozen=True)
class ReaderTopics:
    """The topics of one reader.

    Attributes
    ----------
    share
        float64 (n_topics,), posterior mean.
    low, high
        float64 (n_topics,), between which the share lies with probability `LEVEL`.
    """

    share: np.ndarray
    low: np.ndarray
    high: np.ndarray


def reader_topics(store: Store, release: Release, kind: str, rows: np.ndarray) -> ReaderTopics:
    """Return the topics of a reader of the books in `rows` of a release, by its model of a kind.

    Raises
    ------
    WagahaiError
        If the release has no topics of that kind, its model is no longer in the store or cannot be read, or `rows` is
        empty.
    """
    if not len(rows):
        raise WagahaiError("unknown: none of the reader's books is in the release")
    model = _model(store, release, kind)
    books = np.unique(rows)
    shown = binary_rows(np.zeros(len(books), np.int64), books, (1, len(release.books)))
    return of_posterior(model.reader_topics(shown))


def of_posterior(posterior: TopicPosterior) -> ReaderTopics:
    """Return what the posterior of one reader (its first row) says."""
    mean, sd = posterior.mean[0].astype(np.float64), posterior.sd[0].astype(np.float64)
    variance = np.minimum(sd**2, mean * (1 - mean) * (1 - 1e-6))  # more, no distribution on 0 to 1 has
    known = (mean < _SMALLEST) | (mean > 1 - _SMALLEST) | (variance < _SMALLEST**2)
    spread = np.where(known, 1, mean * (1 - mean) / np.where(known, 1, variance) - 1)
    a, b = np.where(known, 1, mean * spread), np.where(known, 1, (1 - mean) * spread)
    low, high = (np.where(known, mean, betaincinv(a, b, at)) for at in ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return ReaderTopics(mean, low, high)


def _model(store: Store, release: Release, kind: str) -> TopicModel[object, object]:
    release.topics(kind)  # says so if there are none
    name = str(release.manifest["models"][kind]["artifact"])
    model = stored_model(store, release, kind, name, told="the topics of a reader")
    if not isinstance(model, TopicModel):
        raise BadArtifact(f"{store.artifact(kind, name)}: {kind} has no topics")
    return model
