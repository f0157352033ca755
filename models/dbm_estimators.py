"""Estimators of the gradient of a Boltzmann machine's log-likelihood, named for what they are.

A method is a positive phase (visible units given), a negative phase (nothing given) and where the chains of the
negative phase start. With one hidden layer every positive phase is exact: hidden units are then independent.

=================  ========  =======================================================================================
method             unbiased  is
=================  ========  =======================================================================================
cd                 no        contrastive divergence: one sweep from the data; mean field for the positive phase
pcd                no        persistent chains, one sweep a gradient; mean field for the positive phase
local_mode         no        what the released code of Taniguchi et al. 2023 does (`models.dbm_metropolis`)
coupled_mh         yes       their method with a true coupling; its variance grows without bounds with the units
coupled_gibbs      yes       coupled block Gibbs from local modes, both phases (`models.dbm_gibbs`)
coupled_chains     yes       the same, the negative phase started at where its chains were left the last time
=================  ========  =======================================================================================

The lag of the coupled negative phase is what makes it usable. On digits (64-12-32, trained to -19.2 nats a row) the
variance of one estimate, relative to one independent sample, is 475 at lag 1, 3.7 at lag 20, .8 at 80, and .56 at lag
50 with 50 steps averaged, at about the seconds of lag 1 (`tests.benchmarks.dbm_exact`). A row is then worth two
independent samples: fewer rows than the batch has do (`n_chains`). Starting at the chains of the last step changed
nothing beyond chance. Where layers are wide, chains must be coupled as blocks once they are near: with layers of 192
units they meet after 91 steps, and unit by unit half of them not within 1000 (`tests.benchmarks.dbm_couplings`). On
small machines that costs more than it saves.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from data.errors import BadConfig
from models.dbm_chains import Gibbs, MeanField
from models.dbm_couplings import EITHER
from models.dbm_gibbs import CoupledGibbs
from models.dbm_machine import Machine
from models.dbm_metropolis import CoupledMetropolis, LocalMode
from models.dbm_phase import Estimate, Phase
from models.dbm_state import State, drawn
from models.dbm_statistics import Particles, Report, Statistics, below, statistics

FROM_MODES, FROM_DATA, FROM_CHAINS = "modes", "data", "chains"


@dataclass(frozen=True)
class Method:
    """How a gradient is estimated.

    Attributes
    ----------
    positive, negative
        The two phases.
    starts
        Where chains of the negative phase start: local modes, the data and what the positive phase made of it, or where
        they were left the last time (the first time: local modes).
    """

    positive: Phase
    negative: Phase
    starts: str = FROM_MODES

    @property
    def unbiased(self) -> bool:
        """Whether the mean of many gradients is the gradient of the likelihood."""
        return self.positive.unbiased and self.negative.unbiased


_HIDDEN = CoupledGibbs(n_averaged=3, lag=3)  # given the visible units chains meet after two steps
_WHOLE = CoupledGibbs(n_averaged=50, lag=50, coupling=EITHER)

METHODS: dict[str, Method] = {
    "cd": Method(MeanField(), Gibbs(), FROM_DATA),
    "pcd": Method(MeanField(), Gibbs(), FROM_CHAINS),
    "local_mode": Method(LocalMode(), LocalMode()),
    "coupled_mh": Method(CoupledMetropolis(), CoupledMetropolis()),
    "coupled_gibbs": Method(_HIDDEN, _WHOLE),
    "coupled_chains": Method(_HIDDEN, _WHOLE, FROM_CHAINS),
}


def method_named(name: str) -> Method:
    """Return the method.

    Raises
    ------
    BadConfig
        If there is none of that name.
    """
    if name not in METHODS:
        raise BadConfig(f"estimator: {name!r}, expected one of {', '.join(METHODS)}")
    return METHODS[name]


@dataclass(frozen=True)
class Phases:
    """What the two phases of a batch returned.

    Attributes
    ----------
    positive, negative
        The estimates.
    hidden
        The particles of the positive phase as ones of the whole machine.
    """

    positive: Estimate
    negative: Estimate
    hidden: Particles


@dataclass(frozen=True)
class Gradient:
    """An estimate of the gradient of the mean log-likelihood of a batch.

    Attributes
    ----------
    ascent
        One tensor a parameter, of its shape; to be added.
    positive, negative
        How the two phases went.
    chains
        Where the chains of the negative phase were left; to be handed to the next call.
    """

    ascent: Statistics
    positive: Report
    negative: Report
    chains: State


@torch.no_grad()
def gradient(
    machine: Machine,
    visible: torch.Tensor,
    method: Method,
    random: torch.Generator,
    chains: State | None = None,
    n_chains: int | None = None,
) -> Gradient:
    """Return the gradient of the mean log-likelihood of `visible`; see `gradient_particles` for the parameters."""
    phases = gradient_particles(machine, visible, method, random, chains, n_chains)
    ascent = statistics(machine, phases.hidden).minus(statistics(machine, phases.negative.particles))
    return Gradient(ascent, phases.positive.report, phases.negative.report, phases.negative.end)


@torch.no_grad()
def gradient_particles(
    machine: Machine,
    visible: torch.Tensor,
    method: Method,
    random: torch.Generator,
    chains: State | None = None,
    n_chains: int | None = None,
) -> Phases:
    """Return the particles of both phases for a batch.

    Parameters
    ----------
    visible
        (n_rows, n_visible) of 0 and 1.
    random
        Where all randomness comes from, on the machine's device.
    chains
        Where the last call left them, for a method whose chains go on.
    n_chains
        Estimates of the negative phase; None takes as many as `visible` has rows. Chains that go on, or start at the
        data, are as many as they are.
    """
    positive, hidden = positive_phase(machine, visible, method.positive, random)
    start = None
    if method.starts == FROM_CHAINS:
        start = chains
    elif method.starts == FROM_DATA:
        start = _from_data(visible, positive.end, random)
    n_started = (n_chains or len(visible)) if start is None else len(start.even)
    return Phases(positive, method.negative.expectation(machine, n_started, random, start), hidden)


def positive_phase(
    machine: Machine, visible: torch.Tensor, phase: Phase, random: torch.Generator
) -> tuple[Estimate, Particles]:
    """Return the estimate of the hidden units given `visible`, and its particles as ones of the whole machine."""
    estimate = phase.expectation(machine.given(visible), len(visible), random)
    return estimate, below(visible, estimate.particles)


def _from_data(visible: torch.Tensor, hidden: State, random: torch.Generator) -> State:
    """Return the data with hidden units drawn from `hidden`, probabilities or units: layer 1 is its first even one."""
    even, odd = (drawn(block, random) for block in hidden)
    return State(torch.cat([visible, odd], dim=1), even)
