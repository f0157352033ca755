"""Annealed log Z agrees with enumeration, says how sure it is, and knows when it is not."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
import torch

from models.dbm_ais import annealed_log_z, known_log_z
from models.dbm_estimators import gradient, method_named
from models.dbm_exact import log_likelihood, log_z
from models.dbm_machine import Machine
from models.dbm_start import initial_machine, log_odds
from models.dbm_state import State
from models.dbm_statistics import moved
from tests.models.machines import all_rows, machine_of

SIZES = [(4, 3), (3, 4), (4, 4, 4), (3, 2, 2, 3), (5,)]


def of(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_it_agrees_with_enumeration_within_its_standard_error(sizes: tuple[int, ...]) -> None:
    machine = machine_of(sizes)
    base = tuple(bias + 0.3 for bias in machine.biases)
    found = annealed_log_z(machine, base, of(0), n_chains=1000, n_steps=100)
    assert found.effective_sample_size is not None
    assert 300 < float(found.effective_sample_size) <= 1000
    assert float(found.standard_error) < 0.05
    assert abs(float(found.value - log_z(machine))) < 4 * float(found.standard_error) + 1e-5


def test_the_mean_weight_is_unbiased_even_with_two_steps() -> None:
    machine = machine_of((4, 4, 4), 3)
    found = annealed_log_z(machine, machine.biases, of(0), n_chains=400_000, n_steps=2)
    assert abs(float(found.value - log_z(machine))) < 4 * float(found.standard_error)
    assert float(found.standard_error) < 0.02
    assert found.effective_sample_size is not None
    assert float(found.effective_sample_size) < 200_000


def test_the_machine_itself_as_base_needs_no_chains() -> None:
    machine = machine_of((4, 3))
    still = Machine(tuple(torch.zeros_like(weight) for weight in machine.weights), machine.biases)
    found = annealed_log_z(still, machine.biases, of(0), n_chains=10, n_steps=3)
    torch.testing.assert_close(found.value, log_z(still))
    assert found.effective_sample_size is not None
    assert float(found.effective_sample_size) == pytest.approx(10)
    assert float(found.standard_error) == pytest.approx(0, abs=1e-3)


def test_rows_with_biases_of_their_own_get_a_figure_each() -> None:
    machine = machine_of((4, 4, 3, 2))
    upper = machine.given(all_rows(4))
    found = annealed_log_z(upper, upper.biases, of(0), n_chains=500, n_steps=100)
    assert found.effective_sample_size is not None
    assert found.value.shape == found.standard_error.shape == found.effective_sample_size.shape == (16,)
    z = (found.value - log_z(upper)) / found.standard_error
    assert float(z.abs().max()) < 4


def test_chains_that_come_down_elsewhere_show_as_a_small_effective_sample() -> None:
    strong = machine_of((60, 60), sd=3)
    found = annealed_log_z(strong, strong.biases, of(0), n_chains=200, n_steps=5)
    assert found.effective_sample_size is not None
    assert float(found.effective_sample_size) < 10
    assert f"effective sample size {float(found.effective_sample_size):.1f} of 200 chains" in found.says()


def test_it_is_exact_where_that_can_be_done() -> None:
    machine = machine_of((30, 12, 10))
    found = known_log_z(machine, machine.biases, of(0))
    assert found.is_exact
    assert float(found.standard_error) == 0
    torch.testing.assert_close(found.value, log_z(machine))
    assert found.says().endswith("(exact)")
    wide = machine_of((25, 24), sd=0.1)
    assert not known_log_z(wide, wide.biases, of(0), n_chains=10, n_steps=10).is_exact


def test_a_base_of_other_layers_is_refused() -> None:
    machine = machine_of((4, 3))
    with pytest.raises(ValueError, match=r"base of layers \(4, 4\), machine of layers \(4, 3\)"):
        annealed_log_z(machine, (torch.zeros(4), torch.zeros(4)), of(0))


def trained(rows: torch.Tensor, hidden: tuple[int, ...], n_steps: int) -> Machine:
    """Return a machine after some steps up gradients of persistent chains."""
    random, method = of(1), method_named("pcd")
    machine = initial_machine((rows.shape[1], *hidden), rows.mean(dim=0), len(rows), random, weight_sd=0.1)
    chains: State | None = None
    for step in range(n_steps):
        batch = rows[torch.randint(len(rows), (200,), generator=random)]
        found = gradient(machine, batch, method, random, chains)
        machine, chains = moved(machine, found.ascent, 0.1 * (1 - step / n_steps)), found.chains
    return machine


def nltcs(shared: Path, part: str) -> torch.Tensor:
    with gzip.open(shared / f"data/debd/nltcs/nltcs.{part}.data.gz", "rt") as file:
        return torch.tensor(np.loadtxt(file, delimiter=",", dtype=np.float32))


@pytest.mark.realdata
@pytest.mark.parametrize("hidden", [(12,), (12, 8)], ids=str)
def test_on_a_machine_trained_on_nltcs_it_is_within_a_twentieth_of_a_nat(shared: Path, hidden: tuple[int, ...]) -> None:
    train, test = nltcs(shared, "train"), nltcs(shared, "test")
    machine = trained(train, hidden, 1500)
    independent = trained(train, hidden, 0)
    learned = float(log_likelihood(machine, test).mean())
    assert learned > float(log_likelihood(independent, test).mean()) + 2.5
    base = (log_odds(train.mean(dim=0), len(train)), *machine.biases[1:])
    found = annealed_log_z(machine, base, of(2), n_chains=500, n_steps=500)
    assert found.effective_sample_size is not None
    assert abs(float(found.value - log_z(machine))) < 0.05
    assert float(found.effective_sample_size) > 50
