"""The steps as Prefect tasks: each is one call, takes and returns ids and paths, and shows its progress.

Prefect hashes and records what tasks exchange, so frames and arrays never pass through here
(300 MB cost 1.5 s). What has been computed is known to the store, not to Prefect: its caching is off.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypedDict

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from pydantic import SecretStr

from data.errors import WagahaiError
from data.history import History, ReadingHistory
from data.release import Release
from data.sources.base import Options
from data.sources.catalogue import recognise, source_named
from data.sources.events import Events
from data.sources.mapping import read_mapping
from data.sources.upload import Upload
from data.store import Store
from flows.discretion import without_names
from flows.progress import TerminalProgress
from pipeline import build_corpus, publish, represent
from pipeline.account import report
from pipeline.assemble import Ingredients
from pipeline.boltzmann import Boltzmann, make_boltzmann
from pipeline.config import load_settings
from pipeline.downstream import LeftOut, Models, Predicted, kinds_of_all, predict
from pipeline.ensemble import make_ensemble
from pipeline.ingest import ingest
from pipeline.judge_topics import make_topic_quality
from pipeline.make_works import make_works
from pipeline.sample import make_sample, refuse_other_sample
from reports.pages import WRITERS

DEVICE_VARIABLE = "WAGAHAI_DEVICE"  # auto, cpu or cuda


class Learned(TypedDict):
    """What a task downstream leaves in the store: folders; or, where it is left out, the reason alone."""

    predictor: str
    quality: str
    models: dict[str, str]
    left_out: str


class Machine(TypedDict):
    """What a Boltzmann machine leaves in the store: folders; or, where there is none, the reason alone."""

    model: str
    quality: str
    portrait: str
    left_out: str


class Trained(TypedDict):
    """What a training run leaves in the store: a pinned history version, and folders; the default space first."""

    version: int
    corpus: str
    spaces: dict[str, str]
    ensemble: str | None
    topic_quality: str | None
    evaluations: list[str]
    predictors: dict[str, Learned]
    boltzmann: Machine | None


@task(name="make sample", cache_policy=NO_CACHE, persist_result=False)
def sample_step(store: str, profile: str, seed: int) -> str:
    """Simulate the bundled sample; return the file of its readings."""
    settings = load_settings(profile)
    with TerminalProgress() as progress:
        refuse_other_sample(Store(Path(store)), settings.sample, seed)
        return str(make_sample(Store(Path(store)), settings.sample, seed, progress))


@task(name="ingest", cache_policy=NO_CACHE, persist_result=False)
def ingest_step(
    store: str, path: str, format: str | None, mapping: str | None, namespace: str | None, reader: SecretStr | None
) -> str:
    """Ingest one source; return the verdict and, below it, the account.

    What it raises does not name a personal export, as Prefect keeps it: the name may be the reader's id.
    """
    upload, columns = Upload.open(Path(path)), read_mapping(Path(mapping)) if mapping else None
    source = source_named(format or Events.name) if format or columns else recognise(upload)
    options = Options(mapping=columns, reader=reader.get_secret_value() if reader else None)
    try:
        with TerminalProgress() as progress:
            outcome = ingest(Store(Path(store)), Path(path), source, progress, options=options, namespace=namespace)
    except WagahaiError as error:
        if source.names_readers or reader:
            raise without_names(error, upload) from None
        raise
    get_run_logger().info(outcome.verdict)
    return outcome.verdict if outcome.unchanged else f"{outcome.verdict}\n{report(outcome.account)}"


@task(name="build corpus", cache_policy=NO_CACHE, persist_result=False)
def corpus_step(store: str, version: int, profile: str) -> str:
    """Build the corpus of a history version; return its folder."""
    opened = Store(Path(store))
    history = ReadingHistory(opened.history, version)
    folder, made = build_corpus.make_corpus(opened, history, load_settings(profile).corpus)
    _say("corpus", folder, made)
    return str(folder)


@task(name="fit model", cache_policy=NO_CACHE, persist_result=False, task_run_name="fit {kind} on {part}")
def fit_step(store: str, corpus: str, kind: str, part: str, profile: str, seed: int) -> str:
    """Fit one model to a corpus or the training part of one of its splits; return its folder."""
    chosen = _part(corpus, part, seed)
    with TerminalProgress() as progress:
        folder, made = represent.make_model(Store(Path(store)), kind, chosen, load_settings(profile), progress)
    _say(f"{kind} on {part}", folder, made)
    return str(folder)


@task(name="evaluate", cache_policy=NO_CACHE, persist_result=False, task_run_name="evaluate on {part}")
def evaluate_step(store: str, corpus: str, part: str, models: dict[str, str], profile: str, seed: int) -> str:
    """Judge models on the test readers of a split; return the evaluation's folder."""
    chosen = _part(corpus, part, seed)
    folders = _paths(models)
    with TerminalProgress() as progress:
        settings = load_settings(profile)
        folder, made = represent.make_evaluation(Store(Path(store)), chosen, folders, settings, progress)
    _say(f"evaluation on {part}", folder, made)
    return str(folder)


