"""How an outcome comes from what a net puts out, in torch, where it is learned. `models.bnn_answers` predicts.

A likelihood has outputs (n_rows, n_outputs) of a net and a few numbers of its own, the same for all rows, its
*parameters*: the log of the noise's standard deviation, cut points, and last the factor of the offset where there is
one. They are unconstrained, learned as a point, or drawn by NUTS from a unit Gaussian about where they start.
"""

from __future__ import annotations

from typing import cast

import numpy as np
import pyro.distributions as dist
import torch
from pyro.distributions import TorchDistribution
from torch.nn import functional

from models.bnn_answers import SD_FLOOR, outcome_index
from models.bnn_config import NetConfig
from models.bnn_scaling import Scaling
from models.predictor import Examples

_FIRST_LOG_SD = -1.0  # of the noise, in standard units
_SMOOTHING = 0.5  # rows given to every outcome


class Likelihood:
    """The likelihood that a configuration names, for the outcomes of some training rows.

    Attributes
    ----------
    initial
        float32 (n_parameters,), where the parameters start.
    is_free
        bool (n_parameters,), which of them are learned; a noise that is known is not.
    bias
        float32 (n_outputs,), where the biases of the last layer start: a net that says nothing of rows begins with
        how often the outcomes are.
    """

    def __init__(self, config: NetConfig, scaling: Scaling, examples: Examples) -> None:
        self._config, self._scaling = config, scaling
        shares = _shares(config, examples.outcome)
        initial = _initial(config, scaling, shares)
        self.is_free = np.array([not config.noise_sd] * len(initial) + [True] * bool(config.n_offset_features), bool)
        self.initial = np.array(initial + [1.0] * bool(config.n_offset_features), np.float32)
        self.bias = np.zeros(config.n_outputs, np.float32)
        if config.n_offset_features == 0 and config.likelihood == "categorical":
            self.bias[:] = np.log(shares)
        if config.n_offset_features == 0 and config.likelihood == "bernoulli":
            self.bias[0] = np.log(shares[1] / shares[0])

    def target(self, outcome: np.ndarray) -> np.ndarray:
        """Return outcomes as `distribution` scores them: standardised, or which of the values each is, (n_rows,)."""
        if (values := self._config.values) is None:
            return ((outcome - self._scaling.outcome_mean) / self._scaling.outcome_sd).astype(np.float32)
        index = outcome_index(outcome, values)
        return index.astype(np.float32) if self._config.likelihood == "bernoulli" else index

    def distribution(self, outputs: torch.Tensor, offset: torch.Tensor, parameters: torch.Tensor) -> TorchDistribution:
        """Return the distribution of the outcomes.

        Parameters
        ----------
        outputs
            (n_rows, n_outputs), of the net.
        offset
            (n_rows, n_offset_features).
        parameters
            (n_parameters,).
        """
        config = self._config
        shift = parameters[-1] * offset if config.n_offset_features else None
        if config.likelihood == "ordinal":
            log_p = ordinal_log_p(outputs, parameters[: len(config.outcomes) - 1])
            return dist.Categorical(logits=log_p if shift is None else log_p + shift)
        if config.likelihood == "categorical":
            return dist.Categorical(logits=outputs if shift is None else outputs + shift)
        first = outputs[:, 0] if shift is None else outputs[:, 0] + shift[:, 0]
        if config.likelihood == "bernoulli":
            return cast("TorchDistribution", dist.Bernoulli(logits=first))
        sd = parameters[0].exp() if config.likelihood == "gaussian" else functional.softplus(outputs[:, 1]) + SD_FLOOR
        return cast("TorchDistribution", dist.Normal(first, sd))


def ordinal_log_p(outputs: torch.Tensor, parameters: torch.Tensor) -> torch.Tensor:
    """Return log probabilities of the outcomes, (n_rows, n_outcomes); see `models.bnn_answers.ordinal_log_p`."""
    cuts = torch.cat([parameters[:1], parameters[1:].exp()]).cumsum(0)
    at = (cuts - outputs[:, :1]) * torch.exp(-outputs[:, 1:])
    step = torch.clamp(at[:, 1:] - at[:, :-1], min=torch.finfo(torch.float32).tiny)
    edge = torch.zeros_like(at[:, :1])
    below = torch.cat([functional.logsigmoid(at), edge], dim=1)
    above = torch.cat([edge, functional.logsigmoid(-at)], dim=1)
    between = torch.cat([edge, torch.log(-torch.expm1(-step)), edge], dim=1)
    return below + above + between


def _shares(config: NetConfig, outcome: np.ndarray) -> np.ndarray:
    """Return the smoothed share of every outcome; none where outcomes are numbers."""
    if config.values is None:
        return np.zeros(0)
    counts = np.bincount(outcome_index(outcome, config.values), minlength=len(config.values)) + _SMOOTHING
    shares: np.ndarray = counts / counts.sum()
    return shares


def _initial(config: NetConfig, scaling: Scaling, shares: np.ndarray) -> list[float]:
    """Return where the parameters start, that of the offset apart."""
    if config.likelihood == "gaussian":
        return [float(np.log(config.noise_sd / scaling.outcome_sd)) if config.noise_sd else _FIRST_LOG_SD]
    if config.likelihood != "ordinal":
        return []
    below = shares.cumsum()[:-1]
    cuts = np.log(below / (1 - below))
    return [float(cuts[0]), *np.log(np.diff(cuts)).tolist()]
