"""Settings that Bayesian nets share: what the net is, what an outcome is, how it is trained."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from data.errors import BadConfig
from models.bnn_layout import Layout

if TYPE_CHECKING:
    from models.bnn_guide import Guide  # needs torch, which predicting does not

ACTIVATIONS = ("relu", "tanh", "softplus")
LIKELIHOODS = ("gaussian", "heteroscedastic", "categorical", "ordinal", "bernoulli")
_OF_NUMBERS = ("gaussian", "heteroscedastic")


@dataclass(frozen=True)
class NetConfig:
    """What a net is, and how an outcome comes from what it puts out.

    Attributes
    ----------
    hidden_sizes
        Units of each hidden layer; none makes it a linear model.
    activation
        ``relu``, ``tanh`` or ``softplus``, after every hidden layer.
    likelihood
        Of an outcome: ``gaussian`` with one noise for all rows; ``heteroscedastic``, a Gaussian with a noise for every
        row; ``categorical``, one of `outcomes`; ``ordinal``, one of `outcomes` in their order; ``bernoulli``, 0 or 1.
    outcomes
        The values an outcome can have, ascending, for ``categorical`` and ``ordinal``; else none.
    noise_sd
        Standard deviation of the noise of ``gaussian``, in the units of the outcome, where it is known; 0 learns it.
    n_offset_features
        The first so many features are no input of the net: multiplied by one learned number, which starts at 1, they
        are added to what it puts out. For ``categorical`` and ``ordinal`` one for each outcome, added to the logits
        (the log of probabilities known beforehand); for ``bernoulli`` one logit; for a Gaussian one guess of the mean,
        in units of the outcome.
    """

    section: ClassVar[str]

    hidden_sizes: tuple[int, ...] = (50,)
    activation: str = "relu"
    likelihood: str = "gaussian"
    outcomes: tuple[float, ...] = ()
    noise_sd: float = 0.0
    n_offset_features: int = 0

    def __post_init__(self) -> None:
        """Refuse impossible settings."""
        object.__setattr__(self, "hidden_sizes", tuple(self.hidden_sizes))  # JSON has lists
        object.__setattr__(self, "outcomes", tuple(map(float, self.outcomes)))
        self.expect(all(size >= 1 for size in self.hidden_sizes), "hidden_sizes", "sizes of at least 1")
        self.expect(self.activation in ACTIVATIONS, "activation", f"one of {', '.join(ACTIVATIONS)}")
        self.expect(self.likelihood in LIKELIHOODS, "likelihood", f"one of {', '.join(LIKELIHOODS)}")
        if self.likelihood in ("categorical", "ordinal"):
            rising = len(self.outcomes) >= 2 and bool((np.diff(self.outcomes) > 0).all())
            self.expect(rising, "outcomes", f"two or more, ascending: the likelihood is {self.likelihood}")
        else:
            self.expect(not self.outcomes, "outcomes", f"none: the likelihood is {self.likelihood}")
        self.expect(0 <= self.noise_sd < np.inf, "noise_sd", "0 or more")
        self.expect(self.likelihood == "gaussian" or not self.noise_sd, "noise_sd", "0: only gaussian has it")
        allowed = (0, len(self.outcomes) or 1)
        self.expect(self.n_offset_features in allowed, "n_offset_features", f"{allowed[0]} or {allowed[1]}")

    def expect(self, holds: bool, name: str, expected: str) -> None:
        """Raise BadConfig, naming the setting, unless `holds`."""
        if not holds:
            raise BadConfig(f"{self.section}.{name}: {getattr(self, name)!r}, expected {expected}")

    @property
    def values(self) -> np.ndarray | None:
        """float32 (n_outcomes,), the values an outcome can have; None where outcomes are numbers."""
        if self.likelihood in _OF_NUMBERS:
            return None
        return np.array((0, 1) if self.likelihood == "bernoulli" else self.outcomes, np.float32)

    @property
    def n_outputs(self) -> int:
        """How many numbers the net puts out for a row."""
        return {"gaussian": 1, "bernoulli": 1, "categorical": len(self.outcomes)}.get(self.likelihood, 2)


@dataclass(frozen=True)
class TrainedConfig(NetConfig, ABC):
    """How a net is trained beside, and which guide and prior it has.

    Attributes
    ----------
    epochs, batch_size
        Passes over the rows at most, and rows of a step.
    learning_rate
        Of Adam at the start; it falls linearly to zero over the second half.
    patience
        Epochs without a better likelihood of validation rows after which it stops; 0 goes on to the end. With
        validation rows, the best state is kept in either case. States are compared once the divergence from the prior
        has its whole weight (`kl_share`): a posterior of before is fitted to less than the bound.
    """

    epochs: int = 100
    batch_size: int = 256
    learning_rate: float = 0.005
    patience: int = 0

    def __post_init__(self) -> None:
        """Refuse impossible settings."""
        super().__post_init__()
        for name, least in (("epochs", 1), ("batch_size", 1), ("patience", 0)):
            self.expect(getattr(self, name) >= least, name, f"at least {least}")
        self.expect(0 < self.learning_rate < np.inf, "learning_rate", "above 0")

    @abstractmethod
    def guide(self, layout: Layout, loc: np.ndarray) -> Guide:
        """Return what is learned of the weights, its means starting at `loc`, float32 (n_weights,)."""

    @abstractmethod
    def prior_sds(self, layout: Layout) -> np.ndarray:
        """Return the prior's standard deviation of every weight, float32 (n_weights,)."""

    @property
    def prior_name(self) -> str:
        """One of `models.bnn_prior.PRIORS`."""
        return "gaussian"

    @property
    def kl_share(self) -> float:
        """Share of the steps over which the divergence from the prior gets its weight; 0 gives it at once."""
        return 0.0
