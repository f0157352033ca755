"""A refresh by plain calls, without Prefect: what the flow does, step by step, for tests."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import data.store as store_module
from data.history import History
from data.progress import Quiet
from data.sources.base import Options
from data.sources.catalogue import source_named
from data.sources.mapping import read_mapping
from data.store import Store
from pipeline.assemble import Ingredients
from pipeline.build_corpus import make_corpus
from pipeline.config import (
    EvaluationConfig,
    PublishConfig,
    SampleConfig,
    Settings,
    SplitConfig,
    TopicsConfig,
)
from pipeline.doubt_config import EnsembleConfig, PredictorsConfig
from pipeline.downstream import LeftOut, Models, Predicted, kinds_of_all, predict
from pipeline.ensemble import make_ensemble
from pipeline.ingest import ingest
from pipeline.judge_topics import make_topic_quality
from pipeline.make_works import make_works
from pipeline.publish import Published, publish
from pipeline.represent import READERS, WHOLE, Part, compared, make_evaluation, make_model, split_names
from pipeline.sample import make_sample

SMALL = Settings(
    sample=SampleConfig(n_readers=800),  # with fewer the gate tells two equal releases apart by luck
    split=SplitConfig(p_held_out=0.2, time=False),
    evaluation=EvaluationConfig(n_bootstrap=50),
    publish=PublishConfig(spaces=("spectral", "word2vec")),
    ensemble=EnsembleConfig(n_replicates=4, n_judged=300),
    topics=TopicsConfig(models=("lda",), n_seeds=2),
    models={
        "lda": {"n_topics": 8, "epochs": 20, "cooling_epochs": 10, "n_starts": 1},
        "word2vec": {"embedding_size": 32, "epochs": 30},
        "spectral": {"n_dims": 64},
    },
    predictors=PredictorsConfig(
        n_draws=8,
        rating={"hidden_sizes": [32], "epochs": 12},
        will_read={"hidden_sizes": [8], "epochs": 8, "batch_size": 256},
        rating_features={"n_fitted_readers": 40},
    ),
)


def ingest_sample(store: Store, settings: Settings, seed: int = 0) -> None:
    """Make the bundled sample and ingest it."""
    folder = make_sample(store, settings.sample, seed, Quiet())
    options = Options(mapping=read_mapping(folder / "mapping.toml"))
    ingest(store, folder / "readings.csv", source_named("events"), Quiet(), options=options, namespace="sample")


def train_and_publish(store: Store, settings: Settings, seed: int = 0) -> Published:
    """Fit, judge and publish what the history holds."""
    history = History(store.history).latest()
    corpus, _ = make_corpus(store, history, settings.corpus)
    whole = Part(corpus, WHOLE, seed)
    of_all = {kind: make_model(store, kind, whole, settings, Quiet())[0] for kind in kinds_of_all(corpus, settings)}
    spaces = {kind: of_all[kind] for kind in settings.spaces}
    ensemble = make_ensemble(store, settings.publish.spaces[0], whole, settings, Quiet())[0]
    evaluations, topics, learned = [], None, {}
    for name in split_names(corpus, settings.split):
        part = Part(corpus, name, seed)
        models = {
            kind: make_model(store, kind, part, settings, Quiet())[0] for kind in compared(corpus, settings, name)
        }
        evaluations.append(make_evaluation(store, part, models, settings, Quiet())[0])
        if name == READERS and settings.topics.models:
            judged = {kind: models[kind] for kind in settings.topics.models}
            topics = make_topic_quality(store, part, judged, settings, Quiet())[0]
        if name == READERS:
            both = Models(models, of_all)
            learned = {
                task: predict(store, task, history, part, both, settings, Quiet()) for task in settings.predictors.tasks
            }
    works = make_works(store, history)[0]
    made = Ingredients(history, works, corpus, spaces, ensemble, evaluations, settings, seed, topics)
    predictors = {task: found for task, found in learned.items() if isinstance(found, Predicted)}
    left_out = {task: found.why for task, found in learned.items() if isinstance(found, LeftOut)}
    return publish(store, replace(made, predictors=predictors, not_predicted=left_out))


def refresh(store: Store, settings: Settings = SMALL, seed: int = 0) -> Published:
    """Ingest the sample of `seed` and publish a release of all that was ingested."""
    store.sweep()
    ingest_sample(store, settings, seed)
    return train_and_publish(store, settings)


def count_flushes(die_at: int = 0) -> list[int]:
    """Count what is flushed to disk from now on; at the `die_at`th, kill this process as by ``kill -9``."""
    flush, seen = store_module._flush, [0]

    def counting(path: Path) -> None:
        seen[0] += 1
        if seen[0] == die_at:
            os.kill(os.getpid(), signal.SIGKILL)
        flush(path)

    store_module._flush = counting
    return seen


if __name__ == "__main__":  # python -m tests.refreshing STORE SEED NTH_FLUSH; prints how many there were
    flushes = count_flushes(int(sys.argv[3]))
    refresh(Store(Path(sys.argv[1])), seed=int(sys.argv[2]))
    sys.stdout.write(f"{flushes[0]}\n")
