"""The enumeration oracle agrees with sums over all states by hand and with torch's own derivative."""

from __future__ import annotations

import pytest
import torch

from models.dbm_exact import exact_expectations, exact_gradient, log_likelihood, log_z, states_of
from models.dbm_machine import Machine
from models.dbm_statistics import one_each, statistics_by_row
from tests.models.machines import all_rows, all_states, machine_of

SIZES = [(5,), (4, 3), (3, 4), (4, 4, 4), (2, 5, 2), (3, 2, 2, 3), (2, 2, 2, 2, 2)]


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_log_z_and_expectations_are_sums_over_all_states(sizes: tuple[int, ...]) -> None:
    machine = machine_of(sizes)
    states = all_states(machine)
    log_p_star = -machine.energy(states).double()
    torch.testing.assert_close(log_z(machine), log_p_star.logsumexp(dim=0), atol=1e-5, rtol=1e-6)
    p = torch.softmax(log_p_star, dim=0)
    expected = p @ statistics_by_row(machine, one_each(states)).double()
    torch.testing.assert_close(exact_expectations(machine).flat(), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("sizes", SIZES[1:], ids=str)
def test_likelihoods_add_up_to_one_and_their_gradient_is_torchs(sizes: tuple[int, ...]) -> None:
    machine = machine_of(sizes)
    rows = all_rows(sizes[0])
    assert float(log_likelihood(machine, rows).exp().sum()) == pytest.approx(1, abs=1e-6)
    some = rows[[0, 1, -1, 1]]
    parameters = [tensor.double().requires_grad_() for tensor in (*machine.weights, *machine.biases)]
    n_weights = len(machine.weights)
    followed = Machine(tuple(parameters[:n_weights]), tuple(parameters[n_weights:]), torch.float64)
    gradients = torch.autograd.grad(log_likelihood(followed, some).mean(), parameters)
    expected = torch.cat([gradient.reshape(-1) for gradient in gradients])
    torch.testing.assert_close(exact_gradient(machine, some).flat(), expected, atol=1e-6, rtol=1e-6)


def test_every_state_is_enumerated_once() -> None:
    states = states_of(6, torch.device("cpu"))
    assert len({tuple(state) for state in states.tolist()}) == 64
    assert torch.equal(states_of(6, torch.device("cpu"), 10, 20), states[10:20])


def test_a_machine_wider_than_can_be_enumerated_is_refused() -> None:
    with pytest.raises(ValueError, match="smaller block has 21 units, at most 20"):
        log_z(machine_of((22, 21)))


def test_a_large_block_beside_a_small_one_is_no_obstacle() -> None:
    machine = machine_of((200, 3, 100), sd=0.1)
    still = Machine(tuple(torch.zeros_like(weight) for weight in machine.weights), machine.biases)
    expected = sum(torch.nn.functional.softplus(bias.double()).sum() for bias in machine.biases)
    torch.testing.assert_close(log_z(still), expected)
