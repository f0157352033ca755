"""A mapping in the making: what was recognised in a table, and what must be asked of the user."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from data.errors import BadConfig
from data.sources.base import Mapping
from data.sources.dates import YMD
from data.sources.evidence import Scale
from data.sources.mapping import BOOK_KEYS, FILE_KEY, NO_RATING_KEY, ORDER_KEY, READING_KEYS, SCALE_KEY

MAPPING_FILE = "mapping.toml"
_ORDER = (FILE_KEY, *READING_KEYS, ORDER_KEY, SCALE_KEY, NO_RATING_KEY, *BOOK_KEYS)
_N_SHOWN = 20  # tables that a message lists


@dataclass
class Draft:
    """What is known of a mapping so far.

    Attributes
    ----------
    readings, books, readings_files, books_file, scale, date_order
        As in `Mapping`.
    questions, book_questions
        Key of the mapping -> what to ask about it, of the readings and of the books.
    """

    readings: dict[str, str] = field(default_factory=dict)
    books: dict[str, str] = field(default_factory=dict)
    readings_files: tuple[str, ...] = ()
    books_file: str | None = None
    scale: Scale | None = None
    date_order: str = YMD
    questions: dict[str, str] = field(default_factory=dict)
    book_questions: dict[str, str] = field(default_factory=dict)

    def mapping(self) -> Mapping:
        """Return it as a mapping; only if there are no questions."""
        ends, no_rating = (self.scale.ends, self.scale.no_rating) if self.scale else (None, None)
        return Mapping(
            self.readings, self.books, self.books_file, ends, self.readings_files, no_rating, self.date_order
        )

    def refusal(self, path: Path, tables: Sequence[str]) -> BadConfig:
        """Return the error that shows what was found, and the mapping as far as it is known.

        Parameters
        ----------
        path
            The upload.
        tables
            What each table in it is (`data.sources.seen.Seen.described`).
        """
        found = "\n            ".join(tables[:_N_SHOWN])
        place = (path if path.is_dir() else path.parent) / MAPPING_FILE
        asked = ", ".join([*self.questions, *(f"{key} of the books" for key in self.book_questions)])
        return BadConfig(
            f"{path}: it is not certain which column means what.\n  found:    {found}\n  asked:    {asked}\n"
            f"  to do:    complete this, save it as {place}, and try again\n\n{self._toml()}"
        )

    def _toml(self) -> str:
        values: dict[str, object] = {}
        if self.readings_files:
            names = self.readings_files
            values[FILE_KEY] = names[0] if len(names) == 1 else list(names)
        values |= self.readings
        if self.scale:
            values[SCALE_KEY] = list(self.scale.ends)
            values |= {NO_RATING_KEY: self.scale.no_rating} if self.scale.no_rating else {}
        values |= {ORDER_KEY: self.date_order} if self.date_order != YMD else {}
        books: dict[str, object] = {FILE_KEY: self.books_file} if self.books_file else {}
        lines = ["[readings]", *_lines(values, self.questions)]
        if self.books or self.book_questions:
            lines += ["", "[books]", *_lines({**books, **self.books}, self.book_questions)]
        return "\n".join(lines) + "\n"


def _lines(values: dict[str, object], questions: dict[str, str]) -> list[str]:
    """Return one line per key: what is known, and an empty value with the question where it is not."""
    lines = []
    for key in sorted({*values, *questions}, key=_ORDER.index):
        value = json.dumps(values[key], ensure_ascii=False) if key in values else '""'
        lines.append(f"{key} = {value}" + (f"  # {questions[key]}" if key in questions else ""))
    return lines
