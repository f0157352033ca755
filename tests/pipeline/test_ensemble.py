"""The ensemble as it is made: samples of readers, what is judged, and a calibration that finds what was planted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from data.certainty import Calibration
from data.corpus import Corpus
from data.ensemble import Ensemble
from data.errors import EmptyCorpus
from data.progress import Quiet
from data.store import Store
from data.vectors import unit_rows
from models.base import Run
from pipeline.build_corpus import corpus_digest
from pipeline.calibration import Pairs, check, fit_calibration, linear_quantile, logistic, reliability
from pipeline.config import Settings
from pipeline.doubt_config import EnsembleConfig
from pipeline.ensemble import calibrated, judged_pairs, make_ensemble, neighbour_certainty
from pipeline.represent import WHOLE, Part
from pipeline.resample import halves, sample
from tests.models.corpora import corpus_of

SMALL = EnsembleConfig(n_replicates=6, k=3, n_judged=40)


def cosines(data: Corpus, run: Run) -> np.ndarray:
    """A small space without settings: the six leading directions of how often books are read together."""
    counts = np.asarray(data.counts.todense(), np.float32)
    values, vectors = np.linalg.eigh(counts.T @ counts)
    return unit_rows((vectors * np.sqrt(np.maximum(values, 0)))[:, -6:].astype(np.float32))


def two_tastes(seed: int, n_readers: int = 240, n_books: int = 24, together: int = 4) -> Corpus:
    """Readers of two tastes read half the books of their own and few others; groups of `together` are read as one."""
    random = np.random.default_rng(seed)
    groups = np.arange(n_books) // together
    histories = []
    for reader in range(n_readers):
        own = np.unique(groups[(np.arange(n_books) < n_books // 2) == bool(reader % 2)])
        chosen = random.choice(own, 2, replace=False)
        whole = np.flatnonzero(np.isin(groups, chosen))
        histories.append(random.permutation(np.union1d(whole, random.integers(0, n_books, 1))).tolist())
    return corpus_of(histories, n_books)


def test_a_sample_holds_readers_as_often_as_they_were_drawn() -> None:
    corpus = corpus_of([[0, 1], [2], [3, 1, 0]], 4)
    drawn = sample(corpus, np.array([0, 2, 2]))
    np.testing.assert_array_equal(drawn.counts.toarray(), [[1, 1, 0, 0], [1, 1, 0, 1], [1, 1, 0, 1]])
    np.testing.assert_array_equal(drawn.sequence, [0, 1, 3, 1, 0, 3, 1, 0])  # in the order read
    assert drawn.books == corpus.books
    assert len(set(drawn.readers.ids)) == 3


def test_a_sample_of_some_books_leaves_out_who_has_none() -> None:
    drawn = sample(corpus_of([[0, 1], [2], [3, 1, 0]], 4), np.arange(3), np.array([1, 3]))
    np.testing.assert_array_equal(drawn.counts.toarray(), [[1, 0], [1, 1]])
    np.testing.assert_array_equal(drawn.sequence, [0, 1, 0])
    assert drawn.books.ids == ("book1", "book3")


def test_halves_share_no_reader_and_know_the_books_of_the_first() -> None:
    corpus = corpus_of([[reader % 7, 7] for reader in range(21)], 8)  # each of books 0 to 6 has 3 readers, book 7 all
    first, second = halves(corpus, np.random.default_rng(0), 2)
    assert first.books == second.books
    assert "book7" in first.books
    assert first.readers_per_book.min() >= 2
    assert (first.readers_per_book + second.readers_per_book)[-1] == 21
    assert (first.readers_per_book + second.readers_per_book)[:-1].tolist() == [3] * (first.n_books - 1)


def test_the_logistic_curve_finds_what_was_planted() -> None:
    random = np.random.default_rng(0)
    x, known = random.normal(0, 1.5, 60_000), random.uniform(1, 5, 60_000)
    true = random.random(60_000) < 1 / (1 + np.exp(-(-1.5 + 2.0 * x + 0.4 * known)))
    np.testing.assert_allclose(logistic(x, known, true), (-1.5, 2.0, 0.4), atol=0.08)


@pytest.mark.parametrize("separated", [True, False])
def test_the_logistic_curve_is_finite_and_never_falls(separated: bool) -> None:
    x = np.linspace(-3, 3, 400)
    true = x > 0 if separated else x < 0
    intercept, slope, _ = logistic(x, np.ones(400), true)
    assert np.isfinite([intercept, slope]).all()
    assert slope > 5 if separated else slope == 0
    if not separated:  # then all that is known is the share
        assert 1 / (1 + np.exp(-intercept - logistic(x, np.ones(400), true)[2])) == pytest.approx(0.5, abs=0.01)


def test_the_linear_quantile_finds_what_was_planted() -> None:
    random = np.random.default_rng(0)
    sd = random.uniform(0.05, 0.3, 3000)
    moved = -0.1 + sd * random.uniform(-1, 1, 3000)  # the 5 % quantile of uniform noise is -.9
    found = linear_quantile(np.stack([np.ones(3000), sd], axis=1), moved, sd, 0.05)
    np.testing.assert_allclose(found, (-0.1, -0.9), atol=0.02)


def test_books_that_move_far_do_not_decide_for_those_that_hardly_move() -> None:
    random = np.random.default_rng(1)
    sd = np.repeat([0.2, 0.01], [4000, 400])
    moved = sd * random.standard_normal(4400) * np.repeat([1.0, 1.3], [4000, 400])
    columns = np.stack([np.ones(4400), sd], axis=1)
    inside = moved < columns @ linear_quantile(columns, moved, sd, 0.95)
    assert inside[:4000].mean() == pytest.approx(0.95, abs=0.015)
    assert inside[4000:].mean() == pytest.approx(0.95, abs=0.025)


def test_reliability_by_hand() -> None:
    said, found, n = reliability(np.array([0.02, 0.04, 0.5, 0.55, 1.0]), np.array([False, False, True, False, True]))
    np.testing.assert_allclose(said, [0.03, 0.525, 1.0])
    np.testing.assert_allclose(found, [0, 0.5, 1])
    np.testing.assert_array_equal(n, [2, 2, 1])


def drawn_pairs(seed: int, n: int = 400) -> tuple[Pairs, np.ndarray]:
    """Pairs whose truth follows a known calibration."""
    random = np.random.default_rng(seed)
    n_readers = random.integers(5, 200, n)
    margin, margin_sd = random.normal(-0.1, 0.2, (n, 30)), random.uniform(0.05, 0.15, (n, 30))
    usual = float(np.sqrt((margin_sd**2).mean()))
    p = Calibration(-1.0, 1.5, 0.2, margin_sd=usual).p_top(margin, margin_sd, n_readers[:, None])
    similarity, sd = random.uniform(0.1, 0.6, (n, 30)), random.uniform(0.02, 0.1, (n, 30))
    other = similarity + sd * (random.standard_normal((n, 30)) - 0.2 * np.log(n_readers)[:, None])
    return Pairs(similarity, sd, other, margin, margin_sd, random.random((n, 30)) < p), n_readers


def test_a_calibration_is_found_again_and_holds_on_other_pairs() -> None:
    near, n_readers = drawn_pairs(0)
    found = fit_calibration(near, near, n_readers, SMALL)
    assert (found.intercept, found.slope, found.log_readers) == pytest.approx((-1.0, 1.5, 0.2), abs=0.15)
    assert found.near.sd == pytest.approx((-1.645, 1.645), abs=0.2)
    assert found.near.sd_log_readers == pytest.approx((-0.2, -0.2), abs=0.05)
    other, n_readers = drawn_pairs(1)
    arrays, metrics = check(found, other, other, n_readers)
    assert metrics["ece"] < 0.02
    assert metrics["brier"] < 0.8 * metrics["brier_base"]
    assert arrays["n"].sum() == 400 * 30
    assert set(metrics["coverage"]) == {"near", "far", "few", "middle", "many"}
    for covered in metrics["coverage"].values():
        assert covered == pytest.approx(0.9, abs=0.04)


def test_a_calibration_that_says_too_much_is_found_out() -> None:
    near, n_readers = drawn_pairs(0)
    _, metrics = check(Calibration(3.0, 1.5, 0.2), near, near, n_readers)
    assert metrics["ece"] > 0.2
    assert metrics["max_gap"] > 0.2


def test_judged_pairs_are_those_of_a_slow_oracle() -> None:
    random = np.random.default_rng(0)
    spaces = [unit_rows(random.standard_normal((20, 5)).astype(np.float32)) for _ in range(5)]
    ensemble = Ensemble.of(spaces[2:])
    asked, n_readers = np.array([2, 11]), np.full(20, 9)
    near, far = judged_pairs(ensemble, spaces[0], spaces[1], asked, n_readers, 3, 5)
    for i, row in enumerate(asked):
        mine, theirs = spaces[0] @ spaces[0][row], spaces[1] @ spaces[1][row]
        others = np.delete(np.arange(20), row)
        ranked = others[np.argsort(-mine[others], kind="stable")]
        top = set(others[np.argsort(-theirs[others], kind="stable")][:3])
        np.testing.assert_allclose(near.similarity[i], mine[ranked], rtol=1e-5)
        np.testing.assert_allclose(near.other[i], theirs[ranked], rtol=1e-4, atol=1e-6)
        assert near.in_top[i].tolist() == [book in top for book in ranked]
        np.testing.assert_allclose(far.similarity[i], mine[ranked[::-1]][: far.similarity.shape[1]], rtol=1e-5)
        every = np.arange(20)
        per = np.stack([ensemble.vectors(b, every) @ ensemble.vectors(b, np.array([row]))[0] for b in range(3)])
        for j, book in enumerate(ranked):
            rest = np.sort(np.delete(per, [row, book], axis=1), axis=1)[:, ::-1]
            margin = per[:, book] - rest[:, 2]  # to the third of the other books
            np.testing.assert_allclose(near.margin[i, j], margin.mean(), atol=1e-5)
            np.testing.assert_allclose(near.margin_sd[i, j], margin.std(ddof=1), atol=1e-5)
            np.testing.assert_allclose(near.sd[i, j], per[:, book].std(ddof=1), atol=1e-5)


@pytest.mark.parametrize("n_books", [300, 12])  # of 12, probabilities are made to sum to the places
def test_the_table_of_all_books_says_what_a_query_says(n_books: int) -> None:
    random = np.random.default_rng(0)
    spaces = [unit_rows(random.standard_normal((n_books, 8)).astype(np.float32)) for _ in range(4)]
    ensemble = Ensemble.of(spaces[1:], Calibration(-1.0, 2.0, 0.1, k=5, margin_sd=0.1))
    similarity = spaces[0] @ spaces[0].T
    np.fill_diagonal(similarity, -2)
    rows, n_readers = np.argsort(-similarity, axis=1)[:, :7], random.integers(5, 50, n_books)
    table = neighbour_certainty(ensemble, spaces[0], rows, n_readers, Quiet())
    for row in {0, min(255, n_books - 1), min(256, n_books - 1), n_books - 1}:
        allowed = np.delete(np.arange(n_books), row)
        found = np.stack([ensemble.vectors(b, allowed) @ ensemble.vectors(b, np.array([row]))[0] for b in range(3)])
        columns = np.searchsorted(allowed, rows[row])
        sure = ensemble.certainty(similarity[row, rows[row]], found, columns, float(n_readers[row]))
        for name in ("low", "high", "p_top"):
            np.testing.assert_allclose(getattr(table, name)[row], getattr(sure, name), atol=2e-5)


def test_a_list_with_room_for_all_books() -> None:
    vectors = unit_rows(np.random.default_rng(0).standard_normal((4, 3)).astype(np.float32))
    rows = np.array([[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]])
    sure = neighbour_certainty(Ensemble.of([vectors, vectors]), vectors, rows, np.full(4, 5), Quiet())
    assert (sure.p_top == 1).all()


def test_books_that_are_read_together_are_sure_and_strangers_are_not() -> None:
    """Of 4 books always read as one, each has the other 3 for its list of 3, whoever the readers are."""
    corpus = two_tastes(0)
    ensemble = calibrated(corpus, cosines, SMALL, Run(0), 5, 5)
    vectors = cosines(corpus, Run(0))
    rows = np.array([np.delete(np.arange(24), book) for book in range(24)])
    sure = neighbour_certainty(ensemble, vectors, rows, corpus.readers_per_book, Quiet())
    together = rows // 4 == np.arange(24)[:, None] // 4
    strangers = (rows < 12) != (np.arange(24) < 12)[:, None]
    assert sure.p_top[together].min() > 0.9
    assert sure.p_top[strangers].max() < 0.05
    assert sure.low[together].min() > sure.high[strangers].max()
    assert ensemble.metrics["ece"] < 0.05


def test_too_few_books_to_judge_is_said() -> None:
    with pytest.raises(EmptyCorpus, match="too few books have 5 readers in half of the readers to judge lists of 30"):
        calibrated(two_tastes(0), cosines, EnsembleConfig(k=30), Run(0), 5, 5)


def test_an_ensemble_is_made_once_and_the_same_seed_makes_the_same_bytes(tmp_path: Path) -> None:
    corpus_folder = tmp_path / "corpus"
    corpus_folder.mkdir()
    corpus = two_tastes(3, 80)
    corpus.save(corpus_folder, {}, {})
    assert corpus_digest(corpus_folder)
    settings = Settings(ensemble=SMALL, models={"spectral": {"n_dims": 6}})
    part = Part(corpus_folder, WHOLE, 7)
    folders = []
    for name in ("a", "b"):
        store = Store(tmp_path / name)
        folder, made = make_ensemble(store, "spectral", part, settings, Quiet())
        assert made
        assert make_ensemble(store, "spectral", part, settings, Quiet()) == (folder, False)
        folders.append(folder)
    assert folders[0].name == folders[1].name
    for file in ("ensemble.npy", "arrays.npz", "manifest.json"):
        assert (folders[0] / file).read_bytes() == (folders[1] / file).read_bytes()
    other = make_ensemble(Store(tmp_path / "a"), "spectral", Part(corpus_folder, WHOLE, 8), settings, Quiet())[0]
    assert other != folders[0]
    assert (other / "ensemble.npy").read_bytes() != (folders[0] / "ensemble.npy").read_bytes()
    opened = Ensemble.open(folders[0], corpus.books.digest)
    assert opened.n_replicates == 6
    assert opened.calibration.k == 3
    assert not np.array_equal(opened.codes[0], opened.codes[1])
