"""The table of models: means, paired gains, and what is kept on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

from data.errors import BadArtifact
from data.progress import Quiet
from data.split import HeldOut
from models.base import Run
from models.popularity import Popularity, PopularityConfig
from pipeline.config import EvaluationConfig
from pipeline.evaluate import Evaluation, evaluate
from pipeline.metrics import METRICS, ranking_metrics
from tests.models.corpora import checkerboard, corpus_of, shown

CONFIG = EvaluationConfig(n_bootstrap=200, level=0.9)
FLOOR, BETTER = np.array([0.1, 0.5, 0.3]), np.array([0.3, 0.7, 0.5])


def evaluation() -> Evaluation:
    return Evaluation(
        "readers", {"popularity": dict.fromkeys(METRICS, FLOOR), "word2vec": dict.fromkeys(METRICS, BETTER)}
    )


def test_the_table_has_one_row_per_model_and_metric() -> None:
    rows = evaluation().table(CONFIG, seed=0)
    assert [(row["model"], row["metric"]) for row in rows] == [
        (model, metric) for model in ("popularity", "word2vec") for metric in METRICS
    ]
    assert {(row["split"], row["n_readers"]) for row in rows} == {("readers", 3)}


def test_the_gain_is_paired_by_reader() -> None:
    floor, better = evaluation().table(CONFIG, seed=0)[:: len(METRICS)]
    assert "gain" not in floor
    assert floor["mean"] == pytest.approx(0.3)
    assert better["mean"] == pytest.approx(0.5)
    # every reader gains .2: the difference is sure, though each mean is not
    assert (better["gain"], better["gain_low"], better["gain_high"]) == pytest.approx((0.2, 0.2, 0.2))
    assert better["low"] < 0.45
    assert better["high"] > 0.55


def test_the_same_seed_gives_the_same_table() -> None:
    assert evaluation().table(CONFIG, seed=0) == evaluation().table(CONFIG, seed=0)
    assert evaluation().table(CONFIG, seed=0) != evaluation().table(CONFIG, seed=1)


def test_an_evaluation_survives_saving(tmp_path: Path) -> None:
    evaluation().save(tmp_path, {"p_hidden": 0.2}, {"seed": 0})
    loaded = Evaluation.load(tmp_path)
    assert loaded.split == "readers"
    assert loaded.table(CONFIG, seed=0) == evaluation().table(CONFIG, seed=0)


def test_an_artifact_of_another_kind_is_no_evaluation(tmp_path: Path) -> None:
    corpus = checkerboard(4)
    Popularity.fit(corpus, PopularityConfig(), Run()).save(tmp_path, vocabulary="", provenance={})
    with pytest.raises(BadArtifact, match="kind: expected evaluation, found popularity"):
        Evaluation.load(tmp_path)


def test_popularity_finds_the_bestseller_of_every_reader() -> None:
    corpus = corpus_of([[0], [0], [0, 1]], n_books=3)
    held_out = HeldOut(np.arange(2), shown([[2], [0]], 3), shown([[0], [1]], 3))
    model = Popularity.fit(corpus, PopularityConfig(), Run())
    found = evaluate("readers", {"popularity": model}, held_out, Quiet()).per_reader["popularity"]
    assert found["ndcg100"].tolist() == [1.0, 1.0]


def test_many_readers_are_judged_as_all_at_once() -> None:
    random = np.random.default_rng(0)
    n = 600  # more than two blocks
    drawn = random.random((n, 30))
    drawn[:, 0], drawn[:, 1] = 0, 1
    visible = sp.csr_matrix((drawn < 0.2).astype(np.float32))
    hidden = sp.csr_matrix((drawn > 0.8).astype(np.float32))
    model = Popularity(PopularityConfig(), random.random(30).astype(np.float32))
    found = evaluate("readers", {"popularity": model}, HeldOut(np.arange(n), visible, hidden), Quiet())
    expected = ranking_metrics(model.score(visible), visible, hidden)
    for metric in METRICS:
        np.testing.assert_array_equal(found.per_reader["popularity"][metric], expected[metric])
