"""Couplings of the draws of two blocks: each chain draws from its own probabilities, and the two agree when they can.

`UNITS` gives every unit of both chains the same uniform number, which is the best coupling of that unit: the two are
equal with probability 1 - abs(p - q), and whole blocks with the product of those. `BLOCKS` is the best coupling of
whole blocks (Thorisson 2000, section 4.5; Jacob, O'Leary and Atchade 2020, algorithm 2): equal with probability one
minus total variation. Many small differences then hardly matter, but where it fails the blocks are unrelated and the
chains no nearer. `EITHER` asks for blocks where chains are near and for units where they are not; as that is decided by
the probabilities alone, before anything is drawn, it is a coupling again.
"""

from __future__ import annotations

import torch

from models.dbm_state import drawn

UNITS, BLOCKS, EITHER = "units", "blocks", "either"
COUPLINGS = (UNITS, BLOCKS, EITHER)
_NEAR = 1.0  # sum of squared differences in units of variance, up to which two blocks agree more often than not
_LEAST = 1e-7


def draw_pair(
    p: torch.Tensor, q: torch.Tensor, uniform: torch.Tensor, coupling: str, random: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return a block of each of two chains, (n_rows, n_units) of 0 and 1.

    Parameters
    ----------
    p, q
        (n_rows, n_units), probabilities of units to be 1, of either chain.
    uniform
        (n_rows, n_units), the numbers that the first chain is drawn by.
    coupling
        One of `COUPLINGS`.
    """
    x, y = (torch.lt(uniform, of, out=torch.empty_like(of)) for of in (p, q))
    if coupling == UNITS:
        return x, y
    rows = torch.arange(len(p), device=p.device) if coupling == BLOCKS else _near(p, q).nonzero()[:, 0]
    y[rows] = _same_or_rest(x[rows], p[rows], q[rows], random)
    return x, y


def _near(p: torch.Tensor, q: torch.Tensor) -> torch.Tensor:
    """Return whether two blocks are likelier to agree as wholes than unit by unit, bool (n_rows,)."""
    gap = (p - q).abs()
    variance = 0.5 * (p * (1 - p) + q * (1 - q))
    apart = (gap.square() / (variance + _LEAST)).sum(dim=1)
    return (apart < _NEAR) & (apart.sqrt() < 2 * gap.sum(dim=1))


def _same_or_rest(x: torch.Tensor, p: torch.Tensor, q: torch.Tensor, random: torch.Generator) -> torch.Tensor:
    """Return y of probabilities `q`: `x` where it can be, elsewhere a draw of what q has more than p."""
    y = x.clone()
    rest = (_log_uniform(x, random) + log_p_block(x, p) > log_p_block(x, q)).nonzero()[:, 0]
    while len(rest):
        there = q[rest]
        new = drawn(there, random)
        taken = _log_uniform(new, random) + log_p_block(new, there) > log_p_block(new, p[rest])
        y[rest[taken]] = new[taken]
        rest = rest[~taken]
    return y


def _log_uniform(like: torch.Tensor, random: torch.Generator) -> torch.Tensor:
    return torch.rand(len(like), generator=random, device=like.device).log()


def log_p_block(units: torch.Tensor, p: torch.Tensor) -> torch.Tensor:
    """Return the log probability of each row of independent units, (n_rows,)."""
    return torch.where(units > 0, p, 1 - p).log().sum(dim=1)
