"""A published release of forty books on a half circle: every neighbour and every cosine is known by hand.

Book i lies at i * 4.5 degrees, so that the books nearest to the first are the next ones, and the farthest the last.
In the replicates of the ensemble the half circle is a tenth narrower or wider, by turns, and every neighbour is said to
be sure with probability .8.
"""

from __future__ import annotations

import datetime as dt
import math
import shutil
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Self, final

import numpy as np
import polars as pl
import pytest
import scipy.sparse as sp

from data.artifact import ModelArtifact, read_json, write_artifact, write_json
from data.certainty import Calibration
from data.corpus import NO_DATE, Corpus
from data.ensemble import Ensemble
from data.history import History
from data.release import ENSEMBLE, SPACE, SPACE_FORMAT, SPACES, Release
from data.schema import BOOKS, READINGS, REJECTS
from data.store import Store
from data.vocabulary import Vocabulary
from models.base import Encoder, Run
from pipeline.assemble import Ingredients
from pipeline.config import ReportConfig, Settings
from pipeline.evaluate import Evaluation
from pipeline.make_works import make_works
from pipeline.metrics import METRICS
from pipeline.publish import publish
from tests.data.tables import STATUS_COUNTS, Batch

N_BOOKS, N_READERS = 40, 64
BATCH = "00000000000000b1"
SCRIPT = '<script>alert("title")</script> & friends'
CLOSING = "</script><img src=x onerror=alert(1)>"
ARABIC = "ألف ليلة وليلة"
LONG = "長" * 200
EDITIONS = ("Twice told (Penguin)", "Twice told (Vintage)")
TITLES = (SCRIPT, ARABIC, LONG, CLOSING, *EDITIONS, *(f"Volume{i:02d}" for i in range(6, N_BOOKS)))


WIDER = 0.1
SURE = 0.8
# as `pipeline.calibration.check` measures it: the bin around .8 came true in 237 of 300
JUDGED = {"said": np.array([0.05, 0.8, 0.95]), "found": np.array([0.04, 0.79, 0.97]), "n": np.array([4000, 300, 700])}
METRICS_OF_ENSEMBLE = {
    "n_pairs": 5000,
    "brier": 0.05,
    "brier_base": 0.14,
    "ece": 0.0114,
    "max_gap": 0.02,
    "coverage": {"near": 0.91, "far": 0.88, "few": 0.84, "middle": 0.9, "many": 0.92},
    "readers_edges": [18.0, 25.0],
}
LEVELS = {
    "popularity": 0.0, "item_knn": 0.75, "ease": 1.1, "blend": 1.0, "spectral": 0.6, "ppmi": -0.2, "word2vec": 0.5
}  # fmt: skip


class HalfCircle(Encoder[Settings, Corpus]):
    """The space that is known by hand, in place of a trained one; its vectors are three units long."""

    kind = "spectral"
    format = 1
    config_type = Settings
    config = Settings()

    @classmethod
    def fit(cls, data: Corpus, config: Settings, run: Run, *, validation: Corpus | None = None) -> Self:
        raise NotImplementedError

    def arrays(self) -> Mapping[str, np.ndarray]:
        return {"u": 3 * vectors(1.0)}

    @classmethod
    def from_arrays(cls, config: Settings, arrays: Mapping[str, np.ndarray]) -> Self:
        return cls()

    def score(self, visible: sp.csr_matrix) -> np.ndarray:
        raise NotImplementedError

    def transform(self, rows: sp.csr_matrix) -> np.ndarray:
        raise NotImplementedError

    def book_vectors(self) -> np.ndarray:
        return self.arrays()["u"]


@final
class Crowd(HalfCircle):
    """Another space: all books but two lie together."""

    kind = "word2vec"

    def arrays(self) -> Mapping[str, np.ndarray]:
        return {"u": np.where(np.arange(N_BOOKS)[:, None] < N_BOOKS - 2, [1.0, 0.0], vectors(1.0)).astype(np.float32)}


def vectors(width: float) -> np.ndarray:
    """Unit vectors of a half circle that is so much wider."""
    angles = width * np.arange(N_BOOKS) * math.pi / N_BOOKS
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def interval(apart: int) -> tuple[float, float]:
    """The interval of the similarity of two books so many places apart: two sd of two values by turns."""
    values = [math.cos(width * apart * math.pi / N_BOOKS) for width in (1 - WIDER, 1 + WIDER)]
    middle, sd = math.cos(apart * math.pi / N_BOOKS), abs(values[0] - values[1]) / 2 * math.sqrt(4 / 3)
    return max(middle - 2 * sd, -1.0), min(middle + 2 * sd, 1.0)


