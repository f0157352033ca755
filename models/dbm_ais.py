"""log Z by annealed importance sampling (Neal 2001; Salakhutdinov and Murray 2008), or exactly where that can be done.

Chains go from independent units with biases a to the machine with weights W and biases b by the machines of
inverse temperature beta between 0 and 1, with weights beta W and biases (1 - beta) a + beta b. One block is summed out
at every temperature, so the chain is of the smaller block and its importance weight is a product of ratios of p*
(`Machine.log_marginal`). The mean of the weights estimates Z / Z(independent) without bias; its log is on average a
little low, which makes likelihoods look a little high. A figure is worth as much as its effective sample size is large:
with few effective chains of many, the standard error says nothing either.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional

from models.dbm_exact import MOST_UNITS, log_z
from models.dbm_gibbs import chain_parity
from models.dbm_machine import Machine
from models.dbm_state import State, drawn


@dataclass(frozen=True)
class LogZ:
    """log Z of a machine, or of every row where rows have biases of their own.

    Attributes
    ----------
    value
        float64, a number or (n_rows,), in nats.
    standard_error
        Of `value`, by the spread of the weights; 0 where it is exact.
    effective_sample_size
        (sum w)^2 / sum w^2 of the weights of the chains, of `value`'s shape; None where it is exact.
    n_chains
        Chains, a row; 0 where it is exact.
    """

    value: torch.Tensor
    standard_error: torch.Tensor
    effective_sample_size: torch.Tensor | None
    n_chains: int

    @property
    def is_exact(self) -> bool:
        """Whether states were enumerated."""
        return self.effective_sample_size is None

    def says(self) -> str:
        """Return the mean over rows in words, with its effective sample size."""
        value = f"log Z {float(self.value.mean()):.3f}"
        if self.effective_sample_size is None:
            return f"{value} (exact)"
        return (
            f"{value}, standard error {float(self.standard_error.mean()):.3f}, effective sample size "
            f"{float(self.effective_sample_size.mean()):.1f} of {self.n_chains} chains"
        )


def known_log_z(
    machine: Machine, base: Sequence[torch.Tensor], random: torch.Generator, n_chains: int = 256, n_steps: int = 2000
) -> LogZ:
    """Return log Z exactly if the smaller block has at most 20 units, else by `annealed_log_z`."""
    if min(machine.block_sizes) <= MOST_UNITS:
        value = log_z(machine)
        return LogZ(value, torch.zeros_like(value), None, 0)
    return annealed_log_z(machine, base, random, n_chains, n_steps)


def annealed_log_z(
    machine: Machine, base: Sequence[torch.Tensor], random: torch.Generator, n_chains: int = 256, n_steps: int = 2000
) -> LogZ:
    """Return log Z by `n_chains` chains of `n_steps` temperatures, evenly spaced.

    Parameters
    ----------
    machine
        Where rows have biases of their own, every row gets chains of its own: ``machine.given(visible)`` gives the
        log p* of the rows of ``visible``, up to b_0'x_0.
    base
        Biases a of the independent units, a tensor a layer, (n_l,) or (n_rows, n_l). The nearer to the machine, the
        better: log-odds of the data for the visible layer (`models.dbm_start.log_odds`); for hidden ones their own
        biases, or logits of mean field.

    Raises
    ------
    ValueError
        If the layers of `base` have other sizes than those of the machine.
    """
    sizes = tuple(bias.shape[-1] for bias in base)
    if sizes != machine.sizes:
        raise ValueError(f"log Z: base of layers {sizes}, machine of layers {machine.sizes}")
    by_row = [len(bias) for bias in (*machine.biases, *base) if bias.dim() == 2]
    n_rows = by_row[0] if by_row else 1
    row = torch.arange(n_rows, device=machine.device).repeat_interleave(n_chains)
    still = Machine(tuple(torch.zeros_like(weight) for weight in machine.weights), tuple(base))
    log_weight = _log_weights(machine.at(row), still.at(row), len(row), n_steps, random).reshape(n_rows, n_chains)
    ratio, weight = log_weight.logsumexp(dim=1) - math.log(n_chains), torch.softmax(log_weight, dim=1)
    of_base = sum(functional.softplus(bias.double()).sum(dim=-1) for bias in base)
    effective = 1 / weight.square().sum(dim=1)
    # var(w) / mean(w)^2 = n / effective - 1, by the delta method that of the log of the mean, times n
    error = ((n_chains / effective - 1) / n_chains).sqrt()
    found = [ratio + of_base, error, effective]
    value, error, effective = (tensor if by_row else tensor[0] for tensor in found)
    return LogZ(value, error, effective, n_chains)


def _log_weights(
    machine: Machine, still: Machine, n_chains: int, n_steps: int, random: torch.Generator
) -> torch.Tensor:
    """Return the log of every chain's importance weight, float64 (n_chains,)."""
    parity = chain_parity(machine)
    own, other = parity, 1 - parity
    biases, first = machine.block_biases, still.block_biases
    log_weight = torch.zeros(n_chains, dtype=torch.float64, device=machine.device)
    block = drawn(torch.sigmoid(first[own]).expand(n_chains, -1), random)
    was = 0.0
    for step in range(1, n_steps + 1):
        beta = step / n_steps
        field = machine.block_field(block, other)
        summed_out = functional.softplus(torch.lerp(first[other].expand_as(field), field, beta))
        summed_out -= functional.softplus(torch.lerp(first[other].expand_as(field), field, was))
        log_weight += summed_out.sum(dim=1, dtype=torch.float64)
        log_weight += (beta - was) * (block * (biases[own] - first[own])).sum(dim=1)
        if step < n_steps:
            block = _moved(machine, first, field, beta, own, random)
        was = beta
    return log_weight


def _moved(
    machine: Machine, first: State, field: torch.Tensor, beta: float, own: int, random: torch.Generator
) -> torch.Tensor:
    """Return the block `own` after a sweep at inverse temperature `beta`; `field` is the other block's, at 1."""

    def tempered(whole: torch.Tensor, parity: int) -> torch.Tensor:
        return drawn(torch.sigmoid(torch.lerp(first[parity].expand_as(whole), whole, beta)), random)

    return tempered(machine.block_field(tempered(field, 1 - own), own), own)
