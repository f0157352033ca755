"""From files to the history: parse, pseudonymise, merge repeats, commit. Once per content."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars as pl

from data.digest import digest_of, digest_of_files
from data.editions import clean_text, work_key
from data.errors import BadConfig, BadFile, WagahaiError
from data.history import Batch, History
from data.progress import Progress
from data.pseudonym import key_fingerprint, pseudonymise
from data.schema import BOOKS, READINGS, REJECTS
from data.sources.base import Mapping, Parsed, Source
from data.store import KEY_VARIABLE, Store

LOCK = "history"
MIN_SHARE_GOOD = 0.5
N_REASONS = 3
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
    reasons
        The most frequent reasons of rejection, for a person.
    """

    account: dict[str, Any]
    unchanged: bool
    reasons: str = ""

    @property
    def verdict(self) -> str:
        """One line that says what happened."""
        a = self.account
        if self.unchanged:
            return f"unchanged: {a['files']} was ingested on {a['ingested_at']:%Y-%m-%d %H:%M} UTC; nothing to do"
        return (
            f"ingested {a['files']}: {a['n_rows']:,} rows, {a['n_kept']:,} readings kept ({a['n_new']:,} new, "
            f"{a['n_changed']:,} changed), {a['n_merged']:,} merged, {a['n_rejected']:,} rejected"
            + (f" ({self.reasons})" if self.reasons else "")
        )


def ingest(
    store: Store,
    path: Path,
    source: Source,
    progress: Progress,
    *,
    mapping: Mapping | None = None,
    namespace: str | None = None,
    wait_seconds: float = 600.0,
) -> Ingested:
    """Bring a source into the history, as one commit; the same content again changes nothing.

    Parameters
    ----------
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
        If the namespace holds a colon.
    StoreBusy
        If another ingest is still running after `wait_seconds`.
    """
    namespace = namespace or source.name
    if ":" in namespace:
        raise BadConfig(f"namespace {namespace!r}: a colon ends the namespace in the id of a book; leave it out")
    mapping = source.mapping_for(path, mapping)
    settings = [source.name, source.version, namespace, asdict(mapping) if mapping else None]
    with store.lock(LOCK, wait_seconds=wait_seconds):
        files = source.files(path, mapping)
        batch = digest_of([digest_of_files(files), settings])
        history = History(store.history)
        history.recover()
        if (known := history.account(batch)) is not None:
            return Ingested(known, unchanged=True)
        key = store.reader_key()
        _check_key(history, key)
        parsed = source.parse(path, mapping, progress)
        _refuse_empty(path, parsed)
        account = {"batch": batch, "source": source.name, "namespace": namespace, "encoding": parsed.encoding}
        account["key"] = key_fingerprint(key)
        account["files"] = ", ".join(file.name for file in files)
        progress.start("write history", 1)
        committed = history.commit(_batch(account, parsed, namespace, key))
        progress.finish(f"{committed['n_new']:,} new readings")
    return Ingested(committed, unchanged=False, reasons=_reasons(parsed.rejects))


def _refuse_empty(path: Path, parsed: Parsed) -> None:
    """Refuse a source of which most rows are no usable reading: it was mapped or exported wrongly."""
    n_good = len(parsed.readings)
    if n_good > MIN_SHARE_GOOD * parsed.n_rows or (parsed.n_rows == 0 and len(parsed.books)):  # books alone: fine
        return
    why = _reasons(parsed.rejects)
    raise BadFile(
        path,
        found=f"{parsed.n_rows:,} rows, {n_good:,} of them usable readings" + (f" ({why})" if why else ""),
        expected=f"usable readings in more than {MIN_SHARE_GOOD:.0%} of the rows",
        remedy="check the mapping of the columns, and how the file was exported",
    )


def _reasons(rejects: pl.DataFrame) -> str:
    """The most frequent reasons with their numbers of rows."""
    counted = rejects["reason"].value_counts(sort=True).head(N_REASONS).rows()
    return "; ".join(f"{n:,} {reason}" for reason, n in counted)


