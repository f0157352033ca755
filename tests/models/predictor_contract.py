"""What every predictor promises. A predictor's test class inherits `PredictorContract`, names class and settings."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch

from data.errors import BadArtifact, NoDevice
from models.base import Run
from models.predictor import Draws, Examples, Predictor
from tests.models.contract import assert_same_arrays, edit_manifest

_PREDICT_ELSEWHERE = """
import sys
import numpy as np
from pathlib import Path
from models.catalogue import predictor_class
kind, folder = sys.argv[1], Path(sys.argv[2])
model = predictor_class(kind).load(folder / "model", vocabulary="books")
draws = model.draws(np.load(folder / "features.npy"), 5, seed=8)
np.save(folder / "draws.npy", np.stack([draws.mean, draws.var]))
print(sorted({"torch", "pyro"} & sys.modules.keys()))
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


class PredictorContract:
    """Tests that every predictor passes.

    Attributes
    ----------
    model
        Class under test.
    config
        Settings that differ from the defaults, so that a round trip means something.
    """

    model: ClassVar[type[Predictor[Any]]]
    config: ClassVar[Any]

    @pytest.fixture(scope="class")
    @classmethod
    def examples(cls) -> Examples:
        return rows_of(cls.config)

    @pytest.fixture(scope="class")
    @classmethod
    def fitted(cls, examples: Examples) -> Predictor[Any]:
        return cls.fit(examples)

    @pytest.fixture
    def saved(self, fitted: Predictor[Any], tmp_path: Path) -> Path:
        folder = tmp_path / "model"
        folder.mkdir()
        fitted.save(folder, vocabulary="books", provenance={"seed": 3})
        return folder

    @classmethod
    def fit(cls, examples: Examples, seed: int = 3) -> Predictor[Any]:
        return cls.model.fit(examples, cls.config, Run(seed, device="cpu"))

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

    def test_the_config_survives_saving(self, fitted: Predictor[Any], saved: Path) -> None:
        loaded = self.model.load(saved)
        assert loaded.config == fitted.config == self.config
        assert type(loaded.config) is self.model.config_type

    def test_the_same_seed_gives_the_same_arrays(self, fitted: Predictor[Any], examples: Examples) -> None:
        assert_same_arrays(self.fit(examples).arrays(), fitted.arrays())

    def test_another_seed_gives_others(self, fitted: Predictor[Any], examples: Examples) -> None:
        others = self.fit(examples, seed=4).arrays()
        assert any((others[name] != array).any() for name, array in fitted.arrays().items())

    def test_loaded_arrays_are_those_saved(self, fitted: Predictor[Any], saved: Path) -> None:
        assert_same_arrays(self.model.load(saved).arrays(), fitted.arrays())

    def test_a_fresh_process_draws_the_same_without_torch(
        self, fitted: Predictor[Any], examples: Examples, saved: Path, tmp_path: Path
    ) -> None:
        np.save(tmp_path / "features.npy", examples.features)
        command = [sys.executable, "-c", _PREDICT_ELSEWHERE, self.model.kind, str(tmp_path)]
        done = subprocess.run(
            command, check=True, cwd=Path(__file__).parents[2], timeout=60, capture_output=True, text=True
        )
        draws = fitted.draws(examples.features, 5, seed=8)
        np.testing.assert_array_equal(np.load(tmp_path / "draws.npy"), np.stack([draws.mean, draws.var]))
        assert done.stdout.strip() == "[]"

    def test_nothing_is_pickled(self, fitted: Predictor[Any], saved: Path) -> None:
        assert sorted(path.name for path in saved.iterdir()) == ["arrays.npz", "manifest.json"]
        with np.load(saved / "arrays.npz", allow_pickle=False) as arrays:
            assert sorted(arrays.files) == sorted(fitted.arrays())
        manifest = json.loads((saved / "manifest.json").read_text(encoding="utf-8"))
        assert manifest["kind"] == self.model.kind

    def test_changed_arrays_are_refused(self, saved: Path) -> None:
        path = saved / "arrays.npz"
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
        with pytest.raises(BadArtifact, match=r"digest of arrays\.npz"):
            self.model.load(saved)

    def test_settings_of_another_version_are_refused(self, saved: Path) -> None:
        edit_manifest(saved, "config", {"no_such_setting": 1})
        with pytest.raises(BadArtifact, match="no_such_setting"):
            self.model.load(saved)

    def test_fitting_another_leaves_this_one_unchanged(self, examples: Examples) -> None:
        first = self.fit(examples)
        before = {name: array.copy() for name, array in first.arrays().items()}
        said = first.predict(examples.features, n_draws=3).mean
        self.fit(rows_of(self.config, seed=1), seed=4)
        assert_same_arrays(first.arrays(), before)
        np.testing.assert_array_equal(first.predict(examples.features, n_draws=3).mean, said)

    def test_fitting_and_predicting_leave_their_input_unchanged(self) -> None:
        examples = rows_of(self.config, seed=5)
        before = {"features": examples.features.copy(), "outcome": examples.outcome.copy()}
        self.fit(examples).predict(examples.features, n_draws=3)
        assert_same_arrays({"features": examples.features, "outcome": examples.outcome}, before)

    def test_draws_are_the_same_however_rows_are_cut(self, fitted: Predictor[Any], examples: Examples) -> None:
        together = fitted.draws(examples.features, 4, seed=2)
        alone = [fitted.draws(examples.features[[i]], 4, seed=2) for i in range(len(examples))]
        assert_same_draws(together, joined(alone))
        said = fitted.predict(examples.features, 4, seed=2, block=7)
        np.testing.assert_allclose(said.mean, together.mean.mean(axis=0), rtol=1e-4)

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
