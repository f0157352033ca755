"""Editions joined by what they were given: a person's word, an ISBN, an edition id, a work id."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import polars as pl
from rapidfuzz import fuzz

from data.editions import search_key
from data.errors import BadConfig
from data.works.joining import Evidence, Joining
from data.works.overrules import Overrules

SAID, ISBN, EDITION, WORK = "works.toml", "ISBN", "edition", "work"

MIN_ALIKE = 65.0  # of 100; titles of two random books are as alike once in a thousand
MIN_INSIDE, MIN_INSIDE_ALIKE = 4, 90.0  # characters, of 100: one title within the other
N_RECORDED = 5  # refusals kept of one book under one value
MOST_UNLIKE = 50  # works under one value; of more, it is no evidence, and all pairs would be too many


def join_as_said(joining: Joining, rows: dict[str, int], overrules: Overrules, path: Path) -> None:
    """Join what is said to be the same and keep apart what is said to differ.

    Raises
    ------
    BadConfig
        If both are said of one pair.
    """
    for group in overrules.same:
        for other in group[1:]:
            joining.join(rows[group[0]], rows[other], Evidence(SAID, "same"))
    for group in overrules.apart:
        for i, one in enumerate(group):
            for other in group[i + 1 :]:
                if not joining.keep_apart(rows[one], rows[other]):
                    raise BadConfig(
                        f"{path}: {one!r} and {other!r} are said to be the same work (`same`, if need be by way of "
                        "other books) and to be apart; take one of the two out"
                    )


def join_by_isbn(joining: Joining, described: pl.DataFrame) -> None:
    """Join editions of one ISBN, unless they are plainly different books: ISBNs are reused and mistyped.

    Of the books with one ISBN, each is compared with the first of every work found so far and joins the first
    that it does not speak against. An ISBN of more than `MOST_UNLIKE` works joins nothing: it stands for none.
    """
    columns = ("isbn13", "row", "called", "base", "part")
    for isbn, books in _repeated(described, "isbn13", columns):
        evidence = Evidence(ISBN, isbn)
        for one, other, why in _compared(books):
            if why:
                joining.refuse(one, other, evidence, why)
            else:
                joining.join(one, other, evidence)


def _compared(books: Iterator[dict[str, Any]]) -> list[tuple[int, int, str]]:
    """Return pairs of rows of one ISBN, with why they are not one book; empty if they are."""
    leaders: list[dict[str, Any]] = []
    pairs: list[tuple[int, int, str]] = []
    for book in books:
        doubts = {leader["row"]: doubt(leader, book) for leader in leaders}
        trusted = [row for row, why in doubts.items() if not why]
        if trusted:
            pairs.append((trusted[0], book["row"], ""))
            continue
        if len(leaders) == MOST_UNLIKE:
            return [(leaders[0]["row"], book["row"], f"ISBN of more than {MOST_UNLIKE} unlike titles")]
        pairs += [(row, book["row"], why) for row, why in list(doubts.items())[:N_RECORDED]]
        leaders.append(book)
    return pairs


def join_by_given_ids(joining: Joining, described: pl.DataFrame) -> None:
    """Join editions of one edition id, and then of one work id: who gave them knows."""
    for rule in (EDITION, WORK):
        for value, books in _repeated(described, rule, (rule, "row")):
            first = next(books)["row"]
            for book in books:
                joining.join(first, book["row"], Evidence(rule, value))


def doubt(one: dict[str, Any], other: dict[str, Any]) -> str:
    """Say why two books of one ISBN cannot be one; empty if nothing speaks against it.

    They name different parts, or their titles are not alike: the ISBN of a set stands on its volumes, so that one
    author for both says nothing. Titles in different scripts cannot be compared.
    """
    if one["part"] and other["part"] and one["part"] != other["part"]:
        return f"part differs: {one['part']} and {other['part']}"
    mine, theirs = search_key(one["called"]), search_key(other["called"])
    if not mine or not theirs or mine.isascii() != theirs.isascii() or fuzz.token_set_ratio(mine, theirs) >= MIN_ALIKE:
        return ""
    shorter = min(len(one["base"]), len(other["base"]))
    if shorter >= MIN_INSIDE and fuzz.partial_ratio(one["base"], other["base"]) >= MIN_INSIDE_ALIKE:
        return ""
    return "titles differ"


def _repeated(
    described: pl.DataFrame, column: str, columns: tuple[str, ...]
) -> Iterator[tuple[str, Iterator[dict[str, Any]]]]:
    """Return the books of every value that several books share."""
    known = described.filter(pl.col(column).is_not_null()).select(columns)
    shared = known.filter(pl.len().over(column) > 1).sort(column, "row")
    return groupby(shared.iter_rows(named=True), key=lambda book: str(book[column]))
