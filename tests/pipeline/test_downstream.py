"""What is read next and how it is liked, on simulated readers whose tastes are known, through the real steps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from data.artifact import read_json
from data.corpus import Corpus
from data.progress import Quiet
from data.ratings import Ratings
from data.release import Release
from data.sample_files import read_truth
from data.store import Store
from pipeline.asked_reader import AskedReader, Rated
from pipeline.book_doubt import BookDoubt, share_of_book
from pipeline.build_corpus import corpus_digest
from pipeline.config import Settings
from pipeline.downstream import LeftOut, Models, kinds_of_all, predict
from pipeline.judge_rating import RatingQuality
from pipeline.judge_will_read import WillReadQuality
from pipeline.predictions import Asked
from pipeline.publish import publish
from pipeline.rating_features import RatingFeatures
from pipeline.represent import READERS, Part, compared
from pipeline.trust_predictors import will_read_record
from pipeline.trust_rating import rating_record
from tests.pipeline.ingredients import SETTINGS, ingredients, write_evaluation, write_history
from tests.refreshing import SMALL, train_and_publish


@pytest.fixture(scope="module")
def release(predicting: Store) -> Release:
    return Release.open(predicting)


@pytest.fixture(scope="module")
def corpus(predicting: Store, release: Release) -> Corpus:
    return Corpus.load(predicting.artifact("corpus", release.manifest["corpus"]["artifact"]))


@pytest.fixture(scope="module")
def asked(predicting: Store, release: Release) -> Asked:
    return Asked(predicting, release)


def asked_as(corpus: Corpus, row: int, rated: Rated | None = None) -> AskedReader:
    """A reader of the corpus, who rated nothing unless it is said what."""
    start, end = corpus.counts.indptr[row : row + 2]
    return AskedReader(corpus.counts.indices[start:end].astype(np.int64), rated or Rated.none(), Rated.none(), 0)


def judged(store: Store, release: Release, task: str) -> Path:
    """The predictions of held-out readers that a release was judged by."""
    return store.artifact(f"{task}_quality", release.manifest["predictors"][task]["quality"])


def ratings_of(store: Store, release: Release) -> Ratings:
    return Ratings.load(store.artifact("ratings", release.manifest["predictors"]["rating"]["data"]["ratings"]))


def test_a_release_says_how_well_it_predicts_and_what_made_it(release: Release) -> None:
    told = release.predictor_quality
    assert set(told["tasks"]) == {"rating", "will_read"}
    assert not told["left_out"]
    assert told["tasks"]["will_read"]["verdict"]["rank_by"] in ("will_read", "blend")
    made = release.manifest["predictors"]
    assert made["will_read"]["kind"] == "bayes_by_backprop"
    assert {"blend", "item_knn", "spectral", "word2vec", "lda"} == set(made["will_read"]["models"])


def test_nothing_is_made_twice(predicting: Store) -> None:
    before = {path: path.stat().st_mtime for path in (predicting.root / "artifacts").glob("*/*")}
    assert before
    assert "unchanged" in train_and_publish(predicting, SMALL).verdict
    assert {path: path.stat().st_mtime for path in (predicting.root / "artifacts").glob("*/*")} == before


def test_everything_learned_knows_its_corpus_so_that_a_reader_can_be_forgotten(
    predicting: Store, release: Release
) -> None:
    corpus = predicting.artifact("corpus", release.manifest["corpus"]["artifact"])
    for kind in ("ratings", "rating", "rating_quality", "will_read", "will_read_quality"):
        (folder,) = (
            set((predicting.root / "artifacts" / kind).iterdir())
            if kind != "rating"
            else [predicting.artifact(kind, release.manifest["predictors"]["rating"]["artifact"])]
        )
        assert read_json(folder / "manifest.json")["provenance"]["data"]["corpus"] == corpus_digest(corpus)


def test_a_release_holds_no_row_of_a_reader_or_a_rating(predicting: Store, release: Release, corpus: Corpus) -> None:
    ratings = RatingQuality.load(judged(predicting, release, "rating"))
    readers = WillReadQuality.load(judged(predicting, release, "will_read"))
    rows = {corpus.n_readers, len(ratings.category), len(np.unique(ratings.reader)), len(readers.n_shown)}
    rows.add(len(ratings_of(predicting, release)))
    assert not rows & {1, corpus.n_books}, "an axis of such a length would say nothing"
    found = list((release.folder / "predictors").rglob("arrays.npz"))
    assert {path.relative_to(release.folder).parts[1] for path in found} == {"rating", "will_read"}
    for path in found:
        with np.load(path, allow_pickle=False) as arrays:
            for name in arrays.files:
                assert arrays[name].dtype.kind != "U", f"{path}: {name}"
                assert not rows & set(arrays[name].shape), f"{path}: {name}"


def test_a_release_tells_of_no_book_or_author_that_few_rated(predicting: Store, release: Release) -> None:
    """Neither by itself nor as what an author's sums leave when the author's other books are taken away."""
    least, ratings = SMALL.corpus.min_readers, ratings_of(predicting, release)
    n_raters = np.bincount(ratings.book, minlength=ratings.n_books)
    assert ((n_raters > 0) & (n_raters < least)).any(), "the sample has books that few rated"
    assert (n_raters >= least).any()
    published = RatingFeatures.load(release.predictor("rating") / "features").population
    books, authors = published.books, published.authors
    np.testing.assert_array_equal(books.n_ratings, np.where(n_raters >= least, n_raters, 0))
    assert not books.sums[n_raters < least].any()
    of_books = np.zeros_like(authors.sums)
    np.add.at(of_books, authors.group, books.sums)
    np.testing.assert_allclose(authors.sums, of_books, atol=1e-9)
    doubt = BookDoubt.load(release.predictor("rating") / "books")
    np.testing.assert_array_equal(doubt.n_ratings, books.n_ratings)
    groups = release.predictor_quality["tasks"]["rating"]["groups"]
    assert groups
    assert all(group["n_readers"] >= least for group in groups)


def test_predictions_know_what_a_release_withholds_and_not_the_readers_own(
    predicting: Store, release: Release, corpus: Corpus, asked: Asked
) -> None:
    """Predictions are of the store's predictor: also of a book that few rated it counts all others, and no own one."""
    ratings = ratings_of(predicting, release)
    n_raters = np.bincount(ratings.book, minlength=ratings.n_books)
    few = np.flatnonzero((n_raters > 0) & (n_raters < SMALL.corpus.min_readers))
    row = int(ratings.reader[np.isin(ratings.book, few)][0])
    own = np.flatnonzero(ratings.reader == row)
    rated = Rated(ratings.book[own].astype(np.int64), ratings.value[own])
    said = asked.liked(replace(asked_as(corpus, row, rated), counted=rated), np.arange(corpus.n_books))
    n_own = np.bincount(rated.rows, minlength=corpus.n_books)
    expected = n_raters - n_own
    np.testing.assert_array_equal(said.n_book_ratings, expected)