@task(name="ensemble", cache_policy=NO_CACHE, persist_result=False)
def ensemble_step(store: str, corpus: str, kind: str, profile: str, seed: int) -> str | None:
    """Learn a space again from samples of the readers; return the folder, None if the profile asks for none."""
    settings = load_settings(profile)
    if not settings.ensemble.n_replicates:
        return None
    chosen = _part(corpus, represent.WHOLE, seed)
    with TerminalProgress() as progress:
        folder, made = make_ensemble(Store(Path(store)), kind, chosen, settings, progress)
    _say(f"ensemble of {kind}", folder, made)
    return str(folder)


@task(name="judge topics", cache_policy=NO_CACHE, persist_result=False)
def topics_step(store: str, corpus: str, models: dict[str, str], profile: str, seed: int) -> str | None:
    """Judge the topics of models fitted to the training readers; return the folder, None if there is no such model."""
    if not models:
        return None
    chosen = _part(corpus, represent.READERS, seed)
    folders = _paths(models)
    with TerminalProgress() as progress:
        settings = load_settings(profile)
        folder, made = make_topic_quality(Store(Path(store)), chosen, folders, settings, progress)
    _say("quality of topics", folder, made)
    return str(folder)


@task(name="predict", cache_policy=NO_CACHE, persist_result=False, task_run_name="predict {name}")
def predict_step(
    store: str,
    corpus: str,
    name: str,
    version: int,
    judged: dict[str, str],
    of_all: dict[str, str],
    profile: str,
    seed: int,
) -> Learned:
    """Learn and judge a task on readers and books; return its folders, or why it is left out: it stops nothing.

    Parameters
    ----------
    judged, of_all
        Kind -> folder of the models fitted to the training readers, and to everybody.
    """
    opened = Store(Path(store))
    history = ReadingHistory(opened.history, version)
    models = Models(_paths(judged), _paths(of_all))
    part, settings = _part(corpus, represent.READERS, seed), load_settings(profile)
    with TerminalProgress() as progress:
        found = predict(opened, name, history, part, models, settings, progress)
    if isinstance(found, LeftOut):
        get_run_logger().warning("%s is not predicted: %s", name, found.why)
        return Learned(predictor="", quality="", models={}, left_out=found.why)
    _say(f"predictor of {name}", found.predictor, found.made)
    folders = {kind: str(folder) for kind, folder in found.models.items()}
    return Learned(predictor=str(found.predictor), quality=str(found.quality), models=folders, left_out="")


