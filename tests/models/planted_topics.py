"""Corpora drawn from topics that are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import scipy.sparse as sp
from scipy.optimize import linear_sum_assignment

from data.corpus import NO_DATE, Corpus
from data.planted import SimulationConfig, Truth
from data.simulate import load_catalogue, simulate
from data.vectors import unit_rows
from data.vocabulary import Vocabulary
from tests.models.corpora import corpus_of

# Loyalty to authors, series and editions draws books that no mixture of communities explains. On readers of that kind
# not even who knows which community made each reading finds the communities again with a cosine of .9.
LOYAL = SimulationConfig(min_community_editions=40)
INDEPENDENT = replace(LOYAL, loyalty_mean=1e-6, author_binge=1.0, series_pull=1.0, series_hold=1.0, other_edition=1.0)


def simulated(config: SimulationConfig) -> tuple[Corpus, Truth]:
    """Return the readers of the bundled catalogue, simulated, and the truth, books in the order of its editions."""
    simulation = simulate(load_catalogue(), config, seed=0)
    row = {edition: i for i, edition in enumerate(simulation.truth.editions)}
    histories: dict[str, list[int]] = {reader: [] for reader in simulation.truth.readers}
    for reader, edition in simulation.readings.select("reader", "edition").iter_rows():
        histories[reader].append(row[edition])
    return corpus_of(list(histories.values()), len(row)), simulation.truth


def cosines_of_true_assignments(corpus: Corpus, truth: Truth) -> np.ndarray:
    """Return the cosine of each community with the readings it made, given the true mixtures and communities."""
    reader = np.repeat(np.arange(corpus.n_readers), np.diff(corpus.counts.indptr))
    g = truth.reader_communities[reader] * truth.community_editions.T[corpus.counts.indices]
    read = np.zeros((corpus.n_books, len(truth.communities)))
    np.add.at(read, corpus.counts.indices, g / g.sum(axis=1, keepdims=True))
    cosines: np.ndarray = np.einsum("kb,kb->k", unit_rows(read.T), unit_rows(truth.community_editions))
    return cosines


def counted(counts: np.ndarray) -> Corpus:
    """Return the corpus of these counts (n_readers, n_books), which may be above 1."""
    matrix = sp.csr_matrix(counts.astype(np.float32))
    matrix.sort_indices()
    return Corpus(
        Vocabulary.of(f"reader{i}" for i in range(matrix.shape[0])),
        Vocabulary.of(f"book{i}" for i in range(matrix.shape[1])),
        matrix,
        matrix.indices.astype(np.int32),
        np.full(matrix.nnz, NO_DATE, np.int32),
        np.arange(matrix.shape[0], dtype=np.uint64),
    )


def drawn_from(topics: np.ndarray, alpha: float, n_readers: int, n_read: int, seed: int) -> np.ndarray:
    """Return counts (n_readers, n_books) as LDA draws them."""
    random = np.random.default_rng(seed)
    mixtures = random.dirichlet(np.full(len(topics), alpha), n_readers)
    return np.array([random.multinomial(n_read, p / p.sum()) for p in mixtures @ topics])


def matched_cosines(found: np.ndarray, planted: np.ndarray) -> np.ndarray:
    """Return the cosine of each planted topic with the one matched to it (Hungarian)."""
    cosine = unit_rows(planted) @ unit_rows(found).T
    rows, columns = linear_sum_assignment(-cosine)
    matched: np.ndarray = cosine[rows, columns]
    return matched
