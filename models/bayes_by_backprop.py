"""Bayes by Backprop: a Gaussian for every weight of a net, fitted by gradients of the evidence bound.

Blundell, Cornebise, Kavukcuoglu, Wierstra 2015, with the local reparameterisation of Kingma, Salimans, Welling 2015, in
Pyro (`models.bnn_network`). The posterior of the weights is taken for independent Gaussians,

    w = mu + softplus(rho) epsilon,   epsilon ~ N(0, 1)

whose divergence from the prior is in closed form for Gaussian and Laplace priors, and estimated at one draw for the
scale mixture. What is fitted is NumPy arrays; to predict, weights are drawn and nets computed without torch.

Where this deviates. A prior's standard deviation is that of a bias, and of a weight after division by the square root
of its layer's inputs (Neal 1996): one setting then means the same in layers of any width. The noise, cut points and the
offset's factor are points, without a prior. The divergence gets its weight over the first part of training: with all of
it from the start, units whose weights say nothing yet are given up.

Limitations: independent Gaussians underestimate the variance of correlated weights, and say too little doubt between
clusters of data (`tests.benchmarks.toy` shows how much).

    symbol    name          shape
    mu        loc           (n_weights,)
    sigma     sd            (n_weights,), softplus(rho)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self, final

import numpy as np

from models.base import Run
from models.bnn_config import TrainedConfig
from models.bnn_layout import Layout
from models.bnn_predictor import NetPredictor
from models.predictor import Examples

if TYPE_CHECKING:
    from models.bnn_guide import Guide

PRIORS = ("gaussian", "laplace", "scale_mixture")
REPARAMETERISATIONS = ("local", "weights")


@dataclass(frozen=True)
class BayesByBackpropConfig(TrainedConfig):
    """What a Bayes by Backprop is.

    Attributes
    ----------
    prior
        ``gaussian``, ``laplace`` or ``scale_mixture`` (`models.bnn_prior`).
    prior_sd
        Standard deviation of the prior of a bias; of a weight it is divided by the square root of its layer's inputs.
    reparameterisation
        ``local`` draws pre-activations for every row, ``weights`` draws the weights once for a batch.
    initial_sd
        Where the posterior's standard deviations start, as a share of the prior's.
    kl_warmup
        Share of the steps over which the divergence from the prior gets its weight; 0 gives it at once.
    """

    section: ClassVar[str] = "bayes_by_backprop"

    prior: str = "gaussian"
    prior_sd: float = 1.0
    reparameterisation: str = "local"
    initial_sd: float = 0.1
    kl_warmup: float = 0.5

    def __post_init__(self) -> None:
        """Refuse impossible settings."""
        super().__post_init__()
        self.expect(self.prior in PRIORS, "prior", f"one of {', '.join(PRIORS)}")
        known = ", ".join(REPARAMETERISATIONS)
        self.expect(self.reparameterisation in REPARAMETERISATIONS, "reparameterisation", f"one of {known}")
        for name in ("prior_sd", "initial_sd"):
            self.expect(0 < getattr(self, name) < np.inf, name, "above 0")
        self.expect(0 <= self.kl_warmup <= 1, "kl_warmup", "0 to 1")

    def prior_sds(self, layout: Layout) -> np.ndarray:
        """Return the prior's standard deviation of every weight, float32 (n_weights,)."""
        return layout.neal_sds(self.prior_sd)

    @property
    def prior_name(self) -> str:
        """One of `models.bnn_prior.PRIORS`."""
        return self.prior

    @property
    def kl_share(self) -> float:
        """Share of the steps over which the divergence gets its weight."""
        return self.kl_warmup

    def guide(self, layout: Layout, loc: np.ndarray) -> Guide:
        """Return the guide, its means starting at `loc`."""
        from models.bnn_guide import MeanField

        return MeanField(loc, self.initial_sd * self.prior_sds(layout), self.reparameterisation)


@final
class BayesByBackprop(NetPredictor[BayesByBackpropConfig]):
    """Means and standard deviations of the weights of a net."""

    kind = "bayes_by_backprop"
    format = 1
    config_type = BayesByBackpropConfig

    @classmethod
    def fit(
        cls, data: Examples, config: BayesByBackpropConfig, run: Run, *, validation: Examples | None = None
    ) -> Self:
        """Fit to `data`; the same rows, settings, seed and device give the same arrays."""
        from models.bnn_fit import fit_arrays

        return cls(config, fit_arrays(data, config, run, f"fit/{cls.kind}", cls.judge(config, validation)))

    def weights(self, n_draws: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Return drawn weights and the likelihood's parameters."""
        noise = random.standard_normal((n_draws, self.layout.n_weights), np.float32)
        return self._arrays["loc"] + self._arrays["sd"] * noise, self._parameters(n_draws)
