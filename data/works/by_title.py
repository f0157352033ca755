"""Editions joined by title and first author, as far as nothing known of them speaks against it."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass
from itertools import combinations, groupby, pairwise

import polars as pl

from data.works.by_id import MOST_UNLIKE, N_RECORDED
from data.works.described import facts
from data.works.joining import Evidence, Joining

TITLE, CUT_TITLE = "title and author", "cut title and author"

MIN_CUT = 6  # folded characters that a cut title must have kept


@dataclass(frozen=True)
class Entry:
    """One book under its title and author."""

    row: int
    called: str
    authors: str
    part: str
    key: str

    @property
    def value(self) -> str:
        """Title and authors as written, for an explanation."""
        return f'"{self.called}" / "{self.authors}"'


def join_by_title(joining: Joining, described: pl.DataFrame) -> None:
    """Join the works of one title and first author, part by part.

    Two works are joined if nothing known of both differs: language, volume, form, a giver's work id. A book of which
    too little is known, so that it could be in either of two works that differ, is in neither.
    """
    root = pl.Series("root", joining.roots(), dtype=pl.Int64)
    titled = described.with_columns(root).filter((pl.col("author") != "") & (pl.col("base") != "") & ~pl.col("is_cut"))
    key = ("author", "base")
    shared = titled.filter((pl.col("root").min() != pl.col("root").max()).over(key)).sort(*key, "row")
    of_these = described.filter(root.is_in(shared["root"].unique().implode()))
    joining.learn(facts(of_these))
    rows = shared.select(*key, "row", "called", "authors", "part", "title_key").iter_rows()
    for _, books in groupby(rows, key=lambda book: book[:2]):
        _join_parts(joining, [Entry(*book[2:]) for book in books])


def _join_parts(joining: Joining, books: list[Entry]) -> None:
    """Join the books of one title and author within each part; the next part is a near miss."""
    parts: dict[str, list[Entry]] = {}
    for book in books:
        parts.setdefault(book.part, []).append(book)
    for part in parts.values():
        _join_part(joining, part)
    for one, other in pairwise(sorted(parts, key=_in_order)):
        first, second = parts[one][0], parts[other][0]
        if joining.root(first.row) != joining.root(second.row):
            why = f"part differs: {one or 'none'} and {other}"
            joining.refuse(first.row, second.row, Evidence(TITLE, first.value), why)


def _join_part(joining: Joining, books: list[Entry]) -> None:
    evidence = Evidence(TITLE, books[0].value)
    alike: dict[object, Entry] = {}  # works of which the same is known are one whatever else there is
    for book in books:
        first = alike.setdefault(frozenset(joining.traits(book.row).items()), book)
        if not joining.conflict(first.row, book.row):  # they may be kept apart
            joining.join(first.row, book.row, evidence)
    works = sorted({joining.root(book.row): book for book in reversed(books)}.values(), key=lambda book: book.row)
    if len(works) > MOST_UNLIKE:
        joining.refuse(works[0].row, works[1].row, evidence, f"title of more than {MOST_UNLIKE} works that may differ")
        return
    against = {pair: joining.conflict(pair[0].row, pair[1].row) for pair in combinations(works, 2)}
    fitting: dict[Entry, list[Entry]] = {book: [] for book in works}
    for (one, other), why in against.items():
        if not why:
            fitting[one].append(other)
            fitting[other].append(one)
    unsure = {book for book in works if any(against[pair] for pair in combinations(fitting[book], 2))}
    n_refused: Counter[Entry] = Counter()
    for (one, other), why in against.items():
        doubtful = [book for book in (one, other) if book in unsure]
        if not why and not doubtful:  # who fits a sure one fits all that it fits: these are one work
            joining.join(one.row, other.row, evidence)
        elif n_refused[other] < N_RECORDED:
            n_refused[other] += 1
            why = why or f"fits {len(fitting[doubtful[0]])} works that differ"
            joining.refuse(one.row, other.row, evidence, why)


def join_cut_titles(joining: Joining, described: pl.DataFrame) -> None:
    """Join a book whose title its source cut short to the one work of its author whose title begins so.

    Call it after `join_by_title`. If several works begin so, or what was cut off may have been a part, the book
    stays alone.
    """
    long_enough = pl.col("title_key").str.len_chars() >= MIN_CUT
    cut = described.filter(pl.col("is_cut") & (pl.col("author") != "") & long_enough)
    whole = described.filter(~pl.col("is_cut")).join(cut.select("author").unique(), on="author", how="semi")
    columns = ("author", "row", "called", "authors", "part", "title_key")
    of_author: dict[str, list[Entry]] = {}
    for author, *entry in whole.select(columns).sort("title_key", "row").iter_rows():
        of_author.setdefault(author, []).append(Entry(*entry))
    joining.learn(facts(described.filter(_of_authors(joining, described, cut))))
    for author, *entry in cut.select(columns).iter_rows():
        _join_cut(joining, Entry(*entry), of_author.get(author, []))


def _of_authors(joining: Joining, described: pl.DataFrame, cut: pl.DataFrame) -> pl.Series:
    """Say of each book whether it is in a work of an author with cut titles."""
    root = pl.Series(joining.roots(), dtype=pl.Int64)
    return root.is_in(root.filter(described["author"].is_in(cut["author"].unique().implode())).unique().implode())


def _join_cut(joining: Joining, book: Entry, whole: list[Entry]) -> None:
    first = bisect_left(whole, book.key, key=lambda other: other.key)
    works: dict[int, Entry] = {}
    for other in whole[first:]:
        if not other.key.startswith(book.key):
            break
        works.setdefault(joining.root(other.row), other)
    if joining.root(book.row) in works:
        return
    evidence = Evidence(CUT_TITLE, book.value)
    against = {other: _conflict(joining, other, book) for other in works.values()}
    if len(works) == 1 and not any(against.values()):
        joining.join(next(iter(against)).row, book.row, evidence)
        return
    for other, why in list(against.items())[:N_RECORDED]:
        joining.refuse(other.row, book.row, evidence, why or f"begins the titles of {len(works)} works")


def _conflict(joining: Joining, whole: Entry, cut: Entry) -> str:
    return joining.conflict(whole.row, cut.row) or (f"part may be cut off: {whole.part}" if whole.part else "")


def _in_order(part: str) -> tuple[object, ...]:
    """Sort key of parts: none, then by the numbers in them, the first half before the second."""
    halves = {"上": 1, "前": 1, "中": 2, "下": 3, "後": 3}
    return tuple(
        (int(piece) if piece.isdecimal() else halves.get(piece, 9), piece) for piece in re.findall(r"\d+|\D", part)
    )
