"""First authors: one person's name in many ways, and two persons' names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.authors import first_author_key

ONE_PERSON = [
    ("Asimov, Isaac", "Isaac Asimov"),
    ("ISAAC ASIMOV", "Isaac Asimov"),
    # initials
    ("J.K. Rowling", "J. K. Rowling"),
    ("JK Rowling", "J. K. Rowling"),
    ("Rowling, J. K.", "J.K. Rowling"),
    ("Rowling, J.K.", "JK Rowling"),
    ("Tolkien, J. R. R.", "J.R.R. Tolkien"),
    ("Dean R. Koontz", "Dean Koontz"),
    ("Martin, George R. R.", "George R.R. Martin"),
    ("Fitzgerald, F. Scott", "F. Scott Fitzgerald"),
    # names of several words, turned round
    ("Le Guin, Ursula K.", "Ursula K. Le Guin"),
    ("Le Guin, Ursula", "Ursula K. Le Guin"),
    ("García Márquez, Gabriel", "Gabriel Garcia Marquez"),
    ("de Saint-Exupéry, Antoine", "Antoine de Saint-Exupéry"),
    ("von Goethe, Johann Wolfgang", "Johann Wolfgang von Goethe"),
    ("Buckley, William F., Jr.", "William F. Buckley Jr."),
    ("William F., Jr. Buckley", "William F. Buckley"),
    ("Doyle, Arthur Conan, 1859-1930", "Sir Arthur Conan Doyle"),
    # several authors
    ("J.K. Rowling, Mary GrandPré", "J. K. Rowling"),
    ("J.K. Rowling, MinaLima", "J. K. Rowling"),
    ("Rowling, J. K., GrandPré, Mary", "J.K. Rowling"),
    ("Terry Pratchett &amp; Neil Gaiman", "Terry Pratchett"),
    ("Terry Pratchett and Neil Gaiman", "Terry Pratchett"),
    ("Isaac Asimov; Robert Silverberg", "Isaac Asimov"),
    ("Unknown, Seamus Heaney", "Seamus Heaney"),
    # roles and asides
    ("Doreen Cronin (Author)", "Doreen Cronin"),
    ("Philip K. (Philip Kindred) Dick", "Philip K. Dick"),
    ("by Jane Austen", "Jane Austen"),
    ("夏目漱石 [著]", "夏目漱石"),
    ("村上　春樹／著", "村上春樹"),
    ("村上春樹著", "村上春樹"),
    ("Herta M&uuml;ller", "Herta Müller"),
    # Japanese
    ("夏目 漱石", "夏目漱石"),
    ("夏目, 漱石, 1867-1916", "夏目漱石"),
    ("よしもと ばなな", "よしもとばなな"),
    ("ダニエル・キイス", "ﾀﾞﾆｴﾙ キイス"),
    ("キイス, ダニエル", "ダニエル・キイス"),
    ("ダニエルキイス", "ダニエル・キイス"),
    ("ダニエル・キイス, 小尾芙佐", "ダニエル・キイス"),
    ("ローリング, J・K", "J.K.ローリング"),
    ("東野圭吾, 伊坂幸太郎", "東野圭吾"),
    ("プラトン, 藤沢令夫", "プラトン"),
]


@pytest.mark.parametrize(("one", "other"), ONE_PERSON)
def test_one_first_author(one: str, other: str) -> None:
    assert first_author_key(one) == first_author_key(other) != ""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("John Smith", "Jane Smith"),
        ("J. Smith", "John Smith"),  # a guess, though a good one
        ("Malcolm X", "Malcolm"),
        ("村上春樹", "村上龍"),
        ("夢野久作", "夢野久"),  # 作 is a role only after a blank
        ("ハハ", "パパ"),
        ("Rowling, J. K.", "Galbraith, Robert"),
    ],
)
def test_two_authors(one: str, other: str) -> None:
    assert first_author_key(one) != first_author_key(other)


@pytest.mark.parametrize(
    "text",
    [None, "", " , ", "Various", "VARIOUS AUTHORS", "Anonymous", "Not Applicable (Na )", "n/a", "(著)", "作者不詳"],
)
def test_nobody_has_an_empty_key(text: str | None) -> None:
    assert first_author_key(text) == ""


@given(st.text())
def test_nothing_raises_and_a_key_is_folded(text: str) -> None:
    key = first_author_key(text)
    assert key == key.casefold().strip()
