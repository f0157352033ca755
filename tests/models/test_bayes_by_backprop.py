"""Bayes by Backprop: the contract, and closed forms it must reach."""

from __future__ import annotations

from models.bayes_by_backprop import BayesByBackprop, BayesByBackpropConfig
from tests.models.predictor_contract import PredictorContract


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
