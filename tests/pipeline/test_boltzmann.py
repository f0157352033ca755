"""The machine of a release: what it is judged on, its figures worked out again, the verdict, what a reader misses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from data.artifact import read_json
from data.checkpoint import Checkpoint
from data.corpus import Corpus
from data.errors import BadArtifact, BadConfig, EmptyCorpus, NoDevice, WagahaiError
from data.progress import Quiet
from data.release import Release
from data.split import HeldOut, Split
from data.store import Store
from models.dbm import Dbm
from models.dbm_config import DbmConfig
from models.dbm_exact import log_likelihood
from models.training import Diverged
from pipeline import boltzmann
from pipeline.boltzmann import Boltzmann, make_boltzmann, write_boltzmann
from pipeline.boltzmann_portrait import make_portrait
from pipeline.boltzmann_verdict import verdict
from pipeline.complete import machine_of, missing_books
from pipeline.config import EvaluationConfig
from pipeline.downstream import LeftOut
from pipeline.judge_boltzmann import BoltzmannQuality, of_books, task_of
from pipeline.represent import READERS, WHOLE, Part, make_model, model_config
from tests.killing import Killed, KillsAfter
from tests.models.corpora import corpus_of, shown
from tests.pipeline.machine_release import SETTINGS, build, with_machine, without_machine
from tests.pipeline.topic_release import N_BOOKS, TASTE, corpus_of_release, store_of

store = store_of(build)


@pytest.fixture(scope="module")
def release(store: Store) -> Release:
    return with_machine(store)


@pytest.fixture(scope="module")
def part(store: Store, release: Release) -> Part:
    return Part(store.artifact("corpus", release.manifest["corpus"]["artifact"]), READERS, 0)


@pytest.fixture(scope="module")
def split(part: Part) -> Split:
    return part.split(SETTINGS.split)


@pytest.fixture(scope="module")
def quality(store: Store, part: Part) -> BoltzmannQuality:
    known = make_boltzmann(store, part, SETTINGS, Quiet())
    assert isinstance(known, Boltzmann)
    return BoltzmannQuality.load(known.quality)


# ---- what is judged on ------------------------------------------------------------------


def test_readings_of_some_books_are_those_of_the_corpus() -> None:
    corpus = corpus_of([[3, 1, 0], [2], [0, 3]], 5)
    found = of_books(corpus, np.array([0, 3]))
    assert found.counts.toarray().tolist() == [[1, 1], [0, 0], [1, 1]]
    assert found.sequence.tolist() == [1, 0, 0, 1]  # in the order read
    assert list(found.books.ids) == ["book0", "book3"]


def test_readers_of_enough_books_are_judged_by_all_of_them_and_asked_if_one_is_hidden() -> None:
    train = corpus_of([[0, 1], [0, 1], [0, 1, 2], [4]], 5)  # the most read ones: 0, 1, and 2 before 4
    visible, hidden = shown([[0], [0, 1], [4, 2], [3]], 5), shown([[1], [3], [3], [4]], 5)
    held = HeldOut(np.arange(4), visible, hidden)
    task = task_of(train, held, DbmConfig(n_visible=3, min_books=2))
    assert task.books.tolist() == [0, 1, 2]
    assert (task.rows[:, task.books].toarray() > 0).tolist() == [[True, True, False], [True, True, False]]
    assert task.visible.toarray().tolist() == visible[[0]].toarray().tolist()  # of the second none of them is hidden
    assert task.hidden.toarray().tolist() == [[0, 1, 0]]
    np.testing.assert_allclose(task.frequent, [3.5 / 4, 3.5 / 4, 1.5 / 4])  # of the three who have read two of them
    with pytest.raises(EmptyCorpus, match=r"lower dbm\.min_books"):
        task_of(train, held, DbmConfig(n_visible=3, min_books=3))


def test_figures_of_fewer_readers_than_may_be_told_are_not_made() -> None:
    """Two readers are judged, of one a book is hidden: that one's figures would be the mean."""
    train = corpus_of([[0, 1], [0, 1], [0, 1, 2], [4]], 5)
    held = HeldOut(np.arange(2), shown([[0], [0, 1]], 5), shown([[1], [3]], 5))
    config = DbmConfig(n_visible=3, min_books=2)
    assert task_of(train, held, config, min_readers=1).hidden.shape[0] == 1
    with pytest.raises(EmptyCorpus, match="fewer than 2 held-out readers"):
        task_of(train, held, config, min_readers=2)


