"""Look-up: titles as people type them find the one book, all of its editions, or an honest no."""

from __future__ import annotations

import pytest

from data.errors import AmbiguousTitle, UnknownBook
from pipeline.lookup import N_LISTED, find_book, find_books, is_in_full, suggest
from tests.pipeline.books import books_of, titled

SHELF = books_of(
    [
        {"title": "吾輩は猫である (新潮文庫)", "authors": "夏目 漱石", "publisher": "新潮社", "year": 2003},
        {"title": "吾輩は猫である (岩波文庫)", "authors": "夏目漱石", "publisher": "岩波書店", "n_readers": 99},
        {"title": "吾輩は猫である（角川文庫）", "authors": "夏目 漱石", "publisher": "角川書店", "n_readers": 3},
        {"title": "こころ (新潮文庫)", "authors": "夏目 漱石"},
        {"title": "The Hobbit", "authors": "J.R.R. Tolkien", "n_readers": 300},
        {"title": "The Hobbit: Graphic Novel", "authors": "Chuck Dixon"},
        {"title": "アルジャーノンに花束を〔新版…", "authors": "ダニエル・キイス"},
        {"title": "ノルウェイの森 上 (講談社文庫)", "authors": "村上 春樹"},
        {"title": "ノルウェイの森 下 (講談社文庫)", "authors": "村上 春樹"},
        {"title": "国語入門", "authors": "沢 学"},
        {"title": "?", "authors": "Anonymous"},
        {"title": "ألف ليلة وليلة"},
        {"title": "The Hunger Games (The Hunger Games, #1)", "authors": "Suzanne Collins"},
        {"title": "Ｔｈｅ ＡＢＣ殺人事件", "authors": "アガサ・クリスティー"},
        {"title": "Amélie's Café", "authors": "Zoë Strauß"},
        {"title": "Emma (Annotated)", "authors": "Jane Austen"},
        {"title": "Emma", "authors": "Jane Austen"},
    ]
)  # fmt: skip
CAT_SHINCHO, CAT_IWANAMI, CAT_KADOKAWA, KOKORO, HOBBIT, GRAPHIC, ALGERNON, NORWAY_1, NORWAY_2 = range(9)
KOKUGO, QUESTION, ARABIAN, HUNGER, ABC, AMELIE, EMMA_ANNOTATED, EMMA = range(9, 17)


@pytest.mark.parametrize(
    ("typed", "row"),
    [
        ("t:4", HOBBIT),
        ("吾輩は猫である (新潮文庫)", CAT_SHINCHO),
        ("吾輩は猫である（新潮文庫）", CAT_SHINCHO),
        ("吾輩は猫である(新潮文庫)", CAT_SHINCHO),
        ("吾輩は猫である 新潮文庫", CAT_SHINCHO),
        ("吾輩は猫である　岩波文庫", CAT_IWANAMI),
        ("吾輩は猫である (角川文庫)", CAT_KADOKAWA),
        ("吾輩は猫である (角川", CAT_KADOKAWA),
        ("吾輩は猫である（岩波", CAT_IWANAMI),
        ("猫 岩波", CAT_IWANAMI),
        ("吾輩は猫である 2003", CAT_SHINCHO),
        ("吾輩は猫である 岩波書店", CAT_IWANAMI),
        ("ココロ", KOKORO),
        ("こころ", KOKORO),
        ("ｺｺﾛ", KOKORO),
        (" こころ ", KOKORO),
        ("hobbit", HOBBIT),
        ("The Hobbit", HOBBIT),
        ("HOBBIT", HOBBIT),
        ("the  hobbit", HOBBIT),
        ("ｔｈｅ　ｈｏｂｂｉｔ", HOBBIT),
        ("hobbit tolkien", HOBBIT),
        ("the hobbit tolkien", HOBBIT),
        ("Tolkien", HOBBIT),
        ("jrr tolkien", HOBBIT),
        ("こころ 夏目漱石", KOKORO),
        ("こころ 夏目　漱石", KOKORO),
        ("吾輩は猫である 岩波 夏目 漱石", CAT_IWANAMI),
        ("アガサクリスティー", ABC),
        ("hobbit graphic", GRAPHIC),
        ("アルジャーノンに花束を", ALGERNON),
        ("あるじゃーのんに花束を", ALGERNON),
        ("アルジャーノンに花束を〔新版〕 (ハヤカワ文庫NV)", ALGERNON),
        ("ノルウェイの森 下", NORWAY_2),
        ("ノルウェイの森 上 (講談社文庫)", NORWAY_1),
        ("國語入門", KOKUGO),
        ("國語入門 澤學", KOKUGO),
        ("?", QUESTION),
        ("？", QUESTION),
        ("ألف ليلة وليلة", ARABIAN),
        ("ليلة", ARABIAN),
        ("hunger games", HUNGER),
        ("The Hunger Games", HUNGER),
        ("the abc殺人事件", ABC),
        ("amelies cafe", AMELIE),
        ("Amélie’s Café", AMELIE),
        ("strauss", AMELIE),
        ("emma", EMMA),
        ("Emma (Annotated)", EMMA_ANNOTATED),
    ],
)
def test_a_title_as_typed_finds_its_book(typed: str, row: int) -> None:
    assert find_book(SHELF, typed) == row


