"""Filters against lists by hand."""

from __future__ import annotations

import pytest

from data.errors import WagahaiError
from pipeline.filters import Filters, NothingLeft, allowed, described, listed_ids
from tests.pipeline.books import books_of

BOOKS = books_of(
    [
        {"title": "The Hobbit", "authors": "J.R.R. Tolkien", "language": "eng", "year": 1937, "work": "w:1"},  # 0
        {"title": "Der Hobbit", "authors": "Tolkien, J. R. R.", "language": "German", "year": 1957, "work": "w:1"},
        {"title": "Good Omens", "authors": "Terry Pratchett, Neil Gaiman", "language": "en-US", "n_readers": 50},  # 2
        {"title": "Stardust", "authors": "Neil Gaiman", "year": 1999, "n_readers": 8},  # 3
        {"title": "吾輩は猫である (新潮文庫)", "authors": "夏目 漱石", "format": "bunko", "year": 1905, "work": "w:2"},
        {"title": "吾輩は猫である (岩波文庫)", "authors": "夏目漱石", "format": "bunko", "work": "w:2"},  # 5
        {"title": "漱石を読む", "authors": "江藤 淳, 夏目漱石", "format": "hardcover", "language": "ja"},  # 6
        {"title": "アルジャーノンに花束を", "authors": "ダニエル・キイス", "language": "jpn"},  # 7
        {"title": "24人のビリー・ミリガン", "authors": "キイス, ダニエル", "language": "日本語"},  # 8
        {"title": "It", "authors": "Stephen King", "n_readers": 90, "year": 1986},  # 9
        {"title": "Demon Copperhead", "authors": "Barbara Kingsolver", "year": 2022},  # 10
        {"title": "Beowulf", "authors": "Unknown", "year": -700},  # 11
    ]
)


def rows(**filters: object) -> list[int]:
    return [int(row) for row in allowed(BOOKS, Filters(**filters)).nonzero()[0]]  # type: ignore[arg-type]  # by name


def test_no_filter_leaves_all() -> None:
    assert rows() == list(range(12))
    assert described(BOOKS, Filters()) == []


@pytest.mark.parametrize(
    ("author", "found"),
    [
        ("Tolkien", [0, 1]),
        ("J.R.R. Tolkien", [0, 1]),
        ("j r r tolkien", [0, 1]),
        ("Tolkien, J.R.R.", [0, 1]),
        ("JRR Tolkien", [0, 1]),
        ("gaiman", [2, 3]),  # any of the authors
        ("Pratchett", [2]),
        ("King", [9]),  # whole words
        ("夏目漱石", [4, 5, 6]),
        ("夏目 漱石", [4, 5, 6]),
        ("漱石", [4, 5, 6]),
        ("ダニエル・キイス", [7, 8]),
        ("だにえる きいす", [7, 8]),  # kana are folded, a name in kana may be turned round
    ],
)
def test_an_author_is_named_as_people_write(author: str, found: list[int]) -> None:
    assert rows(author=author) == found
    assert rows(not_author=author) == [row for row in range(12) if row not in found]


@pytest.mark.parametrize(
    ("asked", "left_out"),
    [
        ((0,), [0, 1]),
        ((3,), [2, 3]),  # what he wrote with another is his too
        ((2,), [2]),  # the first author counts
        ((4,), [4, 5, 6]),
        ((7,), [7, 8]),
        ((10,), [10]),
        ((0, 9), [0, 1, 9]),
        ((11,), []),  # nobody knows who: nobody is left out
    ],
)
def test_other_authors(asked: tuple[int, ...], left_out: list[int]) -> None:
    assert rows(not_same_author_as=asked) == [row for row in range(12) if row not in left_out]


def test_an_unknown_author_is_said_to_be_unknown() -> None:
    assert "unknown" in described(BOOKS, Filters(not_same_author_as=(11,)))[0]


