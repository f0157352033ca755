"""Features and outcomes in standard units, by what the training rows have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np

from models.bnn_config import NetConfig
from models.predictor import Examples

_CONSTANT = 1e-6  # a column that varies by less than this share of its size is constant


@dataclass(frozen=True)
class Scaling:
    """Means and standard deviations.

    Attributes
    ----------
    n_offset_features
        Columns before the inputs, which are not standardised as features.
    feature_mean, feature_sd
        float32 (n_features - n_offset_features,); the standard deviation of a constant column is 1, so that it is 0
        on every training row.
    outcome_mean, outcome_sd
        Of the outcome where it is a number, else 0 and 1.
    """

    n_offset_features: int
    feature_mean: np.ndarray
    feature_sd: np.ndarray
    outcome_mean: float
    outcome_sd: float

    @classmethod
    def of(cls, examples: Examples, config: NetConfig) -> Self:
        """Return the scaling of `examples`."""
        n_offset = config.n_offset_features
        if examples.features.shape[1] < n_offset:
            raise ValueError(f"{examples.features.shape[1]} features, expected {n_offset} offsets at least")
        mean, sd = _moments(examples.features[:, n_offset:])
        if config.values is not None:
            return cls(n_offset, mean, sd, 0.0, 1.0)
        of_outcome = _moments(examples.outcome[:, None])
        return cls(n_offset, mean, sd, float(of_outcome[0][0]), float(of_outcome[1][0]))

    def split(self, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return inputs, float32 (n_rows, n_inputs), and offsets, float32 (n_rows, n_offset_features), standardised.

        Raises
        ------
        ValueError
            If there are more or fewer features than there were in training.
        """
        expected = self.n_offset_features + len(self.feature_mean)
        if features.ndim != 2 or features.shape[1] != expected:
            raise ValueError(f"features: {features.shape}, expected {expected} columns")
        offset, inputs = features[:, : self.n_offset_features], features[:, self.n_offset_features :]
        scaled = (inputs - self.feature_mean) / self.feature_sd
        return scaled.astype(np.float32), ((offset - self.outcome_mean) / self.outcome_sd).astype(np.float32)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays it can be made from again."""
        of_outcome = np.array([self.outcome_mean, self.outcome_sd], np.float32)
        return {"feature_mean": self.feature_mean, "feature_sd": self.feature_sd, "outcome_scale": of_outcome}

    @classmethod
    def from_arrays(cls, config: NetConfig, arrays: Mapping[str, np.ndarray]) -> Self:
        """Return the scaling that `arrays` came from."""
        mean, sd = map(float, arrays["outcome_scale"])
        return cls(config.n_offset_features, arrays["feature_mean"], arrays["feature_sd"], mean, sd)


def _moments(columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of every column, float32, 1 where it is constant or there is no row."""
    if not len(columns):
        return np.zeros(columns.shape[1], np.float32), np.ones(columns.shape[1], np.float32)
    mean = columns.mean(axis=0, dtype=np.float64)
    sd = columns.std(axis=0, dtype=np.float64)
    size = np.abs(columns).max(axis=0)
    return mean.astype(np.float32), np.where(sd > _CONSTANT * size, sd, 1).astype(np.float32)