def _check_key(history: History, key: bytes) -> None:
    """Refuse another key than the history was made with: every reader would silently become two."""
    known = history.keys()
    if known - {key_fingerprint(key)}:
        raise WagahaiError(
            f"the readers of {history.folder} were pseudonymised with another key; set ${KEY_VARIABLE} to that key, "
            "or unset it to use the store's own"
        )


def _batch(account: dict[str, Any], parsed: Parsed, namespace: str, key: bytes) -> Batch:
    label = {"source": account["source"], "batch": account["batch"]}
    readings = _readings(parsed, label, namespace, key)
    rejects = _rejects(parsed.rejects, label["batch"])
    n_good = len(parsed.readings)
    counts = {
        "n_rows": parsed.n_rows,
        "n_kept": len(readings),
        "n_merged": n_good - len(readings),
        "n_rejected": len(rejects),
        "first_read_on": readings["read_on"].min(),
        "last_read_on": readings["read_on"].max(),
    }
    return Batch({**account, **counts}, readings, _books(parsed, label, namespace), rejects)


def _rejects(rejects: pl.DataFrame, batch: str) -> pl.DataFrame:
    """Keep of the value at fault only what cannot be a reader or a review: a short number or date, or its length.

    A shifted column puts anything anywhere: ids into ratings, reviews into dates.
    """
    said, found = pl.col("column").is_null(), pl.col("found")  # no column at fault: the source's own words
    safe = found.str.contains(SAFE_FOUND) & pl.col("column").is_in(["rating", "read_on"])
    length = pl.format("({} characters)", found.str.len_chars())
    kept = pl.when(said & found.str.contains(r"^[0-9]+ [a-z ,0-9]+$") | safe).then(found).otherwise(length)
    return rejects.with_columns(pl.lit(batch).alias("batch"), kept.alias("found")).select(list(REJECTS.dtypes))


def _readings(parsed: Parsed, label: dict[str, str], namespace: str, key: bytes) -> pl.DataFrame:
    """One row per reader and book: last status and the dates of that status, last known rating."""
    low, high = parsed.rating_scale or (None, None)
    last_known_rating = pl.col("rating").drop_nulls().last()
    of_status = pl.col("status") == pl.col("status").last().over("reader", "book")
    merged = (
        pseudonymise(parsed.readings.with_row_index("position"), namespace, key)
        .with_columns(  # the day of a wish is not the day of a reading
            pl.when(of_status).then("read_on").alias("read_on"),
            pl.when(of_status).then("read_on_precision").otherwise(pl.lit("unknown")).alias("read_on_precision"),
        )
        .group_by("reader", "book", maintain_order=True)
        .agg(
            pl.col("read_on").min(),
            pl.col("read_on_precision").sort_by("read_on", nulls_last=True, maintain_order=True).first(),
            last_known_rating,
            pl.col("status").last(),
            pl.col("read_on").drop_nulls().n_unique().clip(lower_bound=1).cast(pl.Int32).alias("n_times"),
            pl.col("position").min().cast(pl.Int64),
        )
    )
    rated = pl.col("rating").is_not_null()
    return merged.with_columns(
        (pl.lit(f"{namespace}:") + pl.col("book")).alias("book"),
        pl.when(rated).then(pl.lit(low, pl.Float32)).alias("rating_min"),
        pl.when(rated).then(pl.lit(high, pl.Float32)).alias("rating_max"),
        *[pl.lit(value).alias(name) for name, value in label.items()],
    ).select(list(READINGS.dtypes))


def _books(parsed: Parsed, label: dict[str, str], namespace: str) -> pl.DataFrame:
    books = parsed.books.unique("book", keep="first", maintain_order=True)
    titles = [clean_text(title) for title in books["title"]]
    works = [
        f"{namespace}:{work}" if work else work_key(title, authors)
        for work, title, authors in zip(books["work"], titles, books["authors"], strict=True)
    ]
    return books.with_columns(
        (pl.lit(f"{namespace}:") + pl.col("book")).alias("book"),
        pl.Series("title", titles, dtype=pl.String),
        pl.Series("work", works, dtype=pl.String),
        pl.col("format").fill_null("unknown"),
        *[pl.lit(value).alias(name) for name, value in label.items()],
    ).select(list(BOOKS.dtypes))
