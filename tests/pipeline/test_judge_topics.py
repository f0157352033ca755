"""Topics of hand-made models, judged: every figure is worked out here again, from the readings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from data.artifact import read_json
from data.corpus import Corpus
from data.progress import Quiet
from data.release import Release
from data.seeds import generator
from data.store import Store
from pipeline.build_corpus import corpus_digest
from pipeline.config import EvaluationConfig
from pipeline.judge_topics import KIND, N_RANDOM, TopicQuality, make_topic_quality, random_lists
from pipeline.represent import READERS, Part, make_model
from pipeline.topic_quality import per_reading, perplexity
from tests.pipeline.hand_topics import LEAK, PRIOR, take_the_place
from tests.pipeline.topic_release import N_BOOKS, SETTINGS, TASTE, build, corpus_of_release, store_of

store = store_of(build)


@pytest.fixture(scope="module")
def quality(store: Store) -> TopicQuality:
    return TopicQuality.load(store.artifact(KIND, Release.open(store).manifest["topic_quality"]))


@pytest.fixture(scope="module")
def corpus(store: Store) -> Corpus:
    return corpus_of_release(store)


def part_of(store: Store) -> Part:
    folder = store.artifact("corpus", Release.open(store).manifest["corpus"]["artifact"])
    return Part(folder, READERS, 0)


def test_lists_are_the_most_typical_books_of_the_training_readers(store: Store, quality: TopicQuality) -> None:
    n_readers = part_of(store).split(SETTINGS.split).train.readers_per_book
    ordered = sorted(range(TASTE), key=lambda book: (-n_readers[book], book))
    assert quality.models["lda"].lists.top[0, :TASTE].tolist() == ordered
    assert quality.models["lda"].lists.top.shape == (2, 25)


def test_coherence_is_counted_on_all_and_on_held_out_readers(
    store: Store, quality: TopicQuality, corpus: Corpus
) -> None:
    split = part_of(store).split(SETTINGS.split)
    held = np.concatenate([split.validation.rows, split.test.rows])
    assert not set(held) & set(np.flatnonzero(np.isin(corpus.reader_tokens, split.train.reader_tokens)))
    for rows, found in (
        (np.arange(corpus.n_readers), quality.models["lda"].lists.npmi_all),
        (held, quality.models["lda"].lists.npmi_held),
    ):
        read = corpus.counts[rows].toarray() > 0
        for topic, books in enumerate(quality.models["lda"].lists.top[:, :10]):
            values = []
            for i, one in enumerate(books):
                for other in books[:i]:
                    both, p = (read[:, one] & read[:, other]).mean(), read[:, one].mean() * read[:, other].mean()
                    values.append(0 if p == 0 else -1 if both == 0 else np.log(both / p) / -np.log(both))
            assert found[topic] == pytest.approx(np.mean(values))


def test_hidden_books_are_foretold_from_the_visible_ones(store: Store, quality: TopicQuality) -> None:
    """By hand: the Dirichlet posterior of the visible books mixes the blocks, and a hundredth is the unigram."""
    split = part_of(store).split(SETTINGS.split)
    n_readers = split.train.readers_per_book
    unigram = (n_readers + 0.5) / (n_readers + 0.5).sum()
    block = np.arange(N_BOOKS) // TASTE
    p = np.stack([np.where(block == k, n_readers, 0) / n_readers[block == k].sum() for k in (0, 1)])
    p = (1 - LEAK) * p + LEAK / N_BOOKS
    expected = []
    for part in (split.validation, split.test):
        for visible, hidden in zip(part.visible.toarray() > 0, part.hidden.toarray() > 0, strict=True):
            alpha = PRIOR + np.bincount(block[visible], minlength=2)
            predicted = alpha / alpha.sum() @ p
            expected.append(np.log(0.99 * predicted + 0.01 * unigram)[hidden].sum())
    np.testing.assert_allclose(quality.models["lda"].log_p, expected, rtol=1e-5)
    hidden = np.concatenate([part.hidden.toarray() for part in (split.validation, split.test)]) > 0
    np.testing.assert_allclose(quality.log_unigram, hidden @ np.log(unigram), rtol=1e-6)
    assert quality.n_hidden.tolist() == hidden.sum(axis=1).tolist()


def test_fits_from_other_seeds_are_kept_beside(store: Store, quality: TopicQuality) -> None:
    """LDA's other fit has books 5 to 24 as its first topic, in the order of another sample of the readers."""
    lda, prodlda = quality.models["lda"], quality.models["prodlda"]
    assert len(lda.tops) == len(prodlda.tops) == SETTINGS.topics.n_seeds
    np.testing.assert_array_equal(lda.tops[0], lda.lists.top)
    first = lda.tops[1][0, :10].tolist()
    assert set(first) <= set(range(5, 25))
    assert set(first) & set(range(20, 25))
    assert set(prodlda.tops[1][0, :10].tolist()) == set(range(10))
    assert prodlda.tops[1].tolist() != prodlda.tops[0].tolist()


def test_random_lists_have_as_many_books_drawn_as_readings_are(quality: TopicQuality) -> None:
    assert quality.random.top.shape == (N_RANDOM, 25)
    assert all(len(set(books)) == 25 for books in quality.random.top.tolist())
    first = random_lists(np.array([30, 10, 0, 60]), generator(0, "a test"))
    assert first.shape == (N_RANDOM, 3)
    assert 2 not in first
    counted = np.bincount(first[:, 0], minlength=4) / N_RANDOM
    np.testing.assert_allclose(counted, [0.3, 0.1, 0, 0.6], atol=0.15)


def test_it_is_measured_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    take_the_place(monkeypatch)
    part = part_of(store)
    models = {kind: make_model(store, kind, part, SETTINGS, Quiet())[0] for kind in SETTINGS.topics.models}
    folder, made = make_topic_quality(store, part, models, SETTINGS, Quiet())
    assert (folder.name, made) == (Release.open(store).manifest["topic_quality"], False)


def test_it_names_the_corpus_it_is_to_be_forgotten_with(store: Store) -> None:
    """`pipeline.forget` deletes what was learned from a corpus with a reader by this entry."""
    folder = store.artifact(KIND, Release.open(store).manifest["topic_quality"])
    assert read_json(folder / "manifest.json")["provenance"]["data"]["corpus"] == corpus_digest(part_of(store).corpus)


def test_it_survives_saving(quality: TopicQuality, tmp_path: Path) -> None:
    quality.save(tmp_path, {"n_seeds": 2}, "books", {})
    loaded = TopicQuality.load(tmp_path)
    assert list(loaded.models) == ["lda", "prodlda"]
    np.testing.assert_array_equal(loaded.models["prodlda"].lists.npmi_held, quality.models["prodlda"].lists.npmi_held)
    np.testing.assert_array_equal(loaded.random.top, quality.random.top)


def test_perplexity_is_per_hidden_book_and_every_reader_alike_has_no_interval() -> None:
    config = EvaluationConfig(n_bootstrap=20)
    log_p, n_hidden = np.log([1 / 8, 1 / 64, 1 / 512]), np.array([1, 2, 3])
    assert perplexity(log_p, n_hidden, config, 0) == pytest.approx((8, 8, 8))
    mean, low, high = per_reading(np.array([0.0, 3.0]), np.array([1, 2]), config, 0)
    assert (mean, low, high) == (1, 0, 1.5)  # the resamples are 0/2, 3/3 and 6/4
