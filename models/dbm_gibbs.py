"""Expectations by a pair of coupled chains of block Gibbs sampling, without bias however short the chains are.

A chain X starts at a local mode, and a chain Y one step behind at the same mode: X_0 = Y_0, and from then on X_{t+1}
and Y_t are drawn together (`models.dbm_couplings`). Both have the law of the same chain, so the telescoping sum

    H = sum_{t=k..m} h(X_t) / (m - k + 1)  +  sum_{t=k+1..tau-1} min(1, (t - k) / (m - k + 1)) (h(X_t) - h(Y_{t-1}))

has the expectation of h under the machine (Jacob, O'Leary and Atchade 2020, eq. 2.1 and section 2.2, lag 1), where
tau is the first t with X_t = Y_{t-1}. Taniguchi et al. 2023 use it with k = m = 0 and a Metropolis chain
(`models.dbm_metropolis`).

What is different here: the chain is of one block only, the other block being drawn from it, so two chains have met when
that block is the same; and h is averaged over the other block, in closed form, given this one (Rao-Blackwell).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from models.dbm_couplings import UNITS, draw_pair
from models.dbm_machine import Machine
from models.dbm_modes import find_modes
from models.dbm_phase import Estimate, Phase, independent
from models.dbm_state import EVEN, ODD, State, coin_flips, differs
from models.dbm_statistics import Particles, Report, joined, no_counts


@dataclass(frozen=True)
class CoupledGibbs(Phase):
    """Lag-1 coupled block Gibbs sampling.

    Attributes
    ----------
    burn_in
        k, steps whose states do not count but for corrections.
    n_averaged
        m - k + 1, steps that are averaged.
    most_steps
        Steps after which a pair that has not met is given up, counted in the report: its row may be biased.
    coupling
        One of `models.dbm_couplings.COUPLINGS`.
    averages_block
        Whether the other block is averaged over; False takes a draw of it.
    """

    unbiased: ClassVar[bool] = True
    burn_in: int = 0
    n_averaged: int = 1
    most_steps: int = 10_000
    coupling: str = UNITS
    averages_block: bool = True

    def expectation(
        self, machine: Machine, n_rows: int, random: torch.Generator, start: State | None = None
    ) -> Estimate:
        """See `Phase`; the chains start at the local mode reached from uniform states, or from `start` itself."""
        if machine.n_layers == 1:
            return independent(machine, n_rows)
        parity = chain_parity(machine)
        if start is None:
            modes = find_modes(machine, coin_flips((n_rows, machine.block_sizes[parity]), random), parity)
            block, steps = modes.state[parity], modes.steps
        else:
            block, steps = start[parity], no_counts(machine.biases[0])
        pair = _Pair(self, machine, parity, block, random)
        while pair.goes_on:
            pair.step()
        report = Report(n_rows, steps, pair.tau, self.burn_in + 1, int((pair.tau > self.most_steps).sum()))
        return Estimate(joined(pair.particles), report, pair.end)


def chain_parity(machine: Machine) -> int:
    """Return the block that the chain is of: the smaller one, which meets sooner."""
    return EVEN if machine.block_sizes[EVEN] < machine.block_sizes[ODD] else ODD


class _Pair:
    """Chains X of the rows still needed, and Y of those that have not met; `of` says which X a Y belongs to."""

    def __init__(
        self, how: CoupledGibbs, machine: Machine, parity: int, block: torch.Tensor, random: torch.Generator
    ) -> None:
        self.how, self.whole, self.parity, self.random = how, machine, parity, random
        self.x, self.y = block, block[:0]
        self.rows = torch.arange(len(block), device=block.device)
        self.of = self.rows[:0]
        self.here = machine
        self.t = 0
        self.tau = torch.full_like(self.rows, how.most_steps + 1)
        self.particles: list[Particles] = []
        self.end = State(
            block.new_zeros(len(block), machine.block_sizes[EVEN]),
            block.new_zeros(len(block), machine.block_sizes[ODD]),
        )

    @property
    def goes_on(self) -> bool:
        return len(self.rows) > 0

    def step(self) -> None:
        """Count the states of time t of X and t - 1 of Y, then draw the next ones."""
        units = torch.cat([self.x, self.y])
        p = torch.sigmoid(self.here.block_field(units, 1 - self.parity))
        other = self._drawn(p)
        self._count(units, p if self.how.averages_block else other)
        drawn = self._drawn(torch.sigmoid(self.here.block_field(other, self.parity)))
        n_x = len(self.x)
        if self.t == 0:
            self.x, self.y, self.of = drawn, self.x, self.rows
        else:
            self.x, self.y = drawn[:n_x], drawn[n_x:]
        self.t += 1
        self._drop_done(other[:n_x])

    def _drawn(self, p: torch.Tensor) -> torch.Tensor:
        """Return a block of X and of Y by their probabilities, each Y coupled with its X."""
        n_x = len(self.x)
        uniform = torch.rand((n_x, p.shape[1]), generator=self.random, device=p.device)
        x = torch.lt(uniform, p[:n_x], out=torch.empty_like(uniform))
        if not len(self.of):
            return x
        return torch.cat([x, draw_pair(p[self.of], p[n_x:], uniform[self.of], self.how.coupling, self.random)[1]])

    def _count(self, units: torch.Tensor, other: torch.Tensor) -> None:
        """Keep the states as particles, with their weights in the sum above."""
        k, n_averaged, n_x = self.how.burn_in, self.how.n_averaged, len(self.x)
        weight = units.new_zeros(len(units))
        if k <= self.t < k + n_averaged:
            weight[:n_x] = 1 / n_averaged
        if self.t > k:
            of_correction = min(1.0, (self.t - k) / n_averaged)
            weight[self.of] += of_correction
            weight[n_x:] = -of_correction
        if self.t < k:
            return
        state = State(units, other) if self.parity == EVEN else State(other, units)
        row = torch.cat([self.rows, self.rows[self.of]])
        self.particles.append(Particles(state, weight, row, len(self.tau)))

    def _drop_done(self, other: torch.Tensor) -> None:
        """Note which pairs have met, and drop the chains that nothing more is asked of."""
        apart = differs(self.x[self.of], self.y)
        if self.t > self.how.most_steps:
            apart = torch.zeros_like(apart)
        else:
            self.tau[self.rows[self.of[~apart]]] = self.t
        if self.t > 1 and len(self.of) == len(self.rows) and bool(apart.all()):
            return
        needed = torch.full_like(self.rows, self.t < self.how.burn_in + self.how.n_averaged, dtype=torch.bool)
        needed[self.of[apart]] = True
        done = self.rows[~needed]
        self.end[self.parity][done], self.end[1 - self.parity][done] = self.x[~needed], other[~needed]
        place = torch.cumsum(needed, dim=0) - 1
        self.of, self.y = place[self.of[apart]], self.y[apart]
        self.x, self.rows = self.x[needed], self.rows[needed]
        self.here = self.whole.at(torch.cat([self.rows, self.rows[self.of]]))
