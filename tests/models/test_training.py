"""The gradient loop: it finds minima, stops when it should, and leaves global randomness alone."""

from __future__ import annotations

import random

import numpy as np
import pyro
import pyro.distributions as dist
import pytest
import torch
from pyro.infer import SVI, TraceMeanField_ELBO
from pyro.nn import PyroModule, PyroParam
from pyro.optim import PyroOptim
from pyro.optim.clipped_adam import ClippedAdam
from torch import nn

from data.errors import BadConfig, NoDevice
from models.training import Diverged, Loop, Step, gradient_step, resolve_device, seeded, train
from tests.models.line import Line


def test_least_squares_are_found() -> None:
    line = Line()
    step = gradient_step(line.loss, torch.optim.Adam(line.parameters(), lr=0.1), decay_from=0.5)
    trained = train(line, step, 40, Loop(epochs=80, batch_size=16), seed=0)
    np.testing.assert_allclose(line.coefficients.detach(), [3, -0.5], atol=1e-3)
    assert len(trained.losses) == trained.kept_epoch == 80
    assert trained.why == "all epochs"
    assert trained.losses[-1] < 1e-5 < trained.losses[0]


def test_every_row_comes_once_an_epoch_in_batches_of_one_size_by_the_seed_alone() -> None:
    def batches(seed: int) -> list[list[int]]:
        seen: list[list[int]] = []

        def step(rows: torch.Tensor, done: float) -> float:
            seen.append(rows.tolist())
            return 0.0

        train(nn.Module(), step, 11, Loop(3, 4), seed)
        return seen

    seen = batches(1)
    assert [len(batch) for batch in seen] == [4, 4, 3] * 3
    for epoch in range(3):
        assert sorted(row for batch in seen[3 * epoch : 3 * epoch + 3] for row in batch) == list(range(11))
    torch.manual_seed(99)
    assert batches(1) == seen != batches(2)


def test_a_step_hears_how_much_is_done_and_learning_rates_fall_to_nothing() -> None:
    line, heard, rates = Line(), list[float](), list[float]()
    optimizer = torch.optim.SGD(line.parameters(), lr=0.4)
    step = gradient_step(line.loss, optimizer, decay_from=0.5)

    def listening(rows: torch.Tensor, done: float) -> torch.Tensor | float:
        heard.append(done)
        loss = step(rows, done)
        rates.append(optimizer.param_groups[0]["lr"])
        return loss

    train(line, listening, 40, Loop(epochs=4, batch_size=20), seed=0)
    np.testing.assert_allclose(heard, np.arange(8) / 8)
    np.testing.assert_allclose(rates, [0.4, 0.4, 0.4, 0.4, 0.4, 0.3, 0.2, 0.1])


def spoiling(line: Line, at: int, *, parameters: bool) -> tuple[list[torch.Tensor], Step]:
    """Return where states go, and a step that spoils the loss, or only the parameters, of the epoch `at`."""
    states: list[torch.Tensor] = []
    step = gradient_step(line.loss, torch.optim.SGD(line.parameters(), lr=0.1))

    def spoilt(rows: torch.Tensor, done: float) -> torch.Tensor | float:
        loss = step(rows, done)
        if len(states) == at:
            if parameters:
                line.coefficients.data[0] = float("nan")
                return loss
            return float("nan")
        states.append(line.coefficients.detach().clone())
        return loss

    return states, spoilt


@pytest.mark.parametrize("parameters", [False, True])
def test_when_a_loss_or_a_parameter_is_no_number_the_last_good_state_is_kept(parameters: bool) -> None:
    line = Line()
    states, step = spoiling(line, 3, parameters=parameters)
    trained = train(line, step, 40, Loop(epochs=10, batch_size=40), seed=0)
    assert trained.why == "loss is no number"
    assert trained.kept_epoch == len(trained.losses) == 3
    torch.testing.assert_close(line.coefficients.detach(), states[2])


def test_a_loss_that_is_never_a_number_is_an_error() -> None:
    line = Line()
    _, step = spoiling(line, 0, parameters=False)
    with pytest.raises(Diverged, match="smaller learning_rate"):
        train(line, step, 40, Loop(epochs=10, batch_size=40), seed=0)


def test_the_best_state_by_the_judge_is_kept_and_patience_ends() -> None:
    line, verdicts = Line(), iter([5.0, 2.0, 3.0, 4.0, 1.0])
    states: list[torch.Tensor] = []
    step = gradient_step(line.loss, torch.optim.SGD(line.parameters(), lr=0.1))

    def judge() -> float:
        assert not line.training
        states.append(line.coefficients.detach().clone())
        return next(verdicts)

    trained = train(line, step, 40, Loop(epochs=10, batch_size=40, patience=2), seed=0, judge=judge)
    assert (trained.kept_epoch, trained.why) == (2, "no better verdict")
    np.testing.assert_array_equal(trained.verdicts, [5, 2, 3, 4])
    torch.testing.assert_close(line.coefficients.detach(), states[1])


