"""The table of topics: means over seeds, stability over pairs of fits, peers, and the figures of the protocol."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.sparse as sp

from data.progress import Quiet
from models.base import Run
from models.coherence import npmi, top_books
from models.lda import Lda
from models.lda_config import LdaConfig
from pipeline.config import Settings
from pipeline.topic_metrics import completion_perplexity, dead, diversity
from tests.benchmarks.retrieval import load_protocol
from tests.benchmarks.topic_systems import TOPIC_PEERS, TopicSystem
from tests.benchmarks.topics import Data, Fit, fitted, newsgroups, of_documents, parsed, table, topic_kinds
from tests.models.corpora import tastes


def fit(seed: int, books: list[list[int]], npmi: float) -> Fit:
    return Fit("lda", 2, seed, np.array(books), {"npmi_all": npmi})


def test_a_row_is_the_mean_over_seeds_and_stability_over_pairs_of_them() -> None:
    rows = table([fit(0, [[0, 1], [2, 3]], 0.2), fit(1, [[2, 3], [0, 9]], 0.4), fit(2, [[0, 1], [2, 3]], 0.6)])
    assert rows == [{"system": "lda", "n_topics": 2, "npmi_all": pytest.approx(0.4), "stability": pytest.approx(5 / 6)}]


def test_one_fit_has_no_stability() -> None:
    assert table([fit(0, [[0, 1], [2, 3]], 0.2)])[0]["stability"] is None


@pytest.mark.parametrize("name", TOPIC_PEERS)
def test_a_peer_finds_two_tastes_and_says_probabilities(name: str) -> None:
    corpus = tastes(0, n_readers=200)
    system = TOPIC_PEERS[name](corpus, 2, 1)
    shown = corpus.counts[:7]
    for p in (system.topics, system.mixtures(shown), system.predict(shown), system.shares[None]):
        assert (p >= 0).all()
        np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-4)
    assert system.typical.shape == (2, 24)
    if name == "NMF on tf-idf":  # gensim's one pass does not get that far: it is what the blog was left with
        halves = [set((top_books(system.typical, 8)[k] // 12).tolist()) for k in range(2)]
        assert sorted(map(sorted, halves)) == [[0], [1]]


def test_every_topic_model_is_fitted_for_every_seed_and_judged_by_what_it_says() -> None:
    corpus = tastes(0)
    data = Data("two tastes", corpus, lambda system: {"diversity": diversity(top_books(system.typical, 5))})
    settings = Settings(models={"lda": {"epochs": 30, "cooling_epochs": 10}})
    fits = list(fitted(data, "lda", 2, [3, 4], settings, Quiet()))
    assert [(f.system, f.n_topics, f.seed) for f in fits] == [("lda", 2, 3), ("lda", 2, 4)]
    model = Lda.fit(corpus, LdaConfig(n_topics=2, epochs=30, cooling_epochs=10), Run(4))
    np.testing.assert_array_equal(fits[1].first_books, top_books(model.typical(), 10))
    assert fits[1].figures["diversity"] == 1.0
    assert fits[1].figures["dead"] == dead(model.topics(), model.topic_shares()).sum() == 0
    assert "lda" in topic_kinds()
    assert "spectral" not in topic_kinds()


def test_documents_are_judged_by_their_likeliest_topic() -> None:
    topics = np.array([[0.5, 0.5, 0, 0], [0, 0, 0.5, 0.5]])
    test = sp.csr_matrix(np.array([[3, 1, 0, 0], [1, 1, 0, 0], [0, 0, 2, 1], [0, 0, 1, 0]], np.float32))

    def mixtures(rows: sp.csr_matrix) -> np.ndarray:
        return np.asarray(rows @ topics.T)

    system = TopicSystem(topics, topics, np.array([0.5, 0.5]), mixtures, mixtures)
    found = of_documents(system, test, np.array([5, 5, 5, 9]))
    assert (found["purity"], found["diversity"]) == (0.75, 0.5)  # lists are as long as the vocabulary, 4
    assert found["npmi_test"] == npmi(top_books(topics, 10), test).mean()


def test_words_count_as_often_as_they_occur(tmp_path: Path) -> None:
    counts = sp.csr_matrix(np.array([[3, 0, 1], [0, 2, 0]]))
    for part in ("train", "test"):
        sp.save_npz(tmp_path / f"{part}_bow.npz", counts)
    (tmp_path / "test_labels.txt").write_text("0\n1\n")
    np.testing.assert_array_equal(newsgroups(tmp_path).train.counts.toarray(), counts.toarray())


@pytest.mark.realdata
def test_our_figures_are_those_of_the_protocol(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    retrieval = load_protocol(shared / "protocol" / "retrieval.py")
    monkeypatch.setitem(sys.modules, "retrieval", retrieval)
    protocol = load_protocol(shared / "protocol" / "topics.py")
    corpus = tastes(0, n_readers=100, n_books=130)  # the protocol ranks 100
    books = SimpleNamespace(X=corpus.counts, authors=[f"author{i // 3}" for i in range(130)])
    split = retrieval.make_split(corpus.counts, 0)
    model = Lda.fit(corpus, LdaConfig(n_topics=2, epochs=20), Run())
    report, _ = protocol.topic_report(books, split, model.typical(), model.predict)
    assert report["npmi_all"] == pytest.approx(npmi(top_books(model.typical(), 10), corpus.counts).mean())
    visible = sp.csr_matrix(sp.vstack([split.val_visible, split.test_visible]))
    hidden = sp.csr_matrix(sp.vstack([split.val_hidden, split.test_hidden]))
    ours = completion_perplexity(model.predict(visible), hidden, split.train)
    theirs = [report[f"perplexity_{name}"] for name in ("raw", "mix", "unigram")]
    assert [ours.raw, ours.mixed, ours.unigram] == pytest.approx(theirs, rel=1e-5)


def test_options_name_the_data_and_the_systems() -> None:
    chosen = parsed(["--newsgroups", "there", "--models", "lda", "--n-topics", "10", "50", "--seed", "0", "1"])
    assert (chosen.models, chosen.n_topics, chosen.seed, chosen.peers) == (["lda"], [10, 50], [0, 1], False)