@task(name="Boltzmann machine", cache_policy=NO_CACHE, persist_result=False)
def boltzmann_step(store: str, corpus: str, profile: str, seed: int) -> Machine | None:
    """Fit and judge a machine of readers; return its folders, or why there is none; None if none is asked for."""
    settings = load_settings(profile)
    if not settings.boltzmann.on:
        return None
    with TerminalProgress() as progress:
        found = make_boltzmann(Store(Path(store)), _part(corpus, represent.READERS, seed), settings, progress)
    if isinstance(found, LeftOut):
        get_run_logger().warning("no Boltzmann machine: %s", found.why)
        return Machine(model="", quality="", portrait="", left_out=found.why)
    _say("Boltzmann machine", found.model, found.made)
    return Machine(model=str(found.model), quality=str(found.quality), portrait=str(found.portrait), left_out="")


@task(name="publish", cache_policy=NO_CACHE, persist_result=False)
def publish_step(store: str, trained: Trained, profile: str, seed: int) -> publish.Published:
    """Assemble a release, judge it and switch to it if it is good; return what happened."""
    opened = Store(Path(store))
    history = ReadingHistory(opened.history, trained["version"])
    works, _ = make_works(opened, history)
    spaces = _paths(trained["spaces"])
    ensemble = Path(trained["ensemble"]) if trained["ensemble"] else None
    evaluations = [Path(folder) for folder in trained["evaluations"]]
    topics = Path(trained["topic_quality"]) if trained["topic_quality"] else None
    learned = trained["predictors"]
    ingredients = Ingredients(
        history,
        works,
        Path(trained["corpus"]),
        spaces,
        ensemble,
        evaluations,
        load_settings(profile),
        seed,
        topics,
        predictors={name: _predicted(one) for name, one in learned.items() if not one["left_out"]},
        not_predicted={name: one["left_out"] for name, one in learned.items() if one["left_out"]},
        boltzmann=_machine(trained["boltzmann"]),
    )
    with TerminalProgress() as progress:
        outcome = publish.publish(opened, ingredients, progress)
    get_run_logger().info(outcome.verdict)
    return outcome


@task(name="report", cache_policy=NO_CACHE, persist_result=False, task_run_name="{page} report")
def report_step(store: str, release_id: str | None, page: str) -> str:
    """Write a page of a release, one of `pipeline.rollback.PAGES`; return its path."""
    opened = Store(Path(store))
    return str(WRITERS[page](opened, Release.open(opened, release_id)))


def latest_version(store: str) -> int:
    """Return the version of the history that a run pins."""
    return History(Store(Path(store)).history).latest().version


def kinds_of(corpus: str, split: str, profile: str) -> tuple[str, ...]:
    """Return the kinds of models that are judged side by side on a split."""
    return represent.compared(Path(corpus), load_settings(profile), split)


def spaces_of(profile: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the kinds of the spaces, the default one first, and those among them that have topics."""
    settings = load_settings(profile)
    return settings.spaces, settings.topics.models


def kinds_for_all(corpus: str, profile: str) -> tuple[str, ...]:
    """Return the kinds of models that are fitted to everybody, to be published or asked."""
    return kinds_of_all(Path(corpus), load_settings(profile))


def splits_of(corpus: str, profile: str) -> list[str]:
    """Return the splits a corpus is judged on."""
    return represent.split_names(Path(corpus), load_settings(profile).split)


def _part(corpus: str, name: str, seed: int) -> represent.Part:
    """Return a part of a corpus, to be fitted on the device that the environment asks for."""
    return represent.Part(Path(corpus), name, seed, os.environ.get(DEVICE_VARIABLE) or "auto")


def _paths(folders: dict[str, str]) -> dict[str, Path]:
    return {kind: Path(folder) for kind, folder in folders.items()}


def _predicted(learned: Learned) -> Predicted:
    return Predicted(Path(learned["predictor"]), Path(learned["quality"]), _paths(learned["models"]))


def _machine(found: Machine | None) -> Boltzmann | LeftOut | None:
    if found is None:
        return None
    if found["left_out"]:
        return LeftOut(found["left_out"])
    return Boltzmann(Path(found["model"]), Path(found["quality"]), Path(found["portrait"]))


def _say(what: str, folder: Path, made: bool) -> None:
    get_run_logger().info("%s %s: %s", what, folder.name, "made" if made else "known, not recomputed")
