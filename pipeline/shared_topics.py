"""Topics that two books share, by every model of topics that a release has. numpy only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data.release import Release
from pipeline.topic_names import topic_names

MIN_SHARE = 0.1  # of the readings of each book, which a topic must have to be one of the book's


@dataclass(frozen=True)
class SharedTopic:
    """A topic of two books.

    Attributes
    ----------
    model
        Kind of the model whose topic it is.
    topic
        Its row among the topics of the model.
    name
        What it is called (`pipeline.topic_names`).
    of_one, of_other
        Its share of the readings of each book, by the model (`data.topics.Topics.profile`).
    """

    model: str
    topic: int
    name: str
    of_one: float
    of_other: float


def shared_topics(release: Release, one: int, other: int) -> tuple[SharedTopic, ...]:
    """Return the topics that have at least `MIN_SHARE` of the readings of both books; empty without topics.

    By model, as the release lists them; then by the smaller of the two shares, the largest first; then by row.
    """
    found: list[SharedTopic] = []
    for kind in release.topic_models:
        topics = release.topics(kind)
        of_one, of_other = topics.profile(one), topics.profile(other)
        both = np.minimum(of_one, of_other)
        order = np.argsort(-both, kind="stable")
        rows = order[both[order] >= MIN_SHARE].tolist()
        names = topic_names(release.books, topics) if rows else []
        found += [SharedTopic(kind, row, names[row], float(of_one[row]), float(of_other[row])) for row in rows]
    return tuple(found)
