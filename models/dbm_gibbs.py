"""Expectations by a pair of coupled chains of block Gibbs sampling, without bias however short the chains are.

A chain X starts at a local mode, and a chain Y some steps behind, the lag L, at the same mode: X_0 = Y_0, and from then
on X_{t+1} and Y_{t+1-L} are drawn together (`models.dbm_couplings`). Both have the law of the same chain, so the
telescoping sum

    H = sum_{t=k..m} h(X_t) / (m - k + 1)  +  sum_{t=k+L..tau-1} c_t (h(X_t) - h(Y_{t-L}))
    c_t = (floor((t - k) / L) - ceil(max(L, t - m) / L) + 1) / (m - k + 1)

has the expectation of h under the machine (Jacob, O'Leary and Atchade 2020, eq. 2.1 and section 2.2, for lag 1; Biswas,
Jacob and Vanetti 2019, appendix A, for others), where tau is the first t with X_t = Y_{t-L}. Taniguchi et al. 2023 use
it with L = 1, k = m = 0 and a Metropolis chain (`models.dbm_metropolis`).

What is different here: the chain is of one block only, the other block being drawn from it, so two chains have met when
that block is the same; and h is averaged over the other block, in closed form, given this one (Rao-Blackwell).

Without bias is not without variance: every step that X and Y are apart adds what they differ by. k near the upper
quantiles of tau makes corrections rare, L near them makes them few; both cost sweeps. A machine that has learned much
has chains that meet late (`tests.benchmarks.dbm_exact` has the figures).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from data.errors import BadConfig
from models.dbm_couplings import COUPLINGS, UNITS, draw_pair
from models.dbm_machine import Machine
from models.dbm_modes import find_modes
from models.dbm_phase import Estimate, Phase
from models.dbm_state import EVEN, ODD, State, coin_flips, differs
from models.dbm_statistics import Particles, Report, joined, no_counts, one_each


@dataclass(frozen=True)
class CoupledGibbs(Phase):
    """Coupled block Gibbs sampling.

    Attributes
    ----------
    burn_in
        k, steps whose states do not count but for corrections.
    n_averaged
        m - k + 1, steps that are averaged.
    lag
        L, steps that the second chain is behind.
    most_steps
        Steps after which a pair that has not met is given up, counted in the report: its row may be biased.
    coupling
        One of `models.dbm_couplings.COUPLINGS`.
    averages_block
        Whether the other block is averaged over; False takes a draw of it.
    keeps_particles
        Whether states are kept as particles, which takes memory for all states of all steps; False keeps none, for
        whom asks only how chains meet. What is drawn is the same.

    Raises
    ------
    BadConfig
        If a count is out of range.
    """

    unbiased: ClassVar[bool] = True
    burn_in: int = 0
    n_averaged: int = 1
    lag: int = 1
    most_steps: int = 10_000
    coupling: str = UNITS
    averages_block: bool = True
    keeps_particles: bool = True

    def __post_init__(self) -> None:
        if self.coupling not in COUPLINGS:
            raise BadConfig(f"coupling: {self.coupling!r}, expected one of {', '.join(COUPLINGS)}")
        if self.burn_in < 0 or self.n_averaged < 1 or not 1 <= self.lag <= self.most_steps:
            raise BadConfig(
                f"coupled Gibbs: burn_in {self.burn_in}, n_averaged {self.n_averaged}, lag {self.lag}, most_steps "
                f"{self.most_steps}; expected burn_in >= 0, n_averaged >= 1 and 1 <= lag <= most_steps"
            )

    def weight(self, t: int) -> float:
        """Return what the state of X at time t counts in the average."""
        return 1 / self.n_averaged if self.burn_in <= t < self.burn_in + self.n_averaged else 0.0

    def correction_weight(self, t: int) -> float:
        """Return c_t, what the difference of X and Y at time t counts."""
        if t < self.burn_in + self.lag:
            return 0.0
        last = self.burn_in + self.n_averaged - 1
        n_sums = (t - self.burn_in) // self.lag + 1 - -(-max(self.lag, t - last) // self.lag)
        return n_sums / self.n_averaged

    def begin(self, machine: Machine, n_rows: int, random: torch.Generator) -> tuple[State, torch.Tensor]:
        """Return the local modes reached from uniform states."""
        return local_modes(machine, n_rows, random)

    def run(self, machine: Machine, state: State, steps: torch.Tensor, random: torch.Generator) -> Estimate:
        """See `Phase`."""
        parity = chain_parity(machine)
        pair = _Pair(self, machine, parity, state[parity], random)
        while pair.goes_on:
            pair.step()
        report = Report(
            len(state.even), steps, pair.tau, self.burn_in + self.lag, int((pair.tau > self.most_steps).sum())
        )
        particles = joined(pair.particles) if self.keeps_particles else one_each(pair.end).at(no_counts(pair.tau))
        return Estimate(particles, report, pair.end)


def chain_parity(machine: Machine) -> int:
    """Return the block that the chain is of: the smaller one, which meets sooner."""
    return EVEN if machine.block_sizes[EVEN] < machine.block_sizes[ODD] else ODD


def local_modes(machine: Machine, n_rows: int, random: torch.Generator) -> tuple[State, torch.Tensor]:
    """Return the modes reached from uniform states, and the sweeps that took, int64 (n_rows,)."""
    parity = chain_parity(machine)
    modes = find_modes(machine, coin_flips((n_rows, machine.block_sizes[parity]), random), parity)
    return modes.state, modes.steps


class _Pair:
    """Chains X of the rows still needed, and Y of those that have not met; `of` says which X a Y belongs to."""

    def __init__(
        self, how: CoupledGibbs, machine: Machine, parity: int, block: torch.Tensor, random: torch.Generator
    ) -> None:
        self.how, self.whole, self.parity, self.random = how, machine, parity, random
        self.first, self.x, self.y = block, block, block[:0]
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
        """Count the states of time t of X and t - L of Y, then draw the next ones."""
        units = torch.cat([self.x, self.y])
        p = torch.sigmoid(self.here.block_field(units, 1 - self.parity))
        other = self._drawn(p)
        if self.how.keeps_particles:
            self._count(units, p if self.how.averages_block else other)
        drawn = self._drawn(torch.sigmoid(self.here.block_field(other, self.parity)))
        n_x = len(self.x)
        self.x, self.y = drawn[:n_x], drawn[n_x:]
        self.t += 1
        if self.t == self.how.lag:
            self.y, self.of = self.first, self.rows
        if self.t >= self.how.lag:
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
        n_x, of_x, of_pair = len(self.x), self.how.weight(self.t), self.how.correction_weight(self.t)
        weight = units.new_full((len(units),), of_x)
        weight[self.of] += of_pair
        weight[n_x:] = -of_pair
        counts = weight.nonzero()[:, 0]
        if not len(counts):
            return
        state = State(units, other) if self.parity == EVEN else State(other, units)
        row = torch.cat([self.rows, self.rows[self.of]])
        kept = Particles(state, weight, row, len(self.tau))
        self.particles.append(kept if len(counts) == len(units) else kept.at(counts))

    def _drop_done(self, other: torch.Tensor) -> None:
        """Note which pairs have met, and drop the chains that nothing more is asked of."""
        apart = differs(self.x[self.of], self.y)
        if self.t > self.how.most_steps:
            apart = torch.zeros_like(apart)
        else:
            self.tau[self.rows[self.of[~apart]]] = self.t
        if self.t > self.how.lag and len(self.of) == len(self.rows) and bool(apart.all()):
            return
        needed = torch.full_like(self.rows, self.t < self.how.burn_in + self.how.n_averaged, dtype=torch.bool)
        needed[self.of[apart]] = True
        done = self.rows[~needed]
        self.end[self.parity][done], self.end[1 - self.parity][done] = self.x[~needed], other[~needed]
        place = torch.cumsum(needed, dim=0) - 1
        self.of, self.y = place[self.of[apart]], self.y[apart]
        self.x, self.rows = self.x[needed], self.rows[needed]
        self.here = self.whole.at(torch.cat([self.rows, self.rows[self.of]]))
