"""The released step written anew is what `local_mode` estimates, so that their times can be compared."""

from __future__ import annotations

import pytest
import torch

from models.dbm_estimators import METHODS, gradient
from models.dbm_exact import exact_gradient
from models.dbm_machine import Machine
from models.training import seeded
from tests.benchmarks import dbm_steps
from tests.benchmarks.dbm_released import ReleasedMachine
from tests.models.machines import machine_of

N_ROWS, N_TIMES = 1000, 30


def released(machine: Machine) -> ReleasedMachine:
    """Return the peer with the parameters of `machine`."""
    peer = ReleasedMachine(machine.sizes)
    with torch.no_grad():
        for theirs, ours in zip(peer.weight, machine.weights, strict=True):
            theirs.copy_(ours.T)
        for theirs, ours in zip(peer.bias, machine.biases, strict=True):
            theirs.copy_(ours)
    return peer


def released_ascent(peer: ReleasedMachine, visible: torch.Tensor) -> torch.Tensor:
    peer.zero_grad()
    peer.loss(visible).mean().backward()  # type: ignore[no-untyped-call]  # torch
    gradients = [weight.grad.T.reshape(-1) for weight in peer.weight if weight.grad is not None]
    gradients += [bias.grad for bias in peer.bias if bias.grad is not None]
    return -torch.cat(gradients)


@pytest.mark.parametrize("sizes", [(3, 4, 2), (3, 2, 3, 2)], ids=str)
def test_local_mode_has_the_mean_of_the_released_step_and_that_is_not_the_gradient(sizes: tuple[int, ...]) -> None:
    machine = machine_of(sizes, 4, sd=0.7)
    peer, random = released(machine), torch.Generator().manual_seed(0)
    visible = (torch.rand(N_ROWS, 3, generator=random) < torch.tensor([0.2, 0.5, 0.8])).float()
    with seeded(0, torch.device("cpu")):
        theirs = torch.stack([released_ascent(peer, visible) for _ in range(N_TIMES)])
    ours = torch.stack(
        [gradient(machine, visible, METHODS["local_mode"], random).ascent.flat() for _ in range(N_TIMES)]
    )
    varies = theirs.std(dim=0) > 1e-6
    spread = ((theirs.var(dim=0) + ours.var(dim=0)) / N_TIMES).sqrt()[varies]
    z = (theirs.mean(dim=0) - ours.mean(dim=0))[varies] / spread
    assert float(z.square().mean().sqrt()) < 1.5
    off = (theirs.mean(dim=0) - exact_gradient(machine, visible).flat())[varies] / spread
    assert float(off.square().mean().sqrt()) > 4


def test_the_benchmark_compares_all_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dbm_steps, "OTHERS", ("pcd",))
    rows = dbm_steps.compared(64, n_steps=3, batch_size=200, seed=0)
    assert [row["step"] for row in rows] == ["released", "local_mode", "pcd"]
    assert rows[0]["ratio"] == 1
    assert rows[1]["ratio"] > 1
    assert "search_steps" in rows[1]["last"]
