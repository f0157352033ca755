"""Pyro's objective has the estimator's gradient, and SVI trains a machine with it."""

from __future__ import annotations

from dataclasses import replace

import pyro
import pytest
import torch
from pyro import poutine
from pyro.infer import SVI
from pyro.optim import PyroOptim

from models.dbm_estimators import FROM_CHAINS, METHODS, Method, gradient
from models.dbm_exact import log_likelihood
from models.dbm_gibbs import CoupledGibbs
from models.dbm_pyro import BoltzmannModel, EnergyDifference, no_guide
from models.dbm_start import initial_machine
from models.dbm_statistics import Particles, one_each
from models.training import Loop, gradient_step, seeded, train
from tests.models.machines import all_rows, all_states, machine_of

SIZES = [(4, 3), (4, 3, 5), (3, 4, 2, 3)]
QUICK = Method(CoupledGibbs(), CoupledGibbs(lag=3))


def of(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_the_factor_is_minus_the_energy(sizes: tuple[int, ...]) -> None:
    machine = machine_of(sizes)
    states = all_states(machine)
    model = BoltzmannModel(machine)
    scored = poutine.trace(model).get_trace(one_each(states))
    torch.testing.assert_close(scored.log_prob_sum(), -machine.energy(states).sum())
    assert scored.nodes["energy"]["is_observed"]
    weighted = Particles(states, torch.full((len(states.even),), -0.5), torch.arange(len(states.even)), 1)
    found = poutine.trace(model).get_trace(weighted).log_prob_sum()
    torch.testing.assert_close(found, 0.5 * machine.energy(states).sum())


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_its_gradient_is_minus_the_plain_one(sizes: tuple[int, ...], name: str) -> None:
    machine = machine_of(sizes)
    visible = all_rows(sizes[0])
    model, objective = BoltzmannModel(machine), EnergyDifference(METHODS[name], of(5))
    plain, random, chains = [], of(5), None
    for _ in range(2):  # the second time with the chains of the first
        found = gradient(machine, visible, METHODS[name], random, chains)
        plain.append(found)
        chains = found.chains
    for expected in plain:
        model.zero_grad()
        loss = objective.loss_and_grads(model, no_guide, visible)
        assert isinstance(loss, float)
        for kind, tensors in (("weight", expected.ascent.weights), ("bias", expected.ascent.biases)):
            for layer, ascent in enumerate(tensors):
                torch.testing.assert_close(
                    getattr(model, f"{kind}_{layer}").unconstrained().grad, -ascent, atol=1e-5, rtol=1e-4
                )
        assert objective.reports is not None
        assert objective.reports[1].figures() == expected.negative.figures()


def test_the_loss_is_the_difference_of_energies_of_the_phases() -> None:
    machine = machine_of((4, 3, 5))
    visible = all_rows(4)
    method = METHODS["coupled_gibbs"]
    value = EnergyDifference(method, of(1)).loss(BoltzmannModel(machine), no_guide, visible)
    ascent = gradient(machine, visible, method, of(1)).ascent.flat()
    parameters = torch.cat([tensor.reshape(-1) for tensor in (*machine.weights, *machine.biases)])
    assert value == pytest.approx(-float(ascent @ parameters), abs=1e-4)  # the energy is linear in them


def planted_rows(n_rows: int) -> torch.Tensor:
    """Rows of two patterns, a unit in ten turned."""
    patterns = torch.tensor([[1.0, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 0]])
    rows = patterns[torch.randint(2, (n_rows,), generator=of(0))]
    return (rows - (torch.rand(rows.shape, generator=of(1)) < 0.1).float()).abs()


def test_svi_trains_a_machine_with_a_pyro_optimiser() -> None:
    rows = planted_rows(400)
    start = initial_machine((6, 4, 3), rows.mean(dim=0), len(rows), of(2), weight_sd=0.1)
    before = float(log_likelihood(start, rows).mean())
    model = BoltzmannModel(start)
    optimizer = PyroOptim(torch.optim.Adam, {"lr": 0.03})
    svi = SVI(model, no_guide, optimizer, loss=EnergyDifference(QUICK, of(3)))
    for _ in range(80):
        svi.step(rows)
    after = float(log_likelihood(model.detached(), rows).mean())
    assert after > before + 1.1
    assert not list(pyro.get_param_store().keys())


def test_the_one_gradient_loop_drives_it_too() -> None:
    rows = planted_rows(400)
    start = initial_machine((6, 4), rows.mean(dim=0), len(rows), of(2), weight_sd=0.1)
    model = BoltzmannModel(start)
    objective = EnergyDifference(replace(QUICK, starts=FROM_CHAINS), of(3), n_chains=100)
    step = gradient_step(
        lambda batch, _done: objective.differentiable_loss(model, no_guide, rows[batch]),
        torch.optim.Adam(model.parameters(), lr=0.03),
    )
    with seeded(0, torch.device("cpu")):
        train(model, step, len(rows), Loop(epochs=20, batch_size=100), seed=0)
    assert float(log_likelihood(model.detached(), rows).mean()) > float(log_likelihood(start, rows).mean()) + 1.1
    assert objective.chains is not None
    assert len(objective.chains.even) == 100
