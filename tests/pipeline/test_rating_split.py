"""Hidden ratings of held-out readers: disjoint, of those readers only, the same when others arrive; no leak of one."""

from __future__ import annotations

import numpy as np

from data.corpus import Corpus
from data.ratings import Ratings
from data.split import reader_split
from pipeline.rating_features import RatingFeatures, RatingFeaturesConfig
from pipeline.rating_split import rating_split, together
from tests.models.corpora import corpus_of
from tests.pipeline.rated import rated

RATINGS, CONTEXT = rated(n_readers=80, n_books=30)


def corpus(ratings: Ratings = RATINGS) -> Corpus:
    order = np.lexsort((ratings.book, ratings.reader))
    reader, book = ratings.reader[order], ratings.book[order]
    return corpus_of([book[reader == i].tolist() for i in range(ratings.n_readers)], ratings.n_books)


def test_parts_are_disjoint_and_hidden_ratings_are_of_held_out_readers() -> None:
    data = corpus()
    split = reader_split(data, seed=0, p_held_out=0.2)
    parts = rating_split(RATINGS, data, split, 0)
    assert len(parts.known) + len(parts.validation) + len(parts.test) == len(RATINGS)
    assert set(parts.test.reader) <= set(split.test.rows)
    assert set(parts.validation.reader) <= set(split.validation.rows)
    n_test = np.isin(RATINGS.reader, split.test.rows).sum()
    assert 0.35 < len(parts.test) / n_test < 0.65
    assert set(parts.test.reader) & set(parts.known.reader), "of a test reader something is known"


def test_a_rating_stays_hidden_when_other_readers_arrive() -> None:
    few = RATINGS.rows(np.flatnonzero(RATINGS.reader < 60))
    few = Ratings(few.reader, few.book, few.value, few.levels, 60, few.n_books)
    found = []
    for ratings in (few, RATINGS):
        data = corpus(ratings)
        test = rating_split(ratings, data, reader_split(data, seed=0, p_held_out=0.2), 0).test
        found.append({(r, b) for r, b in zip(test.reader.tolist(), test.book.tolist(), strict=True) if r < 60})
    assert found[0] == found[1]
    assert found[0]


def test_a_changed_test_rating_changes_nothing_that_is_learned_and_no_other_row() -> None:
    data = corpus()
    split = reader_split(data, seed=0, p_held_out=0.2)
    parts = rating_split(RATINGS, data, split, 0)
    row = np.flatnonzero((RATINGS.reader == parts.test.reader[0]) & (RATINGS.book == parts.test.book[0]))[0]
    value = RATINGS.value.copy()
    value[row] = 1 if value[row] > 2 else 5
    changed = Ratings(RATINGS.reader, RATINGS.book, value, RATINGS.levels, RATINGS.n_readers, RATINGS.n_books)
    others = rating_split(changed, data, split, 0)
    described = []
    for one in (parts, others):
        features = RatingFeatures.fit(one.known, CONTEXT, RatingFeaturesConfig(n_fitted_readers=20))
        test = features.of_pairs(one.known, one.test.reader, one.test.book, counted=one.known)
        described.append((features.training(one.known).features, test.features))
    np.testing.assert_array_equal(described[0][0], described[1][0])
    np.testing.assert_array_equal(described[0][1], described[1][1])
    assert (parts.test.value != others.test.value).sum() == 1


def test_parts_together_are_the_whole() -> None:
    data = corpus()
    parts = rating_split(RATINGS, data, reader_split(data, seed=0, p_held_out=0.2), 0)
    whole = together(together(parts.known, parts.test), parts.validation)
    order = np.lexsort((RATINGS.book, RATINGS.reader))
    for name in ("reader", "book", "value"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(RATINGS, name)[order])
