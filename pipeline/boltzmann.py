"""A Boltzmann machine of readers, fitted to be judged and to be published, by digest; and what a release says of it.

It completes what a reader has read (`pipeline.complete`). It never ranks books for a reader unasked: where it finds
more hidden books than what is simple, the verdict says so, and a person decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from data.artifact import write_json
from data.digest import digest_of
from data.progress import Progress
from data.store import Store
from models.base import Run
from pipeline.boltzmann_portrait import make_portrait, read_portrait
from pipeline.boltzmann_verdict import verdict
from pipeline.config import EvaluationConfig, Settings
from pipeline.downstream import CANNOT_BE_LEARNED, LeftOut
from pipeline.judge_boltzmann import (
    DEEP,
    FORMAT,
    KIND,
    RESTRICTED,
    YARDSTICKS,
    BoltzmannQuality,
    judge_boltzmann,
    task_of,
)
from pipeline.represent import WHOLE, Part, make_model, model_config


@dataclass(frozen=True)
class Boltzmann:
    """What it leaves in the store: the machine fitted to everybody, how good its like is, and its portrait.

    Attributes
    ----------
    made
        Whether anything was made, not known before.
    """

    model: Path
    quality: Path
    portrait: Path
    made: bool = False


def make_boltzmann(store: Store, part: Part, settings: Settings, progress: Progress) -> Boltzmann | LeftOut:
    """Fit and judge a machine; return what it left in the store, or why there is none.

    Parameters
    ----------
    part
        The split by readers of the corpus.

    Raises
    ------
    BadConfig, NoDevice, BadArtifact
        If a setting is wrong, a device is not there or something in the store is damaged: that is for a person to
        mend, and is no reason to publish a release without a machine. Readings that do not allow one are.
    """
    try:
        quality, judged = make_quality(store, part, settings, progress)
        model, fitted = make_model(store, DEEP, replace(part, name=WHOLE), settings, progress)
        portrait, drawn = make_portrait(store, part, model, settings, progress)
    except CANNOT_BE_LEARNED as error:
        return LeftOut(str(error))
    return Boltzmann(model, quality, portrait, judged or fitted or drawn)


def make_quality(store: Store, part: Part, settings: Settings, progress: Progress) -> tuple[Path, bool]:
    """Return the folder of how good machines of one and of all hidden layers are, and whether it had to be made."""
    split = part.split(settings.split)
    config = model_config(DEEP, settings)
    least = settings.corpus.min_readers
    task = task_of(split.train, split.test, config, least)  # before anything is fitted: too few readers are an error
    systems, vocabulary = {DEEP: settings}, split.train.books.digest
    if len(config.hidden_sizes) > 1:
        systems[RESTRICTED] = _first_layer_only(settings, config.hidden_sizes)
    folders = {name: make_model(store, DEEP, part, of, progress)[0] for name, of in systems.items()}
    yardsticks = {kind: asdict(model_config(kind, settings)) for kind in YARDSTICKS}
    key = {**part.key(settings.split), "models": {name: folder.name for name, folder in folders.items()}}
    digest = digest_of([KIND, FORMAT, key, yardsticks, part.seed])

    def make(folder: Path) -> None:
        from models.dbm import Dbm  # here and not above: torch takes a second to load

        machines = {name: Dbm.load(path, vocabulary=vocabulary) for name, path in folders.items()}
        run = Run(part.seed, "evaluation/boltzmann", progress)
        judge_boltzmann(machines, task, settings, run).save(folder, {"data": key, "seed": part.seed})

    return store.get_or_make(KIND, digest, make)


def _first_layer_only(settings: Settings, hidden_sizes: Sequence[int]) -> Settings:
    table = {**settings.models.get(DEEP, {}), "hidden_sizes": [hidden_sizes[0]]}
    return replace(settings, models={**settings.models, DEEP: table})


# ---- what a release says ----------------------------------------------------------------


def write_boltzmann(folder: Path, made: Boltzmann | LeftOut, config: EvaluationConfig, seed: int) -> None:
    """Write ``boltzmann.json`` into a release's folder: figures and verdict, or ``left_out``, why there are none."""
    if isinstance(made, LeftOut):
        write_json(folder / "boltzmann.json", {"left_out": made.why})
        return
    quality = BoltzmannQuality.load(made.quality)
    measured = {"rows": quality.table(config, seed), "sampling": quality.sampling}
    facts = {"artifact": made.model.name, "n_books": quality.n_books, **measured}
    told = {"verdict": verdict(measured), "portrait": read_portrait(made.portrait)}
    write_json(folder / "boltzmann.json", {**facts, **told})
