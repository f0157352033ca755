"""MC dropout: the contract, and what masks do."""

from __future__ import annotations

from models.mc_dropout import McDropout, McDropoutConfig
from tests.models.predictor_contract import PredictorContract


class TestContract(PredictorContract):
    model = McDropout
    config = McDropoutConfig(hidden_sizes=(9,), activation="tanh", epochs=10, batch_size=16, dropout=0.2)


class TestContractOfOrders(PredictorContract):
    model = McDropout
    config = McDropoutConfig(
        hidden_sizes=(8,), likelihood="ordinal", outcomes=(1, 2, 3, 4), epochs=10, batch_size=16, dropout=0.1
    )
