"""What a topic is called, in the words of its books: authors who wrote several of the most typical ones, else titles.

A topic has no name of its own. What a person would call it is a guess; what its most typical books are is not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from data.editions import split_title
from data.release import Books
from data.topics import Topics

N_NAMING = 10  # most typical books that name a topic
MIN_BOOKS = 2  # of them, by an author who names it
N_AUTHORS, N_TITLES = 3, 2
AND = " · "


def topic_names(books: Books, topics: Topics) -> list[str]:
    """Return a name of each topic; topics that would share one are told apart by their most typical title.

    The authors of at least `MIN_BOOKS` of the `N_NAMING` most typical books, those of most books first, at most
    `N_AUTHORS`; where there is none, the titles of the `N_TITLES` most typical works.
    """
    lists = [topics.most_typical(topic, N_NAMING) for topic in range(len(topics))]
    names = [AND.join(main_authors(books, rows)) or AND.join(_titles(books, rows)[:N_TITLES]) for rows in lists]
    shared = {name for name, n in Counter(names).items() if n > 1}
    told_apart = [f"{name} ({_titles(books, rows)[0]})" for name, rows in zip(names, lists, strict=True)]
    named = [longer if name in shared else name for name, longer in zip(names, told_apart, strict=True)]
    twice = {name for name, n in Counter(named).items() if n > 1}
    return [f"{name} [{i}]" if name in twice else name for i, name in enumerate(named, 1)]


def main_authors(books: Books, rows: Sequence[int] | np.ndarray) -> list[str]:
    """Return the first authors of at least `MIN_BOOKS` different works among `rows`, most works first."""
    works = {(first_author(books, row), base_title(books, row)) for row in rows}
    n_works = Counter(author for author, _ in works if author)
    order = {author: -i for i, author in enumerate(dict.fromkeys(first_author(books, row) for row in rows))}
    found = sorted(n_works, key=lambda author: (-n_works[author], -order[author]))
    return [author for author in found if n_works[author] >= MIN_BOOKS][:N_AUTHORS]


def first_author(books: Books, row: int) -> str:
    """Return the first author of a book as written, empty if unknown."""
    return books.columns["authors"][row].split(",")[0].split("、")[0].split(";")[0].strip()


def base_title(books: Books, row: int) -> str:
    """Return the title of a book without what its last bracket says of the edition."""
    title = books.columns["title"][row]
    return split_title(title).base or title


def _titles(books: Books, rows: np.ndarray) -> list[str]:
    """Titles of the works among `rows`, each once."""
    return list(dict.fromkeys(base_title(books, row) for row in rows)) or ["no books"]
