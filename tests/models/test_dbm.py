"""The machine of readers: contract, and planted blocks of books that are read together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from data.corpus import Corpus
from data.errors import BadConfig, EmptyCorpus
from models.base import Run
from models.dbm import Dbm
from models.dbm_config import ESTIMATORS, UNKNOWN, DbmConfig
from models.dbm_estimators import METHODS
from models.dbm_exact import log_likelihood
from models.dbm_units import most_read, without_tail
from models.lda import Lda
from tests.models.contract import RankerContract
from tests.models.corpora import corpus_of, shown, tastes
from tests.models.machines import all_rows, machine_of

SMALL = DbmConfig(
    hidden_sizes=(6, 4), n_visible=20, min_books=2, epochs=8, n_chains=50, batch_size=20, learning_rate=0.02
)


class TestDbm(RankerContract):
    model = Dbm
    config = SMALL


class TestDbmOfUnknownBooks(RankerContract):
    model = Dbm
    config = replace(SMALL, unshown=UNKNOWN, hidden_sizes=(6,))


class TestDbmOfBooksAndTopics(RankerContract):
    model = Dbm
    config = replace(SMALL, topics="lda", n_topics=2, topic_threshold=0.6)


# ---- planted blocks ---------------------------------------------------------------------

IN, OUT = 0.75, 0.05  # how likely a reader reads a book of the own block, and one of another


def blocks(n_readers: int = 900, seed: int = 0) -> Corpus:
    """Readers of one of three blocks of five books each; a sixteenth book that nobody reads."""
    random = np.random.default_rng(seed)
    own = np.arange(n_readers) % 3
    p = np.where(np.arange(15) // 5 == own[:, None], IN, OUT)
    drawn = random.random(p.shape) < p
    return corpus_of([np.flatnonzero(row).tolist() for row in drawn], 16)


def exactly(books: list[int]) -> np.ndarray:
    """Return how likely a reader of `books` and no others reads each other one as well, by Bayes' theorem."""
    p_block = np.where(np.arange(15) // 5 == np.arange(3)[:, None], IN, OUT)
    row = np.isin(np.arange(15), books)
    found = np.empty(15)
    for i in range(15):
        others = np.arange(15) != i
        likely = np.where(row, p_block, 1 - p_block)[:, others].prod(axis=1)
        found[i] = (likely / likely.sum()) @ p_block[:, i]
    return found


@pytest.fixture(scope="module")
def fitted() -> Dbm:
    config = DbmConfig(
        hidden_sizes=(8, 4), n_visible=15, min_books=1, epochs=60, n_chains=300, learning_rate=0.02, weight_decay=0.0
    )
    return Dbm.fit(blocks(), config, Run(1))


@pytest.mark.parametrize("books", [[0, 1, 2], [5, 6, 7, 8], [10, 11, 13], [0, 1, 2, 3, 9]])
def test_probabilities_are_those_of_the_blocks_that_were_planted(fitted: Dbm, books: list[int]) -> None:
    expected = exactly(books)
    asked = ~np.isin(np.arange(15), books)
    found = fitted.complete(shown([books], 16), seed=2)
    np.testing.assert_allclose(found.p[asked], expected[asked], atol=0.12)
    assert np.abs(found.p - expected)[asked].mean() < 0.05
    assert (found.low <= found.p + 1e-9)[asked].all()
    assert (found.p <= found.high + 1e-9)[asked].all()
    assert found.error[asked].max() < 0.02


def test_scores_are_log_odds_and_books_without_a_unit_have_none(fitted: Dbm) -> None:
    rows = shown([[0, 1, 2], [5, 6, 7, 8]], 16)
    scores = fitted.score(rows)
    assert np.isneginf(scores[:, 15]).all()
    expected = np.stack([exactly([0, 1, 2]), exactly([5, 6, 7, 8])])
    asked = rows.toarray()[:, :15] == 0
    np.testing.assert_allclose((1 / (1 + np.exp(-scores[:, :15])))[asked], expected[asked], atol=0.12)


def test_a_book_that_is_not_shown_is_absent_or_unknown(fitted: Dbm) -> None:
    unknown = Dbm(replace(fitted.config, unshown=UNKNOWN), fitted.units, fitted.machine)
    nobody, one = shown([[]], 16), shown([[0]], 16)
    assert abs(unknown.complete(nobody).p.mean() - (IN + 2 * OUT) / 3) < 0.04  # nothing is known
    of_block = IN / (IN + 2 * OUT)
    np.testing.assert_allclose(unknown.complete(one).p[1:5], of_block * IN + (1 - of_block) * OUT, atol=0.08)
    assert abs(unknown.score(one)[0, 1] - fitted.score(one)[0, 1]) > 0.1


def test_readers_of_too_few_of_the_books_are_not_learned_from() -> None:
    corpus = tastes(seed=0)
    few = [[0], [1], [2]] * 200
    more = corpus_of([*(corpus.counts[i].indices.tolist() for i in range(40)), *few], 24)
    config = replace(SMALL, n_visible=23)
    with_few, without = (Dbm.fit(c, config, Run()).machine.weights[0] for c in (more, corpus))
    np.testing.assert_array_equal(with_few, without)
    with pytest.raises(EmptyCorpus, match=r"lower dbm\.min_books"):
        Dbm.fit(corpus_of([[0], [1]], 2), config, Run())


def test_the_most_read_books_have_units() -> None:
    corpus = corpus_of([[3, 1], [3, 1], [3, 0], [2]], 6)
    assert most_read(corpus, 2).tolist() == [1, 3]
    assert most_read(corpus, 9).tolist() == [0, 1, 2, 3]  # nobody read the others


def test_topics_are_units_of_readers_with_a_large_share() -> None:
    corpus = tastes(seed=3)
    model = Dbm.fit(corpus, TestDbmOfBooksAndTopics.config, Run(3))
    units = model.units.of(corpus.counts)
    assert isinstance(model.units.topics, Lda)
    shares = model.units.topics.reader_topics(corpus.counts).mean
    assert units.shape == (40, 22)
    np.testing.assert_array_equal(units[:, 20:], shares >= 0.6)
    np.testing.assert_array_equal(units[:, :20], corpus.counts[:, model.units.books].toarray())
    assert 0 < units[:, 20:].mean() < 1
    assert len(model.complete(corpus.counts[:1]).p) == 20


@pytest.mark.parametrize("sizes", [(6, 4), (6, 4, 3), (6, 4, 3, 2)])
def test_units_made_hidden_are_summed_out(sizes: tuple[int, ...]) -> None:
    machine, rows = machine_of(sizes, seed=1), all_rows(6)
    whole = log_likelihood(machine, rows).reshape(2**4, 2**2)  # the last two units count fastest
    alone = log_likelihood(without_tail(machine, 4), all_rows(4))
    np.testing.assert_allclose(alone, whole.logsumexp(dim=1), rtol=1e-6)
    assert without_tail(machine, 6) is machine


def test_validation_readers_choose_the_epoch() -> None:
    config = replace(SMALL, epochs=80, judge_every=1, learning_rate=0.2, weight_decay=0.0, decay_from=1.0)
    corpus, held = tastes(seed=3, n_readers=10), tastes(seed=4)
    last = Dbm.fit(corpus, config, Run(3))
    best = Dbm.fit(corpus, config, Run(3), validation=held)  # ten readers are soon known by heart
    means = [float(model.likelihood(held.counts, 0).mean) for model in (last, best)]
    assert means[1] > means[0] + 1


def test_every_estimator_is_one_that_exists() -> None:
    assert set(ESTIMATORS) == set(METHODS)


@pytest.mark.parametrize(
    "wrong",
    [
        {"hidden_sizes": ()}, {"hidden_sizes": (0,)}, {"estimator": "mcmc"}, {"epochs": 0}, {"learning_rate": 0.0},
        {"weight_decay": -1.0}, {"centring": 2.0}, {"n_visible": 0}, {"unshown": "zero"}, {"topics": "nmf"},
        {"topic_threshold": 0.0}, {"decay_from": 1.5}, {"patience": -1}, {"min_books": 0},
    ],
)  # fmt: skip
def test_impossible_settings_are_refused(wrong: dict[str, object]) -> None:
    (name,) = wrong
    with pytest.raises(BadConfig, match=rf"dbm\.{name}"):
        DbmConfig(**wrong)  # type: ignore[arg-type]  # a wrong value is the point
