"""The steps of an ingest as one would write them in pandas, vectorised: the peer of `tests.benchmarks.ingest`.

Digest of the file; strict UTF-8; cells stripped and folded (NFKC); readers hashed once each with the same key; dates
of day, month or year checked and parsed; ratings checked; rejects with line and reason; of repeats of a reader and
book the better known, earlier date, the last rating, the number of days; a Delta table of the same columns.
"""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd  # noqa: TID251  # the peer
import pyarrow as pa
from deltalake import write_deltalake

from data.pseudonym import pseudonym

KEY = b"the key of a benchmark"
PAIR = ["reader", "book"]
PRECISIONS = np.array(["day", "month", "year", "unknown"])


def ingest(path: Path, folder: Path) -> tuple[int, int]:
    """Ingest a log (user, book, finished, stars); return the rows read and the readings kept."""
    with path.open("rb") as file:
        batch = hashlib.file_digest(file, "blake2b").hexdigest()[:16]
    rows = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
    rows = rows.rename(columns={"user": "reader", "finished": "read_on", "stars": "rating"})
    rows["line"] = np.arange(len(rows)) + 2
    for name in PAIR:
        rows[name] = rows[name].str.strip()
    for name in ("read_on", "rating"):
        rows[name] = rows[name].str.normalize("NFKC").str.strip()
    rows, reasons = _parsed(rows)
    rejects = rows.loc[reasons != "", ["line"]].assign(reason=reasons[reasons != ""])
    good = _merged(rows[reasons == ""])
    hashed = {raw: pseudonym(raw, "events", KEY) for raw in good["reader"].unique()}
    good["reader"], good["book"] = good["reader"].map(hashed), "events:" + good["book"]
    good = good.assign(status="read", source="events", batch=batch).rename(columns={"line": "position"})
    with tempfile.TemporaryDirectory(dir=folder) as store:
        write_deltalake(f"{store}/readings", pa.Table.from_pandas(good, preserve_index=False))
        write_deltalake(f"{store}/rejects", pa.Table.from_pandas(rejects, preserve_index=False))
    return len(rows), len(good)


def _parsed(rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series]:
    """Parse dates and ratings; return the rows and why each is rejected, empty where it is not."""
    parts = rows["read_on"].str.extract(r"^(\d{4})(?:[-/.](\d{1,2})(?:[-/.](\d{1,2}))?)?$")
    text = parts[0] + "-" + parts[1].fillna("1").str.zfill(2) + "-" + parts[2].fillna("1").str.zfill(2)
    days = pd.to_datetime(text, format="%Y-%m-%d", errors="coerce")
    rank = np.select([parts[2].notna(), parts[1].notna(), parts[0].notna()], [0, 1, 2], 3)
    ratings = pd.to_numeric(rows["rating"], errors="coerce")
    reasons = pd.Series("", index=rows.index)
    reasons[(rows["read_on"] != "") & days.isna()] = "date cannot be read"
    reasons[days.notna() & ~days.between("1450-01-01", pd.Timestamp.now())] = "date is out of range"
    reasons[(rows["rating"] != "") & ratings.isna()] = "rating is not a number"
    reasons[ratings.notna() & ~ratings.between(1, 5)] = "rating is outside 1 to 5"
    reasons[rows["reader"] == ""] = "no reader"
    reasons[rows["book"] == ""] = "no book"
    rated = ratings.notna()
    return rows.assign(
        read_on=days,
        read_on_precision=PRECISIONS[rank],
        rating=ratings.astype(np.float32),
        rating_min=np.where(rated, np.float32(1), np.float32(np.nan)),
        rating_max=np.where(rated, np.float32(5), np.float32(np.nan)),
        n_times=np.int32(1),
    ), reasons


def _merged(rows: pd.DataFrame) -> pd.DataFrame:
    """Return one row per reader and book; only repeats are grouped."""
    repeated = rows.duplicated(PAIR, keep=False)
    once, again = rows[~repeated], rows[repeated]
    rank = again["read_on_precision"].map({name: at for at, name in enumerate(PRECISIONS)})
    best = again.assign(rank=rank).sort_values(["rank", "read_on", "line"]).drop_duplicates(PAIR)
    pairs = again.groupby(PAIR, sort=False)
    known = pairs.agg(
        rating=("rating", "last"),
        rating_min=("rating_min", "last"),
        rating_max=("rating_max", "last"),
        n_days=("read_on", "nunique"),
        line=("line", "min"),
    )
    known["n_times"] = known["n_days"].clip(lower=1).astype(np.int32)
    merged = best[[*PAIR, "read_on", "read_on_precision"]].merge(known.drop(columns="n_days").reset_index(), on=PAIR)
    return pd.concat([once, merged[once.columns]], ignore_index=True)
