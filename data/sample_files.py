"""A simulated history as the files a book service would hand over, dirt included, with the truth beside them.

Every clean reading is in `readings.csv`. Damage comes as **additional** rows, about 0.3 % of the file, and
``truth.json`` says for every kind how many there are and how many of them an ingest must reject. Rows that
are only written differently (another date format, an unknown day, a full-width title) are counted too; none
is to be rejected.
"""

from __future__ import annotations

import csv
import datetime as dt
import html
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from data.planted import Simulation, Truth
from data.seeds import generator

Row = list[str]

HEADER: Row = ["user", "book", "finished", "stars"]
# Column of the catalogue: what the service calls it.
BOOK_HEADER = {
    "edition": "book", "title": "title", "authors": "author", "publisher": "publisher", "imprint": "label",
    "format": "format", "year": "published", "language": "lang", "series": "series", "volume": "volume",
}  # fmt: skip
UNKNOWN_DATE = "日付不明"
IDS = ("readers", "editions", "communities")
ARRAYS = tuple(f.name for f in fields(Truth) if f.name != "fit_gain")

MAPPING = """\
[readings]
reader = "user"
book = "book"
read_on = "finished"
rating = "stars"
rating_scale = [1, 5]
[books]
file = "books.csv"
book = "book"
title = "title"
authors = "author"
publisher = "publisher"
imprint = "label"
format = "format"
year = "published"
language = "lang"
series = "series"
volume = "volume"
"""

# Share of the clean readings added as rows of each kind that an ingest must reject; at least one row of each.
_REJECTED: Mapping[str, tuple[float, Callable[[Row, int], Row]]] = {
    "missing_user": (0.0003, lambda row, _: ["", *row[1:]]),
    "bad_date": (0.0004, lambda row, i: [*row[:2], ("2021-13-45", "2022-02-30", "soon")[i % 3], row[3]]),
    "rating_outside_scale": (0.0004, lambda row, i: [*row[:3], ("0", "11")[i % 2]]),
    "rating_not_a_number": (0.0002, lambda row, _: [*row[:3], "five"]),
    "too_many_fields": (0.0001, lambda row, _: [*row, "extra"]),
    "too_few_fields": (0.0001, lambda row, _: row[:2]),
    "unknown_book": (0.0003, lambda row, i: [row[0], f"withdrawn-{i + 1:03d}", *row[2:]]),
    "repeated_header": (0.0, lambda *_: HEADER),
}
# Share of the clean readings that is there twice: the same row again, or the book read again later.
_P_DUPLICATE, _P_REREAD = 0.0008, 0.0005
# Share of clean rows whose date is written otherwise.
_P_SLASHES, _P_MONTH_ONLY, _P_DATE_UNKNOWN = 0.05, 0.03, 0.02
# Share of books whose title is written in full-width characters, and with trailing spaces.
_P_FULL_WIDTH, _P_TRAILING = 0.04, 0.04
_TO_FULL_WIDTH = {code: code + 0xFEE0 for code in range(0x21, 0x7F)} | {0x20: 0x3000}


@dataclass(frozen=True)
class Dirt:
    """How many `rows` are of one kind, and how many of them an ingest must reject."""

    rows: int
    rejected: int


@dataclass(frozen=True)
class SampleFiles:
    """Paths of what `write_sample` wrote, and the counts by kind of `dirt` (as ``truth.json`` has them).

    `n_rows` counts the data rows of `readings`, that is without the first header; `n_readings` the clean
    ones.
    """

    readings: Path
    books: Path
    mapping: Path
    truth_arrays: Path
    truth_counts: Path
    n_rows: int
    n_readings: int
    dirt: Mapping[str, Dirt]


