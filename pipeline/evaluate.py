"""Judging rankers on held-out readers: every model in one table, with intervals, paired by reader."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from data.artifact import ModelArtifact, read_artifact, write_artifact
from data.progress import Progress
from data.seeds import derive_seed
from data.split import HeldOut
from models.base import Ranker
from pipeline.config import EvaluationConfig
from pipeline.metrics import METRICS, bootstrap_interval, ranking_metrics

KIND, FORMAT = "evaluation", 1
BASELINE = "popularity"
YARDSTICKS = ("item_knn", "ease")  # what a good model is compared with, reader by reader
_BLOCK = 256  # readers scored at a time: the scores are dense


@dataclass(frozen=True)
class Evaluation:
    """Per-reader metrics of several rankers on the same held-out readers.

    Attributes
    ----------
    split
        Name of the split.
    per_reader
        Model -> metric -> float64 (n_readers,).
    """

    split: str
    per_reader: Mapping[str, Mapping[str, np.ndarray]]

    def table(self, config: EvaluationConfig, seed: int) -> list[dict[str, Any]]:
        """Return one row per model and metric: mean, interval, and the paired differences to popularity and yardsticks.

        Returns
        -------
        list of dict
            ``split, model, metric, n_readers, mean, low, high`` and, for all but popularity,
            ``gain, gain_low, gain_high`` and ``over``: kind of each other yardstick -> mean, low and high of the
            difference to it.
        """
        drawn = derive_seed(seed, "evaluate/bootstrap")
        interval = partial(bootstrap_interval, n_bootstrap=config.n_bootstrap, level=config.level, seed=drawn)
        rows = []
        for model, metrics in self.per_reader.items():
            for metric in METRICS:
                values = metrics[metric]
                measured = interval(values)
                row = {"split": self.split, "model": model, "metric": metric, "n_readers": len(values)}
                row |= {"mean": measured.mean, "low": measured.low, "high": measured.high}
                if model != BASELINE:
                    gain = interval(values - self.per_reader[BASELINE][metric])
                    row |= {"gain": gain.mean, "gain_low": gain.low, "gain_high": gain.high}
                    others = (kind for kind in YARDSTICKS if kind in self.per_reader and kind != model)
                    over = {kind: interval(values - self.per_reader[kind][metric]) for kind in others}
                    row["over"] = {kind: [found.mean, found.low, found.high] for kind, found in over.items()}
                rows.append(row)
        return rows

    def save(self, folder: Path, config: Mapping[str, Any], provenance: Mapping[str, Any]) -> None:
        """Write the evaluation as an artifact into an empty folder."""
        arrays = {f"{model}/{metric}": a for model, ms in self.per_reader.items() for metric, a in ms.items()}
        write_artifact(
            folder, ModelArtifact(KIND, FORMAT, {**config, "split": self.split}, arrays, provenance=provenance)
        )

    @classmethod
    def load(cls, folder: Path) -> Evaluation:
        """Return the evaluation saved in `folder`."""
        artifact = read_artifact(folder, kind=KIND, format=FORMAT)
        per_reader: dict[str, dict[str, np.ndarray]] = {}
        for name, array in artifact.arrays.items():
            model, metric = name.split("/")
            per_reader.setdefault(model, {})[metric] = array
        return cls(artifact.config["split"], per_reader)


def evaluate(split: str, rankers: Mapping[str, Ranker[Any, Any]], held_out: HeldOut, progress: Progress) -> Evaluation:
    """Return the metrics of all rankers on the held-out readers."""
    n_readers = len(held_out.rows)
    progress.start(f"evaluate on {split}", n_readers * len(rankers))
    per_reader = {}
    for model, ranker in rankers.items():
        parts = []
        for start in range(0, n_readers, _BLOCK):
            visible = held_out.visible[start : start + _BLOCK]
            hidden = held_out.hidden[start : start + _BLOCK]
            parts.append(ranking_metrics(ranker.score(visible), visible, hidden))
            progress.advance(visible.shape[0])
        per_reader[model] = {metric: np.concatenate([part[metric] for part in parts]) for metric in METRICS}
    progress.finish(f"{n_readers:,} held-out readers, {len(rankers)} models")
    return Evaluation(split, per_reader)
