"""Flow: from a history version to fitted models and their evaluations."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.artifacts import create_markdown_artifact
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from data.artifact import read_json
from data.errors import BadConfig
from data.store import Store
from flows.steps import (
    Trained,
    boltzmann_step,
    corpus_step,
    ensemble_step,
    evaluate_step,
    fit_step,
    kinds_for_all,
    kinds_of,
    latest_version,
    predict_step,
    spaces_of,
    splits_of,
    topics_step,
)
from pipeline.config import load_settings
from pipeline.represent import READERS, WHOLE, check_settings

RUNNERS = ("threads", "dask")


@flow(name="train_models", log_prints=False, persist_result=False)
def train_models(
    store: str | None = None,
    profile: str = "default",
    seed: int = 0,
    version: int | None = None,
) -> Trained:
    """Build the corpus, fit every model on every part it is needed on, and judge them.

    What the store already has is not computed again.

    Parameters
    ----------
    version
        History version to train on; the latest if None.
    """
    root = str(Store.from_environment(store).root)
    check_settings(load_settings(profile), seed)
    pinned = latest_version(root) if version is None else version
    corpus = corpus_step(root, pinned, profile)
    splits = splits_of(corpus, profile)
    spaces, with_topics = spaces_of(profile)
    # gensim releases the interpreter lock and runs on one core, so the fits run side by side
    of_all = {
        kind: fit_step.submit(root, corpus, kind, WHOLE, profile, seed) for kind in kinds_for_all(corpus, profile)
    }
    fits = {
        s: {k: fit_step.submit(root, corpus, k, s, profile, seed) for k in kinds_of(corpus, s, profile)} for s in splits
    }
    evaluations = []
    for split, futures in fits.items():
        folders = {kind: future.result() for kind, future in futures.items()}
        evaluations.append(evaluate_step(root, corpus, split, folders, profile, seed))
    fitted = {kind: future.result() for kind, future in of_all.items()}
    ensemble = ensemble_step(root, corpus, spaces[0], profile, seed)
    judged = {kind: fits[READERS][kind].result() for kind in with_topics}
    topics = topics_step(root, corpus, judged, profile, seed)
    compared = {kind: future.result() for kind, future in fits[READERS].items()}
    tasks = load_settings(profile).predictors.tasks
    predictors = {name: predict_step(root, corpus, name, pinned, compared, fitted, profile, seed) for name in tasks}
    boltzmann = boltzmann_step(root, corpus, profile, seed)
    trained = Trained(
        version=pinned,
        corpus=corpus,
        spaces={kind: fitted[kind] for kind in spaces},
        ensemble=ensemble,
        topic_quality=topics,
        evaluations=evaluations,
        predictors=predictors,
        boltzmann=boltzmann,
    )
    _leave_artifact(trained, splits)
    return trained


def _leave_artifact(trained: Trained, splits: list[str]) -> None:
    size = read_json(Path(trained["corpus"]) / "manifest.json")["metrics"]
    sizes = f"{size['n_readers']:,} readers, {size['n_books']:,} books, {size['n_readings']:,} readings"
    verdict = f"trained on history version {trained['version']}: {sizes}; judged on {' and '.join(splits)}"
    learned = [one["predictor"] for one in trained["predictors"].values()]
    made = [trained["corpus"], *trained["spaces"].values(), trained["ensemble"], trained["topic_quality"], *learned]
    made += [trained["boltzmann"]["model"]] if trained["boltzmann"] else []
    folders = [*filter(None, made), *trained["evaluations"]]
    lines = [f"**{verdict}**", "", *(f"- `{Path(folder).parent.name}/{Path(folder).name}`" for folder in folders)]
    create_markdown_artifact(markdown="\n".join(lines), key="train-models", description="What was trained")


def with_runner(name: str) -> TaskRunner[Any]:
    """Return the task runner of that name: ``threads`` here, or ``dask`` (extra ``dask``) on a cluster.

    Raises
    ------
    BadConfig
        If the name is unknown or its package is not installed: never another runner instead.
    """
    if name == "threads":
        return ThreadPoolTaskRunner(max_workers=2)
    if name != "dask":
        raise BadConfig(f"runner {name!r}: expected one of {', '.join(RUNNERS)}")
    try:
        from prefect_dask.task_runners import DaskTaskRunner
    except ImportError as error:
        raise BadConfig("runner 'dask' needs the extra: pip install 'wagahai[dask]'") from error
    logging.getLogger("distributed").setLevel(logging.WARNING)  # it tells every connection at INFO
    runner: TaskRunner[Any] = DaskTaskRunner()
    return runner
