"""The page of what is predicted and how sure that is: can it be trusted, where is it unsure, would more data help.

The page describes the release, and is made from the release, the one before it, and the forecasts of each rating that
the release was judged by, which lie in the store: a release holds no row of a reader. Where they are gone the page says
so. Nothing on it names a reader: readers are groups, and groups of few are not told.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from data.release import Release
from data.store import Store
from pipeline.changes import previous_release
from pipeline.disclosure import least_told
from pipeline.doubt_config import RATING, WILL_READ
from pipeline.judge_rating import KIND as QUALITY
from pipeline.judge_rating import NET, STRONGEST, RatingQuality
from pipeline.rating_calibration import calibration_gain, coverage_curve, gains_over, pit_with_band
from pipeline.rating_doubt import doubt_map, foreign, parts_of, risk_curves
from reports.document import count, decimal, percent, render
from reports.doubt_books import unsure_books
from reports.doubt_changed import doubt_changed
from reports.doubt_charts import coverage_chart, pit_chart, reliability_chart, risk_chart
from reports.doubt_map import KINDS, foreign_table, rating_map, reading_map
from reports.doubt_reading import HEADINGS, n_read, reading_gains, reading_reliability, reading_systems
from reports.doubt_systems import COLUMNS, rating_gains, systems, who_is_better
from reports.doubt_words import Difference, left_out, on_help, on_rating, on_reading, on_told_set
from reports.provenance import provenance

NAME = "uncertainty"


def uncertainty_report(store: Store, release: Release) -> Path:
    """Write the page of what a release predicts and return its path.

    The page of the release that serves is also copied to ``reports/uncertainty.html``. A release that predicts nothing
    has a page that says so, and why. The same release gives the same bytes, whenever and wherever the page is written,
    as long as the release that served before it, and the forecasts that it was judged by, are kept.
    """
    path, page = store.report(release.id, NAME), uncertainty_page(store, release, previous_release(store, release))
    store.write_whole(path, page)
    if release.id == store.current:
        store.write_whole(store.current_report(NAME), page)
    return path


def uncertainty_page(store: Store, release: Release, previous: Release | None) -> str:
    """Return the page of a release, beside the one that served before it (None if there is none)."""
    tasks = release.predictor_quality["tasks"]
    content: dict[str, Any] = {
        "release": release.id,
        "manifest": release.manifest,
        "level": float(release.manifest["settings"]["evaluation"]["level"]),
        "min_readers": least_told(release),
        "left_out": {task: left_out(release, task) for task in (RATING, WILL_READ)},
        "facts": _facts(release),
        "columns": COLUMNS,
        "headings": list(HEADINGS.values()),
        "kinds": KINDS,
        "rating": _rating(store, release) if RATING in tasks else None,
        "reading": _reading(release) if WILL_READ in tasks else None,
        "changed": doubt_changed(release, previous) if tasks else None,
        "provenance": provenance(release, release.manifest["history"]["batches"]),
    }
    return render("uncertainty.html", content)


def _facts(release: Release) -> list[tuple[str, str]]:
    tasks, facts = release.predictor_quality["tasks"], []
    if RATING in tasks:
        found = tasks[RATING]
        low, high = (
            decimal(level, 0 if level == round(level) else 1) for level in (found["levels"][0], found["levels"][-1])
        )
        facts += [("ratings judged by", count(found["n"])), ("of readers", count(found["n_readers"]))]
        facts += [("scale", f"{low} to {high}")]
    if WILL_READ in tasks:
        rows = tasks[WILL_READ]["rows"]
        facts += [("readers held out", count(rows[0]["n_readers"]))]
        facts += [("books they read", count(n_read(tasks[WILL_READ])))]
    return facts


def _rating(store: Store, release: Release) -> dict[str, Any]:
    """What the page shows of ratings; where they are left out, or the forecasts are gone, only what was measured."""
    record, level = release.predictor_quality["tasks"][RATING], _level(release)
    content: dict[str, Any] = {"systems": systems(record, level), "judged": None, "gone": None}
    if left_out(release, RATING):
        return content
    folder = store.artifact(QUALITY, release.manifest["predictors"][RATING]["quality"])
    if folder.is_dir():
        content["judged"] = _judged(release, RatingQuality.load(folder), record, level)
    else:
        content["gone"] = (
            f"How sure it is of each rating cannot be worked out any more: the forecasts that release {release.id} was "
            "judged by are not in the store. Make it anew: wagahai refresh"
        )
    return content


def _judged(release: Release, quality: RatingQuality, record: dict[str, Any], level: float) -> dict[str, Any]:
    """What is worked out from the forecasts of each rating, by name."""
    seed = int(release.manifest["seed"])
    n_bootstrap, least = int(release.manifest["settings"]["evaluation"]["n_bootstrap"]), least_told(release)
    gain = Difference.of(calibration_gain(quality, seed, n_bootstrap=n_bootstrap, level=level))
    parts, gains = parts_of(quality), gains_over(quality, seed)
    curves = {system: coverage_curve(quality, system, seed) for system in (NET, STRONGEST)}
    return {
        "verdict": [*on_rating(record, gain, level), *who_is_better(gains, level)],
        "help": on_help(parts),
        "gains": rating_gains(gains, level),
        "told_set": on_told_set(quality, level),
        "reliability": reliability_chart(record["reliability"]),
        "pit": pit_chart(pit_with_band(quality, NET, seed), len(quality.category)),
        "coverage": coverage_chart(curves, level),
        "risk": risk_chart(risk_curves(quality, seed), level),
        "parts": [(kind, name, percent(getattr(parts, part))) for kind, (name, part) in KINDS.items()],
        "map": rating_map(doubt_map(quality, least, seed), least),
        "books": unsure_books(release),
        "foreign": foreign_table(foreign(quality), level),
    }


def _reading(release: Release) -> dict[str, Any]:
    """What the page shows of what is read next; of a task that is left out only what was measured."""
    record = release.predictor_quality["tasks"][WILL_READ]
    content: dict[str, Any] = {"systems": reading_systems(record), "gains": reading_gains(record), "judged": None}
    if not left_out(release, WILL_READ):
        content["judged"] = {
            "verdict": on_reading(record, release.manifest["settings"]["gates"]["metric"]),
            "reliability": reading_reliability(record),
            "map": reading_map(record["groups"], least_told(release)),
        }
    return content


def _level(release: Release) -> float:
    return float(release.manifest["settings"]["evaluation"]["level"])
