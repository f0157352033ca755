"""What was learned, on disk: ``manifest.json`` and ``arrays.npz``, nothing else and never a pickle.

Loading is suspicious: kind, format, vocabulary, names, shapes, dtypes and the digest of the
arrays are compared with what the manifest and the caller expect, and the error says what differs.
"""

from __future__ import annotations

import hashlib
import json
import platform
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from data.digest import digest_of
from data.errors import BadArtifact

MANIFEST, ARRAYS = "manifest.json", "arrays.npz"
_FIELDS = ("kind", "format", "config", "vocabulary", "arrays", "arrays_digest", "provenance", "metrics")


@dataclass(frozen=True)
class ModelArtifact:
    """A named set of arrays with everything that says what they are.

    Attributes
    ----------
    kind, format
        What it is, and the version of its layout.
    config
        Settings it was made with (JSON values).
    arrays
        Name -> array.
    vocabulary
        Digest of the vocabulary its rows belong to; empty if it has none.
    provenance
        Inputs, seeds, versions, code commit.
    metrics
        Numbers measured while it was made.
    """

    kind: str
    format: int
    config: Mapping[str, Any]
    arrays: Mapping[str, np.ndarray]
    vocabulary: str = ""
    provenance: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)


def write_artifact(folder: Path, artifact: ModelArtifact) -> None:
    """Write an artifact into `folder`, which must exist and hold none yet.

    Raises
    ------
    BadArtifact
        If there is one already (an artifact is written once), or an array holds objects or NaN.
    """
    if (folder / MANIFEST).exists():
        raise BadArtifact(f"{folder}: holds an artifact already; an artifact is written once")
    for name, array in artifact.arrays.items():
        if array.dtype.hasobject:
            raise BadArtifact(f"{artifact.kind}: array {name} holds Python objects")
        if array.dtype.kind in "fc" and not np.isfinite(array).all():
            raise BadArtifact(f"{artifact.kind}: array {name} holds values that are not finite")
    with (folder / ARRAYS).open("wb") as file:
        np.savez(file, allow_pickle=False, **dict(artifact.arrays))
    manifest = {
        "kind": artifact.kind,
        "format": artifact.format,
        "config": dict(artifact.config),
        "vocabulary": artifact.vocabulary,
        "arrays": {n: {"shape": list(a.shape), "dtype": a.dtype.str} for n, a in artifact.arrays.items()},
        "arrays_digest": _file_digest(folder / ARRAYS),
        "provenance": dict(artifact.provenance),
        "metrics": dict(artifact.metrics),
    }
    write_json(folder / MANIFEST, {**manifest, "digest": _manifest_digest(manifest)})


def read_artifact(
    folder: Path, *, kind: str, format: int, vocabulary: str | None = None, names: set[str] | None = None
) -> ModelArtifact:
    """Read an artifact and check that it is what the caller expects.

    Parameters
    ----------
    kind, format
        What it must be.
    vocabulary
        Digest of the vocabulary it must belong to; None if the caller does not know.
    names
        Arrays it must have, no more and no fewer; None for any.

    Raises
    ------
    BadArtifact
        Saying what was expected and what was found.
    """
    manifest = read_json(folder / MANIFEST)
    if absent := [name for name in _FIELDS if name not in manifest]:
        raise BadArtifact(f"{folder}: {MANIFEST}: expected {', '.join(_FIELDS)}, found no {', '.join(absent)}")
    _expect(folder, "kind", kind, manifest.get("kind"))
    _expect(folder, "format", format, manifest.get("format"))
    if vocabulary is not None:
        _expect(folder, "vocabulary digest", vocabulary, manifest.get("vocabulary"))
    if names is not None:
        _expect(folder, "arrays", sorted(names), sorted(manifest.get("arrays", {})))
    try:
        _expect(folder, "digest of arrays.npz", manifest.get("arrays_digest"), _file_digest(folder / ARRAYS))
        with (folder / ARRAYS).open("rb") as file, np.load(file, allow_pickle=False) as data:
            arrays = {name: data[name] for name in data.files}
    except (OSError, ValueError, TypeError, EOFError, BadZipFile) as error:
        raise BadArtifact(f"{folder / ARRAYS}: cannot be read: {error}") from error
    _expect(folder, "arrays in arrays.npz", sorted(manifest["arrays"]), sorted(arrays))
    for name, array in arrays.items():
        described = manifest["arrays"][name]
        _expect(folder, f"shape of {name}", tuple(described["shape"]), array.shape)
        _expect(folder, f"dtype of {name}", described["dtype"], array.dtype.str)
    # last, because every check above says more exactly what differs
    _expect(folder, "digest of manifest.json", manifest.get("digest"), _manifest_digest(manifest))
    return ModelArtifact(
        kind, format, manifest["config"], arrays, manifest["vocabulary"], manifest["provenance"], manifest["metrics"]
    )


def read_json(path: Path) -> dict[str, Any]:
    """Return the JSON object in `path`; BadArtifact if there is none."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadArtifact(f"{path}: cannot be read: {error}") from error
    if not isinstance(value, dict):
        raise BadArtifact(f"{path}: expected a JSON object, found {type(value).__name__}")
    return value


def write_json(path: Path, value: object) -> None:
    """Write `value` as indented JSON, non-ASCII as it is."""
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False) + "\n", encoding="utf-8")


@cache
def made_by() -> dict[str, str]:
    """Return what made an artifact: code commit, Python and library versions, machine."""
    packages = ("wagahai", "numpy", "scipy", "polars", "deltalake", "gensim", "torch", "pyro-ppl", "prefect")
    return {
        "commit": _commit(),
        "python": sys.version.split()[0],
        "machine": f"{platform.system()} {platform.machine()}",
        **{name: _version(name) for name in packages},
    }


def _commit() -> str:
    """Commit of the code, with a mark if files differ from it; `unknown` outside a checkout."""
    here = Path(__file__).resolve().parents[1]
    command = ["git", "-C", str(here), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return "unknown"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _manifest_digest(manifest: Mapping[str, Any]) -> str:
    """Digest of everything a manifest says, as it will be read again (tuples have become lists)."""
    return digest_of(json.loads(json.dumps({name: v for name, v in manifest.items() if name != "digest"})))


def _file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, hashlib.sha256).hexdigest()


def _expect(folder: Path, what: str, expected: object, found: object) -> None:
    if expected != found:
        raise BadArtifact(f"{folder}: {what}: expected {expected}, found {found}")
