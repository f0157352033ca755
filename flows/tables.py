"""Answers as a person or a program wants them: aligned table, CSV or JSON.

The table is drawn by rich, which knows that 猫 is two columns wide.
"""

from __future__ import annotations

import csv
import json
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

_TURNING = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"  # bidirectional overrides and isolates
OUTPUTS = ("table", "csv", "json")
_FORMULA = tuple("=+-@\t\r\n＝＋－＠")  # a Japanese spreadsheet takes the wide ones too


def visible(text: str) -> str:
    """Return `text` without what a terminal obeys or what turns the line round: titles and ids are untrusted."""
    obeyed = {c for c in text if c in _TURNING or (unicodedata.category(c) == "Cc" and c not in "\n\t")}
    return text.translate({ord(c): "\ufffd" for c in obeyed})


def write_json(value: object) -> None:
    """Write `value` as JSON to standard output, one object, non-ASCII as it is."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=1) + "\n")


def write_csv(records: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Write records as CSV with a header to standard output.

    A text that a spreadsheet would run as a formula is preceded by an apostrophe: titles are
    untrusted.
    """
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(columns)
    for record in records:
        writer.writerow([_harmless(record.get(column)) for column in columns])


def write_table(title: str, records: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> None:
    """Write records as a table to standard output; numbers are right-aligned.

    Parameters
    ----------
    columns
        Key of a record -> heading.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for key, heading in columns.items():
        numeric = all(isinstance(record.get(key), int | float | None) for record in records)
        table.add_column(heading, justify="right" if numeric else "left", no_wrap=numeric, overflow="fold")
    for record in records:
        table.add_row(*[Text(_shown(key, record.get(key))) for key in columns])
    console = Console(width=None if sys.stdout.isatty() else 120)
    with console.capture() as drawn:  # written by us: rich turns a closed pipe into exit code 1
        console.print(Text(visible(title)), soft_wrap=True)  # above the table, not in it: a narrow table would break it
        console.print(table)
    sys.stdout.write(drawn.get())


def _shown(key: str, value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.3f}"
    if isinstance(value, int) and key != "year":
        return f"{value:,}"
    return visible(str(value)).replace("\n", " ").replace("\t", " ")


def _harmless(value: object) -> object:
    if not isinstance(value, str):
        return value
    guard = "'" if value.startswith(_FORMULA) else ""
    # the csv module leaves a carriage return unquoted, where it would start a new row
    return guard + visible(value.replace("\r", " "))
