"""The predictor of what is read next, learned from few validation readers or none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from data.artifact import read_json
from data.corpus import Corpus
from data.errors import EmptyCorpus
from data.progress import Quiet
from data.split import HeldOut, Split
from data.store import Store
from pipeline.config import Settings, SplitConfig
from pipeline.doubt_config import PredictorsConfig
from pipeline.represent import READERS, Part, make_model
from pipeline.will_read import make_will_read
from tests.models.corpora import tastes

SETTINGS = Settings(
    split=SplitConfig(p_held_out=0.3),
    predictors=PredictorsConfig(will_read={"hidden_sizes": [4], "epochs": 2}),
)


def first_readers(held_out: HeldOut, n: int) -> HeldOut:
    return HeldOut(held_out.rows[:n], held_out.visible[:n], held_out.hidden[:n])


def learned_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, n: int) -> Path:
    """Learn from the first `n` validation readers."""
    store, corpus = Store(tmp_path / "store"), tmp_path / "corpus"
    corpus.mkdir()
    tastes(seed=0).save(corpus, {}, {})
    part = Part(corpus, READERS, 0)
    models = {"item_knn": make_model(store, "item_knn", part, SETTINGS, Quiet())[0]}
    split: Split = part.split(SETTINGS.split)
    few = replace(split, validation=first_readers(split.validation, n))
    monkeypatch.setattr(Part, "split", lambda *_: few)
    author = np.arange(Corpus.load(corpus).n_books)
    return make_will_read(store, part, models, author, SETTINGS, Quiet())[0]


@pytest.mark.parametrize("n", [1, 2, 5])
def test_few_validation_readers_are_learned_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, n: int) -> None:
    folder = learned_from(tmp_path, monkeypatch, n)
    assert read_json(folder / "manifest.json")["metrics"]["n_readers"] == (n if n < 3 else 4), (
        "a fifth says when to stop"
    )


def test_without_any_the_task_is_refused_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EmptyCorpus, match="no validation reader"):
        learned_from(tmp_path, monkeypatch, 0)
