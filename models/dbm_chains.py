"""Expectations by what is not coupled, and so is biased: some sweeps of Gibbs sampling, or mean field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from models.dbm_gibbs import chain_parity, local_modes
from models.dbm_machine import Machine
from models.dbm_phase import Estimate, Phase
from models.dbm_state import EVEN, State, mean, sampled
from models.dbm_statistics import Report, no_counts, one_each


@dataclass(frozen=True)
class Gibbs(Phase):
    """The state after some sweeps of block Gibbs sampling, one block averaged over given the other.

    Started at the data it is contrastive divergence (Hinton 2002), at its own last states persistent contrastive
    divergence (Tieleman 2008).

    Attributes
    ----------
    n_sweeps
        Sweeps.
    """

    unbiased: ClassVar[bool] = False
    n_sweeps: int = 1

    def begin(self, machine: Machine, n_rows: int, random: torch.Generator) -> tuple[State, torch.Tensor]:
        """Return the local modes reached from uniform states."""
        return local_modes(machine, n_rows, random)

    def run(self, machine: Machine, state: State, steps: torch.Tensor, random: torch.Generator) -> Estimate:
        """See `Phase`."""
        parity = chain_parity(machine)
        draw = sampled(random)
        for _ in range(self.n_sweeps):
            state = machine.sweep(state, draw, first=1 - parity)
        other = torch.sigmoid(machine.block_field(state[parity], 1 - parity))
        counted = State(state.even, other) if parity == EVEN else State(other, state.odd)
        return Estimate(one_each(counted), Report(len(state.even), steps, no_counts(other)), state)


@dataclass(frozen=True)
class MeanField(Phase):
    """The independent units nearest the machine in relative entropy (Salakhutdinov and Hinton 2009, section 3.2).

    As positive phase it follows the gradient of a lower bound of the likelihood, not of the likelihood.

    Attributes
    ----------
    most_sweeps
        Sweeps at most.
    tolerance
        The sweeps end when no probability of any row moves by more.
    """

    unbiased: ClassVar[bool] = False
    most_sweeps: int = 30
    tolerance: float = 1e-3

    def begin(self, machine: Machine, n_rows: int, random: torch.Generator) -> tuple[State, torch.Tensor]:
        """Return probabilities of 1/2."""
        half = (machine.biases[0].new_full((n_rows, size), 0.5) for size in machine.block_sizes)
        return State(*half), no_counts(machine.biases[0])

    def run(self, machine: Machine, state: State, steps: torch.Tensor, random: torch.Generator) -> Estimate:
        """See `Phase`."""
        for _ in range(self.most_sweeps):
            after = machine.sweep(state, mean, first=EVEN)
            moved = (after.odd - state.odd).abs().max()
            state = after
            if moved <= self.tolerance:
                break
        none = no_counts(state.even)
        return Estimate(one_each(state), Report(len(state.even), none, none), state)
