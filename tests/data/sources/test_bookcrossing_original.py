"""Book-Crossing as published, and what became of copies of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from data.errors import BadFile
from data.sources.base import Options
from data.sources.bookcrossing_original import TORN, BookCrossingOriginal, doubled_quotes
from data.sources.catalogue import recognise
from data.sources.isbns import NOT_RECOVERED, SCIENTIFIC
from data.sources.upload import Upload
from tests.data.sources.parsing import parse

SOURCE = BookCrossingOriginal()
RATINGS = (
    '"User-ID";"ISBN";"Book-Rating"\n'
    '"276725";"034545104X";"0"\n'
    '"276726";"0155061224";"5"\n'
    '"276726";"0-345-45104-x";"7"\n'
    '"276726";"0446520802";"9"\n'
    '"276745";"342310538";"10"\n'  # as a reader typed it: the file has not lost its zeros
    '"276762";"B0000BLD7X";"0"\n'
    '"276762";"078946697X";"11"\n'
    '"276762";"";"5"\n'
    '"276762";"0330486187\n'
)
IMAGES = ";".join(f'"http://images.amazon.com/{size}.jpg"' for size in "SML")
BOOKS = (
    '"ISBN";"Book-Title";"Book-Author";"Year-Of-Publication";"Publisher";"Image-URL-S";"Image-URL-M";"Image-URL-L"\n'
    f'"0155061224";"Rites of \\"Passage\\"; \\"a\\" novel";"Ren\xe9";"2001";"Heinle &amp; Heinle";{IMAGES}\n'
    f'"034545104X";"Flesh Tones: \\"A\\" Novel";"M. J. \\"Bob\\"; Rose";"0";"Ballantine";{IMAGES}\n'
    f'"078946697X";"DK Readers: How It All Began (Level 4)\\"";"Michael Teitelbaum";"2000";"DK";{IMAGES}\n'
    f'"0789466953";"DK Readers: Comic Books (Level 4)\\";James Buckley";"2000";"DK Publishing Inc";{IMAGES}\n'
    f'"2070426769";"Les Bergers\\";"Jean-Marie Le Cl\xc3?\xc2\xa9zio";"2003";"Gallimard";{IMAGES}\n'
    f'"34545104x";"Flesh Tones again";"M. J. Rose";"2003";"Ballantine";{IMAGES}\n'
    f'"0000";"No book";"Nobody";"2003";"Nowhere";{IMAGES}\n'
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "BX-Book-Ratings.csv").write_bytes(RATINGS.encode("latin-1"))
    (tmp_path / "BX-Books.csv").write_bytes(BOOKS.encode("latin-1"))
    (tmp_path / "BX-Users.csv").write_bytes(b'"User-ID";"Location";"Age"\n"276725";"tyler, texas, usa";NULL\n')
    return tmp_path


def test_the_dump(folder: Path) -> None:
    parsed = parse(SOURCE, folder)
    file = "BX-Book-Ratings.csv"
    assert parsed.readings.select("reader", "book", "rating", "status", "file", "line").rows() == [
        ("276725", "034545104X", None, "read", file, 2),
        ("276726", "0155061224", 5.0, "read", file, 3),
        ("276726", "034545104X", 7.0, "read", file, 4),
        ("276726", "0446520802", 9.0, "read", file, 5),
        ("276745", "342310538", 10.0, "read", file, 6),
        ("276762", "B0000BLD7X", None, "read", file, 7),
    ]
    assert parsed.books.select("book", "title", "authors", "year", "publisher", "isbn13").rows() == [
        ("0155061224", 'Rites of "Passage"; "a" novel', "René", 2001, "Heinle & Heinle", "9780155061224"),
        ("034545104X", 'Flesh Tones: "A" Novel', 'M. J. "Bob"; Rose', None, "Ballantine", "9780345451040"),
        (
            "078946697X",
            "DK Readers: How It All Began (Level 4)",
            "Michael Teitelbaum",
            2000,
            "DK",
            "9780789466976",
        ),
        (
            "0789466953",
            "DK Readers: Comic Books (Level 4)",
            "James Buckley",
            2000,
            "DK Publishing Inc",
            "9780789466952",
        ),
        ("2070426769", "Les Bergers", "Jean-Marie Le Clézio", 2003, "Gallimard", "9782070426768"),
        ("0446520802", "(unknown title, id 0446520802)", None, None, None, "9780446520805"),
        ("342310538", "(unknown title, id 342310538)", None, None, None, None),
        ("B0000BLD7X", "(unknown title, id B0000BLD7X)", None, None, None, None),
    ]
    assert parsed.rejects.select("file", "line", "reason", "found").rows() == [
        ("BX-Books.csv", 7, "book is described again", "034545104X"),
        ("BX-Books.csv", 8, "ISBN of zeros only", "0000"),
        (file, 8, "rating is outside 1 to 10", "11"),
        (file, 9, "no book", None),
        (file, 10, "quotation mark without its partner", "2 fields, expected 3"),
    ]
    assert (parsed.n_rows, parsed.rating_scale, parsed.encoding) == (9, (1, 10), "latin-1, utf-8")


def test_the_dump_is_recognised_and_readers_are_left_alone(folder: Path) -> None:
    assert recognise(Upload.open(folder)).name == "bookcrossing_original"
    names = ["BX-Book-Ratings.csv", "BX-Books.csv"]
    assert [file.name for file in SOURCE.files(Upload.open(folder), Options())] == names
    single = Upload.open(folder / "BX-Book-Ratings.csv")  # what lies beside it is used
    assert [file.name for file in SOURCE.files(single, Options())] == names
    (folder / "BX-Book-Ratings.csv").unlink()
    assert not SOURCE.recognises(Upload.open(folder))
    with pytest.raises(BadFile, match=r"BX-Users\.csv[\s\S]*User-ID, ISBN and Book-Rating"):
        SOURCE.files(Upload.open(folder), Options())


def test_no_isbn_is_no_book(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text("User-ID;ISBN;Book-Rating\n1;N/A;5\n1;ISBN 0-330-48618-7;6\n")
    parsed = parse(SOURCE, path)
    assert parsed.readings["book"].to_list() == parsed.books["book"].to_list() == ["0330486187"]
    assert parsed.rejects.select("line", "reason", "found").rows() == [(2, "no book", None)]


def test_copies_with_commas_have_shifted_columns(tmp_path: Path) -> None:
    swallowed = '"DK Readers: How It All Began (Level 4)\\"";Michael Teitelbaum"""'
    (tmp_path / "Books.csv").write_text(
        "ISBN,Book-Title,Book-Author,Year-Of-Publication,Publisher,Image-URL-S,Image-URL-M,Image-URL-L\n"
        f"078946697X,{swallowed},2000,DK Publishing Inc,http://s,http://m,http://l,\n"
        '0155061224,"Rites, ""1984""; novel",1984,2001,Heinle,http://s,http://m,http://l\n'
    )
    (tmp_path / "Ratings.csv").write_text("user_id,isbn,book rating\n1,78946697x,8\n")
    parsed = parse(SOURCE, tmp_path)
    assert parsed.books.select("book", "title", "authors", "year", "publisher").rows() == [
        ("078946697X", "DK Readers: How It All Began (Level 4)", "Michael Teitelbaum", 2000, "DK Publishing Inc"),
        ("0155061224", 'Rites, "1984"; novel', "1984", 2001, "Heinle"),
    ]
    assert parsed.readings.select("reader", "book", "rating").rows() == [("1", "078946697X", 8.0)]
    assert parsed.rejects.is_empty()


