"""Finding the book a person means, as people type titles.

Width, case, kana, old kanji, accents, brackets and blanks do not matter. The first rule that any book
meets decides; several books that meet it are all returned, because an edition is never guessed:

1. the book's id;
2. the whole title, as written, where the text has a bracket (``罪と罰 (まんがで読破)``);
3. the title without its last bracket, leading article and volume (``吾輩は猫である``, ``hobbit``; ``罪と罰`` is also
   ``罪と罰 上``);
4. a title that the source cut short (``…``) and that the text continues;
5. every word occurs in title, authors, publisher, imprint, year or language together: one in a script without blanks
   anywhere, a Latin one as the beginning of a word or as words written together (``tolk``, ``jrrtolkien``; ``heat`` is
   no part of *A Light in the Attic*), one of a letter or two as the beginning of a word of the title.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import accumulate

from data.editions import compact_key, is_truncated, search_key, split_title
from data.errors import AmbiguousTitle, UnknownBook
from data.release import Books

N_LISTED = 20
N_SUGGESTIONS = 5
MIN_LIKENESS = 50.0  # of 100
PART_COUNTS = 0.9  # likeness of a part, against that of a whole title
MIN_TRUNCATED = 6  # letters a cut title must have kept to be recognised
MIN_BESIDE = 3  # letters a Latin word needs to be found outside the title: "en" is also a language
_VOLUME = re.compile("(?:[上中下前後][巻編篇]?|第?[0-9一二三四五六七八九十]+巻?)$")
_DETAILS = ("authors", "publisher", "imprint", "language")  # what `title_keys` is given beside a title
_ARTICLES = ("the ", "a ", "an ")


def title_keys(title: str, *details: str) -> dict[str, str]:
    """Return the folded keys of one book: `data.release.KEY_COLUMNS`."""
    return {
        "title_key": compact_key(title),
        "base_key": base_key(title),
        "context_key": compact_key(" ".join((title, *details))),  # 夏目 漱石 is typed 夏目漱石
    }


def base_key(title: str) -> str:
    """Return the folded title without its last bracket and leading article."""
    words = search_key(split_title(title).base)
    article = next((a for a in _ARTICLES if words.startswith(a)), "")
    return words[len(article) :].replace(" ", "")


def find_books(books: Books, text: str) -> list[int]:
    """Return the rows of the books that `text` names, by the first rule that any book meets; empty if none."""
    if (row := books.row(text)) is not None:
        return [row]
    for rule in _rules(text):
        if rows := [i for i in range(len(books)) if rule(books, i)]:
            return rows
    return []


def is_in_full(books: Books, text: str) -> bool:
    """Say whether `text` is the id or the title of a book, and not only part of what is known of some."""
    is_title = next(_rules(text), None)
    return books.row(text) is not None or (is_title is not None and any(is_title(books, i) for i in range(len(books))))


def find_book(books: Books, text: str) -> int:
    """Return the row of the one book that `text` names.

    Raises
    ------
    AmbiguousTitle
        If several do; lists them, most read first.
    UnknownBook
        If none does; suggests the closest titles.
    """
    rows = find_books(books, text)
    if len(rows) == 1:
        return rows[0]
    if not rows:
        raise UnknownBook(text, suggest(books, text))
    most_read = sorted(rows, key=lambda i: (-int(books.n_readers[i]), i))
    raise AmbiguousTitle(text, [books.describe(i) for i in most_read[:N_LISTED]], len(rows))


def suggest(books: Books, text: str) -> list[str]:
    """Return the titles closest to `text` as written, closest first.

    A title is as close as it is alike, with or without its last bracket; a longer one also as close, nearly,
    as its part most alike. A short title within a long text is not close: ``It`` is not ``The Hobit``.
    """
    from rapidfuzz import fuzz

    whole, base = compact_key(text), base_key(text)

    def likeness(row: int) -> float:
        title = books.columns["title_key"][row]
        alike = max(fuzz.ratio(whole, title), fuzz.ratio(base, books.columns["base_key"][row]))
        return max(alike, PART_COUNTS * fuzz.partial_ratio(whole, title)) if len(title) > len(whole) > 0 else alike

    found = sorted(((-likeness(row), row) for row in range(len(books))) if base else ())
    titles = dict.fromkeys(books.columns["title"][row] for alike, row in found if -alike >= MIN_LIKENESS)
    return list(titles)[:N_SUGGESTIONS]


def _rules(text: str) -> Iterator[Callable[[Books, int], bool]]:
    whole, base, words = compact_key(text), base_key(text), search_key(text).split()
    if not words:
        return
    if split_title(text).base != text:  # a bracket that was typed is meant
        yield lambda books, i: books.columns["title_key"][i] == whole
    else:
        yield lambda books, i: base in (key := books.columns["base_key"][i], _VOLUME.sub("", key))
    yield lambda books, i: _continues(books, i, whole)
    yield lambda books, i: _has_words(books, i, words)


def _continues(books: Books, row: int, whole: str) -> bool:
    key = books.columns["title_key"][row]
    return len(key) >= MIN_TRUNCATED and whole.startswith(key) and is_truncated(books.columns["title"][row])


def _has_words(books: Books, row: int, words: list[str]) -> bool:
    """Say whether a book has every word, a Latin one where a word begins."""
    columns = books.columns
    if not all(word in columns["context_key"][row] for word in words):  # cheap, and seldom so
        return False
    latin = [word for word in words if word.isascii()]
    title = search_key(columns["title"][row])
    details = " ".join((*(columns[name][row] for name in _DETAILS), str(books.year[row] or "")))
    context = f"{title} {search_key(details)}" if latin else ""
    return all(_begins(word, title if len(word) < MIN_BESIDE else context) for word in latin)


def _begins(word: str, key: str) -> bool:
    """Say whether a word of a search key begins with a Latin `word`, or words of it written together are `word`."""
    if re.search(f"(?<![a-z0-9]){re.escape(word)}", key):  # in 殺人事件abc it begins behind the kanji
        return True
    words = key.split()
    return any(word in accumulate(words[first : first + len(word)]) for first in range(len(words)))