def test_figures_are_those_of_the_models(store: Store, part: Part, split: Split, quality: BoltzmannQuality) -> None:
    deep = Dbm.load(make_model(store, "dbm", part, SETTINGS, Quiet())[0])
    task = task_of(split.train, split.test, model_config("dbm", SETTINGS))
    read = task.rows[:, task.books].toarray()
    expected = log_likelihood(deep.machine, torch.from_numpy(read)).numpy()
    np.testing.assert_allclose(quality.per_reader["dbm"]["log_likelihood"], expected, rtol=1e-6)
    alone = [np.where(row > 0, task.frequent, 1 - task.frequent).prod() for row in read.astype(np.float64)]
    np.testing.assert_allclose(quality.per_reader["popularity"]["log_likelihood"], np.log(alone), rtol=1e-6)
    scores = deep.score(task.visible)[:, task.books]
    scores[task.visible[:, task.books].toarray() > 0] = -np.inf
    first = np.argsort(-scores, axis=1, kind="stable")[:, :20]
    hits = np.take_along_axis(task.hidden.toarray(), first, axis=1).sum(axis=1)
    n_hidden = np.asarray(task.hidden.sum(axis=1)).ravel()
    np.testing.assert_allclose(quality.per_reader["dbm"]["recall20"], hits / np.minimum(20, n_hidden))


def test_all_systems_are_judged_and_the_machine_finds_the_tastes(quality: BoltzmannQuality) -> None:
    assert set(quality.per_reader) == {"popularity", "item_knn", "ease", "dbm", "rbm"}
    likely = {name: of["log_likelihood"].mean() for name, of in quality.per_reader.items() if "log_likelihood" in of}
    assert set(likely) == {"popularity", "dbm", "rbm"}
    assert min(likely["dbm"], likely["rbm"]) > likely["popularity"] + 2
    ndcg = {name: of["ndcg100"].mean() for name, of in quality.per_reader.items()}
    assert ndcg["dbm"] > ndcg["popularity"] + 0.05
    assert quality.sampling["dbm"]["effective_samples"] is None  # three units of layer 2 and 30 books: exact by layer 1
    assert quality.n_books == 30


# ---- made once, or not at all -------------------------------------------------------------


def test_what_is_known_is_not_made_again(store: Store, part: Part) -> None:
    again = make_boltzmann(store, part, SETTINGS, Quiet())
    assert not isinstance(again, LeftOut)
    assert not again.made
    other = replace(SETTINGS, models={**SETTINGS.models, "item_knn": {"n_neighbours": 7}})
    changed = make_boltzmann(store, part, other, Quiet())
    assert not isinstance(changed, LeftOut)
    assert changed.model == again.model
    assert changed.quality != again.quality


def test_too_few_readers_of_the_books_make_no_machine(store: Store, part: Part, tmp_path: Path) -> None:
    few = replace(SETTINGS, models={**SETTINGS.models, "dbm": {**SETTINGS.models["dbm"], "min_books": 30}})
    found = make_boltzmann(store, part, few, Quiet())
    assert isinstance(found, LeftOut)
    write_boltzmann(tmp_path, found, EvaluationConfig(), 0)
    assert "lower dbm.min_books" in read_json(tmp_path / "boltzmann.json")["left_out"]
    wrong = replace(SETTINGS, models={**SETTINGS.models, "dbm": {"epochs": 0}})
    with pytest.raises(BadConfig, match=r"dbm\.epochs"):
        make_boltzmann(store, part, wrong, Quiet())


def test_validation_readers_fewer_than_may_be_told_make_no_portrait(
    store: Store, part: Part, split: Split, tmp_path: Path
) -> None:
    held = (split.validation.visible + split.validation.hidden).tocsr()
    many = replace(SETTINGS, corpus=replace(SETTINGS.corpus, min_readers=held.shape[0] + 1))
    model, _ = make_model(store, "dbm", replace(part, name=WHOLE), SETTINGS, Quiet())
    with pytest.raises(EmptyCorpus, match=f"fewer than {held.shape[0] + 1} validation readers"):
        make_portrait(Store(tmp_path), part, model, many, Quiet())


