"""From files to the history: parse, pseudonymise, merge repeats, commit. Once per content, part by part."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars as pl

from data.ahead import ahead
from data.digest import digest_of, digest_of_files
from data.errors import BadConfig, BadFile
from data.history import Commit, History
from data.merging import merge_repeats
from data.progress import Progress
from data.pseudonym import Pseudonyms, key_fingerprint, range_ends
from data.schema import BOOKS, READINGS, REJECTS
from data.sources.base import Options, Parsed, Source
from data.sources.names import decoded_name
from data.sources.upload import SourceFile, Upload
from data.spill import Spill
from data.store import Store
from data.suppression import Suppressed
from pipeline.account import Tally
from pipeline.refusals import (
    refuse_another_key,
    refuse_another_reader,
    refuse_another_table,
    refuse_empty,
    refuse_two_readers,
)

LOCK = "history"
BOOK_SLICE = 250_000
MAX_NAMED = 10  # files
SAFE_FOUND = r"^-?[0-9]{1,4}([-./年][0-9]{1,2}){0,2}([月日][0-9]{0,2}日?)?$"


@dataclass(frozen=True)
class Ingested:
    """The outcome of one ingest.

    Attributes
    ----------
    account
        The row of the table `batches`.
    unchanged
        Whether the same content had been ingested before, so that nothing was done.
    """

    account: dict[str, Any]
    unchanged: bool

    @property
    def verdict(self) -> str:
        """One line that says what happened."""
        a = self.account
        if self.unchanged:
            return f"unchanged: {a['files']} was ingested on {a['ingested_at']:%Y-%m-%d %H:%M} UTC; nothing to do"
        return (
            f"ingested {a['files']}: {a['n_rows']:,} rows, {a['n_kept']:,} readings kept ({a['n_new']:,} new, "
            f"{a['n_changed']:,} changed), {a['n_merged']:,} merged, {a['n_rejected']:,} rejected"
        )


def ingest(
    store: Store,
    path: Path,
    source: Source,
    progress: Progress,
    *,
    options: Options | None = None,
    namespace: str | None = None,
    wait_seconds: float = 600.0,
) -> Ingested:
    """Bring a source into the history, as one commit; the same content again changes nothing.

    Parameters
    ----------
    options
        What the user says about the upload.
    namespace
        Prefix that tells the readers and books of this source from those of others; the format's name
        by default. Two exports of one service share a namespace.
    wait_seconds
        How long to wait for another ingest into the same store.

    Raises
    ------
    BadFile
        If a file is refused; the history is as it was.
    BadConfig
        If the namespace holds a colon, or none is given and a table of other columns has the default one.
    StoreBusy
        If another ingest is still running after `wait_seconds`.
    """
    chosen, namespace = namespace, namespace or source.name
    if ":" in namespace:
        raise BadConfig(f"namespace {namespace!r}: a colon ends the namespace in the id of a book; leave it out")
    upload = Upload.open(path)
    options = source.options_for(upload, options or Options())
    files = source.files(upload, options)
    settings = [source.name, source.version, namespace, asdict(options.mapping) if options.mapping else None]
    layout = digest_of([options.mapping.readings, options.mapping.books]) if options.mapping else ""
    refuse_two_readers(source, options)
    with store.lock(LOCK, wait_seconds=wait_seconds):
        key = store.reader_key()
        pseudonyms = Pseudonyms(namespace, key)
        paths = list(dict.fromkeys(file.path for file in files))
        # of a personal export the name says who read: equal exports of two readers are two batches
        named = [pseudonyms.of(options.reader_of(file)) for file in files] if _is_personal(source, options) else []
        seen = _states(paths)
        batch = digest_of([digest_of_files(paths), settings, named])
        history = History(store.history)
        history.recover()
        if (known := history.account(batch)) is not None:
            return Ingested(known, unchanged=True)
        refuse_another_key(history, key)
        if chosen is None:
            refuse_another_table(history, namespace, layout)
        intake = _Intake(batch, source, namespace, pseudonyms, Suppressed.of(store), _masks(source, options, files))
        with _scratch(store) as folder:
            spill = Spill(folder)
            for part in ahead(source.parse(upload, options, progress)):
                intake.take(part, spill)
            refuse_empty(path, intake.tally)
            if _states(paths) != seen:
                raise BadFile(path, found="a file that is still written to", expected="a whole file", remedy="wait")
            if source.names_readers and options.reader is None:
                refuse_another_reader(history, spill, namespace)
            names = _named(paths) if not intake.masks else f"{len(paths):,} file" + "s" * (len(paths) > 1)
            account = {"batch": batch, "source": source.name, "namespace": namespace, "files": names}
            account |= {"key": key_fingerprint(key), "layout": layout, "explained": source.explains(upload, options)}
            committed = _commit(history, account, intake, spill, progress)
    return Ingested(committed, unchanged=False)


class _Intake:
    """Makes rows of the history's tables from the parts of a source, and counts them."""

    def __init__(
        self,
        batch: str,
        source: Source,
        namespace: str,
        pseudonyms: Pseudonyms,
        suppressed: Suppressed,
        masks: dict[str, str],
    ) -> None:
        self.label = {"source": source.name, "batch": batch}
        self.namespace, self.tally = namespace, Tally()
        self.masks = masks
        self._pseudonyms, self._suppressed, self._position = pseudonyms, suppressed, 0

    def take(self, part: Parsed, spill: Spill) -> None:
        """Spill a part; raw reader ids go no further."""
        self.tally.took(part)
        rejects = _safe(part.rejects).with_columns(pl.lit(self.label["batch"]).alias("batch"))
        if self.masks and rejects.height:
            names = {name: self.masks.get(name, name) for name in rejects["file"].unique()}
            rejects = rejects.with_columns(pl.col("file").replace(names))
        self.tally.rejected(rejects)
        spill.add(self._readings(part), self._books(part.books), rejects.select(list(REJECTS.dtypes)))

    def shard(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return the rows of the table `readings` from all that was spilled of some readers."""
        merged = merge_repeats(rows).with_columns(
            (pl.lit(f"{self.namespace}:") + pl.col("book")).alias("book"),
            *[pl.lit(value).alias(name) for name, value in self.label.items()],
        )
        self.tally.kept(merged)
        return merged.select(list(READINGS.dtypes))

    def _readings(self, part: Parsed) -> pl.DataFrame:
        low, high = part.rating_scale or (None, None)
        first, self._position = self._position, self._position + part.readings.height
        rated = pl.col("rating").is_not_null()
        rows = part.readings.drop("file", "line").with_columns(
            pl.when(rated).then(pl.lit(low, pl.Float32)).alias("rating_min"),
            pl.when(rated).then(pl.lit(high, pl.Float32)).alias("rating_max"),
            pl.int_range(first, self._position, dtype=pl.Int64).alias("position"),
        )
        kept, n_forgotten = self._suppressed.without_suppressed(self._pseudonyms.put(rows))
        self.tally.forgot(n_forgotten)
        return kept

    def _books(self, books: pl.DataFrame) -> pl.DataFrame:
        prefix = pl.lit(f"{self.namespace}:")
        named = [  # ids that say who gave them are shared by sources
            pl.when(pl.col(name).str.contains(":", literal=True))
            .then(name)
            .otherwise(prefix + pl.col(name))
            .alias(name)
            for name in ("work", "edition")
        ]
        return books.with_columns(
            (prefix + pl.col("book")).alias("book"),
            *named,
            pl.col("format").fill_null("unknown"),
            *[pl.lit(value).alias(name) for name, value in self.label.items()],
        ).select(list(BOOKS.dtypes))


def _commit(
    history: History, account: dict[str, Any], intake: _Intake, spill: Spill, progress: Progress
) -> dict[str, Any]:
    """Write all that was spilled, and commit it."""
    ends = range_ends(max(spill.n_readings, history.n_readings()))
    commit: Commit = history.begin(intake.namespace)
    progress.start("write history", len(ends) + 1)
    books = spill.books().sort("book") if intake.tally.n_described else BOOKS.empty()
    for rows in books.iter_slices(BOOK_SLICE):
        commit.add_books(rows)
    for rows in ahead(intake.shard(shard) for shard in spill.shards(ends)):
        commit.add_readings(rows)
        progress.advance()
    for rows in spill.rejects():
        commit.add_rejects(rows)
    committed = commit.finish({**account, **intake.tally.columns()})
    progress.finish(f"{committed['n_new']:,} new readings")
    return committed


def _named(paths: list[Path]) -> str:
    """Name what was ingested."""
    names = [decoded_name(os.fsencode(path.name)) for path in paths[:MAX_NAMED]]
    return ", ".join(names) + f" and {len(paths) - MAX_NAMED:,} more" * (len(paths) > MAX_NAMED)


def _masks(source: Source, options: Options, files: list[SourceFile]) -> dict[str, str]:
    """Return what stands for the names of files where those may be readers' ids."""
    if not _is_personal(source, options):
        return {}
    return {file.name: f"file {i}" for i, file in enumerate(files, 1)}


def _is_personal(source: Source, options: Options) -> bool:
    """Say whether the files are of readers who are not named in their rows."""
    return source.names_readers or options.reader is not None


def _states(paths: list[Path]) -> list[tuple[int, int]]:
    """Size and time of change of files: a file that changes while it is read is not what its digest says."""
    return [((state := path.stat()).st_size, state.st_mtime_ns) for path in paths]


@contextmanager
def _scratch(store: Store) -> Iterator[Path]:
    """Give a folder of the store that is gone afterwards; what killed ingests left goes too."""
    folder = store.scratch
    shutil.rmtree(folder, ignore_errors=True)  # ours alone: the lock on the history is held
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _safe(rejects: pl.DataFrame) -> pl.DataFrame:
    """Keep of the value at fault only what cannot be a reader or a review: a short number or date, or its length.

    A shifted column puts anything anywhere: ids into ratings, reviews into dates.
    """
    said, found = pl.col("column").is_null(), pl.col("found")  # no column at fault: the source's own words
    safe = found.str.contains(SAFE_FOUND) & pl.col("column").is_in(["rating", "read_on"])
    length = pl.format("({} characters)", found.str.len_chars())
    kept = pl.when(said & found.str.contains(r"^[0-9]+ [a-z ,0-9]+$") | safe).then(found).otherwise(length)
    return rejects.with_columns(kept.alias("found"))
