"""From files to the history: parse, pseudonymise, merge repeats, commit. Once per content, part by part."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars as pl

from data.ahead import ahead
from data.digest import digest_of, digest_of_files
from data.errors import BadConfig, BadFile, WagahaiError
from data.history import Commit, History
from data.merging import merge_repeats
from data.progress import Progress
from data.pseudonym import Pseudonyms, key_fingerprint
from data.schema import BOOKS, READINGS, REJECTS
from data.sources.base import Options, Parsed, Source
from data.sources.upload import SourceFile, Upload
from data.spill import Spill
from data.store import KEY_VARIABLE, Store
from data.suppression import Suppressed
from pipeline.account import Tally, told_reasons

LOCK = "history"
MIN_SHARE_GOOD = 0.5
SHARD_READINGS = 2_000_000  # of the batch or of the history, whichever has more: what a merge holds in memory
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
    settings = [source.name, source.version, namespace, asdict(options)]
    layout = digest_of(asdict(options.mapping)) if options.mapping else ""
    with store.lock(LOCK, wait_seconds=wait_seconds):
        paths = list(dict.fromkeys(file.path for file in files))
        batch = digest_of([digest_of_files(paths), settings])
        history = History(store.history)
        history.recover()
        if (known := history.account(batch)) is not None:
            return Ingested(known, unchanged=True)
        key = store.reader_key()
        _check_key(history, key)
        if chosen is None:
            _check_layout(history, namespace, layout)
        intake = _Intake(batch, source, namespace, Pseudonyms(namespace, key), Suppressed.of(store), files)
        with _scratch(store) as folder:
            spill = Spill(folder)
            for part in ahead(source.parse(upload, options, progress)):
                intake.take(part, spill)
            _refuse_empty(path, intake.tally)
            account = {"batch": batch, "source": source.name, "namespace": namespace, "files": _named(source, paths)}
            account |= {"key": key_fingerprint(key), "layout": layout}
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
        files: list[SourceFile],
    ) -> None:
        self.label = {"source": source.name, "batch": batch}
        self.namespace, self.tally = namespace, Tally()
        self._masks = {file.name: f"file {i}" for i, file in enumerate(files, 1)} if source.names_readers else {}
        self._pseudonyms, self._suppressed, self._position = pseudonyms, suppressed, 0

    def take(self, part: Parsed, spill: Spill) -> None:
        """Spill a part; raw reader ids go no further."""
        self.tally.took(part)
        rejects = _safe(part.rejects).with_columns(
            pl.lit(self.label["batch"]).alias("batch"),
            pl.col("file").replace(self._masks) if self._masks else pl.col("file"),
        )
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
    n_shards = -(-max(spill.n_readings, history.n_readings()) // SHARD_READINGS) or 1
    commit: Commit = history.begin(intake.namespace)
    progress.start("write history", n_shards)
    books = spill.books().sort("book") if intake.tally.n_described else BOOKS.empty()
    for rows in books.iter_slices(BOOK_SLICE):
        commit.add_books(rows)
    for rows in ahead(intake.shard(shard) for shard in spill.shards(n_shards)):
        commit.add_readings(rows)
        progress.advance()
    for rows in spill.rejects():
        commit.add_rejects(rows)
    committed = commit.finish({**account, **intake.tally.columns()})
    progress.finish(f"{committed['n_new']:,} new readings")
    return committed


def _named(source: Source, paths: list[Path]) -> str:
    """Name what was ingested, but not after readers."""
    if source.names_readers:
        return f"{len(paths):,} files" if len(paths) > 1 else "1 file"
    return ", ".join(path.name for path in paths[:MAX_NAMED]) + f" and {len(paths) - MAX_NAMED:,} more" * (
        len(paths) > MAX_NAMED
    )


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


def _refuse_empty(path: Path, tally: Tally) -> None:
    """Refuse a source of which most rows are no usable reading: it was mapped or exported wrongly."""
    n_good = tally.n_good + tally.n_forgotten
    if n_good > MIN_SHARE_GOOD * tally.n_rows or (tally.n_rows == 0 and tally.n_described):  # books alone: fine
        return
    why = told_reasons(tally.reasons)
    raise BadFile(
        path,
        found=f"{tally.n_rows:,} rows, {n_good:,} of them usable readings" + (f" ({why})" if why else ""),
        expected=f"usable readings in more than {MIN_SHARE_GOOD:.0%} of the rows",
        remedy="check the mapping of the columns, and how the file was exported",
    )


def _check_key(history: History, key: bytes) -> None:
    """Refuse another key than the history was made with: every reader would silently become two."""
    if history.keys() - {key_fingerprint(key)}:
        raise WagahaiError(
            f"the readers of {history.folder} were pseudonymised with another key; set ${KEY_VARIABLE} to that key, "
            "or unset it to use the store's own"
        )


def _check_layout(history: History, namespace: str, layout: str) -> None:
    """Refuse a table of other columns under a name it was not given: readers of two services would become one."""
    for batch in history.accounts():
        if batch["namespace"] == namespace and batch["layout"] != layout:
            raise BadConfig(
                f"{batch['files']}, a table of other columns, was ingested as {namespace}. Pass --namespace NAME if "
                f"this one is of another service, --namespace {namespace} if the same reader has the same id in both"
            )


def _safe(rejects: pl.DataFrame) -> pl.DataFrame:
    """Keep of the value at fault only what cannot be a reader or a review: a short number or date, or its length.

    A shifted column puts anything anywhere: ids into ratings, reviews into dates.
    """
    said, found = pl.col("column").is_null(), pl.col("found")  # no column at fault: the source's own words
    safe = found.str.contains(SAFE_FOUND) & pl.col("column").is_in(["rating", "read_on"])
    length = pl.format("({} characters)", found.str.len_chars())
    kept = pl.when(said & found.str.contains(r"^[0-9]+ [a-z ,0-9]+$") | safe).then(found).otherwise(length)
    return rejects.with_columns(kept.alias("found"))
