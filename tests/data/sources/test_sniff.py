"""Tables that explain themselves, and questions about those that do not."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from pathlib import Path

import polars as pl
import pytest

from data.errors import BadConfig, BadFile
from data.sources.base import Mapping, Options
from data.sources.catalogue import recognise
from data.sources.events import Events
from data.sources.headers import names_by_role, role_of
from data.sources.sniff import sniff
from data.sources.upload import Upload
from tests.data.sources.parsing import parse

READERS = ("r1", "r2", "r3", "r1", "r2", "r1")
BOOKS = ("11", "12", "13", "14", "11", "12")
DAYS = ("2024-01-02", "2024-01-13", "2024-02-03", "2024-02-14", "2024-03-05", "2024-03-16")


def write(path: Path, **columns: str | Iterable[object]) -> Path:
    """Write six rows; a column is its values, or one value for all rows."""
    values = {name: [v] * 6 if isinstance(v, str) else list(v) for name, v in columns.items()}
    path.parent.mkdir(exist_ok=True)
    pl.DataFrame(values).write_csv(path)
    return path


def sniffed(path: Path, *, reader_is_known: bool = False) -> Mapping:
    return sniff(Upload.open(path), reader_is_known=reader_is_known)


def question(path: Path) -> str:
    with pytest.raises(BadConfig) as refused:
        sniffed(path)
    return str(refused.value)


@pytest.mark.parametrize(
    ("header", "role"),
    [
        ("User-ID", "reader"),
        ("userId", "reader"),
        ("﻿USER_ID", "reader"),
        ("patron_record_id", "reader"),
        ("borrowernumber", "reader"),
        ("Patron Barcode", "reader"),
        ("利用者番号", "reader"),
        ("Benutzer-Nr.", "reader"),
        ("N° lecteur", "reader"),
        ("user_id:token", "reader"),
        ("user_name", None),
        ("ｕｓｅｒ＿ｉｄ", "reader"),
        ("MMS Id", "record"),
        ("書誌番号", "record"),
        ("itemnumber", "copy"),
        ("資料番号", "copy"),
        ("title_id", "book"),
        ("goodreads_book_id", None),
        ("Loan Date Checked Out", "started"),
        ("Loan Date Due", "due"),
        ("返却期限日", "due"),
        ("返却日", "ended"),
        ("Rückgabedatum", "ended"),
        ("Date d'emprunt", "started"),
        ("review/score", "rating"),
        ("average_rating", None),
        ("Year-Of-Publication", "year"),
        ("書名", "title"),
        ("Titre", "title"),
    ],
)
def test_roles_of_headers(header: str, role: str | None) -> None:
    assert role_of(header) == role


def test_a_name_has_one_role() -> None:
    for (one, names), (other, others) in itertools.combinations(names_by_role().items(), 2):
        assert not names & others, f"{one} and {other}"


def test_a_folder_of_loans_books_and_others(tmp_path: Path) -> None:
    write(
        tmp_path / "checkouts.csv", borrower_id=READERS, book_id=BOOKS, barcode=range(6), loan_date=DAYS, due_date=DAYS
    )
    write(tmp_path / "a.csv", title="abcdef", author="Sei", book_id=range(10, 16), Language="ja")
    write(tmp_path / "borrowers.csv", borrower_id=[f"r{i}" for i in range(6)], title="Dr")
    write(tmp_path / "sample_submission.csv", user_id=range(6), recommendation="1 2 3")
    (tmp_path / "SOURCE.md").write_text("user_id,book_id\n")
    (tmp_path / "noise.dat").write_bytes(bytes(range(256)))
    assert recognise(Upload.open(tmp_path)).name == "events"
    assert sniffed(tmp_path) == Mapping(
        {"reader": "borrower_id", "book": "book_id", "read_on": "loan_date"},
        {"book": "book_id", "title": "title", "authors": "author", "language": "Language"},
        "a.csv",
        readings_files=("checkouts.csv",),
    )


def test_files_with_the_same_columns_are_read_together(tmp_path: Path) -> None:
    for name in ("train.csv", "test.csv"):
        write(tmp_path / name, u=READERS, i=BOOKS)
    assert sniffed(tmp_path).readings_files == ("test.csv", "train.csv")
    assert parse(Events(), tmp_path).n_rows == 12
    write(tmp_path / "more.csv", u=READERS, i=BOOKS, t=DAYS)
    assert 'file = ""  # more.csv or test.csv or train.csv?' in question(tmp_path)


def test_a_japanese_ledger_of_copies_in_cp932(tmp_path: Path) -> None:
    path = tmp_path / "貸出.csv"
    lines = ["貸出ID,利用者番号,利用者名,資料番号,書誌番号,書名,著者名,貸出日,返却期限日,返却日"]
    lines += [
        f"{i},{reader},山田太郎,C{i},{book},猫{book}（新潮文庫）,夏目漱石,{day.replace('-', '/')},2024/12/31,"
        for i, (reader, book, day) in enumerate(zip(READERS, BOOKS, DAYS, strict=True))
    ]
    path.write_text("\r\n".join(lines), encoding="cp932")
    assert sniffed(path) == Mapping(
        {"reader": "利用者番号", "book": "書誌番号", "read_on": "貸出日"}, {"title": "書名", "authors": "著者名"}
    )
    parsed = parse(Events(), path)
    assert parsed.encoding == "cp932"
    assert parsed.books.select("title", "imprint").row(0) == ("猫11（新潮文庫）", "新潮文庫")
    assert "山田" not in str(parsed)


def test_days_first_in_german_and_french(tmp_path: Path) -> None:
    german = [".".join(reversed(day.split("-"))) for day in ("2024-01-02", "2024-03-04") * 3]
    path = write(tmp_path / "de.csv", Leser=READERS, Mediennummer=BOOKS, Ausleihdatum=german, Rückgabedatum=german)
    mapping = sniffed(path)
    assert (mapping.readings["ended_on"], mapping.date_order) == ("Rückgabedatum", "dmy")
    french = ["/".join(reversed(day.split("-"))) for day in DAYS]
    assert (
        sniffed(write(tmp_path / "fr.csv", Lecteur=READERS, Notice=BOOKS, **{"Date de prêt": french})).date_order
        == "dmy"
    )
    american = [f"{day[5:7]}/{day[8:]}/{day[:4]}" for day in DAYS]
    assert sniffed(write(tmp_path / "us.csv", card=READERS, item=BOOKS, checkout=american)).date_order == "mdy"
    unclear = ["01/02/2024", "03/04/2024"] * 3
    asked = question(write(tmp_path / "x.csv", card=READERS, item=BOOKS, checkout=unclear))
    assert 'date_order = ""  # how are the dates of checkout written: dmy or mdy?\n' in asked


@pytest.mark.parametrize(
    ("ratings", "scale", "no_rating"),
    [
        ((1, 5, 3, 4, 5, 2), (1, 5), None),
        ((4.5, 5, 3, 4, 0.5, 2), (0.5, 5), None),
        (("4.5", "5.0", "", "NULL", "1", "2"), (1, 5), None),
        ((0, 5, 0, 4, 0, 2), (1, 5), "0"),
        ((0, 10, 0, 8, 0, 7), (1, 10), "0"),
        ((70, 100, 0, 55, 1, 2), (0, 100), None),
        ((0, 1, 0, 1, 1, 1), (0, 1), None),
    ],
)
def test_scales_that_show(
    tmp_path: Path, ratings: tuple[object, ...], scale: tuple[float, float], no_rating: str | None
) -> None:
    path = write(tmp_path / "r.csv", user=READERS, book=BOOKS, stars=[str(rating) for rating in ratings])
    mapping = sniffed(path)
    assert (mapping.readings["rating"], mapping.rating_scale, mapping.no_rating) == ("stars", scale, no_rating)


@pytest.mark.parametrize(
    "ratings", [(1, 2, 3, 4, 4, 4), (1, 7, 7, 3, 4, 2), (0, 5, 4, 3, 5, 1), (3.87, 5, 1, 1, 1, 1), (-1, 5, 1, 2, 3, 4)]
)
def test_scales_that_do_not_show_are_asked_for(tmp_path: Path, ratings: tuple[float, ...]) -> None:
    path = write(tmp_path / "r.csv", user=READERS, book=BOOKS, stars=[str(rating) for rating in ratings])
    message = question(path)
    assert 'rating = "stars"\nrating_scale = ""  # [lowest, highest]' in message
    assert f"Seen: {min(ratings):g} to {max(ratings):g}" in message


def test_a_column_that_is_1_everywhere_is_no_rating(tmp_path: Path) -> None:
    mapping = sniffed(write(tmp_path / "r.csv", user=READERS, book=BOOKS, rating="1"))
    assert mapping == Mapping({"reader": "user", "book": "book"}, {})


def test_what_is_not_certain_is_asked_with_a_mapping_to_complete(tmp_path: Path) -> None:
    path = write(
        tmp_path / "r.csv", user_id=READERS, member_id="a", item=BOOKS, Datum=DAYS, Titel="Emma", Autor="Austen"
    )
    message = question(path)
    assert "found:    r.csv: columns user_id, member_id, item, Datum, Titel, Autor" in message
    text = message[message.index("[readings]") :]
    assert text == (
        '[readings]\nreader = ""  # user_id or member_id?\nbook = "item"\nread_on = "Datum"\n'
        '\n[books]\ntitle = "Titel"\nauthors = "Autor"\n'
    )
    (tmp_path / "mapping.toml").write_text(text)
    with pytest.raises(BadConfig, match="reader = '', expected the name of a column"):
        parse(Events(), path)
    (tmp_path / "mapping.toml").write_text(text.replace('""', '"user_id"'))
    assert parse(Events(), path).readings["reader"].to_list() == list(READERS)


def test_columns_that_say_the_same_are_no_question(tmp_path: Path) -> None:
    cards = [f"99{reader}" for reader in READERS]
    seconds = ["1704153600", "1705104000", "1706918400", "1707868800", "1709596800", "1710547200"]
    path = write(tmp_path / "r.csv", card=cards, user_id=READERS, isbn="", asin=BOOKS, date=DAYS, timestamp=seconds)
    assert sniffed(path).readings == {"reader": "user_id", "book": "asin", "read_on": "date"}
    path = write(tmp_path / "r.csv", user_id=READERS, asin=BOOKS, date=DAYS, timestamp=[*seconds[1:], seconds[0]])
    assert 'read_on = "date"  # date or timestamp?' in question(path)


def test_an_id_is_the_books_only_if_it_comes_back_with_the_title(tmp_path: Path) -> None:
    titles = [f"Book {book}" for book in BOOKS]
    path = write(tmp_path / "r.csv", Id=BOOKS, User_id=READERS, Title=titles)
    assert sniffed(path).readings["book"] == "Id"
    path = write(tmp_path / "r.csv", Id=range(6), User_id=READERS, Title=titles)
    assert sniffed(path) == Mapping({"reader": "User_id"}, {"title": "Title"})
    path = write(tmp_path / "r.csv", Book=[f"Old {title}" for title in titles], User_id=READERS)
    assert sniffed(path) == Mapping({"reader": "User_id"}, {"title": "Book"})
    assert parse(Events(), path).readings["book"].to_list()[0] == "oldbook11|"


def test_a_table_of_books_with_other_ids_is_asked_about(tmp_path: Path) -> None:
    write(tmp_path / "ratings.csv", user_id=READERS, book_id=BOOKS)
    write(tmp_path / "books.csv", book_id=range(1000, 1006), title="T")
    assert 'book = ""  # which column of books.csv has what book_id has?' in question(tmp_path)
    write(tmp_path / "books.csv", book_id=range(1000, 1006), id=range(10, 16), title="T")
    assert sniffed(tmp_path).books == {"book": "id", "title": "title"}


def test_statuses_and_transactions(tmp_path: Path) -> None:
    loans = {"member_id": READERS, "book_id": BOOKS, "loan_date": DAYS}
    words = ("Returned", "Borrowed", "Overdue", "Reserved", "returned", "")
    assert sniffed(write(tmp_path / "a.csv", **loans, status=words)).readings["status"] == "status"
    log = {"member_id": READERS, "book_id": BOOKS, "date": DAYS}
    words = ("borrowed", "returned", "borrowed", "renewed", "returned", "swept")
    assert sniffed(write(tmp_path / "b.csv", **log, type=words)).readings["event"] == "type"
    assert "type" not in sniffed(write(tmp_path / "c.csv", **log, type=("book", "dvd") * 3)).readings.values()
    assert 'status = "status"  # does it say' in question(
        write(tmp_path / "d.csv", **loans, status=("pending", "ok") * 3)
    )
    assert sniffed(write(tmp_path / "e.csv", **log, is_read=("true", "false") * 3)).readings["status"] == "is_read"


def test_rows_that_are_no_loans_may_lack_a_book(tmp_path: Path) -> None:
    path = write(
        tmp_path / "events.csv",
        event_type=("Borrow", "Subscription", "Renewal", "Subscription", "Borrow", "Borrow"),
        start_date=DAYS,
        member_uris=READERS,
        item_uri=("11", "", "", "", "12", "11"),
        item_title=("A", "", "", "", "B", "A"),
    )
    parsed = parse(Events(), path)
    assert parsed.readings.select("reader", "book").rows() == [("r1", "11"), ("r2", "12"), ("r1", "11")]
    assert (parsed.n_rows, parsed.n_skipped, parsed.rejects.height) == (3, 3, 0)


def test_one_readers_list_needs_the_readers_name(tmp_path: Path) -> None:
    path = write(tmp_path / "mine.csv", Title="Emma", Author="Austen", finished=DAYS)
    assert 'reader = ""  # which column? If all rows are of one reader' in question(path)
    mapping = sniffed(path, reader_is_known=True)
    assert mapping == Mapping({"read_on": "finished"}, {"title": "Title", "authors": "Author"})
    assert set(parse(Events(), path, Options(reader="ann")).readings["reader"]) == {"ann"}


def test_readers_come_back(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    pl.DataFrame({"user": range(1000), "book": [0] * 1000}).write_csv(path)
    assert 'reader = "user"  # every row has another: is it the reader?' in question(path)


def test_files_that_are_no_tables_of_readings(tmp_path: Path) -> None:
    path = tmp_path / "r.tsv"
    path.write_text("r1\t11\t1\nr2\t11\t1\n")
    assert not Events().recognises(Upload.open(path))
    message = question(path)
    assert "a first line of 3 cells, none of them a known column" in message
    assert "r1" not in message
    path.write_bytes(bytes(100))
    with pytest.raises(BadFile):
        sniffed(path)
    path.rename(tmp_path / "r.md")
    (tmp_path / "README").write_text("user_id,book_id\n")
    with pytest.raises(BadFile, match="no table"):
        sniffed(tmp_path)
    assert not Events().recognises(Upload.open(tmp_path))
