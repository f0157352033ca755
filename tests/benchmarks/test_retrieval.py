"""The table: means over splits, gains paired by reader, intervals over readers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from data.progress import Quiet
from data.split import reader_split
from models.base import Run
from models.item_knn import ItemKnn, ItemKnnConfig
from pipeline.config import EvaluationConfig, PublishConfig, Settings
from pipeline.evaluate import evaluate
from pipeline.metrics import METRICS, bootstrap_interval
from tests.benchmarks.retrieval import Measured, by_split, interval, parsed, role_of, row_of_split, shown, table
from tests.models.corpora import tastes

CONFIG = EvaluationConfig(n_bootstrap=200)


def measured(seed: int, model: str, readers: list[int], values: list[float], author_p10: float | None) -> Measured:
    per_reader = {metric: np.array(values) for metric in METRICS}
    return Measured(seed, model, np.array(readers), per_reader, {"author_p10": author_p10}, 0.0)


def test_readers_tested_once_have_the_ordinary_interval() -> None:
    values = np.random.default_rng(0).random(40)
    ordinary = bootstrap_interval(values, n_bootstrap=200, level=0.95, seed=5)
    found = interval(values, np.arange(40), CONFIG, 5)
    assert (found.mean, found.low, found.high) == pytest.approx((ordinary.mean, ordinary.low, ordinary.high))


def test_the_same_readers_in_another_split_are_no_news() -> None:
    values, readers = np.random.default_rng(0).random(40), np.arange(40)
    once, twice = interval(values, readers, CONFIG, 5), interval(np.tile(values, 2), np.tile(readers, 2), CONFIG, 5)
    assert (twice.mean, twice.low, twice.high) == pytest.approx((once.mean, once.low, once.high))


def test_gains_are_paired_over_the_readers_of_all_splits() -> None:
    results = [
        measured(0, "item_knn", [1, 4], [0.1, 0.5], 0.3),
        measured(0, "blend", [1, 4], [0.3, 0.7], None),
        measured(1, "item_knn", [4, 7, 8], [0.9, 0.0, 0.2], 0.5),
        measured(1, "blend", [4, 7, 8], [1.1, 0.2, 0.4], None),
    ]
    knn, blend = table(results, Settings())
    assert (knn["ndcg100"], blend["ndcg100"]) == pytest.approx((0.34, 0.54))
    # every reader gains .2, so there is nothing to be unsure of
    assert [blend[f"ndcg100_gain{end}"] for end in ("", "_low", "_high")] == pytest.approx([0.2] * 3)
    assert "ndcg100_gain" not in knn
    assert (knn["n_readers"], knn["author_p10"], blend["author_p10"]) == (5, 0.4, None)
    assert knn["ndcg100_low"] < knn["ndcg100"] < knn["ndcg100_high"]


def test_results_of_other_readers_are_not_paired() -> None:
    results = [measured(0, "item_knn", [1, 4], [0.1, 0.5], None), measured(0, "blend", [4, 1], [0.3, 0.7], None)]
    with pytest.raises(AssertionError):
        table(results, Settings())


def test_our_own_splits_are_judged_as_a_release_is() -> None:
    corpus = tastes(seed=1, n_readers=120)
    results = list(by_split(corpus, ["popularity", "item_knn"], Settings(), [3, 4], Quiet()))
    assert [(result.seed, result.model) for result in results] == [
        (seed, model) for seed in (3, 4) for model in ("popularity", "item_knn")
    ]
    split = reader_split(corpus, seed=4)
    model = ItemKnn.fit(split.train, ItemKnnConfig(), Run(4))
    expected = evaluate("readers", {"item_knn": model}, split.test, Quiet()).per_reader["item_knn"]
    for metric in METRICS:
        assert (results[-1].per_reader[metric] == expected[metric]).all()
    assert row_of_split(results[-1])["ndcg100"] == pytest.approx(expected["ndcg100"].mean())


def test_what_a_release_calls_its_own_is_marked() -> None:
    settings = replace(Settings(), publish=PublishConfig(spaces=("ppmi", "spectral")))
    models = ("item_knn", "ppmi", "spectral", "blend", "implicit ALS")
    assert [role_of(model, settings) for model in models] == [
        "yardstick", "default space", "space", "the release's ranking", "peer"
    ]  # fmt: skip
    row = {"model": "ppmi", "role": "default space", "ndcg100_gain": -0.02, "ndcg100_gain_low": -0.03}
    cells = shown({**row, "ndcg100_gain_high": 0.01}, settings)
    assert (cells["model"], cells["gain"]) == ("ppmi (default space)", "-0.0200 (-0.0300 to +0.0100)")


def test_one_seed_or_several() -> None:
    assert parsed(["--data", "x", "--seed", "0"]).seed == [0]
    assert parsed(["--data", "x", "--seed", "0", "1", "2"]).seed == [0, 1, 2]
    assert parsed(["--data", "x"]).seed == [0]


def test_no_peers_all_or_some() -> None:
    assert parsed(["--data", "x"]).peers is None
    assert parsed(["--data", "x", "--peers"]).peers == []
    assert parsed(["--data", "x", "--peers", "implicit ALS", "--seed", "1"]).peers == ["implicit ALS"]
