"""A published release of forty books on a half circle: every neighbour and every cosine is known by hand.

Book i lies at i * 4.5 degrees, so that the books nearest to the first are the next ones, and the farthest the last.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Self, final

import numpy as np
import polars as pl
import pytest
import scipy.sparse as sp

from data.corpus import NO_DATE, Corpus
from data.history import History
from data.schema import BOOKS, READINGS, REJECTS
from data.store import Store
from data.vocabulary import Vocabulary
from models.base import Encoder, Run
from pipeline.config import ReportConfig, Settings
from pipeline.evaluate import Evaluation
from pipeline.make_works import make_works
from pipeline.metrics import METRICS
from pipeline.publish import Ingredients, publish
from tests.data.tables import STATUS_COUNTS, Batch

N_BOOKS, N_READERS = 40, 64
BATCH = "00000000000000b1"
SCRIPT = '<script>alert("title")</script> & friends'
CLOSING = "</script><img src=x onerror=alert(1)>"
ARABIC = "ألف ليلة وليلة"
LONG = "長" * 200
EDITIONS = ("Twice told (Penguin)", "Twice told (Vintage)")
TITLES = (SCRIPT, ARABIC, LONG, CLOSING, *EDITIONS, *(f"Volume{i:02d}" for i in range(6, N_BOOKS)))


@final
class HalfCircle(Encoder[Settings, Corpus]):
    """The space that is known by hand, in place of a trained one; its vectors are three units long."""

    kind = "word2vec"
    format = 1
    config_type = Settings
    config = Settings()

    @classmethod
    def fit(cls, data: Corpus, config: Settings, run: Run, *, validation: Corpus | None = None) -> Self:
        raise NotImplementedError

    def arrays(self) -> Mapping[str, np.ndarray]:
        angles = np.arange(N_BOOKS) * math.pi / N_BOOKS
        return {"u": 3 * np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)}

    @classmethod
    def from_arrays(cls, config: Settings, arrays: Mapping[str, np.ndarray]) -> Self:
        return cls()

    def score(self, visible: sp.csr_matrix) -> np.ndarray:
        raise NotImplementedError

    def transform(self, rows: sp.csr_matrix) -> np.ndarray:
        raise NotImplementedError

    def book_vectors(self) -> np.ndarray:
        return self.arrays()["u"]


def build(root: Path, settings: Settings, *, gain: float = 0.2, splits: tuple[str, ...] = ("readers", "time")) -> Store:
    """Publish a release of the half circle; word2vec finds 0.1 + `gain` of the hidden books, bestsellers 0.1."""
    store = Store(root)
    _ingest(store)
    corpus, space = store.artifact("corpus", "c0"), store.artifact("word2vec", "w0")
    books = _corpus().books.digest
    store.make_whole(corpus, lambda folder: _corpus().save(folder, {"min_readers": 5, "min_books": 5}, {}))
    seed = {"seed": 0, "stage": "release"}
    store.make_whole(space, lambda folder: HalfCircle().save(folder, vocabulary=books, provenance=seed))
    evaluations = []
    for split in splits:
        levels = {"popularity": 0.1, "item_knn": 0.5, "word2vec": 0.1 + gain}
        spread = np.linspace(-0.05, 0.05, N_READERS)
        measured = {model: dict.fromkeys(METRICS, level + spread) for model, level in levels.items()}
        evaluations.append(store.artifact("evaluation", f"e-{split}"))
        store.make_whole(evaluations[-1], partial(Evaluation(split, measured).save, config={}, provenance={}))
    history = History(store.history).latest()
    works, _ = make_works(store, history)
    ingredients = Ingredients(history, works, corpus, space, evaluations, settings, 0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipeline.publish.model_class", lambda _kind: HalfCircle)
        publish(store, ingredients)
    return store


def _ids() -> list[str]:
    return [f"hand:{i:02d}" for i in range(N_BOOKS)]


def reader_ids() -> list[str]:
    return [f"{i:032x}" for i in range(0xABCDEF, 0xABCDEF + N_READERS)]


def _corpus() -> Corpus:
    """Book i is read by the first 24 + i readers."""
    dense = np.arange(N_READERS)[:, None] < 24 + np.arange(N_BOOKS)[None, :]
    counts = sp.csr_matrix(dense.astype(np.float32))
    n = counts.nnz
    return Corpus(
        Vocabulary.of(reader_ids()),
        Vocabulary.of(_ids()),
        counts,
        counts.indices.astype(np.int32),
        np.full(n, NO_DATE, np.int32),
        np.arange(N_READERS, dtype=np.uint64),
    )


def _ingest(store: Store) -> None:
    book = dict.fromkeys(BOOKS.dtypes)
    label = {"source": "events", "batch": BATCH}
    described = [
        {**book, **label, "book": id_, "title": title, "authors": f"Author{i}", "format": "paperback", "work": id_}
        for i, (id_, title) in enumerate(zip(_ids(), TITLES, strict=True))
    ]
    described[0]["work"] = described[6]["work"]
    account = {
        **label, "namespace": "hand", "files": "readings.csv",
        "key": "k", "encoding": "utf-8", "n_rows": 0, "n_kept": 1234,
        "n_merged": 0, "n_rejected": 0, "first_read_on": dt.date(2001, 2, 3), "last_read_on": None,
        "reasons": "[]", "layout": "", "explained": "", "n_skipped": 0, "n_forgotten": 0,
        **STATUS_COUNTS,
    }  # fmt: skip
    books = pl.DataFrame(described, schema=BOOKS.dtypes)
    Batch(account, READINGS.empty(), books, REJECTS.empty()).commit(History(store.history))


def settings(*watch: str) -> Settings:
    return replace(Settings(), report=ReportConfig(watch=watch, n_near=5, n_far=3))
