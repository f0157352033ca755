"""A release of more books than are searched whole: its spaces carry indexes, and answers say what these find."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from data.release import Release
from data.store import Store
from flows.cli import main
from pipeline.index import ExactIndex, GraphIndex
from pipeline.publish import publish
from pipeline.query import index_of, nearest
from pipeline.question import Question
from tests.pipeline.ingredients import N_BOOKS, ingredients, write_evaluation, write_history


def published(store: Store, index_above: int) -> Release:
    made = ingredients(store, write_history(store), write_evaluation(store, "good", spectral=0.5))
    settings = replace(made.settings, publish=replace(made.settings.publish, index_above=index_above))
    return Release.open(store, publish(store, replace(made, settings=settings)).release_id)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    opened = Store(tmp_path_factory.mktemp("store"))
    published(opened, index_above=0)
    return opened


@pytest.fixture(scope="module")
def release(store: Store) -> Release:
    return Release.open(store)


def test_every_space_has_an_index_that_says_how_many_it_finds(release: Release) -> None:
    for space in release.spaces:
        index = index_of(release, space)
        assert isinstance(index, GraphIndex)
        assert index.recall is not None
        assert index.recall.mean == 1, "a graph of a dozen books reaches them all"
        assert index.recall.n_queries == N_BOOKS


@pytest.mark.parametrize("question", [Question((3,)), Question((1, 2)), Question((0,), unlike=(7,))])
def test_answers_are_those_of_exact_search_and_say_where_they_come_from(release: Release, question: Question) -> None:
    by_graph = nearest(release, question, 4)
    exact = nearest(release, question, 4, np.ones(N_BOOKS, bool))  # what filters is searched whole
    assert by_graph.rows.tolist() == exact.rows.tolist()
    np.testing.assert_allclose(by_graph.similarity, exact.similarity, atol=1e-6)
    assert by_graph.recall is not None
    assert exact.recall is None


def test_the_table_of_neighbours_is_the_same_but_for_how_sure(release: Release, tmp_path: Path) -> None:
    exact = published(Store(tmp_path), index_above=N_BOOKS)
    assert isinstance(index_of(exact), ExactIndex)
    tables = [pl.read_parquet(one.folder / "neighbours.parquet") for one in (release, exact)]
    same = ["book", "neighbour", "rank", "n_shared"]
    assert tables[0].select(same).equals(tables[1].select(same))
    np.testing.assert_allclose(tables[0]["similarity"], tables[1]["similarity"], atol=1e-6)


def test_the_command_line_prints_the_measured_recall(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--store", str(store.root), "nearest", "第0巻"]) == 0
    assert "Near books come from an index: 100.00% of the true 10 nearest found" in capsys.readouterr().out
