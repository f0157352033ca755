"""A phase: what estimates an expectation under a machine; two of them make a gradient."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, final

import torch

from models.dbm_machine import Machine
from models.dbm_state import State
from models.dbm_statistics import Particles, Report, no_counts, one_each


@dataclass(frozen=True)
class Estimate:
    """An estimate of every row, and how it came about.

    Attributes
    ----------
    particles
        Weighted states.
    report
        Counts.
    end
        The state in which each row's chain was left, for chains that go on.
    """

    particles: Particles
    report: Report
    end: State


class Phase(ABC):
    """What estimates expectations under a machine.

    Class attributes
    ----------------
    unbiased
        Whether the mean of many estimates is the expectation, up to chains that were truncated.
    """

    unbiased: ClassVar[bool]

    @final
    def expectation(
        self, machine: Machine, n_rows: int, random: torch.Generator, start: State | None = None
    ) -> Estimate:
        """Return `n_rows` estimates; of a machine of one layer, whose units are independent, the expectation itself.

        Parameters
        ----------
        machine
            Its biases may differ by row: ``machine.given(visible)`` is the positive phase.
        random
            Where all randomness comes from, on the machine's device.
        start
            State of (n_rows, n_units) from which chains start; None starts as the phase's class says.
        """
        if machine.n_layers == 1:
            return independent(machine, n_rows)
        begun = self.begin(machine, n_rows, random) if start is None else (start, no_counts(machine.biases[0]))
        return self.run(machine, *begun, random)

    @abstractmethod
    def begin(self, machine: Machine, n_rows: int, random: torch.Generator) -> tuple[State, torch.Tensor]:
        """Return where chains start that are not told where, and the sweeps of the search for it, int64 (n_rows,)."""

    @abstractmethod
    def run(self, machine: Machine, state: State, steps: torch.Tensor, random: torch.Generator) -> Estimate:
        """Return the estimates of chains that start at `state`, found in `steps` sweeps, none if it was told."""


def independent(machine: Machine, n_rows: int) -> Estimate:
    """Return the expectation under a machine of one layer, whose units are independent: exact."""
    p = torch.sigmoid(machine.biases[0]).expand(n_rows, -1)
    state = State(p, p[:, :0])
    none = no_counts(p)
    return Estimate(one_each(state), Report(n_rows, none, none), state)
