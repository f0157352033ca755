"""Bookmeter as people scrape it: pairs of files per reader, and lists in the columns of the tools in use."""

from __future__ import annotations

import datetime as dt
import json
import zipfile
from pathlib import Path

import pytest

from data.errors import BadConfig, BadFile
from data.sources import bookmeter_pairs
from data.sources.base import Options
from data.sources.bookmeter import Bookmeter
from data.sources.catalogue import recognise
from data.sources.upload import Upload
from tests.data.sources.parsing import parse, text_of

CUT = "アルジャーノンに花束を〔新版〕(ハヤカワ文庫…"


def pair(folder: Path, reader: str, titles: str, authors: str | None, encoding: str = "utf-8") -> None:
    (folder / f"title_{reader}.txt").write_text(titles, encoding=encoding, newline="")
    if authors is not None:
        (folder / f"authors_{reader}.txt").write_text(authors, encoding=encoding, newline="")


def test_the_nth_title_is_by_the_nth_author(tmp_path: Path) -> None:
    pair(tmp_path, "123", f"こころ (新潮文庫)\t{CUT}\t絵本", "夏目漱石\tダニエル・キイス,小尾芙佐\tA, B")
    pair(tmp_path, "456", "ＫＯＫＯＲＯ\nこころ（新潮文庫）\n", "夏目 漱石\n夏目漱石\n")
    assert recognise(Upload.open(tmp_path)).name == "bookmeter"
    parsed = parse(Bookmeter(), tmp_path)
    first, cut = "こころ新潮文庫|夏目漱石", "あるじゃーのんに花束を新版はやかわ文庫…|"
    assert [(row[0], *row[2:]) for row in parsed.readings.rows()] == [
        ("123", None, "unknown", None, "read", 1, "title_123.txt", 1),
        ("123", None, "unknown", None, "read", 1, "title_123.txt", 1),
        ("123", None, "unknown", None, "read", 1, "title_123.txt", 1),
        ("456", None, "unknown", None, "read", 1, "title_456.txt", 1),
        ("456", None, "unknown", None, "read", 1, "title_456.txt", 2),
    ]
    books = parsed.readings["book"].to_list()
    assert books[0] == books[4] == first
    assert books[1].startswith(cut)
    assert parsed.books.select("title", "authors", "imprint").rows() == [
        ("こころ (新潮文庫)", "夏目漱石", "新潮文庫"),
        (CUT, "ダニエル・キイス,小尾芙佐", None),
        ("絵本", "A, B", None),
        ("ＫＯＫＯＲＯ", "夏目 漱石", None),
    ]
    assert (parsed.n_rows, parsed.rejects.height, parsed.rating_scale) == (5, 0, None)


def test_readers_of_one_book_describe_it_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bookmeter_pairs, "_BATCH_SIZE", 1)
    for reader in "123":
        pair(tmp_path, reader, "こころ", "夏目漱石")
    (tmp_path / "taro_read.csv").write_text("読了日,書名,著者,ページ数\n2017/05/01,こころ,夏目漱石,1\n")
    parsed = parse(Bookmeter(), tmp_path)
    assert parsed.readings["reader"].to_list() == ["1", "2", "3", "taro"]
    assert parsed.books["title"].to_list() == ["こころ"]


def test_a_title_cut_short_is_not_the_title_of_these_words(tmp_path: Path) -> None:
    pair(tmp_path, "1", "海辺の…\t海辺の", "村上春樹\t村上春樹")
    assert parse(Bookmeter(), tmp_path).readings["book"].n_unique() == 2


@pytest.mark.parametrize(
    ("titles", "authors"),
    [
        ("a\tb\tc", "x\ty\tz"),
        ("a\tb\tc\t", "x\ty\tz\t"),
        ("a\nb\nc\n", "x\ty\tz"),
        ("a\t\r\nb\t\r\nc\t\r\n", "x\ny\nz"),
        ("a\rb\rc", "x\ty\tz\n\n"),
    ],
)
def test_tabs_and_ends_of_lines_divide_alike(tmp_path: Path, titles: str, authors: str) -> None:
    pair(tmp_path, "1", titles, authors)
    parsed = parse(Bookmeter(), tmp_path)
    assert parsed.readings["book"].to_list() == ["a|x", "b|y", "c|z"]
    assert parsed.rejects.is_empty()


