"""What topics are called: authors of several typical books, else titles; never two alike."""

from __future__ import annotations

import numpy as np

from data.release import Books
from data.topics import Topics, topics_of
from pipeline.topic_names import main_authors, topic_names
from tests.pipeline.books import books_of


def topics(*lists: list[int]) -> Topics:
    rows = np.array(lists)
    k = len(rows)
    flat = np.full((k, 20), 1 / 20)
    even = np.full(k, 1 / k)
    return topics_of(
        "lda", p=flat, typical_rows=rows, typicality=rows, shares=even, n_main=even, npmi=even, stability=even
    )


def books(*rows: tuple[str, str]) -> Books:
    return books_of([{"title": title, "authors": authors} for title, authors in rows])


def test_authors_of_several_works_name_a_topic_most_works_first() -> None:
    found = books(("A", "Austen"), ("B", "Tolkien, C. Tolkien"), ("C", "Tolkien"), ("D", "Austen"), ("E", "Tolkien"))
    assert main_authors(found, [0, 1, 2, 3, 4]) == ["Tolkien", "Austen"]
    assert topic_names(found, topics([0, 1, 2, 3, 4])) == ["Tolkien · Austen"]


def test_editions_of_one_work_are_one_book() -> None:
    found = books(("猫 (新潮文庫)", "夏目"), ("猫 (岩波文庫)", "夏目"), ("砂の女 (新潮文庫)", "安部"))
    assert topic_names(found, topics([0, 1, 2])) == ["猫 · 砂の女"]


def test_books_without_an_author_do_not_make_one() -> None:
    assert topic_names(books(("A", ""), ("B", ""), ("C", "")), topics([2, 1, 0])) == ["C · B"]


def test_topics_that_would_share_a_name_are_told_apart() -> None:
    found = books(("A", "X"), ("B", "X"), ("C", "X"), ("D", "X"))
    assert topic_names(found, topics([0, 1], [2, 3])) == ["X (A)", "X (C)"]
    assert topic_names(found, topics([0, 1], [0, 2])) == ["X (B)", "X (C)"]
    assert topic_names(found, topics([0, 1, 2], [2, 1, 0])) == ["X [1]", "X [2]"]
