"""Adjacency lists: a reader and the books read on each line, ``reader book book ...``, without header.

So recommender research shares its data (KGAT, LightGCN): `train.txt` and `test.txt` hold different books of the same
readers, and all of them were read; readers and books are numbers, and `user_list.txt` and `item_list.txt`
(``org_id remap_id ...``) say which ids the service gave them. These ids are used where they are known, so that a
reader is the same in other data of the service. A table of titles by number may lie beside them.

Ids are divided by blanks, tabs or commas. A reader without books makes no reading; a book twice on a line is a
repeat. There is no date and no rating, and the order on the line may be any.

An Amazon id (ASIN) of a book is its ISBN-10, as a rule.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from data.errors import BadFile
from data.progress import Progress
from data.sources.base import NO_BOOKS, NO_READINGS, REJECT_COLUMNS, Options, Parsed, Source
from data.sources.books import parse_books, untitled
from data.sources.delimited import open_delimited, peek_columns
from data.sources.encoding import DAMAGED, PEEK_BYTES, detect_encoding, peek_utf8
from data.sources.isbns import read_isbns
from data.sources.long_lines import read_lines, set_apart_lines
from data.sources.titled import ASIN
from data.sources.upload import SourceFile, Upload
from data.sources.values import Checked, gather_rejects, parse_readings, set_apart

READERS_FILE, BOOKS_FILE, TITLES_FILES = "user_list*.txt", "item_list*.txt", "*title*"
LINES = "lines `reader book book ...`"
CUT_SHORT = "line is cut short"
LISTED_AGAIN = "number is listed again"

_SUFFIXES = (".txt", ".dat", ".csv", ".tsv")
_MOST_FILES = 50  # a folder of more is something else, and would take long to look through
_ORIGINAL, _NUMBER = "org_id", "remap_id"
_LISTED = {"number": _NUMBER, "id": _ORIGINAL}
_TITLES = {"number": _NUMBER, "title": "title", "authors": "author"}

_BETWEEN_IDS = re.compile(r"[\s,]+")
_IDS = r"[^\s,]+"
_ANY_ID = re.compile(r"[\w.+=@-]+")
_BOOK_ID = re.compile(r"(?=\D*\d)\w[\w-]*")  # words are no ids, nor are decimal fractions
_PRODUCT = "^(?:B[0-9A-Z]{9}|[0-9]{9}[0-9X])$"  # Amazon's ids, of which those of printed books are ISBN-10s
_LONG = 100  # ids; tables of so many columns and no header are rare
_MIN_DISTINCT = 0.7  # readers have one line, as a rule, and books occur once on it


class Adjacency(Source):
    """Lists of books by reader."""

    name = "adjacency"
    describes = f"{LINES} (KGAT, LightGCN), with user_list.txt and item_list.txt where there are"

    def recognises(self, upload: Upload) -> bool:
        """Say whether `upload` has a file of such lists."""
        return bool(_lists(upload))

    def files(self, upload: Upload, options: Options) -> list[SourceFile]:
        """Return the files of lists, then those that say what the numbers mean.

        Raises
        ------
        BadFile
            If there are no lists, or they lie in several folders: each has numbers of its own.
        """
        found = _find(upload)
        return [*found.lists, *(file for file in (found.readers, found.books, found.titles) if file is not None)]

    def parse(self, upload: Upload, options: Options, progress: Progress) -> Iterator[Parsed]:
        """Read what the numbers mean, then the lists; a reading whose number has no id is rejected."""
        files = _find(upload)
        readers, books = (_Ids.read(file, progress) for file in (files.readers, files.books))
        described, rejects = _describe(books, files.titles, progress)
        yield Parsed(NO_READINGS, described, gather_rejects([readers.rejects, books.rejects, rejects]), 0, "utf-8")
        known = described.select("book")
        for file in files.lists:
            encoding = detect_encoding(file)
            for lines, unreadable in read_lines(file, encoding, progress):
                pairs = _pairs(lines)
                named, unknown_reader = readers.name(pairs, "reader")
                named, unknown_book = books.name(named, "book")
                readings, rejects = parse_readings(named, None)
                new = readings.select("book").unique(maintain_order=True)
                new = new.join(known, on="book", how="anti", maintain_order="left")
                known = pl.concat([known, new])
                rejects = gather_rejects([unreadable, unknown_reader, unknown_book, rejects])
                n_rows = pairs.height + unreadable.height
                yield Parsed(readings, untitled(new), rejects, n_rows, encoding)


@dataclass(frozen=True)
class _Files:
    """The files of lists, and those that say what the numbers mean, if there are."""

    lists: list[SourceFile]
    readers: SourceFile | None
    books: SourceFile | None
    titles: SourceFile | None


@dataclass(frozen=True)
class _Ids:
    """Which `id` each `number` stands for; None if numbers are all there is."""

    by_number: pl.DataFrame | None
    rejects: pl.DataFrame
    file: str = ""

    @classmethod
    def read(cls, file: SourceFile | None, progress: Progress) -> _Ids:
        """Read a file of `org_id remap_id ...`, its columns in any order; BadFile if it has another header."""
        nothing = pl.DataFrame(schema=REJECT_COLUMNS)
        if file is None:
            return cls(None, nothing)
        parts = list(read_lines(file, detect_encoding(file), progress))
        lines = pl.concat([part.good for part in parts]).with_columns(ids=pl.col("text").str.extract_all(r"\S+"))
        header: list[str] = next(iter(lines["ids"].head(1).to_list()), [])
        if _ORIGINAL not in header or _NUMBER not in header:
            remedy = "take the file as published"
            raise BadFile(file.shown, found="another first line", expected="a header org_id remap_id", remedy=remedy)
        of = {name: pl.col("ids").list.get(header.index(column), null_on_oob=True) for name, column in _LISTED.items()}
        listed = lines.slice(1).with_columns(**of)
        whole, short = set_apart_lines(listed, pl.any_horizontal(pl.col(*of).is_null()), CUT_SHORT)
        once, again = set_apart_lines(whole, ~pl.col("number").is_first_distinct(), LISTED_AGAIN)
        return cls(once, gather_rejects([*(part.rejects for part in parts), short, again]), file.name)

    def name(self, pairs: pl.DataFrame, column: str) -> Checked:
        """Put ids in the place of numbers; rows with a number that has none are rejected."""
        if self.by_number is None:
            return Checked(pairs, pl.DataFrame(schema=REJECT_COLUMNS))
        ids = self.by_number.select(pl.col("number").alias(column), "id")
        named = pairs.join(ids, on=column, how="left", maintain_order="left")
        unknown = pl.when(pl.col("id").is_null()).then(pl.lit(f"{column} is not in {self.file}"))
        good, rejects = set_apart(named, unknown, column, found=False)
        return Checked(good.with_columns(pl.col("id").alias(column)).drop("id"), rejects)


def _find(upload: Upload) -> _Files:
    lists = _lists(upload)
    single = upload.single
    if not lists and single is not None and _are_ids(single):
        lists = [single]  # asked for by name: short, or all lists of one length
    if not lists:
        names = ", ".join(file.name for file in upload.files[:10])
        raise BadFile(upload.path, found=f"other lines ({names})", expected=LINES, remedy="check the format")
    if len({Path(file.name).parent for file in lists}) > 1:
        found = f"such lines in several folders ({', '.join(file.name for file in lists[:10])})"
        remedy = "ingest one folder after the other: each has numbers of its own"
        raise BadFile(upload.path, found=found, expected=f"{LINES}, of one folder", remedy=remedy)
    readers, books = (_only(upload, pattern) for pattern in (READERS_FILE, BOOKS_FILE))
    return _Files(lists, readers, books, _titles_file(upload) if books is not None else None)


def _only(upload: Upload, pattern: str) -> SourceFile | None:
    """Return the only file of that name; BadFile if there are several, which may be of other numbers."""
    found = upload.matching(pattern)
    return upload.require(pattern) if len(found) > 1 else upload.beside(pattern)


def _titles_file(upload: Upload) -> SourceFile | None:
    file = upload.beside(TITLES_FILES)
    return file if file is not None and {_NUMBER, "title"} <= set(peek_columns(file)) else None


def _lists(upload: Upload) -> list[SourceFile]:
    few = len(upload.files) <= _MOST_FILES
    return [file for file in upload.files if few and file.suffix in _SUFFIXES and _are_lists(file)]


def _first_lines(file: SourceFile) -> list[list[str]]:
    """Return the ids on the first whole lines, or most of the first line; none if it is no text."""
    try:
        head = peek_utf8(file).decode("utf-8", "ignore")
    except BadFile:
        return []
    lines = (head if "\n" in head else head.replace("\r", "\n")).split("\n")
    if len(head) >= PEEK_BYTES:
        lines = lines[:-1] or [_BETWEEN_IDS.sub(" ", head).rpartition(" ")[0]]
    readable = [words for line in lines if (words := line.strip()) and DAMAGED.decode() not in line]
    return [_BETWEEN_IDS.split(words) for words in readable]


def _are_ids(file: SourceFile) -> bool:
    lines = _first_lines(file)
    return bool(lines) and all(_ANY_ID.fullmatch(word) for words in lines for word in words)


def _are_lists(file: SourceFile) -> bool:
    """Say whether the first lines can only be lists: ids, as many as they are, each line another reader's."""
    lines = _first_lines(file)
    readers, books = [words[0] for words in lines], [words[1:] for words in lines]
    sizes = [len(words) for words in books]
    if not any(size > 1 for size in sizes) or (len(set(sizes)) == 1 and sizes[0] < _LONG):
        return False
    n_distinct = sum(len(set(words)) for words in books)
    return (
        len(set(readers)) >= _MIN_DISTINCT * len(readers)
        and n_distinct >= _MIN_DISTINCT * sum(sizes)
        and all(_ANY_ID.fullmatch(reader) for reader in readers)
        and all(_BOOK_ID.fullmatch(book) for words in books for book in words)
    )