def test_other_works() -> None:
    assert rows(not_same_work_as=(0,)) == list(range(2, 12))
    assert rows(not_same_work_as=(5, 0)) == [2, 3, 6, 7, 8, 9, 10, 11]
    assert rows(not_same_work_as=(9,)) == list(range(12))  # of no work: no two books without one are the same


@pytest.mark.parametrize(
    ("language", "found"),
    [("en", [0, 2]), ("English", [0, 2]), ("ja", [6, 7, 8]), ("Japanese", [6, 7, 8]), ("de", [1])],
)
def test_a_language_however_it_is_written(language: str, found: list[int]) -> None:
    assert rows(language=language) == found


@pytest.mark.parametrize(
    ("format_", "found"), [("bunko", [4, 5]), ("文庫", [4, 5]), ("Bunko", [4, 5]), ("ハードカバー", [6])]
)
def test_a_format_in_either_language(format_: str, found: list[int]) -> None:
    assert rows(format=format_) == found


@pytest.mark.parametrize(
    ("years", "found"),
    [((1937, 1986), [0, 1, 9]), ((None, 1905), [4, 11]), ((1999, None), [3, 10]), ((-700, -700), [11])],
)
def test_years_include_both_ends_and_a_book_without_one_is_in_none(
    years: tuple[int | None, int | None], found: list[int]
) -> None:
    assert rows(year_from=years[0], year_to=years[1]) == found


def test_readers() -> None:
    assert rows(min_readers=50) == [2, 9]
    assert rows(min_readers=11) == [2, 9]
    assert 3 not in rows(min_readers=10)


def test_lists_of_ids() -> None:
    assert rows(only=("t:3", "t:1", "elsewhere:9")) == [1, 3]
    assert rows(without=("t:3", "t:1")) == [0, 2, *range(4, 12)]
    assert rows(only=("t:3", "t:1"), without=("t:3",)) == [1]


def test_filters_are_met_together() -> None:
    assert rows(author="夏目漱石", format="bunko", year_to=1910) == [4]
    assert rows(language="ja", not_author="ダニエル・キイス") == [6]


def test_books_asked_about_never_pass() -> None:
    assert allowed(BOOKS, Filters(author="Tolkien"), [0]).nonzero()[0].tolist() == [1]
    with pytest.raises(NothingLeft, match="of 10, one after another:\n  author Tolkien: 0 left"):
        allowed(BOOKS, Filters(author="Tolkien"), [0, 1])
    assert not allowed(BOOKS, Filters(), list(range(12))).any()  # no filter is to blame


def test_where_nothing_is_left_each_filter_says_how_many_it_left() -> None:
    filters = Filters(min_readers=50, language="en", author="King")
    with pytest.raises(NothingLeft) as error:
        allowed(BOOKS, filters)
    assert str(error.value).splitlines()[1:] == [
        "  at least 50 readers: 2 left",
        "  language en: 1 left",
        "  author King: 0 left",
    ]


def test_a_value_no_book_has_is_answered_with_those_there_are() -> None:
    with pytest.raises(NothingLeft, match=r"format vellum \(this release has bunko, hardcover\): 0 left"):
        allowed(BOOKS, Filters(format="vellum"))


def test_an_author_without_a_name_is_refused() -> None:
    with pytest.raises(WagahaiError, match="an author is a name"):
        allowed(BOOKS, Filters(author=" "))


def test_a_list_names_ids_and_whole_titles() -> None:
    lines = ["t:9", " the hobbit ", "", "吾輩は猫である", "吾輩は猫である（新潮文庫）", "Hobb", "t:99"]
    ids, unknown = listed_ids(BOOKS, lines)
    assert ids == ("t:9", "t:0", "t:4", "t:5")
    assert unknown == ["Hobb", "t:99"]
    assert listed_ids(BOOKS, ["吾輩は猫である (岩波文庫)"]) == (("t:5",), [])
    assert listed_ids(BOOKS, []) == ((), [])