@pytest.mark.parametrize("typed", ["吾輩は猫である", "吾輩ハ猫デアル", "吾輩は 猫 である", "猫である"])
def test_editions_of_a_title_are_listed_most_read_first_and_none_is_guessed(typed: str) -> None:
    with pytest.raises(AmbiguousTitle) as caught:
        find_book(SHELF, typed)
    assert [line.split("[")[1] for line in caught.value.matches] == ["t:1]", "t:0]", "t:2]"]
    assert "夏目漱石, 岩波書店" in caught.value.matches[0]
    assert "--book" in str(caught.value)


def test_a_bracket_that_was_typed_is_meant() -> None:
    shelf = titled("こころ (新潮文庫)", "こころ (角川文庫)")
    assert find_books(shelf, "こころ (岩波文庫)") == []
    assert find_books(shelf, "こころ (角川文庫)") == [1]
    assert find_books(shelf, "こころ") == [0, 1]


def test_a_bare_title_is_every_edition_of_it() -> None:
    books = titled("こころ (新潮文庫)", "こころ", "こころの処方箋")
    assert find_books(books, "こころ") == [0, 1]
    assert find_books(books, "こころ(新潮文庫)") == [0]


def test_a_title_in_volumes_is_not_guessed_to_be_the_one_without() -> None:
    books = titled("罪と罰 (まんがで読破)", "罪と罰 上 (新潮文庫)", "罪と罰 下 (新潮文庫)", "1984", "Fahrenheit 451")
    assert find_books(books, "罪と罰") == [0, 1, 2]
    assert find_books(books, "罪と罰 上") == [1]
    assert find_books(books, "1984") == [3]


def test_a_word_of_title_or_author_lists_both() -> None:
    books = titled("夏目漱石全集1", "こころ (新潮文庫)")
    books.columns["context_key"][1] += "夏目漱石"
    assert find_books(books, "夏目漱石") == [0, 1]


ATTIC = books_of(
    [
        {"title": "A Light in the Attic", "authors": "Shel Silverstein", "language": "eng"},
        {"title": "Les Thermes", "authors": "Anne Caterine", "language": "fre"},
        {"title": "名探偵ABC殺人事件", "authors": "Agatha Christie", "year": 1936},
        {"title": "Mockingbird", "authors": "J.R.R. Otto"},
    ]
)