def test_ratings_follow_the_planted_expectation(
    predicting: Store, release: Release, corpus: Corpus, asked: Asked
) -> None:
    sample = next((predicting.root / "artifacts" / "sample").iterdir())
    truth = read_truth(sample)
    edition = {f"sample:{name}": i for i, name in enumerate(truth.editions)}
    of_book = np.array([edition[book] for book in corpus.books.ids])
    ratings = ratings_of(predicting, release)
    said, expected = [], []
    readers = np.argsort(-np.bincount(ratings.reader))[:8]
    pseudonyms = _truth_rows(predicting, truth.readers, corpus)
    for row in readers.tolist():
        own = np.flatnonzero(ratings.reader == row)
        rated = Rated(ratings.book[own].astype(np.int64), ratings.value[own])
        unread = np.setdiff1d(np.arange(corpus.n_books), asked_as(corpus, row).rows)
        liked = asked.liked(replace(asked_as(corpus, row, rated), counted=rated), unread)
        said.append(liked.said.mean)
        expected.append(truth.expected_rating(np.full(len(unread), pseudonyms[row]), of_book[unread]))
    of_all = np.corrcoef(np.concatenate(said), np.concatenate(expected))[0, 1]
    assert of_all > 0.6, of_all


def _truth_rows(store: Store, readers: tuple[str, ...], corpus: Corpus) -> np.ndarray:
    from data.pseudonym import pseudonym

    row = {pseudonym(raw, "sample", store.reader_key()): i for i, raw in enumerate(readers)}
    return np.array([row[id_] for id_ in corpus.readers.ids])