def test_ratings_that_carry_the_books(tmp_path: Path) -> None:
    path = tmp_path / "merged.csv"
    header = "User-ID,ISBN,Book-Rating,Book-Title,Book-Author,Year-Of-Publication,Publisher\n"
    path.write_text(header + "1,034545104X,8,Flesh Tones,M. J. Rose,2002,B\n2,034545104x,0,Flesh,M. J. Rose,,B\n3,0\n")
    upload = Upload.open(path)
    assert [file.name for file in SOURCE.files(upload, Options())] == ["merged.csv"]
    parsed = parse(SOURCE, path)
    assert parsed.readings.select("reader", "book", "rating").rows() == [
        ("1", "034545104X", 8.0),
        ("2", "034545104X", None),
    ]
    assert parsed.books.select("book", "title", "year").rows() == [("034545104X", "Flesh Tones", 2002)]
    assert parsed.rejects.select("line", "reason").rows() == [(4, "wrong number of fields")]
    assert parsed.n_rows == 3


def test_a_spreadsheet_lost_the_zeros(tmp_path: Path) -> None:
    path = tmp_path / "ratings.csv"
    path.write_bytes(
        b"User-ID,ISBN,Book-Rating\r\n276725,034545104X,0\r\n276726,155061224,5\r\n276727,60517794,9\r\n"
        b"276745,342310538,10\r\n276745,3.42E+09,1\r\n276762,B0000BLD7X,0\r\n276762,2080674722,3\r\n"
        b"276762,0155061224,\r\n276762,2080674723,3\r\n"
    )
    parsed = parse(SOURCE, path)
    assert parsed.readings.select("reader", "book", "rating").rows() == [
        ("276725", "034545104X", None),
        ("276726", "0155061224", 5.0),
        ("276727", "0060517794", 9.0),
        ("276762", "B0000BLD7X", None),
        ("276762", "2080674722", 3.0),
        ("276762", "0155061224", None),
        ("276762", "2080674723", 3.0),  # its check digit does not hold, but nothing was lost
    ]
    assert parsed.books["isbn13"].to_list() == [
        "9780345451040", "9780155061224", "9780060517793", None, "9782080674722", None,
    ]  # fmt: skip
    assert parsed.rejects.select("line", "reason").rows() == [(5, NOT_RECOVERED), (6, SCIENTIFIC)]
    assert parsed.n_rows == 9


