"""MC dropout: units of a net left out at random, in training and in prediction, as an approximate posterior.

Gal and Ghahramani 2016, in Pyro (`models.bnn_network`). Leaving out the units before a layer is drawing its weights,

    W = diag(mask / (1 - p)) M,   P(mask = 0) = p

of which the rows belong to one unit. With the prior ``N(0, 1 / l^2)`` for every weight, l the *length scale*, what the
divergence says of the means is weight decay. Ours, for n rows and a likelihood with its noise in it:

    loss = - mean log p(y | x, W)  +  l^2 / (2 n) (|M|^2 / (1 - p) + |b|^2)

Theirs (equation 7) is ours divided by tau, the precision of the noise: half the squared error, and a decay of
``p_keep l^2 / (2 n tau)`` for matrices of which the rows kept are not divided by p_keep. It is the same decay, since
those matrices are M / p_keep. A long length scale is strong decay: smooth functions. The authors' code has l = .01,
practically none.

Masks. In training every row has its own: gradients are less noisy. To predict, a draw has one mask for all rows, so
that it is one function, whose opinions of different rows belong together (Thompson sampling needs that). Of one row
nothing changes by it: its mask has the same distribution either way, and its mean, variance and probabilities ask for
no more. Nothing here depends on a module being in training or evaluation mode.

The noise of a Gaussian is learned with the weights, or given (`noise_sd`, ``1 / sqrt(tau)``).

Limitations: with bounded activations the doubt does not grow, and may shrink, away from data (`tests.benchmarks.toy`
shows it for tanh); the share left out is a setting, which data do not narrow down, so that epistemic variance falls
with data only as far as weights adapt.

    symbol    name          shape
    M, b      loc           (n_weights,)
    p         rates         a share for every layer: input_dropout, then dropout
    l         length_scale  scalar
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
class McDropoutConfig(TrainedConfig):
    """What an MC dropout is.

    Attributes
    ----------
    dropout
        Share of the hidden units that is left out, before every layer after the first.
    input_dropout
        Share of the inputs, offsets not among them, that is left out before the first layer.
    length_scale
        Of the prior: its standard deviation is 1 / length_scale for every weight.
    """

    section: ClassVar[str] = "mc_dropout"

    dropout: float = 0.05
    input_dropout: float = 0.05
    length_scale: float = 0.01

    def __post_init__(self) -> None:
        """Refuse impossible settings."""
        super().__post_init__()
        for name in ("dropout", "input_dropout"):
            self.expect(0 <= getattr(self, name) < 1, name, "0 or more and below 1")
        nothing_is_out = not self.input_dropout and not (self.dropout and self.hidden_sizes)
        self.expect(not nothing_is_out, "dropout", "above 0, or input_dropout above 0: else there are no draws")
        self.expect(0 < self.length_scale < np.inf, "length_scale", "above 0")

    def prior_sds(self, layout: Layout) -> np.ndarray:
        """Return the prior's standard deviation of every weight, float32 (n_weights,)."""
        return np.full(layout.n_weights, 1 / self.length_scale, np.float32)

    @property
    def rates(self) -> list[float]:
        """Share of the units before every layer that is left out."""
        return [self.input_dropout, *[self.dropout] * len(self.hidden_sizes)]

    def guide(self, layout: Layout, loc: np.ndarray) -> Guide:
        """Return the guide, its means starting at `loc`."""
        from models.bnn_guide import Dropout

        return Dropout(loc, layout, self.rates)


@final
class McDropout(NetPredictor[McDropoutConfig]):
    """Weights of a net whose units are left out at random."""

    kind = "mc_dropout"
    format = 1
    config_type = McDropoutConfig

    @classmethod
    def fit(cls, data: Examples, config: McDropoutConfig, run: Run, *, validation: Examples | None = None) -> Self:
        """Fit to `data`; the same rows, settings, seed and device give the same arrays."""
        from models.bnn_fit import fit_arrays

        return cls(config, fit_arrays(data, config, run, f"fit/{cls.kind}", cls.judge(config, validation)))

    def weights(self, n_draws: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Return weights with units left out, and the likelihood's parameters."""
        rates = self.layout.of_units(self.config.rates)
        mask = (random.random((n_draws, len(rates)), np.float32) >= rates) / (1 - rates)
        return self._arrays["loc"] * mask[:, self.layout.units()], self._parameters(n_draws)
