"""Fitting models on a corpus or a part of it, each result kept under the digest of all that made it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from data.artifact import read_json
from data.checkpoint import Checkpoint
from data.corpus import Corpus
from data.digest import digest_of
from data.errors import BadConfig, EmptyCorpus
from data.progress import Progress
from data.split import Split, reader_split, time_split
from data.store import Store
from models.base import Ranker, Run
from models.catalogue import KINDS, PREDICTOR_KINDS, model_class
from models.dbm_config import DbmConfig
from models.ease import too_large
from pipeline.build_corpus import corpus_digest
from pipeline.config import Settings, SplitConfig
from pipeline.evaluate import FORMAT as EVALUATION_FORMAT
from pipeline.evaluate import KIND as EVALUATION
from pipeline.evaluate import evaluate
from pipeline.predictor_settings import check_predictors
from pipeline.typed_table import from_table

WHOLE, READERS = "all", "readers"
RANKERS = ("popularity", "item_knn", "ease", "blend")  # floor, yardsticks, and the release's ranking for a reader


@dataclass(frozen=True)
class Part:
    """A corpus, or the training part of one of its splits: what a model is fitted to.

    Attributes
    ----------
    corpus
        Folder of the corpus.
    name
        ``all``, or the name of a split: ``readers`` or ``time``.
    seed
        Root seed of the run; decides the split.
    device
        Where torch computes what is fitted: ``auto``, ``cpu`` or ``cuda``; changes nothing of what the model is.
    """

    corpus: Path
    name: str
    seed: int
    device: str = "auto"

    def key(self, config: SplitConfig) -> dict[str, Any]:
        """Return what the data of this part depend on, for a digest."""
        key: dict[str, Any] = {"corpus": corpus_digest(self.corpus), "part": self.name}
        return key if self.name == WHOLE else {**key, "split": asdict(config), "seed": self.seed}

    def split(self, config: SplitConfig) -> Split:
        """Return the split this part belongs to."""
        corpus = Corpus.load(self.corpus)
        if self.name == "time":
            return time_split(corpus, seed=self.seed, p_future=config.p_future)
        return reader_split(corpus, seed=self.seed, p_held_out=config.p_held_out, p_hidden=config.p_hidden)

    def data(self, config: SplitConfig) -> Corpus:
        """Return the readings to fit to."""
        return Corpus.load(self.corpus) if self.name == WHOLE else self.split(config).train


def split_names(corpus: Path, config: SplitConfig) -> list[str]:
    """Return the splits a corpus is judged on: ``readers``, and ``time`` where the dates allow it."""
    if not (config.time and (readings := Corpus.load(corpus)).has_dates):
        return [READERS]
    try:
        time_split(readings, seed=0, p_future=config.p_future)
    except EmptyCorpus:  # dates all alike, say: whether it can be made does not depend much on the seed
        return [READERS]
    return [READERS, "time"]


def compared(corpus: Path, settings: Settings, split: str = READERS) -> tuple[str, ...]:
    """Return the kinds of the models that are judged side by side on a split: `RANKERS`, and every space.

    EASE, and the blend it is a part of, are left out where there are more readers and books than it can invert. Models
    of topics are judged on the split by readers only.
    """
    sizes = read_json(corpus / "manifest.json")["metrics"]
    rankers: tuple[str, ...] = RANKERS
    if too_large(sizes["n_readers"], sizes["n_books"], model_config("ease", settings)):
        rankers = tuple(kind for kind in RANKERS if kind not in ("ease", "blend"))
    return (*rankers, *(settings.spaces if split == READERS else settings.publish.spaces))


def model_config(kind: str, settings: Settings) -> Any:
    """Return the configuration of a kind of model; BadConfig if its table in the profile is wrong."""
    return from_table(model_class(kind).config_type, settings.models.get(kind, {}), f"models.{kind}")


def check_settings(settings: Settings, seed: int) -> None:
    """Refuse settings of models that do not exist, that their model refuses, or that were searched with another seed.

    The root seed decides which readers are for validation and which for the test: settings that were chosen on the
    validation readers of one seed have seen test readers of another.

    Raises
    ------
    BadConfig
        Naming the closest known kind or key, or the seed of the search.
    """
    known = (*KINDS, *PREDICTOR_KINDS)
    for kind in settings.models:
        if kind not in known:
            closest = get_close_matches(kind, known, n=1)
            raise BadConfig(
                f"models: unknown kind {kind!r}; known are {', '.join(known)}"
                + "".join(f"; did you mean {c!r}?" for c in closest)
            )
        if kind in KINDS:
            _check_has_effect(kind, model_config(kind, settings))
    check_predictors(settings)
    for kind, record in settings.searched.items():
        if (searched := record.get("seed")) != seed:
            raise BadConfig(
                f"searched.{kind}: the settings were searched with seed {searched}, and some of the readers they were "
                f"chosen by are test readers of seed {seed}: use --seed {searched}, or search again with --seed {seed}"
            )


def _check_has_effect(kind: str, config: object) -> None:
    """Refuse settings of a Boltzmann machine that need validation readers: none are kept from a fit for a release."""
    if not isinstance(config, DbmConfig):
        return
    for name in ("patience", "judge_every"):
        if getattr(config, name) != getattr(DbmConfig(), name):
            raise BadConfig(
                f"models.{kind}.{name}: {getattr(config, name)!r} has no effect in a profile: a machine is judged and "
                "published as it is after its last epoch; leave it out, and set models.dbm.epochs"
            )


def make_model(store: Store, kind: str, part: Part, settings: Settings, progress: Progress) -> tuple[Path, bool]:
    """Return the folder of a fitted model, and whether it had to be fitted."""
    model = model_class(kind)
    config = model_config(kind, settings)
    key = part.key(settings.split)
    digest = digest_of([kind, model.format, asdict(config), key, part.seed])
    stage = "release" if part.name == WHOLE else f"evaluation/{part.name}"

    checkpoint = Checkpoint(store, digest)

    def make(folder: Path) -> None:
        data = part.data(settings.split)
        fitted = model.fit(data, config, Run(part.seed, stage, progress, part.device, checkpoint))
        provenance = {"data": key, "seed": part.seed, "stage": stage, "device": part.device}
        fitted.save(folder, vocabulary=data.books.digest, provenance=provenance)

    found = store.get_or_make(kind, digest, make)
    checkpoint.drop()
    return found


def make_evaluation(
    store: Store, part: Part, models: Mapping[str, Path], settings: Settings, progress: Progress
) -> tuple[Path, bool]:
    """Return the folder of the evaluation of `models` (kind -> folder) on the test readers of a split."""
    key = {**part.key(settings.split), "models": {kind: folder.name for kind, folder in models.items()}}
    digest = digest_of([EVALUATION, EVALUATION_FORMAT, key])

    def make(folder: Path) -> None:
        split = part.split(settings.split)
        rankers: dict[str, Ranker[Any, Any]] = {
            kind: model_class(kind).load(path, vocabulary=split.train.books.digest) for kind, path in models.items()
        }
        evaluation = evaluate(part.name, rankers, split.test, progress)
        evaluation.save(folder, asdict(settings.split), {"data": key, "seed": part.seed})

    return store.get_or_make(EVALUATION, digest, make)
