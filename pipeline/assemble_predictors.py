"""What a release says of readers and books: predictors, how well each predicts, and what is left out and why.

How well it predicts is told in figures: the predictions of held-out readers that they are made of stay in the store. Of
ratings a release holds sums, of books that enough readers rated (`pipeline.rating_disclosure`).
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from data.artifact import read_json, write_json
from data.release import PREDICTORS
from data.seeds import derive_seed
from pipeline.book_doubt import FOLDER as BOOKS
from pipeline.book_doubt import book_doubt
from pipeline.config import Settings
from pipeline.doubt_config import RATING
from pipeline.downstream import Predicted
from pipeline.judge_rating import RatingQuality
from pipeline.judge_will_read import WillReadQuality
from pipeline.rating_disclosure import withhold
from pipeline.rating_task import FEATURES, open_rating
from pipeline.trust_predictors import will_read_record
from pipeline.trust_rating import rating_record


def write_predictors(
    folder: Path, tasks: Mapping[str, Predicted], left_out: Mapping[str, str], settings: Settings, seed: int
) -> None:
    """Write the predictors of tasks into a release's folder, those that are better than what is simple.

    ``predictors.json`` has ``tasks`` (task -> what is measured, with its verdict; also of one that is left out) and
    ``left_out`` (task -> why it is not in the release).
    """
    records, reasons = {}, dict(left_out)
    for task, made in tasks.items():
        records[task] = _record(task, made.quality, settings, seed)
        if not records[task]["verdict"]["is_published"]:
            reasons[task] = records[task]["verdict"]["told"]
            continue
        shutil.copytree(made.predictor, folder / PREDICTORS / task)
        if task == RATING:
            withhold(folder / PREDICTORS / task / FEATURES, settings.corpus.min_readers)
            _write_book_doubt(folder / PREDICTORS / task, made.predictor.name, settings, seed)
    write_json(folder / "predictors.json", {"tasks": records, "left_out": reasons})


def predictors_manifest(tasks: Mapping[str, Predicted]) -> dict[str, Any]:
    """Return what made the predictors, by task: artifacts, settings, and the models they are asked with."""
    found = {}
    for task, made in tasks.items():
        told = read_json(made.predictor / "manifest.json")
        predictor = read_json(made.predictor / "predictor" / "manifest.json")
        found[task] = {
            "artifact": made.predictor.name,
            "quality": made.quality.name,
            "kind": told["config"]["predictor"],
            "config": predictor["config"],
            "models": {kind: path.name for kind, path in made.models.items()},
            **told["provenance"],
        }
    return found


def _write_book_doubt(published: Path, predictor: str, settings: Settings, seed: int) -> None:
    """Write the doubt about each book as the published predictor has it: parts of it tell how many rated the book."""
    fitted, made = open_rating(published), read_json(published / "manifest.json")
    (published / BOOKS).mkdir()
    found = book_doubt(fitted, settings.predictors.n_draws, derive_seed(seed, "predict/draws"))
    found.save(published / BOOKS, made["vocabulary"], {"predictor": predictor, "seed": seed})


def _record(task: str, quality: Path, settings: Settings, seed: int) -> dict[str, Any]:
    least = settings.corpus.min_readers
    if task == RATING:
        return rating_record(RatingQuality.load(quality), settings.evaluation, seed, least)
    return will_read_record(WillReadQuality.load(quality), settings.evaluation, settings.gates.metric, seed, least)