def test_a_reader_without_ratings_gets_a_wider_answer(
    predicting: Store, release: Release, corpus: Corpus, asked: Asked
) -> None:
    ratings = ratings_of(predicting, release)
    row = int(np.bincount(ratings.reader).argmax())
    own = np.flatnonzero(ratings.reader == row)
    rated = Rated(ratings.book[own].astype(np.int64), ratings.value[own])
    reader, nobody = asked_as(corpus, row, rated), AskedReader(np.empty(0, np.int64), Rated.none(), Rated.none(), 0)
    rows = np.setdiff1d(np.arange(corpus.n_books), reader.rows)[:50]
    known, unknown = asked.liked(reader, rows), asked.liked(nobody, rows)
    assert unknown.said.sd.mean() > known.said.sd.mean()
    assert (unknown.n_reader_ratings == 0).all()
    np.testing.assert_allclose(unknown.said.p.sum(axis=1), 1, rtol=1e-4)  # type: ignore[union-attr]
    of_nobody = asked.known(nobody)
    assert asked.read_next(of_nobody, rows).p.max() < 0.5, "of a reader of nothing little is known"
    n_readers = release.books.n_readers[np.argsort(of_nobody.block.rank[0])]
    assert (np.diff(n_readers) <= 0).all(), "what is read most comes first, not what comes first in the release"


def test_a_book_beyond_the_release_is_told_by_its_author(corpus: Corpus, asked: Asked, release: Release) -> None:
    reader = asked_as(corpus, 0)
    unknown = asked.liked_unknown(reader, "")
    assert (unknown.n_book_ratings == 0).all()
    by_author = asked.liked_unknown(reader, release.books.columns["authors"][0])
    assert unknown.said.p is not None
    assert by_author.said.p is not None
    assert not np.array_equal(unknown.said.p, by_author.said.p)


def test_an_author_has_the_number_that_the_features_have(corpus: Corpus, asked: Asked, release: Release) -> None:
    """Other numbers of the same authors say the same; -1 stays unknown."""
    features = asked.rating.features
    arrays, author = dict(features.arrays()), features.context.author
    most = int(author.max())
    arrays["author"] = np.where(author >= 0, most - author, -1)
    arrays["author_sums"] = arrays["author_sums"].copy()
    arrays["author_sums"][: most + 1] = arrays["author_sums"][most::-1]
    numbered = Asked(asked.store, release)
    other = RatingFeatures.from_arrays(features.config, arrays, features.fitted_on)
    numbered.__dict__["rating"] = replace(asked.rating, features=other)
    reader, name = asked_as(corpus, 0), release.books.columns["authors"][0]
    expected, found = asked.liked_unknown(reader, name), numbered.liked_unknown(reader, name)
    np.testing.assert_allclose(found.said.p, expected.said.p, atol=1e-6)  # type: ignore[arg-type]


def test_shares_of_the_doubt_are_those_of_the_features(corpus: Corpus, asked: Asked) -> None:
    """The share of the book is that of the forecast, of what is not the model's; all shares leave something."""
    rows = np.arange(corpus.n_books)
    liked = asked.liked(AskedReader(np.empty(0, np.int64), Rated.none(), Rated.none(), 0), rows)
    described = asked.rating.features.of(np.empty(0, np.int64), np.empty(0, np.float32), rows)
    expected = share_of_book(asked.rating, described.features, described.n_book_ratings) * (1 - liked.of_model)
    np.testing.assert_allclose(liked.of_book, expected, rtol=1e-4)
    assert liked.of_book[described.n_book_ratings.argmin()] > liked.of_book[described.n_book_ratings.argmax()]
    assert (liked.of_model + liked.of_book + liked.of_reader <= 1 + 1e-6).all()


