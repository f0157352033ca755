"""Small batches to commit to a history."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import polars as pl

from data.history import History
from data.schema import BOOKS, READINGS, REJECTS, STATUSES

STATUS_COUNTS = dict.fromkeys((f"n_{status}" for status in STATUSES), 0)
READING = {
    "read_on": None,
    "read_on_precision": "day",
    "rating": None,
    "rating_min": None,
    "rating_max": None,
    "status": "read",
    "n_times": 1,
    "source": "tsv",
}
BOOK: dict[str, Any] = {column.name: None for column in BOOKS.columns} | {
    "title": "T",
    "format": "unknown",
    "work": "w",
    "source": "tsv",
}


@dataclass(frozen=True)
class Batch:
    """An ingest, ready to be committed."""

    account: dict[str, Any]
    readings: pl.DataFrame
    books: pl.DataFrame
    rejects: pl.DataFrame

    def commit(self, history: History) -> dict[str, Any]:
        """Commit it; return its account."""
        commit = history.begin(self.account["namespace"])
        commit.add_books(self.books)
        commit.add_readings(self.readings)
        commit.add_rejects(self.rejects)
        return commit.finish(self.account)


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def batch(
    name: str,
    readings: list[dict[str, Any]],
    books: list[dict[str, Any]] | None = None,
    rejects: list[dict[str, Any]] | None = None,
) -> Batch:
    """A batch whose id is `name`; rows give what differs from the defaults."""
    account = {
        "batch": name,
        "source": "tsv",
        "namespace": "tsv",
        "layout": "",
        "explained": "",
        "key": "k",
        "files": "a.tsv",
        "encoding": "utf-8",
        "n_rows": len(readings),
        "n_kept": len(readings),
        "n_merged": 0,
        "n_rejected": len(rejects or ()),
        "n_skipped": 0,
        "n_forgotten": 0,
        **STATUS_COUNTS,
        "reasons": "[]",
        "first_read_on": None,
        "last_read_on": None,
    }
    label = {"batch": name}
    read = [{**READING, **label, "position": i, **row} for i, row in enumerate(readings)]
    described = [{**BOOK, **label, **row} for row in books or ()]
    refused = [{**label, "file": "a.tsv", "column": None, "found": None, **row} for row in rejects or ()]
    return Batch(
        account,
        pl.DataFrame(read, schema=READINGS.dtypes),
        pl.DataFrame(described, schema=BOOKS.dtypes),
        pl.DataFrame(refused, schema=REJECTS.dtypes),
    )
