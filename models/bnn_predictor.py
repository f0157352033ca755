"""What every Bayesian net does when asked: draw flat vectors of weights, and say what each draw says. NumPy only.

The kinds differ in where weights come from (`weights`). A draw is one vector for all rows, so that its opinions of
different rows belong together, and the same whatever the rows are and however they are cut: the randomness comes
from the seed alone.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Self, TypeVar, final

import numpy as np

from models.bnn_answers import answers, log_scores
from models.bnn_config import NetConfig
from models.bnn_layout import Layout
from models.bnn_scaling import Scaling
from models.predictor import DEFAULT_DRAWS, Draws, Examples, Predictor

NetConfigT = TypeVar("NetConfigT", bound=NetConfig)
_N_JUDGED = 16  # draws that validation rows are scored with


class NetPredictor(Predictor[NetConfigT]):
    """A predictor whose answers are those of nets with drawn weights.

    Parameters
    ----------
    arrays
        What was learned: the scaling, and what the kind draws weights from.
    """

    def __init__(self, config: NetConfigT, arrays: Mapping[str, np.ndarray]) -> None:
        self.config = config
        self.scaling = Scaling.from_arrays(config, arrays)
        self.layout = layout_of(config, len(self.scaling.feature_mean))
        self._arrays = dict(arrays)

    @abstractmethod
    def weights(self, n_draws: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Return weights, float32 (n_draws, n_weights), and the likelihood's parameters, (n_draws, n_parameters)."""

    @final
    def arrays(self) -> Mapping[str, np.ndarray]:
        """Return what was learned."""
        return self._arrays

    @final
    @classmethod
    def from_arrays(cls, config: NetConfigT, arrays: Mapping[str, np.ndarray]) -> Self:
        """Return the model of these arrays."""
        return cls(config, arrays)

    @property
    @final
    def outcomes(self) -> np.ndarray | None:
        """float32 (n_outcomes,), the values an outcome can have; None where outcomes are numbers."""
        return self.config.values

    @final
    def draws(self, features: np.ndarray, n_draws: int = DEFAULT_DRAWS, seed: int = 0) -> Draws:
        """Return what `n_draws` draws say of `features`; see `models.predictor.Predictor.draws`."""
        weights, parameters = self.weights(n_draws, np.random.default_rng(seed))
        inputs, offset = self.scaling.split(features)
        return answers(self.config, self.scaling, self.layout.outputs(weights, inputs), offset, parameters)

    @final
    def log_scores(self, examples: Examples, n_draws: int = DEFAULT_DRAWS, seed: int = 0) -> np.ndarray:
        """Return the log density (or probability) of each outcome under the mixture of draws, float64 (n_rows,)."""
        return log_scores(self.draws(examples.features, n_draws, seed), examples.outcome, self.outcomes)

    @final
    @classmethod
    def judge(
        cls, config: NetConfigT, validation: Examples | None
    ) -> Callable[[Mapping[str, np.ndarray]], float] | None:
        """Return what says how badly a model of some arrays predicts `validation`; None where there are no such rows.

        It is the mean negative log score with the same draws every time, so that models differ and draws do not.
        """
        if validation is None:
            return None
        return lambda arrays: -float(cls(config, arrays).log_scores(validation, _N_JUDGED).mean())

    def _parameters(self, n_draws: int) -> np.ndarray:
        """Return the parameters of the likelihood, one point for all draws, float32 (n_draws, n_parameters)."""
        parameters = self._arrays["parameters"]
        return np.broadcast_to(parameters, (n_draws, len(parameters)))


def layout_of(config: NetConfig, n_inputs: int) -> Layout:
    """Return the layout of the net that `config` names."""
    return Layout((n_inputs, *config.hidden_sizes, config.n_outputs), config.activation)
