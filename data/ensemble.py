"""The same space learned again from bootstrap samples of the readers: how sure a similarity is. numpy only.

::

    manifest.json, arrays.npz   the artifact "ensemble": `scale`, what the calibration was judged on
    ensemble.npy                int8 (n_replicates, n_books, n_dims), mapped into memory, not read

A replicate's vector is ``codes * scale``, of length 1. Codes are rounded to 1/127 of the row's largest
coordinate m, so that no cosine is further off than ``m * sqrt(n_dims) / 127``, and the
typical error is ``m / 440``: .0005 at m = .2, well below the sd over replicates.

What similarities in the replicates mean is said by `data.certainty`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from data.artifact import ModelArtifact, read_artifact, write_artifact
from data.certainty import Calibration, Certainty, Ends
from data.errors import BadArtifact

KIND, FORMAT = "ensemble", 4
CODES = "ensemble.npy"
_BLOCK = 2048  # rows that are turned into float32 at a time: 4 MB at 512 dimensions, which stay in the cache
_LEVELS = 127
VectorsOf = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Replicates of a space.

    Attributes
    ----------
    codes
        int8 (n_replicates, n_books, n_dims).
    scale
        float32 (n_replicates, n_books); a unit vector is ``codes * scale``, and a book without readers is zero.
    calibration
        What similarities in the replicates mean.
    judged
        Arrays the calibration was judged on, for the report; see `pipeline.ensemble`.
    metrics
        Numbers it was judged by.
    """

    codes: np.ndarray
    scale: np.ndarray
    calibration: Calibration = field(default_factory=Calibration)
    judged: Mapping[str, np.ndarray] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, replicates: Iterable[np.ndarray], calibration: Calibration | None = None) -> Ensemble:
        """Return the ensemble of unit vectors (n_books, n_dims), one array per replicate, taken one at a time.

        A replicate with fewer dimensions than another (its sample was of lower rank) is padded with zeros.
        """
        coded, scales = zip(*(quantised(vectors) for vectors in replicates), strict=True)
        codes = np.zeros((len(coded), len(coded[0]), max(one.shape[1] for one in coded)), np.int8)
        for replicate, one in zip(codes, coded, strict=True):
            replicate[:, : one.shape[1]] = one
        return cls(codes, np.stack(scales), calibration or Calibration())

    @classmethod
    def open(cls, folder: Path, vocabulary: str) -> Ensemble:
        """Return the ensemble in `folder`; its codes are mapped, and read only where a query needs them.

        Their digest is in the manifest but not compared here: reading 100 MB is what mapping avoids (`check`).

        Raises
        ------
        BadArtifact
            If it is no ensemble, of another format or vocabulary, or its parts do not fit together.
        """
        artifact = read_artifact(folder, kind=KIND, format=FORMAT, vocabulary=vocabulary)
        judged = dict(artifact.arrays)
        metrics = dict(artifact.metrics)
        names = {f.name for f in fields(Calibration)}
        if (scale := judged.pop("scale", None)) is None or set(metrics.get("calibration", ())) != names:
            raise BadArtifact(f"{folder}: expected an array scale and a calibration of {', '.join(sorted(names))}")
        try:
            codes = np.load(folder / CODES, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise BadArtifact(f"{folder / CODES}: cannot be read: {error}") from error
        expected = (*scale.shape, metrics.get("n_dims"))
        if codes.dtype != np.int8 or codes.shape != expected:
            raise BadArtifact(f"{folder / CODES}: {codes.shape} {codes.dtype}, expected {expected} int8")
        said: dict[str, Any] = metrics.pop("calibration")
        ends = {name: Ends(**{part: tuple(value) for part, value in said[name].items()}) for name in ("near", "far")}
        return cls(codes, scale, Calibration(**{**said, **ends}), judged, metrics)

    @staticmethod
    def check(folder: Path) -> None:
        """Read all the codes and compare them with the digest in the manifest; BadArtifact if they differ."""
        expected = read_artifact(folder, kind=KIND, format=FORMAT).metrics.get("codes_digest")
        if (found := _digest(folder / CODES)) != expected:
            raise BadArtifact(f"{folder / CODES}: digest: expected {expected}, found {found}")

    def save(self, folder: Path, config: Mapping[str, Any], vocabulary: str, provenance: Mapping[str, Any]) -> None:
        """Write the ensemble, once, into an empty folder."""
        np.save(folder / CODES, np.asarray(self.codes), allow_pickle=False)
        facts = {"calibration": asdict(self.calibration), "n_dims": self.codes.shape[2]}
        metrics = {**self.metrics, **facts, "codes_digest": _digest(folder / CODES)}
        arrays = {"scale": self.scale, **self.judged}
        write_artifact(folder, ModelArtifact(KIND, FORMAT, config, arrays, vocabulary, provenance, metrics))

    @property
    def n_replicates(self) -> int:
        """Number of replicates."""
        return len(self.codes)

    def vectors(self, replicate: int, rows: np.ndarray | slice) -> np.ndarray:
        """Return unit vectors of books in a replicate, float32 (n, n_dims)."""
        vectors: np.ndarray = self.codes[replicate, rows].astype(np.float32)
        vectors *= self.scale[replicate, rows, None]
        return vectors

    def similarity(self, direct: Callable[[VectorsOf], np.ndarray], rows: np.ndarray) -> np.ndarray:
        """Return the cosine of the asked direction with the books `rows`, float32 (n_replicates, len(rows)).

        Parameters
        ----------
        direct
            Given a function from rows to the unit vectors of a replicate, returns the unit direction (n_dims,).
        rows
            int64 (n,).
        """
        rows = np.asarray(rows)
        found = np.empty((self.n_replicates, len(rows)), np.float32)
        block = np.empty((min(_BLOCK, len(rows)), self.codes.shape[2]), np.float32)
        runs = len(rows) > 0 and bool((np.diff(rows) == 1).all())  # a slice of the map is not copied
        for replicate in range(self.n_replicates):
            direction = np.asarray(direct(partial(self.vectors, replicate)), np.float32)
            codes = self.codes[replicate]
            for start in range(0, len(rows), _BLOCK):
                stop = min(start + _BLOCK, len(rows))
                chosen = slice(rows[start], rows[stop - 1] + 1) if runs else rows[start:stop]
                part = block[: stop - start]
                np.copyto(part, codes[chosen])
                np.matmul(part, direction, out=found[replicate, start:stop])
        found *= self.scale[:, rows]
        return found

    def certainty(
        self, similarity: np.ndarray, replicates: np.ndarray, candidates: np.ndarray, n_readers: float
    ) -> Certainty:
        """Return how sure the candidates of one question are.

        Parameters
        ----------
        similarity
            float32 (n,), of the candidates, in the published space.
        replicates
            float32 (n_replicates, n_allowed), of all allowed books, from `similarity`; the asked book is not allowed.
        candidates
            int64 (n,), columns of `replicates`.
        n_readers
            Readers of the asked book; of several, of the one with the fewest.
        """
        low, high = self.calibration.near.around(similarity, replicates[:, candidates].std(axis=0, ddof=1), n_readers)
        return Certainty(low, high, self.calibration.among(replicates, candidates, n_readers))


def quantised(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return int8 codes (n, n_dims) and float32 scales (n,) of vectors; ``codes * scale`` has length 1, or 0."""
    largest = np.abs(vectors).max(axis=1, initial=0)
    step = np.where(largest > 0, largest, 1) / _LEVELS
    codes = np.rint(vectors / step[:, None]).astype(np.int8)
    length = np.sqrt(np.einsum("ij,ij->i", codes, codes, dtype=np.float64))
    scale = np.where(length > 0, 1 / np.where(length > 0, length, 1), 0).astype(np.float32)
    return codes, scale


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, hashlib.sha256).hexdigest()
