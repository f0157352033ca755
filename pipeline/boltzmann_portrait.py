"""What a release tells of its Boltzmann machine beside how good it is: how it learned, how its chains meet, samples.

Learning is watched on validation readers, in a fit of its own to the training readers; what is sampled is the machine
published, fitted to everybody. Samples are of the machine, no reader is among them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from data.artifact import ModelArtifact, read_artifact, write_artifact
from data.digest import digest_of
from data.errors import EmptyCorpus
from data.progress import Progress
from data.seeds import derive_seed
from data.store import Store
from models.base import Run
from models.dbm_config import DbmConfig
from pipeline.config import Settings
from pipeline.represent import Part, model_config

if TYPE_CHECKING:
    from models.dbm_course import Course
    from models.dbm_meetings import Meetings

KIND, FORMAT = "boltzmann_portrait", 3
N_LOOKS = 10  # at the validation readers
N_PAIRS = 200  # of chains, of each coupling
N_SAMPLES, N_TYPICAL = 400, 12
N_UNITS, N_BOOKS = 8, 8  # of a layer, of a unit


def make_portrait(store: Store, part: Part, model: Path, settings: Settings, progress: Progress) -> tuple[Path, bool]:
    """Return the folder of the portrait of a machine, and whether it had to be made.

    Parameters
    ----------
    part
        The split by readers of the corpus.
    model
        Folder of the machine that is published.

    Raises
    ------
    EmptyCorpus
        If no training reader, or fewer than ``corpus.min_readers`` validation readers, have read enough of the books.
    """
    config = model_config("dbm", settings)
    key = part.key(settings.split)
    digest = digest_of([KIND, FORMAT, key, asdict(config), model.name, part.seed])

    def make(folder: Path) -> None:
        split = part.split(settings.split)
        held = (split.validation.visible + split.validation.hidden).tocsr()
        run = Run(part.seed, "evaluation/boltzmann", progress, part.device)
        from models.dbm_course import course  # here and not above: torch takes a second to load

        learned = course(split.train, held, watched(config), run)
        _check_told(learned.n_validation, settings.corpus.min_readers)
        told = {"course": _course(learned, config.estimator)}
        told |= _machine(model, split.train.books.digest, derive_seed(part.seed, KIND))
        made = ModelArtifact(KIND, FORMAT, asdict(config), {}, split.train.books.digest, {"data": key}, told)
        write_artifact(folder, made)

    return store.get_or_make(KIND, digest, make)


def read_portrait(folder: Path) -> dict[str, Any]:
    """Return what is in `folder`: ``course``, ``meetings``, ``typical_readers``, ``hidden_units``, as JSON values."""
    return dict(read_artifact(folder, kind=KIND, format=FORMAT, names=set()).metrics)


def watched(config: DbmConfig) -> DbmConfig:
    """Return the settings by which the same machine is learned and looked at a few times, to the end."""
    return replace(config, judge_every=max(1, config.epochs // N_LOOKS), patience=0)


def _check_told(n_validation: int, min_readers: int) -> None:
    """Refuse to publish a curve that is of one reader, or of few."""
    if n_validation < min_readers:
        raise EmptyCorpus(f"fewer than {min_readers} validation readers of enough of the books: lower dbm.min_books")


def _course(found: Course, estimator: str) -> dict[str, Any]:
    kept = {name: value for name, value in asdict(found.kept).items() if name != "of_rows"}
    return {
        "estimator": estimator,
        "epochs": found.epochs.tolist(),
        "log_likelihood": found.log_likelihood.tolist(),
        "effective_samples": list(found.effective_samples),
        "kept_epoch": found.kept_epoch,
        "independent": found.independent,
        "kept": {**kept, "log_likelihood": found.kept.mean},
        "n_readers": found.n_readers,
        "n_validation": found.n_validation,
        "meetings": [{"epoch": epoch, **meetings_told(of)} for epoch, of in found.meetings.items() if of.n_pairs],
    }


def _machine(folder: Path, vocabulary: str, seed: int) -> dict[str, Any]:
    """Return what the published machine does: how chains meet on it, whom it samples, what its units are about."""
    from models.dbm import Dbm
    from models.dbm_meetings import meetings
    from models.dbm_portrait import hidden_units, samples, typical_readers

    model = Dbm.load(folder, vocabulary=vocabulary)
    drawn = samples(model.machine, N_SAMPLES, seed)
    units = [asdict(unit) for unit in hidden_units(model, drawn, N_UNITS, N_BOOKS)]
    return {
        "meetings": {name: meetings_told(of) for name, of in meetings(model.machine, N_PAIRS, seed).items()},
        "typical_readers": [rows.tolist() for rows in typical_readers(model, drawn)[:N_TYPICAL]],
        "hidden_units": [_as_lists(unit) for unit in units],
    }


def meetings_told(met: Meetings) -> dict[str, Any]:
    """Return how chains met, as JSON values, with the mean and the median of tau; None where there is none."""
    each = np.repeat(met.tau, met.n_of_tau)
    tau = {"mean_tau": float(each.mean()), "median_tau": float(np.median(each))} if len(each) else {}
    return {"mean_tau": None, "median_tau": None, **tau, **_as_lists(asdict(met))}


def _as_lists(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in values.items()}
