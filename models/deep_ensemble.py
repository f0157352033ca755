"""A deep ensemble: nets that differ in where they start and in the order of rows, and nothing else.

Lakshminarayanan, Pritzel, Blundell 2017, without adversarial examples: each member minimises the negative log score of
all rows; the prediction is the mixture of the members. A reference that Bayesian nets are compared with. A member has
weight decay, the mode under a Gaussian prior (`models.bnn_guide.Point`).

    symbol    name     shape
    theta_m   loc      (n_members, n_weights)
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


@dataclass(frozen=True)
class DeepEnsembleConfig(TrainedConfig):
    """What a deep ensemble is.

    Attributes
    ----------
    n_members
        Number of nets, at least 2.
    prior_sd
        Standard deviation of the Gaussian prior of every weight.
    """

    section: ClassVar[str] = "deep_ensemble"

    n_members: int = 5
    prior_sd: float = 1.0

    def __post_init__(self) -> None:
        """Refuse impossible settings."""
        super().__post_init__()
        self.expect(self.n_members >= 2, "n_members", "at least 2")
        self.expect(0 < self.prior_sd < np.inf, "prior_sd", "above 0")

    def prior_sds(self, layout: Layout) -> np.ndarray:
        """Return the prior's standard deviation of every weight, float32 (n_weights,)."""
        return np.full(layout.n_weights, self.prior_sd, np.float32)

    def guide(self, layout: Layout, loc: np.ndarray) -> Guide:
        """Return the guide, its weights starting at `loc`."""
        from models.bnn_guide import Point

        return Point(loc)


@final
class DeepEnsemble(NetPredictor[DeepEnsembleConfig]):
    """The weights of several nets."""

    kind = "deep_ensemble"
    format = 1
    config_type = DeepEnsembleConfig

    @classmethod
    def fit(cls, data: Examples, config: DeepEnsembleConfig, run: Run, *, validation: Examples | None = None) -> Self:
        """Fit to `data`, each member stopped by `validation` by itself; same seed, same arrays."""
        from models.bnn_fit import fit_arrays

        judge = cls.judge(config, validation)
        alone = None if judge is None else lambda arrays: judge(_stacked([arrays]))
        names = [f"fit/{cls.kind}/{member}" for member in range(config.n_members)]
        return cls(config, _stacked([fit_arrays(data, config, run, name, alone) for name in names]))

    def weights(self, n_draws: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Return members in turns, beginning anywhere: each comes as often as another, or once more."""
        order = random.permutation(len(self._arrays["loc"]))
        members = np.resize(order, n_draws)
        return self._arrays["loc"][members], self._arrays["parameters"][members]


def _stacked(members: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Return the arrays of all members in one; the scaling is that of each."""
    learned = {name: np.stack([member[name] for member in members]) for name in ("loc", "parameters")}
    return {**members[0], **learned}