def ensemble() -> Ensemble:
    """Four replicates, and a calibration that says `SURE` of everything."""
    calibration = Calibration(intercept=math.log(SURE / (1 - SURE)), slope=0.0)
    made = Ensemble.of((vectors(1 + sign * WIDER) for sign in (-1, 1, -1, 1)), calibration)
    return replace(made, judged=JUDGED, metrics=METRICS_OF_ENSEMBLE)


def build(
    root: Path,
    settings: Settings,
    *,
    gain: float = 0.2,
    splits: tuple[str, ...] = ("readers", "time"),
    sure: bool = True,
) -> Store:
    """Publish a release of the half circle; bestsellers find 0.1 of the hidden books, the ranking `gain` more."""
    store = Store(root)
    _ingest(store)
    corpus = store.artifact("corpus", "c0")
    books = _corpus().books.digest
    store.make_whole(corpus, lambda folder: _corpus().save(folder, {"min_readers": 5, "min_books": 5}, {}))
    seed, spaces = {"seed": 0, "stage": "release"}, {}
    for model in (HalfCircle(), Crowd()):
        spaces[model.kind] = store.artifact(model.kind, "s0")
        store.make_whole(spaces[model.kind], partial(model.save, vocabulary=books, provenance=seed))
    replicated = store.artifact("ensemble", "n0")
    store.make_whole(replicated, lambda folder: ensemble().save(folder, {"n_replicates": 4}, books, seed))
    evaluations = [_evaluate(store, split, gain) for split in splits]
    history = History(store.history).latest()
    works, _ = make_works(store, history)
    kept = replicated if sure else None
    ingredients = Ingredients(history, works, corpus, spaces, kept, evaluations, settings, 0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipeline.assemble.model_class", lambda kind: {"spectral": HalfCircle, "word2vec": Crowd}[kind])
        made = publish(store, ingredients)
    _pair(store.release(made.release_id) / "quality.json", gain)
    return store


def older_release(store: Store, moved: Mapping[int, float]) -> Release:
    """Let a release have served before, in which some books lay elsewhere, in degrees; it had no ensemble."""
    current, id_ = Release.open(store), "20000101T000000Z-00000000"
    folder = store.release(id_)
    shutil.copytree(current.folder, folder)
    shutil.rmtree(folder / ENSEMBLE)
    before = current.vectors.copy()
    for row, degrees in moved.items():
        before[row] = (math.cos(math.radians(degrees)), math.sin(math.radians(degrees)))
    shutil.rmtree(folder / SPACES / "spectral")
    (folder / SPACES / "spectral").mkdir()
    space = ModelArtifact(SPACE, SPACE_FORMAT, {}, {"vectors": before}, current.manifest["vocabulary"])
    write_artifact(folder / SPACES / "spectral", space)
    unknown = [pl.lit(None, pl.Float32).alias(name) for name in ("low", "high", "p_top10")]
    pl.read_parquet(folder / "neighbours.parquet").with_columns(unknown).write_parquet(folder / "neighbours.parquet")
    write_json(folder / "manifest.json", {**current.manifest, "id": id_, "digest": "another"})
    store.switch(id_, "published")
    store.switch(current.id, "published")
    return Release.open(store, id_)


def _evaluate(store: Store, split: str, gain: float) -> Path:
    spread = np.linspace(-0.05, 0.05, N_READERS)
    measured = {model: dict.fromkeys(METRICS, 0.1 + gain * level + spread) for model, level in LEVELS.items()}
    folder = store.artifact("evaluation", f"e-{split}")
    store.make_whole(folder, partial(Evaluation(split, measured).save, config={}, provenance={}))
    return folder


def _pair(quality: Path, gain: float) -> None:
    """Write the differences to the yardsticks, which are the same for every reader, beside the means."""
    rows = read_json(quality)["rows"]
    for row in rows:
        others = [kind for kind in ("item_knn", "ease") if row["model"] not in ("popularity", kind)]
        row["over"] = {kind: [gain * (LEVELS[row["model"]] - LEVELS[kind])] * 3 for kind in others}
    write_json(quality, {"rows": rows})


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
