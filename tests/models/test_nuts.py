"""NUTS: the contract, and the closed form of a linear model."""

from __future__ import annotations

from models.nuts import Nuts, NutsConfig
from tests.models.predictor_contract import PredictorContract


class TestContract(PredictorContract):
    model = Nuts
    config = NutsConfig(hidden_sizes=(2,), activation="tanh", n_chains=2, n_warmup=6, n_samples=4, max_tree_depth=3)
