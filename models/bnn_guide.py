"""What is learned of the weights: a distribution over the flat vector, and what a net says with draws from it.

A guide knows the net only, not the likelihood. It has one site, ``weights``, for Pyro: the divergence from the prior is
of distributions, in closed form where there is one. What the net puts out for a batch may be drawn otherwise than by
that site's value: each row with weights of its own, whose distribution is the guide's (`models.bnn_net`). The expected
log likelihood is a sum over rows, so only each row's marginal matters to it, and separate draws make it less noisy.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, ClassVar, cast

import numpy as np
import pyro
import pyro.distributions as dist
import torch
from pyro import poutine
from pyro.distributions import TorchDistribution
from torch import nn
from torch.distributions import constraints
from torch.distributions.kl import register_kl
from torch.nn import functional

from models.bnn_layout import Layout
from models.bnn_net import Net

REPARAMETERISATIONS = ("local", "weights")


def weighted(kl_weight: float) -> AbstractContextManager[Any]:
    """Return the context in which the weights' site counts by `kl_weight`: none for 1, since Pyro's has a price."""
    context: AbstractContextManager[Any] = nullcontext() if kl_weight == 1 else poutine.scale(scale=kl_weight)
    return context


class Guide(nn.Module, ABC):
    """A distribution over the weights, to be learned.

    Parameters
    ----------
    loc
        float32 (n_weights,), where they start.
    """

    def __init__(self, loc: np.ndarray) -> None:
        super().__init__()
        self.loc = nn.Parameter(torch.tensor(loc))

    def forward(self, rows: torch.Tensor, kl_weight: float) -> None:
        """Draw the weights, as Pyro's guides do."""
        with weighted(kl_weight):
            pyro.sample("weights", self.distribution())

    @abstractmethod
    def distribution(self) -> TorchDistribution:
        """Return the distribution of the weights, one event (n_weights,)."""

    @abstractmethod
    def outputs(self, net: Net, inputs: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """Return what `net` says of `inputs`, (n_rows, n_outputs), with `weights` or others drawn for every row."""

    def arrays(self) -> dict[str, np.ndarray]:
        """Return what was learned."""
        return {"loc": self.loc.detach().cpu().numpy().copy()}


class MeanField(Guide):
    """Independent Gaussians: ``w = loc + softplus(raw_sd) noise`` (Blundell et al. 2015, section 3.2).

    Parameters
    ----------
    loc
        float32 (n_weights,), where the means start.
    sd
        float32 (n_weights,), where the standard deviations start.
    reparameterisation
        ``local`` draws pre-activations, for every row apart; ``weights`` draws the weights once for all rows.
    """

    def __init__(self, loc: np.ndarray, sd: np.ndarray, reparameterisation: str) -> None:
        super().__init__(loc)
        self.raw_sd = nn.Parameter(torch.tensor(np.log(np.expm1(sd)).astype(np.float32)))
        self._is_local = reparameterisation == "local"

    def distribution(self) -> TorchDistribution:
        """Return the Gaussians."""
        return cast("TorchDistribution", dist.Normal(self.loc, functional.softplus(self.raw_sd)).to_event(1))

    def outputs(self, net: Net, inputs: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """Return outputs, by the reparameterisation that was chosen."""
        if self._is_local:
            return net.drawn_locally(inputs, self.loc, functional.softplus(self.raw_sd))
        return net(inputs, weights)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return means and standard deviations."""
        return {**super().arrays(), "sd": functional.softplus(self.raw_sd).detach().cpu().numpy()}


class UnitsOut(TorchDistribution):
    """Weights of which the rows of a matrix, those of one unit, are left out together (Gal and Ghahramani 2016).

    Of a matrix M of means, ``W = diag(mask / (1 - p)) M``, a mask entry being 0 with probability p; biases are what
    they are.

    Parameters
    ----------
    loc
        (n_weights,), the means.
    unit
        int64 (n_weights,), see `models.bnn_layout.Layout.units`.
    rates
        (n_units + 1,), the share left out of every unit, and 0 for biases.
    """

    arg_constraints: ClassVar = {"loc": constraints.real_vector}
    support = constraints.real_vector
    has_rsample = True

    def __init__(self, loc: torch.Tensor, unit: torch.Tensor, rates: torch.Tensor) -> None:
        self.loc, self.unit, self.rates = loc, unit, rates
        super().__init__(torch.Size(), loc.shape, validate_args=False)

    def rsample(self, sample_shape: Any = ()) -> torch.Tensor:
        """Return draws of the weights, (sample_shape, n_weights)."""
        kept = 1 - self.rates
        mask = torch.bernoulli(kept.expand(*sample_shape, -1)) / kept
        return self.loc * mask[..., self.unit]


@register_kl(UnitsOut, dist.Independent)  # type: ignore[no-untyped-call,untyped-decorator]  # torch
def _kl_units_out(q: UnitsOut, p: Any) -> torch.Tensor:
    """Return the divergence from centred Gaussians of standard deviations s, up to a constant in the means.

    A mask is a mixture of two narrow Gaussians, at 0 and at the mean (Gal and Ghahramani 2016, appendix, section 3.1);
    what depends on the means is ``E[w^2] / (2 s^2)``: for an entry m of a matrix ``m^2 / (1 - p) / (2 s^2)``.
    """
    kept = (1 - q.rates)[q.unit]
    divergence: torch.Tensor = 0.5 * (q.loc.square() / (kept * p.base_dist.scale.square())).sum()
    return divergence


class Dropout(Guide):
    """Units left out at random, in training and in prediction alike.

    Parameters
    ----------
    loc
        float32 (n_weights,), where the means start.
    layout
        Of the net.
    rates
        Share of the units before every layer, inputs first, left out.
    """

    unit: torch.Tensor
    of_units: torch.Tensor

    def __init__(self, loc: np.ndarray, layout: Layout, rates: Sequence[float]) -> None:
        super().__init__(loc)
        self.register_buffer("unit", torch.tensor(layout.units()))
        self.register_buffer("of_units", torch.tensor(layout.of_units(rates)))
        self._rates = list(rates)

    def distribution(self) -> TorchDistribution:
        """Return the weights with units left out."""
        return UnitsOut(self.loc, self.unit, self.of_units)

    def outputs(self, net: Net, inputs: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """Return outputs with a mask for every row."""
        return net.with_units_out(inputs, self.loc, self._rates)


class Point(Guide):
    """One vector of weights: its divergence from the prior is minus its log density, which makes it the mode."""

    def distribution(self) -> TorchDistribution:
        """Return all mass at one point."""
        return dist.Delta(self.loc, event_dim=1)

    def outputs(self, net: Net, inputs: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """Return outputs of the weights."""
        return net(inputs, weights)
