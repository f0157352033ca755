"""What the benchmarks of Boltzmann machines wrote with ``--json``, read from a folder of one file for each.

========================  ==============================================================
file                      written by
========================  ==============================================================
``dbm_exact.json``        ``python -m tests.benchmarks.dbm_exact --json``
``dbm_couplings.json``    ``python -m tests.benchmarks.dbm_couplings --json``
``dbm_digits.json``       ``python -m tests.benchmarks.dbm_digits --json``
========================  ==============================================================
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from data.artifact import read_json
from data.errors import BadArtifact

EXACT, COUPLINGS, DIGITS = "dbm_exact", "dbm_couplings", "dbm_digits"
BENCHMARKS = (EXACT, COUPLINGS, DIGITS)
N_PIXELS = 64
RowT = TypeVar("RowT", "Exact", "Learned")


@dataclass(frozen=True)
class Exact:
    """How an estimator's mean compares with what enumeration says, on one machine.

    Attributes
    ----------
    called
        What it says it is, ``unbiased`` or ``biased``.
    rms_z
        Root mean square of (mean - exact) / standard error: near 1 without bias.
    relative_var
        Its variance relative to one independent sample.
    tau
        Mean step at which pairs met; 0 where nothing is coupled.
    n_truncated
        Pairs that were given up before they met.
    """

    estimator: str
    machine: str
    called: str
    rms_z: float
    relative_var: float
    tau: float
    n_truncated: int


@dataclass(frozen=True)
class Coupled:
    """How chains of one coupling meet on a machine of one size.

    Attributes
    ----------
    width
        Units of each layer.
    search_steps, tau
        Sweeps of the search of modes, and steps to the meeting: means.
    share_corrected, share_truncated
        Of the pairs: those in which anything was corrected, those given up.
    """

    coupling: str
    width: int
    search_steps: float
    tau: float
    largest_tau: int
    share_corrected: float
    share_truncated: float


@dataclass(frozen=True)
class Learned:
    """A system on digits: mean log-likelihood of test digits, in nats, and of each seed."""

    system: str
    log_likelihood: float
    seeds: str


@dataclass(frozen=True)
class Picture:
    """A digit, and what a machine puts into its hidden lower half: the mean and samples; `N_PIXELS` values each."""

    digit: Sequence[float]
    mean: Sequence[float]
    samples: Sequence[Sequence[float]]


@dataclass(frozen=True)
class Digits:
    """Machines on digits.

    Attributes
    ----------
    curves
        System -> epochs and log-likelihoods of the digits judged.
    samples
        Digits sampled from the machine, `N_PIXELS` values each.
    """

    rows: Sequence[Learned]
    curves: Mapping[str, Sequence[tuple[float, float]]]
    pictures: Sequence[Picture]
    samples: Sequence[Sequence[float]]


@dataclass(frozen=True)
class Results:
    """What was found in a folder; None for what is missing."""

    exact: Sequence[Exact] | None
    couplings: Sequence[Coupled] | None
    digits: Digits | None

    @property
    def missing(self) -> list[str]:
        """Benchmarks without a file."""
        found = (self.exact, self.couplings, self.digits)
        return [name for name, part in zip(BENCHMARKS, found, strict=True) if part is None]


def read_results(folder: Path) -> Results:
    """Return what benchmarks wrote into `folder`.

    Raises
    ------
    BadArtifact
        If a file is there and is not what its benchmark writes; says what differs.
    """
    exact, couplings, digits = (folder / f"{name}.json" for name in BENCHMARKS)
    return Results(
        _rows(exact, Exact) if exact.exists() else None,
        _couplings(couplings) if couplings.exists() else None,
        _digits(digits) if digits.exists() else None,
    )


def _rows(path: Path, kind: type[RowT]) -> list[RowT]:
    names = [field.name for field in fields(kind)]
    rows = _key(path, read_json(path), "rows")
    for row in rows:
        if absent := [name for name in names if name not in row]:
            raise BadArtifact(f"{path}: a row has no {', '.join(absent)}; expected {', '.join(names)}")
    return [kind(**{name: row[name] for name in names}) for row in rows]


def _couplings(path: Path) -> list[Coupled]:
    names = [field.name for field in fields(Coupled) if field.name != "coupling"]
    found = []
    for coupling, curve in _key(path, read_json(path), "curves").items():
        if absent := [name for name in names if name not in curve]:
            raise BadArtifact(f"{path}: {coupling} has no {', '.join(absent)}; expected {', '.join(names)}")
        points = zip(*(curve[name] for name in names), strict=True)
        found += [Coupled(coupling, *point) for point in points]
    return found


def _digits(path: Path) -> Digits:
    found = read_json(path)
    curves = {
        curve["system"]: [(float(epoch), float(nats)) for epoch, nats in curve["points"]]
        for curve in _key(path, found, "curves")
    }
    pictures = [Picture(one["digit"], one["mean"], one["samples"]) for one in _key(path, found, "pictures") or []]
    samples = found.get("samples") or []
    for image in (*samples, *(image for one in pictures for image in (one.digit, one.mean, *one.samples))):
        if len(image) != N_PIXELS:
            raise BadArtifact(f"{path}: a picture of {len(image)} pixels, expected {N_PIXELS}")
    return Digits(_rows(path, Learned), curves, pictures, samples)


def _key(path: Path, found: Mapping[str, Any], name: str) -> Any:
    if name not in found:
        raise BadArtifact(f"{path}: expected {name!r}, found {', '.join(found) or 'nothing'}")
    return found[name]
