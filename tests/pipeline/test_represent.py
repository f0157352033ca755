"""Which models stand side by side, and how one is fitted."""

from __future__ import annotations

from pathlib import Path

import pytest

from data.artifact import read_json, write_json
from data.errors import BadConfig
from data.progress import Quiet
from data.store import Store
from pipeline.config import PublishConfig, Settings, TopicsConfig
from pipeline.represent import READERS, WHOLE, Part, check_settings, compared, make_model
from tests.models.corpora import tastes

SPACES = PublishConfig(spaces=("spectral", "word2vec"))


@pytest.mark.parametrize(
    ("n_readers", "n_books", "rankers"),
    [
        (101, 100, ("popularity", "item_knn", "ease", "blend")),
        (100, 101, ("popularity", "item_knn", "ease", "blend")),
        (101, 101, ("popularity", "item_knn")),
    ],
)
def test_ease_is_left_out_where_both_sides_are_too_large_to_invert(
    tmp_path: Path, n_readers: int, n_books: int, rankers: tuple[str, ...]
) -> None:
    write_json(tmp_path / "manifest.json", {"metrics": {"n_readers": n_readers, "n_books": n_books}})
    settings = Settings(publish=SPACES, topics=TopicsConfig(models=()), models={"ease": {"max_size": 100}})
    assert compared(tmp_path, settings) == (*rankers, "spectral", "word2vec")


def test_settings_searched_with_another_seed_are_refused() -> None:
    """The split of one seed has other test readers than that of another."""
    settings = Settings(searched={"ease": {"seed": 1}, "item_knn": {"seed": 1}})
    check_settings(settings, 1)
    with pytest.raises(BadConfig, match=r"searched\.ease: .*use --seed 1, or search again with --seed 0"):
        check_settings(settings, 0)
    with pytest.raises(BadConfig, match=r"searched\.item_knn: .* seed None"):
        check_settings(Settings(searched={"item_knn": {}}), 0)


@pytest.mark.parametrize("table", [{"patience": 3}, {"judge_every": 1}])
def test_settings_of_a_machine_that_would_do_nothing_are_refused(table: dict[str, int]) -> None:
    check_settings(Settings(models={"dbm": {"epochs": 3, "patience": 0}}), 0)
    with pytest.raises(BadConfig, match=rf"models\.dbm\.{next(iter(table))}: . has no effect in a profile"):
        check_settings(Settings(models={"dbm": table}), 0)


def test_models_of_topics_are_judged_on_the_split_by_readers_alone(tmp_path: Path) -> None:
    write_json(tmp_path / "manifest.json", {"metrics": {"n_readers": 100, "n_books": 100}})
    settings = Settings(publish=SPACES, topics=TopicsConfig(models=("prodlda",)))
    assert settings.spaces == ("spectral", "word2vec", "prodlda")
    assert compared(tmp_path, settings, READERS)[-3:] == settings.spaces
    assert compared(tmp_path, settings, "time")[-2:] == ("spectral", "word2vec")


def test_a_model_says_which_device_was_asked_for_and_one_that_is_not_there_is_refused(tmp_path: Path) -> None:
    store, corpus = Store(tmp_path / "store"), tmp_path / "corpus"
    corpus.mkdir()
    tastes(seed=0).save(corpus, {}, {})
    settings = Settings(models={"prodlda": {"n_topics": 2, "epochs": 1}})
    folder, _ = make_model(store, "prodlda", Part(corpus, WHOLE, 0, "cpu"), settings, Quiet())
    assert read_json(folder / "manifest.json")["provenance"]["device"] == "cpu"
    assert make_model(store, "prodlda", Part(corpus, WHOLE, 0, "auto"), settings, Quiet()) == (folder, False)
    with pytest.raises(BadConfig, match="device: 'tpu', expected one of auto, cpu, cuda"):
        make_model(store, "prodlda", Part(corpus, WHOLE, 1, "tpu"), settings, Quiet())
