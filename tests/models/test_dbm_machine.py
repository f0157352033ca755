"""The Boltzmann machine: energies, fields and sweeps agree with enumeration by hand, at every depth."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from models.dbm_machine import Machine
from models.dbm_start import initial_machine, log_odds
from models.dbm_state import EVEN, ODD, State, common, mean, mode, sampled
from tests.models.machines import all_rows, all_states, machine_of, numbered

SIZES = [(5,), (4, 3), (3, 4, 2), (3, 2, 2, 3), (2, 2, 2, 2, 2)]


def energies_by_hand(machine: Machine, state: State) -> list[float]:
    found = []
    layers = [layer.double().numpy() for layer in machine.layers(state)]
    for row in range(len(state.even)):
        units = [layer[row] for layer in layers]
        total = -sum(float(x @ b.double().numpy()) for x, b in zip(units, machine.biases, strict=True))
        for weight, below, above in zip(machine.weights, units[:-1], units[1:], strict=True):
            total -= float(below @ weight.double().numpy() @ above)
        found.append(total)
    return found


@pytest.mark.parametrize("sizes", SIZES, ids=str)
class TestAtEveryDepth:
    def test_energies_are_those_by_hand(self, sizes: tuple[int, ...]) -> None:
        machine = machine_of(sizes)
        states = all_states(machine)
        np.testing.assert_allclose(machine.energy(states), energies_by_hand(machine, states), atol=1e-5)

    def test_layers_are_views_of_the_state_they_were_made_of(self, sizes: tuple[int, ...]) -> None:
        machine = machine_of(sizes)
        layers = [torch.rand(6, size) for size in sizes]
        state = machine.state(layers)
        for given, found in zip(layers, machine.layers(state), strict=True):
            assert torch.equal(given, found)
            assert found.untyped_storage().data_ptr() in {block.untyped_storage().data_ptr() for block in state}

    def test_a_field_is_what_flipping_the_unit_does_to_the_energy(self, sizes: tuple[int, ...]) -> None:
        machine = machine_of(sizes)
        states = all_states(machine)
        for layer, size in enumerate(sizes):
            field = machine.field(states, layer)
            torch.testing.assert_close(
                field, machine.block_field(states[1 - layer % 2], layer % 2)[:, machine.columns[layer]]
            )
            for unit in range(size):
                off, on = ([part.clone() for part in machine.layers(states)] for _ in range(2))
                off[layer][:, unit], on[layer][:, unit] = 0, 1
                gap = machine.energy(machine.state(off)) - machine.energy(machine.state(on))
                torch.testing.assert_close(field[:, unit], gap, atol=1e-4, rtol=1e-4)

    def test_the_other_layers_are_summed_out_exactly(self, sizes: tuple[int, ...]) -> None:
        machine = machine_of(sizes)
        states = all_states(machine)
        for parity in (EVEN, ODD):
            found = all_rows(machine.block_sizes[parity])
            which = numbered(State(states[parity], states[parity][:, :0]))
            expected = torch.zeros(len(found), dtype=torch.float64)
            expected.index_add_(0, which, torch.exp(-machine.energy(states).double()))
            torch.testing.assert_close(
                machine.log_marginal(found, parity).double(), expected.log(), atol=1e-4, rtol=1e-5
            )

    def test_a_sampled_sweep_leaves_the_distribution_as_it_is(self, sizes: tuple[int, ...]) -> None:
        machine = machine_of(sizes)
        states = all_states(machine)
        p = torch.softmax(-machine.energy(states), dim=0)
        random = torch.Generator().manual_seed(1)
        n_rows = 200_000
        start = states.at(torch.multinomial(p, n_rows, replacement=True, generator=random))
        after = machine.sweep(start, sampled(random))
        counted = torch.bincount(numbered(after), minlength=len(p))[numbered(states)]
        enough = p * n_rows > 5
        chi2 = ((counted - p * n_rows).square() / (p * n_rows))[enough].sum()
        n_cells = int(enough.sum())
        assert abs(float(chi2) - n_cells) < 4 * (2 * n_cells) ** 0.5

    def test_the_search_of_modes_never_raises_the_energy_and_ends_where_every_unit_is_at_its_likelier_value(
        self, sizes: tuple[int, ...]
    ) -> None:
        machine = machine_of(sizes)
        state = machine.uniform_state(500, torch.Generator().manual_seed(2))
        for _ in range(50):
            after = machine.sweep(state, mode)
            assert (machine.energy(after) <= machine.energy(state) + 1e-4).all()
            state = after
        for layer, units in enumerate(machine.layers(state)):
            assert torch.equal(units, (machine.field(state, layer) >= 0).float())

    def test_chains_with_common_numbers_that_meet_stay_together(self, sizes: tuple[int, ...]) -> None:
        machine = machine_of(sizes, sd=0.3)
        random = torch.Generator().manual_seed(3)
        one, other = machine.uniform_state(300, random), machine.uniform_state(300, random)
        apart = []
        for _ in range(30):
            uniforms = State(*(torch.rand(300, size, generator=random) for size in machine.block_sizes))
            one, other = machine.sweep(one, common(uniforms)), machine.sweep(other, common(uniforms))
            apart.append((one.even != other.even).any(dim=1))
        for before, after in itertools.pairwise(apart):
            assert not (after & ~before).any()
        assert float(apart[-1].float().mean()) < 0.05

    def test_clamped_units_stay(self, sizes: tuple[int, ...]) -> None:
        machine = machine_of(sizes)
        random = torch.Generator().manual_seed(4)
        state = machine.uniform_state(100, random)
        clamp = torch.rand(100, sizes[0], generator=random) < 0.5
        after = machine.sweep(state, sampled(random), clamp=clamp)
        was, now = machine.layers(state)[0], machine.layers(after)[0]
        assert torch.equal(was[clamp], now[clamp])
        assert not torch.equal(was, now)
        held = machine.sweep(state, sampled(random), clamp=torch.tensor(True))
        assert torch.equal(machine.layers(held)[0], was)


@pytest.mark.parametrize("sizes", SIZES[1:], ids=str)
def test_the_machine_given_the_visible_units_has_the_same_energies_and_fields(sizes: tuple[int, ...]) -> None:
    machine = machine_of(sizes)
    states = all_states(machine)
    visible, *hidden = machine.layers(states)
    upper = machine.given(visible)
    above = upper.state(hidden)
    constant = -(visible * machine.biases[0]).sum(dim=1)
    torch.testing.assert_close(upper.energy(above) + constant, machine.energy(states), atol=1e-4, rtol=1e-4)
    for layer in range(upper.n_layers):
        torch.testing.assert_close(upper.field(above, layer), machine.field(states, layer + 1), atol=1e-4, rtol=1e-4)
    some = torch.tensor([3, 1, 5])
    torch.testing.assert_close(upper.at(some).energy(above.at(some)), upper.energy(above)[some])


def test_free_energy_of_one_hidden_layer_is_summed_by_hand_and_refused_of_more() -> None:
    machine = machine_of((4, 3))
    visible = all_rows(4)
    total = torch.stack(
        [-machine.energy(machine.state([visible, row.expand(16, 3)])) for row in all_rows(3)]
    ).logsumexp(dim=0)
    torch.testing.assert_close(machine.free_energy(visible), -total)
    with pytest.raises(ValueError, match="one hidden layer, this machine has 2"):
        machine_of((3, 2, 2)).free_energy(all_rows(3))


def test_mean_field_of_independent_units_is_exact() -> None:
    machine = machine_of((4, 3))
    still = Machine(tuple(torch.zeros_like(weight) for weight in machine.weights), machine.biases)
    state = still.sweep(still.uniform_state(2, torch.Generator().manual_seed(0)), mean)
    for layer, bias in zip(still.layers(state), machine.biases, strict=True):
        torch.testing.assert_close(layer, torch.sigmoid(bias).expand(2, -1))


def test_training_starts_from_independent_units_as_frequent_as_in_the_data() -> None:
    share = torch.tensor([0.0, 0.02, 0.5])
    machine = initial_machine((3, 4, 5), share, 100, torch.Generator().manual_seed(0), weight_sd=0)
    torch.testing.assert_close(torch.sigmoid(machine.biases[0]), (share * 100 + 0.5) / 101)
    torch.testing.assert_close(log_odds(share, 100), machine.biases[0])
    assert machine.sizes == (3, 4, 5)
    drawn = initial_machine((300, 400), torch.full((300,), 0.5), 10, torch.Generator().manual_seed(0))
    assert float(drawn.weights[0].std()) == pytest.approx(0.01, rel=0.02)


def test_rounded_products_are_near_the_exact_ones() -> None:
    machine = machine_of((50, 40, 30), sd=0.2)
    rounded = Machine(machine.weights, machine.biases, torch.bfloat16)
    state = machine.uniform_state(20, torch.Generator().manual_seed(0))
    for layer in range(3):
        exact, near = machine.field(state, layer), rounded.field(state, layer)
        assert near.dtype == torch.float32
        assert not torch.equal(exact, near)
        torch.testing.assert_close(near, exact, atol=0.05, rtol=0.02)


def test_weights_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"weights \[\(3, 2\)\], expected \[\(2, 3\)\]"):
        Machine((torch.zeros(3, 2),), (torch.zeros(2), torch.zeros(3)))
    with pytest.raises(ValueError, match="one layer"):
        Machine((), (torch.zeros(3),)).given(torch.zeros(1, 3))
