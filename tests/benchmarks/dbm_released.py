"""One training step of a deep Boltzmann machine as the code released with Taniguchi et al. 2023 takes it: the peer.

Written anew after github.com/iShohei220/unbiased_dbm (model.py at 84490a4), operation by operation: every step of Gibbs
sampling copies all layers, splits the rows by which parity they draw first, and draws layer by layer, a product for
every neighbour; rows that have not converged are cut out anew every time; energies are differentiated by autograd. What
it repeats in the text, six times the same update, are loops here: the operations and their order are the same. One copy
is added: as released, a step in which any first proposal is accepted ends in an error of autograd.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from itertools import pairwise

import torch
from torch import nn
from torch.distributions import Bernoulli, Independent
from torch.nn import functional


class ReleasedMachine(nn.Module):
    """Weights (n_above, n_below) orthogonal, biases zero, as they have them."""

    def __init__(self, sizes: Sequence[int]) -> None:
        super().__init__()
        self.sizes = tuple(sizes)
        self.weight = nn.ParameterList([nn.Parameter(torch.empty(above, below)) for below, above in pairwise(sizes)])
        self.bias = nn.ParameterList([nn.Parameter(torch.zeros(size)) for size in sizes])
        for weight in self.weight:
            nn.init.orthogonal_(weight)

    def loss(self, visible: torch.Tensor) -> torch.Tensor:
        """Return the difference of energies whose gradient they follow, (n_rows,)."""
        hidden = [torch.empty(len(visible), size).bernoulli_() for size in self.sizes[1:]]
        of_positive = self.phase([visible, *hidden], fixed=True)
        units = [torch.empty(len(visible), size).bernoulli_() for size in self.sizes]
        return of_positive - self.phase(units, fixed=False)

    def phase(self, units: list[torch.Tensor], fixed: bool) -> torch.Tensor:
        """Return the energies of one phase: local mode, a step of Gibbs sampling, "coupling"."""
        return self.coupling(self.gibbs_step(self.local_search(units, fixed), fixed), fixed)

    @torch.no_grad()
    def local_search(self, units: list[torch.Tensor], fixed: bool) -> list[torch.Tensor]:
        """Return the local modes."""
        uniform = torch.rand(len(units[0]))
        before = deepcopy(units)
        units = self.gibbs_step(units, fixed, uniform, temperature=0)
        converged = self._unchanged(units, before, fixed)
        while not converged.all():
            going = converged.logical_not()
            before = [layer[going] for layer in units]
            after = self.gibbs_step(before, fixed, uniform[going], temperature=0)
            converged[going] = self._unchanged(after, before, fixed)
            self._put(units, after, going, fixed)
        return units

    def coupling(self, units: list[torch.Tensor], fixed: bool) -> torch.Tensor:
        """Return the sum of energies along one chain up to its first refusal."""
        before = deepcopy(units)
        units = self.metropolis_step(units, fixed)
        energy = self.energy(units)
        converged = self._unchanged(units, before, fixed)
        units = deepcopy(units)  # without it autograd refuses: the loop changes in place what the energy is made of
        while not converged.all():
            going = converged.logical_not()
            before = [layer[going] for layer in units]
            after = self.metropolis_step(before, fixed)
            energy[going] += self.energy(after) - self.energy(before)
            converged[going] = self._unchanged(after, before, fixed)
            self._put(units, after, going, fixed)
        return energy

    def energy(self, units: list[torch.Tensor]) -> torch.Tensor:
        """Return the energies, (n_rows,), by which autograd goes back to the parameters."""
        energy = -torch.sum(units[0] * self.bias[0].unsqueeze(0), 1)
        for below, above, weight, bias in zip(units[:-1], units[1:], self.weight, list(self.bias)[1:], strict=True):
            energy -= torch.sum(above * functional.linear(below, weight, bias), 1)
        return energy

    @torch.no_grad()
    def gibbs_step(
        self, units: list[torch.Tensor], fixed: bool, uniform: torch.Tensor | None = None, temperature: float = 1
    ) -> list[torch.Tensor]:
        """Return all layers drawn anew; rows below 1/2 draw the visible layer and every other one first."""
        units = deepcopy(units)
        even = (torch.rand(len(units[0])) if uniform is None else uniform) < 0.5
        first, second = range(0, len(units), 2), range(1, len(units), 2)
        for rows, order in ((even, (*first, *second)), (even.logical_not(), (*second, *first))):
            if rows.sum() > 0:
                for layer in order:
                    if layer > 0 or not fixed:
                        units[layer][rows] = self._drawn(units, layer, rows, temperature)
        return units

    def _drawn(self, units: list[torch.Tensor], layer: int, rows: torch.Tensor, temperature: float) -> torch.Tensor:
        if layer == 0:
            logits = functional.linear(units[1][rows], self.weight[0].t(), self.bias[0])
        else:
            logits = functional.linear(units[layer - 1][rows], self.weight[layer - 1], self.bias[layer])
            if layer + 1 < len(units):
                logits += functional.linear(units[layer + 1][rows], self.weight[layer].t(), None)
        if temperature == 0:
            return (logits >= 0).float()
        logits /= temperature
        drawn: torch.Tensor = Independent(Bernoulli(logits=logits), 1).sample()
        return drawn

    @torch.no_grad()
    def metropolis_step(self, units: list[torch.Tensor], fixed: bool) -> list[torch.Tensor]:
        """Return the states after a uniform proposal."""
        proposal = [torch.empty_like(layer).bernoulli_() for layer in units]
        if fixed:
            proposal[0] = units[0]
        log_ratio = self.energy(units) - self.energy(proposal)
        accepted = log_ratio.exp().clamp(0, 1).bernoulli().bool()
        return [torch.where(accepted.unsqueeze(1), new, old) for new, old in zip(proposal, units, strict=True)]

    @staticmethod
    def _unchanged(units: list[torch.Tensor], before: list[torch.Tensor], fixed: bool) -> torch.Tensor:
        converged = torch.ones(len(units[0]), dtype=torch.bool)
        for layer in range(int(fixed), len(units)):
            converged = converged.logical_and(torch.all(units[layer] == before[layer], 1))
        return converged

    @staticmethod
    def _put(units: list[torch.Tensor], after: list[torch.Tensor], rows: torch.Tensor, fixed: bool) -> None:
        for layer in range(int(fixed), len(units)):
            units[layer][rows] = after[layer]


def released_step(machine: ReleasedMachine, visible: torch.Tensor, optimizer: torch.optim.Optimizer) -> None:
    """Take one step on a batch."""
    optimizer.zero_grad()
    machine.loss(visible).mean().backward()  # type: ignore[no-untyped-call]  # torch
    optimizer.step()