@pytest.mark.parametrize("error", [NoDevice("no CUDA"), BadArtifact("/store/dbm/1: no such field")])
def test_what_a_person_has_to_mend_is_no_reason_to_leave_the_machine_out(
    store: Store, part: Part, error: WagahaiError, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> tuple[Path, bool]:
        raise error

    monkeypatch.setattr(boltzmann, "make_quality", fails)
    with pytest.raises(type(error), match=str(error)):
        make_boltzmann(store, part, SETTINGS, Quiet())


def test_a_loss_that_is_no_number_leaves_the_machine_out(
    store: Store, part: Part, monkeypatch: pytest.MonkeyPatch
) -> None:
    def diverges(*_: object) -> tuple[Path, bool]:
        raise Diverged("the loss is no number")

    monkeypatch.setattr(boltzmann, "make_quality", diverges)
    assert make_boltzmann(store, part, SETTINGS, Quiet()) == LeftOut("the loss is no number")


def test_a_fit_that_was_killed_goes_on_in_the_store(store: Store, part: Part, tmp_path: Path) -> None:
    whole, elsewhere = replace(part, name=WHOLE), Store(tmp_path)
    with pytest.raises(Killed):
        make_model(elsewhere, "dbm", whole, SETTINGS, KillsAfter(40))
    (kept,) = elsewhere.artifact("checkpoint", "any").parent.iterdir()
    assert Checkpoint(elsewhere, kept.name).read() is not None
    heard = KillsAfter(10_000)
    found, _ = make_model(elsewhere, "dbm", whole, SETTINGS, heard)
    assert not kept.exists()
    unbroken, _ = make_model(store, "dbm", whole, SETTINGS, Quiet())
    assert found.name == unbroken.name == kept.name
    for name, array in Dbm.load(unbroken).arrays().items():
        np.testing.assert_array_equal(Dbm.load(found).arrays()[name], array)


# ---- what the release says ---------------------------------------------------------------


def test_the_release_says_how_good_its_machine_is(release: Release, quality: BoltzmannQuality) -> None:
    found = release.boltzmann
    assert found["artifact"] == release.manifest["boltzmann"]["artifact"]
    assert release.manifest["boltzmann"]["config"]["hidden_sizes"] == [6, 3]
    row = next(r for r in found["rows"] if (r["system"], r["metric"]) == ("dbm", "log_likelihood"))
    of = quality.per_reader["dbm"]["log_likelihood"]
    assert row["mean"] == pytest.approx(of.mean())
    assert row["over"]["rbm"][0] == pytest.approx((of - quality.per_reader["rbm"]["log_likelihood"]).mean())
    assert found["verdict"] == verdict(found)


# ---- what is missing ----------------------------------------------------------------------


def test_missing_books_are_of_the_readers_taste_and_of_those_that_may_be(store: Store, release: Release) -> None:
    model = machine_of(store, release)
    corpus: Corpus = corpus_of_release(store)
    own = np.flatnonzero(corpus.readers_per_book[:TASTE] > 5)[:6]
    may = np.ones(N_BOOKS, bool)
    found = missing_books(model, own, N_BOOKS, may, 0)
    assert (np.diff(found.p) <= 0).all()
    assert not set(found.rows) & set(own)
    assert len(found.rows) == 30 - found.n_known
    of_own_taste = found.rows < TASTE
    assert of_own_taste[:5].all()
    assert found.p[of_own_taste].mean() > found.p[~of_own_taste].mean() + 0.2
    assert (found.low <= found.p).all()
    assert (found.p <= found.high).all()
    assert (found.error < 0.05).all()
    may[found.rows[0]] = False
    rest = missing_books(model, own, N_BOOKS, may, 0)
    np.testing.assert_array_equal(rest.rows, found.rows[1:])
    np.testing.assert_array_equal(rest.p, found.p[1:])


def test_of_a_reader_of_no_known_book_nothing_is_said(store: Store, release: Release) -> None:
    model = machine_of(store, release)
    (unknown, *_) = sorted(set(range(N_BOOKS)) - set(model.units.books.tolist()))
    with pytest.raises(WagahaiError, match="none of the reader's books is among the 30"):
        missing_books(model, np.array([unknown]), N_BOOKS, np.ones(N_BOOKS, bool), 0)


def test_a_release_without_a_machine_says_why(store: Store, release: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    without = without_machine(store)
    with pytest.raises(WagahaiError, match="made without"):
        machine_of(store, without)
    monkeypatch.setitem(release.__dict__, "boltzmann", {"left_out": "nobody reads"})
    with pytest.raises(WagahaiError, match="no Boltzmann machine: nobody reads"):
        machine_of(store, release)


def test_sparse_rows_stay_as_they_are(split: Split) -> None:
    before = sp.csr_matrix(split.test.visible, copy=True)
    task_of(split.train, split.test, model_config("dbm", SETTINGS))
    np.testing.assert_array_equal(before.toarray(), split.test.visible.toarray())
