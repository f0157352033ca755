"""Which books are one work: every rule, and what it refuses."""

from __future__ import annotations

import itertools
import random
import time
from itertools import permutations
from typing import Any

import pytest

from data.errors import BadConfig
from data.schema import UNKNOWN_TITLE
from data.works.by_id import MOST_UNLIKE
from data.works.derive import derive_works
from data.works.overrules import Overrules
from tests.data.works.shelf import groups, refused, shelf, works_of


def test_isbn_edition_and_work_ids_join_whatever_the_titles_are_called() -> None:
    works = works_of(
        a={"title": "Emma", "isbn13": "9780141439587", "edition": "goodreads:6969"},
        b={"title": "Emma: an annotated edition", "isbn13": "9780141439587"},
        c={"title": "Ema", "edition": "goodreads:6969", "work": "goodreads:3360164"},
        d={"title": "エマ", "work": "goodreads:3360164", "language": "ja"},
        e={"title": "Emma", "work": "librarything:3360164"},
    )
    assert groups(works) == ["abcd", "e"]
    assert works.books["work"].unique().sort().to_list() == ["t:a", "t:e"]
    assert works.links.rows() == [
        ("t:a", "t:b", "ISBN", "9780141439587"),
        ("t:a", "t:c", "edition", "goodreads:6969"),
        ("t:c", "t:d", "work", "goodreads:3360164"),
    ]


def test_an_isbn_on_different_books_joins_only_those_alike() -> None:
    isbn = {"isbn13": "9780141439587"}
    works = works_of(
        a={"title": "Fantastic Beasts", "authors": "J.K. Rowling", **isbn},
        b={"title": "Quidditch Through the Ages", "authors": "J.K. Rowling", **isbn},  # the ISBN of the boxed set
        c={"title": "FANTASTIC BEASTS and where to find them", "authors": "Newt Scamander", **isbn},
        d={"title": "Quidditch trough the Ages", **isbn},
        e={"title": "ハリー・ポッター", **isbn},  # another script: the ISBN is all there is
    )
    assert groups(works) == ["ace", "bd"]
    assert refused(works) == {"ab": "titles differ"}


def test_an_isbn_of_very_many_unlike_titles_joins_nothing() -> None:
    isbn = {"isbn13": "9780141439587"}
    titles: dict[str, Any] = {
        f"b{i:04}": {"title": "".join(random.Random(i).choices("abcdefghij", k=30)), **isbn} for i in range(3_000)
    }
    few = dict(itertools.islice(titles.items(), MOST_UNLIKE))
    start = time.process_time()
    works = works_of(twin=titles["b0000"], **titles)
    assert time.process_time() - start < 10  # all pairs take a minute
    assert works.books["work"].n_unique() == 3_001
    assert works.refusals.select("one", "other", "why").rows() == [
        ("t:b0000", "t:b0050", "ISBN of more than 50 unlike titles"),
    ]
    assert works_of(twin=titles["b0000"], **few).links.select("one", "other").rows() == [("t:b0000", "t:twin")]


def test_a_title_of_very_many_works_joins_none_of_them() -> None:
    books: dict[str, Any] = {
        f"b{i:04}": {"title": "Emma", "authors": "Jane Austen", "work": f"goodreads:{i}"} for i in range(2_000)
    }
    start = time.process_time()
    works = works_of(like={"title": "Emma", "authors": "Jane Austen"}, **books)
    assert time.process_time() - start < 5
    assert works.books["work"].n_unique() == 2_001
    assert works.refusals.select("one", "other", "why").rows() == [
        ("t:b0000", "t:b0001", "title of more than 50 works that may differ"),
    ]


def test_an_unknown_title_is_not_compared() -> None:
    isbn = {"isbn13": "9780440225119"}
    works = works_of(
        a={"title": UNKNOWN_TITLE.format("a"), "authors": "Nicholas Evans", **isbn},
        b={"title": "The Loop: A Novel", "authors": "Nicholas Evans", **isbn},
        c={"title": UNKNOWN_TITLE.format("c"), "authors": "Nicholas Evans"},
        d={"title": UNKNOWN_TITLE.format("c"), "authors": "Nicholas Evans"},
    )
    assert groups(works) == ["ab", "c", "d"]


def test_the_isbn_of_a_set_does_not_join_its_parts() -> None:
    isbn = {"isbn13": "9784101001548", "authors": "村上春樹"}
    works = works_of(a={"title": "海辺のカフカ 上", **isbn}, b={"title": "海辺のカフカ 下", **isbn})
    assert groups(works) == ["a", "b"]
    assert set(works.refusals["why"]) == {"part differs: 上 and 下"}


