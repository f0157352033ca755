"""Artifacts: written once, read with suspicion, never a pickle."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data.artifact import ModelArtifact, read_artifact, read_json, write_artifact
from data.errors import BadArtifact

ARRAYS = {
    "vectors": np.array([[1.5, -2.0]], np.float32),
    "names": np.array(["吾輩", "b"]),
    "none": np.empty((0, 3), np.int64),
    "ok": np.array(True),
}
ARTIFACT = ModelArtifact("space", 2, {"size": 2, "題": "猫"}, ARRAYS, "v0", {"seed": 7}, {"loss": 0.25})


class Trap:
    """Would leave a mark where a pickle of it is loaded."""

    mark = ""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return (Path.touch, (Path(self.mark),))  # type: ignore[return-value]  # what pickle would take


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_artifact(tmp_path, ARTIFACT)
    return tmp_path


def read(folder: Path) -> ModelArtifact:
    return read_artifact(folder, kind="space", format=2, vocabulary="v0", names=set(ARRAYS))


def edit(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    change(manifest)
    (folder / "manifest.json").write_text(json.dumps(manifest))


def put_arrays(folder: Path, content: bytes) -> None:
    """Replace arrays.npz and let the manifest vouch for it: what a careful attacker does."""
    (folder / "arrays.npz").write_bytes(content)
    edit(folder, lambda m: m.update(arrays_digest=hashlib.sha256(content).hexdigest()))


def saved(arrays: dict[str, np.ndarray], path: Path) -> bytes:
    np.savez(path, **arrays)  # type: ignore[arg-type]  # its stub takes names for allow_pickle
    return path.read_bytes()


def test_what_is_written_is_read(folder: Path) -> None:
    found = read(folder)
    assert replace(found, arrays={}) == replace(ARTIFACT, arrays={})
    assert set(found.arrays) == set(ARRAYS)
    for name, array in ARRAYS.items():
        assert found.arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(found.arrays[name], array)
    assert {path.name for path in folder.iterdir()} == {"manifest.json", "arrays.npz"}


@pytest.mark.parametrize(
    ("expected", "message"),
    [
        ({"kind": "corpus"}, "kind: expected corpus, found space"),
        ({"format": 3}, "format: expected 3, found 2"),
        ({"vocabulary": "v1"}, "vocabulary digest: expected v1, found v0"),
        ({"names": {"vectors"}}, r"arrays: expected \['vectors'\], found \['names', 'none', 'ok', 'vectors'\]"),
    ],
)
def test_another_artifact_is_refused(folder: Path, expected: dict[str, Any], message: str) -> None:
    with pytest.raises(BadArtifact, match=message):
        read_artifact(folder, **{"kind": "space", "format": 2, **expected})


def test_arrays_with_one_bit_changed_are_refused(folder: Path) -> None:
    content = bytearray((folder / "arrays.npz").read_bytes())
    content[len(content) // 2] ^= 1
    (folder / "arrays.npz").write_bytes(bytes(content))
    with pytest.raises(BadArtifact, match=r"digest of arrays.npz: expected [0-9a-f]{64}, found [0-9a-f]{64}"):
        read(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m["arrays"]["vectors"].update(dtype="<f8"), "dtype of vectors: expected <f8, found <f4"),
        (lambda m: m["arrays"]["vectors"].update(shape=[2, 1]), r"shape of vectors: expected \(2, 1\), found \(1, 2\)"),
        (lambda m: m["arrays"].pop("ok"), r"arrays: expected .*'ok'.*, found \['names', 'none', 'vectors'\]"),
        (lambda m: m.pop("vocabulary"), "found no vocabulary"),
        (lambda m: m.pop("arrays"), "found no arrays"),
        (lambda m: m.pop("metrics"), "found no metrics"),
    ],
)
def test_a_changed_manifest_is_refused(folder: Path, change: Callable[[Any], object], message: str) -> None:
    edit(folder, change)
    with pytest.raises(BadArtifact, match=message):
        read(folder)


def test_a_missing_array_is_refused(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    fewer = {name: array for name, array in ARRAYS.items() if name != "ok"}
    put_arrays(folder, saved(fewer, tmp_path_factory.mktemp("x") / "a.npz"))
    with pytest.raises(BadArtifact, match=r"arrays in arrays\.npz: expected .*'ok'"):
        read(folder)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no zip", b"text", b"\x93NUMPY\x01\x00"])
def test_a_file_that_is_no_npz_is_refused(folder: Path, content: bytes) -> None:
    put_arrays(folder, content)
    with pytest.raises(BadArtifact, match="cannot be read"):
        read(folder)


def test_a_single_array_in_place_of_the_npz_is_refused(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    np.save(path := tmp_path_factory.mktemp("x") / "a.npy", np.ones(2))
    put_arrays(folder, path.read_bytes())
    with pytest.raises(BadArtifact, match="cannot be read"):
        read(folder)


def test_a_pickle_within_is_never_loaded(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    Trap.mark = str(tmp_path_factory.mktemp("x") / "loaded")
    trapped = {**ARRAYS, "vectors": np.array([Trap()], dtype=object)}
    put_arrays(folder, saved(trapped, Path(Trap.mark).parent / "a.npz"))
    with pytest.raises(BadArtifact, match="allow_pickle=False"):
        read(folder)
    assert not Path(Trap.mark).exists()


@pytest.mark.parametrize(
    "array",
    [
        np.array([{}], dtype=object),
        np.array([1.0, np.nan]),
        np.array([np.inf], np.float32),
        np.array([complex(0, np.nan)]),
    ],
)
def test_objects_and_numbers_that_are_not_finite_are_refused(tmp_path: Path, array: np.ndarray) -> None:
    with pytest.raises(BadArtifact, match=r"space: array bad holds"):
        write_artifact(tmp_path, replace(ARTIFACT, arrays={"bad": array}))
    assert list(tmp_path.iterdir()) == []


def test_an_artifact_is_written_once(folder: Path) -> None:
    before = (folder / "arrays.npz").read_bytes()
    with pytest.raises(BadArtifact, match="written once"):
        write_artifact(folder, replace(ARTIFACT, arrays={}))
    assert (folder / "arrays.npz").read_bytes() == before


@pytest.mark.parametrize(
    ("content", "message"), [("{", "cannot be read"), ("[1]", "expected a JSON object, found list"), (None, "No such")]
)
def test_json_that_is_no_object_is_refused(tmp_path: Path, content: str | None, message: str) -> None:
    if content is not None:
        (tmp_path / "m.json").write_text(content)
    with pytest.raises(BadArtifact, match=message):
        read_json(tmp_path / "m.json")
