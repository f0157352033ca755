"""What is in the history but not in the release: a new book, a reader. Loads the history, so only when asked."""

from __future__ import annotations

import sys

import numpy as np

from data.errors import AmbiguousTitle, BadHistory, UnknownBook, WagahaiError
from data.release import Release
from data.store import Store
from flows.reading import Placed, of_row
from flows.telling_topics import Shares
from pipeline.disclosure import least_told
from pipeline.fold_in import place_reader, reader_books, warm_book
from pipeline.question import Question


class TooFewReaders(UnknownBook):
    """A book that the history has, but too few readers of it to place it; does not say how many."""

    def __init__(self, text: str, fewer_than: int) -> None:
        super().__init__(text, ())
        self.args = (
            f"unknown: {text!r} is in the history, but fewer than {fewer_than} of its readers have read a book "
            "of the release",
        )


def placed_book(
    store: Store, release: Release, space: str | None, error: UnknownBook | AmbiguousTitle, title: str
) -> Placed:
    """Return the book that a title names in the history, placed from its readers and marked ``warm``.

    Parameters
    ----------
    error
        What the release says of the title: it knows none, or the title is part of several. Then only a book that has
        it in full comes before these.

    Raises
    ------
    UnknownBook, AmbiguousTitle
        `error` if the history has no such book either, `TooFewReaders` if an unknown one cannot be placed; if the
        history has several.
    """
    is_part = isinstance(error, AmbiguousTitle)
    try:
        found = warm_book(store, release, title, space, in_full=is_part)
    except (BadHistory, UnknownBook):
        raise error from None
    if found.row is not None:  # another edition, of a release of works
        return of_row(release.books, found.row)
    if found.vector is None and is_part:
        raise error
    if found.vector is None:
        raise TooFewReaders(title, least_told(release))
    record = {"book": None, "title": title, "n_readers": found.n, "warm": True}
    called = f"{title} (warm: {found.n:,} readers, not in the release)"
    return Placed(Question((), new=(found.vector,), n_readers=found.n), called, record)


def placed_reader(store: Store, release: Release, reader: str, namespace: str | None) -> Placed:
    """Return the question for books near a reader, whose own books are left out; it does not hold the reader's id.

    Raises
    ------
    WagahaiError
        If the history has no such reader, or the release none of the reader's books.
    """
    rows = _books_of(store, release, reader, namespace)
    if (found := place_reader(release.vectors, rows)).vector is None:
        raise WagahaiError(f"unknown: {found.reason}")
    n_readers = int(
        np.median(release.books.n_readers[rows])
    )  # the least read book says little about the middle of many
    called = f"a reader ({len(rows):,} books of the release read)"
    return Placed(Question(tuple(rows.tolist()), n_readers=n_readers), called, {"n_books": len(rows)})


def topics_of_reader(store: Store, release: Release, kind: str, reader: str, namespace: str | None) -> Shares:
    """Return the topics of a reader by the model of a kind; they do not hold the reader's id.

    Raises
    ------
    WagahaiError
        If the history has no such reader, the release none of the reader's books, or the model is gone.
    """
    from pipeline.reader_topics import LEVEL, reader_topics

    release.topics(kind)  # before the history is searched: says so if there are none
    rows = _books_of(store, release, reader, namespace)
    found = reader_topics(store, release, kind, rows)
    return Shares(found.share, found.low, found.high, LEVEL, len(rows))


def _books_of(store: Store, release: Release, reader: str, namespace: str | None) -> np.ndarray:
    return reader_books(store, release, reader_id(reader), namespace)


def reader_id(typed: str) -> str:
    """Return the id that was typed; ``-`` reads it from standard input, where no list of processes shows it."""
    return sys.stdin.readline().strip() if typed == "-" else typed
