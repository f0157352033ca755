"""Bayes by Backprop: the contract, closed forms it must reach, and divergences beside sampled ones."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyro
import pytest
import torch
from torch.distributions import kl_divergence

from data.errors import BadConfig
from models.base import Run
from models.bayes_by_backprop import BayesByBackprop, BayesByBackpropConfig
from models.bnn_fit import fit_arrays, on_device, prepared
from models.bnn_guide import MeanField
from models.bnn_net import Net
from models.bnn_network import BayesianNetwork
from models.bnn_prior import prior_of
from models.predictor import Examples, pooled
from tests.models.linear_regression import DESIGN, NOISE_SD, posterior, standardised
from tests.models.predictor_contract import PredictorContract, rows_of

LINEAR = BayesByBackpropConfig(
    hidden_sizes=(), noise_sd=NOISE_SD, prior_sd=0.7, epochs=800, batch_size=40, learning_rate=0.02
)


class TestContract(PredictorContract):
    model = BayesByBackprop
    config = BayesByBackpropConfig(hidden_sizes=(8, 5), activation="softplus", epochs=10, batch_size=16, prior_sd=2.0)


class TestContractOfCategories(PredictorContract):
    model = BayesByBackprop
    config = BayesByBackpropConfig(
        hidden_sizes=(8,),
        likelihood="categorical",
        outcomes=(1, 2, 5),
        n_offset_features=3,
        epochs=10,
        batch_size=32,
        prior="scale_mixture",
    )


@pytest.mark.parametrize("reparameterisation", ["local", "weights"])
def test_the_mean_field_optimum_of_linear_regression_is_reached(reparameterisation: str) -> None:
    """The best independent Gaussians have the posterior's mean, and the inverses of its precision's diagonal."""
    config = BayesByBackpropConfig(**{**vars(LINEAR), "reparameterisation": reparameterisation})
    arrays = BayesByBackprop.fit(DESIGN, config, Run(0, device="cpu")).arrays()
    mean, precision = posterior(config.prior_sd)
    np.testing.assert_allclose(arrays["loc"], mean, atol=0.03)
    np.testing.assert_allclose(arrays["sd"], np.diag(precision) ** -0.5, rtol=0.05)


def test_predictions_of_linear_regression_have_the_closed_form() -> None:
    model = BayesByBackprop.fit(DESIGN, LINEAR, Run(0, device="cpu"))
    mean, precision = posterior(LINEAR.prior_sd)
    design, unit = standardised(DESIGN.features), DESIGN.outcome.std()
    said = model.predict(DESIGN.features, n_draws=4000)
    np.testing.assert_allclose(said.mean, DESIGN.outcome.mean() + unit * (design @ mean), atol=0.03 * unit)
    expected = unit**2 * (design**2 @ (1 / np.diag(precision)))
    np.testing.assert_allclose(said.epistemic_var, expected, rtol=0.2)
    np.testing.assert_allclose(said.aleatoric_var, NOISE_SD**2, rtol=1e-3)


def test_epistemic_variance_falls_with_data_and_aleatoric_stays() -> None:
    config = BayesByBackpropConfig(
        hidden_sizes=(20,), activation="tanh", epochs=250, batch_size=100, learning_rate=0.01
    )
    random = np.random.default_rng(1)
    said = {}
    for n_rows in (50, 1600):
        x = random.uniform(-2, 2, (n_rows, 1)).astype(np.float32)
        y = (np.sin(2 * x[:, 0]) + 0.3 * random.normal(size=n_rows)).astype(np.float32)
        epochs = config.epochs * 1600 // n_rows // 8 if n_rows == 50 else config.epochs // 4
        fitted = BayesByBackprop.fit(
            Examples(x, y), BayesByBackpropConfig(**{**vars(config), "epochs": epochs}), Run(0, device="cpu")
        )
        said[n_rows] = fitted.predict(np.linspace(-2, 2, 50, dtype=np.float32)[:, None], 200)
    assert said[1600].epistemic_var.mean() < 0.2 * said[50].epistemic_var.mean()
    assert np.sqrt(said[1600].aleatoric_var.mean()) == pytest.approx(0.3, rel=0.15)


def test_variance_and_entropy_split_as_simulated_outcomes_have_it() -> None:
    """Outcomes drawn from draws, one after the other, have the variance and the entropy that the parts add up to."""
    config = BayesByBackpropConfig(hidden_sizes=(8,), likelihood="categorical", outcomes=(1, 2, 5), epochs=5)
    examples = rows_of(config)
    model = BayesByBackprop.fit(examples, config, Run(0, device="cpu"))
    draws = model.draws(examples.features[:4], 500)
    said, random = pooled(draws), np.random.default_rng(0)
    assert draws.p is not None
    assert model.outcomes is not None
    for row in range(4):
        drawn = np.concatenate(
            [random.choice(model.outcomes, 400, p=p / p.sum()) for p in draws.p[:, row].astype(float)]
        )
        assert drawn.var() == pytest.approx(said.sd[row] ** 2, rel=0.03)
        shares = np.array([(drawn == value).mean() for value in config.outcomes])
        assert -(shares * np.log(shares)).sum() == pytest.approx(said.entropy[row], rel=0.02)
    assert (said.mutual_information > 0).all()


def normals(n: int = 7) -> tuple[pyro.distributions.TorchDistribution, torch.Tensor]:
    generator = torch.Generator().manual_seed(2)
    loc = torch.randn(n, generator=generator)
    guide = MeanField(loc.numpy(), torch.rand(n, generator=generator).numpy() + 0.1, "weights")
    return guide.distribution(), torch.rand(n, generator=generator) + 0.3


@pytest.mark.parametrize("name", ["gaussian", "laplace"])
def test_closed_divergences_are_those_of_samples(name: str) -> None:
    q, sds = normals()
    prior = prior_of(name, sds)
    torch.manual_seed(0)
    drawn = q.sample((200_000,))
    sampled = (q.log_prob(drawn) - prior.log_prob(drawn)).mean()
    torch.testing.assert_close(kl_divergence(q, prior).detach(), sampled.detach(), rtol=0.01, atol=0.02)


@pytest.mark.parametrize("name", ["gaussian", "laplace", "scale_mixture"])
def test_a_prior_has_the_standard_deviations_it_was_given(name: str) -> None:
    sds = torch.tensor([0.5, 2.0])
    torch.manual_seed(0)
    found = prior_of(name, sds).sample((100_000,)).std(dim=0)
    wide_and_narrow = ((1 + 0.05**2) / 2) ** 0.5 if name == "scale_mixture" else 1.0
    torch.testing.assert_close(found, sds * wide_and_narrow, rtol=0.02, atol=0)


def test_a_prior_of_the_mixture_is_that_of_the_paper() -> None:
    at = np.array([0.0, 0.01, 0.8], np.float64)
    normal = np.exp(-0.5 * (at / 0.9) ** 2) / 0.9 / (2 * np.pi) ** 0.5
    narrow = np.exp(-0.5 * (at / 0.045) ** 2) / 0.045 / (2 * np.pi) ** 0.5
    prior = prior_of("scale_mixture", torch.full((3,), 0.9, dtype=torch.float64))
    assert prior.log_prob(torch.tensor(at)).item() == pytest.approx(np.log(normal / 2 + narrow / 2).sum(), rel=1e-6)


@pytest.mark.parametrize("prior", ["gaussian", "scale_mixture"])
@pytest.mark.parametrize("reparameterisation", ["local", "weights"])
def test_the_loss_is_the_bound_a_row_of_which_batches_are_unbiased(prior: str, reparameterisation: str) -> None:
    """Every term written out: mean over draws of the weights, of all rows, beside the mean of losses of batches."""
    config = BayesByBackpropConfig(
        hidden_sizes=(4,), prior=prior, reparameterisation=reparameterisation, initial_sd=0.3
    )
    examples = rows_of(config, n_rows=12)
    scaling, layout, likelihood = prepared(examples, config)
    data = on_device(examples, scaling, likelihood, torch.device("cpu"))
    loc = layout.initial(np.random.default_rng(0))
    sds = torch.tensor(layout.neal_sds(config.prior_sd))
    guide, net, prior_of_all = config.guide(layout, loc), Net(layout), prior_of(prior, sds)
    network = BayesianNetwork(net, prior_of_all, likelihood, guide, data, kl_warmup=0.0)
    torch.manual_seed(1)
    with torch.no_grad(), pyro.validation_enabled(False):
        batches = [torch.arange(start, start + 4) for start in (0, 4, 8)]
        losses = torch.stack([network.loss(rows, 0.5) for _ in range(700) for rows in batches])
        drawn = guide.distribution().sample((4000,))
        outputs = torch.stack([net(data.inputs, weights) for weights in drawn])[..., 0]
        scores = pyro.distributions.Normal(outputs, network.parameters_of_likelihood()[0].exp()).log_prob(data.target)
        divergence = guide.distribution().log_prob(drawn) - prior_of_all.log_prob(drawn)
        each = -scores.mean(dim=1) + divergence / 12
    error = (losses.var() / len(losses) + each.var() / len(each)).sqrt()
    assert abs(float(losses.mean() - each.mean())) < 4 * float(error)


def test_local_draws_have_the_moments_of_drawn_weights() -> None:
    config = BayesByBackpropConfig(hidden_sizes=(6, 5), activation="tanh", initial_sd=0.4)
    examples = rows_of(config, n_rows=3)
    scaling, layout, _ = prepared(examples, config)
    inputs = torch.tensor(scaling.split(examples.features)[0])
    guide, net = config.guide(layout, layout.initial(np.random.default_rng(0))), Net(layout)
    assert isinstance(guide, MeanField)
    torch.manual_seed(3)
    with torch.no_grad():
        sd = torch.nn.functional.softplus(guide.raw_sd)
        local = torch.stack([net.drawn_locally(inputs, guide.loc, sd) for _ in range(8000)])
        shared = torch.stack([net(inputs, weights) for weights in guide.distribution().sample((8000,))])
    torch.testing.assert_close(local.mean(dim=0), shared.mean(dim=0), rtol=0, atol=0.05)
    torch.testing.assert_close(local.std(dim=0), shared.std(dim=0), rtol=0.05, atol=0)


def test_validation_rows_keep_the_best_state_and_end_the_fit() -> None:
    """Without a prior to speak of, a wide net learns the noise of few rows; the best state is an early one."""
    config = BayesByBackpropConfig(
        prior_sd=30.0, initial_sd=1e-3, epochs=300, batch_size=30, learning_rate=0.02, kl_warmup=0.0
    )
    train, held = rows_of(config, 30, seed=1), rows_of(config, 200, seed=2)
    stopped = BayesByBackprop.fit(train, config, Run(0, device="cpu"), validation=held)
    to_the_end = BayesByBackprop.fit(train, config, Run(0, device="cpu"))
    assert stopped.log_scores(held).mean() > to_the_end.log_scores(held).mean() + 0.2
    judge = BayesByBackprop.judge(config, held)
    assert judge is not None
    seen: list[float] = []

    def listening(arrays: object) -> float:
        seen.append(judge(arrays))  # type: ignore[arg-type]  # what fit_arrays hands over
        return seen[-1]

    patient = BayesByBackpropConfig(**{**vars(config), "patience": 5})
    arrays = fit_arrays(train, patient, Run(0, device="cpu"), "fit/bayes_by_backprop", listening)
    assert judge(arrays) == pytest.approx(min(seen))
    assert len(seen) < 300
    assert min(seen[-5:]) > min(seen)


def test_a_warm_up_leaves_the_divergence_out_at_first() -> None:
    config = BayesByBackpropConfig(hidden_sizes=(), epochs=1)
    examples = rows_of(config, 12)
    scaling, layout, likelihood = prepared(examples, config)
    data, loc = on_device(examples, scaling, likelihood, torch.device("cpu")), layout.initial(np.random.default_rng(0))
    guide, sds = config.guide(layout, loc), torch.tensor(layout.neal_sds(1.0))
    network = BayesianNetwork(Net(layout), prior_of("gaussian", sds), likelihood, guide, data, kl_warmup=0.5)
    losses = []
    for done in (0.25, 0.5, 0.9):
        torch.manual_seed(0)
        losses.append(network.loss(torch.arange(12), done))
    half = kl_divergence(guide.distribution(), prior_of("gaussian", sds)) / 12 / 2
    torch.testing.assert_close(losses[1] - losses[0], half, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(losses[2], losses[1])


def test_a_state_of_the_warm_up_is_never_kept() -> None:
    config = BayesByBackpropConfig(hidden_sizes=(), epochs=6, kl_warmup=0.5)
    seen: list[np.ndarray] = []

    before = torch.get_num_threads()

    def ever_worse(arrays: Mapping[str, np.ndarray]) -> float:
        assert torch.get_num_threads() == 1, "threads would wait for each other"
        seen.append(arrays["loc"].copy())
        return float(len(seen))

    kept = fit_arrays(rows_of(config, 12), config, Run(0, device="cpu"), "fit/bayes_by_backprop", ever_worse)
    assert not np.array_equal(seen[0], seen[2])
    np.testing.assert_array_equal(kept["loc"], seen[2], "the first state with the whole divergence")
    assert torch.get_num_threads() == before


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hidden_sizes", (3, 0)),
        ("activation", "sine"),
        ("likelihood", "poisson"),
        ("outcomes", (1.0, 2.0)),
        ("noise_sd", -1.0),
        ("n_offset_features", 2),
        ("epochs", 0),
        ("batch_size", 0),
        ("learning_rate", 0.0),
        ("patience", -1),
        ("prior", "cauchy"),
        ("prior_sd", 0.0),
        ("initial_sd", float("nan")),
        ("reparameterisation", "flipout"),
        ("kl_warmup", 1.5),
    ],
)
def test_impossible_settings_are_refused(name: str, value: object) -> None:
    with pytest.raises(BadConfig, match=rf"bayes_by_backprop\.{name}"):
        BayesByBackpropConfig(**{name: value})  # type: ignore[arg-type]  # a wrong value is the point


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"likelihood": "categorical"}, "outcomes"),
        ({"likelihood": "ordinal", "outcomes": (2.0, 1.0)}, "outcomes"),
        ({"likelihood": "bernoulli", "noise_sd": 0.1}, "noise_sd"),
        ({"likelihood": "categorical", "outcomes": (1.0, 2.0), "n_offset_features": 1}, "n_offset_features"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(settings: dict[str, object], name: str) -> None:
    with pytest.raises(BadConfig, match=rf"bayes_by_backprop\.{name}"):
        BayesByBackpropConfig(**settings)  # type: ignore[arg-type]  # a wrong value is the point
