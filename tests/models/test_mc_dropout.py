"""MC dropout: the contract, and what masks do."""

from __future__ import annotations

import numpy as np
import pyro
import pytest
import torch
from torch.distributions import kl_divergence

from data.errors import BadConfig
from models.base import Run
from models.bnn_fit import on_device, prepared
from models.bnn_guide import Dropout, UnitsOut
from models.bnn_layout import Layout
from models.bnn_net import Net
from models.bnn_network import BayesianNetwork
from models.bnn_prior import prior_of
from models.mc_dropout import McDropout, McDropoutConfig
from models.predictor import Examples
from tests.models.predictor_contract import PredictorContract, rows_of


class TestContract(PredictorContract):
    model = McDropout
    config = McDropoutConfig(hidden_sizes=(9,), activation="tanh", epochs=10, batch_size=16, dropout=0.2)


class TestContractOfOrders(PredictorContract):
    model = McDropout
    config = McDropoutConfig(
        hidden_sizes=(8,), likelihood="ordinal", outcomes=(1, 2, 3, 4), epochs=10, batch_size=16, dropout=0.1
    )


LAYOUT = Layout((3, 6, 5, 2), "tanh")


def weights_and_inputs() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    weights = LAYOUT.initial(random) + random.normal(0, 0.3, LAYOUT.n_weights).astype(np.float32)
    return weights, random.normal(size=(4, 3)).astype(np.float32)


def test_rows_have_masks_of_their_own_in_training_and_evaluation_alike() -> None:
    weights, inputs = weights_and_inputs()
    guide, net = Dropout(weights, LAYOUT, [0.3] * 3), Net(LAYOUT)
    same = torch.tensor(np.repeat(inputs[:1], 50, axis=0))
    for mode in (True, False):
        outputs = guide.train(mode).outputs(net, same, torch.zeros(0)).detach()
        assert len(np.unique(outputs.numpy(), axis=0)) > 25


def test_a_mask_for_all_rows_has_each_rows_moments_of_masks_for_every_row() -> None:
    """Beside all masks there are, of 7 units of inputs and hidden layers, each with its probability."""
    layout = Layout((2, 3, 2, 1), "tanh")
    random = np.random.default_rng(1)
    weights, inputs = random.normal(0, 0.8, layout.n_weights).astype(np.float32), np.array([[0.5, -1.0]], np.float32)
    rates = [0.1, 0.3, 0.4]
    of_units, unit = layout.of_units(rates)[:-1], layout.units()
    masks = np.array([[(code >> bit) & 1 for bit in range(7)] for code in range(128)])
    p = np.where(masks, 1 - of_units, of_units).prod(axis=1)
    scale = np.concatenate([masks / (1 - of_units), np.ones((128, 1))], axis=1)
    exact = layout.outputs((weights * scale[:, unit]).astype(np.float32), inputs)[:, 0, 0]
    mean = float(p @ exact)
    sd = float(np.sqrt(p @ (exact - mean) ** 2))
    guide = Dropout(weights, layout, rates)
    torch.manual_seed(0)
    with torch.no_grad():
        rows = torch.tensor(np.repeat(inputs, 40_000, axis=0))
        of_rows = guide.outputs(Net(layout), rows, torch.zeros(0)).numpy()[:, 0]
        of_all = layout.outputs(guide.distribution().sample((20_000,)).numpy(), inputs)[:, 0, 0]
    for found in (of_rows, of_all):
        assert found.mean() == pytest.approx(mean, abs=0.03 * sd)
        assert found.std() == pytest.approx(sd, rel=0.03)


def test_draws_leave_out_the_given_share_of_units_and_no_bias() -> None:
    config = McDropoutConfig(hidden_sizes=(9,), dropout=0.3, input_dropout=0.2, epochs=2)
    examples = rows_of(config)
    model = McDropout.fit(examples, config, Run(0, device="cpu"))
    weights, _ = model.weights(5000, np.random.default_rng(0))
    loc, layout = model.arrays()["loc"], model.layout
    for drawn in weights[:5]:
        for (matrix, bias), (mean, mean_bias) in zip(layout.layers(drawn), layout.layers(loc), strict=True):
            np.testing.assert_array_equal(bias, mean_bias)
            is_out = (matrix == 0).all(axis=1)
            kept = 0.8 if len(matrix) == 3 else 0.7
            np.testing.assert_allclose(matrix[~is_out], mean[~is_out] / kept, rtol=1e-6)
    first = layout.layers(loc)[0][0].size
    assert (weights[:, :first] == 0).mean() == pytest.approx(0.2, abs=0.01)
    assert (weights[:, first + 9 : -1] == 0).mean() == pytest.approx(0.3, abs=0.01)


@pytest.mark.parametrize("rate", [0.05, 0.5])
def test_the_divergence_is_weight_decay_as_the_authors_have_it(rate: float) -> None:
    """Theirs, for means M that are not divided by the share kept, per row and divided by tau."""
    weights, _ = weights_and_inputs()
    length_scale, tau, n_rows, unit = 0.7, 4.0, 100, torch.tensor(LAYOUT.units())
    prior = prior_of("gaussian", torch.full((LAYOUT.n_weights,), 1 / length_scale))
    ours = (
        kl_divergence(UnitsOut(torch.tensor(weights), unit, torch.tensor(LAYOUT.of_units([rate] * 3))), prior)
        / n_rows
        / tau
    )
    theirs = 0.0
    for matrix, bias in LAYOUT.layers(weights):
        kept = 1 - rate
        decay = kept * length_scale**2 / (2 * n_rows * tau) * ((matrix / kept) ** 2).sum()
        theirs += decay + length_scale**2 / (2 * n_rows * tau) * (bias**2).sum()
    assert ours.item() == pytest.approx(theirs, rel=1e-5)


