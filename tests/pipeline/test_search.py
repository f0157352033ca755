"""The search of settings: budget, rounds, winner and record, on readers whose best model is known."""

from __future__ import annotations

import tomllib
from collections import Counter
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data.corpus import Corpus
from data.errors import BadConfig, EmptyCorpus
from data.progress import Quiet
from data.split import HeldOut, Split, reader_split
from data.store import Store
from models.base import Run
from models.catalogue import model_class
from models.item_knn import ItemKnn, ItemKnnConfig
from pipeline import search as module
from pipeline.config import EvaluationConfig, Settings, SplitConfig, load_settings
from pipeline.evaluate import evaluate
from pipeline.search import SEARCHED, Searched, search, write_profile
from pipeline.typed_table import from_table
from tests.models.corpora import corpus_of

SETTINGS = Settings(evaluation=EvaluationConfig(n_bootstrap=100))
SPACE: dict[str, list[Any]] = {"n_neighbours": [1, 2, 5, 20], "b": [0.0, 0.5, 1.0], "k1": [0.5, 2.0]}
N_READERS, N_BOOKS = 500, 400


def paired_readers(n_readers: int = N_READERS, seed: int = 0) -> Corpus:
    """Books come in pairs: who read one has read the other. A model that knows one neighbour knows all."""
    random = np.random.default_rng(seed)
    pairs = [random.choice(N_BOOKS // 2, 4, replace=False) for _ in range(n_readers)]
    return corpus_of([np.stack([2 * chosen, 2 * chosen + 1], axis=1).ravel().tolist() for chosen in pairs], N_BOOKS)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def saved(folder: Path, corpus: Corpus) -> Path:
    folder.mkdir()
    corpus.save(folder, {}, {})
    return folder


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return saved(tmp_path / "corpus", paired_readers())


def find(store: Store, corpus: Path, n_sampled: int = 8, seed: int = 0, **space: list[Any]) -> Searched:
    return search(store, corpus, "item_knn", space or SPACE, n_sampled, seed, Quiet(), SETTINGS)


def test_a_model_that_knows_one_of_two_books_loses(store: Store, corpus: Path) -> None:
    # the two of a pair are as near to a book as it is to itself: of one kept it may be itself, of two it is both
    had = replace(SETTINGS, models={"item_knn": {"n_neighbours": 1}})
    found = search(store, corpus, "item_knn", {"n_neighbours": [1, 2]}, 1, 0, Quiet(), had)
    assert [trial.settings for trial in found.tried] == [{"n_neighbours": 1}, {"n_neighbours": 2}]
    assert found.winner is found.tried[1]
    assert found.winner.gain is not None
    assert found.winner.gain.low > 0.1


def test_settings_one_has_stay_if_nothing_beats_them(store: Store, corpus: Path) -> None:
    found = find(store, corpus, n_neighbours=[50, 1])
    assert found.tried[0].settings == {"n_neighbours": 50}
    assert found.winner is found.tried[0]
    assert found.tried[0].gain is None


def test_the_budget_is_kept_and_a_quarter_is_trained_on_all(store: Store, corpus: Path) -> None:
    fits: Counter[int] = Counter()
    real = ItemKnn.fit.__func__  # type: ignore[attr-defined]  # the function behind the class method

    def counted(cls: Any, /, data: Corpus, config: Any, run: Run, **kwargs: Any) -> Any:
        fits[data.n_readers] += 1
        return real(cls, data, config, run, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ItemKnn, "fit", classmethod(counted))
        found = find(store, corpus, n_sampled=11)
    assert len(found.tried) == 1 + 11
    assert (found.n_sampled, found.n_space) == (11, 24)
    assert found.n_sample == 300 < found.n_train
    n_full = sum(trial.full is not None for trial in found.tried)
    assert fits == {300: 12, found.n_train: n_full}
    assert n_full in (3, 4)  # a quarter of 12, and the defaults if they are not among them
    best = sorted((trial.sample or 0 for trial in found.tried[1:] if trial.full is not None), reverse=True)
    rest = [trial.sample or 0 for trial in found.tried if trial.full is None]
    assert min(best) >= max(rest)


def test_settings_are_drawn_once_each_and_from_the_space(store: Store, corpus: Path) -> None:
    found = find(store, corpus, n_sampled=1000, n_neighbours=[2, 5], b=[0.4, 0.8])
    drawn = [tuple(trial.settings.values()) for trial in found.tried]
    assert drawn[0] == (50, 0.4)  # the defaults, outside the space
    assert sorted(drawn[1:]) == [(2, 0.4), (2, 0.8), (5, 0.4), (5, 0.8)]


def test_another_seed_draws_others(store: Store, corpus: Path) -> None:
    def drawn(seed: int) -> list[dict[str, Any]]:
        return [trial.settings for trial in find(store, corpus, n_sampled=3, seed=seed).tried]

    assert drawn(0) == drawn(0)
    assert drawn(0) != drawn(1)


def test_figures_are_those_of_the_validation_readers(store: Store, corpus: Path) -> None:
    found = find(store, corpus, n_sampled=5)
    split = reader_split(Corpus.load(corpus), seed=0)

    def per_reader(settings: dict[str, Any]) -> np.ndarray:
        model = ItemKnn.fit(split.train, ItemKnnConfig(**settings), Run())
        return np.asarray(evaluate("", {"m": model}, split.validation, Quiet()).per_reader["m"]["ndcg100"])

    had = per_reader(found.tried[0].settings)
    assert found.n_validation == len(had)
    for trial in found.tried:
        if trial.full is not None:
            values = per_reader(trial.settings)
            assert trial.full == pytest.approx(values.mean())
            if trial.gain is not None:
                assert trial.gain.mean == pytest.approx((values - had).mean())


def test_test_readers_are_never_read(store: Store, corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Guarded:
        def __init__(self, split: Split) -> None:
            self.train, self.validation = split.train, split.validation

        @property
        def test(self) -> HeldOut:
            raise AssertionError("the search read the test readers")

    def guarded(readings: Corpus, **kwargs: Any) -> Guarded:
        return Guarded(reader_split(readings, **kwargs))

    monkeypatch.setattr(module, "reader_split", guarded)
    assert find(store, corpus).winner.full


def test_what_test_readers_read_changes_no_figure(tmp_path: Path) -> None:
    first = paired_readers()
    test_rows = set(reader_split(first, seed=0).test.rows.tolist())
    other = paired_readers(seed=1)
    mixed = [(other if row in test_rows else first).sequence_of(row).tolist() for row in range(N_READERS)]
    found = [
        find(Store(tmp_path / f"store{i}"), saved(tmp_path / f"c{i}", corpus)).tried
        for i, corpus in enumerate((first, corpus_of(mixed, N_BOOKS)))
    ]
    assert found[0] == found[1]


def test_a_small_corpus_is_not_sampled(store: Store, tmp_path: Path) -> None:
    found = find(store, saved(tmp_path / "small", paired_readers(60)), n_sampled=3)
    assert found.n_sample == found.n_train < 60
    assert all(trial.sample == trial.full for trial in found.tried if trial.full is not None)


def test_trials_are_kept_and_not_fitted_again(store: Store, corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = find(store, corpus, n_sampled=4)

    def no_fit(*_: object, **__: object) -> None:
        raise AssertionError("fitted again")

    monkeypatch.setattr(ItemKnn, "fit", no_fit)
    assert find(store, corpus, n_sampled=4) == found


def test_a_fit_that_diverges_is_a_trial_without_a_figure(
    store: Store, corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = ItemKnn.fit.__func__  # type: ignore[attr-defined]  # the function behind the class method

    def diverging(cls: Any, /, data: Corpus, config: ItemKnnConfig, run: Run, **kwargs: Any) -> Any:
        if config.n_neighbours == 2:
            raise FloatingPointError("diverged")
        return real(cls, data, config, run, **kwargs)

    monkeypatch.setattr(ItemKnn, "fit", classmethod(diverging))
    found = find(store, corpus, n_neighbours=[2, 5])
    assert {trial.settings["n_neighbours"]: trial.sample is None for trial in found.tried} == {
        50: False,
        2: True,
        5: False,
    }
    assert found.winner.full is not None


def test_progress_counts_the_trials(store: Store, corpus: Path) -> None:
    class Heard(Quiet):
        total = steps = 0

        def start(self, what: str, total: int) -> None:
            self.total = total

        def advance(self, steps: int = 1) -> None:
            self.steps += steps

    heard = Heard()
    found = search(store, corpus, "item_knn", SPACE, 7, 0, heard, SETTINGS)
    n_full = sum(trial.full is not None for trial in found.tried)
    assert heard.steps == 8 + n_full == heard.total


@pytest.mark.parametrize(
    ("kind", "space", "n_sampled", "message"),
    [
        ("item_kn", SPACE, 3, "unknown kind 'item_kn'"),
        ("item_knn", {"n_neighbor": [1]}, 3, r"models\.item_knn: unknown key 'n_neighbor'; did you mean"),
        ("item_knn", {"b": [0.5, 2.0]}, 3, r"item_knn\.b: 2\.0"),
        ("item_knn", SPACE, 0, "a budget of 0 settings, expected at least 1"),
        ("item_knn", {"b": []}, 3, "expected settings with values"),
        ("popularity", {}, 3, "popularity: expected settings with values"),
    ],
)
def test_a_search_that_cannot_be_is_refused_before_anything_is_fitted(
    store: Store, corpus: Path, kind: str, space: dict[str, list[Any]], n_sampled: int, message: str
) -> None:
    with pytest.raises(BadConfig, match=message):
        search(store, corpus, kind, space, n_sampled, 0, Quiet())
    assert not store.artifact("trial", "any").parent.exists()


def test_too_few_readers_are_refused(store: Store, tmp_path: Path) -> None:
    with pytest.raises(EmptyCorpus):
        find(store, saved(tmp_path / "two", paired_readers(2)))


@pytest.mark.parametrize("kind", SEARCHED)
def test_every_declared_value_is_one_the_model_takes(kind: str) -> None:
    config_type = model_class(kind).config_type
    for key, values in SEARCHED[kind].items():
        for value in values:
            from_table(config_type, {key: value}, kind)
    assert set(SEARCHED[kind]) <= {field.name for field in fields(config_type)}


def test_a_profile_holds_the_winner_and_how_it_was_found(store: Store, corpus: Path, tmp_path: Path) -> None:
    found = find(store, corpus)
    path = tmp_path / "found.toml"
    base = {
        "split": {"p_hidden": 0.3},
        "report": {"watch": ['"猫" \\ A', "B"]},
        "models": {"item_knn": {"k1": 9.0}, "ease": {"l2": 5.0}},
    }
    write_profile(path, [found], base)
    settings = load_settings(path)
    assert settings.split == SplitConfig(p_hidden=0.3)
    assert settings.report.watch == ('"猫" \\ A', "B")
    assert settings.models == {"item_knn": found.winner.settings, "ease": {"l2": 5.0}}
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    record = table["searched"]["item_knn"]
    assert settings.searched == table["searched"]
    assert (record["n_sampled"], record["seed"], record["data"]) == (8, 0, found.data)
    assert record["winner"] == found.winner.full
    assert record["had"] == found.tried[0].full
    assert [row["settings"] for row in record["tried"]] == [trial.settings for trial in found.tried]
    assert [row.get("full") for row in record["tried"]] == [trial.full for trial in found.tried]
    assert found.winner.gain is None or found.winner.gain.low == next(
        row["gain"]["low"] for row in record["tried"] if row["settings"] == found.winner.settings
    )
