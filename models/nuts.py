"""The posterior of a small net by Hamiltonian Monte Carlo, as the reference that approximations are compared with.

The No-U-Turn sampler (Hoffman and Gelman 2014) of Pyro, on the same net, prior and likelihood as `bayes_by_backprop`
(`models.bnn_nuts`). Of a net of more than some hundred weights, or more than some thousand rows, it does not end in
reasonable time. Noise, cut points and the offset's factor have a unit Gaussian prior about where they would start.

    symbol    name        shape
    w_s       weights     (n_samples, n_weights)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self, final

import numpy as np

from models.base import Run
from models.bnn_config import NetConfig
from models.bnn_predictor import NetPredictor
from models.predictor import Examples


@dataclass(frozen=True)
class NutsConfig(NetConfig):
    """What is sampled, and how long.

    Attributes
    ----------
    prior_sd
        Standard deviation of the Gaussian prior of a bias; of a weight it is divided by the square root of its layer's
        inputs.
    n_chains
        Chains, each from a start of its own.
    n_warmup, n_samples
        Steps of a chain that adapt the sampler and are thrown away, and those that are kept.
    max_tree_depth
        A step has at most two to this power gradients.
    """

    section: ClassVar[str] = "nuts"

    prior_sd: float = 1.0
    n_chains: int = 2
    n_warmup: int = 200
    n_samples: int = 200
    max_tree_depth: int = 8

    def __post_init__(self) -> None:
        """Refuse impossible settings."""
        super().__post_init__()
        self.expect(0 < self.prior_sd < np.inf, "prior_sd", "above 0")
        for name in ("n_chains", "n_warmup", "n_samples", "max_tree_depth"):
            self.expect(getattr(self, name) >= 1, name, "at least 1")


@final
class Nuts(NetPredictor[NutsConfig]):
    """Samples of the weights of a net."""

    kind = "nuts"
    format = 1
    config_type = NutsConfig

    @classmethod
    def fit(cls, data: Examples, config: NutsConfig, run: Run, *, validation: Examples | None = None) -> Self:
        """Sample given `data`; nothing is stopped early, so `validation` has no part."""
        from models.bnn_nuts import sample_arrays

        return cls(config, sample_arrays(data, config, run))

    def weights(self, n_draws: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Return samples in an order by `random`, none twice before all have come."""
        order = random.permutation(len(self._arrays["weights"]))
        chosen = np.resize(order, n_draws)
        return self._arrays["weights"][chosen], self._arrays["parameters"][chosen]
