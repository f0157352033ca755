"""Commands of the read side: nearest, releases, rollback. Loads numpy and a release, nothing else."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from data.errors import WagahaiError
from data.outdated import outdated
from data.release import Books, Release, kept_releases
from data.store import STORE_VARIABLE, Store
from flows.tables import write_csv, write_json, write_table
from pipeline.lookup import find_book
from pipeline.query import chance_similarity, far_threshold, farthest
from pipeline.query import nearest as nearest_books

DEMO_STORE = Path(".wagahai-demo")
COLUMNS = {"rank": "rank", "similarity": "similarity", "n_readers": "readers", "title": "title", "authors": "authors"}


def nearest(chosen: argparse.Namespace) -> int:
    """Print the books near and far from a title."""
    if (chosen.title is None) == (chosen.book is None):
        raise WagahaiError("name one book: a title, or --book ID")
    release = Release.open(_store(chosen.store), chosen.release)
    books = release.books
    row = _row(books, chosen.book) if chosen.title is None else find_book(books, chosen.title)
    lists = {"near": nearest_books(release, row, chosen.k).records(books)}
    if chosen.far:
        lists["far"] = farthest(release, row, chosen.far).records(books)
    if chosen.format == "json":
        asked = {
            "book": books.columns["book"][row],
            "title": books.columns["title"][row],
            "n_readers": int(books.n_readers[row]),
        }
        write_json({"release": release.id, "asked": asked, "chance_similarity": chance_similarity(release), **lists})
    elif chosen.format == "csv":
        records = [{"list": name, **record} for name, found in lists.items() for record in found]
        write_csv(records, ["list", *COLUMNS, "book", "publisher", "year"])
    else:
        _print_lists(release, row, lists)
    return 0


def _row(books: Books, book: str) -> int:
    """Return the row of a book id; a title is not taken for one."""
    if (row := books.row(book)) is None:
        raise WagahaiError(f"no book has the id {book!r}; ids are listed where several books have a title")
    return row


def _print_lists(release: Release, row: int, lists: dict[str, list[dict[str, Any]]]) -> None:
    books = release.books
    headings = {
        "near": f"Near {books.columns['title'][row]} ({int(books.n_readers[row]):,} readers), release {release.id}",
        "far": f"Far from it (books with at least {far_threshold(release):,} readers)",
    }
    for name, records in lists.items():
        write_table(headings[name], records, COLUMNS)
    if lists["near"]:
        sys.stdout.write(_caution(release, int(books.n_readers[row])))


def _caution(release: Release, n_readers: int) -> str:
    """Say what a similarity is worth here, and when a book has too few readers to trust its list."""
    chance = f"One pair of random books in 100 is more alike than {chance_similarity(release):.3f}.\n"
    if n_readers >= (enough := far_threshold(release)):
        return chance
    return f"Only {n_readers:,} readers (fewer than {enough:,}): this list is uncertain. {chance}"


def releases(chosen: argparse.Namespace) -> int:
    """Print the releases kept, oldest first."""
    store = _store(chosen.store)
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


def _store(named: str | None) -> Store:
    """Return the store to read from; where none was named and none has a release, the demo's, saying so."""
    store = Store.from_environment(named)
    demo = Store.from_environment(DEMO_STORE)
    unnamed = named is None and STORE_VARIABLE not in os.environ
    if unnamed and store.current is None and demo.current is not None:
        sys.stderr.write(f"wagahai: no release in {store.root} yet; answering from the demo's, {demo.root}\n")
        return demo
    return store
