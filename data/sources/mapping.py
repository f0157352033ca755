"""The TOML file that says which column of a table means what."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable
from pathlib import Path

from data.errors import BadConfig
from data.sources.base import BOOK_COLUMNS, Mapping
from data.sources.encoding import read_utf8

READING_KEYS = ("reader", "book", "read_on", "rating", "status")
BOOK_KEYS = tuple(BOOK_COLUMNS)
SCALE_KEY, FILE_KEY = "rating_scale", "file"


def read_mapping(path: Path) -> Mapping:
    """Read a mapping from TOML (see `data.sources.events`).

    Raises
    ------
    BadFile
        If there is no such text file.
    BadConfig
        If it is not TOML, has an unknown key (naming the closest known one) or a value of the wrong kind, or
        cannot work (see `check_mapping`).
    """
    text, _ = read_utf8(path)
    try:
        content = tomllib.loads(text.decode("utf-8").replace("\r\n", "\n"))
    except tomllib.TOMLDecodeError as error:
        raise BadConfig(f"{path}: not TOML: {error}") from error
    _refuse_unknown(f"{path}", content, ("readings", "books"))
    readings = _section(path, content, "readings", (*READING_KEYS, *BOOK_KEYS, SCALE_KEY))
    books = _section(path, content, "books", (*BOOK_KEYS, FILE_KEY))
    scale = readings.pop(SCALE_KEY, None)
    books_file = books.pop(FILE_KEY, None)
    mapping = Mapping(
        _texts(path, "readings", readings),
        _texts(path, "books", books),
        None if books_file is None else _texts(path, "books", {FILE_KEY: books_file})[FILE_KEY],
        None if scale is None else _scale(path, scale),
    )
    try:
        return check_mapping(mapping)
    except BadConfig as error:
        raise BadConfig(f"{path}: {error}") from error


def check_mapping(mapping: Mapping) -> Mapping:
    """Return a mapping unchanged that can work.

    Raises
    ------
    BadConfig
        If it names no reader, neither book nor title, no title for a file of books, or ratings without a
        scale; or has an unknown key.
    """
    _refuse_unknown("[readings]", mapping.readings, (*READING_KEYS, *BOOK_KEYS))
    _refuse_unknown("[books]", mapping.books, BOOK_KEYS)
    own = mapping.readings if mapping.books_file else {**mapping.books, **mapping.readings}
    if "reader" not in own:
        raise BadConfig("[readings] must say which column is the reader")
    if "book" not in own and (mapping.books_file or "title" not in own):
        raise BadConfig("[readings] must say which column is the book (or, without a file of books, the title)")
    if mapping.books_file and (Path(mapping.books_file).name != mapping.books_file or mapping.books_file == ".."):
        raise BadConfig(f"[books] file = {mapping.books_file!r}: expected the name of a file beside the readings")
    if mapping.books_file and not {"book", "title"} <= set(mapping.books):
        raise BadConfig(f"[books] must say which columns of {mapping.books_file} are book and title")
    if "rating" in mapping.readings and mapping.rating_scale is None:
        raise BadConfig("[readings] has a rating and must say rating_scale, such as [1, 5]")
    return mapping


def _section(path: Path, content: dict[str, object], name: str, known: Iterable[str]) -> dict[str, object]:
    section = content.get(name, {})
    if not isinstance(section, dict):
        raise BadConfig(f"{path}: {name} must be a table, [{name}]")
    _refuse_unknown(f"{path}: [{name}]", section, tuple(known))
    return dict(section)


def _refuse_unknown(where: str, found: Iterable[str], known: tuple[str, ...]) -> None:
    for key in found:
        if key not in known:
            close = difflib.get_close_matches(key, known, n=1, cutoff=0.0)
            names = ", ".join(dict.fromkeys(known))
            raise BadConfig(f"{where}: unknown key {key!r}; the closest known one is {close[0]!r} (known: {names})")


def _texts(path: Path, section: str, values: dict[str, object]) -> dict[str, str]:
    for key, value in values.items():
        if not isinstance(value, str) or not value.strip():
            raise BadConfig(f"{path}: [{section}] {key} = {value!r}, expected the name of a {_kind(key)}")
    return {key: str(value).strip() for key, value in values.items()}


def _kind(key: str) -> str:
    return "file" if key == FILE_KEY else "column"


def _scale(path: Path, value: object) -> tuple[float, float]:
    if isinstance(value, list) and len(value) == 2 and all(type(end) in (int, float) for end in value):
        low, high = (float(end) for end in value)
        if low < high:
            return low, high
    raise BadConfig(f"{path}: rating_scale = {value!r}, expected [lowest, highest], such as [1, 5]")
