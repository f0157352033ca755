"""Units of a Boltzmann machine, and the rules by which they are drawn from their fields (`models.dbm_machine`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch

EVEN, ODD = 0, 1

Draw = Callable[[torch.Tensor, int], torch.Tensor]
"""How the units of a block become of their field, (n_rows, n_units), and the block's parity."""


class State(NamedTuple):
    """Units of some rows, as two blocks; `Machine.layers` cuts them into layers, which are views.

    Attributes
    ----------
    even, odd
        (n_rows, n_even) and (n_rows, n_odd), the layers of that parity side by side.
    """

    even: torch.Tensor
    odd: torch.Tensor

    def at(self, rows: torch.Tensor) -> State:
        """Return the state of some rows, by a mask or by numbers."""
        return State(self.even[rows], self.odd[rows])


def coin_flips(shape: tuple[int, int], random: torch.Generator) -> torch.Tensor:
    """Return float32 of `shape`, 0 or 1 with probability 1/2 each, eight from every 64-bit random number."""
    n_units = shape[0] * shape[1]
    bits = torch.empty(-(-n_units // 8), dtype=torch.int64, device=random.device).random_(
        -(2**63), None, generator=random
    )
    return bits.view(torch.uint8).bitwise_and_(1)[:n_units].view(shape).to(torch.float32)


def differs(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """Return which rows of two blocks differ in any unit, bool (n_rows,)."""
    differing = torch.ne(one, other, out=torch.empty_like(one))  # ten times as fast on a CPU as comparing into bool
    return differing @ differing.new_ones(differing.shape[1]) > 0


def mode(field: torch.Tensor, _parity: int) -> torch.Tensor:
    """Return the likelier value of every unit, 1 where both are as likely: the search of modes must end."""
    return torch.ge(field, 0, out=torch.empty_like(field))


def mean(field: torch.Tensor, _parity: int) -> torch.Tensor:
    """Return the probability of every unit to be 1: a sweep is then one of mean field."""
    return torch.sigmoid(field)


def drawn(p: torch.Tensor, random: torch.Generator) -> torch.Tensor:
    """Return units drawn by their probabilities to be 1, of the shape of `p`."""
    return torch.rand(p.shape, generator=random, device=p.device, dtype=p.dtype).lt_(p)


def sampled(random: torch.Generator) -> Draw:
    """Return the rule that samples every unit: a sweep is then one of block Gibbs sampling."""
    return lambda field, _parity: drawn(torch.sigmoid(field), random)


def common(uniforms: State) -> Draw:
    """Return the rule that samples every unit by a given uniform number: chains that share them are coupled.

    A unit of two chains is then equal with the largest probability there is, 1 - abs(p - q).
    """
    return lambda field, parity: torch.lt(uniforms[parity], torch.sigmoid(field), out=torch.empty_like(field))
