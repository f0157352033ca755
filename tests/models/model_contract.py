"""What every model promises of its life: fitted, saved, read again, refused where it is not what it was.

`RankerContract` and `PredictorContract` inherit this and say what their models learn from and how they answer.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from data.digest import digest_of
from data.errors import BadArtifact
from models.base import Model, Run

VOCABULARY = "digest of the books"


class ModelContract:
    """Tests that every model passes.

    Attributes
    ----------
    model
        Class under test.
    config
        Settings that differ from the defaults, so that a round trip means something.
    device
        Where it is fitted.
    elsewhere
        Program that loads the model in ``FOLDER/model`` and writes its answer to what `ask` left in the folder into
        ``answer.npy``; its arguments are kind, folder and vocabulary.
    """

    model: ClassVar[type[Model[Any, Any]]]
    config: ClassVar[Any]
    device: ClassVar[str] = "auto"
    elsewhere: ClassVar[str]

    @classmethod
    def data_of(cls, seed: int) -> Any:
        """Return what the model is fitted to and asked about."""
        raise NotImplementedError

    @staticmethod
    def contents(data: Any) -> Mapping[str, np.ndarray]:
        """Return the arrays of `data`, not copied."""
        raise NotImplementedError

    @staticmethod
    def answer(model: Any, data: Any) -> np.ndarray:
        """Return what `model` says of `data`."""
        raise NotImplementedError

    @staticmethod
    def ask(data: Any, folder: Path) -> None:
        """Write what another process is to be asked."""
        raise NotImplementedError

    @pytest.fixture(scope="class")
    @classmethod
    def data(cls) -> Any:
        return cls.data_of(0)

    @pytest.fixture(scope="class")
    @classmethod
    def fitted(cls, data: Any) -> Any:
        return cls.fit(data)

    @pytest.fixture
    def saved(self, fitted: Any, tmp_path: Path) -> Path:
        folder = tmp_path / "model"
        folder.mkdir()
        fitted.save(folder, vocabulary=VOCABULARY, provenance={"seed": 3})
        return folder

    @classmethod
    def fit(cls, data: Any, seed: int = 3) -> Any:
        return cls.model.fit(data, cls.config, Run(seed, device=cls.device))

    def test_the_config_survives_saving(self, fitted: Any, saved: Path) -> None:
        loaded = self.model.load(saved)
        assert loaded.config == fitted.config == self.config
        assert type(loaded.config) is self.model.config_type

    def test_the_same_seed_gives_the_same_arrays(self, fitted: Any, data: Any) -> None:
        assert fitted.arrays()
        assert_same_arrays(self.fit(data).arrays(), fitted.arrays())

    def test_loaded_arrays_are_those_saved(self, fitted: Any, saved: Path) -> None:
        assert_same_arrays(self.model.load(saved, vocabulary=VOCABULARY).arrays(), fitted.arrays())

    def test_a_fresh_process_answers_the_same(self, fitted: Any, data: Any, saved: Path) -> None:
        self.ask(data, saved.parent)
        command = [sys.executable, "-c", self.elsewhere, self.model.kind, str(saved.parent), VOCABULARY]
        subprocess.run(command, check=True, cwd=Path(__file__).parents[2], timeout=60)
        np.testing.assert_array_equal(np.load(saved.parent / "answer.npy"), self.answer(fitted, data))

    def test_the_manifest_says_what_made_it(self, saved: Path) -> None:
        manifest = json.loads((saved / "manifest.json").read_text(encoding="utf-8"))
        assert manifest["kind"] == self.model.kind
        assert manifest["vocabulary"] == VOCABULARY
        assert manifest["provenance"]["seed"] == 3
        assert {"commit", "python", "numpy"} <= manifest["provenance"]["made_by"].keys()

    def test_nothing_is_pickled(self, fitted: Any, saved: Path) -> None:
        assert sorted(path.name for path in saved.iterdir()) == ["arrays.npz", "manifest.json"]
        with np.load(saved / "arrays.npz", allow_pickle=False) as arrays:
            assert {name: arrays[name].dtype.hasobject for name in arrays.files} == dict.fromkeys(
                fitted.arrays(), False
            )

    def test_changed_arrays_are_refused(self, saved: Path) -> None:
        path = saved / "arrays.npz"
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
        with pytest.raises(BadArtifact, match=r"digest of arrays\.npz"):
            self.model.load(saved)

    def test_missing_arrays_are_refused(self, saved: Path) -> None:
        (saved / "arrays.npz").unlink()
        with pytest.raises(BadArtifact, match=r"arrays\.npz"):
            self.model.load(saved)

    @pytest.mark.parametrize(("key", "value"), [("kind", "other"), ("format", 99)])
    def test_another_kind_or_format_is_refused(self, saved: Path, key: str, value: object) -> None:
        edit_manifest(saved, key, value)
        with pytest.raises(BadArtifact, match=f"{key}: expected .*, found {value}"):
            self.model.load(saved)

    def test_settings_of_another_version_are_refused(self, saved: Path) -> None:
        edit_manifest(saved, "config", {"no_such_setting": 1})
        with pytest.raises(BadArtifact, match="no_such_setting"):
            self.model.load(saved)

    def test_another_vocabulary_is_refused(self, saved: Path) -> None:
        with pytest.raises(BadArtifact, match="vocabulary digest: expected other"):
            self.model.load(saved, vocabulary="other")

    def test_an_artifact_is_written_once(self, fitted: Any, saved: Path) -> None:
        with pytest.raises(BadArtifact, match="holds an artifact already"):
            fitted.save(saved, vocabulary="other", provenance={})

    def test_fitting_another_leaves_this_one_unchanged(self, data: Any) -> None:
        first = self.fit(data)
        before = {name: array.copy() for name, array in first.arrays().items()}
        said = self.answer(first, data).copy()
        self.fit(self.data_of(1), seed=4)
        assert_same_arrays(first.arrays(), before)
        np.testing.assert_array_equal(self.answer(first, data), said)

    def test_fitting_and_answering_leave_their_input_unchanged(self) -> None:
        data = self.data_of(5)
        before = {name: array.copy() for name, array in self.contents(data).items()}
        self.answer(self.fit(data), data)
        assert_same_arrays(self.contents(data), before)

    def test_answering_leaves_the_model_unchanged(self, fitted: Any, data: Any) -> None:
        first = self.answer(fitted, data)
        said = first.copy()
        assert said.any()
        first[:] = 0  # what a caller does with its answer is no business of the model
        np.testing.assert_array_equal(self.answer(fitted, data), said)


def assert_same_arrays(found: Mapping[str, np.ndarray], expected: Mapping[str, np.ndarray]) -> None:
    assert list(found) == list(expected)
    for name, array in expected.items():
        assert found[name].dtype == array.dtype, name
        np.testing.assert_array_equal(found[name], array, err_msg=name)


def edit_manifest(folder: Path, key: str, value: object) -> None:
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest = {**manifest, key: value}
    manifest["digest"] = digest_of({name: v for name, v in manifest.items() if name != "digest"})  # as if so written
    path.write_text(json.dumps(manifest), encoding="utf-8")
