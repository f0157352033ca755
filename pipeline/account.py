"""The account of an ingest: every row that came, and what became of it."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

import polars as pl

from data.schema import STATUSES
from data.sources.base import Parsed

N_EXAMPLES = 3
N_REASONS = 5


class Tally:
    """Counts what an ingest takes in and keeps, part by part."""

    def __init__(self) -> None:
        self.n_rows = self.n_skipped = self.n_forgotten = self.n_good = self.n_kept = self.n_rejected = (
            self.n_described
        ) = 0
        self._reasons: Counter[str] = Counter()
        self._examples: dict[str, list[str]] = {}
        self._statuses: Counter[str] = Counter()
        self._days: list[dt.date] = []
        self._encodings: dict[str, None] = {}

    def took(self, part: Parsed) -> None:
        """Count a part of a source; its rejects are counted apart."""
        self.n_rows += part.n_rows
        self.n_skipped += part.n_skipped
        self.n_good += part.readings.height
        self.n_described += part.books.height
        self._encodings.update(dict.fromkeys(part.encoding.split(", ")))

    def forgot(self, n_rows: int) -> None:
        """Count usable rows that are not kept because their readers were forgotten."""
        self.n_forgotten += n_rows
        self.n_good -= n_rows

    def rejected(self, rejects: pl.DataFrame) -> None:
        """Count rejects (`data.schema.REJECTS`, values at fault already made safe)."""
        self.n_rejected += rejects.height
        for (reason,), rows in rejects.group_by("reason", maintain_order=True):
            self._reasons[str(reason)] += rows.height
            examples = self._examples.setdefault(str(reason), [])
            for file, line, found in rows.head(N_EXAMPLES - len(examples)).select("file", "line", "found").iter_rows():
                examples.append(f"{file}:{line}" + (f" {found}" if found else ""))

    def kept(self, readings: pl.DataFrame) -> None:
        """Count readings that go into the history."""
        self.n_kept += readings.height
        self._statuses.update(dict(readings["status"].value_counts().iter_rows()))
        days = readings["read_on"]
        self._days = [day for day in (*self._days, days.min(), days.max()) if isinstance(day, dt.date)]
        self._days = [min(self._days), max(self._days)] if self._days else []

    @property
    def reasons(self) -> list[dict[str, Any]]:
        """Reasons of rejection, most frequent first, with examples."""
        return [{"reason": why, "n": n, "examples": self._examples[why]} for why, n in self._reasons.most_common()]

    def columns(self) -> dict[str, Any]:
        """Return what the table `batches` stores of it."""
        first, last = self._days or (None, None)
        return {
            "encoding": ", ".join(self._encodings),
            "n_rows": self.n_rows,
            "n_kept": self.n_kept,
            "n_merged": self.n_good - self.n_kept,
            "n_rejected": self.n_rejected,
            "n_skipped": self.n_skipped,
            "n_forgotten": self.n_forgotten,
            **{f"n_{status}": self._statuses[status] for status in STATUSES},
            "first_read_on": first,
            "last_read_on": last,
            "reasons": json.dumps(self.reasons, ensure_ascii=False),
        }


def told_reasons(reasons: list[dict[str, Any]]) -> str:
    """Return the most frequent reasons with their numbers of rows, in one line."""
    return "; ".join(f"{reason['n']:,} {reason['reason']}" for reason in reasons[:N_REASONS])


def report(account: Mapping[str, Any]) -> str:
    """Return the account of an ingest (a row of `batches`) as a person reads it, a line a fact."""
    a = account
    others = [f"{a[f'n_{status}']:,} {status}" for status in STATUSES if a[f"n_{status}"]]
    days = f"{a['first_read_on']} to {a['last_read_on']}" if a["first_read_on"] else "no dates"
    lines = [
        ("rows", a["n_rows"], f"{a['files']} ({a['source']}, {a['encoding']})"),
        *([(" ", None, a["explained"])] if a["explained"] else []),
        ("kept", a["n_kept"], f"{a['n_new']:,} new, {a['n_changed']:,} changed; {', '.join(others) or 'none'}; {days}"),
        ("merged", a["n_merged"], "repeats of one reader and book: re-readings, renewals, rows given twice"),
        ("rejected", a["n_rejected"], f"wagahai rejects {a['batch']}" if a["n_rejected"] else ""),
    ]
    lines += [(" ", why["n"], f"{why['reason']}: {', '.join(why['examples'])}") for why in json.loads(a["reasons"])]
    if a["n_skipped"]:
        lines.append(("skipped", a["n_skipped"], "no readings, and not meant to be: returns, fees"))
    if a["n_forgotten"]:
        lines.append(("forgotten", a["n_forgotten"], "rows of readers who were forgotten, not kept"))
    lines += [
        ("readers", a["n_new_readers"], "that were not in the history"),
        ("books", a["n_new_books"], f"that were not in the history; {a['n_books']:,} descriptions written"),
    ]
    counts = ["" if n is None else f"{n:,}" for _, n, _ in lines]
    return "\n".join(f"  {name:<9}{n:>13}  {text}".rstrip() for (name, _, text), n in zip(lines, counts, strict=True))
