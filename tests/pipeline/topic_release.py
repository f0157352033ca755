"""A release with the topics of hand-made models (`hand_topics`), through the real steps; all about them is known.

Sixty readers of two tastes: even ones read books 0 to 19, odd ones books 20 to 39, earlier books of a taste more
often. LDA has the two tastes as topics, ProdLDA each taste in two halves. A fit of LDA from another seed begins its
topics five books later, and one of ProdLDA is the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from data.corpus import Corpus
from data.history import History
from data.progress import Quiet
from data.pseudonym import key_fingerprint, pseudonym
from data.release import Release
from data.schema import BOOKS, READINGS, REJECTS
from data.store import Store
from pipeline.assemble import Ingredients
from pipeline.build_corpus import make_corpus
from pipeline.config import EvaluationConfig, GateConfig, PublishConfig, Settings, SplitConfig, TopicsConfig
from pipeline.judge_topics import make_topic_quality
from pipeline.make_works import make_works
from pipeline.publish import publish
from pipeline.represent import READERS, WHOLE, Part, compared, make_evaluation, make_model
from tests.data.tables import STATUS_COUNTS, Batch
from tests.pipeline.hand_topics import take_the_place

KEY = "a key of the tests"
N_READERS, N_BOOKS, TASTE = 60, 40, 20
HISTORIES = [
    [TASTE * (i % 2) + b for b in range(TASTE) if (7 * (i // 2) + 3 * b) % 20 < 14 - b // 2] for i in range(N_READERS)
]
SCRIPT, CLOSING = '<script>alert("title")</script> & friends', "</script><img src=x onerror=alert(1)>"
TITLES = (SCRIPT, CLOSING, *(f"第{i:02d}巻 (新潮文庫)" for i in range(2, N_BOOKS)))
AUTHORS = tuple("夏目 漱石" if i < 4 else f"作者{i}" for i in range(N_BOOKS))
SETTINGS = Settings(
    split=SplitConfig(p_held_out=0.2, time=False),
    evaluation=EvaluationConfig(n_bootstrap=50),
    gates=GateConfig(min_judged=1),
    publish=PublishConfig(spaces=("spectral",), n_neighbours=4),
    topics=TopicsConfig(n_seeds=2),
    models={
        "spectral": {"n_dims": 4},
        "lda": {"n_topics": 2, "wander": 5},
        "prodlda": {"n_topics": 4},
        "ease": {"max_size": 1},
    },
)


def raw_ids() -> list[str]:
    return [f"somebody{i}" for i in range(N_READERS)]


def pseudonyms() -> list[str]:
    return [pseudonym(raw, "t", KEY.encode()) for raw in raw_ids()]


def build(root: Path, patch: pytest.MonkeyPatch, settings: Settings = SETTINGS) -> Store:
    """Publish a release of these readings; the catalogue has the hand-made models from now on."""
    store = Store(root)
    take_the_place(patch)
    _ingest(store)
    publish(store, ingredients(store, settings))
    return store


def store_of(build: Callable[[Path, pytest.MonkeyPatch], Store]) -> Callable[..., Store]:
    """Return a module's fixture: the store that `build` makes, once for all of its tests."""

    @pytest.fixture(scope="module")
    def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
        with pytest.MonkeyPatch.context() as patch:
            return build(tmp_path_factory.mktemp("store"), patch)

    return store


def ingredients(store: Store, settings: Settings = SETTINGS) -> Ingredients:
    """Return what a release of the history is made of, made where it is not."""
    history = History(store.history).latest()
    corpus, _ = make_corpus(store, history, settings.corpus)
    spaces = {kind: make_model(store, kind, Part(corpus, WHOLE, 0), settings, Quiet())[0] for kind in settings.spaces}
    part = Part(corpus, READERS, 0)
    models = {kind: make_model(store, kind, part, settings, Quiet())[0] for kind in compared(corpus, settings)}
    evaluation, _ = make_evaluation(store, part, models, settings, Quiet())
    topics = None
    if settings.topics.models:
        judged = {kind: models[kind] for kind in settings.topics.models}
        topics, _ = make_topic_quality(store, part, judged, settings, Quiet())
    works, _ = make_works(store, history)
    return Ingredients(history, works, corpus, spaces, None, [evaluation], settings, 0, topics)


def without_topics() -> Settings:
    return replace(SETTINGS, topics=TopicsConfig(models=()))


def corpus_of_release(store: Store) -> Corpus:
    return Corpus.load(store.artifact("corpus", Release.open(store).manifest["corpus"]["artifact"]))


def readers_of(book: int) -> int:
    return sum(book in history for history in HISTORIES)


def _ingest(store: Store) -> None:
    name = "00000000000000aa"
    label = {"source": "hand", "batch": name}
    random = np.random.default_rng(0)
    pairs = [
        (raw, b) for raw, read in zip(raw_ids(), HISTORIES, strict=True) for b in random.permutation(read).tolist()
    ]
    readings = [
        {**label, "reader": pseudonym(raw, "t", KEY.encode()), "book": f"t:{book:02d}", "position": position}
        | {"read_on_precision": "unknown", "status": "read", "n_times": 1}
        for position, (raw, book) in enumerate(pairs)
    ]
    books = [
        {**label, "book": f"t:{i:02d}", "title": title, "authors": author, "format": "bunko", "work": f"t:{i:02d}"}
        for i, (title, author) in enumerate(zip(TITLES, AUTHORS, strict=True))
    ]
    account: dict[str, Any] = {
        **label, "namespace": "t", "files": "hand.csv", "key": key_fingerprint(KEY.encode()), "encoding": "utf-8",
        "n_rows": len(pairs), "n_kept": len(pairs), "n_merged": 0, "n_rejected": 0, "first_read_on": None,
        "last_read_on": None, "reasons": "[]", "layout": "", "explained": "", "n_skipped": 0, "n_forgotten": 0,
        **STATUS_COUNTS,
    }  # fmt: skip
    tables = (pl.DataFrame(readings, schema=READINGS.dtypes), pl.DataFrame(books, schema=BOOKS.dtypes))
    Batch(account, *tables, REJECTS.empty()).commit(History(store.history))