def _pairs(lines: pl.DataFrame) -> pl.DataFrame:
    """Return a row per reader and book, as text."""
    listed = lines.select("file", "line", ids=pl.col("text").str.extract_all(_IDS))
    pairs = listed.select("file", "line", reader=pl.col("ids").list.first(), book=pl.col("ids").list.slice(1))
    return pairs.explode("book").filter(pl.col("book").is_not_null())


def _describe(books: _Ids, titles: SourceFile | None, progress: Progress) -> Checked:
    """Describe all books that have ids, by their titles where they are known."""
    if books.by_number is None:
        return Checked(NO_BOOKS, pl.DataFrame(schema=REJECT_COLUMNS))
    known = books.by_number.rename({"id": "book"}).unique("book", keep="first", maintain_order=True)
    isbns = read_isbns(known["book"]).select(pl.col("text").alias("book"), "isbn13")
    known = known.join(isbns, on="book", how="left", maintain_order="left")
    is_product = pl.col("book").str.contains(_PRODUCT)
    known = known.with_columns(edition=pl.when(is_product).then(pl.lit(ASIN) + pl.col("book")))
    if titles is None:
        return Checked(untitled(known), pl.DataFrame(schema=REJECT_COLUMNS))
    rows = open_delimited(titles, required=(_NUMBER, "title")).whole(progress)
    texts = rows.pick(_TITLES).filter(pl.col("title").str.strip_chars() != "").drop("file", "line")
    titled = known.join(texts, on="number", how="inner", maintain_order="left")
    described, rejects = parse_books(titled)
    rest = untitled(known.join(described, on="book", how="anti", maintain_order="left"))
    return Checked(pl.concat([described, rest]), gather_rejects([rows.rejects, rejects]))
