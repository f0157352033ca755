"""The order of recommended books, by whatever they are ranked, and what a reader of whom nothing is known is told."""

from __future__ import annotations

import numpy as np
import pytest

from data.corpus import Corpus
from data.release import Release
from data.store import Store
from flows.recommending import _print, note_of, recommended
from pipeline.asked_reader import AskedReader, Rated
from pipeline.predictions import Asked

SYSTEMS = ("will_read", "blend")
K = 30


@pytest.fixture(scope="module")
def asked(predicting: Store) -> Asked:
    return Asked(predicting, Release.open(predicting))


def reader_of(asked: Asked, row: int | None) -> tuple[AskedReader, np.ndarray]:
    """A reader of the corpus, or one of whom nothing is known, and the rows they have not read."""
    corpus = Corpus.load(asked.store.artifact("corpus", asked.release.manifest["corpus"]["artifact"]))
    read = np.empty(0, np.int64) if row is None else corpus.counts[row].indices.astype(np.int64)
    return AskedReader(np.sort(read), Rated.none(), Rated.none(), 0), np.setdiff1d(np.arange(corpus.n_books), read)


@pytest.mark.parametrize("by", SYSTEMS)
def test_books_come_in_the_order_of_what_they_are_ranked_by(
    asked: Asked, by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Asked, "rank_by", property(lambda _: by))
    reader, rows = reader_of(asked, 3)
    listed = [book["book"] for book in recommended(asked, reader, rows, K, None)]
    scores = asked.scores(asked.known(reader), rows)
    ids = asked.release.books.columns["book"]
    of_listed = [scores[np.flatnonzero(rows == ids.index(book))[0]] for book in listed]
    assert (np.diff(of_listed) <= 0).all()
    assert of_listed[-1] >= np.sort(scores)[-K], "none that is left out ranks higher"
    if by == "will_read":
        p = [book["will_read"]["p"] for book in recommended(asked, reader, rows, K, None)]
        assert p == sorted(p, reverse=True)


def test_a_reader_of_whom_nothing_is_known_gets_what_is_read_most_and_is_told_so(
    asked: Asked, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Asked, "rank_by", property(lambda _: "blend"))
    nobody, rows = reader_of(asked, None)
    books = recommended(asked, nobody, rows, K, None)
    most = np.sort(asked.release.books.n_readers)[::-1][:K]
    assert [book["n_readers"] for book in books] == most.tolist()
    _print(asked, nobody, books, "blend", [])
    assert "nothing is known of what this reader read" in capsys.readouterr().out
    somebody, unread = reader_of(asked, 3)
    assert note_of(somebody) is None
    _print(asked, somebody, recommended(asked, somebody, unread, K, None), "blend", [])
    assert "nothing is known" not in capsys.readouterr().out
