"""Training of Boltzmann machines: gradients against enumeration, planted machines found again, crashes gone on from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import models.dbm_likelihood
from data.checkpoint import Checkpoint
from data.store import Store
from models.base import Run
from models.dbm_config import MachineConfig
from models.dbm_exact import exact_gradient, exact_particles, log_likelihood
from models.dbm_learner import Learner, centred_weights, plain_biases, sampled_state
from models.dbm_likelihood import likelihood
from models.dbm_machine import Machine
from models.dbm_state import State
from models.dbm_training import FittedMachine, fit_machine
from models.training import Diverged
from tests.killing import Killed, KillsAfter
from tests.models.machines import all_rows, machine_of

CONFIG = MachineConfig(
    hidden_sizes=(4, 3), epochs=6, n_chains=40, batch_size=50, learning_rate=0.02, judge_every=2, weight_decay=0.0
)


def rows_of(machine: Machine, n_rows: int, seed: int = 0) -> np.ndarray:
    """Return visible units drawn exactly from a small machine, uint8 (n_rows, n_visible)."""
    random = torch.Generator().manual_seed(seed)
    particles = exact_particles(machine)
    chosen = torch.multinomial(particles.weight, n_rows, replacement=True, generator=random)
    drawn = sampled_state(State(particles.state.even[chosen], particles.state.odd[chosen]), random)
    return machine.layers(drawn)[0].numpy().astype(np.uint8)


PLANTED = machine_of((8, 4, 3), seed=5, sd=1.5)
ROWS = rows_of(PLANTED, 1500)


def test_centred_gradients_are_those_of_the_likelihood_in_centred_parameters() -> None:
    random = torch.Generator().manual_seed(0)
    visible = torch.from_numpy(ROWS[:20]).double()
    machine = machine_of((8, 4, 3), seed=1).to(torch.float64)
    offsets = [torch.rand(size, generator=random).double() for size in machine.sizes]
    weights = [weight.clone().requires_grad_() for weight in machine.weights]
    centred = [  # such that the plain biases are the machine's
        bias + (0 if not layer else offsets[layer - 1] @ weights[layer - 1])
        + (0 if layer == 2 else weights[layer] @ offsets[layer + 1])
        for layer, bias in enumerate(machine.biases)
    ]  # fmt: skip
    centred = [bias.detach().requires_grad_() for bias in centred]
    same = Machine(tuple(weights), plain_biases(weights, centred, offsets))
    slopes = torch.autograd.grad(log_likelihood(same, visible).mean(), [*weights, *centred])
    plain = exact_gradient(machine, visible)
    for found, expected in zip(slopes, [*centred_weights(plain, offsets), *plain.biases], strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("sizes", [(4,), (4, 3), (4, 3, 2)])
def test_a_machine_is_the_same_when_its_offsets_move(sizes: tuple[int, ...]) -> None:
    learner = Learner(torch.from_numpy(ROWS), replace(CONFIG, hidden_sizes=sizes, centring=0.5), 0)
    with torch.no_grad():
        for weight in learner.weights:
            weight += torch.randn(weight.shape, generator=learner.random)
    learner.set_gradients(torch.arange(100))
    before, offsets = learner.machine(), [offset.clone() for offset in learner.offsets]
    learner.follow_means()
    moved = [float((new - old).abs().max()) for new, old in zip(learner.offsets, offsets, strict=True)]
    assert moved[0] == 0 < min(moved[1:])
    for old, new in zip(before.biases, learner.machine().biases, strict=True):
        np.testing.assert_allclose(old, new, atol=1e-5)


@pytest.mark.parametrize(
    "estimator", ["cd", "pcd", "coupled_gibbs", "coupled_chains"]
)  # the others are noise or biased
def test_gradients_of_an_estimator_point_up(estimator: str) -> None:
    config = replace(CONFIG, estimator=estimator, n_chains=2000, gibbs_steps=5, posterior_steps=5)
    learner = Learner(torch.from_numpy(ROWS), config, 0, start=machine_of((8, 4, 3), seed=1, sd=0.7))
    rows = torch.arange(len(ROWS))
    for _ in range(5):  # chains that go on
        learner.set_gradients(rows)
    exact = exact_gradient(learner.machine(), torch.from_numpy(ROWS).float())
    expected = torch.cat([slope.flatten() for slope in centred_weights(exact, learner.offsets)])
    found = -torch.cat([weight.grad.flatten() for weight in learner.weights if weight.grad is not None])
    cosine = float(torch.nn.functional.cosine_similarity(found.double(), expected, dim=0))
    assert cosine > 0.99


@pytest.mark.parametrize("centring", [0.0, 0.02])
def test_a_planted_machine_is_found_again(centring: float) -> None:
    config = replace(CONFIG, epochs=40, n_chains=500, centring=centring)
    found = fit_machine(ROWS, config, Run(1)).machine
    fresh = torch.from_numpy(rows_of(PLANTED, 2000, seed=9))
    truth = float(log_likelihood(PLANTED, fresh).mean())
    independent = fresh.float().mean(dim=0)
    alone = float((independent * independent.log() + (1 - independent) * (1 - independent).log()).sum())
    reached = float(log_likelihood(found, fresh).mean())
    n_parameters = 8 * 4 + 4 * 3 + 8 + 4 + 3
    assert alone < truth - 0.09  # there is something to be found
    assert reached > truth - 0.5 * n_parameters / len(ROWS) - 0.01  # what is lost to so few rows on average, and a bit


def test_a_restricted_machine_learns_as_well() -> None:
    planted = machine_of((6, 3), seed=2, sd=2.0)
    config = replace(CONFIG, hidden_sizes=(3,), epochs=40, n_chains=500)
    found = fit_machine(rows_of(planted, 1500), config, Run(1)).machine
    every = all_rows(6)
    p, q = (log_likelihood(machine, every).exp() for machine in (planted, found))
    assert float((p - q).abs().sum()) / 2 < 0.1  # total variation


# ---- crashes, divergence, judging --------------------------------------------------------


def assert_same(found: FittedMachine, expected: FittedMachine) -> None:
    for name in ("weights", "biases"):
        for ours, theirs in zip(getattr(found.machine, name), getattr(expected.machine, name), strict=True):
            np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(found.trained.verdicts, expected.trained.verdicts)
    assert found.trained.kept_epoch == expected.trained.kept_epoch


@pytest.mark.parametrize("estimator", ["pcd", "coupled_gibbs"])
@pytest.mark.parametrize("n_epochs", [1, 3])
def test_a_killed_fit_goes_on_and_ends_with_the_same_machine(estimator: str, n_epochs: int, tmp_path: Path) -> None:
    config, held = replace(CONFIG, estimator=estimator), ROWS[1000:]
    unbroken = fit_machine(ROWS[:300], config, Run(1), validation=held)
    checkpoint = Checkpoint(Store(tmp_path), "fit")
    with pytest.raises(Killed):
        fit_machine(ROWS[:300], config, Run(1, progress=KillsAfter(n_epochs), checkpoint=checkpoint), validation=held)
    assert_same(fit_machine(ROWS[:300], config, Run(1, checkpoint=checkpoint), validation=held), unbroken)


def test_going_on_leaves_the_callers_randomness_alone(tmp_path: Path) -> None:
    checkpoint = Checkpoint(Store(tmp_path), "fit")
    with pytest.raises(Killed):
        fit_machine(ROWS[:300], CONFIG, Run(1, progress=KillsAfter(1), checkpoint=checkpoint))
    torch.rand(5)
    before = torch.get_rng_state()
    fit_machine(ROWS[:300], CONFIG, Run(1, checkpoint=checkpoint))
    assert torch.equal(torch.get_rng_state(), before)


def test_what_is_no_number_ends_the_training_with_the_last_good_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    good = fit_machine(ROWS, replace(CONFIG, epochs=2, decay_from=1.0), Run(1))
    gradients, calls = Learner.set_gradients, [0]

    def broken(self: Learner, rows: torch.Tensor) -> float:
        calls[0] += 1
        gap = gradients(self, rows)
        if calls[0] > 2 * 30:
            self.weights[0].data[0, 0] = torch.nan
        return gap

    monkeypatch.setattr(Learner, "set_gradients", broken)
    found = fit_machine(ROWS, replace(CONFIG, decay_from=1.0), Run(1))
    assert found.trained.why == "loss is no number"
    np.testing.assert_array_equal(found.machine.weights[0], good.machine.weights[0])
    calls[0] = 100
    with pytest.raises(Diverged):
        fit_machine(ROWS, CONFIG, Run(1))


def test_the_epoch_that_validation_likes_best_is_kept_and_training_stops_there() -> None:
    config = replace(CONFIG, hidden_sizes=(12, 8), epochs=200, learning_rate=0.1, patience=3, decay_from=1.0)
    few, held = ROWS[:40], ROWS[1000:]  # few rows are soon known by heart
    found = fit_machine(few, config, Run(1), validation=held)
    judged = np.isfinite(found.trained.verdicts)
    assert judged.tolist() == [epoch % 2 == 0 for epoch in range(1, len(judged) + 1)]
    assert found.trained.why == "no better verdict"
    assert len(judged) == found.trained.kept_epoch + 3 * 2 < 200
    reached = -float(log_likelihood(found.machine, torch.from_numpy(held)).mean())
    np.testing.assert_allclose(reached, found.trained.verdicts.min(), rtol=1e-6)


def test_units_are_0_or_1() -> None:
    with pytest.raises(ValueError, match="0 and 1"):
        fit_machine(np.full((3, 3), 2, np.uint8), CONFIG, Run())


# ---- likelihood -------------------------------------------------------------------------


@pytest.mark.parametrize("sizes", [(8, 6), (8, 6, 5), (7, 5, 4, 3)])
def test_sampled_likelihoods_are_those_of_enumeration(sizes: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    machine, rows = machine_of(sizes, seed=4), (torch.rand(70, sizes[0]) < 0.5).float()
    exact = log_likelihood(machine, rows).numpy()
    found = likelihood(machine, rows, 0)
    np.testing.assert_allclose(found.of_rows, exact, rtol=1e-6)
    assert (found.effective_samples, found.n_samples, found.log_z_error) == (None, 0, 0)
    monkeypatch.setattr(models.dbm_likelihood, "MOST_ENUMERATED", 0)
    sampled = likelihood(machine, rows, 0)
    assert sampled.effective_samples is not None
    assert 30 < sampled.effective_samples <= sampled.n_samples
    assert abs(sampled.mean - exact.mean()) < 4 * sampled.log_z_error + 0.02
    assert (sampled.effective_samples_of_row is None) == (len(sizes) == 2)
    np.testing.assert_allclose(sampled.of_rows - sampled.mean, exact - exact.mean(), atol=0.3)