def write_sample(folder: Path, simulation: Simulation, catalogue: pl.DataFrame, seed: int) -> SampleFiles:
    """Write readings.csv, books.csv, mapping.toml, truth.npz and truth.json into `folder`.

    Files of these names are replaced; a missing folder is made. `simulation` is what
    `data.simulate.simulate` drew over `catalogue`; `seed` is the root seed of the dirt.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rng = generator(seed, "simulate/dirt")
    clean, dirt = _clean_rows(simulation.readings, rng)
    rows, added = _with_damage(clean, simulation.readings, rng)
    books, retitled = _book_rows(catalogue, rng)
    dirt |= added | retitled
    files = SampleFiles(
        readings=folder / "readings.csv",
        books=folder / "books.csv",
        mapping=folder / "mapping.toml",
        truth_arrays=folder / "truth.npz",
        truth_counts=folder / "truth.json",
        n_rows=len(rows),
        n_readings=len(clean),
        dirt=dirt,
    )
    # The byte order mark is what a service's "CSV for Excel" starts with.
    _write_csv(files.readings, [HEADER, *rows], "utf-8-sig")
    _write_csv(files.books, books, "utf-8")
    files.mapping.write_text(MAPPING, encoding="utf-8")
    _write_truth(files, simulation.truth)
    return files


def read_truth(folder: Path) -> Truth:
    """Return the truth that `write_sample` left in `folder`.

    Raises
    ------
    FileNotFoundError
        When `folder` holds no sample.
    """
    values: dict[str, Any] = json.loads((folder / "truth.json").read_text(encoding="utf-8"))["scalars"]
    with np.load(folder / "truth.npz", allow_pickle=False) as stored:
        values |= {name: tuple(stored[name].tolist()) if name in IDS else stored[name] for name in ARRAYS}
    return Truth(**values)


def _clean_rows(readings: pl.DataFrame, rng: np.random.Generator) -> tuple[list[Row], dict[str, Dirt]]:
    """Write every reading as a row, some dates in another form; count those."""
    forms = ("date_dashes", "date_slashes", "date_month_only", "date_unknown")
    patterns = ("%Y-%m-%d", "%Y/%m/%d", "%Y-%m", UNKNOWN_DATE)
    others = (_P_SLASHES, _P_MONTH_ONLY, _P_DATE_UNKNOWN)
    form = rng.choice(len(forms), size=readings.height, p=[1 - sum(others), *others])
    rows = [
        [reader, edition, read_on.strftime(patterns[kind]), "" if rating is None else str(rating)]
        for (reader, edition, read_on, rating, _), kind in zip(readings.iter_rows(), form, strict=True)
    ]
    return rows, {name: Dirt(int((form == kind).sum()), 0) for kind, name in enumerate(forms) if kind}


def _with_damage(
    clean: list[Row], readings: pl.DataFrame, rng: np.random.Generator
) -> tuple[list[Row], dict[str, Dirt]]:
    """Insert the additional rows at random places; count them by kind."""
    extra: list[Row] = []
    dirt: dict[str, Dirt] = {}
    for kind, (share, damage) in _REJECTED.items():
        n = max(1, round(share * len(clean)))
        extra += [damage(clean[at], i) for i, at in enumerate(rng.choice(len(clean), n, replace=False))]
        dirt[kind] = Dirt(n, n)
    again = rng.permutation(len(clean))[: max(1, round(_P_DUPLICATE * len(clean)))]
    extra += [clean[at] for at in again]
    dirt["exact_duplicate"] = Dirt(len(again), 0)
    reread = _rereads(clean, readings, rng)
    dirt["reread"] = Dirt(len(reread), 0)
    extra += reread
    # Never before the first row: a repeated header has to be inside the file.
    places = np.sort(rng.integers(1, len(clean), len(extra)))
    rows: list[Row] = []
    start = 0
    for place, at in zip(places, rng.permutation(len(extra)), strict=True):
        rows += [*clean[start:place], extra[at]]
        start = int(place)
    return rows + clean[start:], dirt


def _rereads(clean: list[Row], readings: pl.DataFrame, rng: np.random.Generator) -> list[Row]:
    """Rows of a book read again a year or more later, with the rating of the first time."""
    dates = readings["read_on"].to_list()
    # Only a first reading with a full date, and early enough that the second is in the past too.
    able = [i for i, row in enumerate(clean) if row[2].count("-") == 2 and dates[i] < dt.date(2023, 1, 1)]
    n = min(len(able), max(1, round(_P_REREAD * len(clean))))
    chosen = [able[i] for i in rng.choice(len(able), n, replace=False)]
    waits = rng.integers(365, 1000, n).tolist()
    later = [(dates[i] + dt.timedelta(days=wait)).isoformat() for i, wait in zip(chosen, waits, strict=True)]
    return [[*clean[i][:2], day, clean[i][3]] for i, day in zip(chosen, later, strict=True)]


def _book_rows(catalogue: pl.DataFrame, rng: np.random.Generator) -> tuple[list[Row], dict[str, Dirt]]:
    """Write the catalogue as the service prints it: header first; count the titles written otherwise."""
    wide = rng.random(catalogue.height) < _P_FULL_WIDTH
    trailing = rng.random(catalogue.height) < _P_TRAILING
    counts = {"title_full_width": 0, "title_html_entity": 0, "title_trailing_space": 0}
    rows = [list(BOOK_HEADER.values())]
    for i, row in enumerate(catalogue.select(BOOK_HEADER.keys()).iter_rows()):
        written = ["" if value is None else str(value) for value in row]
        title = html.escape(written[1])
        counts["title_html_entity"] += title != written[1]
        if wide[i] and title == written[1]:
            title = title.translate(_TO_FULL_WIDTH)
            counts["title_full_width"] += title != written[1]
        counts["title_trailing_space"] += int(trailing[i])
        rows.append([written[0], title + "  " * int(trailing[i]), *written[2:]])
    return rows, {kind: Dirt(n, 0) for kind, n in counts.items()}


def _write_csv(path: Path, rows: list[Row], encoding: str) -> None:
    with path.open("w", encoding=encoding, newline="") as handle:
        csv.writer(handle, lineterminator="\n").writerows(rows)


def _write_truth(files: SampleFiles, truth: Truth) -> None:
    # Ids become fixed-width text arrays, so that nothing in the archive needs pickle.
    arrays: dict[str, Any] = {name: np.asarray(getattr(truth, name)) for name in ARRAYS}
    np.savez_compressed(files.truth_arrays, **arrays)
    counts = {
        "n_rows": files.n_rows,
        "n_readings": files.n_readings,
        "n_rejected": sum(kind.rejected for kind in files.dirt.values()),
        "dirt": {kind: asdict(count) for kind, count in files.dirt.items()},
        "scalars": {"fit_gain": truth.fit_gain},
    }
    files.truth_counts.write_text(json.dumps(counts, indent=2) + "\n", encoding="utf-8")
