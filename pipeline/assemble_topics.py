"""What a release says of topics: an artifact per model, how good they are, and tables for other systems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from data.artifact import write_json
from data.corpus import Corpus
from data.release import TOPICS, Books
from data.topics import N_TYPICAL, NOT_TOLD, Topics, topics_of
from models.catalogue import model_class
from models.coherence import N_COHERENT, npmi
from models.topics import TopicModel
from pipeline.config import Settings
from pipeline.disclosure import parts_told
from pipeline.judge_topics import TopicQuality, typical_books
from pipeline.topic_metrics import stability
from pipeline.topic_quality import quality_table
from pipeline.trust_topics import verdict

MIN_P = 0.01  # topics of a book below it are not in the table
_BLOCK = 4_096  # readers whose topics are worked out at a time


def write_topics(
    folder: Path,
    models: Mapping[str, Path],
    quality: Path,
    corpus: Corpus,
    books: Books,
    settings: Settings,
    seed: int,
) -> None:
    """Write the topics of `models` (kind -> folder of the model fitted to everybody) into a release's folder."""
    judged = TopicQuality.load(quality)
    published = []
    for kind, path in models.items():
        model = model_class(kind).load(path, vocabulary=corpus.books.digest)
        assert isinstance(model, TopicModel)
        topics = published_topics(model, corpus, judged.models[kind].tops[1:], settings.corpus.min_readers)
        (folder / TOPICS / kind).mkdir(parents=True)
        topics.save(folder / TOPICS / kind, {"artifact": path.name}, corpus.books.digest)
        published.append(topics)
    table = quality_table(judged, books, settings.evaluation, seed)
    trusted = verdict(judged, table, settings.evaluation, seed)
    write_json(folder / "topics.json", {"models": table, "verdict": trusted})
    topic_table(published, corpus.books.ids).write_parquet(folder / "topics.parquet")
    book_table(published, corpus.books.ids).write_parquet(folder / "book_topics.parquet")


def published_topics(
    model: TopicModel[Any, Any], corpus: Corpus, others: Sequence[np.ndarray], min_readers: int
) -> Topics:
    """Return the topics of a model as they are published.

    Parameters
    ----------
    corpus
        What it was fitted to.
    others
        int (n_topics, n) each: the most typical books of models learned again from other seeds and bootstrap samples of
        the readers, which say how stable a topic is; none where that was not measured.
    min_readers
        Readers below which it is not told of how many a topic is the main one.
    """
    order = typical_books(model, N_TYPICAL)
    top = order[:, :N_COHERENT]
    n_main = _main_readers(model, corpus)
    return topics_of(
        model.kind,
        p=model.topics(),
        typical_rows=order,
        typicality=np.take_along_axis(model.typical(), order, axis=1),
        shares=model.topic_shares(),
        n_main=np.where(parts_told(n_main, min_readers), n_main, NOT_TOLD),
        npmi=npmi(top, corpus.counts),
        stability=stability([top, *(other[:, :N_COHERENT] for other in others)]) if others else np.empty(0),
    )


def _main_readers(model: TopicModel[Any, Any], corpus: Corpus) -> np.ndarray:
    """Return how many readers have more of each topic than of any other, int64 (n_topics,)."""
    n_main = np.zeros(len(model.topic_shares()), np.int64)
    for start in range(0, corpus.n_readers, _BLOCK):
        mixtures = model.reader_topics(corpus.counts[start : start + _BLOCK]).mean
        n_main += np.bincount(mixtures.argmax(axis=1), minlength=len(n_main))
    return n_main


def topic_table(published: Sequence[Topics], ids: Sequence[str]) -> pl.DataFrame:
    """Return the `N_TYPICAL` most typical books of every topic.

    Returns
    -------
    DataFrame
        ``model, topic (from 1), rank, book, p, typical, lift``, most typical first.
    """
    parts = []
    for topics in published:
        for k, rows in enumerate(topics.typical_rows.astype(np.int64)):
            part = {"model": topics.kind, "topic": k + 1, "rank": np.arange(1, len(rows) + 1, dtype=np.int32)}
            part |= {"book": [ids[row] for row in rows], "p": topics.p[k, rows], "typical": topics.typicality[k]}
            parts.append(pl.DataFrame({**part, "lift": topics.lift(k, rows).astype(np.float32)}))
    return pl.concat(parts).with_columns(pl.col("topic").cast(pl.Int32))


def book_table(published: Sequence[Topics], ids: Sequence[str]) -> pl.DataFrame:
    """Return the topics of every book that have at least `MIN_P` of its readings.

    Returns
    -------
    DataFrame
        ``model, book, topic (from 1), p``, by book, the most probable topic first.
    """
    books = pl.Series(ids, dtype=pl.String)
    parts = []
    for topics in published:
        profiles = np.stack([topics.profile(row) for row in range(len(ids))])
        row, topic = np.nonzero(profiles >= MIN_P)
        frame = pl.DataFrame({"book": books.gather(row), "topic": topic + 1, "p": profiles[row, topic], "row": row})
        ordered = frame.sort("row", "p", "topic", descending=[False, True, False]).drop("row")
        parts.append(ordered.select(pl.lit(topics.kind).alias("model"), "book", "topic", "p"))
    return pl.concat(parts).with_columns(pl.col("topic").cast(pl.Int32), pl.col("p").cast(pl.Float32))
