"""Readers of Bookmeter as pairs of files: ``title_<id>.txt`` with titles, ``authors_<id>.txt`` with their authors.

Cells are divided by tabs or by ends of lines, and the nth title is by the nth author; a cell may name several. The id
is the reader. Where the two files do not agree on how many books there are, nobody knows which author belongs to
which title: the titles are kept, for each of them is a reading, the authors are left out, and a reject says so.
A reader without a file of authors is fine. All books are read, at times that nobody knows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

import polars as pl

from data.errors import BadFile
from data.progress import Progress
from data.sources.base import Options, Parsed
from data.sources.encoding import DAMAGED, detect_encoding, peek_utf8, text_blocks
from data.sources.records import UNREADABLE
from data.sources.rows import reject_frame
from data.sources.titled import BooksWithin, identify
from data.sources.upload import SourceFile, Upload
from data.sources.values import gather_rejects, parse_readings

AUTHORS_LEFT_OUT = "not as many authors as titles: authors left out"
NO_TITLES = "authors without a file of titles"
NO_TEXT = "file is empty or no text"

_TITLES = re.compile(r"titles?_(.+)\.txt", re.IGNORECASE)
_AUTHORS = re.compile(r"authors?_(.+)\.txt", re.IGNORECASE)
_DIVIDERS = re.compile(r"\t?\r?\n|\t|\r")  # a tab before the end of a line divides nothing more
_LONGEST_CELL = 300  # characters of a title or of its authors; more is running text
_BATCH_SIZE = 50_000  # titles that are parsed at once: readers are many, and their lists short


@dataclass(frozen=True)
class Pair:
    """The files of one reader; one of them may be missing."""

    reader: str
    titles: SourceFile | None
    authors: SourceFile | None

    @property
    def files(self) -> list[SourceFile]:
        """Those that are there."""
        return [file for file in (self.titles, self.authors) if file is not None]


@dataclass(frozen=True)
class _Cells:
    """The cells of a file, blank ones at the end left out; the line of each; and how many there may be at most."""

    texts: list[str]
    lines: list[int]
    n_most: int


def find_pairs(upload: Upload) -> list[Pair]:
    """Return the pairs in an upload, by reader; none if its files do not look like lists of titles."""
    files = list(upload.files)
    if (single := upload.single) is not None and (name := _TITLES.fullmatch(PurePosixPath(single.name).name)):
        beside = upload.beside(f"authors_{name[1]}.txt")
        files += [beside] if beside is not None else []
    found: dict[tuple[PurePosixPath, str], dict[str, SourceFile]] = {}
    for file in files:
        path = PurePosixPath(file.name)
        for kind, pattern in (("titles", _TITLES), ("authors", _AUTHORS)):
            if name := pattern.fullmatch(path.name):
                found.setdefault((path.parent, name[1]), {})[kind] = file
    pairs = [Pair(key[1], kinds.get("titles"), kinds.get("authors")) for key, kinds in sorted(found.items())]
    looks_right = any(_is_list(pair.titles) for pair in pairs if pair.titles is not None)
    return pairs if looks_right else []


def parse_pairs(pairs: list[Pair], options: Options, within: BooksWithin, progress: Progress) -> Iterator[Parsed]:
    """Read the pairs, some readers at a time; books that `within` has met are not described again."""
    if not pairs:
        return
    progress.start("reading titles and authors", len(pairs))
    batch = _Batch()
    for pair in pairs:
        batch.add(pair, options.reader or pair.reader)
        progress.advance()
        if len(batch.rows) >= _BATCH_SIZE:
            yield batch.parse(within)
            batch = _Batch()
    yield batch.parse(within)
    progress.finish(f"{len(pairs):,} readers")


class _Batch:
    """Titles of some readers, and what was wrong with their files."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str, str, str, int]] = []
        self._rejects: list[pl.DataFrame] = []
        self._n_broken = 0
        self._encodings: dict[str, None] = {}

    def add(self, pair: Pair, reader: str) -> None:
        """Read the files of a reader."""
        if pair.titles is None:
            for file in pair.files:
                self._reject(file, 1, NO_TITLES)
            return
        titles = self._read(pair.titles)
        authors = self._authors(pair, titles)
        for title, author, line in zip(titles.texts, authors, titles.lines, strict=True):
            if "\0" in title + author:
                self._reject(pair.titles, line, UNREADABLE)
                self._n_broken += 1
            elif title or author:
                self.rows.append((reader, title, author, pair.titles.name, line))

    def parse(self, within: BooksWithin) -> Parsed:
        """Return what was read so far."""
        columns = {"reader": pl.String, "title": pl.String, "authors": pl.String, "file": pl.String, "line": pl.Int64}
        rows = identify(pl.DataFrame(self.rows, schema=columns, orient="row"))
        readings, rejects = parse_readings(rows, None)
        books, others = within.parse(rows)
        rejects = gather_rejects([*self._rejects, rejects, others])
        return Parsed(readings, books, rejects, rows.height + self._n_broken, ", ".join(self._encodings) or "none")

    def _authors(self, pair: Pair, titles: _Cells) -> list[str]:
        """Return the authors of each title; blank where they are unknown."""
        unknown = [""] * len(titles.texts)
        if pair.authors is None or not titles.texts:
            return unknown
        authors = self._read(pair.authors)
        if not len(authors.texts) <= len(titles.texts) <= authors.n_most:
            found = f"{len(authors.texts)} authors, {len(titles.texts)} titles"
            self._reject(pair.authors, 1, AUTHORS_LEFT_OUT, found)
            return unknown
        return authors.texts + [""] * (len(titles.texts) - len(authors.texts))

    def _read(self, file: SourceFile) -> _Cells:
        try:
            encoding = detect_encoding(file)
            text = b"".join(block for block, _ in text_blocks(file, encoding)).decode("utf-8")
        except BadFile:
            self._reject(file, 1, NO_TEXT)
            return _Cells([], [], 0)
        self._encodings[encoding] = None
        return _cells(text)

    def _reject(self, file: SourceFile, line: int, reason: str, found: str | None = None) -> None:
        self._rejects.append(reject_frame(file.name, [(line, reason, found)]))


def _cells(text: str) -> _Cells:
    texts, lines, line, start = list[str](), list[int](), 1, 0
    for divider in _DIVIDERS.finditer(text):
        texts.append(text[start : divider.start()].strip())
        lines.append(line)
        line += "\n" in divider[0]
        start = divider.end()
    texts.append(text[start:].strip())
    lines.append(line)
    n_most = len(texts)
    while texts and not texts[-1]:
        texts.pop()
    return _Cells(texts, lines[: len(texts)], n_most)


def _is_list(file: SourceFile) -> bool:
    """Say whether a file looks like a list of short texts."""
    try:
        head = peek_utf8(file)
    except BadFile:
        return False
    cells = _cells(head.decode("utf-8", "ignore")).texts
    return DAMAGED not in head and any(cells) and max(map(len, cells)) <= _LONGEST_CELL
