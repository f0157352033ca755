"""What every predictor promises. A predictor's test class inherits `PredictorContract`, names class and settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch

from data.errors import NoDevice
from models.base import Run
from models.predictor import Draws, Examples, Predictor
from tests.models.model_contract import ModelContract

_DRAW_ELSEWHERE = """
import sys
import numpy as np
from pathlib import Path
from models.catalogue import predictor_class
kind, folder, vocabulary = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
model = predictor_class(kind).load(folder / "model", vocabulary=vocabulary)
draws = model.draws(np.load(folder / "features.npy"), 5, seed=8)
parts = [draws.mean[..., None], draws.var[..., None]] + ([] if draws.p is None else [draws.p])
np.save(folder / "answer.npy", np.concatenate(parts, axis=2))
loaded = sorted({"torch", "pyro"} & sys.modules.keys())
assert not loaded, loaded
"""


def rows_of(config: Any, n_rows: int = 60, seed: int = 0) -> Examples:
    """Return examples for the likelihood of `config`: offsets, three features, one of them constant, and outcomes."""
    random = np.random.default_rng(seed)
    features = random.normal(2, 3, (n_rows, config.n_offset_features + 3)).astype(np.float32)
    features[:, -1] = 7
    signal = (features[:, -3] - features[:, -2]) / 6 + random.normal(0, 0.3, n_rows)
    if config.values is None:
        return Examples(features, (40 + 10 * signal).astype(np.float32))
    level = (np.clip(signal + 1, 0, 1.99) / 2 * len(config.values)).astype(np.int64)
    return Examples(features, config.values[level])


class PredictorContract(ModelContract):
    """Tests that every predictor passes."""

    model: ClassVar[type[Predictor[Any]]]
    device = "cpu"
    elsewhere = _DRAW_ELSEWHERE

    @classmethod
    def data_of(cls, seed: int) -> Examples:
        return rows_of(cls.config, seed=seed)

    @staticmethod
    def contents(data: Examples) -> dict[str, np.ndarray]:
        return {"features": data.features, "outcome": data.outcome}

    @staticmethod
    def answer(model: Predictor[Any], data: Examples) -> np.ndarray:
        """Return the mean, the variance and the probabilities of five draws, (5, n_rows, 2 + n_outcomes)."""
        draws = model.draws(data.features, 5, seed=8)
        parts = [draws.mean[..., None], draws.var[..., None]] + ([] if draws.p is None else [draws.p])
        return np.concatenate(parts, axis=2)

    @staticmethod
    def ask(data: Examples, folder: Path) -> None:
        np.save(folder / "features.npy", data.features)

    @pytest.fixture(scope="class")
    @classmethod
    def examples(cls, data: Examples) -> Examples:
        return data

    def test_predictions_have_one_shape_and_type(self, fitted: Predictor[Any], examples: Examples) -> None:
        said = fitted.predict(examples.features, n_draws=6)
        for array in (said.mean, said.epistemic_var, said.aleatoric_var):
            assert array.shape == (len(examples),)
            assert array.dtype == np.float32
            assert np.isfinite(array).all()
        assert (said.epistemic_var >= 0).all()
        assert (said.aleatoric_var > 0).all()
        if fitted.outcomes is None:
            assert said.p is None
            return
        assert said.p is not None
        assert said.p.shape == (len(examples), len(fitted.outcomes))
        np.testing.assert_allclose(said.p.sum(axis=1), 1, rtol=1e-5)
        np.testing.assert_allclose(said.p @ fitted.outcomes, said.mean, rtol=1e-4, atol=1e-5)

    def test_another_seed_gives_others(self, fitted: Predictor[Any], examples: Examples) -> None:
        others = self.fit(examples, seed=4).arrays()
        assert any((others[name] != array).any() for name, array in fitted.arrays().items())

    def test_draws_are_the_same_however_rows_are_cut(self, fitted: Predictor[Any], examples: Examples) -> None:
        together = fitted.draws(examples.features, 4, seed=2)
        alone = [fitted.draws(examples.features[[i]], 4, seed=2) for i in range(len(examples))]
        assert_same_draws(together, joined(alone))
        said = fitted.predict(examples.features, 4, seed=2, block=7)
        np.testing.assert_allclose(said.mean, together.mean.mean(axis=0), rtol=1e-4)
        np.testing.assert_allclose(said.epistemic_var, together.mean.var(axis=0), rtol=1e-3, atol=1e-6)
        np.testing.assert_allclose(said.aleatoric_var, together.var.mean(axis=0), rtol=1e-3, atol=1e-6)

    def test_a_draw_is_one_opinion_of_all_rows(self, fitted: Predictor[Any], examples: Examples) -> None:
        twice = np.concatenate([examples.features[:1]] * 2)
        draws = fitted.draws(twice, 6, seed=1)
        np.testing.assert_allclose(draws.mean[:, 0], draws.mean[:, 1], rtol=1e-5)
        assert draws.mean[:, 0].std() > 0

    def test_another_seed_takes_other_draws(self, fitted: Predictor[Any], examples: Examples) -> None:
        first, second = (fitted.draws(examples.features, 3, seed=seed).mean for seed in (1, 2))
        assert (first != second).any()

    def test_no_row_gives_no_prediction(self, fitted: Predictor[Any], examples: Examples) -> None:
        assert fitted.predict(examples.features[:0]).mean.shape == (0,)

    def test_other_features_are_refused(self, fitted: Predictor[Any], examples: Examples) -> None:
        with pytest.raises(ValueError, match="columns"):
            fitted.predict(examples.features[:, 1:])

    def test_global_randomness_is_left_alone(self, examples: Examples) -> None:
        torch.manual_seed(5)
        expected = torch.rand(3)
        torch.manual_seed(5)
        self.fit(examples)
        torch.testing.assert_close(torch.rand(3), expected, rtol=0, atol=0)

    def test_absent_cuda_is_refused(self, examples: Examples, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
        with pytest.raises(NoDevice, match="cuda was asked for"):
            self.model.fit(examples, self.config, Run(3, device="cuda"))

    @pytest.mark.gpu
    @pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
    def test_cuda_and_cpu_agree(self, fitted: Predictor[Any], examples: Examples) -> None:
        on_cuda = self.model.fit(examples, self.config, Run(3, device="cuda"))
        said, other = (model.predict(examples.features, 256) for model in (fitted, on_cuda))
        assert np.corrcoef(said.mean, other.mean)[0, 1] > 0.95


def joined(parts: list[Draws]) -> Draws:
    mean, var = (np.concatenate([getattr(part, name) for part in parts], axis=1) for name in ("mean", "var"))
    p = [part.p for part in parts if part.p is not None]
    return Draws(mean, var, np.concatenate(p, axis=1) if p else None)


def assert_same_draws(found: Draws, expected: Draws) -> None:
    np.testing.assert_allclose(found.mean, expected.mean, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found.var, expected.var, rtol=1e-4, atol=1e-5)
    assert (found.p is None) == (expected.p is None)
    if found.p is not None and expected.p is not None:
        np.testing.assert_allclose(found.p, expected.p, rtol=1e-4, atol=1e-6)
