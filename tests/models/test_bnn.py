"""Parts of Bayesian nets: layout and starts, scaling, and likelihoods whose two writings agree."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from models.base import Run
from models.bayes_by_backprop import BayesByBackprop, BayesByBackpropConfig
from models.bnn_answers import answers, log_scores, ordinal_log_p
from models.bnn_layout import Layout
from models.bnn_likelihood import Likelihood
from models.bnn_net import Net
from models.bnn_scaling import Scaling
from models.mc_dropout import McDropoutConfig
from models.predictor import Draws, Examples
from tests.models.predictor_contract import rows_of

LIKELIHOODS: list[dict[str, Any]] = [
    {"likelihood": "gaussian"},
    {"likelihood": "gaussian", "n_offset_features": 1},
    {"likelihood": "heteroscedastic"},
    {"likelihood": "categorical", "outcomes": (1, 2, 5)},
    {"likelihood": "categorical", "outcomes": (1, 2, 5), "n_offset_features": 3},
    {"likelihood": "ordinal", "outcomes": (1, 2, 3, 4)},
    {"likelihood": "ordinal", "outcomes": (1, 2, 3, 4), "n_offset_features": 4},
    {"likelihood": "bernoulli", "n_offset_features": 1},
]


@pytest.mark.parametrize("activation", ["relu", "tanh", "softplus"])
def test_the_net_is_the_same_in_torch_and_numpy(activation: str) -> None:
    layout, random = Layout((3, 6, 5, 2), activation), np.random.default_rng(0)
    weights = random.normal(size=(4, layout.n_weights)).astype(np.float32)
    inputs = random.normal(size=(5000, 3)).astype(np.float32)  # more than a chunk
    expected = torch.stack([Net(layout)(torch.tensor(inputs), torch.tensor(draw)) for draw in weights])
    np.testing.assert_allclose(layout.outputs(weights, inputs), expected, rtol=1e-4, atol=1e-5)


def test_a_net_by_hand() -> None:
    layout = Layout((2, 2, 1), "relu")
    weights = np.array([[1, -1, 2, 3, 0.5, 0, 10, 100, -7]], np.float32)  # W1 by rows, b1, W2, b2
    hidden = max(1 * 1 + 2 * 2 + 0.5, 0), max(1 * -1 + 2 * 3, 0)
    found = layout.outputs(weights, np.array([[1, 2]], np.float32))
    assert found.item() == pytest.approx(10 * hidden[0] + 100 * hidden[1] - 7)
    assert layout.units().tolist() == [0, 0, 1, 1, 4, 4, 2, 3, 4]


@pytest.mark.parametrize(("activation", "variance"), [("relu", 2 / 400), ("softplus", 2 / 400), ("tanh", 2 / 700)])
def test_weights_start_by_the_activation(activation: str, variance: float) -> None:
    layout = Layout((400, 300, 200), activation)
    first, last = layout.layers(layout.initial(np.random.default_rng(0)))
    assert first[0].var() == pytest.approx(variance, rel=0.03)
    assert last[0].var() == pytest.approx(2 / 500, rel=0.03)
    assert not first[1].any()
    assert not last[1].any()


def test_a_priors_sizes_are_neals() -> None:
    sds = Layout((4, 9, 1), "relu").neal_sds(3.0)
    np.testing.assert_allclose(sds, [1.5] * 36 + [3] * 9 + [1] * 9 + [3], rtol=1e-6)


def test_scaling_has_constant_columns_at_zero_and_outcomes_back_in_their_units() -> None:
    features = np.array([[1, 5, 1e6], [3, 5, 1e6 + 0.06]], np.float32)
    scaling = Scaling.of(Examples(features, np.array([10, 30], np.float32)), McDropoutConfig())
    inputs, offset = scaling.split(np.array([[5, 6, 1e6]], np.float32))
    np.testing.assert_allclose(inputs[0, :2], [3, 1])
    assert abs(inputs[0, 2]) <= 1
    assert offset.shape == (1, 0)
    assert (scaling.outcome_mean, scaling.outcome_sd) == (20, 10)


@pytest.mark.parametrize("settings", LIKELIHOODS, ids=lambda settings: "-".join(map(str, settings.values())))
def test_what_is_predicted_is_what_was_learned(settings: dict[str, Any]) -> None:
    """Log scores by NumPy, in units of the outcome, are those of the torch distribution but for the unit."""
    config = McDropoutConfig(**settings)
    examples = rows_of(config, 40)
    scaling = Scaling.of(examples, config)
    likelihood, random = Likelihood(config, scaling, examples), np.random.default_rng(0)
    outputs = random.normal(size=(3, 40, config.n_outputs)).astype(np.float32)
    parameters = (likelihood.initial + random.normal(0, 0.3, (3, len(likelihood.initial)))).astype(np.float32)
    offset = scaling.split(examples.features)[1]
    draws = answers(config, scaling, outputs, offset, parameters)
    target = torch.tensor(likelihood.target(examples.outcome))
    for i in range(3):
        of_torch = likelihood.distribution(*(torch.tensor(part) for part in (outputs[i], offset, parameters[i])))
        one = Draws(draws.mean[i : i + 1], draws.var[i : i + 1], None if draws.p is None else draws.p[i : i + 1])
        found = log_scores(one, examples.outcome, config.values) + np.log(scaling.outcome_sd)
        np.testing.assert_allclose(found, of_torch.log_prob(target).numpy(), rtol=1e-4, atol=1e-4)
        if config.values is None:
            np.testing.assert_allclose(
                draws.mean[i], of_torch.mean * scaling.outcome_sd + scaling.outcome_mean, rtol=1e-4
            )


def test_the_ordinal_likelihood_is_a_difference_of_logistic_functions() -> None:
    cuts = np.array([-1.0, 0.5, 3.0])
    parameters = np.array([[cuts[0], np.log(1.5), np.log(2.5)]], np.float32)
    location, scale = 0.7, 1.8
    p = np.exp(ordinal_log_p(np.array([[[location, np.log(scale)]]], np.float32), parameters))[0, 0]
    below = np.array([0, *1 / (1 + np.exp(-(cuts - location) / scale)), 1])
    np.testing.assert_allclose(p, np.diff(below), rtol=1e-5)


def test_the_ordinal_likelihood_is_finite_far_out() -> None:
    far = np.array([[[-80.0, -1.0], [80.0, -1.0], [0.0, 9.0]]], np.float32)
    log_p = ordinal_log_p(far, np.array([[-1.0, 0.0, 0.0]], np.float32))
    assert np.isfinite(log_p).all()
    np.testing.assert_allclose(np.exp(log_p[0, :2]), [[1, 0, 0, 0], [0, 0, 0, 1]], atol=1e-6)


@pytest.mark.parametrize("likelihood", ["categorical", "ordinal"])
def test_a_net_that_starts_with_nothing_to_say_says_how_often_outcomes_are(likelihood: str) -> None:
    config = McDropoutConfig(likelihood=likelihood, outcomes=(1, 2, 3))
    outcome = np.repeat(np.array([1, 2, 3], np.float32), [50, 30, 20])
    examples = Examples(np.zeros((100, 1), np.float32), outcome)
    scaling = Scaling.of(examples, config)
    started = Likelihood(config, scaling, examples)
    outputs = np.broadcast_to(started.bias, (1, 1, config.n_outputs))
    p = answers(config, scaling, outputs, np.zeros((1, 0), np.float32), started.initial[None]).p
    assert p is not None
    np.testing.assert_allclose(p[0, 0], [0.5, 0.3, 0.2], atol=0.01)


def test_of_counts_the_categorical_likelihood_learns_their_shares() -> None:
    """One feature says in which of two groups a row is: the optimum, with hardly a prior, is the shares of each."""
    counts = np.array([[300, 80, 20], [20, 180, 200]])
    outcome = np.concatenate([np.repeat(np.array([1, 2, 3], np.float32), row) for row in counts])
    features = np.repeat(np.array([[0], [1]], np.float32), counts.sum(axis=1), axis=0)
    config = BayesByBackpropConfig(
        hidden_sizes=(), likelihood="categorical", outcomes=(1, 2, 3), prior_sd=10, epochs=300, learning_rate=0.02
    )
    model = BayesByBackprop.fit(Examples(features, outcome), config, Run(0, device="cpu"))
    p = model.predict(np.array([[0], [1]], np.float32), 500).p
    assert p is not None
    np.testing.assert_allclose(p, counts / counts.sum(axis=1, keepdims=True), atol=0.02)


def test_offsets_that_are_the_truth_are_believed() -> None:
    """Outcomes drawn from known probabilities: the factor of their logs stays at 1, and the net adds nothing."""
    random = np.random.default_rng(3)
    logits = random.normal(0, 1.5, (3000, 3))
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    outcome = np.array([random.choice(3, p=row) for row in p], np.float32)
    features = np.concatenate([np.log(p), random.normal(size=(3000, 2))], axis=1).astype(np.float32)
    config = BayesByBackpropConfig(
        hidden_sizes=(5,), likelihood="categorical", outcomes=(0, 1, 2), n_offset_features=3, epochs=30
    )
    model = BayesByBackprop.fit(Examples(features, outcome), config, Run(0, device="cpu"))
    assert model.arrays()["parameters"][-1] == pytest.approx(1, abs=0.07)
    found = model.predict(features).p
    assert found is not None
    assert (p * np.log(p / found)).sum(axis=1).mean() < 0.005


def test_a_heteroscedastic_net_learns_where_noise_is() -> None:
    random = np.random.default_rng(5)
    x = random.uniform(-1, 1, 2000).astype(np.float32)
    y = (x + np.where(x < 0, 0.1, 0.8) * random.normal(size=2000)).astype(np.float32)
    config = BayesByBackpropConfig(hidden_sizes=(10,), likelihood="heteroscedastic", epochs=60, learning_rate=0.01)
    model = BayesByBackprop.fit(Examples(x[:, None], y), config, Run(0, device="cpu"))
    said = model.predict(np.array([[-0.6], [0.6]], np.float32), 200)
    np.testing.assert_allclose(np.sqrt(said.aleatoric_var), [0.1, 0.8], rtol=0.2)
