"""Commands of the read side: nearest, releases, rollback. Loads numpy and a release, nothing else."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from data.errors import AmbiguousTitle, UnknownBook, WagahaiError
from data.outdated import outdated
from data.release import Books, Release, kept_releases
from data.spreadsheet import visible
from data.store import STORE_VARIABLE, Store
from flows.answers import CSV_COLUMNS, columns, how_sure, in_words, listed
from flows.tables import write_csv, write_json, write_table
from pipeline.filters import Filters, allowed, described, listed_ids
from pipeline.lookup import find_book, find_books, is_in_full
from pipeline.query import Neighbours, chance_similarity, far_threshold, farthest
from pipeline.query import nearest as nearest_books
from pipeline.question import Question

DEMO_STORE = Path(".wagahai-demo")


@dataclass(frozen=True)
class Placed:
    """What is in the history but not in the release: a new book, or a reader, with its place in the space."""

    question: Question
    called: str
    record: dict[str, Any]


class Placing(NamedTuple):
    """How to place what is not in the release; loads the history, so only when it is needed."""

    book: Callable[[Store, Release, str | None, UnknownBook | AmbiguousTitle, str], Placed]
    reader: Callable[[Store, Release, str, str | None], Placed]


@dataclass(frozen=True)
class Subject:
    """What was asked: the question, how it is called, and as JSON."""

    question: Question
    called: str
    record: dict[str, Any]


def nearest(chosen: argparse.Namespace, placing: Placing) -> int:
    """Print the books near and far from a title, from several, or from a reader."""
    store = open_store(chosen.store)
    release = Release.open(store, chosen.release)
    if chosen.space == release.spaces[0]:
        chosen.space = None  # the default one named is the default one
    subject = _subject(chosen, store, release, placing)
    filters = filters_of(chosen, release.books, subject.question.like)
    mask = allowed(release.books, filters, subject.question.left_out.tolist())
    ask = (release, subject.question)
    near = nearest_books(*ask, chosen.k, mask if filters != Filters() else None, chosen.space)
    found = {"near": near}
    if chosen.far:
        found["far"] = farthest(*ask, chosen.far, mask, chosen.space)
    lists = {name: books.records(release.books) for name, books in found.items()}
    said = described(release.books, filters)
    if chosen.format == "json":
        facts = {"release": release.id, "space": chosen.space or release.spaces[0], "asked": subject.record}
        chance = chance_similarity(release, chosen.space)
        recall = near.recall and near.recall.mean
        write_json({**facts, "filters": said, "chance_similarity": chance, "index_recall": recall, **lists})
    elif chosen.format == "csv":
        records = [{"list": name, **record} for name, of_list in lists.items() for record in of_list]
        write_csv(records, ["list", *CSV_COLUMNS])
    else:
        n_allowed = f"; of {int(mask.sum()):,} books: {', '.join(said)}" if said else ""
        _print_lists(release, chosen, subject, n_allowed, found)
        if near.recall:
            sys.stdout.write(f"Near books come from an index: {near.recall}.\n")
    return 0


# ---- what is asked ------------------------------------------------------------------------


def _subject(chosen: argparse.Namespace, store: Store, release: Release, placing: Placing) -> Subject:
    books = release.books
    if chosen.reader is not None and (chosen.title or chosen.book):
        raise WagahaiError("name books, or --reader ID, not both")
    if chosen.reader is not None:
        parts = [placing.reader(store, release, chosen.reader, chosen.namespace)]
    else:
        parts = [_placed(store, release, chosen, title, placing) for title in chosen.title]
        _refuse_repeats(chosen.title, parts)
        parts += [_of_id(store, release, chosen, book, placing) for book in chosen.book]
    if not parts:
        raise WagahaiError("name one book or several: titles, or --book ID; or a reader: --reader ID")
    unlike = [find_book(books, title) for title in chosen.unlike]
    called = listed([part.called for part in parts])
    if unlike:
        called += f" but not {listed([books.columns['title'][row] for row in unlike])}"
    record = {
        "like" if chosen.reader is None else "reader": [part.record for part in parts],
        "unlike": [of_row(books, row).record for row in unlike],
    }
    return Subject(_together(books, [part.question for part in parts], unlike), called, record)


def _together(books: Books, parts: list[Question], unlike: list[int]) -> Question:
    """Return the question for the middle of all parts; behind it are the readers of the least read one."""
    like = dict.fromkeys(row for part in parts for row in part.like)
    new = [vector for part in parts for vector in part.new]
    return Question(tuple(like), tuple(unlike), tuple(new), min(part.readers(books) for part in parts))


def _placed(store: Store, release: Release, chosen: argparse.Namespace, title: str, placing: Placing) -> Placed:
    """Return the book that a title names, in the release or else in the history.

    One that is part of several titles of the release may be a new book's whole title. One that is part of a single
    title is taken for that book: to open the history first would take longer than the answer.
    """
    books, titles = release.books, chosen.title
    try:
        return of_row(books, find_book(books, title))
    except (UnknownBook, AmbiguousTitle) as error:
        if len(titles) > 1 and find_books(books, joined := " ".join(titles)):
            raise WagahaiError(
                f"{len(titles)} titles were given, and {title!r} does not name one book; "
                f'a title of several words needs quotes: "{joined}"'
            ) from error
        if isinstance(error, AmbiguousTitle) and is_in_full(books, title):
            raise
        return placing.book(store, release, chosen.space, error, title)


def _of_id(store: Store, release: Release, chosen: argparse.Namespace, book: str, placing: Placing) -> Placed:
    """Return the book of an id, in the release or else in the history; a title is not taken for an id."""
    if release.books.row(book) is None and ":" in book:
        return placing.book(store, release, chosen.space, UnknownBook(book, ()), book)
    return of_row(release.books, row_of(release.books, book))


def _refuse_repeats(titles: list[str], parts: list[Placed]) -> None:
    """Refuse two titles of one book: they are most likely the words of one title."""
    first: dict[str, str] = {}
    for title, part in zip(titles, parts, strict=True):
        if (other := first.setdefault(part.called, title)) is not title:
            raise WagahaiError(
                f"{other!r} and {title!r} are one book, {part.called}; a title of several words needs quotes: "
                f'"{" ".join(titles)}"'
            )


def of_row(books: Books, row: int) -> Placed:
    """Return a book of the release as what is asked."""
    title, n_readers = books.columns["title"][row], int(books.n_readers[row])
    record = {"book": books.columns["book"][row], "title": title, "n_readers": n_readers, "warm": False}
    return Placed(Question((row,)), f"{title} ({n_readers:,} readers)", record)


def row_of(books: Books, book: str) -> int:
    """Return the row of a book id; a title is not taken for one."""
    if (row := books.row(book)) is None:
        raise WagahaiError(f"no book has the id {book!r}; ids are listed where several books have a title")
    return row


def filters_of(chosen: argparse.Namespace, books: Books, like: tuple[int, ...]) -> Filters:
    """Return the filters that were asked for, `like` being the rows of the books that were asked about."""
    if (chosen.other_authors or chosen.other_works) and not like:
        raise WagahaiError("other authors or works than of which book? What is asked about is not in the release")
    return Filters(
        author=chosen.author,
        not_author=chosen.not_author,
        not_same_author_as=like if chosen.other_authors else (),
        not_same_work_as=like if chosen.other_works else (),
        language=chosen.language,
        format=chosen.book_format,
        year_from=chosen.from_year,
        year_to=chosen.to_year,
        min_readers=chosen.min_readers,
        only=None if chosen.only is None else _listed_in(books, chosen.only),
        without=() if chosen.without is None else _listed_in(books, chosen.without),
    )


def _listed_in(books: Books, file: str) -> tuple[str, ...]:
    """Return the ids of the books that a file lists; says how many lines name none."""
    try:
        lines = Path(file).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise WagahaiError(f"{file}: cannot be read as a list of books, UTF-8, one a line: {error}") from error
    ids, unknown = listed_ids(books, lines)
    if unknown:
        lines_name = f"{len(unknown):,} lines name" if len(unknown) > 1 else "1 line names"
        told = f"{file}: {lines_name} no book of this release, the first: {unknown[0]}"
        sys.stderr.write(f"wagahai: {visible(told)}\n")
    return ids


# ---- how it is printed --------------------------------------------------------------------


def _print_lists(
    release: Release,
    chosen: argparse.Namespace,
    subject: Subject,
    n_allowed: str,
    found: dict[str, Neighbours],
) -> None:
    sure = how_sure(release, chosen.space, subject.question, is_filtered=bool(n_allowed))
    headings = {"near": f"Near {subject.called}, release {release.id}{n_allowed}\n{sure}"}
    is_far_sure = "far" in found and found["far"].high is not None
    beyond = ", and further than half of these beyond doubt" if is_far_sure else ""
    headings["far"] = f"Far from it (books with at least {far_threshold(release):,} readers{beyond})"
    for name, books in found.items():
        if records := books.records(release.books):
            write_table(headings[name], said := in_words(records), columns(said))
        else:
            sys.stdout.write(f"{visible(headings[name].splitlines()[0])}: none\n")
    if len(found["near"].rows):
        n_readers, most = subject.question.readers(release.books), float(found["near"].similarity.max())
        sys.stdout.write(_caution(release, chosen.space, n_readers, most))


def _caution(release: Release, space: str | None, n_readers: int, similarity: float) -> str:
    """Say what a similarity is worth here, and when a question has too few readers to trust its list.

    Parameters
    ----------
    similarity
        Of the most similar book listed.
    """
    alike = chance_similarity(release, space)
    none_nearer = ", and so than any of these" if similarity < alike else ""
    chance = f"One pair of random books in 100 is more alike than {alike:.3f}{none_nearer}.\n"
    if n_readers >= (enough := far_threshold(release)):
        return chance
    return f"Only {n_readers:,} readers (fewer than {enough:,}): this list is uncertain. {chance}"


# ---- releases -----------------------------------------------------------------------------
def releases(chosen: argparse.Namespace) -> int:
    """Print the releases kept, oldest first."""
    store = open_store(chosen.store)
    known = outdated(store)
    records = []
    for release in kept_releases(store):
        manifest = release.manifest
        record = {"serves": "*" if release.id == store.current else "", "release": release.id}
        record |= {name: manifest["corpus"][name] for name in ("n_readers", "n_books", "n_readings")}
        marked = f"; knew a reader forgotten on {known[release.id]}" if release.id in known else ""
        records.append({**record, "verdict": manifest["verdict"] + marked})
    columns = {"serves": "", "release": "release", "n_readers": "readers", "n_books": "books", "n_readings": "readings"}
    if chosen.format == "json":
        write_json({"current": store.current, "releases": records})
    elif chosen.format == "csv":
        write_csv(records, [*columns, "verdict"])
    elif records:
        write_table(f"Releases in {store.root}", records, {**columns, "verdict": "verdict"})
    else:
        sys.stdout.write(f"no release in {store.root}\n")
    return 0


def rollback(chosen: argparse.Namespace) -> int:
    """Switch to a kept release."""
    from pipeline.rollback import roll_back

    store = Store.from_environment(chosen.store)
    before = store.current
    roll_back(store, chosen.release)
    sys.stdout.write(f"{chosen.release} serves now (before: {before})\n")
    return 0


def open_store(named: str | None) -> Store:
    """Return the store to read from; where none was named and none has a release, the demo's, saying so."""
    store = Store.from_environment(named)
    demo = Store.from_environment(DEMO_STORE)
    unnamed = named is None and STORE_VARIABLE not in os.environ
    if unnamed and store.current is None and demo.current is not None:
        sys.stderr.write(f"wagahai: no release in {store.root} yet; answering from the demo's, {demo.root}\n")
        return demo
    return store