@pytest.mark.parametrize(
    ("typed", "rows"),
    [
        ("heat", []),  # t-he at-tic
        ("attic", [0]),
        ("att", [0]),
        ("tic", []),
        ("lightinthe", [0]),
        ("lightin attic", [0]),
        ("ightin", []),
        ("silver", [0]),
        ("stein", []),
        ("fr", []),  # a language, but too short
        ("fre", [1]),
        ("cat", [1]),
        ("abc", [2]),  # behind a script without blanks a word begins
        ("bc", []),
        ("探偵", [2]),
        ("1936", [2]),
        ("936", []),
        ("mocking", [3]),
        ("bird", []),
        ("jrr", [3]),
        ("jrrotto", [3]),
        ("rotto", [3]),
        ("jrrot", []),
    ],
)
def test_a_latin_word_is_found_where_a_word_begins(typed: str, rows: list[int]) -> None:
    assert find_books(ATTIC, typed) == rows


@pytest.mark.parametrize(
    ("typed", "whole"),
    [("t:4", True), ("hobbit", True), ("吾輩は猫である", True), ("猫 岩波", False), ("tolkien", False), ("", False)],
)
def test_a_title_in_full_is_told_from_part_of_one(typed: str, whole: bool) -> None:
    assert is_in_full(SHELF, typed) is whole


def test_two_titles_without_letters_stay_apart() -> None:
    assert find_books(titled("?", "!", "..."), "!") == [1]


def test_many_matches_are_cut_and_counted() -> None:
    with pytest.raises(AmbiguousTitle) as caught:
        find_book(titled(*["Poems"] * (N_LISTED + 7)), "poems")
    assert len(caught.value.matches) == N_LISTED
    assert f"{N_LISTED + 7} books" in str(caught.value)
    assert "and 7 more" in str(caught.value)


def test_equally_read_editions_are_listed_by_row() -> None:
    with pytest.raises(AmbiguousTitle) as caught:
        find_book(titled("Poems", "Poems", "Poems"), "poems")
    assert [line[-5:] for line in caught.value.matches] == ["[t:0]", "[t:1]", "[t:2]"]


@pytest.mark.parametrize("typed", ["", " ", "\u3000", "\n"])
def test_nothing_typed_finds_nothing(typed: str) -> None:
    with pytest.raises(UnknownBook) as caught:
        find_book(SHELF, typed)
    assert caught.value.suggestions == ()


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("The Hobit", "The Hobbit"),
        ("hobit", "The Hobbit"),
        ("吾輩は描である", "吾輩は猫である (新潮文庫)"),
        ("吾輩は描である (岩波文庫)", "吾輩は猫である (岩波文庫)"),
        ("アルジャーノンに化束を", "アルジャーノンに花束を〔新版…"),
        ("The Hunger Gamse", "The Hunger Games (The Hunger Games, #1)"),
        ("hobbit grafic", "The Hobbit: Graphic Novel"),
    ],
)
def test_a_misspelt_title_is_unknown_and_the_closest_is_suggested_first(typed: str, first: str) -> None:
    with pytest.raises(UnknownBook) as caught:
        find_book(SHELF, typed)
    assert caught.value.suggestions[0] == first
    assert first in str(caught.value)


def test_a_short_title_within_the_text_is_no_closer_than_the_misspelt_one() -> None:
    shelf = titled("It", "輩", "である", "The Hobbit (The Lord of the Rings, #0)", "吾輩は猫である (新潮文庫)")
    assert suggest(shelf, "The Hobit")[0] == "The Hobbit (The Lord of the Rings, #0)"
    assert suggest(shelf, "吾輩は描である")[0] == "吾輩は猫である (新潮文庫)"


def test_part_of_a_long_title_may_be_misspelt() -> None:
    long = "Harry Potter and the Philosopher's Stone (Harry Potter, #1)"
    assert suggest(titled("Hary", "Porter", long, "Poterie"), "Harry Poter and")[0] == long


def test_a_title_is_suggested_once() -> None:
    assert suggest(titled("The Hobbit", "The Hobbit", "The Hobbit"), "The Hobit") == ["The Hobbit"]


def test_gibberish_gets_no_suggestion() -> None:
    with pytest.raises(UnknownBook) as caught:
        find_book(SHELF, "qxzzvw")
    assert caught.value.suggestions == ()
