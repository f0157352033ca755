"""The deep ensemble: the contract, and that members are nets of their own."""

from __future__ import annotations

import numpy as np

from models.base import Run
from models.deep_ensemble import DeepEnsemble, DeepEnsembleConfig
from tests.models.predictor_contract import PredictorContract, rows_of

SMALL = DeepEnsembleConfig(
    hidden_sizes=(6,), likelihood="heteroscedastic", n_members=3, epochs=5, batch_size=16, n_offset_features=1
)


class TestContract(PredictorContract):
    model = DeepEnsemble
    config = SMALL


def test_every_member_speaks_as_often_as_another() -> None:
    examples = rows_of(SMALL)
    model = DeepEnsemble.fit(examples, SMALL, Run(1, device="cpu"))
    weights, _ = model.weights(7, np.random.default_rng(0))
    speakers = (weights[:, None] == model.arrays()["loc"][None]).all(axis=2).sum(axis=0)
    assert sorted(speakers.tolist()) == [2, 2, 3]
    three = model.draws(examples.features, 3)
    np.testing.assert_allclose(model.predict(examples.features, 30).mean, three.mean.mean(axis=0), rtol=1e-5)