def test_a_spreadsheet_tore_the_rows(tmp_path: Path) -> None:
    path = tmp_path / "BX-Book-Ratings.csv"
    rows = ['276725,"""034545104X""",0', '276726,"""0155061224""",5', *[",,"] * 1000, ",488/1,", ',"47363"";""0""",']
    path.write_text("\r".join(["User-ID,ISBN,Book-Rating", *rows]))
    parsed = parse(SOURCE, path)
    assert parsed.readings.select("reader", "book", "rating", "line").rows() == [
        ("276725", "034545104X", None, 2),
        ("276726", "0155061224", 5.0, 3),
    ]
    assert parsed.rejects.select("line", "reason").rows() == [(1004, "no reader"), (1005, TORN)]
    assert parsed.n_rows == 4


def test_other_tables_are_not_taken(tmp_path: Path) -> None:
    for number, header in enumerate(("user_id,isbn,rating", "User-ID,Book-Rating", "ISBN,Book-Title,Book-Author")):
        path = tmp_path / str(number) / "Ratings.csv"
        path.parent.mkdir()
        path.write_text(f"{header}\n1,2,3\n")
        assert not SOURCE.recognises(Upload.open(path.parent))


def test_two_files_of_books_are_refused(folder: Path) -> None:
    (folder / "Books.csv").write_text("ISBN,Book-Title,Book-Author\n")
    with pytest.raises(BadFile, match=r"BX-Books\.csv, Books\.csv"):
        SOURCE.files(Upload.open(folder), Options())


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (rb'"1";"plain";"5"', rb'"1";"plain";"5"'),
        (rb'"1";"a \"b\" c";"5"', rb'"1";"a ""b"" c";"5"'),
        (rb'"1";"ends \"so\"";"5"', rb'"1";"ends ""so""";"5"'),
        (rb'"1";"a \\";"5"', rb'"1";"a \\";"5"'),  # an escaped backslash, and the end of the field
        (rb'"1";"a \"b\"; c";"J. Doe";"1999";"P"', rb'"1";"a ""b""; c";"J. Doe";"1999";"P"'),
        (rb'"1";"title\";"J. Doe";"1999";"P"', rb'"1";"title";"J. Doe";"1999";"P"'),
        (rb'"1";"title\";J. Doe";"1999";"P"', rb'"1";"title";"J. Doe";"1999";"P"'),
        (rb'"1";"C:\dos";"5"', rb'"1";"C:\dos";"5"'),
    ],
)
def test_escaped_quotes_are_doubled(line: bytes, expected: bytes) -> None:
    assert doubled_quotes(line) == expected
    assert doubled_quotes(line + b"\n" + line + b"\r\n") == expected + b"\n" + expected + b"\r\n"


@pytest.mark.realdata
def test_the_damaged_copy(shared: Path) -> None:
    folder = shared / "data" / "bookcrossing_excel_mangled"
    assert recognise(Upload.open(folder)).name == "bookcrossing_original"
    parsed = parse(SOURCE, folder)
    # Of the 9,005 rows that are not empty, 5 lost their reader where the spreadsheet cut them.
    assert (parsed.n_rows, parsed.readings.height, parsed.rejects.height) == (9_005, 9_000, 5)
    assert parsed.rejects.select("line", "reason").rows() == [
        (438_648, "no reader"), (543_301, TORN), (723_139, TORN), (738_100, TORN), (908_732, TORN),
    ]  # fmt: skip
    ratings = parsed.readings["rating"]
    assert (ratings.null_count(), ratings.max(), ratings.min()) == (6_908, 10, 1)
    assert parsed.books.height == parsed.readings["book"].n_unique()
    short = {"345251547": "0345251547", "342310538": "342310538"}  # zeros that a reader left out; a typing mistake
    assert set(parsed.readings["book"]) >= set(short.values())


@pytest.mark.realdata
def test_zeros_taken_from_real_isbns_are_put_back(shared: Path, tmp_path: Path) -> None:
    """Every valid ISBN comes back; of eleven digits mistyped, the ten that are left happen to be one."""
    intact = parse(SOURCE, shared / "data" / "bookcrossing_excel_mangled")
    cells = intact.readings.select("reader", "book").rows()
    as_numbers = [(reader, str(int(book)) if book.isdecimal() else book) for reader, book in cells]
    path = tmp_path / "ratings.csv"
    path.write_text("User-ID,ISBN,Book-Rating\r\n" + "".join(f"{reader},{book},0\r\n" for reader, book in as_numbers))
    damaged = parse(SOURCE, path)
    assert set(damaged.rejects["reason"]) == {NOT_RECOVERED}
    isbns = dict(intact.books.select("book", "isbn13").rows())
    assert all(isbns[cells[line - 2][1]] is None for line in damaged.rejects["line"])
    found = dict(damaged.books.select("book", "isbn13").rows())
    pairs = [(cells[line - 2][1], book) for line, book in damaged.readings.select("line", "book").rows()]
    assert [pair for pair in pairs if isbns[pair[0]] != found[pair[1]]] == [("05008601814", "5008601814")]
    assert (damaged.readings.height, damaged.rejects.height) == (8_942, 58)
