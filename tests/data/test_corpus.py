"""The corpus: arrays that fit together, kept on disk and cut by rows and by day."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data.artifact import ModelArtifact, write_artifact
from data.corpus import NO_DATE, Corpus
from data.errors import BadArtifact
from tests.data.test_split import corpus_of

READ = [[2, 0], [], [1, 2, 3]]
DAYS = [[5, 7], [], [NO_DATE, 3, 6]]


@pytest.fixture
def corpus() -> Corpus:
    return corpus_of(READ, DAYS, n_books=5)


def sequences(corpus: Corpus) -> list[list[int]]:
    return [corpus.sequence_of(i).tolist() for i in range(corpus.n_readers)]


def test_counts_and_sequences_agree(corpus: Corpus) -> None:
    assert (corpus.n_readers, corpus.n_books, corpus.n_readings) == (3, 5, 5)
    np.testing.assert_array_equal(corpus.counts.toarray(), [[1, 0, 1, 0, 0], [0, 0, 0, 0, 0], [0, 1, 1, 1, 0]])
    assert sequences(corpus) == READ
    assert corpus.readers_per_book.tolist() == [1, 1, 2, 1, 0]


def test_what_is_saved_is_loaded(corpus: Corpus, tmp_path: Path) -> None:
    corpus.save(tmp_path, {"min_books": 1}, {})
    loaded = Corpus.load(tmp_path)
    assert (loaded.readers, loaded.books, loaded.digest) == (corpus.readers, corpus.books, corpus.digest)
    np.testing.assert_array_equal(loaded.counts.toarray(), corpus.counts.toarray())
    for name in ("sequence", "read_on", "reader_tokens"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(corpus, name))
        assert getattr(loaded, name).dtype == getattr(corpus, name).dtype


def test_another_artifact_is_no_corpus(tmp_path: Path) -> None:
    write_artifact(tmp_path, ModelArtifact("space", 1, {}, {}))
    with pytest.raises(BadArtifact, match="kind: expected corpus, found space"):
        Corpus.load(tmp_path)


@pytest.mark.parametrize(
    "other",
    [
        corpus_of([[0, 2], [], [1, 2, 3]], [[7, 5], [], [NO_DATE, 3, 6]], n_books=5),  # another order
        corpus_of(READ, [[5, 8], [], [NO_DATE, 3, 6]], n_books=5),  # another day
        corpus_of(READ, DAYS, n_books=6),  # another catalogue
        corpus_of([*READ, []], [*DAYS, []], n_books=5),  # another reader
    ],
)
def test_the_digest_sees_every_part(corpus: Corpus, other: Corpus) -> None:
    assert other.digest != corpus.digest == corpus_of(READ, DAYS, n_books=5).digest


def test_some_readers_over_the_same_books(corpus: Corpus) -> None:
    some = corpus.rows(np.array([2, 0]))
    assert sequences(some) == [READ[2], READ[0]]
    assert some.readers.ids == ("r2", "r0")
    assert some.books == corpus.books
    assert some.read_on.tolist() == [*DAYS[2], *DAYS[0]]
    assert some.reader_tokens.tolist() == corpus.reader_tokens[[2, 0]].tolist()
    none = corpus.rows(np.array([], np.int64))
    assert (none.n_readers, none.n_books, none.n_readings) == (0, 5, 0)


def test_readings_before_a_day(corpus: Corpus) -> None:
    past = corpus.before(6)
    assert sequences(past) == [[2], [], [2]]  # undated readings and the day itself are left out
    assert past.read_on.tolist() == [5, 3]
    np.testing.assert_array_equal(past.counts.toarray()[2], [0, 0, 1, 0, 0])


def test_dates_count_when_half_of_the_readings_have_one(corpus: Corpus) -> None:
    assert corpus.has_dates
    assert not corpus_of(READ, [[5, NO_DATE], [], [NO_DATE, NO_DATE, 6]]).has_dates
    assert not corpus_of([[]]).has_dates


@pytest.mark.parametrize(
    "change",
    [
        {"sequence": np.zeros(4, np.int32)},
        {"sequence": np.zeros(5, np.int64)},
        {"read_on": np.zeros((5, 1), np.int32)},
        {"reader_tokens": np.zeros(2, np.uint64)},
        {"reader_tokens": np.zeros(3, np.int64)},
    ],
)
def test_arrays_that_do_not_fit_are_refused(corpus: Corpus, change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(change))}: .*, expected"):
        replace(corpus, **change)
    with pytest.raises(ValueError, match=r"counts: .* float64, expected"):
        replace(corpus, counts=corpus.counts.astype(np.float64))
