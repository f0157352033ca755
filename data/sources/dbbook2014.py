"""DBbook2014 (ESWC 2014 challenge on linked open data): who likes which book, and what DBpedia calls the books.

`train2id.tsv` and `test2id.tsv` are the two halves of one history, and whatever is there of them is read: a reader,
a book, and 1 for like or 0 for dislike on each line, without header. `mapping_items.tsv` (``id uri``) says what the
numbers of books are: ``Title;http://dbpedia.org/resource/...``. Numbers of a resource alone are properties of books,
and no books unless somebody read them.

Known problem: 15 numbers of the published file have an empty title and all the same resource. Nobody read them; they
are rejected.

What has a place in DBpedia is a work, not an edition.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import polars as pl

from data.errors import BadFile
from data.progress import Progress
from data.sources.base import NO_READINGS, Options, Parsed, Source
from data.sources.books import parse_books, untitled
from data.sources.delimited import open_delimited, peek_columns
from data.sources.encoding import peek_utf8
from data.sources.headerless import open_headerless
from data.sources.upload import SourceFile, Upload
from data.sources.values import gather_rejects, parse_readings, prefixed

RATING_SCALE = (0.0, 1.0)  # dislike, like
ITEMS_FILE, LABELS_FILES = "mapping_items.tsv", "*2id.tsv"
DBPEDIA = "dbpedia:"

_ITEMS = {"book": "id", "uri": "uri"}
_LABELS = ("reader", "book", "rating")
_LABELLED = re.compile(rb"\s*(?:[0-9]+\t[0-9]+\t[01](?:[\r\n]+|\Z))+")
_TITLE = r"^(.*);\s*https?://"
_RESOURCE = r"/resource/(\S+)\s*$"


class DBbook2014(Source):
    """DBbook2014, whole or one of its halves."""

    name = "dbbook2014"
    describes = f"folder with {ITEMS_FILE} and train2id.tsv or test2id.tsv (DBbook2014, likes and dislikes)"

    def recognises(self, upload: Upload) -> bool:
        """Say whether `upload` has the numbers of the items, and likes."""
        try:
            items, *labels = self.files(upload, Options())
        except BadFile:
            return False
        return set(_ITEMS.values()) <= set(peek_columns(items)) and all(_has_labels(file) for file in labels)

    def files(self, upload: Upload, options: Options) -> list[SourceFile]:
        """Return the file of items, then those of likes."""
        items, labels = upload.require(ITEMS_FILE), upload.matching(LABELS_FILES)
        if not labels:
            expected = "train2id.tsv or test2id.tsv"
            raise BadFile(upload.path, found=items.name, expected=expected, remedy="put them into one folder")
        return [items, *labels]

    def parse(self, upload: Upload, options: Options, progress: Progress) -> Iterator[Parsed]:
        """Read the items, then every file of likes: readers have read what they judge."""
        items_file, *labels_files = self.files(upload, options)
        table = open_delimited(items_file, required=tuple(_ITEMS.values()), delimiter="\t").whole(progress)
        items = table.pick(_ITEMS).with_columns(
            title=pl.col("uri").str.extract(_TITLE), work=pl.col("uri").str.extract(_RESOURCE)
        )
        items = items.with_columns(prefixed("work", DBPEDIA))
        books, rejects = parse_books(items.filter(pl.col("title").is_not_null()))
        rejects = gather_rejects([table.rejects, rejects])
        yield Parsed(NO_READINGS, books, rejects, 0, table.encoding, RATING_SCALE)
        works = items.filter(pl.col("title").is_null()).select("book", "work").unique("book", keep="first")
        known = books.select("book")
        for file in labels_files:
            for rows in open_headerless(file, _LABELS, "\t").parts(progress):
                readings, rejects = parse_readings(rows.pick({name: name for name in _LABELS}), RATING_SCALE)
                new = readings.select("book").unique(maintain_order=True)
                new = new.join(known, on="book", how="anti", maintain_order="left")
                known = pl.concat([known, new])
                described = untitled(new.join(works, on="book", how="left", maintain_order="left"))
                rejects = gather_rejects([rows.rejects, rejects])
                yield Parsed(readings, described, rejects, rows.n_rows, rows.encoding, RATING_SCALE)


def _has_labels(file: SourceFile) -> bool:
    """Say whether the first lines are two numbers and a 1 or 0."""
    try:
        head = peek_utf8(file)
    except BadFile:
        return False
    whole = head[: head.rfind(b"\n") + 1] or head
    return _LABELLED.fullmatch(whole) is not None