def test_the_divergence_is_that_of_narrow_gaussians_up_to_a_constant() -> None:
    """With masks of narrow Gaussians instead of points the divergence exists, and what the means change is ours."""
    sd, narrow, rate = 0.8, 1e-3, 0.3
    at = np.array([0.4, 1.1])
    half = np.linspace(-8, 8, 20_001)

    def divergence(m: float) -> float:
        total = 0.0
        for p, centre in ((rate, 0.0), (1 - rate, m / (1 - rate))):
            x = centre + narrow * half
            density = np.exp(-0.5 * half**2) / narrow / (2 * np.pi) ** 0.5
            log_prior = -0.5 * (x / sd) ** 2 - np.log(sd * (2 * np.pi) ** 0.5)
            total += p * np.trapezoid(density * (np.log(p * density + 1e-300) - log_prior), x)
        return total

    expected = divergence(at[1]) - divergence(at[0])
    prior, unit, rates = prior_of("gaussian", torch.tensor([sd])), torch.tensor([0]), torch.tensor([rate, 0])
    first, second = (kl_divergence(UnitsOut(torch.tensor([m]), unit, rates), prior).item() for m in at)
    assert second - first == pytest.approx(expected, rel=1e-4)


def test_the_loss_is_the_bound_a_row() -> None:
    config = McDropoutConfig(hidden_sizes=(4,), dropout=0.25, input_dropout=0.25, length_scale=2.0)
    examples = rows_of(config, n_rows=12)
    scaling, layout, likelihood = prepared(examples, config)
    data = on_device(examples, scaling, likelihood, torch.device("cpu"))
    loc, sds = layout.initial(np.random.default_rng(0)), torch.tensor(config.prior_sds(layout))
    guide, net = config.guide(layout, loc), Net(layout)
    network = BayesianNetwork(net, prior_of("gaussian", sds), likelihood, guide, data)
    torch.manual_seed(1)
    with torch.no_grad(), pyro.validation_enabled(False):
        losses = torch.stack([network.loss(torch.arange(6 * i, 6 * i + 6), 0.5) for _ in range(1000) for i in (0, 1)])
        outputs = torch.stack([net(data.inputs, weights) for weights in guide.distribution().rsample((4000,))])[..., 0]
        noise = pyro.distributions.Normal(outputs, network.parameters_of_likelihood()[0].exp())
        each = -noise.log_prob(data.target).mean(dim=1)
    decay = 0.0
    for matrix, bias in layout.layers(loc):
        decay += 4 / 2 * ((matrix**2).sum() / 0.75 + (bias**2).sum()) / 12
    error = (losses.var() / len(losses) + each.var() / len(each)).sqrt()
    assert abs(float(losses.mean() - each.mean()) - decay) < 4 * float(error)


def test_validation_rows_keep_the_best_state() -> None:
    config = McDropoutConfig(dropout=0.01, epochs=150, batch_size=30, learning_rate=0.02)
    train, held = rows_of(config, 30, seed=1), rows_of(config, 200, seed=2)
    stopped = McDropout.fit(train, config, Run(0, device="cpu"), validation=held)
    to_the_end = McDropout.fit(train, config, Run(0, device="cpu"))
    assert stopped.log_scores(held).mean() > to_the_end.log_scores(held).mean()


def test_a_known_noise_stays_as_it_is_said() -> None:
    config = McDropoutConfig(hidden_sizes=(3,), epochs=2, noise_sd=2.5)
    examples = rows_of(config)
    said = McDropout.fit(examples, config, Run(0, device="cpu")).predict(examples.features)
    np.testing.assert_allclose(said.aleatoric_var, 2.5**2, rtol=1e-5)


def test_outcomes_that_are_none_of_those_named_are_refused() -> None:
    config = McDropoutConfig(likelihood="categorical", outcomes=(1, 2))
    examples = Examples(np.zeros((2, 1), np.float32), np.array([1, 3], np.float32))
    with pytest.raises(ValueError, match="outcome 3, expected one of 1, 2"):
        McDropout.fit(examples, config, Run(0, device="cpu"))


def test_a_net_without_masks_is_refused() -> None:
    with pytest.raises(BadConfig, match="no draws"):
        McDropoutConfig(dropout=0.0, input_dropout=0.0)
    with pytest.raises(BadConfig, match="no draws"):
        McDropoutConfig(hidden_sizes=(), dropout=0.3, input_dropout=0.0)


@pytest.mark.parametrize(
    ("name", "value"), [("dropout", -0.1), ("dropout", 1.0), ("input_dropout", 1.0), ("length_scale", 0.0)]
)
def test_impossible_settings_are_refused(name: str, value: float) -> None:
    with pytest.raises(BadConfig, match=rf"mc_dropout\.{name}"):
        McDropoutConfig(**{name: value})  # type: ignore[arg-type]  # one type for all
