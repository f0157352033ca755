"""Commands about what is held: history, rejects, forget. They load polars and deltalake, neither Prefect nor torch."""

from __future__ import annotations

import argparse
import getpass
import json
import sys
from pathlib import Path
from typing import Any

import polars as pl

from data.erasure import FORGET
from data.errors import WagahaiError
from data.history import History, ReadingHistory
from data.schema import STATUSES
from data.spreadsheet import visible
from data.store import Store
from flows.tables import write_csv, write_json, write_table
from pipeline.account import report

DONE, STILL_HELD = 0, 3
SHOWN_TRACES = 20
_INGESTS = {
    "version": "version",
    "batch": "batch",
    "ingested_at": "ingested, UTC",
    "source": "source",
    "files": "files",
    "encoding": "encoding",
    "read_on": "read on",
}
_ROWS = {
    "version": "version",
    "n_rows": "rows",
    "n_kept": "readings kept",
    "n_merged": "merged",
    "n_rejected": "rejected",
    "n_new": "new",
    "n_changed": "changed",
    "n_new_readers": "new readers",
    "n_new_books": "new books",
}
_REJECTS = {"batch": "batch", "file": "file", "line": "line", "reason": "reason", "column": "column", "found": "found"}
_PREFIX = 8


# ---- history ----------------------------------------------------------------------------


def history(chosen: argparse.Namespace) -> int:
    """Print the versions of the history, or the account of one ingest."""
    store = Store.from_environment(chosen.store)
    latest = History(store.history).latest()
    if chosen.batch is not None:
        return _account(_batch(latest, chosen.batch), chosen.format)
    versions, totals = _versions(latest), _totals(latest)
    if chosen.format == "json":
        write_json({"store": str(store.root), **totals, "versions": versions})
    elif chosen.format == "csv":
        write_csv(versions, [name for name in versions[0] if name != "reasons"])
    else:
        write_table(_told(store.root, totals), [_short(row) for row in versions], _INGESTS)
        write_table("What became of their rows", versions, _ROWS)
    return DONE


def _versions(latest: ReadingHistory) -> list[dict[str, Any]]:
    """Return a record per version: what its ingest brought, or that it is of a forget."""
    rows = latest.batches.to_dicts()
    return [_record(row, latest.version - len(rows) + i) for i, row in enumerate(rows, start=1)]


def _record(row: dict[str, Any], version: int) -> dict[str, Any]:
    """Return a row of `batches` as plain values; a forget counts nothing."""
    first, last = row["first_read_on"], row["last_read_on"]
    told = {**row, "version": version, "ingested_at": f"{row['ingested_at']:%Y-%m-%d %H:%M:%S}"}
    told |= {"first_read_on": first and str(first), "last_read_on": last and str(last)}
    told |= {"read_on": f"{first} – {last}" if first else "", "reasons": json.loads(row["reasons"])}
    if row["source"] == FORGET:
        told |= {name: None for name in told if name.startswith("n_")} | {"files": "(a reader was forgotten)"}
    return told


