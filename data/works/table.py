"""Which books are the same work, with the evidence: a value, kept as frames."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from polars.exceptions import PolarsError

from data.artifact import MANIFEST, read_json, write_json
from data.errors import BadArtifact

KIND, FORMAT = "works", 2  # raise FORMAT when the same books would make other works
BOOKS = ("book", "work", "title_key", "context_key")
LINKS = ("one", "other", "rule", "value")
REFUSALS = (*LINKS, "why")
_TABLES = {"books": BOOKS, "links": LINKS, "refusals": REFUSALS}


@dataclass(frozen=True)
class Works:
    """Works of the books of one history.

    Attributes
    ----------
    books
        `book`, `work`, and folded for look-up `title_key` (the title) and `context_key` (with the authors); ordered by
        `book`. A work's id is the smallest id of its books.
    links
        `one` and `other` became one work by `rule`, sharing `value`; a tree over the books of each work.
    refusals
        `one` and `other` were considered under `rule`, and `why` they did not become one work.
    """

    books: pl.DataFrame
    links: pl.DataFrame
    refusals: pl.DataFrame

    def __post_init__(self) -> None:
        """Refuse frames of other columns."""
        for name, columns in _TABLES.items():
            found = dict(getattr(self, name).schema)
            if found != dict.fromkeys(columns, pl.String()):
                raise BadArtifact(f"works: table {name}: {found}, expected texts {', '.join(columns)}")

    @property
    def n_works(self) -> int:
        """Number of works."""
        return self.books["work"].n_unique()

    def of(self, books: pl.Series) -> pl.Series:
        """Return the work of each book; a book that nothing describes is a work of its own."""
        joined = pl.DataFrame({"book": books}).join(self.books, on="book", how="left", maintain_order="left")
        return joined.select(pl.coalesce("work", "book").alias("work")).to_series()

    def save(self, folder: Path, provenance: Mapping[str, object]) -> None:
        """Write the works into an empty folder."""
        for name in _TABLES:
            getattr(self, name).write_parquet(folder / f"{name}.parquet")
        sizes = {"n_books": len(self.books), "n_works": self.n_works, "n_refused": len(self.refusals)}
        by_rule = dict(sorted(self.links["rule"].value_counts().iter_rows()))
        manifest = {
            "kind": KIND,
            "format": FORMAT,
            "provenance": dict(provenance),
            "metrics": {**sizes, "joined": by_rule},
        }
        write_json(folder / MANIFEST, manifest)

    @classmethod
    def load(cls, folder: Path) -> Works:
        """Return the works saved in `folder`; BadArtifact if they are not ours."""
        manifest = read_json(folder / MANIFEST)
        if (found := (manifest.get("kind"), manifest.get("format"))) != (KIND, FORMAT):
            raise BadArtifact(f"{folder}: expected {KIND} of format {FORMAT}, found {found[0]} of format {found[1]}")
        try:
            return cls(*(pl.read_parquet(folder / f"{name}.parquet") for name in _TABLES))
        except (OSError, PolarsError) as error:
            raise BadArtifact(f"{folder}: cannot be read: {error}") from error
