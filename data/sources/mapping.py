"""The TOML file that says which column of a table means what."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from data.errors import BadConfig
from data.sources.base import BOOK_COLUMNS, Mapping
from data.sources.dates import DATE_ORDERS, YMD
from data.sources.encoding import read_utf8
from data.sources.upload import SourceFile, Upload

READING_KEYS = ("reader", "book", "read_on", "ended_on", "rating", "status", "event", "n_times")
BOOK_KEYS = tuple(BOOK_COLUMNS)
FILE_KEY, SCALE_KEY, NO_RATING_KEY, ORDER_KEY = "file", "rating_scale", "no_rating", "date_order"
_N_SHOWN = 20  # columns that a message lists
SETTINGS = (FILE_KEY, SCALE_KEY, NO_RATING_KEY, ORDER_KEY)


def read_mapping(path: Path) -> Mapping:
    """Read a mapping from a TOML file on disk (see `data.sources.events`).

    Raises
    ------
    BadFile
        If there is no such text file.
    BadConfig
        See `read_mapping_file`.
    """
    return read_mapping_file(Upload.open(path).files[0])


def read_mapping_file(file: SourceFile) -> Mapping:
    """Read a mapping from a file of an upload.

    Raises
    ------
    BadConfig
        If it is not TOML, has an unknown key (naming the closest known one) or a value of the wrong kind, or
        cannot work (see `check_mapping`).
    """
    text, _ = read_utf8(file)
    try:
        content = tomllib.loads(text.decode("utf-8").replace("\r\n", "\n"))
    except tomllib.TOMLDecodeError as error:
        raise BadConfig(f"{file.shown}: not TOML: {error}") from error
    try:
        return check_mapping(_mapping(content))
    except BadConfig as error:
        raise BadConfig(f"{file.shown}: {error}") from error


def check_mapping(mapping: Mapping) -> Mapping:
    """Return a mapping unchanged that can work, but for a reader that the user may name.

    Raises
    ------
    BadConfig
        If it names neither book nor title, no title for a file of books, or ratings without a scale; or has an
        unknown key.
    """
    _refuse_unknown("[readings]", mapping.readings, (*READING_KEYS, *BOOK_KEYS))
    _refuse_unknown("[books]", mapping.books, BOOK_KEYS)
    own = mapping.readings if mapping.books_file else {**mapping.books, **mapping.readings}
    if "book" not in own and (mapping.books_file or "title" not in own):
        raise BadConfig("[readings] must say which column is the book (or, without a file of books, the title)")
    if mapping.books_file and not {"book", "title"} <= set(mapping.books):
        raise BadConfig(f"[books] must say which columns of {mapping.books_file} are book and title")
    if "rating" in mapping.readings and mapping.rating_scale is None:
        raise BadConfig("[readings] has a rating and must say rating_scale, such as [1, 5]")
    for section, name in [("readings", name) for name in mapping.readings_files] + [("books", mapping.books_file)]:
        if name is not None and (PurePosixPath(name).is_absolute() or {"..", ""} & {*name.split("/")}):
            raise BadConfig(f"[{section}] file = {name!r}: expected the name of a file of the upload")
    return mapping


def explained(mapping: Mapping, columns: Sequence[str]) -> str:
    """Return a mapping in a line: ``reader = user_id, book = item, read_on = loan_date (dmy); not used: branch``.

    Parameters
    ----------
    mapping
        What is read.
    columns
        All columns of the files of readings.
    """
    scale = mapping.rating_scale or (0, 0)
    none = f", {mapping.no_rating} is none" if mapping.no_rating is not None else ""
    notes = {
        "rating": f" ({scale[0]:g} to {scale[1]:g}{none})",
        **dict.fromkeys(("read_on", "ended_on"), f" ({mapping.date_order})" if mapping.date_order != YMD else ""),
    }
    used = mapping.readings if mapping.books_file else {**mapping.readings, **mapping.books}
    said = ", ".join(f"{ours} = {theirs}{notes.get(ours, '')}" for ours, theirs in used.items())
    unused = [name for name in columns if name not in used.values()]
    more = f" and {len(unused) - _N_SHOWN} more" if len(unused) > _N_SHOWN else ""
    return said + (f"; not used: {', '.join(unused[:_N_SHOWN])}{more}" if unused else "")


def _mapping(content: dict[str, object]) -> Mapping:
    _refuse_unknown("the file", content, ("readings", "books"))
    readings = _section(content, "readings", (*READING_KEYS, *BOOK_KEYS, *SETTINGS))
    books = _section(content, "books", (*BOOK_KEYS, FILE_KEY))
    settings = {key: readings.pop(key) for key in SETTINGS if key in readings}
    books_file = _texts("books", {key: books.pop(key) for key in (FILE_KEY,) if key in books}).get(FILE_KEY)
    return Mapping(
        _texts("readings", readings),
        _texts("books", books),
        books_file,
        _scale(settings[SCALE_KEY]) if SCALE_KEY in settings else None,
        _files(settings.get(FILE_KEY, [])),
        _no_rating(settings.get(NO_RATING_KEY)),
        _date_order(settings.get(ORDER_KEY, YMD)),
    )


def _section(content: dict[str, object], name: str, known: Iterable[str]) -> dict[str, object]:
    section = content.get(name, {})
    if not isinstance(section, dict):
        raise BadConfig(f"{name} must be a table, [{name}]")
    _refuse_unknown(f"[{name}]", section, tuple(known))
    return dict(section)


def _refuse_unknown(where: str, found: Iterable[str], known: tuple[str, ...]) -> None:
    for key in found:
        if key not in known:
            close = difflib.get_close_matches(key, known, n=1, cutoff=0.0)
            names = ", ".join(dict.fromkeys(known))
            raise BadConfig(f"{where}: unknown key {key!r}; the closest known one is {close[0]!r} (known: {names})")


def _texts(section: str, values: dict[str, object]) -> dict[str, str]:
    for key, value in values.items():
        if not isinstance(value, str) or not value.strip():
            kind = "file" if key == FILE_KEY else "column"
            raise BadConfig(f"[{section}] {key} = {value!r}, expected the name of a {kind}")
    return {key: str(value).strip() for key, value in values.items()}


def _files(value: object) -> tuple[str, ...]:
    names = value if isinstance(value, list) else [value]
    return tuple(_texts("readings", {FILE_KEY: name})[FILE_KEY] for name in names)


def _scale(value: object) -> tuple[float, float]:
    if isinstance(value, list) and len(value) == 2 and all(type(end) in (int, float) for end in value):
        low, high = (float(end) for end in value)
        if low < high:
            return low, high
    raise BadConfig(f"rating_scale = {value!r}, expected [lowest, highest], such as [1, 5]")


def _no_rating(value: object) -> str | None:
    if value is None or (type(value) in (int, float, str) and str(value).strip()):
        return None if value is None else str(value).strip()
    raise BadConfig(f"no_rating = {value!r}, expected what stands for no rating, such as 0")


def _date_order(value: object) -> str:
    if value not in DATE_ORDERS:
        raise BadConfig(f"date_order = {value!r}, expected one of {', '.join(DATE_ORDERS)}")
    return str(value)
