"""The search of local modes ends at fixed points, never rises, and does not depend on how products are taken."""

from __future__ import annotations

import pytest
import torch

from models import dbm_modes
from models.dbm_machine import Machine
from models.dbm_modes import find_modes
from models.dbm_state import EVEN, ODD, State, mode
from tests.models.machines import all_states, machine_of, numbered

SIZES = [(40,), (30, 20), (40, 30, 20), (20, 20, 20, 20), (20, 10, 20, 10, 20)]


def start_of(machine: Machine, n_rows: int = 300) -> State:
    return machine.uniform_state(n_rows, torch.Generator().manual_seed(1))


@pytest.mark.parametrize("parity", [EVEN, ODD])
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_every_unit_of_a_mode_is_at_its_likelier_value(sizes: tuple[int, ...], parity: int) -> None:
    machine = machine_of(sizes)
    found = find_modes(machine, start_of(machine)[parity], parity)
    assert found.n_unfinished == 0
    for layer, units in enumerate(machine.layers(found.state)):
        assert torch.equal(units, (machine.field(found.state, layer) >= 0).float())


def test_no_neighbour_of_a_mode_in_one_block_is_likelier() -> None:
    machine = machine_of((4, 4, 4), 3)
    states = all_states(machine)
    energy = machine.energy(states)[numbered(states).argsort()]
    found = find_modes(machine, states.odd, ODD).state
    here = energy[numbered(found)]
    torch.testing.assert_close(here, machine.energy(found))
    for parity in (EVEN, ODD):
        for row in range(0, len(states.even), 97):
            blocks = list(states)
            blocks[1 - parity] = found[1 - parity][row].expand(len(states.even), -1)
            assert (machine.energy(State(*blocks)) >= here[row] - 1e-4).all()


@pytest.mark.parametrize("sizes", SIZES[1:], ids=str)
def test_the_energy_never_rises(sizes: tuple[int, ...]) -> None:
    machine = machine_of(sizes)
    block = start_of(machine).odd
    before = torch.full((len(block),), torch.inf)
    for n_sweeps in range(1, 30):
        after = machine.energy(find_modes(machine, block, ODD, most_sweeps=n_sweeps).state)
        assert (after <= before + 1e-3).all()
        before = after


@pytest.mark.parametrize("parity", [EVEN, ODD])
@pytest.mark.parametrize("sizes", SIZES[1:], ids=str)
def test_updating_fields_by_what_changed_finds_the_same_modes(
    sizes: tuple[int, ...], parity: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = machine_of(sizes)
    start = start_of(machine)[parity]
    kept = start.clone()
    dense = find_modes(machine, start, parity)
    monkeypatch.setattr(dbm_modes, "_SPARSE_FROM", 0)
    sparse = find_modes(machine, start, parity)
    assert torch.equal(dense.state.even, sparse.state.even)
    assert torch.equal(dense.state.odd, sparse.state.odd)
    assert torch.equal(dense.steps, sparse.steps)
    assert torch.equal(start, kept)


def test_steps_are_the_sweeps_until_nothing_changed() -> None:
    machine = machine_of((40, 30, 20))
    start = start_of(machine)
    found = find_modes(machine, start.odd, ODD)
    state, steps, moving = start, torch.zeros(300), torch.ones(300, dtype=torch.bool)
    for _ in range(100):
        after = machine.sweep(state, mode, first=EVEN)
        steps += moving
        moving &= (after.odd != state.odd).any(dim=1)
        state = after
    assert torch.equal(found.steps, steps.long())
    assert torch.equal(found.state.odd, state.odd)
    assert int(found.steps.max()) > int(found.steps.min())


@pytest.mark.parametrize("threshold", [0, 10**6])
def test_rows_with_biases_of_their_own_are_searched_as_if_alone(
    threshold: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dbm_modes, "_SPARSE_FROM", threshold)
    machine = machine_of((10, 12, 8, 9))
    visible = start_of(machine).even[:, :10]
    upper = machine.given(visible)
    start = start_of(upper)
    together = find_modes(upper, start.odd, ODD)
    for row in range(0, 300, 37):
        alone = find_modes(machine.given(visible[row : row + 1]), start.odd[row : row + 1], ODD)
        assert torch.equal(alone.state.even[0], together.state.even[row])
        assert torch.equal(alone.state.odd[0], together.state.odd[row])
        assert int(alone.steps[0]) == int(together.steps[row])


def test_a_search_broken_off_is_counted() -> None:
    machine = machine_of((40, 30, 20))
    found = find_modes(machine, start_of(machine).odd, ODD, most_sweeps=2)
    assert 0 < found.n_unfinished < 300
    assert int(found.steps.max()) == 2


def test_units_on_the_edge_become_one() -> None:
    still = Machine((torch.zeros(3, 2),), (torch.zeros(3), torch.zeros(2)))
    found = find_modes(still, torch.zeros(5, 3), EVEN)
    assert found.state.even.all()
    assert found.state.odd.all()
