"""Why books are one work, and why others are not: the evidence of each merge, and the near misses."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

import polars as pl

from data.editions import compact_key, search_key
from data.errors import AmbiguousTitle, UnknownBook, WagahaiError
from data.history import ReadingHistory
from data.works.by_id import EDITION, ISBN, SAID, WORK
from data.works.table import Works
from pipeline.book_columns import books_of
from pipeline.lookup import N_LISTED, N_SUGGESTIONS, base_key, find_books, is_in_full

MIN_LIKENESS = 50.0  # of 100, of a title that is suggested


@dataclass(frozen=True)
class Step:
    """One merge on the way from a book to another: the books it joined, by which rule, by which value."""

    one: str
    other: str
    rule: str
    value: str

    @property
    def said(self) -> str:
        """The evidence as a person says it: ``ISBN 978…``, ``goodreads work 3275794``."""
        return say(self.rule, self.value)


@dataclass(frozen=True)
class Explanation:
    """A work.

    Attributes
    ----------
    work, asked
        Id of the work, and of the book that was asked for.
    editions
        Its books, most read first: columns of the table `books`, and `n_readers`.
    evidence
        Book -> the merges that lead from the asked book to it.
    near_misses
        Merges of one of these books with another that were refused, one a work and reason: the step, `why`, and the
        other book's `title` and `authors`.
    """

    work: str
    asked: str
    editions: list[dict[str, Any]]
    evidence: dict[str, list[Step]]
    near_misses: list[dict[str, Any]]


def explain(history: ReadingHistory, works: Works, asked: str) -> Explanation:
    """Explain the work that the book `asked` is in.

    Raises
    ------
    WagahaiError
        If no book of the history has that id.
    """
    if not (found := works.books.filter(pl.col("book") == asked)["work"].to_list()):
        raise WagahaiError(
            f"no book of the history has the id {asked!r}; ids are listed where several books have a title"
        )
    members = works.books.filter(pl.col("work") == found[0])["book"]
    editions = _described(history, members).sort("n_readers", "book", descending=[True, False])
    return Explanation(
        found[0], asked, editions.to_dicts(), _evidence(works, members, asked), _near_misses(history, works, members)
    )


def find_edition(history: ReadingHistory, works: Works, text: str, *, in_full: bool = False) -> str:
    """Return the id of a book that `text` names as a title, by the rules of `pipeline.lookup`.

    All books that it names may be one work: then the most read stands for them.

    Parameters
    ----------
    in_full
        Whether only an id or a whole title names a book, not part of one.

    Raises
    ------
    AmbiguousTitle
        If they are several works; lists the most read book of each.
    UnknownBook
        If there is none; suggests the closest titles.
    """
    candidates = _candidates(works, text)
    frame = _described(history, candidates["book"]).sort("n_readers", "book", descending=[True, False])
    books = books_of(frame)
    rows = sorted(find_books(books, text)) if not in_full or is_in_full(books, text) else []
    if not rows:
        raise UnknownBook(text, _suggest(history, works, text))
    work = works.of(frame["book"].gather(rows))
    first = dict(zip(reversed(work.to_list()), reversed(rows), strict=True))  # work -> its most read book
    if len(first) > 1:
        listed = sorted(first.values())
        raise AmbiguousTitle(text, [books.describe(row) for row in listed[:N_LISTED]], len(listed))
    return books.columns["book"][rows[0]]


def say(rule: str, value: str) -> str:
    """Return the evidence of a merge as a person says it."""
    giver, _, given = value.partition(":")
    if rule in (EDITION, WORK) and given:
        return f"{giver} {rule} {given}"
    return {SAID: SAID, ISBN: f"ISBN {value}"}.get(rule, f"{rule} {value}")


# ---- from book to book ------------------------------------------------------------------


def _evidence(works: Works, members: pl.Series, asked: str) -> dict[str, list[Step]]:
    """Walk the merges from the asked book; merges of one rule and value in a row are one step."""
    beside: dict[str, list[Step]] = {}
    for one, other, rule, value in works.links.filter(pl.col("one").is_in(members.implode())).iter_rows():
        beside.setdefault(one, []).append(Step(one, other, rule, value))
        beside.setdefault(other, []).append(Step(other, one, rule, value))
    found: dict[str, list[Step]] = {asked: []}
    waiting = deque([asked])
    while waiting:
        here = waiting.popleft()
        for step in beside.get(here, ()):
            if step.other not in found:
                found[step.other] = _followed(found[here], step)
                waiting.append(step.other)
    return found


def _followed(way: list[Step], step: Step) -> list[Step]:
    if way and (way[-1].rule, way[-1].value) == (step.rule, step.value):
        return [*way[:-1], Step(way[-1].one, step.other, step.rule, step.value)]
    return [*way, step]


def _near_misses(history: ReadingHistory, works: Works, members: pl.Series) -> list[dict[str, Any]]:
    is_ours, is_theirs = (pl.col(name).is_in(members.implode()) for name in ("one", "other"))
    of_ours = works.refusals.filter(is_ours != is_theirs)
    turned = pl.when(is_ours)
    steps = of_ours.select(
        turned.then("one").otherwise("other").alias("one"),
        turned.then("other").otherwise("one").alias("other"),
        "rule",
        "value",
        "why",
    )
    steps = steps.with_columns(works.of(steps["other"])).unique(
        ["work", "rule", "why"], keep="first", maintain_order=True
    )
    others = history.books.filter(pl.col("book").is_in(steps["other"].unique().implode()))
    described = others.select(pl.col("book").alias("other"), "title", "authors").collect()
    return steps.drop("work").join(described, on="other", how="left", maintain_order="left").to_dicts()


# ---- titles in the history --------------------------------------------------------------


def _described(history: ReadingHistory, ids: pl.Series) -> pl.DataFrame:
    """The books of these ids as the history describes them, and how many read them."""
    wanted = pl.col("book").is_in(ids.implode())
    read = history.readings.filter(wanted & (pl.col("status") == "read"))
    n_readers = read.group_by("book").agg(pl.len().alias("n_readers")).collect()
    books = pl.DataFrame({"book": ids}).join(history.books.filter(wanted).collect(), on="book", how="left")
    return books.join(n_readers, on="book", how="left").with_columns(
        pl.col("n_readers").fill_null(0), pl.col("title").fill_null(pl.col("book"))
    )


def _candidates(works: Works, text: str) -> pl.DataFrame:
    """The books that any rule of the look-up may find, out of millions."""
    whole, base, words = compact_key(text), base_key(text), search_key(text).split()
    title, context = pl.col("title_key"), pl.col("context_key")
    has_words = (
        pl.all_horizontal([context.str.contains(word, literal=True) for word in words]) if words else pl.lit(False)
    )
    begins = pl.lit(whole).str.starts_with(title) & (title != "")
    named = title.str.contains(base, literal=True) if base else pl.lit(False)
    return works.books.filter(named | begins | has_words | (pl.col("book") == text))


def _suggest(history: ReadingHistory, works: Works, text: str) -> list[str]:
    """The titles closest to `text`, closest first."""
    from rapidfuzz import fuzz, process

    keys = works.books["title_key"].to_list()
    close = process.extract(compact_key(text), keys, scorer=fuzz.ratio, score_cutoff=MIN_LIKENESS, limit=N_SUGGESTIONS)
    ids = works.books["book"].gather([row for _, _, row in close])
    return list(dict.fromkeys(_described(history, ids)["title"]))