def test_title_and_first_author_join() -> None:
    works = works_of(
        a="吾輩は猫である (新潮文庫) / 夏目漱石",
        b="吾輩ハ猫デアル（岩波文庫） / 夏目, 漱石, 1867-1916",
        c="吾輩は猫である / 誰か",
        d="The Hobbit / J.R.R. Tolkien",
        e="Hobbit, The: A Novel (Collins) / Tolkien, J. R. R.",
        f="The Hobbit / J.R.R. Tolkien, Alan Lee",
    )
    assert groups(works) == ["ab", "c", "def"]
    link = ("t:a", "t:b", "title and author", '"吾輩は猫である" / "夏目漱石"')
    assert link in works.links.rows()


def test_titles_without_authors_never_join() -> None:
    assert groups(works_of(a="Poems", b="Poems", c="Poems / Various", d="Poems / Various")) == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("one", "other", "why"),
    [
        ({"language": "eng"}, {"language": "fr"}, "language differs: en and fr"),
        ({"volume": 1.0}, {"volume": 2.5}, "volume differs: 1 and 2.5"),
        ({"work": "goodreads:1"}, {"work": "goodreads:2"}, "goodreads work differs: 1 and 2"),
        ({"format": "comic"}, {"title": "坊っちゃん (新潮文庫)"}, "form differs: comic and text"),
        ({"language": "eng"}, {"language": "en-US"}, None),
        ({"language": "eng"}, {"language": None}, None),
        ({"volume": 1.0}, {"volume": None}, None),
        ({"work": "goodreads:1"}, {"work": "librarything:2"}, None),
    ],
)
def test_what_speaks_against_a_title(one: dict[str, Any], other: dict[str, Any], why: str | None) -> None:
    named = {"title": "坊っちゃん", "authors": "夏目漱石"}
    works = works_of(None, a={**named, **one}, b={**named, **other})
    assert groups(works) == (["ab"] if why is None else ["a", "b"])
    assert refused(works) == ({} if why is None else {"ab": why})


def test_parts_are_works_and_each_part_is_a_near_miss_of_the_next() -> None:
    works = works_of(
        a="海辺のカフカ 上 (新潮文庫) / 村上春樹",
        b="海辺のカフカ 下 (新潮文庫) / 村上春樹",
        c="海辺のカフカ(上) / 村上 春樹",
        d="海辺のカフカ / 村上春樹",
        e="Naruto, Vol. 10 / Masashi Kishimoto",
        f="Naruto, Vol. 2 / Masashi Kishimoto",
        g="Naruto (2) / Masashi Kishimoto",
        h="Naruto #9 / Masashi Kishimoto",
    )
    assert groups(works) == ["ac", "b", "d", "e", "fg", "h"]
    assert refused(works) == {
        "ad": "part differs: none and 上",
        "ab": "part differs: 上 and 下",
        "fh": "part differs: 2 and 9",
        "eh": "part differs: 9 and 10",
    }


def test_a_book_that_fits_two_works_is_in_neither_and_its_like_stay_with_it() -> None:
    named = {"title": "Hamlet", "authors": "William Shakespeare"}
    works = works_of(
        a=named,
        b={**named, "language": "de"},
        c={**named, "language": "en"},
        d=named,
        e={**named, "language": "English"},
    )
    assert groups(works) == ["ad", "b", "ce"]
    assert refused(works) == {
        "bc": "language differs: de and en",
        "ab": "fits 2 works that differ",
        "ac": "fits 2 works that differ",
    }


def test_who_is_unsure_does_not_depend_on_ids() -> None:
    named = {"title": "Hamlet", "authors": "William Shakespeare"}
    english, german, first = {**named, "language": "en"}, {**named, "language": "de"}, {**named, "volume": 1.0}
    for order in permutations("abc"):  # the first volume may be of either
        works = works_of(None, **dict(zip(order, (english, german, first), strict=True)))
        assert groups(works) == ["a", "b", "c"]
    assert groups(works_of(a=first, b=english, c={**english, "volume": 1.0})) == ["abc"]


def test_what_is_known_of_a_work_is_known_of_its_books() -> None:
    named = {"title": "Hamlet", "authors": "William Shakespeare"}
    works = works_of(  # a and b are one by their ISBN, so that c, in German, is not what a says in English
        a={**named, "isbn13": "9780141013077"},
        b={"title": "Hamlet", "isbn13": "9780141013077", "language": "en"},
        c={**named, "language": "de"},
    )
    assert groups(works) == ["ab", "c"]


