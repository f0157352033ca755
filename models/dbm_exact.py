"""Exact log Z, expectations and log-likelihoods of small Boltzmann machines, by enumeration.

The states of one block, the one of fewer units, are enumerated, the other block is summed out in closed form
(`Machine.log_marginal`). So the limit is the smaller block, not the machine: 64-12-32 has 12 units to enumerate, and
16-8-4 has 8. In float64 throughout.
"""

from __future__ import annotations

import torch

from models.dbm_machine import Machine
from models.dbm_state import EVEN, ODD, State
from models.dbm_statistics import Particles, Statistics, below, statistics

MOST_UNITS = 20
_CHUNK = 1 << 15


def states_of(n_units: int, device: torch.device, start: int = 0, stop: int | None = None) -> torch.Tensor:
    """Return states `start` to `stop` of the 2**n_units, float64 (n_states, n_units); the first unit counts 1."""
    number = torch.arange(start, 1 << n_units if stop is None else stop, device=device)
    return (number[:, None] >> torch.arange(n_units, device=device) & 1).to(torch.float64)


def log_z(machine: Machine) -> torch.Tensor:
    """Return log Z, float64: a number, or (n_rows,) where rows have biases of their own.

    Raises
    ------
    ValueError
        If the smaller block has more than 20 units.
    """
    return log_p_stars(machine)[1].logsumexp(dim=-1)


def log_p_stars(machine: Machine) -> tuple[int, torch.Tensor]:
    """Return which block is enumerated, and log p* of its states, float64 (n_states,) or (n_rows, n_states)."""
    exact, parity = machine.to(torch.float64), smaller_block(machine)
    n_states = 1 << exact.block_sizes[parity]
    chunks = range(0, n_states, _CHUNK)
    parts = [_log_p_stars(exact, parity, start, min(start + _CHUNK, n_states)) for start in chunks]
    return parity, torch.cat(parts, dim=-1)


def smaller_block(machine: Machine) -> int:
    """Return the parity of the block to enumerate.

    Raises
    ------
    ValueError
        If it has more than 20 units.
    """
    parity = EVEN if machine.block_sizes[EVEN] <= machine.block_sizes[ODD] else ODD
    if machine.block_sizes[parity] > MOST_UNITS:
        raise ValueError(
            f"exact: the smaller block has {machine.block_sizes[parity]} units, at most {MOST_UNITS} are enumerated; "
            "estimate log Z by models.dbm_ais"
        )
    return parity


def _log_p_stars(exact: Machine, parity: int, start: int, stop: int) -> torch.Tensor:
    states = states_of(exact.block_sizes[parity], exact.device, start, stop)
    own, other = exact.block_biases[parity], exact.block_biases[1 - parity]
    if other.dim() == 1:  # what is summed out is the same for all rows
        summed_out = exact.log_marginal(states, parity) if own.dim() == 1 else _without_bias(exact, states, parity)
        return summed_out if own.dim() == 1 else summed_out + own @ states.T
    rows = other.new_zeros(len(other), 1)
    return torch.stack([exact.log_marginal(state + rows, parity) for state in states], dim=1)


def _without_bias(exact: Machine, states: torch.Tensor, parity: int) -> torch.Tensor:
    return torch.nn.functional.softplus(exact.block_field(states, 1 - parity)).sum(dim=1)


def exact_particles(machine: Machine) -> Particles:
    """Return every state of one block with its probability as weight, the other block averaged over; one row.

    Raises
    ------
    ValueError
        If rows have biases of their own, or the smaller block has more than 20 units.
    """
    if any(bias.dim() == 2 for bias in machine.biases):
        raise ValueError("exact particles: rows have biases of their own; see exact_hidden")
    parity, log_p = log_p_stars(machine)
    exact = machine.to(torch.float64)
    states = states_of(exact.block_sizes[parity], exact.device)
    return _particles(exact, parity, states, torch.softmax(log_p, dim=0), torch.zeros(len(states)).long(), 1)


def exact_hidden(machine: Machine, visible: torch.Tensor) -> Particles:
    """Return every state of the hidden units given each row of `visible`, with its probability.

    n_rows * 2**n particles: for some rows at a time.
    """
    upper = machine.given(visible).to(torch.float64)
    parity, log_p = log_p_stars(upper)
    n_rows, n_states = log_p.shape
    states = states_of(upper.block_sizes[parity], upper.device).repeat(n_rows, 1)
    row = torch.arange(n_rows, device=upper.device).repeat_interleave(n_states)
    weight = torch.softmax(log_p, dim=1).reshape(-1)
    hidden = _particles(upper.at(row), parity, states, weight, row, n_rows)
    return below(visible.to(torch.float64), hidden)


def _particles(
    exact: Machine, parity: int, states: torch.Tensor, weight: torch.Tensor, row: torch.Tensor, n_rows: int
) -> Particles:
    other = torch.sigmoid(exact.block_field(states, 1 - parity))
    state = State(states, other) if parity == EVEN else State(other, states)
    return Particles(state, weight, row.to(weight.device), n_rows)


def exact_expectations(machine: Machine) -> Statistics:
    """Return the expected statistics under the machine, float64: the negative phase."""
    return statistics(machine.to(torch.float64), exact_particles(machine))


def exact_gradient(machine: Machine, visible: torch.Tensor) -> Statistics:
    """Return the gradient of the mean log-likelihood of the rows of `visible`, float64."""
    positive = statistics(machine.to(torch.float64), exact_hidden(machine, visible))
    return positive.minus(exact_expectations(machine))


def log_likelihood(
    machine: Machine, visible: torch.Tensor, log_normaliser: torch.Tensor | float | None = None
) -> torch.Tensor:
    """Return log p of each row of `visible`, float64 (n_rows,), in nats.

    Parameters
    ----------
    visible
        (n_rows, n_visible).
    log_normaliser
        log Z, where it is known otherwise (`models.dbm_ais`); None enumerates it.

    Raises
    ------
    ValueError
        If hidden units or log Z cannot be enumerated.
    """
    exact, units = machine.to(torch.float64), visible.to(torch.float64)
    of_hidden = log_z(exact.given(units))
    return units @ exact.biases[0] + of_hidden - (log_z(machine) if log_normaliser is None else log_normaliser)