def test_a_blank_cell_keeps_its_place(tmp_path: Path) -> None:
    pair(tmp_path, "1", "a\tb\t\td", "x\t\tz\t")
    parsed = parse(Bookmeter(), tmp_path)
    assert parsed.readings["book"].to_list() == ["a|x", "b|", "d|"]
    assert parsed.rejects.rows() == [("title_1.txt", 1, "no book", "book", None)]


def test_authors_that_do_not_fit_are_left_out_and_said(tmp_path: Path) -> None:
    pair(tmp_path, "1", "a\tb\tc", "x\ty")
    pair(tmp_path, "2", "a\tb", "x\ty\tz")
    pair(tmp_path, "3", "a\tb", None)
    (tmp_path / "authors_4.txt").write_text("x\ty")
    parsed = parse(Bookmeter(), tmp_path)
    assert parsed.readings.select("reader", "book").rows() == [
        ("1", "a|"),
        ("1", "b|"),
        ("1", "c|"),
        ("2", "a|"),
        ("2", "b|"),
        ("3", "a|"),
        ("3", "b|"),
    ]
    reason = "not as many authors as titles: authors left out"
    assert parsed.rejects.rows() == [
        ("authors_1.txt", 1, reason, None, "2 authors, 3 titles"),
        ("authors_2.txt", 1, reason, None, "3 authors, 2 titles"),
        ("authors_4.txt", 1, "authors without a file of titles", None, None),
    ]


def test_a_bad_file_costs_its_reader_only(tmp_path: Path) -> None:
    pair(tmp_path, "1", "", "x")
    pair(tmp_path, "2", "a\tb", "x\ty")
    (tmp_path / "title_3.txt").write_bytes("良い本\tよい\n".encode() * 9 + b"\xe3\x81 broken\t" + "本\t本".encode())
    parsed = parse(Bookmeter(), tmp_path)
    assert set(parsed.readings["reader"]) == {"2", "3"}
    assert parsed.rejects.rows() == [
        ("title_1.txt", 1, "file is empty or no text", None, None),
        ("title_3.txt", 10, "a character cannot be read", None, None),
    ]
    assert parsed.n_rows == parsed.readings.height + 1


@pytest.mark.parametrize(
    ("encoding", "reported"), [("cp932", "cp932"), ("euc_jp", "euc_jp"), ("utf-8-sig", "utf-8-sig")]
)
def test_encodings(tmp_path: Path, encoding: str, reported: str) -> None:
    pair(tmp_path, "1", "吾輩は猫である\t坊っちゃん", "夏目漱石\t夏目漱石", encoding)
    parsed = parse(Bookmeter(), tmp_path)
    assert parsed.books["title"].to_list() == ["吾輩は猫である", "坊っちゃん"]
    assert parsed.encoding == reported


def test_pairs_in_a_zip_and_one_by_itself(tmp_path: Path) -> None:
    folder = tmp_path / "scraped"
    folder.mkdir()
    pair(folder, "1", "a\tb", "x\ty")
    pair(folder, "2", "a", "x")
    with zipfile.ZipFile(tmp_path / "scraped.zip", "w") as archive:
        for file in folder.iterdir():
            archive.write(file, f"books/{file.name}")
    assert recognise(Upload.open(tmp_path / "scraped.zip")).name == "bookmeter"
    assert parse(Bookmeter(), tmp_path / "scraped.zip").readings["reader"].to_list() == ["1", "1", "2"]
    alone = parse(Bookmeter(), folder / "title_1.txt", Options(reader="me"))
    assert alone.readings.select("reader", "book").rows() == [("me", "a|x"), ("me", "b|y")]
    with pytest.raises(BadConfig, match="exports of 2 readers"):
        parse(Bookmeter(), folder, Options(reader="me"))


def test_running_text_is_no_list_of_titles(tmp_path: Path) -> None:
    (tmp_path / "title_page.txt").write_text("It was a dark and stormy night. " * 100)
    assert not Bookmeter().recognises(Upload.open(tmp_path))


