"""Batch search against a sort of all similarities; an index against exact search."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import pipeline.index as module
from data.artifact import read_json, write_json
from data.errors import BadArtifact, BadConfig
from data.vectors import unit_rows
from pipeline.index import (
    GRAPH,
    MANIFEST,
    ExactIndex,
    GraphIndex,
    IndexConfig,
    Recall,
    make_index,
    measure_recall,
    nearest_rows,
    open_index,
)

N, D = 3000, 16
SMALL = IndexConfig(threshold=100, n_sample=200)


def clustered(n: int = N, d: int = D, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    centres = random.standard_normal((n // 50, d))
    return unit_rows(centres[random.integers(0, len(centres), n)] + 0.5 * random.standard_normal((n, d)))


@pytest.fixture(scope="module")
def graph() -> GraphIndex:
    pytest.importorskip("usearch")
    index = make_index(clustered(), SMALL, n_threads=1)
    assert isinstance(index, GraphIndex)
    return index


small_integers = st.integers(-2, 2).map(float)  # exact products, many ties


@given(
    vectors=arrays(np.float32, st.tuples(st.integers(1, 20), st.just(3)), elements=small_integers),
    directions=arrays(np.float32, st.tuples(st.integers(0, 5), st.just(3)), elements=small_integers),
    k=st.integers(0, 22),
    data=st.data(),
)
@settings(deadline=None)
def test_a_batch_is_a_stable_sort_of_each_querys_similarities(
    vectors: np.ndarray, directions: np.ndarray, k: int, data: st.DataObject
) -> None:
    n_left_out = data.draw(st.integers(0, len(vectors)))
    orders = [data.draw(st.permutations(range(len(vectors)))) for _ in directions]
    left_out = np.array([order[:n_left_out] for order in orders], np.int64).reshape(len(directions), n_left_out)
    rows, similarity = nearest_rows(vectors, directions, k, left_out)
    assert [str(found.dtype) for found in (rows, similarity)] == ["int64", "float32"]
    for direction, out, found, values in zip(directions, left_out, rows, similarity, strict=True):
        products = vectors @ direction
        allowed = [row for row in range(len(vectors)) if row not in out]
        expected = sorted(allowed, key=lambda row: (-products[row], row))[:k]
        assert found.tolist() == expected
        assert values.tolist() == products[expected].tolist()


def test_a_row_is_not_near_itself_unless_that_is_asked_for() -> None:
    vectors = unit_rows(np.array([[1, 0], [1, 0.1], [0, 1.0]]))
    rows, similarity = nearest_rows(vectors, np.array([2, 0]), 5)
    assert rows.tolist() == [[1, 0], [1, 2]]
    np.testing.assert_allclose(similarity, [[0.1 / 1.01**0.5, 0], [1 / 1.01**0.5, 0]], atol=1e-6)
    assert nearest_rows(vectors, np.array([2]), 1, np.empty((1, 0)))[0].tolist() == [[2]]
    assert nearest_rows(vectors, np.array([2, 0]), 5, np.array([[2, 1], [0, 1]]))[0].tolist() == [[0], [2]]
    assert nearest_rows(vectors, np.array([], np.int64), 2)[0].shape[0] == 0


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = clustered(500)
    whole = nearest_rows(vectors, np.arange(500), 7)
    monkeypatch.setattr(module, "MIN_BLOCK", 3)
    monkeypatch.setattr(module, "BLOCK_SCORES", 1)
    for one, other in zip(whole, nearest_rows(vectors, np.arange(500), 7), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_below_the_threshold_search_is_exact() -> None:
    vectors = clustered()
    index = make_index(vectors, IndexConfig(threshold=N))
    assert isinstance(index, ExactIndex)
    assert index.recall is None
    for one, other in zip(index.search(np.arange(5), 3), nearest_rows(vectors, np.arange(5), 3), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_graph_finds_nearly_all_and_says_how_many(graph: GraphIndex) -> None:
    assert graph.recall is not None
    assert graph.recall.mean > 0.99
    assert (graph.recall.k, graph.recall.n_queries) == (10, 200)
    sample = np.arange(0, N, 7)
    (found, similarity), (true, exact) = graph.search(sample, 10), nearest_rows(graph.vectors, sample, 10)
    same = np.mean([len(set(one) & set(other)) / 10 for one, other in zip(found, true, strict=True)])
    assert measure_recall(graph, graph.vectors, sample, 10).mean == pytest.approx(same)
    is_same = (found == true).all(axis=1)
    assert is_same.mean() > 0.9
    np.testing.assert_allclose(similarity[is_same], exact[is_same], atol=1e-6)  # exact, though the graph keeps halves


def test_the_recall_is_counted_by_hand() -> None:
    class Half:
        recall = None

        def search(
            self, queries: np.ndarray, k: int, exclude: np.ndarray | None = None
        ) -> tuple[np.ndarray, np.ndarray]:
            rows, similarity = nearest_rows(vectors, queries, k)
            rows[0] = -1
            rows[1, : k // 2] = -1
            return rows, similarity

    vectors = clustered(200)
    measured = measure_recall(Half(), vectors, np.array([5, 9, 11, 12]), 4)
    assert measured.mean == pytest.approx((0 + 0.5 + 1 + 1) / 4)
    assert measured.se == pytest.approx(np.std([0, 0.5, 1, 1]) / 2)
    assert str(measured) == "62.50% of the true 4 nearest found (4 queries against exact search)"


def test_what_is_excluded_is_no_answer_of_a_graph(graph: GraphIndex) -> None:
    first = graph.search(np.array([3, 4]), 6)[0]
    rest = graph.search(graph.vectors[[3, 4]], 3, np.column_stack([[3, 4], first[:, :3]]))[0]
    np.testing.assert_array_equal(rest, first[:, 3:])
    assert graph.search(graph.vectors[[3]], 1)[0].tolist() == [[3]]
    assert graph.search(graph.vectors[3:4], 0)[0].shape == (1, 0)
    assert graph.search(np.array([3]), N)[0].shape == (1, N - 1)  # nearly all: exact


def test_a_graph_is_kept_and_opened(graph: GraphIndex, tmp_path: Path) -> None:
    graph.save(tmp_path)
    opened = open_index(tmp_path, graph.vectors, n_threads=1)
    assert (opened.config, opened.recall) == (graph.config, graph.recall)
    for one, other in zip(opened.search(np.arange(99), 5), graph.search(np.arange(99), 5), strict=True):
        np.testing.assert_array_equal(one, other)
    assert sorted(path.name for path in tmp_path.iterdir()) == [GRAPH, MANIFEST]


def test_one_thread_makes_the_same_graph_again(graph: GraphIndex, tmp_path: Path) -> None:
    again = make_index(clustered(), SMALL, n_threads=1)
    assert again.recall == graph.recall
    np.testing.assert_array_equal(again.search(np.arange(N), 10)[0], graph.search(np.arange(N), 10)[0])


def test_a_graph_of_other_vectors_or_damaged_is_refused(graph: GraphIndex, tmp_path: Path) -> None:
    graph.save(tmp_path)
    with pytest.raises(BadArtifact, match="vectors: expected"):
        open_index(tmp_path, clustered(seed=1))
    content = (tmp_path / GRAPH).read_bytes()
    (tmp_path / GRAPH).write_bytes(content[:-1])
    with pytest.raises(BadArtifact, match="bytes, found"):
        open_index(tmp_path, graph.vectors)
    (tmp_path / GRAPH).write_bytes(b"x" * len(content))
    with pytest.raises(BadArtifact, match="cannot be read"):
        open_index(tmp_path, graph.vectors)
    write_json(tmp_path / MANIFEST, {**read_json(tmp_path / MANIFEST), "format": 0})
    with pytest.raises(BadArtifact, match="format: expected 1, found 0"):
        open_index(tmp_path, graph.vectors)


def test_impossible_settings_are_refused() -> None:
    with pytest.raises(BadConfig, match=r"index\.candidates: 0, expected at least 1"):
        IndexConfig(candidates=0)
    with pytest.raises(BadConfig, match=r"index\.threshold: -1"):
        IndexConfig(threshold=-1)
    assert Recall(1.0, 0.0, 1, 1).mean == 1


def test_only_numpy_is_loaded() -> None:
    heavy = "{'usearch', 'polars', 'scipy', 'gensim', 'torch'}"
    code = f"import pipeline.index, sys; assert not {heavy} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
