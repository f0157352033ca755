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
    """Return a name of each topic; no two are alike.

    The authors of at least `MIN_BOOKS` of the `N_NAMING` most typical books, those of most books first, at most
    `N_AUTHORS`; where there is none, the titles of the `N_TITLES` most typical works. Topics that would share a name
    are told apart by the most typical title that none of the others has, or else by their number.
    """
    titles = [_titles(books, topics.most_typical(topic, N_NAMING)) for topic in range(len(topics))]
    authors = [main_authors(books, topics.most_typical(topic, N_NAMING)) for topic in range(len(topics))]
    names = [AND.join(wrote or known[:N_TITLES]) for wrote, known in zip(authors, titles, strict=True)]
    shared: dict[str, list[int]] = {}
    for topic, name in enumerate(names):
        shared.setdefault(name, []).append(topic)
    for name, alike in shared.items():
        for topic in alike if len(alike) > 1 else ():
            known_elsewhere = {title for other in alike if other != topic for title in titles[other]}
            own = next((title for title in titles[topic] if title not in known_elsewhere), None)
            names[topic] = f"{name} ({own})" if own else f"{name} [{topic + 1}]"
    return names


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
    """Return the titles of the works among `rows`, each once."""
    return list(dict.fromkeys(base_title(books, row) for row in rows)) or ["no books"]