def test_a_list_in_japanese(tmp_path: Path) -> None:
    path = tmp_path / "taro_読んだ本.csv"
    text = (
        "読了日,書名,著者,ページ数,感想,ASIN,URL\n"
        "2017/05/06,こころ (新潮文庫),夏目漱石,384,秘密,4101010137,https://bookmeter.com/books/548397\n"
        "日付不明,吾輩は猫である,None,,,,\n"
        "2017年5月,坊っちゃん,夏目漱石,240,,B009IXKP4E,\n"
        "昨日,三四郎,夏目漱石,,,,\n"
        ",,,,,,\n"
        "2017/05/06,,夏目漱石,1,,,\n"
        "2017/05/06,門\n"
    )
    path.write_bytes(text.encode("cp932"))
    assert recognise(Upload.open(path)).name == "bookmeter"
    parsed = parse(Bookmeter(), path)
    assert parsed.readings.rows() == [
        ("taro", "9784101010137", dt.date(2017, 5, 6), "day", None, "read", 1, path.name, 2),
        ("taro", "吾輩は猫である|", None, "unknown", None, "read", 1, path.name, 3),
        ("taro", "asin:B009IXKP4E", dt.date(2017, 5, 1), "month", None, "read", 1, path.name, 4),
    ]
    assert parsed.books.select("title", "authors", "isbn13", "edition").rows() == [
        ("こころ (新潮文庫)", "夏目漱石", "9784101010137", "bookmeter:548397"),
        ("吾輩は猫である", None, None, None),
        ("坊っちゃん", "夏目漱石", None, "asin:B009IXKP4E"),
        ("三四郎", "夏目漱石", None, None),
    ]
    assert parsed.rejects.rows() == [
        (path.name, 5, "date cannot be read", "read_on", "昨日"),
        (path.name, 7, "no book", "book", None),
        (path.name, 8, "wrong number of fields", None, "2 fields, expected 7"),
    ]
    assert (parsed.encoding, parsed.n_rows) == ("cp932", 6)
    assert "秘密" not in text_of(parsed)


@pytest.mark.parametrize(
    ("name", "reader", "status"),
    [
        ("1234_20200101_read", "1234", "read"),
        ("1234_20200101_reading", "1234", "reading"),
        ("1234-stacked-2026-02-10", "1234", "wish"),
        ("1234-wish-2026-02-10", "1234", "wish"),
        ("taro_積読本", "taro", "wish"),
        ("taro_読みたい本", "taro", "wish"),
        ("taro_読んでる本", "taro", "reading"),
        ("taro_reading_list", "taro", "wish"),
        ("reading_history_hanako", "reading_history_hanako", "read"),
        ("breadth", "breadth", "read"),
    ],
)
def test_the_name_says_which_list_and_whose(tmp_path: Path, name: str, reader: str, status: str) -> None:
    (tmp_path / f"{name}.csv").write_text("タイトル,著者,ページ数,URL\nこころ,夏目漱石,1,\n", encoding="utf-8")
    found = parse(Bookmeter(), tmp_path / f"{name}.csv").readings
    assert found.select("reader", "status").rows() == [(reader, status)]


def test_a_column_says_which_list(tmp_path: Path) -> None:
    path = tmp_path / "積読本.csv"
    path.write_text(
        "タイトル,著者,読了日,状態\na,x,2020/01/02,読んだ本\nb,x,,積読本\nc,x,,\nd,x,,燃やした\n", encoding="utf-8"
    )
    parsed = parse(Bookmeter(), path)
    assert parsed.readings["status"].to_list() == ["read", "wish", "wish"]
    assert parsed.rejects.select("line", "reason").rows() == [(5, "status is not known")]


def test_the_four_lists_of_one_reader(tmp_path: Path) -> None:
    folder = tmp_path / "hanako"
    folder.mkdir()
    header = "bookAuthor,bookPage,bookId,bookAsin,bookTitle,bookImageUrl"
    for name in ("finished", "reading", "reading-list", "wish-list"):
        text = f"{header}\n夏目漱石,1,{len(name)},,{name},https://x/y.jpg\n"
        (folder / f"{name}-books.csv").write_text(text, encoding="utf-8")
    assert recognise(Upload.open(folder)).name == "bookmeter"
    parsed = parse(Bookmeter(), folder, Options(reader="me"))
    assert parsed.readings.select("reader", "book", "status").rows() == [
        ("me", "8", "read"),
        ("me", "7", "reading"),
        ("me", "12", "wish"),
        ("me", "9", "wish"),
    ]
    assert set(parse(Bookmeter(), folder).readings["reader"]) == {"hanako"}
    (folder / "taro_read.csv").write_text(f"{header}\n夏目漱石,1,1,,a,\n", encoding="utf-8")
    with pytest.raises(BadConfig, match="exports of 2 readers"):
        parse(Bookmeter(), folder, Options(reader="me"))


