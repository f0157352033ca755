"""A small history written by hand, and everything a release of it is made of, through the real steps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from data.history import History, ReadingHistory
from data.progress import Quiet
from data.schema import BOOKS, READINGS, REJECTS
from data.store import Store
from pipeline.assemble import Ingredients
from pipeline.build_corpus import make_corpus
from pipeline.config import EvaluationConfig, PublishConfig, Settings, SplitConfig
from pipeline.evaluate import Evaluation
from pipeline.make_works import make_works
from pipeline.metrics import METRICS
from pipeline.represent import WHOLE, Part, make_model
from tests.data.tables import STATUS_COUNTS, Batch

N_READERS, N_BOOKS = 30, 12
RARE_TITLE, RARE_AUTHOR = "秘密の日記", "無名氏"
UNDESCRIBED = "t:11"
SETTINGS = Settings(
    split=SplitConfig(time=False),
    evaluation=EvaluationConfig(n_bootstrap=100),
    publish=PublishConfig(spaces=("spectral", "word2vec"), n_neighbours=4),
    models={"spectral": {"n_dims": 4}, "word2vec": {"embedding_size": 4, "epochs": 2, "subsample": 0.0}},
)


def write_history(store: Store) -> ReadingHistory:
    """Commit one batch: readers of two tastes, a book read by two readers only, one that nothing describes."""
    random = np.random.default_rng(0)
    pairs = []
    for reader in range(N_READERS):
        own = np.arange(6) + 6 * (reader % 2)
        pairs += [(f"{reader:032x}", f"t:{book:02d}") for book in random.permutation(own)]
    pairs += [(f"{reader:032x}", "t:99") for reader in (0, 1)]
    batch = "00000000000000aa"
    readings = pl.DataFrame(
        [
            {"reader": reader, "book": book, "read_on_precision": "unknown", "status": "read", "n_times": 1}
            | {"source": "hand", "batch": batch, "position": position}
            for position, (reader, book) in enumerate(pairs)
        ],
        schema=READINGS.dtypes,
    )
    described = [(f"t:{i:02d}", f"第{i}巻 (新潮文庫)", None if i == 3 else f"作者 {i}") for i in range(N_BOOKS - 1)]
    described.append(("t:99", RARE_TITLE, RARE_AUTHOR))
    books = pl.DataFrame(
        [
            {"book": book, "title": title, "authors": authors, "format": "bunko", "work": f"{title}|"}
            | {"source": "hand", "batch": batch, "year": 1905 if book == "t:00" else None, "imprint": "新潮文庫"}
            for book, title, authors in described
        ],
        schema=BOOKS.dtypes,
    )
    account: dict[str, Any] = {"batch": batch, "source": "hand", "namespace": "t", "files": "hand.csv", "key": "k"}
    account |= {"encoding": "utf-8", "n_rows": len(pairs), "n_kept": len(pairs), "n_merged": 0, "n_rejected": 0}
    account |= {
        "first_read_on": None,
        "last_read_on": None,
        "reasons": "[]",
        "layout": "",
        "explained": "",
        "n_skipped": 0,
        "n_forgotten": 0,
    } | STATUS_COUNTS
    history = History(store.history)
    Batch(account, readings, books, REJECTS.empty()).commit(history)
    return history.latest()


def write_evaluation(
    store: Store, name: str, *, spectral: float, word2vec: float = 0.3, popularity: float = 0.2
) -> Path:
    """Keep an evaluation in which every metric of every reader has these values, but for a little spread."""
    spread = np.linspace(-0.05, 0.05, 40)
    per_reader = {
        model: dict.fromkeys(METRICS, value + spread * sign)
        for model, value, sign in (
            ("popularity", popularity, 1),
            ("spectral", spectral, -1),
            ("word2vec", word2vec, -1),
        )
    }
    return store.get_or_make("evaluation", name, lambda folder: Evaluation("readers", per_reader).save(folder, {}, {}))[
        0
    ]


def ingredients(store: Store, history: ReadingHistory, evaluation: Path, seed: int = 0) -> Ingredients:
    """Return the ingredients of a release of this history; corpus and space are made where they are not."""
    corpus, _ = make_corpus(store, history, SETTINGS.corpus)
    whole = Part(corpus, WHOLE, seed)
    spaces = {kind: make_model(store, kind, whole, SETTINGS, Quiet())[0] for kind in SETTINGS.publish.spaces}
    return Ingredients(history, make_works(store, history)[0], corpus, spaces, None, [evaluation], SETTINGS, seed)
