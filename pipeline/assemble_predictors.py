"""What a release says of readers and books: predictors, how well each predicts, and what is left out and why."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from data.artifact import read_json, write_json
from data.release import PREDICTORS, QUALITY
from pipeline.config import Settings
from pipeline.doubt_config import RATING
from pipeline.downstream import Predicted
from pipeline.judge_rating import RatingQuality
from pipeline.judge_will_read import WillReadQuality
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
        shutil.copytree(made.quality, folder / PREDICTORS / task / QUALITY)
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


def _record(task: str, quality: Path, settings: Settings, seed: int) -> dict[str, Any]:
    if task == RATING:
        return rating_record(RatingQuality.load(quality), settings.evaluation, seed)
    return will_read_record(WillReadQuality.load(quality), settings.evaluation, settings.gates.metric, seed)
