"""From a history to ratings: one scale, one rating a reader and unit, what is left out and said."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data.corpus import Corpus
from data.history import History, ReadingHistory
from data.ratings import Ratings
from data.store import Store
from pipeline import build_ratings as module
from pipeline.build_corpus import build_corpus, make_corpus
from pipeline.build_ratings import Account, NoRatings, account_of, make_ratings
from pipeline.config import AUTHOR, EDITION, WORK, CorpusConfig
from pipeline.make_works import make_works
from tests.data.tables import batch

Row = tuple[str, str, float | None, dict[str, Any]]
TEN: dict[str, Any] = {"rating_min": 1.0, "rating_max": 10.0}
FIVE: dict[str, Any] = {"rating_min": 0.5, "rating_max": 5.0}


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MIN_RATINGS", 1)


def committed(root: Path, rows: Sequence[Row], books: Any = None) -> Store:
    """A store whose history has these readings: reader, book, rating, what else differs."""
    store = Store(root / "store")
    readings = [
        {"reader": reader * 32, "book": f"t:{book}", "rating": rating, **(TEN if rating is not None else {}), **other}
        for reader, book, rating, other in rows
    ]
    batch("00000000000000aa", readings, books).commit(History(store.history))
    return store


def built(store: Store, unit: str = EDITION) -> tuple[Corpus, Ratings, Account]:
    history: ReadingHistory = History(store.history).latest()
    works = None
    if unit == WORK:
        from data.works.table import Works

        works = Works.load(make_works(store, history)[0])
    corpus = build_corpus(history, CorpusConfig(min_readers=1, min_books=1, unit=unit), works)
    ratings, account = module.build_ratings(history, corpus, unit, works)
    return corpus, ratings, account


def pairs(corpus: Corpus, ratings: Ratings) -> dict[tuple[str, str], float]:
    """Reader's letter and book -> rating."""
    rows = zip(ratings.reader, ratings.book, ratings.value, strict=True)
    return {(corpus.readers.ids[r][0], corpus.books.ids[b]): float(v) for r, b, v in rows}


def test_ratings_are_over_the_vocabularies_and_their_levels_are_those_in_use(tmp_path: Path) -> None:
    store = committed(tmp_path, [("b", "x", 7, {}), ("a", "y", 10, {}), ("a", "x", 7, {}), ("a", "z", None, {})])
    corpus, ratings, account = built(store)
    assert pairs(corpus, ratings) == {("b", "t:x"): 7, ("a", "t:y"): 10, ("a", "t:x"): 7}
    assert ratings.levels.tolist() == [7, 10]
    assert account == Account(1.0, 10.0, 3, 0, 0)


def test_the_scale_most_ratings_are_on_is_taken_and_others_are_counted(tmp_path: Path) -> None:
    rows: list[Row] = [("a", "x", 4.5, FIVE), ("a", "y", 5.0, FIVE), ("b", "x", 9.0, {}), ("b", "y", 3.5, FIVE)]
    rows.append(("c", "x", 4.0, {"rating_min": None, "rating_max": None}))
    corpus, ratings, account = built(committed(tmp_path, rows))
    assert pairs(corpus, ratings) == {("a", "t:x"): 4.5, ("a", "t:y"): 5.0, ("b", "t:y"): 3.5}
    assert ratings.levels.tolist() == [3.5, 4.5, 5.0], "half stars are levels"
    assert (account.low, account.high, account.n_other_scale) == (0.5, 5.0, 2)


def test_what_was_dropped_or_is_not_in_the_corpus_does_not_count(tmp_path: Path) -> None:
    rows: list[Row] = [("a", "x", 4, {}), ("a", "y", 1, {"status": "dropped"}), ("b", "x", 8, {})]
    corpus, ratings, _ = built(committed(tmp_path, rows))
    assert pairs(corpus, ratings) == {("a", "t:x"): 4, ("b", "t:x"): 8}


def test_of_several_ratings_of_an_authors_books_the_lower_median_stands(tmp_path: Path) -> None:
    books = [{"book": f"t:{b}", "title": b, "work": b, "authors": "A" if b in "uvwx" else "B"} for b in "uvwxy"]
    rows: list[Row] = [("a", "u", 2, {}), ("a", "v", 9, {}), ("a", "w", 8, {}), ("a", "x", 3, {}), ("a", "y", 5, {})]
    corpus, ratings, account = built(committed(tmp_path, rows, books), AUTHOR)
    assert pairs(corpus, ratings) == {("a", "author:a"): 3, ("a", "author:b"): 5}
    assert account.n_repeated == 3


def test_a_rating_of_any_edition_is_one_of_the_work(tmp_path: Path) -> None:
    cat = {"title": "吾輩は猫である", "authors": "夏目漱石", "work": "w:1"}
    books = [{**cat, "book": "t:u"}, {**cat, "book": "t:v"}, {"book": "t:x", "title": "こころ", "work": "w:2"}]
    rows: list[Row] = [("a", "u", 6, {}), ("b", "v", 8, {}), ("b", "u", 10, {}), ("a", "x", 2, {})]
    corpus, ratings, account = built(committed(tmp_path, rows, books), WORK)
    found = pairs(corpus, ratings)
    assert found == {("a", "t:u"): 6, ("b", "t:u"): 8, ("a", "t:x"): 2}
    assert account.n_repeated == 1


@pytest.mark.parametrize(
    ("ratings", "told"),
    [
        ([None, None, None], "have no ratings"),
        ([7, 7, 7], "all 3 ratings from 1 to 10 are the same"),
        ([7, 8, None], "2 ratings from 1 to 10: it takes 3"),
    ],
)
def test_without_enough_ratings_it_is_said_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ratings: list[float | None], told: str
) -> None:
    monkeypatch.setattr(module, "MIN_RATINGS", 3)
    store = committed(tmp_path, [("a", book, rating, {}) for book, rating in zip("xyz", ratings, strict=True)])
    with pytest.raises(NoRatings, match=told):
        built(store)


def test_ratings_are_gathered_once_and_know_which_corpus_they_are_of(tmp_path: Path) -> None:
    store = committed(tmp_path, [("b", "x", 8, {}), ("a", "y", 10, {}), ("a", "x", 7, {})])
    history = History(store.history).latest()
    corpus, _ = make_corpus(store, history, CorpusConfig(min_readers=1, min_books=1))
    folder, made = make_ratings(store, history, corpus)
    assert made
    assert make_ratings(store, history, corpus) == (folder, False)
    assert account_of(folder).n_kept == 3
    np.testing.assert_array_equal(Ratings.load(folder).levels, [7, 8, 10])
    other, _ = make_corpus(store, history, CorpusConfig(min_readers=2, min_books=1))
    assert make_ratings(store, history, other)[0] != folder
