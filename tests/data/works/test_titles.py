"""What a title says of its work."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.editions import compact_key
from data.works.titles import COMIC, TEXT, part_of, work_title


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The Hobbit", "Hobbit, The"),
        ("The Hobbit", "THE HOBBIT (Penguin Modern Classics)"),
        ("The Hobbit", "The Hobbit: A Novel"),
        ("Die Nebel von Avalon", "Die Nebel von Avalon. Roman."),
        ("Hobbit", "The Hobbit (Signet Classics (Paperback))"),
        ("Pride and Prejudice", "Pride &amp; Prejudice"),
        ("The Bell Jar : A Novel (Perennial Classics)", "The Bell Jar"),
        ("Calculus (2nd Edition)", "Calculus"),
        ("吾輩は猫である (新潮文庫)", "吾輩ハ猫デアル【岩波文庫】"),
        ("アルジャーノンに花束を〔新版〕(ハヤカワ文庫NV)", "アルジャーノンに花束を"),
        ("吾輩は猫である (新潮…", "吾輩は猫である"),
        ("海辺のカフカ〈上〉 (新潮文庫)", "海辺のカフカ 上巻"),
        ("進撃の巨人(1) (講談社コミックス)", "進撃の巨人 第一巻"),
        ("進撃の巨人1", "進撃の巨人　第０１巻"),
        ("Naruto, Vol. 2", "Naruto Volume Two"),
        ("Naruto (Vol. II)", "Naruto, Band 2"),
        ("Henry IV, Part One", "Henry IV Part 1"),
    ],
)
def test_editions_are_called_the_same(one: str, other: str) -> None:
    mine, theirs = work_title(one), work_title(other)
    assert (mine.base, mine.part) == (theirs.base, theirs.part)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("海辺のカフカ 上", "海辺のカフカ 下"),
        ("海辺のカフカ 上", "海辺のカフカ"),
        ("Naruto, Vol. 1", "Naruto, Vol. 11"),
        ("夜明け前 第一部 上 (岩波文庫)", "夜明け前 第二部 上 (岩波文庫)"),
        ("ノルウェイの森 全2巻", "ノルウェイの森 2"),
        ("Order of the Phoenix (Harry Potter, #5)", "Order of the Phoenix (Harry Potter, #5, Part 1)"),
        ("Harry Potter", "Harry Potter (Boxed Set)"),
        ("The Firm", "The Firm (Penguin Readers, Level 5)"),
        ("Coraline", "Coraline (Graphic Novel)"),
        ("罪と罰", "罪と罰 (まんがで読破)"),
        ("1984", "1985"),
        ("?", "!"),
    ],
)
def test_works_are_called_differently(one: str, other: str) -> None:
    mine, theirs = work_title(one), work_title(other)
    assert (mine.base, mine.part) != (theirs.base, theirs.part)


@pytest.mark.parametrize(
    ("title", "volume"),
    [
        ("Twilight (Twilight, #1)", 1.0),
        ("Novella (Series, #2.5)", 2.5),
        ("The Secret (Animorphs, No 9)", 9.0),
        ("Dune (Dune Chronicles, Book 4)", 4.0),
        ("Star (Star Trek, 42)", 42.0),
        ("Sojourn (Drizzt, #3; Legend, #3)", 3.0),
        ("The Lord of the Rings (Middle-earth, #1-3)", None),
        ("Morality (No. 1 Ladies' Detective Agency)", None),
        ("The Hobbit (Penguin Classics)", None),
    ],
)
def test_the_place_in_a_series_is_no_part(title: str, volume: float | None) -> None:
    found = work_title(title)
    assert (found.volume, found.part) == (volume, "")


def test_the_bracket_tells_a_comic_from_a_text() -> None:
    titles = ("君の名は。 (角川文庫)", "君の名は。 (MFコミックス)", "君の名は。")
    assert [work_title(title).form for title in titles] == [TEXT, COMIC, ""]
    assert len({work_title(title).base for title in titles}) == 1


@pytest.mark.parametrize(
    ("title", "is_cut"),
    [
        ("世界の終りとハードボイルド・ワンダ…", True),
        ("A Title Cut Sh...", True),
        ("吾輩は猫である (新潮…", False),  # only the bracket was cut
        ("海辺のカフカ (上…", True),  # a part may have been
        ("Wait... what?", False),
    ],
)
def test_a_cut_title_is_only_a_beginning(title: str, is_cut: bool) -> None:
    assert work_title(title).is_cut is is_cut


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("上", "上"), ("下巻", "下"), ("前編", "前"), ("第二巻", "2"), ("２", "2"), ("Vol. 02", "2"), ("book iv", "4"),
        ("part one", "1"), ("十二", "12"), ("第二十三巻", "23"), ("百十二", "112"), ("全3巻", "全3"), ("3.5", ""),
        ("新潮文庫", ""), ("iv", ""), ("one", ""), ("", ""),
    ],
)  # fmt: skip
def test_parts_in_many_writings(text: str, part: str) -> None:
    assert part_of(text) == part


@given(st.text())
def test_a_title_is_called_something_and_taken_apart_once(title: str) -> None:
    found = work_title(title)
    assert bool(found.base) is bool(compact_key(title))
    if not found.is_cut:
        again = work_title(found.called)
        assert (again.called, again.part) == (found.called, "")
