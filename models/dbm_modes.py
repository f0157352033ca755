"""The search of local modes: every unit to its likelier value, block by block, until nothing changes.

It is the sweep of `models.dbm_machine` with the rule `mode`, that is Gibbs sampling at temperature zero. The energy
never rises, and a unit on the edge becomes 1, so no state comes twice and the search ends. After the first sweeps few
units change. The fields of wide machines are then updated by those alone, as sparse products: the same search, more
than twice as fast on a CPU. (Sums are then rounded in another order: a unit whose field is within rounding of zero may
turn out the other way.)
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from models.dbm_machine import Machine
from models.dbm_state import EVEN, State, differs, mode

_DENSE_SWEEPS = 2  # before few units change
_SPARSE_FROM = 256  # units of the smaller block: below, a dense product is as fast


@dataclass(frozen=True)
class Modes:
    """Local modes.

    Attributes
    ----------
    state
        Blocks (n_rows, n_units) of 0 and 1.
    steps
        int64 (n_rows,), sweeps, the last of which changed nothing.
    n_unfinished
        Rows that still changed when the sweeps allowed were over.
    """

    state: State
    steps: torch.Tensor
    n_unfinished: int


def find_modes(machine: Machine, block: torch.Tensor, parity: int, most_sweeps: int = 1000) -> Modes:
    """Return the modes reached from `block`; a sweep is the other block and then this one.

    Parameters
    ----------
    block
        (n_rows, n_units) of the block `parity`, 0 or 1; left as it is.
    most_sweeps
        After so many the search is broken off.
    """
    search = _Search(machine, block, parity)
    is_exact = machine.product_dtype == block.dtype  # changes are added to rounded fields unrounded
    is_sparse = is_exact and block.device.type == "cpu" and min(machine.block_sizes) >= _SPARSE_FROM
    n_sweeps = 0
    while len(search.rows) and n_sweeps < most_sweeps:
        if is_sparse and n_sweeps >= _DENSE_SWEEPS:
            search.sweep_changes()
        else:
            search.sweep()
        n_sweeps += 1
        search.drop_finished()
    search.keep()
    state = State(*((search.found, search.found_other)[:: 1 if parity == EVEN else -1]))
    return Modes(state, search.steps, int(search.moving.sum()))


class _Search:
    """Rows on their way; those that stopped are dropped when they are a quarter, as dropping copies the rest."""

    def __init__(self, machine: Machine, block: torch.Tensor, parity: int) -> None:
        self.whole, self.machine, self.parity = machine, machine, parity
        self.found, self.found_other = block.clone(), block.new_zeros(len(block), machine.block_sizes[1 - parity])
        self.rows = torch.arange(len(block), device=block.device)
        self.steps = torch.zeros_like(self.rows)
        self.moving = torch.ones_like(self.rows, dtype=torch.bool)
        self.before = self.after = self.field = block
        self.other = self.other_field = self.found_other

    @cached_property
    def towards_own(self) -> torch.Tensor:
        """Weights from the other block, its rows contiguous: sparse products gather rows."""
        return self.whole.towards(self.parity).contiguous()

    @cached_property
    def towards_other(self) -> torch.Tensor:
        """Weights to the other block, its rows contiguous."""
        return self.whole.towards(1 - self.parity).contiguous()

    def sweep(self) -> None:
        """Take a sweep by dense products."""
        self.before = self.after
        self.other_field = self.machine.block_field(self.before, 1 - self.parity)
        self.other = mode(self.other_field, 1 - self.parity)
        self.field = self.machine.block_field(self.other, self.parity)
        self.after = mode(self.field, self.parity)
        self._count()

    def sweep_changes(self) -> None:
        """Take a sweep that adds to the fields what the units that changed do to them."""
        _add_changes(self.other_field, self.before, self.after, self.towards_other)
        other = mode(self.other_field, 1 - self.parity)
        _add_changes(self.field, self.other, other, self.towards_own)
        self.before, self.other = self.after, other
        self.after = mode(self.field, self.parity)
        self._count()

    def _count(self) -> None:
        self.steps.index_add_(0, self.rows, self.moving.long())
        self.moving = differs(self.after, self.before)

    def keep(self) -> None:
        """Note the states of all rows under way."""
        self.found.index_copy_(0, self.rows, self.after)
        self.found_other.index_copy_(0, self.rows, self.other)

    def drop_finished(self) -> None:
        """Drop the rows that stopped, if they are many or all."""
        going = self.moving.nonzero()[:, 0]
        if len(going) > 0.75 * len(self.rows):
            return
        self.keep()
        for name in ("rows", "before", "after", "other", "field", "other_field", "moving"):
            setattr(self, name, getattr(self, name).index_select(0, going))
        self.machine = self.whole.at(self.rows)


def _add_changes(field: torch.Tensor, before: torch.Tensor, after: torch.Tensor, weight: torch.Tensor) -> None:
    """Add ``(after - before) @ weight`` to `field` in place, by the units that changed.

    NumPy finds them ten times as fast as torch.
    """
    new = after.numpy()
    place = np.flatnonzero(np.not_equal(before.numpy(), new))
    values = torch.from_numpy(2 * new.reshape(-1)[place] - 1)  # 1 where a unit is now 1, -1 where it is now 0
    where = torch.from_numpy(np.stack(np.divmod(place, new.shape[1])))
    change = torch.sparse_coo_tensor(where, values, new.shape, is_coalesced=True, check_invariants=False)
    field.addmm_(change, weight)