def test_as_many_books_are_said_to_be_read_as_the_question_is_about(corpus: Corpus, asked: Asked) -> None:
    for row in (0, 5, 9):
        reader = asked_as(corpus, row)
        unread = np.setdiff1d(np.arange(corpus.n_books), reader.rows)
        p = asked.read_next(asked.known(reader), unread).p
        expected = asked.reading.sampling.n_expected(np.array([len(reader.rows)]))[0]
        assert abs(expected - 0.25 * len(reader.rows)) <= 1
        assert p.sum() == pytest.approx(expected, rel=0.01)


def test_books_of_a_readers_taste_are_likelier(predicting: Store, corpus: Corpus, asked: Asked) -> None:
    truth = read_truth(next((predicting.root / "artifacts" / "sample").iterdir()))
    edition = {f"sample:{name}": i for i, name in enumerate(truth.editions)}
    main = truth.community_editions.argmax(axis=0)[[edition[book] for book in corpus.books.ids]]
    rows = _truth_rows(predicting, truth.readers, corpus)
    own, other = [], []
    for row in range(12):
        reader = asked_as(corpus, row)
        unread = np.setdiff1d(np.arange(corpus.n_books), reader.rows)
        p = asked.read_next(asked.known(reader), unread).p
        is_own = main[unread] == truth.reader_community[rows[row]]
        if not is_own.any():  # all of them were read
            continue
        own.append(p[is_own].mean())
        other.append(p[~is_own].mean())
    assert np.mean(own) > 3 * np.mean(other)


def test_what_is_measured_is_what_the_arrays_say(predicting: Store, release: Release) -> None:
    told = release.predictor_quality["tasks"]
    quality = RatingQuality.load(judged(predicting, release, "rating"))
    assert told["rating"] == rating_record(quality, SMALL.evaluation, 0, SMALL.corpus.min_readers)
    rows = np.arange(len(quality.category))
    by_hand = -np.log(quality.p["rating"][rows, quality.category]).mean()
    assert told["rating"]["systems"]["rating"]["nll"]["value"] == pytest.approx(by_hand, rel=1e-5)
    reading = WillReadQuality.load(judged(predicting, release, "will_read"))
    assert told["will_read"] == will_read_record(reading, SMALL.evaluation, "ndcg100", 0, SMALL.corpus.min_readers)
    assert reading.bins[2].sum() == reading.n_hidden.sum(), "every hidden book is a pair that was read"
    np.testing.assert_allclose(reading.bins, reading.bins.clip(0))
    np.testing.assert_allclose(reading.groups[:3].sum(axis=(1, 2)), reading.bins.sum(axis=1), rtol=1e-6)


def test_without_ratings_the_release_goes_out_and_says_why(tmp_path: Path) -> None:
    store = Store(tmp_path)
    history = write_history(store)
    made = ingredients(store, history, write_evaluation(store, "good", spectral=0.5))
    settings: Settings = SETTINGS
    part = Part(made.corpus, READERS, 0)
    found = predict(store, "rating", history, part, Models({}, made.spaces), settings, Quiet())
    assert isinstance(found, LeftOut)
    assert found.why == "the readings have no ratings"
    assert publish(store, replace(made, not_predicted={"rating": found.why})).passed
    asked = Asked(store, Release.open(store))
    assert asked.why_not("rating") == found.why
    assert asked.tasks == ()
    assert asked.scale[0].size == 0


def test_rankers_are_fitted_to_everybody_only_where_they_are_asked(predicting: Store, release: Release) -> None:
    corpus = predicting.artifact("corpus", release.manifest["corpus"]["artifact"])
    assert set(kinds_of_all(corpus, SMALL)) == {"spectral", "word2vec", "lda", "blend", "item_knn"}
    without = replace(SMALL, predictors=replace(SMALL.predictors, tasks=("rating",)))
    assert set(kinds_of_all(corpus, without)) == set(SMALL.spaces)
    assert set(kinds_of_all(corpus, SMALL)) <= {*compared(corpus, SMALL), *SMALL.spaces}
