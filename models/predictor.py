"""What every predictor is: it says what an outcome will be, and splits its doubt in two.

An outcome is a number (a rating, a house price) or one of a few (a rating from 1 to 10, read or not read). A predictor
learns from examples, rows of features with the outcome beside them, and keeps many answers (draws of its weights, of
its masks, or members): what they disagree about is epistemic, what each of them leaves open is aleatoric.

For numbers the law of total variance splits the variance,  Var(y) = Var_w(E[y|w]) + E_w(Var[y|w]);  for categories the
entropy splits into mutual information and expected entropy,  H(E_w p) = I(y; w) + E_w H(p)  (Depeweg et al. 2018, eq.
3 and 6). w is what is drawn.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from models.base import ConfigT, Model

DEFAULT_DRAWS = 32


@dataclass(frozen=True)
class Examples:
    """Rows to learn from.

    Attributes
    ----------
    features
        float32 (n_rows, n_features), as they are: a predictor standardises what it learns from.
    outcome
        float32 (n_rows,), the number; where outcomes are a few, one of them, by its value (7 for a rating of 7).
    """

    features: np.ndarray
    outcome: np.ndarray

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit together or hold what is no number."""
        n_rows = len(self.features)
        if self.features.ndim != 2 or self.features.dtype != np.float32:
            raise ValueError(f"features: {self.features.shape} {self.features.dtype}, expected 2 axes of float32")
        if self.outcome.shape != (n_rows,) or self.outcome.dtype != np.float32:
            raise ValueError(f"outcome: {self.outcome.shape} {self.outcome.dtype}, expected ({n_rows},) float32")
        if not (np.isfinite(self.features).all() and np.isfinite(self.outcome).all()):
            raise ValueError("a feature or an outcome is no number")

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.features)

    def rows(self, rows: np.ndarray) -> Examples:
        """Return the examples of some rows."""
        return Examples(self.features[rows], self.outcome[rows])


@dataclass(frozen=True)
class Predictive:
    """What is said of the outcomes of some rows.

    Attributes
    ----------
    mean
        float32 (n_rows,), the expected outcome.
    epistemic_var
        float32 (n_rows,), variance over draws of the expected outcome: more data would take it away.
    aleatoric_var
        float32 (n_rows,), mean over draws of the variance of the outcome: more data would not.
    p
        float32 (n_rows, n_outcomes), the probability of each outcome, averaged over draws; rows sum to 1. None where
        outcomes are numbers.
    expected_entropy
        float32 (n_rows,), in nats, mean over draws of the entropy of the outcome; None where outcomes are numbers.
    """

    mean: np.ndarray
    epistemic_var: np.ndarray
    aleatoric_var: np.ndarray
    p: np.ndarray | None = None
    expected_entropy: np.ndarray | None = None

    @property
    def sd(self) -> np.ndarray:
        """float32 (n_rows,), standard deviation of the outcome, of both kinds of doubt."""
        both: np.ndarray = np.sqrt(self.epistemic_var + self.aleatoric_var)
        return both

    @property
    def entropy(self) -> np.ndarray:
        """float32 (n_rows,), in nats, entropy of the mean probabilities; ValueError where outcomes are numbers."""
        if self.p is None:
            raise ValueError("entropy: outcomes are numbers, not a few")
        logs = np.log(np.where(self.p > 0, self.p, 1))
        total: np.ndarray = -(self.p * logs).sum(axis=1)
        return total

    @property
    def mutual_information(self) -> np.ndarray:
        """float32 (n_rows,), in nats, between outcome and draw: the epistemic part of `entropy`, at least 0."""
        entropy = self.entropy
        assert self.expected_entropy is not None
        shared: np.ndarray = np.maximum(entropy - self.expected_entropy, 0)
        return shared


@dataclass(frozen=True)
class Draws:
    """What each draw says of some rows, the same draws for every row: a row of `mean` is one consistent opinion.

    Attributes
    ----------
    mean
        float32 (n_draws, n_rows), the expected outcome.
    var
        float32 (n_draws, n_rows), the variance the draw leaves.
    p
        float32 (n_draws, n_rows, n_outcomes), probabilities; None where outcomes are numbers.
    """

    mean: np.ndarray
    var: np.ndarray
    p: np.ndarray | None = None


class Predictor(Model[ConfigT, Examples]):
    """A model that predicts an outcome from features, with its doubt.

    `fit` takes its validation examples for early stopping and nothing else.
    """

    @property
    @abstractmethod
    def outcomes(self) -> np.ndarray | None:
        """float32 (n_outcomes,), the values an outcome can have, ascending; None where outcomes are numbers."""

    @abstractmethod
    def draws(self, features: np.ndarray, n_draws: int = DEFAULT_DRAWS, seed: int = 0) -> Draws:
        """Return what `n_draws` draws say of `features`, float32 (n_rows, n_features).

        The same seed takes the same draws, whatever the rows and however they are cut into batches.
        """

    @final
    def predict(
        self, features: np.ndarray, n_draws: int = DEFAULT_DRAWS, seed: int = 0, block: int = 65_536
    ) -> Predictive:
        """Return what is said of `features`, `block` rows at a time: memory does not grow with the number of rows."""
        starts = range(0, max(len(features), 1), block)
        return joined([pooled(self.draws(features[start : start + block], n_draws, seed)) for start in starts])


def pooled(draws: Draws) -> Predictive:
    """Return the mixture of equally likely draws, its variance and entropy split (see the module's text)."""
    mean, epistemic, aleatoric = draws.mean.mean(axis=0), draws.mean.var(axis=0), draws.var.mean(axis=0)
    if draws.p is None:
        return Predictive(mean, epistemic, aleatoric)
    entropies = -(draws.p * np.log(np.where(draws.p > 0, draws.p, 1))).sum(axis=2)
    return Predictive(mean, epistemic, aleatoric, draws.p.mean(axis=0), entropies.mean(axis=0))


def joined(parts: Sequence[Predictive]) -> Predictive:
    """Return what is said of several blocks of rows, one after the other; they are alike in what they say."""
    mean, epistemic, aleatoric = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("mean", "epistemic_var", "aleatoric_var")
    )
    if parts[0].p is None:
        return Predictive(mean, epistemic, aleatoric)
    p, expected = (np.concatenate([getattr(part, name) for part in parts]) for name in ("p", "expected_entropy"))
    return Predictive(mean, epistemic, aleatoric, p, expected)