def test_a_cut_title_joins_the_one_work_that_begins_so() -> None:
    works = works_of(
        a="世界の終りとハードボイルド・ワンダ… / 村上春樹",
        b="世界の終りとハードボイルド・ワンダーランド / 村上 春樹",
        c="世界の終りとハードボイルド・ワンダーランド (新潮文庫) / 村上春樹",
        d="世界の終りとハードボイルド・ワンダ… / 誰か",
        e="世界の終りとハード… / 村上春樹",
        f="世界の… / 村上春樹",  # too short to say anything
    )
    assert groups(works) == ["abce", "d", "f"]
    assert set(works.links["rule"]) == {"title and author", "cut title and author"}


def test_a_cut_title_that_fits_several_works_or_may_be_a_part_stays_alone() -> None:
    works = works_of(
        a="ハリー・ポッターと… / J.K.ローリング",
        b="ハリー・ポッターと賢者の石 / J.K.ローリング",
        c="ハリー・ポッターと秘密の部屋 / J.K.ローリング",
        d="海辺のカフカ… / 村上春樹",
        e="海辺のカフカ 上 / 村上春樹",
    )
    assert groups(works) == ["a", "b", "c", "d", "e"]
    assert refused(works) == {
        "ab": "begins the titles of 2 works",
        "ac": "begins the titles of 2 works",
        "de": "part may be cut off: 上",
    }


def test_two_cut_titles_are_not_one_title() -> None:
    assert groups(works_of(a="涼宮ハルヒの… / 谷川流", b="涼宮ハルヒの… / 谷川流")) == ["a", "b"]


def test_a_persons_word_stands_above_all_rules() -> None:
    hobbit = {"title": "The Hobbit", "authors": "J.R.R. Tolkien", "isbn13": "9780618260300", "work": "goodreads:1"}
    said = Overrules(same=(("t:a", "t:d"), ("t:d", "t:e")), apart=(("t:a", "t:b"),))
    books: dict[str, Any] = {
        "a": hobbit,
        "b": hobbit,
        "c": {**hobbit, "isbn13": None},
        "d": "ホビットの冒険",
        "e": "Der Hobbit",
    }
    works = works_of(said, **books)
    assert groups(works) == ["acde", "b"]  # c joins a, the first of its work id
    assert works.links.rows() == [
        ("t:a", "t:d", "works.toml", "same"),
        ("t:d", "t:e", "works.toml", "same"),
        ("t:a", "t:c", "work", "goodreads:1"),
    ]
    assert refused(works) == {"ab": "kept apart by works.toml"}
    assert works.refusals["rule"].to_list() == ["ISBN", "work", "title and author"]


def test_apart_holds_for_whole_works() -> None:
    said = Overrules(same=(("t:a", "t:b"),), apart=(("t:b", "t:c"),))
    works = works_of(said, a="Emma / Jane Austen", b="エマ", c="Emma / Jane Austen", d="Emma / Jane Austen")
    assert groups(works) == ["abd", "c"]


def test_contradictions_and_unknown_ids_are_errors() -> None:
    books = shelf(a="A", b="B", c="C")
    said = Overrules(same=(("t:a", "t:b"), ("t:b", "t:c")), apart=(("t:a", "t:c"),))
    with pytest.raises(BadConfig, match=r"works.toml: 't:a' and 't:c' are said to be the same work"):
        derive_works(books, said)
    with pytest.raises(BadConfig, match="no book of the history has the id 't:aa'; the closest id is 't:a'"):
        derive_works(books, Overrules(same=(("t:aa", "t:b"),)))


def test_the_order_of_rows_does_not_matter_nor_do_other_books() -> None:
    random.seed(0)
    titles = ["Emma", "Emma (Penguin)", "Emma 2", "Em…", "Hamlet", "Emma…", "The Emma"]
    rows = {
        f"{i:03d}": {
            "title": random.choice(titles),
            "authors": random.choice(["Jane Austen", "Austen, Jane", None, "W. Shakespeare"]),
            "language": random.choice(["en", "eng", "de", None]),
            "isbn13": random.choice([None, None, f"978{i % 7}"]),
            "work": random.choice([None, None, f"goodreads:{i % 11}"]),
        }
        for i in range(200)
    }
    books = shelf(**rows)
    works = derive_works(books)
    assert 20 < works.n_works < 180
    again = derive_works(books.sample(fraction=1.0, shuffle=True, seed=1))
    for name in ("books", "links", "refusals"):
        assert getattr(again, name).equals(getattr(works, name))
    others = shelf(zzz="Middlemarch / George Eliot", **{"000a": "Ulysses / James Joyce"})
    more = derive_works(books.vstack(others)).books
    assert more.filter(~more["book"].is_in(others["book"].implode())).equals(works.books)


def test_no_books_have_no_works() -> None:
    works = derive_works(shelf())
    assert (works.n_works, len(works.links), len(works.refusals)) == (0, 0, 0)
