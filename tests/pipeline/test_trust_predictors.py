"""What is published and what books are ranked by: rules, on qualities made by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.config import EvaluationConfig
from pipeline.judge_rating import BIASES, NET, OPINION, SHARES, STRONGEST, RatingQuality
from pipeline.judge_will_read import CURVE, LOG_LOSS, P_EDGES, POPULARITY, WillReadQuality
from pipeline.judge_will_read import NET as READ
from pipeline.metrics import METRICS
from pipeline.rating_metrics import KNOWN
from pipeline.trust_predictors import LIKELY, will_read_record
from pipeline.trust_rating import rating_record
from tests.pipeline.hand_quality import hand_quality

CONFIG = EvaluationConfig(n_bootstrap=200)
N_READERS = 60
LEAST = 5  # readers below which a group is not told


def reading(*, loss: float, ndcg: float) -> WillReadQuality:
    """60 readers: popularity loses 10 nats and finds .2, the blend finds .4, a little spread beside."""
    spread = np.linspace(-0.01, 0.01, N_READERS)
    per_reader = {f"{system}/{LOG_LOSS}": np.full(N_READERS, 10.0) + spread for system in (CURVE, POPULARITY)}
    per_reader[f"{READ}/{LOG_LOSS}"] = loss - spread
    for metric in METRICS:
        per_reader |= {f"{system}/{metric}": value + spread for system, value in (("blend", 0.4), (POPULARITY, 0.2))}
        per_reader[f"{READ}/{metric}"] = ndcg - spread
    bins, groups = np.zeros((3, len(P_EDGES) - 1)), np.zeros((5, 3, 3))
    bins[:, 5], groups[:, 1, 2] = (100, 10, 12), (100, 10, 12, 20, 2)
    n = np.full(N_READERS, 2)
    return WillReadQuality("blend", per_reader, n * 10, n, bins, groups)


@pytest.mark.parametrize(
    ("loss", "ndcg", "published", "rank_by"),
    [(8.0, 0.5, True, READ), (8.0, 0.4, True, "blend"), (10.0, 0.5, False, "blend"), (12.0, 0.5, False, "blend")],
)
def test_books_are_ranked_by_what_ranks_better_by_more_than_chance(
    loss: float, ndcg: float, published: bool, rank_by: str
) -> None:
    verdict = will_read_record(reading(loss=loss, ndcg=ndcg), CONFIG, "ndcg100", 0, LEAST)["verdict"]
    assert (verdict["is_published"], verdict["rank_by"]) == (published, rank_by)
    assert verdict["told"].startswith("No book is said to be read with 10 % or more;" if published else "Left out: ")


def test_what_is_told_of_probabilities_is_of_the_likely_pairs_alone() -> None:
    """All pairs together say nothing: their sum is right by design."""
    quality = reading(loss=8.0, ndcg=0.5)
    likely = np.flatnonzero(np.isclose(P_EDGES, LIKELY))
    quality.bins[:, likely], quality.bins[:, likely + 1] = [[30], [6], [3]], [[20], [9], [7]]
    told = will_read_record(quality, CONFIG, "ndcg100", 0, LEAST)["verdict"]["told"]
    assert told.startswith("Of books said to be read with 30.0 % (10 % or more), 20.0 % were; 4.000 nats")


def test_figures_of_what_is_read_are_those_of_the_arrays() -> None:
    record = will_read_record(reading(loss=8.0, ndcg=0.5), CONFIG, "ndcg100", 0, LEAST)
    rows = {(row["system"], row["metric"]): row for row in record["rows"]}
    assert rows[READ, LOG_LOSS]["mean"] == pytest.approx(4.0), "nats a book read: each of 60 readers reads 2"
    assert rows[READ, "ndcg100"]["over"]["blend"][0] == pytest.approx(0.1)
    assert record["reliability"] == [
        {"low": P_EDGES[5], "high": P_EDGES[6], "n": 100, "p": 0.1, "read": pytest.approx(0.12)}
    ]
    assert record["groups"] == [
        {"readers": ["warm"], "books": "hot", "is_told": True, "n": 100, "p": 0.1, "read": 0.12, "epistemic": 0.1}
    ]


def ratings(p_net: float, p_simple: float, n_readers: int = 40) -> RatingQuality:
    """Ratings of 1 and 2, each predicted right with these probabilities, by how often levels are given with a half."""
    random = np.random.default_rng(0)
    n = 20 * n_readers
    category = random.integers(0, 2, n)

    def right(p: float) -> np.ndarray:
        noise = random.uniform(-0.02, 0.02, n)
        of_category = np.clip(p + noise, 0.01, 0.99)
        rows = np.stack([1 - of_category, 1 - of_category], axis=1)
        rows[np.arange(n), category] = of_category
        return rows.astype(np.float32)

    systems = {NET: right(p_net), OPINION: right(0.5), SHARES: right(0.5), BIASES: right(p_simple)}
    systems[STRONGEST] = right(p_simple)
    half = np.full(n, 0.5, np.float32)
    levels = np.array([1, 2], np.float32)
    reader = np.repeat(np.arange(n_readers), 20)
    parts = (half / 5, half, half / 5, half)
    return RatingQuality(levels, category, reader, systems, *parts, reader, reader % 5, half > 0, reader)


@pytest.mark.parametrize(
    ("net", "simple", "published", "better", "told"),
    [
        (0.8, 0.6, True, True, "Better than what is simple"),
        (0.6, 0.6, True, False, "No better, within chance, than what is simple"),
        (0.6, 0.8, True, False, "Worse than what is simple"),
        (0.4, 0.4, False, False, "Left out: says no more than how often"),
    ],
)
def test_a_predictor_of_ratings_says_whether_it_is_better_than_what_is_simple(
    net: float, simple: float, published: bool, better: bool, told: str
) -> None:
    verdict = rating_record(ratings(net, simple), CONFIG, 0, LEAST)["verdict"]
    assert (verdict["is_published"], verdict["is_better"]) == (published, better)
    assert verdict["told"].startswith(told)


def test_the_doubt_is_split_into_shares() -> None:
    doubt = rating_record(ratings(0.8, 0.6), CONFIG, 0, LEAST)["doubt"]
    assert doubt == pytest.approx({"of_model": 1 / 6, "of_book": 1 / 12, "of_reader": 5 / 12, "stays": 1 / 3}, rel=1e-5)


@pytest.mark.parametrize(("n_hot", "readers"), [(4, [["warm", "hot"]]), (5, [["warm"], ["hot"]])])
def test_groups_of_few_readers_who_read_go_together(n_hot: int, readers: list[list[str]]) -> None:
    quality = reading(loss=8.0, ndcg=0.5)
    n_shown = np.where(np.arange(N_READERS) < n_hot, 90, 20)
    quality.groups[:, 1:, 2] = np.array([100, 10, 12, 20, 2])[:, None]
    found = will_read_record(replace(quality, n_shown=n_shown), CONFIG, "ndcg100", 0, LEAST)["groups"]
    assert [one["readers"] for one in found] == readers
    assert sum(one["n"] for one in found) == 200


def test_of_held_out_readers_who_are_all_too_few_nothing_is_told() -> None:
    found = will_read_record(reading(loss=8.0, ndcg=0.5), CONFIG, "ndcg100", 0, N_READERS + 1)["groups"]
    assert found == [{"readers": ["warm"], "books": "hot", "is_told": False}]


def test_groups_of_few_readers_who_rated_are_not_told() -> None:
    """Eighteen are cold, eighteen warm and four hot: these go with the warm ones, or with all."""
    quality = hand_quality()
    found = rating_record(quality, CONFIG, 0, LEAST)["groups"]
    assert {(tuple(one["readers"]), one["n_readers"]) for one in found} == {(("cold",), 18), (("warm", "hot"), 22)}
    assert sum(one["n"] for one in found) == len(quality.category)
    found = rating_record(quality, CONFIG, 0, 20)["groups"]
    assert {(tuple(one["readers"]), one["n_readers"]) for one in found} == {(KNOWN, 40)}
    lone = np.flatnonzero(quality.reader < 3)
    few = np.where(np.isin(np.arange(len(quality.reader)), lone[:9]), 0, 30)  # three know the books of few ratings
    told = rating_record(replace(quality, n_book_ratings=few), CONFIG, 0, LEAST)["groups"]
    assert "cold" not in {one["books"] for one in told}


def test_qualities_are_read_as_they_were_written(tmp_path: Path) -> None:
    for name, quality in (("reading", reading(loss=8.0, ndcg=0.5)), ("ratings", ratings(0.8, 0.6))):
        folder = tmp_path / name
        folder.mkdir()
        quality.save(folder, "v", {})
        again = type(quality).load(folder)
        for key, value in vars(quality).items():
            if isinstance(value, np.ndarray):
                np.testing.assert_array_equal(getattr(again, key), value)
            elif isinstance(value, dict):
                assert {k: v.tolist() for k, v in value.items()} == {
                    k: v.tolist() for k, v in getattr(again, key).items()
                }
            else:
                assert getattr(again, key) == value
