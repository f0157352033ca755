"""Shares of alike neighbours, chance and the best there could be, by hand and by counting."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from data.planted import SimulationConfig
from data.simulate import load_catalogue, simulate
from data.vocabulary import Vocabulary
from models.base import Run
from tests.benchmarks.planted import chance_of_same, labels_of, possible_of_same, rand_index, share_of_same
from tests.models.corpora import corpus_of

LABEL = np.array([0, 0, 0, 1, 1, 2, -1, -1])  # the sixth has no company, the last two no label


def test_share_is_of_books_with_company() -> None:
    nearest = np.array([[1, 3], [0, 2], [5, 6], [4, 0], [0, 1], [0, 1], [7, 0], [6, 0]])
    assert share_of_same(nearest, LABEL) == pytest.approx((1 + 2 + 0 + 1 + 0) / 10)


def test_chance_is_what_random_lists_have() -> None:
    pairs = [(LABEL[a], LABEL[b]) for a in range(5) for b in range(8) if a != b]
    assert chance_of_same(LABEL) == pytest.approx(np.mean([a == b for a, b in pairs]))


def test_possible_is_what_lists_of_all_there_are_have() -> None:
    assert possible_of_same(LABEL) == pytest.approx((2 + 2 + 2 + 1 + 1) / 5 / 10)
    assert possible_of_same(np.zeros(30, int)) == 1


def test_clusters_that_are_the_communities() -> None:
    community = np.repeat(np.arange(4), 10)
    assert rand_index(np.eye(4)[community], community, 4, Run()) == 1
    noise = np.random.default_rng(0).normal(size=(40, 4))
    assert abs(rand_index(noise, community, 4, Run())) < 0.15


def test_labels_are_the_catalogues_and_the_planted() -> None:
    truth = simulate(load_catalogue(), SimulationConfig(n_readers=20), 0).truth
    catalogue = load_catalogue()
    bare = catalogue.filter(imprint="")["edition"][0]
    cats = catalogue.filter(work="soseki-wagahai")["edition"].to_list()[:2]
    editions = [*cats, "soseki-botchan-shincho", bare]
    corpus = corpus_of([[0, 1, 2, 3]], 4)
    labels = labels_of(replace(corpus, books=Vocabulary.of(f"sample:{edition}" for edition in editions)), truth)
    first, second, same_shelf, without = (
        {what: int(label[i]) for what, label in labels.items()} for i in range(len(editions))
    )
    assert (first["work"], first["author"]) == (second["work"], second["author"])
    assert first["imprint"] != second["imprint"]
    assert first["work"] != same_shelf["work"]
    assert (first["imprint"], first["author"]) == (same_shelf["imprint"], same_shelf["author"])
    assert without["imprint"] == -1
    row = truth.editions.index(bare)
    assert without["community"] == int(truth.community_editions[:, row].argmax())
