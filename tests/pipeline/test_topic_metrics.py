"""The judging of topics: by hand, by definition, and against the neutral protocol."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.metrics import normalized_mutual_info_score

from models.coherence import npmi, top_books
from pipeline.topic_metrics import (
    cluster_nmi,
    cluster_purity,
    completion_perplexity,
    dead,
    diversity,
    duplicates,
    label_purity,
    matched_overlap,
    mean_stability,
    stability,
)
from tests.benchmarks.retrieval import load_protocol

# four readers, five books: 0 and 1 always together, 2 with them once, 3 never with 0, nobody read 4
READ = sp.csr_matrix(np.array([[1, 1, 0, 0, 0], [1, 1, 1, 0, 0], [0, 0, 1, 1, 0], [0, 0, 0, 1, 0]], np.float32))


@pytest.mark.parametrize(
    ("pair", "expected"),
    [
        ([0, 1], 1.0),  # p = p_both = 1/2: log 2 / log 2
        ([0, 2], 0.0),  # p_both = 1/4 = 1/2 * 1/2
        ([0, 3], -1.0),  # both are read, never together
        ([0, 4], 0.0),  # no evidence
    ],
)
def test_npmi_of_a_pair_by_hand(pair: list[int], expected: float) -> None:
    np.testing.assert_allclose(npmi(np.array([pair]), READ), [expected], atol=1e-12)


def test_npmi_of_a_topic_is_the_mean_over_its_pairs_and_counts_above_one_are_readings() -> None:
    tops = np.array([[0, 1, 2], [0, 3, 4]])
    np.testing.assert_allclose(npmi(tops, READ), [1 / 3, -1 / 3], atol=1e-12)
    np.testing.assert_allclose(npmi(tops, READ * 3), [1 / 3, -1 / 3], atol=1e-12)


def test_books_that_everybody_reads_are_coherent() -> None:
    np.testing.assert_allclose(npmi(np.array([[0, 1]]), sp.csr_matrix(np.ones((3, 2)))), [1.0])


def test_npmi_of_uneven_books_by_hand() -> None:
    counts = sp.csr_matrix(np.array([[1, 1], [1, 1], [1, 0], [0, 0], [0, 0]], np.float32))
    expected = np.log((2 / 5) / ((3 / 5) * (2 / 5))) / -np.log(2 / 5)
    np.testing.assert_allclose(npmi(np.array([[0, 1]]), counts), [expected])


def test_diversity_and_duplicates_by_hand() -> None:
    tops = np.array([[0, 1, 2, 3], [4, 5, 6, 0], [2, 3, 7, 8], [3, 2, 9, 10]])
    assert diversity(tops) == 11 / 16
    assert duplicates(tops).tolist() == [False, False, True, True]
    assert diversity(np.array([[0, 1], [0, 1]])) == 0.5


def test_dead_topics_have_hardly_a_reading_or_no_face() -> None:
    topics = np.array([[0.8, 0.2, 0.0], [0.0, 0.2, 0.8], [0.42, 0.2, 0.38], [0.0, 1.0, 0.0]])
    shares = np.array([0.48, 0.48, 0.02, 0.02])  # a tenth of an equal share is .025
    assert dead(topics, shares).tolist() == [False, False, True, True]
    even = np.array([0.4, 0.4, 0.15, 0.05])  # the average is (.383, .24, .377): the third is .04 from it
    assert dead(topics, even).tolist() == [False, False, True, False]
    assert dead(topics[:1], np.ones(1)).tolist() == [False]


def test_topics_are_matched_one_to_one() -> None:
    first = np.array([[0, 1, 2, 3], [4, 5, 6, 7]])
    second = np.array([[8, 9, 10, 7], [4, 5, 0, 1]])  # the second has half of both: only one may have it
    np.testing.assert_array_equal(matched_overlap(first, second), [0.5, 0.25])
    np.testing.assert_array_equal(matched_overlap(first, first[::-1, ::-1]), [1, 1])


def test_more_topics_than_matches_have_none() -> None:
    np.testing.assert_array_equal(matched_overlap(np.array([[0, 1], [2, 3]]), np.array([[3, 2]])), [0, 1])


def test_stability_is_the_mean_over_fits() -> None:
    a, b, c = np.array([[0, 1], [2, 3]]), np.array([[2, 3], [0, 9]]), np.array([[0, 1], [8, 9]])
    np.testing.assert_array_equal(stability([a, b, c]), [0.75, 0.5])
    # a and b: (.5 + 1) / 2; a and c: (1 + 0) / 2; b and c: 0 matches 0 in one, 9 in the other
    assert mean_stability([a, b, c]) == pytest.approx((0.75 + 0.5 + matched_overlap(b, c).mean()) / 3)
    with pytest.raises(ValueError, match="1 fit"):
        stability([a])


def test_completion_perplexity_by_hand() -> None:
    predicted = np.array([[0.5, 0.25, 0.25], [2.0, 0.0, 2.0]])  # the second row is made to sum to 1
    hidden = sp.csr_matrix(np.array([[0, 1, 0], [1, 1, 0]], np.float32))
    train = sp.csr_matrix(np.array([[1, 0, 0], [1, 1, 0]], np.float32))
    u = np.array([2.5, 1.5, 0.5]) / 4.5
    found = completion_perplexity(predicted, hidden, train)
    assert found.raw == pytest.approx((0.25 * 0.5 * 1e-12) ** (-1 / 3))
    mixed = (0.99 * 0.25 + 0.01 * u[1]) * (0.99 * 0.5 + 0.01 * u[0]) * (0.01 * u[1])
    assert found.mixed == pytest.approx(mixed ** (-1 / 3))
    assert found.unigram == pytest.approx((u[1] * u[0] * u[1]) ** (-1 / 3))


def test_a_word_hidden_twice_counts_twice() -> None:
    predicted = np.array([[0.2, 0.8]])
    train = sp.csr_matrix(np.ones((1, 2), np.float32))
    found = completion_perplexity(predicted, sp.csr_matrix(np.array([[2.0, 1.0]])), train)
    assert (found.raw, found.unigram) == pytest.approx(((0.2**2 * 0.8) ** (-1 / 3), 2.0))


def test_books_without_a_label_agree_with_none() -> None:
    authors = ["Soseki", "Soseki", "Ogai", None, "", None]
    tops = np.array([[0, 1, 2, 3], [2, 3, 4, 5]])
    np.testing.assert_array_equal(label_purity(tops, authors), [0.5, 0.25])


def test_purity_and_nmi_by_hand() -> None:
    clusters, labels = np.array([7, 7, 7, 9, 9, 9]), np.array([0, 0, 1, 1, 1, 1])
    assert cluster_purity(clusters, labels) == 5 / 6
    h_clusters, h_labels = np.log(2), -(np.log(1 / 3) + 2 * np.log(2 / 3)) / 3
    h_joint = -(np.log(1 / 3) / 3 + np.log(1 / 6) / 6 + np.log(1 / 2) / 2)
    assert cluster_nmi(clusters, labels) == pytest.approx(
        2 * (h_clusters + h_labels - h_joint) / (h_clusters + h_labels)
    )
    assert cluster_nmi(labels, labels) == pytest.approx(1)
    assert cluster_nmi(np.zeros(4, int), np.zeros(4, int)) == 0


def test_nmi_is_that_of_scikit_learn() -> None:
    random = np.random.default_rng(0)
    labels = random.integers(0, 6, 300)
    clusters = np.where(random.random(300) < 0.5, labels, random.integers(0, 4, 300))
    assert cluster_nmi(clusters, labels) == pytest.approx(normalized_mutual_info_score(labels, clusters))


def test_the_first_books_are_the_most_typical_ties_by_row() -> None:
    typical = np.array([[0.1, 0.5, 0.5, -np.inf], [3, 2, 1, 0]])
    np.testing.assert_array_equal(top_books(typical, 3), [[1, 2, 0], [0, 1, 2]])


@pytest.mark.realdata
def test_random_topics_get_the_figures_of_the_protocol(shared: Path) -> None:
    protocol = load_protocol(shared / "protocol" / "topics.py")
    random = np.random.default_rng(1)
    read = sp.csr_matrix((random.random((60, 200)) < random.random(200) ** 3).astype(np.float32))
    tops = np.array([random.choice(200, 10, replace=False) for _ in range(8)])
    authors = [None if i % 7 == 0 else f"author{i % 11}" for i in range(200)]
    assert npmi(tops, read).mean() == pytest.approx(protocol.npmi(tops, read)[0])
    assert diversity(tops) == protocol.diversity(tops)
    assert label_purity(tops, authors).mean() == pytest.approx(protocol.author_purity(tops, authors))
