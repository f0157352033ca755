"""What is believed of weights before there are data: a Gaussian, a Laplace, or two Gaussians, wide and narrow."""

from __future__ import annotations

import pyro.distributions as dist
import torch
from pyro.distributions import TorchDistribution

PRIORS = ("gaussian", "laplace", "scale_mixture")
_NARROW = 0.05  # the narrow Gaussian's share of the wide one's standard deviation
_P_WIDE = 0.5


def prior_of(name: str, sds: torch.Tensor) -> TorchDistribution:
    """Return the prior of all weights, one event (n_weights,), centred at zero.

    Parameters
    ----------
    name
        ``gaussian``; ``laplace`` with those standard deviations, which are sqrt 2 times its scale; ``scale_mixture``,
        Gaussians of those and of .05 times those, half and half (Blundell et al. 2015, equation 7).
    sds
        (n_weights,), standard deviations.
    """
    zeros = torch.zeros_like(sds)
    of_one: TorchDistribution = dist.Normal(zeros, sds)
    if name == "laplace":
        of_one = dist.Laplace(zeros, sds / 2**0.5)
    if name == "scale_mixture":
        both = torch.stack([sds, _NARROW * sds], dim=1)
        share = torch.tensor([_P_WIDE, 1 - _P_WIDE], dtype=sds.dtype, device=sds.device).expand_as(both)
        of_one = dist.MixtureSameFamily(dist.Categorical(share), dist.Normal(torch.zeros_like(both), both))
    prior: TorchDistribution = of_one.to_event(1)
    return prior
