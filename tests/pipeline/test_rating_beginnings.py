"""What is shown and what is asked never meet; everybody begins with anything from nothing to all but one."""

from __future__ import annotations

import numpy as np

from pipeline.rating_beginnings import beginnings, of_readers
from tests.pipeline.rated import rated


def test_shown_and_asked_are_ratings_of_the_reader_and_never_the_same() -> None:
    ratings = rated()[0]
    begun = beginnings(ratings, 5, 2, np.random.default_rng(1))
    known = set(zip(ratings.reader.tolist(), ratings.book.tolist(), ratings.value.tolist(), strict=True))
    shown, asked = (
        list(zip(begun.reader[some.reader].tolist(), some.book.tolist(), some.value.tolist(), strict=True))
        for some in (begun.shown, begun.asked)
    )
    assert len(shown) > 60 <= len(asked)
    assert set(shown) <= known
    assert set(asked) <= known
    pairs = [set(zip(s.reader.tolist(), s.book.tolist(), strict=True)) for s in (begun.shown, begun.asked)]
    assert not pairs[0] & pairs[1]
    assert len(pairs[0]) == len(begun.shown)


def test_every_reader_begins_as_often_and_is_asked_at_most_so_many() -> None:
    ratings = rated()[0]
    begun = beginnings(ratings, 5, 2, np.random.default_rng(2))
    assert (np.bincount(begun.reader, minlength=60) == 5).all()
    n_asked = np.bincount(begun.asked.reader, minlength=300)
    assert n_asked.min() >= 1
    assert n_asked.max() == 2


def test_how_many_are_shown_is_even_on_a_logarithmic_scale() -> None:
    ratings = rated(n_readers=1, n_books=100, share=1.1)[0]
    begun = beginnings(ratings, 3000, 1, np.random.default_rng(3))
    n_shown = np.bincount(begun.shown.reader, minlength=3000)
    assert n_shown.min() == 0
    assert n_shown.max() == 98
    assert abs((n_shown < 1).mean() - np.log(2) / np.log(100)) < 0.03
    assert abs((n_shown < 9).mean() - 0.5) < 0.03


def test_ratings_of_readers_who_repeat() -> None:
    ratings = rated()[0]
    again = of_readers(ratings, np.array([3, 0, 3]))
    for row, reader in enumerate([3, 0, 3]):
        expected = np.sort(ratings.book[ratings.reader == reader])
        assert np.array_equal(np.sort(again.book[again.reader == row]), expected)
    assert of_readers(ratings, np.empty(0, np.int64)).n_readers == 0
