"""A Bayesian net in Pyro: net, prior, likelihood and guide put together, and the bound that is maximised.

    weights ~ prior,   outcome ~ likelihood(net(inputs, weights)),   weights ~ guide approximately

The loss is the negative evidence lower bound of a row, ``- mean log p(outcome) + divergence / n_rows``: over an epoch
the divergence counts once (Blundell et al. 2015, equation 8, batches weighted alike).
"""

from __future__ import annotations

from typing import Any, NamedTuple, cast

import numpy as np
import pyro
import torch
from pyro import poutine
from pyro.distributions import TorchDistribution
from pyro.infer import TraceMeanField_ELBO
from pyro.infer.util import is_validation_enabled
from torch import nn
from torch.distributions import kl_divergence

from models.bnn_guide import Guide, weighted
from models.bnn_likelihood import Likelihood
from models.bnn_net import Net


class Data(NamedTuple):
    """The training rows, on one device.

    Attributes
    ----------
    inputs, offset
        float32 (n_rows, n_inputs) and (n_rows, n_offset_features), standardised.
    target
        (n_rows,), as the likelihood scores it.
    """

    inputs: torch.Tensor
    offset: torch.Tensor
    target: torch.Tensor


class BayesianNetwork(nn.Module):
    """Model and guide; `loss` is what a step of `models.training` goes down.

    A plain module with Pyro's statements in it, and all weights at one site: a site for every layer, or a
    `PyroModule`'s look-ups, cost several times what the net itself does (`tests.benchmarks.bnn_steps`).

    Parameters
    ----------
    net, prior, likelihood, guide
        The parts.
    data
        All training rows.
    kl_warmup
        Share of the steps over which the divergence gets its weight; 0 gives it at once.
    """

    is_free: torch.Tensor

    def __init__(
        self,
        net: Net,
        prior: TorchDistribution,
        likelihood: Likelihood,
        guide: Guide,
        data: Data,
        kl_warmup: float = 0.0,
    ) -> None:
        super().__init__()
        self.guide = guide
        self.free = nn.Parameter(torch.tensor(likelihood.initial[likelihood.is_free]))
        self.register_buffer("is_free", torch.tensor(likelihood.is_free))
        self.register_buffer("known", torch.tensor(likelihood.initial))
        self._all_free = bool(likelihood.is_free.all())
        self._net, self._prior, self._likelihood, self._data = net, prior, likelihood, data
        self._kl_warmup = kl_warmup
        self._elbo: TraceMeanField_ELBO = FlatElbo(guide.distribution(), prior)

    def loss(self, rows: torch.Tensor, done: float) -> torch.Tensor:
        """Return the negative bound, a row, of a batch when `done` of the training is done."""
        weight = min(1.0, max(done, 1e-4) / self._kl_warmup) if self._kl_warmup else 1.0
        bound = self._elbo.differentiable_loss(self.model, self.guide, rows, weight)
        return cast("torch.Tensor", bound / len(self._data.target))

    def model(self, rows: torch.Tensor, kl_weight: float) -> None:
        """Draw weights from the prior, and score the outcomes of the rows."""
        with weighted(kl_weight):
            weights = pyro.sample("weights", self._prior)
        data = self._data
        outputs = self.guide.outputs(self._net, data.inputs[rows], weights)
        outcome = self._likelihood.distribution(outputs, data.offset[rows], self.parameters_of_likelihood())
        with poutine.scale(scale=len(data.target) / len(rows)):
            pyro.sample("outcome", outcome, obs=data.target[rows])

    def parameters_of_likelihood(self) -> torch.Tensor:
        """Return the parameters of the likelihood, (n_parameters,), those that are known as they are."""
        if self._all_free:
            return self.free
        return cast("torch.Tensor", self.known).masked_scatter(self.is_free, self.free)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return what was learned, as arrays."""
        return {**self.guide.arrays(), "parameters": self.parameters_of_likelihood().detach().cpu().numpy().copy()}


class FlatElbo(TraceMeanField_ELBO):
    """Pyro's bound with closed-form divergences, which scores the weights' site only where it has none.

    Pyro's own scores prior and guide at the drawn weights at every step, and then uses the closed form; and it looks
    at every loss, which `models.training` does once an epoch.

    Parameters
    ----------
    guide, prior
        Distributions at the one site there is.
    """

    def __init__(self, guide: TorchDistribution, prior: TorchDistribution) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # pyro
        try:
            kl_divergence(guide, prior)
            self._is_closed = True
        except NotImplementedError:
            self._is_closed = False

    def differentiable_loss(self, model: Any, guide: Any, *args: Any, **kwargs: Any) -> Any:
        """Return the negative bound, a scalar with its graph."""
        traces = self._get_trace(model, guide, args, kwargs)
        return self._differentiable_loss_particle(*traces)[1]  # type: ignore[no-untyped-call]  # pyro

    def _get_trace(self, model: Any, guide: Any, args: Any, kwargs: Any) -> Any:
        guide_trace = poutine.trace(guide).get_trace(*args, **kwargs)
        model_trace = poutine.trace(poutine.replay(model, trace=guide_trace)).get_trace(*args, **kwargs)
        model_trace.compute_log_prob(lambda _, site: site["is_observed"] or not self._is_closed)
        if not self._is_closed or is_validation_enabled():
            guide_trace.compute_score_parts()
        return model_trace, guide_trace
