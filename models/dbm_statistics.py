"""What an estimator of an expectation returns: weighted states, what they add up to, and how they came about.

The gradient of the mean log-likelihood of a Boltzmann machine is a difference of two expectations of the same
statistics, x_l x_{l+1}' and x_l: with the visible units given (positive phase) and without (negative phase). Whatever
estimates such an expectation, exactly, by one chain or by a pair of chains, returns `Particles`: states with weights,
which may be negative, so that the sum of weight times statistic is the estimate of a row.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import torch

from models.dbm_machine import Machine
from models.dbm_state import EVEN, State

_BLOCK = 2048  # particles that are added up in the precision they have


@dataclass(frozen=True)
class Particles:
    """Weighted states; a row's estimate of the expectation of h is the sum of weight * h(state) over its particles.

    Attributes
    ----------
    state
        Blocks of (n_particles, n_units), units or, where a block was averaged over, their probabilities.
    weight
        float32 (n_particles,); those of a row add up to 1.
    row
        int64 (n_particles,), whose particle it is.
    n_rows
        Rows, each an estimate of its own.
    """

    state: State
    weight: torch.Tensor
    row: torch.Tensor
    n_rows: int

    def at(self, which: torch.Tensor) -> Particles:
        """Return some of the particles, by number; rows are as many as before."""
        return Particles(self.state.at(which), self.weight[which], self.row[which], self.n_rows)


def one_each(state: State) -> Particles:
    """Return one particle a row."""
    n_rows = len(state.even)
    return Particles(state, state.even.new_ones(n_rows), torch.arange(n_rows, device=state.even.device), n_rows)


def joined(parts: list[Particles]) -> Particles:
    """Return the particles of all `parts`, which are of the same rows."""
    if len(parts) == 1:
        return parts[0]
    even, odd = (torch.cat([part.state[parity] for part in parts]) for parity in (0, 1))
    weight, row = torch.cat([part.weight for part in parts]), torch.cat([part.row for part in parts])
    return Particles(State(even, odd), weight, row, parts[0].n_rows)


def below(visible: torch.Tensor, hidden: Particles) -> Particles:
    """Return particles of the whole machine from those of ``machine.given(visible)``: its even layers are our odd ones.

    Parameters
    ----------
    visible
        (n_rows, n_visible), of the rows that the particles name.
    """
    state = State(torch.cat([visible[hidden.row], hidden.state.odd], dim=1), hidden.state.even)
    return Particles(state, hidden.weight, hidden.row, hidden.n_rows)


class Statistics(NamedTuple):
    """Expectations of the statistics of a machine, or their differences: one tensor a parameter.

    Attributes
    ----------
    weights
        Of x_l x_{l+1}', (n_l, n_{l+1}) each.
    biases
        Of x_l, (n_l,) each.
    """

    weights: tuple[torch.Tensor, ...]
    biases: tuple[torch.Tensor, ...]

    def minus(self, other: Statistics) -> Statistics:
        """Return the differences."""
        weights, biases = (
            tuple(ours - theirs for ours, theirs in zip(*pair, strict=True)) for pair in zip(self, other, strict=True)
        )
        return Statistics(weights, biases)

    def flat(self) -> torch.Tensor:
        """Return everything as one vector, weights first."""
        return torch.cat([tensor.reshape(-1) for tensor in (*self.weights, *self.biases)])


def statistics(machine: Machine, particles: Particles) -> Statistics:
    """Return the estimate of the expected statistics, the mean over rows."""
    products, totals = _sums(machine, particles)
    weights = []
    for layer in range(machine.n_layers - 1):
        here, above = machine.columns[layer], machine.columns[layer + 1]
        weights.append(products[here, above] if layer % 2 == EVEN else products[above, here].T)
    biases = (totals[layer % 2][columns] for layer, columns in enumerate(machine.columns))
    return Statistics(tuple(weights), tuple(biases))


def _sums(machine: Machine, particles: Particles) -> tuple[torch.Tensor, State]:
    """Return the weighted sums of products, (n_even, n_odd), and of units, (n_even,) and (n_odd,), over n_rows.

    Each of many particles is rounded by a sum much larger than itself, always alike where they are alike: a bias that
    more of them make larger. So blocks of them are added up as they are, and the sums of blocks in float64.
    """
    weight = particles.weight / particles.n_rows
    blocks = zip(*(torch.split(tensor, _BLOCK) for tensor in (*particles.state, weight)), strict=True)
    sums = list(_block_sums(machine, *next(blocks)))
    dtypes = [total.dtype for total in sums]
    for block in blocks:
        sums = [total.double() + more for total, more in zip(sums, _block_sums(machine, *block), strict=True)]
    products, of_even, of_odd = (total.to(dtype) for total, dtype in zip(sums, dtypes, strict=True))
    return products, State(of_even, of_odd)


def _block_sums(
    machine: Machine, even: torch.Tensor, odd: torch.Tensor, weight: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    dtype = machine.product_dtype
    weighted = even * weight[:, None]
    return (weighted.T.to(dtype) @ odd.to(dtype)).to(even.dtype), weighted.sum(dim=0), weight @ odd


def moved(machine: Machine, by: Statistics, rate: float) -> Machine:
    """Return the machine whose parameters are those of `machine` plus `rate` times `by`."""
    weights, biases = (
        tuple(value + rate * change.to(value.dtype) for value, change in zip(*pair, strict=True))
        for pair in ((machine.weights, by.weights), (machine.biases, by.biases))
    )
    return Machine(weights, biases, machine.product_dtype)


def statistics_by_row(machine: Machine, particles: Particles) -> torch.Tensor:
    """Return each row's own estimate, (n_rows, n_statistics), in the order of `Statistics.flat`.

    It takes memory for every row times every weight: for machines of a few units.
    """
    layers = machine.layers(particles.state)
    pairs = pairwise(layers)
    products = [(lower[:, :, None] * upper[:, None, :]).flatten(1) for lower, upper in pairs]
    each = torch.cat([*products, *layers], dim=1) * particles.weight[:, None]
    return each.new_zeros(particles.n_rows, each.shape[1]).index_add_(0, particles.row, each)


@dataclass(frozen=True)
class Report:
    """How an estimate came about; one count a row unless it says otherwise.

    Attributes
    ----------
    n_rows
        Rows.
    search_steps
        int64 (n_rows,), sweeps of the search of modes that started the chains, the last of which changed nothing;
        empty where none was searched.
    tau
        int64 (n_rows,), the step at which the pair of chains met; empty where there is no pair.
    first_correction
        A row has a correction if its tau is above this.
    n_truncated
        Rows whose chains were stopped before they met: each may be biased.
    n_proposed, n_accepted
        Metropolis proposals, and those accepted, of all rows.
    """

    n_rows: int
    search_steps: torch.Tensor
    tau: torch.Tensor
    first_correction: int = 1
    n_truncated: int = 0
    n_proposed: int = 0
    n_accepted: int = 0

    @property
    def n_corrected(self) -> int:
        """Rows in which the second chain corrected anything."""
        return int((self.tau > self.first_correction).sum())

    def figures(self) -> dict[str, float]:
        """Return the counts as numbers to log: means, and the largest tau."""
        found: dict[str, float] = {"n_rows": self.n_rows}
        if len(self.search_steps):
            found["search_steps"] = float(self.search_steps.float().mean())
        if len(self.tau):
            found |= {"tau": float(self.tau.float().mean()), "largest_tau": int(self.tau.max())}
            found |= {"n_corrected": self.n_corrected, "n_truncated": self.n_truncated}
        if self.n_proposed:
            found |= {"n_proposed": self.n_proposed, "acceptance": self.n_accepted / self.n_proposed}
        return found

    def says(self) -> str:
        """Return a line for people; it says so where chains were coupled and nothing was corrected."""
        figures = self.figures()
        parts = [f"{name} {value:.3g}" for name, value in figures.items() if name not in ("n_rows", "n_corrected")]
        if len(self.tau) and not self.n_corrected:
            parts.append("no correction occurred")
        elif len(self.tau):
            parts.append(f"corrected {self.n_corrected} of {self.n_rows} rows")
        return ", ".join(parts)


def no_counts(like: torch.Tensor) -> torch.Tensor:
    """Return an empty int64 vector on the device of `like`."""
    return torch.empty(0, dtype=torch.int64, device=like.device)
