"""Splits: deterministic, disjoint, and the same for a reader whoever else arrives."""

from __future__ import annotations

from collections.abc import Sequence
from zlib import crc32

import numpy as np
import pytest
import scipy.sparse as sp

from data.corpus import NO_DATE, Corpus, binary_rows
from data.errors import EmptyCorpus
from data.split import HeldOut, Split, reader_split, time_split
from data.vocabulary import Vocabulary


def corpus_of(books_read: list[list[int]], days: list[list[int]] | None = None, n_books: int = 30) -> Corpus:
    """A corpus whose reader i is called r<i>; the token depends on the name alone."""
    row = np.repeat(np.arange(len(books_read)), [len(read) for read in books_read])
    sequence = np.array([book for read in books_read for book in read], np.int32)
    dates = np.full(len(sequence), NO_DATE) if days is None else np.array([day for each in days for day in each])
    readers = Vocabulary.of(f"r{i}" for i in range(len(books_read)))
    tokens = np.array([crc32(id_.encode()) for id_ in readers.ids], np.uint64)
    counts = binary_rows(row, sequence, (len(books_read), n_books))
    return Corpus(readers, Vocabulary.of(range(n_books)), counts, sequence, dates.astype(np.int32), tokens)


def random_corpus(n_readers: int) -> Corpus:
    """Reader i reads the same books whatever `n_readers`."""
    drawn = [np.random.default_rng(i) for i in range(n_readers)]
    return corpus_of([rng.choice(30, size=rng.integers(1, 15), replace=False).tolist() for rng in drawn])


def judged(held_outs: Sequence[HeldOut]) -> dict[int, tuple[list[int], list[int]]]:
    """Row of the corpus -> visible books, hidden books."""
    return {
        int(row): tuple(m.indices[m.indptr[i] : m.indptr[i + 1]].tolist() for m in (held.visible, held.hidden))
        for held in held_outs
        for i, row in enumerate(held.rows)
    }


