"""The figure's curves, small; and on a GPU the machine computes what it does on the CPU."""

from __future__ import annotations

import pytest
import torch

from models.dbm_estimators import METHODS
from models.dbm_exact import exact_expectations
from models.dbm_statistics import statistics
from tests.benchmarks import dbm_couplings, dbm_gpu
from tests.models.machines import machine_of


def test_metropolis_stops_correcting_as_machines_grow_and_gibbs_does_not() -> None:
    rows = [
        dbm_couplings.measured(width, name, n_rows=200, scale=1.0, seed=0)
        for width in (4, 64)
        for name in dbm_couplings.PHASES
    ]
    curves = dbm_couplings.curves(rows)
    small, large = curves["metropolis"]["share_corrected"]
    assert small > 0.1
    assert large < 0.02
    for name in ("gibbs, units", "gibbs, blocks", "gibbs, either"):
        assert min(curves[name]["share_corrected"]) > 0.5
        assert curves[name]["width"] == [4, 64]
    assert curves["metropolis"]["search_steps"][1] > curves["metropolis"]["search_steps"][0]


def test_rates_are_counted_on_the_cpu_too() -> None:
    row = dbm_gpu.measured(torch.device("cpu"), torch.float32, width=128, batch_size=128, n_steps=3, seed=0)
    assert row["gflops"] == pytest.approx(row["share_of_limit"] * row["limit_gflops"])
    n_products = row["gflops"] * 1e9 / row["steps_a_second"] / (2 * 128**3)
    assert 10 < n_products < 150  # 8 products a sweep of the whole machine, and up to 30 sweeps of mean field
    assert 0 < row["share_of_limit"] < 1.5


@pytest.fixture
def cuda() -> torch.device:
    if not torch.cuda.is_available():
        pytest.skip("torch finds no CUDA device")
    return torch.device("cuda")


@pytest.mark.gpu
def test_a_gpu_computes_the_same_fields_and_unbiased_gradients(cuda: torch.device) -> None:
    machine = machine_of((4, 4, 4), 3)
    there = machine.to(cuda)
    state = machine.uniform_state(100, torch.Generator().manual_seed(0))
    for parity in (0, 1):
        field = there.block_field(state[1 - parity].to(cuda), parity).cpu()
        torch.testing.assert_close(field, machine.block_field(state[1 - parity], parity), atol=1e-4, rtol=1e-4)
    random = torch.Generator(cuda).manual_seed(1)
    estimate = METHODS["coupled_gibbs"].negative.expectation(there, 20_000, random)
    found = statistics(there, estimate.particles).flat().cpu()
    torch.testing.assert_close(found.double(), exact_expectations(machine).flat(), atol=0.01, rtol=0)


@pytest.mark.gpu
def test_products_are_most_of_a_wide_step_on_a_gpu(cuda: torch.device) -> None:
    row = dbm_gpu.measured(cuda, torch.float32, width=4096, batch_size=4096, n_steps=20, seed=0)
    assert row["share_of_limit"] > 0.3, row
