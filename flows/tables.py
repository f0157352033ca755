"""Answers as a person or a program wants them: aligned table, CSV or JSON.

The table is drawn by rich, which knows that 猫 is two columns wide.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from data.spreadsheet import harmless, visible

OUTPUTS = ("table", "csv", "json")


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
        writer.writerow([harmless(record.get(column)) for column in columns])


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
