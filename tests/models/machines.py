"""Small Boltzmann machines, and all the states they have."""

from __future__ import annotations

import itertools

import torch

from models.dbm_machine import Machine
from models.dbm_state import State


def machine_of(sizes: tuple[int, ...], seed: int = 0, sd: float = 1.0) -> Machine:
    random = torch.Generator().manual_seed(seed)
    weights = tuple(sd * torch.randn(pair, generator=random) for pair in itertools.pairwise(sizes))
    return Machine(weights, tuple(sd * torch.randn(size, generator=random) for size in sizes))


def all_rows(n_units: int) -> torch.Tensor:
    return torch.tensor(list(itertools.product([0.0, 1.0], repeat=n_units))).reshape(2**n_units, n_units)


def all_states(machine: Machine) -> State:
    units = all_rows(sum(machine.sizes))
    return machine.state(torch.split(units, list(machine.sizes), dim=1))


def numbered(state: State) -> torch.Tensor:
    """Return the number of each row's state, the first unit of the even block the highest digit."""
    units = torch.cat(state, dim=1)
    return (units @ 2.0 ** torch.arange(units.shape[1] - 1, -1, -1)).long()
