"""The read side of the ensemble: codes, and similarities in the replicates."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data.certainty import Calibration, Ends
from data.ensemble import CODES, Ensemble, quantised
from data.errors import BadArtifact
from data.vectors import unit_rows

EXTENDED = Calibration(near=Ends((-1.0, 0.5), (-0.1, 0.2)), far=Ends(constant=(0.0, 0.2)), margin_sd=0.1)


def unit(seed: int, n: int = 30, n_dims: int = 16) -> np.ndarray:
    return unit_rows(np.random.default_rng(seed).standard_normal((n, n_dims)).astype(np.float32))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    ensemble = Ensemble.of((unit(i) for i in range(3)), EXTENDED)
    metrics = {"ece": 0.01}
    ensemble = Ensemble(ensemble.codes, ensemble.scale, ensemble.calibration, {"said": np.array([0.5])}, metrics)
    ensemble.save(tmp_path, {"k": 10}, "v", {"seed": 1})
    return tmp_path


@pytest.mark.parametrize("n_dims", [1, 16, 300])
def test_a_code_is_of_length_one_and_no_cosine_is_off_by_more_than_the_bound(n_dims: int) -> None:
    vectors = unit(0, 40, n_dims)
    vectors[3] = 0
    codes, scale = quantised(vectors)
    read = codes * scale[:, None]
    assert codes.dtype == np.int8
    assert scale.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(read, axis=1), [0.0 if row == 3 else 1.0 for row in range(40)], atol=1e-6)
    bound = np.abs(vectors).max(axis=1) * np.sqrt(n_dims) / 127  # what the docstring promises
    assert (np.linalg.norm(read - vectors, axis=1) <= bound + 1e-6).all()
    directions = unit(1, 50, n_dims)
    off = np.abs(directions @ (read - vectors).T)
    assert (off <= bound + 1e-6).all()
    if n_dims == 300:
        assert np.sqrt((off**2).mean()) == pytest.approx(np.abs(vectors).max(axis=1).mean() / 440, rel=0.05)


@pytest.mark.parametrize(
    "rows", [np.arange(5000), np.arange(7, 4000), np.array([4, 1, 4999, 4]), np.empty(0, np.int64)]
)
def test_similarities_are_those_of_each_replicates_vectors_and_direction(rows: np.ndarray) -> None:
    ensemble = Ensemble.of(unit(i, 5000, 8) for i in range(2))
    asked = np.array([3, 8])

    def direct(vectors_of: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        total = vectors_of(asked).sum(axis=0)
        return np.asarray(total / np.linalg.norm(total))

    found = ensemble.similarity(direct, rows)
    assert found.dtype == np.float32
    for replicate in range(2):
        vectors = ensemble.codes[replicate] * ensemble.scale[replicate][:, None]
        direction = vectors[asked].sum(axis=0) / np.linalg.norm(vectors[asked].sum(axis=0))
        np.testing.assert_allclose(found[replicate], vectors[rows] @ direction, atol=1e-6)


def test_replicates_of_different_rank_lie_beside_each_other() -> None:
    ensemble = Ensemble.of([unit(0, 5, 4), unit(1, 5, 6)])
    assert ensemble.codes.shape == (2, 5, 6)
    np.testing.assert_allclose(ensemble.vectors(0, np.arange(5))[:, :4], unit(0, 5, 4), atol=0.01)
    assert not ensemble.codes[0, :, 4:].any()


def test_what_is_saved_is_what_is_opened_and_is_mapped(folder: Path) -> None:
    ensemble = Ensemble.open(folder, "v")
    saved = Ensemble.of(unit(i) for i in range(3))
    assert isinstance(ensemble.codes, np.memmap)
    assert not ensemble.codes.flags.writeable
    np.testing.assert_array_equal(ensemble.codes, saved.codes)
    np.testing.assert_array_equal(ensemble.scale, saved.scale)
    assert ensemble.calibration == EXTENDED
    assert ensemble.metrics["ece"] == 0.01
    assert list(ensemble.judged) == ["said"]
    Ensemble.check(folder)


def test_an_ensemble_of_other_books_is_refused(folder: Path) -> None:
    with pytest.raises(BadArtifact, match="vocabulary digest: expected w, found v"):
        Ensemble.open(folder, "w")


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        (np.zeros((3, 30, 15), np.int8), r"\(3, 30, 15\) int8, expected \(3, 30, 16\)"),
        (np.zeros((3, 29, 16), np.int8), r"\(3, 29, 16\) int8, expected \(3, 30, 16\)"),
        (np.zeros((3, 30, 16), np.float32), "float32, expected"),
        (np.array([None]), "cannot be read"),
    ],
)
def test_codes_that_do_not_fit_are_refused(folder: Path, codes: np.ndarray, message: str) -> None:
    np.save(folder / CODES, codes, allow_pickle=True)
    with pytest.raises(BadArtifact, match=message):
        Ensemble.open(folder, "v")


def test_codes_cut_short_or_missing_are_refused(folder: Path) -> None:
    content = (folder / CODES).read_bytes()
    (folder / CODES).write_bytes(content[:-10])
    with pytest.raises(BadArtifact, match="cannot be read"):
        Ensemble.open(folder, "v")
    (folder / CODES).unlink()
    with pytest.raises(BadArtifact, match="cannot be read"):
        Ensemble.open(folder, "v")


def test_a_changed_code_is_found_by_reading_all(folder: Path) -> None:
    content = bytearray((folder / CODES).read_bytes())
    content[-1] ^= 1
    (folder / CODES).write_bytes(bytes(content))
    Ensemble.open(folder, "v")
    with pytest.raises(BadArtifact, match="digest"):
        Ensemble.check(folder)


def test_an_artifact_of_another_kind_is_refused(folder: Path) -> None:
    manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, "kind": "space"}))
    with pytest.raises(BadArtifact, match="kind: expected ensemble, found space"):
        Ensemble.open(folder, "v")
