"""Systems that forecast ratings, ours and what everybody knows, in one interface: a problem in, probabilities out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from data.ratings import Ratings
from models.base import Run
from models.catalogue import predictor_class
from models.predictor import Examples, Predictive, Predictor
from pipeline.rating_baselines import Biases, everybody, gaussian_levels
from pipeline.rating_features import RatingFeatures, RatingRows

SHOWN = (None, 0, 5)  # how many ratings of each reader are shown: all, none, five
_MEANS = ("reader: mean", "book: effect", "author: effect")  # the shrunken means that a linear model gets


@dataclass(frozen=True)
class Problem:
    """What is learned from, and which pairs are asked.

    Attributes
    ----------
    train, validation, asked
        Ratings; `validation` says when to stop.
    features
        Fitted on `train`.
    run
        Seed and progress.
    """

    train: Ratings
    validation: Ratings
    asked: Ratings
    features: RatingFeatures
    run: Run

    @cached_property
    def examples(self) -> Examples:
        """Training ratings, each without itself, and beginnings."""
        return self.features.training(self.train)

    @cached_property
    def stop(self) -> Examples:
        """Validation ratings, described by the training ratings."""
        rows = self.rows(self.validation, None)
        return Examples(rows.features, self.validation.value)

    @cached_property
    def rows_asked(self) -> dict[int | None, RatingRows]:
        """The pairs that are asked, described by some or all training ratings of each reader: see `SHOWN`."""
        return {shown: self.rows(self.asked, shown) for shown in SHOWN}

    def rows(self, asked: Ratings, shown: int | None) -> RatingRows:
        """Return pairs described by `shown` training ratings of each reader, drawn at random; None shows all."""
        known = self.train if shown is None else some_of_each(self.train, shown, self.run.generator("shown"))
        return self.features.of_pairs(known, asked.reader, asked.book, counted=self.train)

    def columns(self, features: np.ndarray, names: tuple[str, ...] | str) -> np.ndarray:
        """Return columns of `features`, by name or, for a text, all of a group, float64."""
        known = self.features.names
        if isinstance(names, str):
            return features[:, [i for i, name in enumerate(known) if name.startswith(f"{names}: ")]].astype(np.float64)
        return features[:, [known.index(name) for name in names]].astype(np.float64)


@dataclass(frozen=True)
class Told:
    """A fitted system: forecasts for pairs and their features; `predictive` only where doubt has two parts."""

    p: Callable[[Ratings, np.ndarray], np.ndarray]
    predictive: Callable[[np.ndarray], Predictive] | None = None


def some_of_each(ratings: Ratings, n: int, random: np.random.Generator) -> Ratings:
    """Return at most `n` ratings of each reader, at random."""
    order = np.lexsort((random.random(len(ratings)), ratings.reader))
    sorted_by = ratings.reader[order]
    rank = np.arange(len(order)) - np.searchsorted(sorted_by, sorted_by)
    return ratings.rows(order[rank < n])


def _everybody(problem: Problem) -> Told:
    def forecast(asked: Ratings, features: np.ndarray) -> np.ndarray:
        return everybody(problem.train, len(features))

    return Told(forecast)


def _biases(*, sd_of_reader: bool) -> Callable[[Problem], Told]:
    def fit(problem: Problem) -> Told:
        fitted = Biases.fit(problem.train)

        def forecast(asked: Ratings, features: np.ndarray) -> np.ndarray:
            return fitted.forecast(asked.reader, asked.book, sd_of_reader=sd_of_reader)

        return Told(forecast)

    return fit


def _bayesian_ridge(problem: Problem) -> Told:
    from sklearn.linear_model import BayesianRidge

    n = len(problem.train)
    linear = BayesianRidge().fit(
        problem.columns(problem.examples.features[:n], _MEANS), problem.train.value.astype(np.float64)
    )

    def forecast(asked: Ratings, features: np.ndarray) -> np.ndarray:
        mean, sd = linear.predict(problem.columns(features, _MEANS), return_std=True)
        return gaussian_levels(mean, sd, problem.train.levels)

    return Told(forecast)


def _group(name: str) -> Callable[[Problem], Told]:
    """Return the system that says what the columns of a group say: they are log probabilities."""

    def fit(problem: Problem) -> Told:
        def forecast(asked: Ratings, features: np.ndarray) -> np.ndarray:
            p = np.exp(problem.columns(features, name))
            normalised: np.ndarray = p / p.sum(axis=1, keepdims=True)
            return normalised

        return Told(forecast)

    return fit


def _predictor(kind: str, **settings: Any) -> Callable[[Problem], Told]:
    """Return a predictor whose outcomes are the levels and whose offset is the opinion."""

    def fit(problem: Problem) -> Told:
        levels = tuple(float(level) for level in problem.train.levels)
        made = predictor_class(kind)
        config = made.config_type(
            likelihood="categorical", outcomes=levels, n_offset_features=len(levels), **TRAINED, **settings
        )
        model: Predictor[Any] = made.fit(problem.examples, config, problem.run, validation=problem.stop)

        def forecast(asked: Ratings, features: np.ndarray) -> np.ndarray:
            p = model.predict(features, seed=problem.run.seed).p
            assert p is not None
            return p

        return Told(forecast, lambda features: model.predict(features, seed=problem.run.seed))

    return fit


TRAINED: dict[str, Any] = {"epochs": 40, "batch_size": 512, "learning_rate": 0.002, "patience": 6}
SYSTEMS: dict[str, Callable[[Problem], Told]] = {
    "everybody": _everybody,
    "biases": _biases(sd_of_reader=False),
    "biases, sd of reader": _biases(sd_of_reader=True),
    "bayesian ridge": _bayesian_ridge,
    "levels of reader": _group("reader_levels"),
    "opinion": _group("opinion"),
    "deep ensemble": _predictor("deep_ensemble", hidden_sizes=(32,)),
    "mc dropout": _predictor("mc_dropout", hidden_sizes=(64,), dropout=0.1),
    "bayes by backprop": _predictor("bayes_by_backprop", hidden_sizes=(32,)),
}
