"""Which books may be in a list: filters that apply before the nearest are chosen. numpy only.

Names are compared folded (`data.editions`), so 夏目漱石 is also 夏目 漱石, and an author by the first author's name
(`data.authors`), so ``Tolkien, J. R. R.`` is also J.R.R. Tolkien. A book that does not say its language, format or
year passes no filter on it.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from data.authors import first_author_key
from data.editions import compact_key, search_key
from data.errors import WagahaiError
from data.languages import language_code
from data.release import Books
from pipeline.lookup import base_key

_MIN_INSIDE = 3  # characters of a Japanese name that may stand among others
_N_NAMED = 12  # formats or languages named in an error
_FORMATS = {"文庫": "bunko", "単行本": "tankobon", "新書": "shinsho", "ハードカバー": "hardcover"} | {
    "ペーパーバック": "paperback",
    "コミック": "comic",
    "電子書籍": "ebook",
    "オーディオブック": "audio",
}


@dataclass(frozen=True)
class Filters:
    """What a book must be to be listed; what is not set does not filter.

    Attributes
    ----------
    author, not_author
        A name as people write it, or part of it in whole words.
    not_same_author_as, not_same_work_as
        Rows of books whose authors' other books, or whose works' other editions, are left out.
    language, format
        As in the release, or as people say it (``English``, 文庫).
    year_from, year_to
        First and last year.
    min_readers
        Readers a book must have.
    only, without
        Ids of the books that alone may be listed (None for all), and of those that may not.
    """

    author: str | None = None
    not_author: str | None = None
    not_same_author_as: tuple[int, ...] = ()
    not_same_work_as: tuple[int, ...] = ()
    language: str | None = None
    format: str | None = None
    year_from: int | None = None
    year_to: int | None = None
    min_readers: int = 0
    only: tuple[str, ...] | None = None
    without: tuple[str, ...] = ()


class NothingLeft(WagahaiError):
    """Filters leave no book; says how many each left."""

    def __init__(self, n_books: int, left: Sequence[tuple[str, int]]) -> None:
        lines = "".join(f"\n  {said}: {n:,} left" for said, n in left)
        super().__init__(f"the filters leave no book; of {n_books:,}, one after another:{lines}")


def allowed(books: Books, filters: Filters, left_out: Sequence[int] = ()) -> np.ndarray:
    """Return which books pass all filters, bool (n_books,).

    Parameters
    ----------
    left_out
        Rows of the books that were asked about: they never pass.

    Raises
    ------
    NothingLeft
        If none does; says which filter left how many.
    """
    mask = np.ones(len(books), bool)
    mask[np.array(left_out, np.int64)] = False
    n_books, left = int(mask.sum()), []
    for said, passes in _steps(books, filters):
        mask &= passes
        left.append((said, int(mask.sum())))
    if left and not mask.any():
        raise NothingLeft(n_books, left)
    return mask


def described(books: Books, filters: Filters) -> list[str]:
    """Return the filters that are set, each in words."""
    return [said for said, _ in _steps(books, filters)]


def listed_ids(books: Books, lines: Iterable[str]) -> tuple[tuple[str, ...], list[str]]:
    """Return the ids of the books that a list names, and the lines that name none.

    A line is an id or a title in full, with or without its last bracket; it stands for every book of that title.
    Empty lines name nothing.
    """
    by_name: dict[str, list[int]] = defaultdict(list)
    for column in ("base_key", "title_key"):
        for row, key in enumerate(books.columns[column]):
            by_name[key].append(row)
    known = set(books.columns["book"])
    ids: dict[str, None] = {}
    unknown = []
    for line in filter(None, map(str.strip, lines)):
        rows = by_name.get(compact_key(line)) or by_name.get(base_key(line)) or ()
        found = [line] if line in known else [books.columns["book"][row] for row in rows]
        ids |= dict.fromkeys(found)
        if not found:
            unknown.append(line)
    return tuple(ids), unknown


# ---- one filter after another -------------------------------------------------------------


def _steps(books: Books, filters: Filters) -> Iterator[tuple[str, np.ndarray]]:
    """Yield what each filter that is set says, and which books pass it; the cheap ones first."""
    if filters.only is not None:
        yield "on the list", _are_of(books.columns["book"], filters.only)
    if filters.without:
        yield "not on the list of those left out", ~_are_of(books.columns["book"], filters.without)
    if filters.min_readers:
        yield f"at least {filters.min_readers:,} readers", books.n_readers >= filters.min_readers
    if filters.language is not None:
        yield _of_values(books, "language", filters.language, lambda text: language_code(text) or "")
    if filters.format is not None:
        yield _of_values(books, "format", filters.format, _format)
    yield from _year_steps(books, filters)
    if filters.not_same_work_as:
        works = {books.columns["work"][row] for row in filters.not_same_work_as} - {""}
        yield "of other works", ~_are_of(books.columns["work"], works)
    if filters.author is not None:
        yield f"author {filters.author}", _by(books, filters.author)
    if filters.not_author is not None:
        yield f"author not {filters.not_author}", ~_by(books, filters.not_author)
    if filters.not_same_author_as:
        yield _by_others(books, filters.not_same_author_as)


def _year_steps(books: Books, filters: Filters) -> Iterator[tuple[str, np.ndarray]]:
    if filters.year_from is None and filters.year_to is None:
        return
    year = np.array([np.nan if year is None else year for year in books.year])  # nothing compares with NaN
    if filters.year_from is not None:
        yield f"from {filters.year_from}", year >= filters.year_from
    if filters.year_to is not None:
        yield f"up to {filters.year_to}", year <= filters.year_to


def _are_of(values: Sequence[str], wanted: Iterable[str]) -> np.ndarray:
    chosen = frozenset(wanted)
    return np.array([value in chosen for value in values], bool)


def _of_values(books: Books, column: str, wanted: str, folded: Callable[[str], str]) -> tuple[str, np.ndarray]:
    """Compare a column of few values; where none is the wanted one, say which there are."""
    distinct = dict.fromkeys(books.columns[column])
    there = sorted(filter(None, distinct))
    named = ", ".join(there[:_N_NAMED]) + (", ..." if len(there) > _N_NAMED else "")
    if not wanted.strip():
        raise WagahaiError(f"found an empty text for a {column}; this release has {named or 'none'}")
    same = {value for value in distinct if value and folded(value) == folded(wanted)}
    said = f"{column} {wanted}" + ("" if same else f" (this release has {named or 'none'})")
    return said, _are_of(books.columns[column], same)


def _format(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text).strip().casefold()
    return _FORMATS.get(plain, plain)


# ---- authors ------------------------------------------------------------------------------


def _by(books: Books, name: str) -> np.ndarray:
    """Say which books are by whom `name` names: first author, or each word a word of the authors."""
    words = search_key(name).split()
    if not words:
        raise WagahaiError("an author is a name; found an empty text")
    return _named(books, first_author_key(name), words)


def _by_others(books: Books, rows: Sequence[int]) -> tuple[str, np.ndarray]:
    """Say which books share no first author with those in `rows`, who may be any author of the other."""
    keys = {first_author_key(books.columns["authors"][row]) for row in rows} - {""}
    if not keys:
        return "of other authors (of whom it is, is unknown: none left out)", np.ones(len(books), bool)
    mask = np.zeros(len(books), bool)
    for key in keys:
        words = key.split()
        is_telling = len(words) > 1 or (not key.isascii() and len(key) >= _MIN_INSIDE)
        mask |= _named(books, key, words if is_telling else [])
    return "of other authors", ~mask


def _named(books: Books, key: str, words: Sequence[str]) -> np.ndarray:
    """Say which books have `key` as first author, or all `words` among their authors.

    Names are folded only where the letters of the longest word occur at all: to fold all takes as long as a query.
    """
    whole = "".join(words)
    longest = max(key.split() or words, key=len, default="")
    parts = [longest] if longest.isascii() else list(longest)  # a name in kana may be turned round
    known: dict[str, bool] = {}

    def is_named(authors: str) -> bool:
        if key and first_author_key(authors) == key:
            return True
        if words and set(words) <= set(search_key(authors).split()):
            return True
        return bool(whole) and not whole.isascii() and whole in compact_key(authors)

    mask = np.zeros(len(books), bool)
    for row, (authors, context) in enumerate(zip(books.columns["authors"], books.columns["context_key"], strict=True)):
        if authors and all(part in context for part in parts):
            if authors not in known:
                known[authors] = is_named(authors)
            mask[row] = known[authors]
    return mask
