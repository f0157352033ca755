"""Book-Crossing: the shift of the metadata, torn fields, garbled texts."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from data.editions import clean_text, search_key
from data.errors import BadFile
from data.sources.bookcrossing import METADATA_SHIFT, BookCrossing, repair_text, split_item
from data.sources.upload import Upload
from tests.data.sources.parsing import parse

ITEM_HEADER = "Book_ID\tISBN\tBook-Title\tBook-Author\tYear-Of-Publication\tPublisher\tImage-URL-S\n"
ITEMS = ITEM_HEADER + (
    "1\t0060973129\tDecision in Normandy\tCarlo D'Este\t1991\tW. W. Norton &amp\t Company\thttp://i\t\n"
    "2\t0393045218\tFoundation (Foundation Series \t Bk 1)\tIsaac Asimov\t0\tDel Rey\thttp://i\t\n"
    "3\tbad\tLa mÃ\x83Âªme\tRenÃ© &amp\t Co\t1977\tÃ\x89ditions\thttp://i\t\n"
    "no id\n"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "items_info.dat").write_text(ITEMS)
    (tmp_path / "book_history.dat").write_text("user\titem\taccessed\n1\t1\t1\n1\t2\t1\n2\t3\t1\n2\t\t1\n")
    ratings = "user\titem\trating\n1\t2\t7.000000\n2\t3\t11.0\n3\t4\t9.0\n1\t2\t8.0\n"
    (tmp_path / "book_ratings.dat").write_text(ratings)
    return tmp_path


def test_known_answer(folder: Path) -> None:
    parsed = parse(BookCrossing(), folder)
    assert parsed.readings.select("reader", "book", "rating", "file", "line").rows() == [
        ("1", "1", None, "book_history.dat", 2),
        ("1", "2", 8.0, "book_history.dat", 3),
        ("2", "3", None, "book_history.dat", 4),
        ("3", "4", 9.0, "book_ratings.dat", 4),  # rated, but not in the history
    ]
    assert parsed.rejects.rows() == [
        ("book_history.dat", 5, "no book", "book", None),
        ("book_ratings.dat", 3, "rating is outside 1 to 10", "rating", "11.0"),
        ("items_info.dat", 5, "item cannot be read", None, None),
    ]
    assert (parsed.n_rows, parsed.rating_scale) == (6, (1, 10))
    assert parsed.books.select("book", "title", "authors", "publisher", "year").rows() == [
        ("1", "(unknown title, id 1)", None, None, None),
        ("2", "Decision in Normandy", "Carlo D'Este", "W. W. Norton & Company", 1991),
        ("3", "Foundation (Foundation Series ; Bk 1)", "Isaac Asimov", "Del Rey", None),
        ("4", "La même", "René & Co", "Éditions", 1977),
    ]
    assert parsed.books["isbn13"].to_list() == [None, "9780060973124", "9780393045215", None]


def test_split_item_keeps_empty_and_torn_fields_apart() -> None:
    torn = "9\t0\tSilver Brumby whirlwind\t\tElyne Mitchell\t1973\tHutchinson\thttp://i\t"
    assert split_item(torn) == ["9", "0", "Silver Brumby whirlwind", "Elyne Mitchell", "1973", "Hutchinson"]
    assert split_item("x\t0\tTitle\tAuthor\t1973\tP") is None
    assert split_item("1\t0\tTitle") is None


@pytest.mark.parametrize("text", ["élan", "Größe", "吾輩は猫である", "plain", "Ã", "Émile Zola"])
def test_repair_undoes_what_was_garbled_and_nothing_else(text: str) -> None:
    assert repair_text(text) == text
    garbled = text.encode().decode("latin-1")
    assert repair_text(garbled) == text
    assert repair_text(garbled.encode().decode("latin-1")) == text


def test_other_files_are_refused(folder: Path) -> None:
    source = BookCrossing()
    assert source.recognises(Upload.open(folder))
    (folder / "items_info.dat").write_text("id\ttitle\n")
    assert not source.recognises(Upload.open(folder))
    with pytest.raises(BadFile, match="Book_ID"):
        parse(source, folder)
    (folder / "book_ratings.dat").unlink()
    with pytest.raises(BadFile, match=r"book_ratings\.dat"):
        parse(source, folder)


@pytest.fixture(scope="session")
def protocol(shared: Path) -> ModuleType:
    """The scoring protocol's own loader."""
    spec = importlib.util.spec_from_file_location("protocol_retrieval", shared / "protocol" / "retrieval.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.realdata
def test_real_data_equals_the_protocol(shared: Path, protocol: ModuleType) -> None:
    parsed = parse(BookCrossing(), shared / "data" / "bookcrossing")
    readings = parsed.readings
    assert (readings.height, parsed.n_rows, parsed.rejects.height) == (272_678, 272_678, 0)
    assert (readings["reader"].n_unique(), readings["book"].n_unique()) == (2_946, 17_384)
    assert readings["rating"].is_not_null().sum() == 62_656
    assert set(readings["file"]) == {"book_history.dat"}  # every rated pair is in the history
    items = protocol.load_items()
    books = {int(row["book"]): row for row in parsed.books.iter_rows(named=True)}
    assert books.keys() == set(range(1, 17_385))
    assert books[1]["title"] == "(unknown title, id 1)"
    for book, row in books.items():
        if book > 1:
            _, title, authors = items[book + protocol.META_SHIFT]
            # folded, because torn titles are joined by their semicolon here and by a blank there
            assert search_key(row["title"]) == search_key(title)
            assert (row["authors"] or "") == clean_text(authors)


@pytest.mark.realdata
@pytest.mark.slow
def test_real_data_shows_the_shift(protocol: ModuleType) -> None:
    books, items = protocol.load(), protocol.load_items()
    shared_readers = (books.X.T @ books.X).toarray()
    n_readers = np.diag(shared_readers).copy()
    np.fill_diagonal(shared_readers, 0)
    cosine = shared_readers / np.sqrt(np.outer(n_readers, n_readers))
    nearest = np.argpartition(-cosine, 10, axis=1)[:, :10]
    same_author = {}
    for shift in (-1, 0, 1, 2):
        authors = [protocol.norm_author(items.get(i - shift, ("", "", ""))[2]) for i in books.book_ids]
        same_author[shift] = protocol.author_precision(nearest, authors)[0].mean()
    assert max(same_author, key=lambda shift: same_author[shift]) == METADATA_SHIFT
    assert same_author[METADATA_SHIFT] > 3 * same_author[0]