def test_a_verdict_counts_only_from_the_share_of_the_steps_that_is_named() -> None:
    line, verdicts = Line(), iter([0.0, 0.1, 5.0, 4.0, 6.0, 7.0])
    states: list[torch.Tensor] = []
    step = gradient_step(line.loss, torch.optim.SGD(line.parameters(), lr=0.1))

    def judge() -> float:
        states.append(line.coefficients.detach().clone())
        return next(verdicts)

    loop = Loop(epochs=10, batch_size=40, patience=2, counts_from=0.3)
    trained = train(line, step, 40, loop, seed=0, judge=judge)
    assert (trained.kept_epoch, trained.why) == (4, "no better verdict"), "not the first two, which do not count"
    assert len(trained.verdicts) == 6, "patience runs from the third epoch on"
    torch.testing.assert_close(line.coefficients.detach(), states[3])


@pytest.mark.parametrize(("share", "first"), [(0.0, 1), (0.05, 1), (0.3, 3), (0.31, 4), (1.0, 10)])
def test_the_first_epoch_that_counts(share: float, first: int) -> None:
    assert Loop(10, 40, counts_from=share).first_counted == first


def observed_two(rows: torch.Tensor) -> None:
    """A standard normal mean and one observation of it, 2, with variance 1: the posterior is N(1, 1/2)."""
    mean = pyro.sample("mean", dist.Normal(0.0, 1.0))
    pyro.sample("seen", dist.Normal(mean, 1.0), obs=torch.tensor(2.0))


class Guide(PyroModule):
    """A normal."""

    def __init__(self) -> None:
        super().__init__()
        self.loc = PyroParam(torch.tensor(0.0))
        self.scale = PyroParam(torch.tensor(1.0), constraint=dist.constraints.positive)

    def forward(self, rows: torch.Tensor) -> None:
        pyro.sample("mean", dist.Normal(torch.as_tensor(self.loc), torch.as_tensor(self.scale)))


def test_pyros_svi_is_driven_to_the_closed_form_and_leaves_its_global_store_empty() -> None:
    guide = Guide()
    svi = SVI(
        observed_two, guide, PyroOptim(ClippedAdam, {"lr": 0.1, "lrd": 0.98}), TraceMeanField_ELBO(num_particles=2)
    )

    def step(rows: torch.Tensor, done: float) -> float:
        return float(svi.step(rows))

    with seeded(0, torch.device("cpu")):
        train(guide, step, 1, Loop(epochs=250, batch_size=1), seed=0)
    assert torch.as_tensor(guide.loc).detach().item() == pytest.approx(1, abs=0.1)
    assert torch.as_tensor(guide.scale).detach().item() == pytest.approx(0.5**0.5, abs=0.1)
    assert not dict(pyro.get_param_store())


def global_draws() -> list[float]:
    legacy = np.random.mtrand._rand  # NumPy's global generator, which pyro.set_rng_seed would reseed
    return [torch.rand(1).item(), float(legacy.random()), random.random()]


def test_the_callers_randomness_goes_on_as_if_nothing_was_drawn() -> None:
    before = torch.get_rng_state(), np.random.mtrand._rand.get_state(), random.getstate()
    expected = global_draws()
    torch.set_rng_state(before[0])
    np.random.mtrand._rand.set_state(before[1])
    random.setstate(before[2])
    with seeded(3, torch.device("cpu")):
        inside = pyro.sample("x", dist.Normal(0.0, 1.0)).item()
    assert global_draws() == expected
    with seeded(3, torch.device("cpu")):
        assert pyro.sample("x", dist.Normal(0.0, 1.0)).item() == inside
    with seeded(4, torch.device("cpu")):
        assert pyro.sample("x", dist.Normal(0.0, 1.0)).item() != inside


def test_a_device_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(NoDevice, match="WAGAHAI_DEVICE"):
        resolve_device("cuda")
    assert resolve_device("auto") == resolve_device("cpu") == torch.device("cpu")


def test_auto_is_cuda_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert resolve_device("auto") == resolve_device("cuda") == torch.device("cuda")
    assert resolve_device("cpu") == torch.device("cpu")


def test_a_device_of_no_such_name_is_refused() -> None:
    with pytest.raises(BadConfig, match="'gpu', expected one of auto, cpu, cuda"):
        resolve_device("gpu")
