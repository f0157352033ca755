"""The same space learned again from bootstrap samples of the readers: how sure a similarity is. numpy only.

::

    manifest.json, arrays.npz   the artifact "ensemble": `scale`, what the calibration was judged on
    ensemble.npy                int8 (n_replicates, n_books, n_dims), mapped into memory, not read

A replicate's vector is ``codes * scale``, of length 1. Codes are rounded to 1/127 of the row's largest
coordinate m, so that no cosine is further off than ``m * sqrt(n_dims) / 127``, and the
typical error is ``m / 440``: .0005 at m = .2, well below the sd over replicates.

From similarities in the replicates to a probability: for a candidate and a replicate b, d_b is its similarity
less the k-th largest of the *other* allowed books. Its mean over replicates, in units of its sd (half the candidate's
own variance, half the usual one: a dozen replicates measure an sd badly), is z, and
``p_top = sigmoid(intercept + slope * asinh(z) + log_readers * log(n_readers))``; asinh, because agreement of
replicates beyond some sd says little more. To an interval: from how far the similarity moves, in units of its sd (a
near book was chosen for being near: it falls back, by about as many sd whether its sd is large or small). The numbers
in `Calibration` come from random halves of the readers (`pipeline.ensemble`): p_top is how often such a candidate is in
the top k of the same model learned from as many other readers, and the interval holds its similarity there.
Margins over bootstrap samples follow Efron and Tibshirani (1998, "The problem of regions"), but are calibrated,
not counted.
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
from data.errors import BadArtifact

KIND, FORMAT = "ensemble", 2
CODES = "ensemble.npy"
Z_LIMIT = 12.0  # replicates that all agree say "sure", not "infinitely sure"
_BLOCK = 2048  # rows that are turned into float32 at a time: 4 MB at 512 dimensions, which stay in the cache
_LEVELS = 127
_TINY = 1e-30
VectorsOf = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Calibration:
    """What turns margins into probabilities, and deviations into intervals.

    Attributes
    ----------
    intercept, slope, log_readers
        Of the logit of p, see the head of this file; `log_readers` is of the readers of the asked book.
    low, high
        Ends of the interval less the similarity, as multiples of its sd over replicates, and
    low_constant, high_constant
        what is added.
    level
        Share of similarities that lie in the interval in the same model learned from other readers.
    k
        Length of the list that p is about.
    margin_sd
        The usual sd of a margin over replicates.
    """

    intercept: float = 0.0
    slope: float = 1.0
    log_readers: float = 0.0
    low: float = -2.0
    high: float = 2.0
    level: float = 0.9
    k: int = 10
    low_constant: float = 0.0
    high_constant: float = 0.0
    margin_sd: float = 0.0

    def p_top(self, mean: np.ndarray, sd: np.ndarray, n_readers: np.ndarray | float) -> np.ndarray:
        """Return the probability of being in the top k, float32, from the mean and sd of margins (`margins`)."""
        known = self.log_readers * np.log(np.maximum(n_readers, 1))
        logit = self.intercept + self.slope * np.arcsinh(self.z(mean, sd)) + known
        p: np.ndarray = (0.5 * (1 + np.tanh(logit / 2))).astype(np.float32)  # the sigmoid, which cannot overflow
        return p

    def z(self, mean: np.ndarray, sd: np.ndarray) -> np.ndarray:
        """Return margins in units of their sd, float64, within `Z_LIMIT` of 0."""
        usual = np.sqrt((np.square(sd, dtype=np.float64) + self.margin_sd**2) / 2)
        z: np.ndarray = mean / np.maximum(usual, np.maximum(np.abs(mean), _TINY) / Z_LIMIT)
        return z

    def interval(self, similarity: np.ndarray, sd: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return low and high, float32, within [-1, 1]; `similarity` is always between them."""
        below = self.low * sd + self.low_constant
        above = self.high * sd + self.high_constant
        similarity = np.asarray(similarity, np.float32)
        low = np.minimum(np.maximum(similarity + below, -1), similarity).astype(np.float32)
        high = np.maximum(np.minimum(similarity + above, 1), similarity).astype(np.float32)
        return low, high


@dataclass(frozen=True)
class Certainty:
    """How sure some candidates are, each float32 of one shape.

    Attributes
    ----------
    low, high
        Interval of the similarity.
    p_top
        Probability of being in the top k.
    """

    low: np.ndarray
    high: np.ndarray
    p_top: np.ndarray


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
        return cls(codes, scale, Calibration(**metrics.pop("calibration")), judged, metrics)

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
        self, similarity: np.ndarray, replicates: np.ndarray, candidates: np.ndarray, k: int, n_readers: float
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
        k
            Length of the list. The calibration is of `Calibration.k`; for another k, p is an extrapolation.
        n_readers
            Readers of the asked book; of several, of the one with the fewest.
        """
        chosen = replicates[:, candidates]
        low, high = self.calibration.interval(similarity, chosen.std(axis=0, ddof=1))
        if k >= replicates.shape[1]:  # the list has room for all
            return Certainty(low, high, np.ones(len(candidates), np.float32))
        return Certainty(low, high, self.calibration.p_top(*margins(chosen, thresholds(replicates, k)), n_readers))


def thresholds(replicates: np.ndarray, k: int) -> np.ndarray:
    """Return the k-th and the (k+1)-th largest along the last axis, (..., 2); there must be more than k."""
    n = replicates.shape[-1]
    two: np.ndarray = np.partition(replicates, (n - k - 1, n - k), axis=-1)[..., [n - k, n - k - 1]]
    return two


def margins(chosen: np.ndarray, edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean and the sd over replicates of each candidate's margin to the k-th of the other books.

    Parameters
    ----------
    chosen
        (n_replicates, ..., n), similarities of candidates.
    edges
        (n_replicates, ..., 2), `thresholds`: who is among the first k is measured against the (k+1)-th.

    Returns
    -------
    mean, sd
        float64 (..., n).
    """
    kth, after = edges[..., :1], edges[..., 1:]
    margin = np.asarray(chosen - np.where(chosen >= kth, after, kth), np.float64)
    return margin.mean(axis=0), margin.std(axis=0, ddof=1)


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
