"""Expectations by the Metropolis chain of Taniguchi et al. 2023: truly coupled, and as their released code has it.

Both start where that code starts: uniform states, the local mode reached from them, one step of Gibbs sampling. Each
row draws its even layers first with probability 1/2, its odd ones otherwise; in the search all along, and anew in the
step. Both then propose uniform states, accepted with probability min(1, exp(E(x) - E(proposal))).

`CoupledMetropolis` pairs the chain with another, one step behind: same start, same proposals, same uniform numbers. The
telescoping sum (`models.dbm_gibbs`, k = m = 0) is then unbiased. Its worth is another matter: the uniform proposal is
accepted ever more rarely the more units there are (1e-2 at 96 units, practically never at the size of images). tau is
then 1, the estimate is the start itself, and what corrects it comes so rarely and so large that the variance is
useless.

`LocalMode` is not a coupling. The released code (github.com/iShohei220/unbiased_dbm, model.py, `coupling`) follows one
chain until a proposal is refused, adding to the energy of the first state the changes of energy from state to state;
that sum is the energy of the last state. Its expectation is that state's, not the machine's. It is here under the name
of what it does, to compare with.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from models.dbm_gibbs import chain_parity
from models.dbm_machine import Machine
from models.dbm_modes import find_modes
from models.dbm_phase import Estimate, Phase
from models.dbm_state import EVEN, State, coin_flips, differs, mode, sampled
from models.dbm_statistics import Particles, Report, joined, one_each


@dataclass(frozen=True)
class LocalMode(Phase):
    """The estimator of the released code, biased: the last state before the first refusal.

    Attributes
    ----------
    most_steps
        Proposals after which a chain that was never refused is stopped, and counted as truncated.
    """

    unbiased: ClassVar[bool] = False
    most_steps: int = 100_000

    def begin(self, machine: Machine, n_rows: int, random: torch.Generator) -> tuple[State, torch.Tensor]:
        """Return the local mode reached from uniform states, and one step of Gibbs sampling from there."""
        return mode_and_step(machine, n_rows, random)

    def run(self, machine: Machine, state: State, steps: torch.Tensor, random: torch.Generator) -> Estimate:
        """See `Phase`."""
        n_rows = len(state.even)
        last = state
        tau = torch.full((n_rows,), self.most_steps + 1, device=machine.device)
        rows, here, energy = torch.arange(n_rows, device=machine.device), machine, machine.energy(state)
        n_proposed = n_accepted = 0
        for t in range(1, self.most_steps + 1):
            proposal = here.uniform_state(len(rows), random)
            of_proposal = here.energy(proposal)
            accepted = log_uniform(energy, random) < energy - of_proposal
            tau[rows[~accepted]] = t
            n_proposed, n_accepted = n_proposed + len(rows), n_accepted + int(accepted.sum())
            rows, energy, here = rows[accepted], of_proposal[accepted], here.at(accepted)
            if not len(rows):
                break
            last = last if t > 1 else State(state.even.clone(), state.odd.clone())
            last.even[rows], last.odd[rows] = proposal.at(accepted)
        report = Report(n_rows, steps, tau, self.most_steps + 1, len(rows), n_proposed, n_accepted)
        return Estimate(one_each(last), report, last)


@dataclass(frozen=True)
class CoupledMetropolis(Phase):
    """The method of the paper with a pair of chains, unbiased.

    Attributes
    ----------
    most_steps
        Steps after which a pair that has not met is given up, counted in the report: its row may be biased.
    """

    unbiased: ClassVar[bool] = True
    most_steps: int = 100_000

    def begin(self, machine: Machine, n_rows: int, random: torch.Generator) -> tuple[State, torch.Tensor]:
        """Return the local mode reached from uniform states, and one step of Gibbs sampling from there."""
        return mode_and_step(machine, n_rows, random)

    def run(self, machine: Machine, state: State, steps: torch.Tensor, random: torch.Generator) -> Estimate:
        """See `Phase`."""
        n_rows = len(state.even)
        pairs = _Pairs(machine, state, random)
        while len(pairs.rows) and pairs.t <= self.most_steps:
            pairs.step()
        pairs.tau[pairs.rows] = self.most_steps + 1
        pairs.count(torch.ones_like(pairs.rows, dtype=torch.bool))
        n_proposed, n_accepted = pairs.n_proposed, pairs.n_accepted
        report = Report(n_rows, steps, pairs.tau, 1, len(pairs.rows), n_proposed, n_accepted)
        return Estimate(joined(pairs.particles), report, pairs.end)


class _Pairs:
    """Pairs of chains that have not met: X at time t, Y at time t - 1, how long they have been where they are."""

    def __init__(self, machine: Machine, start: State, random: torch.Generator) -> None:
        self.machine, self.random, self.t = machine, random, 1
        n_rows = len(start.even)
        every = torch.arange(n_rows, device=machine.device)
        self.particles, self.tau = [one_each(start)], torch.ones_like(every)
        self.end = State(start.even.clone(), start.odd.clone())
        proposal, energy = machine.uniform_state(n_rows, random), machine.energy(start)
        of_proposal = machine.energy(proposal)
        moved = log_uniform(energy, random) < energy - of_proposal
        moved &= ~_same(proposal, start)
        self.rows, self.here = every[moved], machine.at(moved)
        self.x, self.y = proposal.at(moved), start.at(moved)
        self.of_x, self.of_y = of_proposal[moved], energy[moved]
        self.stayed = torch.ones_like(self.of_x)
        self.n_proposed, self.n_accepted = n_rows, int(moved.sum())

    def step(self) -> None:
        """Move X to t + 1 and Y to t by one proposal and one uniform number; drop the pairs that meet."""
        proposal = self.here.uniform_state(len(self.rows), self.random)
        energy, log_u = self.here.energy(proposal), log_uniform(self.of_x, self.random)
        by_x, by_y = log_u < self.of_x - energy, log_u < self.of_y - energy
        self.n_proposed, self.n_accepted = self.n_proposed + len(self.rows), self.n_accepted + int(by_x.sum())
        self.t += 1
        moved = by_x | by_y
        if bool(moved.any()):
            self.count(moved)
            self.stayed[moved] = 0
            self.x, self.of_x = _where(by_x, proposal, self.x), torch.where(by_x, energy, self.of_x)
            self.y, self.of_y = _where(by_y, proposal, self.y), torch.where(by_y, energy, self.of_y)
            self._drop(_same(self.x, self.y))
        self.stayed += 1

    def count(self, which: torch.Tensor) -> None:
        """Keep the states of some pairs as particles, as often as they stayed there: + X and - Y."""
        stayed, row = self.stayed[which], self.rows[which]
        for state, sign in ((self.x, 1), (self.y, -1)):
            self.particles.append(Particles(state.at(which), sign * stayed, row, len(self.tau)))

    def _drop(self, met: torch.Tensor) -> None:
        self.tau[self.rows[met]] = self.t
        self.end.even[self.rows[met]], self.end.odd[self.rows[met]] = self.x.at(met)
        apart = ~met
        self.rows, self.stayed, self.here = self.rows[apart], self.stayed[apart], self.here.at(apart)
        self.x, self.y, self.of_x, self.of_y = self.x.at(apart), self.y.at(apart), self.of_x[apart], self.of_y[apart]


def mode_and_step(machine: Machine, n_rows: int, random: torch.Generator) -> tuple[State, torch.Tensor]:
    """Return a local mode of every row followed by one step of Gibbs sampling, and the sweeps of the search.

    Rows that draw the smaller block first take that half a sweep ahead; from then on both kinds of rows take turns
    alike, and one search serves them all.
    """
    parity = chain_parity(machine)
    block = coin_flips((n_rows, machine.block_sizes[parity]), random)
    ahead, _ = _split(n_rows, random)
    other = coin_flips((len(ahead), machine.block_sizes[1 - parity]), random)
    block.index_copy_(0, ahead, mode(machine.at(ahead).block_field(other, parity), parity))
    modes = find_modes(machine, block, parity)
    own, other, draw = modes.state[parity], modes.state[1 - parity], sampled(random)
    ahead, behind = _split(n_rows, random)
    own.index_copy_(0, ahead, draw(machine.at(ahead).block_field(other[ahead], parity), parity))
    other = draw(machine.block_field(own, 1 - parity), 1 - parity)
    own.index_copy_(0, behind, draw(machine.at(behind).block_field(other[behind], parity), parity))
    return State(own, other) if parity == EVEN else State(other, own), modes.steps


def _split(n_rows: int, random: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the rows split in two, each row by the throw of a coin."""
    heads = torch.rand(n_rows, generator=random, device=random.device) < 0.5
    return heads.nonzero()[:, 0], (~heads).nonzero()[:, 0]


def log_uniform(like: torch.Tensor, random: torch.Generator) -> torch.Tensor:
    """Return logs of uniform numbers, (n_rows,)."""
    return torch.rand(len(like), generator=random, device=like.device).log()


def _same(one: State, other: State) -> torch.Tensor:
    return ~(differs(one.even, other.even) | differs(one.odd, other.odd))


def _where(condition: torch.Tensor, one: State, other: State) -> State:
    condition = condition[:, None]
    return State(torch.where(condition, one.even, other.even), torch.where(condition, one.odd, other.odd))
