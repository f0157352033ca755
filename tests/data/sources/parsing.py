"""What a source finds in a path, all parts together."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from data.progress import Quiet
from data.sources.base import NO_BOOKS, NO_READINGS, REJECT_COLUMNS, Options, Parsed, Source
from data.sources.upload import Upload

NOTHING = Parsed(NO_READINGS, NO_BOOKS, pl.DataFrame(schema=REJECT_COLUMNS), 0, "utf-8")


def parse(source: Source, path: Path, options: Options | None = None) -> Parsed:
    parts = list(source.parse(Upload.open(path), options or Options(), Quiet())) or [NOTHING]
    frames = {name: pl.concat([getattr(part, name) for part in parts]) for name in ("readings", "books", "rejects")}
    encoding = ", ".join(dict.fromkeys(part.encoding for part in parts))
    counts = {name: sum(getattr(part, name) for part in parts) for name in ("n_rows", "n_skipped")}
    return Parsed(encoding=encoding, rating_scale=parts[-1].rating_scale, **counts, **frames)


def text_of(parsed: Parsed) -> str:
    """Everything that left the source, to look for what must not."""
    return "".join(frame.write_ndjson() for frame in (parsed.readings, parsed.books, parsed.rejects))
