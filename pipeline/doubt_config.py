"""Settings of what says how sure we are: of a neighbour, and of what a reader will read and think of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pipeline.typed_table import expect

MIN_REPLICATES = 4  # fewer have no spread to speak of
TASKS = RATING, WILL_READ = "rating", "will_read"


@dataclass(frozen=True)
class EnsembleConfig:
    """How it is found out how sure a neighbour is.

    Attributes
    ----------
    n_replicates
        Times the default space is learned again from a bootstrap sample of the readers; 0 publishes without.
    k
        Length of the list that a probability is about.
    level
        Coverage of the intervals of similarities.
    n_judged
        Books on which the probabilities are calibrated and judged, on halves of the readers.
    """

    n_replicates: int = 12
    k: int = 10
    level: float = 0.9
    n_judged: int = 2000

    def __post_init__(self) -> None:
        """Refuse impossible values."""
        many = self.n_replicates == 0 or self.n_replicates >= MIN_REPLICATES
        expect("ensemble.n_replicates", self.n_replicates, many, f"0, or at least {MIN_REPLICATES}")
        expect("ensemble.k", self.k, self.k >= 1, "at least 1")
        expect("ensemble.level", self.level, 0 < self.level < 1, "between 0 and 1")
        expect("ensemble.n_judged", self.n_judged, self.n_judged >= 2, "at least 2")


@dataclass(frozen=True)
class PredictorsConfig:
    """What is predicted of a reader and a book, and by what.

    Attributes
    ----------
    tasks
        ``rating``: what the reader will think of it; ``will_read``: whether it is read next. None predicts nothing.
    kind
        Kind of the predictor (`models.catalogue`).
    n_draws
        Draws of the predictor behind every answer.
    recalibrate
        Whether ratings are recalibrated on validation ratings, with a split-conformal set.
    rating_features
        Settings of the features of ratings (`pipeline.rating_features`).
    rating, will_read
        Settings of the predictor for one task alone, over those of ``models.KIND``.
    """

    tasks: tuple[str, ...] = TASKS
    kind: str = "bayes_by_backprop"
    n_draws: int = 32
    recalibrate: bool = True
    rating_features: dict[str, Any] = field(default_factory=dict)
    rating: dict[str, Any] = field(default_factory=dict)
    will_read: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse impossible values."""
        once = set(self.tasks) <= set(TASKS) and len(set(self.tasks)) == len(self.tasks)
        expect("predictors.tasks", self.tasks, once, f"some of {TASKS}, each once")
        expect("predictors.n_draws", self.n_draws, self.n_draws >= 2, "at least 2")
