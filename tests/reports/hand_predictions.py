"""Predictions of a release of the half circle whose quality is known by hand (`tests.pipeline.hand_quality`).

Book i has i - 4 ratings, none below, and a release knows those that are enough. The books' own doubt falls with them;
readers disagree most about the first, whose title is a script, and least about the last. Of what is read next, as much
is read as was said, among the likely books; of the unlikeliest nothing is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from data.artifact import read_json, write_json
from data.digest import digest_of_arrays
from data.release import PREDICTORS, Release
from data.store import Store
from pipeline.book_doubt import FOLDER, BookDoubt
from pipeline.config import EvaluationConfig
from pipeline.doubt_config import RATING, WILL_READ
from pipeline.judge_rating import KIND as QUALITY
from pipeline.judge_rating import RatingQuality
from pipeline.judge_will_read import P_EDGES, WillReadQuality
from pipeline.trust_predictors import will_read_record
from pipeline.trust_rating import rating_record
from tests.pipeline.hand_quality import hand_quality
from tests.reports.half_circle import N_BOOKS

EVALUATION = EvaluationConfig(n_bootstrap=200)
MIN_READERS = 5
N_RATINGS = np.maximum(np.arange(N_BOOKS) - 4, 0)
OF_BOOK = (1 / (1 + N_RATINGS)).astype(np.float32)
STAYS = np.linspace(3, 1, N_BOOKS).astype(np.float32)
N_HELD, N_HIDDEN = 30, 4
N_COLD = 3  # held-out readers who have shown less than ten books: too few to be told


def book_doubt() -> BookDoubt:
    same = np.full(N_BOOKS, 0.01, np.float32)
    return BookDoubt(np.where(N_RATINGS < MIN_READERS, 0, N_RATINGS), same, OF_BOOK, 10 * same, STAYS)


def will_read_quality(gain: float = 0.1) -> WillReadQuality:
    """Thirty held-out readers; the predictor ranks a tenth better than the blend, whatever the reader."""
    spread = np.linspace(-0.05, 0.05, N_HELD)
    per_reader = {}
    for metric in ("recall20", "recall50", "ndcg100"):
        for system, level in (("will_read", 0.3 + gain), ("blend", 0.3), ("popularity", 0.1)):
            per_reader[f"{system}/{metric}"] = level + spread
    for system, loss in (("will_read", 3.0), ("curve", 3.2), ("popularity", 5.0)):
        per_reader[f"{system}/log_loss"] = N_HIDDEN * (loss + spread)
    bins = np.zeros((3, len(P_EDGES) - 1))
    for i, (n, p, read) in {0: (1000, 5e-6, 0), 8: (10_000, 8e-4, 8), 16: (400, 0.07, 28), 19: (100, 0.84, 84)}.items():
        bins[:, i] = n, n * p, read
    groups = np.ones((5, 3, 3))
    groups[0] = 1000
    groups[1], groups[2] = 13, 20  # said, read
    groups[3], groups[4] = 40, 10  # of which a fourth is epistemic
    n_shown = np.where(np.arange(N_HELD) < N_COLD, 4, np.where(np.arange(N_HELD) < 20, 30, 90))
    return WillReadQuality("blend", per_reader, n_shown, np.full(N_HELD, N_HIDDEN), bins, groups)


def predict(store: Store, release: Release, quality: RatingQuality | None = None) -> dict[str, Any]:
    """Write predictions of both tasks into a release and what they were judged by into the store.

    Returns what ``predictors.json`` says.
    """
    quality, reading = quality or hand_quality(), will_read_quality()
    tasks = {
        RATING: rating_record(quality, EVALUATION, 0, MIN_READERS),
        WILL_READ: will_read_record(reading, EVALUATION, "ndcg100", 0, MIN_READERS),
    }
    vocabulary = release.manifest["vocabulary"]
    judged, _ = store.get_or_make(QUALITY, quality_name(quality), lambda folder: quality.save(folder, vocabulary, {}))
    books = release.folder / PREDICTORS / RATING / FOLDER
    books.mkdir(parents=True)
    book_doubt().save(books, vocabulary, {})
    made = {task: {"artifact": f"p-{task}", "kind": "hand", "config": {}, "seed": 0} for task in tasks}
    made[RATING]["quality"] = judged.name
    change(release.folder / "manifest.json", predictors=made)
    change(release.folder / "predictors.json", tasks=tasks, left_out={})
    return {"tasks": tasks, "left_out": {}}


def quality_name(quality: RatingQuality) -> str:
    """Return the name of the artifact of forecasts: other forecasts have another."""
    return digest_of_arrays({"category": quality.category, **quality.p})


def change(path: Path, **values: Any) -> None:
    """Write other values of some keys into a JSON file."""
    write_json(path, {**read_json(path), **values})