BOOK_LIST = {
    "class": "BookList",
    "books": [
        {"title": CUT, "authors": ["ダニエル・キイス", "小尾芙佐"], "image": "i", "book_id": "/books/9", "asin": ""},
        "x",
    ],
}
ENTRIES = [
    {
        "book_id": 12345678,
        "book_path": "/books/12345678",
        "asin": None,
        "title": "こころ",
        "author": "夏目漱石",
        "pages": 0,
        "image_url": "https://bookmeter.com/images/common/book.png",
        "amazon_url": "https://www.amazon.co.jp/dp",
        "date": "2026/02/10",
        "detail_authors": "秘密",
        "review": {"text": "秘密", "is_netabare": None, "read_at": "2026-02-10", "is_draft": True},
        "bookcases": ["秘密"],
    }
]
RECORDS = {
    "recordsCount": 1,
    "records": [
        {
            "date": "2022-01-09",
            "review": "秘密",
            "book": {
                "author": {"name": "川北 稔"},
                "page": 208,
                "title": "砂糖の世界史 (岩波ジュニア新書)",
                "url": "https://www.amazon.co.jp/dp/product/4005002765/ref=x?tag=bookmeter_book_image_image_pc_logoff-22",
            },
        }
    ],
}


@pytest.mark.parametrize(
    ("document", "reading", "book"),
    [
        (BOOK_LIST, ("9", None), (CUT, "ダニエル・キイス; 小尾芙佐", None, "bookmeter:9")),
        (ENTRIES, ("12345678", dt.date(2026, 2, 10)), ("こころ", "夏目漱石", None, "bookmeter:12345678")),
        (
            RECORDS,
            ("9784005002764", dt.date(2022, 1, 9)),
            ("砂糖の世界史 (岩波ジュニア新書)", "川北 稔", "9784005002764", None),
        ),
    ],
    ids=["dogatana", "hyperfinitism", "okaryo"],
)
def test_json_of_the_tools(
    tmp_path: Path, document: object, reading: tuple[object, ...], book: tuple[object, ...]
) -> None:
    path = tmp_path / "bookmeter_200510.json"
    path.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    assert recognise(Upload.open(path)).name == "bookmeter"
    parsed = parse(Bookmeter(), path)
    assert parsed.readings.select("reader", "book", "read_on", "line").rows() == [("bookmeter_200510", *reading, 1)]
    assert parsed.books.select("title", "authors", "isbn13", "edition").rows() == [book]
    assert parsed.rejects["reason"].to_list() == (["record is not a JSON object"] if document is BOOK_LIST else [])
    assert "秘密" not in text_of(parsed)


@pytest.mark.parametrize(
    "text",
    [
        "title,author,date\nEmma,Austen,2020-01-01\n",
        "Title,Authors,Contributors,ISBN/UID,Read Status\nx,y,,,read\n",
        "書名,著者,貸出日,返却日\nこころ,夏目漱石,2020/01/01,2020/01/02\n",
        "user,book\nbookmeter,1\n",
        "読んだ本のこと\n",
    ],
)
def test_other_tables_are_not_its_own(tmp_path: Path, text: str) -> None:
    (tmp_path / "bookmeter.csv").write_text(text, encoding="utf-8")
    assert not Bookmeter().recognises(Upload.open(tmp_path / "bookmeter.csv"))


def test_a_list_without_header_or_title_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "1234_20200101_read.csv"
    path.write_text(
        '"こころ","夏目漱石","384","2017/05/06"\n"坊っちゃん","夏目漱石","240","日付不明"\n', encoding="utf-8"
    )
    assert not Bookmeter().recognises(Upload.open(path))
    with pytest.raises(BadFile, match="columns title"):
        parse(Bookmeter(), path)
    (tmp_path / "binary.csv").write_bytes(bytes(range(256)))
    assert not Bookmeter().recognises(Upload.open(tmp_path / "binary.csv"))
