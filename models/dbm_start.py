"""The parameters from which the training of a Boltzmann machine starts."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch

from models.dbm_machine import Machine


def initial_machine(
    sizes: Sequence[int], visible_mean: torch.Tensor, n_rows: int, random: torch.Generator, weight_sd: float = 0.01
) -> Machine:
    """Return the machine training starts from: the visible units independent, as frequent as in the data.

    Zero biases and orthogonal weights, as in Taniguchi et al. 2023, fail on sparse data: all weights then first have
    to learn that most units are 0.

    Parameters
    ----------
    sizes
        Units of each layer, the visible one first.
    visible_mean
        (n_visible,), the share of the `n_rows` rows in which each unit is 1.
    weight_sd
        Standard deviation of the weights.
    """
    device = visible_mean.device
    weights = tuple(
        weight_sd * torch.randn((below, above), generator=random, device=device) for below, above in pairwise(sizes)
    )
    hidden = (torch.zeros(size, device=device) for size in sizes[1:])
    return Machine(weights, (log_odds(visible_mean, n_rows), *hidden))


def log_odds(visible_mean: torch.Tensor, n_rows: int) -> torch.Tensor:
    """Return biases of independent units as frequent as in `n_rows` rows and half a row each of 0 and 1."""
    n_ones = visible_mean * n_rows
    return torch.log(n_ones + 0.5) - torch.log(n_rows - n_ones + 0.5)
