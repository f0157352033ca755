"""A JSON document of nested records (the export of one reader) into rows of strings.

Other than in what `data.sources.json_documents` reads, the records may lie under a key of the document, and what is
nested in them matters. They are the items of a list, or the values of an object of objects (LibraryThing: by id).

What is nested in a record becomes columns with dotted names: ``{"book": {"title": ...}}`` is ``book.title``. A list is
its items joined by semicolons, and of a list of objects every key is. PHP writes a list with gaps as an object with
numbers for keys: it is a list.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from json import JSONDecodeError

import polars as pl

from data.errors import BadFile
from data.progress import Progress
from data.sources.encoding import peek_utf8, read_utf8
from data.sources.json_documents import MAX_DOCUMENT_BYTES
from data.sources.json_lines import decode_json, without_half_surrogates
from data.sources.rows import JOINT, Rows, Table, reject_frame
from data.sources.upload import SourceFile

NOT_A_RECORD = "record is not a JSON object"

_DOCUMENT = re.compile(rb"\s*[\[{]")
_KEY = re.compile(rb'"([^"\\]{1,60})"\s*:')


def open_document(file: SourceFile) -> Table:
    """Read a JSON document of records; the line of a record is its number.

    Raises
    ------
    BadFile
        If it is not JSON, or holds no records.
    """
    expected = "a JSON document with a list of records"
    with file.open() as content:
        if len(content.read(MAX_DOCUMENT_BYTES + 1)) > MAX_DOCUMENT_BYTES:
            found = f"more than {MAX_DOCUMENT_BYTES >> 20} MiB"
            raise BadFile(file.shown, found=found, expected=expected, remedy="export fewer books at a time")
    text, encoding = read_utf8(file)
    try:
        document = decode_json(text.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        where = f" from line {error.lineno} on" if isinstance(error, JSONDecodeError) else ""
        raise BadFile(file.shown, found=f"no JSON{where}", expected=expected, remedy="export it again") from error
    records = _records(document)
    if records is None:
        raise BadFile(file.shown, found="JSON without records", expected=expected, remedy="check how it was exported")
    flat = [(number, _flat(record)) for number, record in enumerate(records, 1) if isinstance(record, dict)]
    broken = [number for number, record in enumerate(records, 1) if not isinstance(record, dict)]
    names = tuple(dict.fromkeys(name for _, cells in flat for name in cells))

    def read(progress: Progress) -> Iterator[Rows]:
        progress.start(f"reading {file.name}", len(records))
        columns = [pl.Series(name, [cells.get(name, "") for _, cells in flat], pl.String) for name in names]
        numbers = pl.Series("line", [number for number, _ in flat], pl.Int64)
        progress.finish(f"{len(flat):,} records")
        rejects = reject_frame(file.name, [(number, NOT_A_RECORD, None) for number in broken])
        yield Rows(file.name, pl.DataFrame(columns), numbers, rejects, encoding)

    return Table(file, names, encoding, read)


def peek_document_keys(file: SourceFile) -> set[str]:
    """Return the keys in the first bytes of a JSON document, of all levels; nothing if it cannot be one."""
    try:
        head = peek_utf8(file)
    except BadFile:
        return set()
    return {key.decode("utf-8", "replace") for key in _KEY.findall(head)} if _DOCUMENT.match(head) else set()


def _records(document: object) -> list[object] | None:
    """Return the records of a document; None if there are none."""
    if isinstance(document, list):
        return document
    if not isinstance(document, dict):
        return None
    values = list(document.values())
    if values and all(isinstance(value, dict) for value in values):
        return values
    return next((value for value in values if isinstance(value, list) and value), None)


def _flat(record: dict[str, object]) -> dict[str, str]:
    cells: dict[str, str] = {}
    for key, value in record.items():
        for path, text in _texts(value):
            name = without_half_surrogates(".".join((key, *path)))
            cells[name] = f"{cells[name]}{JOINT}{text}" if cells.get(name) else text
    return cells


def _texts(value: object) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the texts in a value, each with the keys that lead to it."""
    if isinstance(value, dict) and value and all(key.isdecimal() for key in value):
        value = list(value.values())
    if isinstance(value, dict):
        for key, within in value.items():
            yield from (((key, *path), text) for path, text in _texts(within))
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif value is not None:
        yield (), without_half_surrogates(str(value))
