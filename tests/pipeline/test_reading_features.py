"""Features of a reader and a book, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from models.base import Run
from models.item_knn import ItemKnn, ItemKnnConfig
from models.popularity import Popularity, PopularityConfig
from models.topics import TopicPosterior
from pipeline.reading_features import UNKNOWN_AUTHOR, ReadingFeatures, author_codes
from tests.models.corpora import corpus_of, shown, tastes

BOOKS = 5
CORPUS = corpus_of([[0, 1, 2, 3], [0, 1, 2], [0, 1], [0]], BOOKS)  # readers of each: 4, 3, 2, 1, 0
AUTHOR = np.array([7, 7, 3, UNKNOWN_AUTHOR, UNKNOWN_AUTHOR])


def features() -> ReadingFeatures:
    popular = Popularity.fit(CORPUS, PopularityConfig(), Run(0))
    return ReadingFeatures.of({"popularity": popular, "blend": popular}, CORPUS.readers_per_book, AUTHOR)


def columns(found: ReadingFeatures, rows: list[list[int]], reader: list[int], book: list[int]) -> dict[str, np.ndarray]:
    block = found.block(shown(rows, BOOKS))
    return dict(zip(found.names, found.rows(block, np.array(reader), np.array(book)).T, strict=True))


def test_only_stacked_kinds_are_rankers_and_the_first_is_the_base() -> None:
    assert features().names == ("blend", "rank", "popularity", "shown", "author")
    assert features().base == "blend"
    with pytest.raises(ValueError, match="expected one of blend"):
        ReadingFeatures.of({}, CORPUS.readers_per_book, AUTHOR)


def test_ranks_are_of_what_is_not_shown_and_counts_are_what_they_say() -> None:
    found = columns(features(), [[0, 2], [3]], [0, 0, 0, 1], [1, 3, 0, 0])
    np.testing.assert_allclose(np.expm1(found["rank"]), [0, 1, 3, 0], atol=1e-5)
    np.testing.assert_allclose(np.expm1(found["popularity"]), [3, 1, 4, 4], rtol=1e-5)
    np.testing.assert_allclose(np.expm1(found["shown"]), [2, 2, 2, 1], rtol=1e-5)
    np.testing.assert_allclose(np.expm1(found["author"]), [1, 0, 1, 0], atol=1e-6)


def test_scores_are_standard_over_the_books_not_shown() -> None:
    block = features().block(shown([[0]], BOOKS))
    asked = block.scores[0, 0, 1:]
    assert asked.mean() == pytest.approx(0, abs=1e-6)
    assert asked.std() == pytest.approx(1, abs=1e-6)


class _Topics:
    """Two topics: books 0 to 2 are of the first, the others of the second; the reader is 3 to 1 for the first."""

    def reader_topics(self, rows: object) -> TopicPosterior:
        return TopicPosterior(np.array([[0.75, 0.25]], np.float32), np.array([[0.3, 0.1]], np.float32))

    def profiles(self) -> np.ndarray:
        return np.array([[1, 0]] * 3 + [[0.5, 0.5], [0, 1]], np.float32)


def test_shared_topics_and_how_sure_they_are() -> None:
    plain = features()
    found = ReadingFeatures(plain.rankers, {"lda": _Topics()}, plain.n_readers, plain.author)  # type: ignore[dict-item]
    told = columns(found, [[0]], [0, 0, 0], [1, 3, 4])
    np.testing.assert_allclose(told["lda overlap"], [0.75, 0.5, 0.25])
    np.testing.assert_allclose(told["lda overlap sd"], [0.3, np.sqrt(0.25 * 0.1), 0.1], rtol=1e-5)


def test_a_reader_who_shows_nothing_has_features_all_the_same() -> None:
    data = tastes(0)
    knn = ItemKnn.fit(data, ItemKnnConfig(), Run(0))
    found = ReadingFeatures.of({"item_knn": knn}, data.readers_per_book, np.arange(data.n_books))
    block = found.block(shown([[], [0, 1]], data.n_books))
    rows = found.rows(block, np.zeros(data.n_books, np.int64), np.arange(data.n_books))
    assert rows.shape == (data.n_books, len(found.names))
    assert np.isfinite(rows).all()


def test_of_books_that_no_ranker_tells_apart_the_one_of_more_readers_comes_first() -> None:
    data = tastes(0)
    n_readers = np.random.default_rng(1).permutation(data.n_books) * 3  # no two alike, in no order of rows
    knn = ItemKnn.fit(data, ItemKnnConfig(), Run(0))
    found = ReadingFeatures.of({"item_knn": knn}, n_readers, np.arange(data.n_books))
    rank = found.block(shown([[]], data.n_books)).rank[0]
    np.testing.assert_array_equal(np.argsort(rank), np.argsort(-n_readers))


def test_one_by_one_is_as_together() -> None:
    found = features()
    together = columns(found, [[0, 2], [3]], [0, 1], [1, 1])
    alone = columns(found, [[3]], [0], [1])
    for name, values in alone.items():
        assert values[0] == pytest.approx(together[name][1])


def test_authors_get_numbers_and_unknown_ones_none() -> None:
    assert author_codes(["a", "b", "c", "d"], {"a": "x", "c": "y", "d": "x"}).tolist() == [0, UNKNOWN_AUTHOR, 1, 0]
