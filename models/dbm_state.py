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


def mode(field: torch.Tensor, _parity: int) -> torch.Tensor:
    """Return the likelier value of every unit, 1 where both are as likely: the search of modes must end."""
    return (field >= 0).to(field.dtype)


def mean(field: torch.Tensor, _parity: int) -> torch.Tensor:
    """Return the probability of every unit to be 1: a sweep is then one of mean field."""
    return torch.sigmoid(field)


def sampled(random: torch.Generator) -> Draw:
    """Return the rule that samples every unit: a sweep is then one of block Gibbs sampling."""

    def draw(field: torch.Tensor, _parity: int) -> torch.Tensor:
        uniform = torch.rand(field.shape, generator=random, device=field.device)
        return (uniform < torch.sigmoid(field)).to(field.dtype)

    return draw


def common(uniforms: State) -> Draw:
    """Return the rule that samples every unit by a given uniform number: chains that share them are coupled.

    A unit of two chains is then equal with the largest probability there is, 1 - abs(p - q).
    """

    def draw(field: torch.Tensor, parity: int) -> torch.Tensor:
        return (uniforms[parity] < torch.sigmoid(field)).to(field.dtype)

    return draw
