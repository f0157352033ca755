"""Titles and ISBNs: what is the same, and what must stay apart."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.editions import (
    clean_text,
    compact_key,
    is_truncated,
    isbn13,
    search_key,
    split_title,
)

KATAKANA = st.text(st.characters(min_codepoint=0x30A1, max_codepoint=0x30F6), min_size=1)
HALF_WIDTH = st.text(st.characters(min_codepoint=0xFF66, max_codepoint=0xFF9F), min_size=1)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("吾輩ハ猫デアル", "吾輩は猫である"),
        ("ﾉﾙｳｪｲの森", "ノルウェイの森"),
        ("ｶﾞﾗｽの仮面", "ガラスの仮面"),
        ("イスヾ", "いすゞ"),
        ("ＨＡＲＲＹ　ＰＯＴＴＥＲ", "harry potter"),
        ("三國志", "三国志"),
        ("舊字體", "旧字体"),
        ("國木田獨步", "国木田独歩"),
        ("森鷗外", "森鴎外"),
        ("廣松渉", "広松渉"),
        ("Les Misérables", "Les Miserables"),
        ("Cafe\u0301", "Café"),
        ("Straße", "STRASSE"),
        ("ﬁnance", "finance"),
        ("Ⅳ", "iv"),
        ("Pride &amp; Prejudice", "Pride & Prejudice"),
        ("&#20154;間失格", "人間失格"),
        ("Ender's Game", "Ender’s game"),
        ("Catch-22", "catch 22"),
        ("exam\u00adple", "example"),
        ("كِتَاب", "كتاب"),
        ("שָׁלוֹם", "שלום"),
        ("\u200fكتاب\u200f", "كتاب"),
        ("が", "か\u3099"),
    ],
)
def test_the_same_title_has_one_key(one: str, other: str) -> None:
    assert search_key(one) == search_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("はは", "ばば"),  # voiced marks are letters
        ("ハハ", "パパ"),
        ("はつか", "はっか"),
        ("?", "!"),
        ("☕", "🐈"),
        ("☕\ufe0f", "🐈\ufe0f"),
        ("...", "…!"),
        ("C", "C3"),
        ("दिन", "दान"),  # vowel signs are letters
        ("น้ำ", "นา"),
    ],
)
def test_different_titles_stay_apart(one: str, other: str) -> None:
    assert search_key(one) != search_key(other)


def test_the_key_is_words() -> None:
    assert search_key("  The Hobbit, or: There &amp; Back_Again!  ") == "the hobbit or there back again"
    assert (
        compact_key("吾輩は猫である (新潮文庫)")
        == compact_key("吾輩は猫である【新潮 文庫】")
        == "吾輩は猫である新潮文庫"
    )
    assert search_key("हिन्दी") == "हिन्दी"


@given(st.text())
def test_folding_again_changes_nothing(text: str) -> None:
    assert search_key(search_key(text)) == search_key(text)


@given(st.text(st.characters(codec="utf-8", exclude_characters="&")))
def test_composition_does_not_matter(text: str) -> None:
    assert search_key(unicodedata.normalize("NFD", text)) == search_key(unicodedata.normalize("NFC", text))


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x24F, exclude_characters="&ı")))
def test_case_does_not_matter(text: str) -> None:
    assert search_key(text.upper()) == search_key(text.lower())


@given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="&")))
def test_width_does_not_matter(text: str) -> None:
    wide = "".join(chr(ord(c) + 0xFEE0) for c in text)
    assert search_key(wide) == search_key(text)


@given(KATAKANA)
def test_kana_do_not_matter(text: str) -> None:
    assert search_key("".join(chr(ord(c) - 0x60) for c in text)) == search_key(text)


@given(HALF_WIDTH)
def test_half_width_kana_do_not_matter(text: str) -> None:
    assert search_key(unicodedata.normalize("NFKC", text)) == search_key(text)


@given(st.text())
def test_nothing_raises(title: str) -> None:
    assert clean_text(clean_text(title)).strip() == clean_text(clean_text(title))
    assert split_title(title).base in title
    assert isbn13(title) is None or len(str(isbn13(title))) == 13


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("  Pride &amp;amp; Prejudice\x00 ", "Pride & Prejudice"),
        ("吾輩は\t猫である", "吾輩は 猫である"),
        ("می\u200cخواهم", "می\u200cخواهم"),  # the joiner is spelling
        ("👨\u200d👩\u200d👧", "👨\u200d👩\u200d👧"),
        ("\ufeffEmma\u200b", "Emma"),
        ("\u200b", ""),
        ("\U0001fae8", "\U0001fae8"),  # newer than Python 3.11's tables
        ("A\ud800B", "A B"),
    ],
)
def test_titles_are_cleaned_but_kept(raw: str, clean: str) -> None:
    assert clean_text(raw) == clean


@pytest.mark.parametrize(
    ("title", "parts"),
    [
        ("The Hunger Games (The Hunger Games, #1)", ("The Hunger Games", None, "The Hunger Games", 1.0)),
        ("Novella (Series, #2.5)", ("Novella", None, "Series", 2.5)),
        ("The Lord of the Rings (Middle-earth, #1-3)", ("The Lord of the Rings", None, "Middle-earth", None)),
        ("Tales (Series, #0.4, 0.5)", ("Tales", None, "Series", None)),
        ("Sojourn (Drizzt, #3; Legend, #3)", ("Sojourn", None, "Drizzt", 3.0)),
        ("吾輩は猫である (新潮文庫)", ("吾輩は猫である", "新潮文庫", None, None)),
        ("吾輩は猫である（岩波文庫）", ("吾輩は猫である", "岩波文庫", None, None)),
        ("海辺のカフカ (上) (新潮文庫)", ("海辺のカフカ (上)", "新潮文庫", None, None)),
        ("海辺のカフカ(上)", ("海辺のカフカ(上)", None, None, None)),
        ("進撃の巨人 (第１巻)", ("進撃の巨人 (第１巻)", None, None, None)),
        ("罪と罰〈下〉", ("罪と罰〈下〉", None, None, None)),
        ("Emma (Annotated)", ("Emma (Annotated)", None, None, None)),
        ("كتاب (رواية)", ("كتاب (رواية)", None, None, None)),
        ("(上)", ("(上)", None, None, None)),
        ("()", ("()", None, None, None)),
        ("", ("", None, None, None)),
    ],
)
def test_the_last_bracket(title: str, parts: tuple[str, str | None, str | None, float | None]) -> None:
    found = split_title(title)
    assert (found.base, found.imprint, found.series, found.volume) == parts


@pytest.mark.parametrize(
    ("title", "cut"),
    [("アルジャーノンに花束を〔新版…", True), ("Wait... what?", False), ("A cut ti...", True), ("終わり", False)],
)
def test_a_title_cut_short_is_seen(title: str, cut: bool) -> None:
    assert is_truncated(title) == cut


@pytest.mark.parametrize(
    ("text", "isbn"),
    [
        ("9784101010014", "9784101010014"),
        ("978-4-10-101001-4", "9784101010014"),
        ("９７８４１０１０１００１４", "9784101010014"),
        ('="9784101010014"', "9784101010014"),
        ("4101010013", "9784101010014"),
        ("080442957X", "9780804429573"),
        ("80442957x", "9780804429573"),  # lost its leading zero
        ("0-00-224584-1", "9780002245845"),
        ("2245841", "9780002245845"),  # lost three
        ("9784101010015", None),
        ("4101010014", None),
        ("97841010100X4", None),
        ("X101010013", None),
        ("1920193004007", None),  # second bar code of a Japanese book
        ("9.78103E+12", None),
        ("0000000000", None),
        ("000000", None),
        ("", None),
        (None, None),
        ("no", None),
    ],
)
def test_isbns(text: str | None, isbn: str | None) -> None:
    assert isbn13(text) == isbn


@given(st.from_regex(r"[0-9]{9}", fullmatch=True).filter(lambda nine: nine != "0" * 9))
def test_every_isbn_10_becomes_an_isbn_13_with_a_right_check_digit(nine: str) -> None:
    check = next(c for c in range(11) if (sum((10 - i) * int(d) for i, d in enumerate(nine)) + c) % 11 == 0)
    found = isbn13(nine + ("X" if check == 10 else str(check)))
    assert found is not None
    assert found[:12] == "978" + nine
    assert sum(int(d) * (3 if i % 2 else 1) for i, d in enumerate(found)) % 10 == 0
    wrong = (check + 1) % 10
    assert isbn13(nine + str(wrong)) is None