def parts(corpus: Corpus, split: Split) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Reader -> part, and its hidden books."""
    found: dict[str, tuple[str, tuple[int, ...]]] = dict.fromkeys(split.train.readers.ids, ("train", ()))
    for name, held_out in (("validation", split.validation), ("test", split.test)):
        for row, (_, hidden) in judged([held_out]).items():
            assert corpus.readers.ids[row] not in found
            found[corpus.readers.ids[row]] = (name, tuple(hidden))
    return found


def test_every_reader_is_in_one_part_in_about_the_right_shares() -> None:
    corpus = random_corpus(2000)
    found = parts(corpus, reader_split(corpus, seed=1, p_held_out=0.1))
    assert set(found) == set(corpus.readers.ids)
    for part in ("validation", "test"):
        share = sum(name == part for name, _ in found.values()) / 2000
        assert 0.07 < share < 0.13  # 0.1 of those with two books or more; 4.5 standard deviations


@pytest.mark.parametrize("p_hidden", [0.0, 0.2, 0.75, 1.0])
def test_something_is_shown_and_something_hidden_of_every_held_out_reader(p_hidden: float) -> None:
    corpus = random_corpus(300)
    split = reader_split(corpus, seed=2, p_hidden=p_hidden)
    for held_out in (split.validation, split.test):
        assert held_out.visible.multiply(held_out.hidden).nnz == 0
        assert (held_out.visible + held_out.hidden != corpus.counts[held_out.rows]).nnz == 0
        sizes, hidden = np.diff(corpus.counts[held_out.rows].indptr), np.diff(held_out.hidden.indptr)
        np.testing.assert_array_equal(hidden, np.clip(np.round(p_hidden * sizes), 1, sizes - 1))


def test_the_seed_decides() -> None:
    corpus = random_corpus(300)
    one, again, other = (parts(corpus, reader_split(corpus, seed=seed)) for seed in (3, 3, 4))
    assert one == again != other


def test_readers_who_arrive_move_nobody() -> None:
    few, many = random_corpus(200), random_corpus(400)
    before, after = (parts(corpus, reader_split(corpus, seed=5)) for corpus in (few, many))
    assert {id_: after[id_] for id_ in before} == before


def test_new_books_in_the_catalogue_move_nobody() -> None:
    read = [list(range(i % 20, i % 20 + 8)) for i in range(200)]
    before, after = corpus_of(read, n_books=30), corpus_of(read, n_books=60)
    assert parts(before, reader_split(before, seed=5)) == parts(after, reader_split(after, seed=5))


def test_readers_with_one_book_always_train() -> None:
    corpus = corpus_of([[i % 30] if i % 2 else [0, 1, 2] for i in range(400)])
    found = parts(corpus, reader_split(corpus, seed=6, p_held_out=0.4))
    assert {part for id_, (part, _) in found.items() if int(id_[1:]) % 2} == {"train"}


def test_too_few_readers_to_split() -> None:
    with pytest.raises(EmptyCorpus, match="2 readers are too few: none is left to be"):
        reader_split(corpus_of([[0, 1], [0, 2]]), seed=0)


def test_the_future_is_hidden_by_hand() -> None:
    # Days 0..9 for readers in turn; the 0.7 quantile of the days 0..9 (each twice) is day 6.
    read = [[0, 1, 2], [3, 4, 5], [6, 7], [8, 9], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], [29, 28]]
    days = [[0, 1, 6], [2, 3, 7], [4, 5], [8, 9], list(range(10)), [NO_DATE, 0]]
    corpus = corpus_of(read, days)
    split = time_split(corpus, seed=0, p_future=0.35)
    assert split.train.n_readers == corpus.n_readers
    assert [split.train.sequence_of(i).tolist() for i in range(6)] == [
        [0, 1],
        [3, 4],
        [6, 7],
        [],
        [0, 1, 2, 3, 4, 5],
        [28],
    ]
    assert judged([split.validation, split.test]) == {
        0: ([0, 1], [2]),
        1: ([3, 4], [5]),
        4: ([0, 1, 2, 3, 4, 5], [6, 7, 8, 9]),
    }


def test_nothing_shown_is_later_than_anything_hidden() -> None:
    rng = np.random.default_rng(0)
    read = [rng.choice(30, 10, replace=False).tolist() for _ in range(100)]
    days = [sorted(rng.integers(-50, 50, 10).tolist()) for _ in range(100)]
    split = time_split(corpus_of(read, days), seed=0)
    day_of = [dict(zip(books, dates, strict=True)) for books, dates in zip(read, days, strict=True)]
    both = judged([split.validation, split.test])
    shown, hidden = ([day_of[row][book] for row in both for book in both[row][part]] for part in (0, 1))
    assert max(shown) < min(hidden)
    assert split.train.read_on.max() < min(hidden)
    assert 0.05 < len(hidden) / 1000 < 0.15


def test_a_time_split_needs_dates_on_both_sides() -> None:
    with pytest.raises(EmptyCorpus, match="no reading has a date"):
        time_split(corpus_of([[0, 1]]), seed=0)
    with pytest.raises(EmptyCorpus, match="only 0 readers"):
        time_split(corpus_of([[0, 1], [2, 3]], [[5, 5], [5, 5]]), seed=0)


def test_held_out_parts_that_do_not_fit_are_refused() -> None:
    one, other = sp.csr_matrix(np.array([[1, 0]], np.float32)), sp.csr_matrix(np.array([[0, 1]], np.float32))
    HeldOut(np.array([0]), one, other)
    with pytest.raises(ValueError, match="both visible and hidden"):
        HeldOut(np.array([0]), one, one)
    with pytest.raises(ValueError, match="without visible or hidden"):
        HeldOut(np.array([0]), one, sp.csr_matrix(np.zeros((1, 2), np.float32)))
    with pytest.raises(ValueError, match="2 rows"):
        HeldOut(np.array([0, 1]), one, other)
