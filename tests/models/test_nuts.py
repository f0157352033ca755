"""NUTS: the contract, and closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from data.errors import BadConfig
from models.base import Run
from models.nuts import Nuts, NutsConfig
from tests.models.linear_regression import DESIGN, NOISE_SD, posterior
from tests.models.predictor_contract import PredictorContract


class TestContract(PredictorContract):
    model = Nuts
    config = NutsConfig(hidden_sizes=(2,), activation="tanh", n_chains=2, n_warmup=6, n_samples=4, max_tree_depth=3)


def test_the_posterior_of_linear_regression_is_sampled_correlations_included() -> None:
    config = NutsConfig(hidden_sizes=(), noise_sd=NOISE_SD, prior_sd=0.7, n_chains=1, n_warmup=150, n_samples=1000)
    arrays = Nuts.fit(DESIGN, config, Run(0, device="cpu")).arrays()
    mean, precision = posterior(config.prior_sd)
    covariance = np.linalg.inv(precision)
    assert abs(covariance[0, 1]) > 0.3 * covariance[0, 0]  # else there is nothing to see
    np.testing.assert_allclose(arrays["weights"].mean(axis=0), mean, atol=0.02)
    np.testing.assert_allclose(np.cov(arrays["weights"].T), covariance, atol=0.15 * covariance.max())
    assert arrays["n_divergent"].sum() == 0


def test_a_noise_that_is_not_known_is_sampled_too() -> None:
    config = NutsConfig(hidden_sizes=(), prior_sd=0.7, n_chains=1, n_warmup=100, n_samples=300)
    model = Nuts.fit(DESIGN, config, Run(0, device="cpu"))
    noise_sd = np.exp(model.arrays()["parameters"][:, 0]) * DESIGN.outcome.std()
    assert noise_sd.mean() == pytest.approx(NOISE_SD, rel=0.2)
    assert noise_sd.std() == pytest.approx(NOISE_SD / 80**0.5, rel=0.4)  # of a variance from n rows: 1 / sqrt(2 n)


@pytest.mark.parametrize("name", ["prior_sd", "n_chains", "n_warmup", "n_samples", "max_tree_depth"])
def test_impossible_settings_are_refused(name: str) -> None:
    with pytest.raises(BadConfig, match=rf"nuts\.{name}"):
        NutsConfig(**{name: 0})  # type: ignore[arg-type]  # one type for all