def _short(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record as narrow as a table needs it."""
    source, namespace = record["source"], record["namespace"]
    named = source if namespace in (source, "") else f"{source} as {namespace}"
    return {**record, "batch": record["batch"][:_PREFIX], "ingested_at": record["ingested_at"][:16], "source": named}


def _totals(latest: ReadingHistory) -> dict[str, Any]:
    status = pl.col("status")
    counted = [(status == name).sum().alias(name) for name in STATUSES]
    found = latest.readings.select(
        pl.len().alias("n_readings"), pl.col("reader").n_unique().alias("n_readers"), *counted
    )
    totals = found.collect(engine="streaming").row(0, named=True)
    return {**totals, "n_books": latest.books.select(pl.len()).collect().item()}


def _told(root: Path, totals: dict[str, Any]) -> str:
    statuses = ", ".join(f"{totals[name]:,} {name}" for name in STATUSES if totals[name]) or "none"
    return (
        f"{root}: {totals['n_readings']:,} readings ({statuses}) of {totals['n_readers']:,} readers; "
        f"{totals['n_books']:,} books described"
    )


def _batch(latest: ReadingHistory, prefix: str) -> dict[str, Any]:
    """Return the record of the one batch whose id begins so."""
    found = [row for row in _versions(latest) if prefix and row["batch"].startswith(prefix)]
    if len(found) != 1:
        many = f"{len(found)} batches begin" if found else "no batch begins"
        raise WagahaiError(f"{many} with {prefix!r}; they are listed by: wagahai history")
    return found[0]


def _account(record: dict[str, Any], format_: str) -> int:
    """Print everything that is stored of one ingest."""
    if format_ == "json":
        write_json(record)
        return DONE
    plain = {**record, "reasons": json.dumps(record["reasons"], ensure_ascii=False)}
    if format_ == "csv":
        write_csv([plain], list(plain))
        return DONE
    sys.stdout.write(f"batch {record['batch']}, version {record['version']}, {record['ingested_at']} UTC\n")
    if record["source"] == FORGET:
        sys.stdout.write("  a reader was forgotten; earlier versions can no longer be opened\n")
        return DONE
    sys.stdout.write(visible(report(plain)) + "\n")
    kept = ("namespace", "key", "readings_version", "books_version", "rejects_version")
    sys.stdout.write(f"  {visible(', '.join(f'{name} {record[name]}' for name in kept))}\n")
    return DONE


# ---- rejects ----------------------------------------------------------------------------


def rejects(chosen: argparse.Namespace) -> int:
    """Print why rows were rejected, how many for each reason, and the first of them."""
    latest = History(Store.from_environment(chosen.store).history).latest()
    rows = latest.rejects
    if chosen.batch is not None:
        rows = rows.filter(pl.col("batch") == _batch(latest, chosen.batch)["batch"])
    if chosen.reason is not None:
        wanted = pl.lit(chosen.reason.lower())
        rows = rows.filter(pl.col("reason").str.to_lowercase().str.contains(wanted, literal=True))
    reasons = rows.group_by("reason").len("n").sort("n", "reason", descending=[True, False]).collect().to_dicts()
    n, total = chosen.n, sum(reason["n"] for reason in reasons)
    order = pl.DataFrame({"batch": latest.batches["batch"]}).with_row_index("nth").lazy()
    ordered = rows.join(order, on="batch").sort("nth", "file", "line").drop("nth")
    first = ordered.head(n).collect().select(list(_REJECTS)).to_dicts()
    if chosen.format == "json":
        write_json({"n_rejected": total, "reasons": reasons, "rows": first})
    elif chosen.format == "csv":
        write_csv(first, list(_REJECTS))
    elif not total:
        sys.stdout.write("no row was rejected\n")
    else:
        write_table(f"{total:,} rows rejected", reasons, {"reason": "reason", "n": "rows"})
        shown = [{**row, "batch": row["batch"][:_PREFIX]} for row in first]
        write_table(f"The first {len(first):,} (-n N for more)", shown, _REJECTS)
    return DONE


# ---- forget -----------------------------------------------------------------------------


def forget(chosen: argparse.Namespace) -> int:
    """Forget a reader, let one in again, or search for one; what is printed never holds the id."""
    from flows.progress import TerminalProgress
    from pipeline import forget as forgetting

    store, raw = Store.from_environment(chosen.store), _reader_id(chosen.reader)
    asked = {"namespace": chosen.namespace, "wait_seconds": chosen.wait}
    if chosen.readmit:
        forgetting.readmit(store, raw, **asked)
        sys.stdout.write("the reader is let in again, with the next file that names them and was not ingested before\n")
        return DONE
    with TerminalProgress() as progress:
        if chosen.check:
            proof = forgetting.check(store, raw, progress, **asked)
        else:
            done = forgetting.forget(store, raw, progress, **asked)
            proof = done.proof
    if chosen.check:
        _print_proof(store, proof)
        return DONE if proof.is_clean else STILL_HELD
    sys.stdout.write(
        f"removed {done.n_readings:,} readings from the history; deleted {done.n_artifacts:,} corpora, models and "
        f"evaluations, {done.n_releases:,} releases; the reader is not let in again\n"
    )
    _print_proof(store, proof)
    return STILL_HELD if proof.traces else DONE


def _reader_id(given: list[str]) -> str:
    """Return the id, from standard input for ``-``: a command line is kept by the shell and seen by others."""
    if len(given) != 1:
        raise WagahaiError("give one id, in quotes if it has blanks; or - to read it from standard input")
    if given[0] != "-":
        return given[0]
    return getpass.getpass("reader id (not shown): ") if sys.stdin.isatty() else sys.stdin.readline().strip()


def _print_proof(store: Store, proof: Any) -> None:
    """Print what was searched, and each place where the reader still is."""
    odd = "" if proof.is_odd else " (for the id itself, too plain to tell, only where readers and files are named)"
    sys.stdout.write(f"searched {proof.n_files:,} files: {len(proof.traces):,} hold this reader{odd}\n")
    lines = [f"  {trace.path}: {trace.where}" for trace in proof.traces[:SHOWN_TRACES]]
    for release in proof.learned:
        if not proof.is_forgotten:
            lines.append(f"release {release} learned from this reader")
        elif release == store.current:
            lines.append(
                f"release {release}, which serves, was trained before the forget; the next refresh replaces it"
            )
        else:
            lines.append(f"release {release} was trained before the forget; forget the reader again to delete it")
    lines += [f"inbox/{name}: the file names this reader; delete it, or the rows in it" for name in proof.inbox]
    sys.stdout.write("".join(f"{visible(line)}\n" for line in lines))
