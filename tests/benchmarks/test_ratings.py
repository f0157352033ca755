"""The benchmark of ratings knows its data and its systems: nothing held out is known, and every system forecasts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.base import Run
from pipeline.rating_features import RatingFeatures, RatingFeaturesConfig
from pipeline.rating_metrics import Forecast, rating_figures
from tests.benchmarks.rating_data import HISTORIES, PARTS, RatingData, known_before
from tests.benchmarks.rating_systems import SYSTEMS, Problem, some_of_each
from tests.benchmarks.ratings import WITH, Measured, doubt, known, mended, parsed, report
from tests.pipeline.rated import rated


@pytest.fixture(scope="module")
def problem() -> Problem:
    ratings, context = rated(n_readers=80, n_books=50, share=0.5, seed=1)
    order = np.random.default_rng(2).permutation(len(ratings))
    train, validation, asked = (ratings.rows(rows) for rows in np.split(order, [1400, 1700]))
    features = RatingFeatures.fit(train, context, RatingFeaturesConfig(n_fitted_readers=20, n_beginnings=1))
    return Problem(train, validation, asked, features, Run(0))


@pytest.mark.parametrize("name", [name for name in SYSTEMS if name not in ("deep ensemble", "everybody")])
def test_every_system_forecasts_and_beats_everybody(name: str, problem: Problem) -> None:
    asked = problem.asked
    losses = []
    for system in (name, "everybody"):
        p = SYSTEMS[system](problem).p(asked, problem.rows_asked[None].features)
        losses.append(rating_figures(Forecast(p, asked.levels, asked.category), asked.reader)["nll"].value)
    assert losses[0] < losses[1] - 0.05


def test_what_is_told_of_a_predictor_is_complete(problem: Problem) -> None:
    told = SYSTEMS["bayes by backprop"](problem)
    rows = problem.rows_asked[None]
    figures = doubt(told, problem, rows.features, rows.n_book_ratings)
    assert {"aurc", "auroc_book", "auroc_shuffled", "auroc_reader"} <= set(figures)
    assert figures["auroc_shuffled"] > 0.5
    figures = mended(told, problem, told.p(problem.asked, rows.features))
    assert figures["conf90"] > 0.85
    assert 1 <= figures["conf_levels"] < 5, "all levels would hold every rating"


def test_some_of_each_reader(problem: Problem) -> None:
    some = some_of_each(problem.train, 3, np.random.default_rng(3))
    n = np.bincount(problem.train.reader, minlength=80)
    assert np.array_equal(np.bincount(some.reader, minlength=80), np.minimum(n, 3))
    assert not len(some_of_each(problem.train, 0, np.random.default_rng(3)))


def test_groups_part_the_rows(problem: Problem) -> None:
    masks = known(problem.train, problem.asked)
    for what in ("reader", "book"):
        parts = [mask for name, mask in masks.items() if name.startswith(what) and "unseen" not in name]
        assert np.array_equal(np.sum(parts, axis=0), np.ones(len(problem.asked)))


def test_tables_have_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    whole = {"a": [{"nll": 1.0, "sd": 2.0}, {"nll": 1.5, "sd": 2.0}], "b": [{"nll": 3.0, "sd": 1.0, "aurc": 0.25}]}
    report(parsed(["--protocol", "x.py"]), {"all": Measured(whole, {("a", "book: cold"): [{"nll": 4.0}]})})
    text = capsys.readouterr().out
    assert "with the unrated reading history" in text
    assert text.index("1.2500") < text.index("2.0000") < text.index("0.2500") < text.index("4.0000")
    assert "auroc" not in text


def test_both_histories_are_printed_where_both_are_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    chosen = parsed(["--protocol", "x.py", "--history", "all", "rated"])
    report(chosen, {name: Measured({"a": [{"nll": 1.0 + i}]}, {}) for i, name in enumerate(chosen.history)})
    text = capsys.readouterr().out
    places = [text.index(told) for told in (WITH["all"], "1.0000", WITH["rated"], "2.0000")]
    assert places == sorted(places)
    assert set(WITH) == set(HISTORIES)


def test_the_rated_history_has_no_reading_that_was_not_rated(problem: Problem) -> None:
    """And neither has one that is asked; unrated readings are in the whole history only."""
    parts = {"train": problem.train, "validation": problem.validation, "test": problem.asked}
    pairs = {name: np.stack([part.reader, part.book], axis=1).astype(np.int64) for name, part in parts.items()}
    every = np.stack(np.meshgrid(np.arange(80), np.arange(50), indexing="ij"), axis=-1).reshape(-1, 2)
    rated_pairs = {tuple(pair) for pair in pairs["train"].tolist()}
    asked = {tuple(pair) for name in PARTS[1:] for pair in pairs[name].tolist()}
    by_history = {
        history: {tuple(pair) for pair in every[known_before(every, parts, history)].tolist()} for history in HISTORIES
    }
    assert by_history["rated"] == rated_pairs
    assert by_history["all"] == {tuple(pair) for pair in every.tolist()} - asked
    assert rated_pairs < by_history["all"]


def test_options() -> None:
    chosen = parsed(["--protocol", "x.py"])
    assert chosen.splits == [0, 1, 2]
    assert chosen.part == "test"
    assert chosen.history == ["all"]
    assert chosen.groups == RatingFeaturesConfig().groups


@pytest.mark.realdata
def test_nothing_held_out_is_in_the_readings(shared: Path) -> None:
    data = RatingData.load(shared / "protocol" / "ratings.py", 1)
    counts = data.corpus.counts
    for name in PARTS:
        part = data.parts[name]
        found = np.asarray(counts[part.reader, part.book]).ravel()
        assert (found == (1 if name == "train" else 0)).all(), name
    assert [len(data.parts[name]) for name in PARTS] == [50124, 6266, 6266]
    assert 0.99 < (data.author >= 0).mean() < 1
