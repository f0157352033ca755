"""What readers will think of books: our forecasts and what everybody knows, judged by the neutral protocol.

    python -m tests.benchmarks.ratings --protocol ../shared/protocol/ratings.py  [--splits N ...]  [--seed N]
        [--part validation|test]  [--systems NAME ...]  [--models KIND ...]  [--groups GROUP ...]
        [--history all|rated ...]  [--profile P]  [--json]

Every system gives the probability of each rating from 1 to 10 for the rows of one part, after the training rows. Rows
of the table are means over splits; `nll_se` is the error of a mean by readers. `conf90` and `conf_levels` are coverage
and mean width of split-conformal intervals, and `nll_scaled` the NLL after temperature scaling, both calibrated on
validation rows (so they are given for test rows only).

Spaces and topics are of the reading history, of which most is not rated and the biases see nothing. With ``--history
rated`` they are of the rated training pairs alone; ``--history all rated`` prints both, one after the other: what lies
between the two comes from the unrated reading history, and not from the system.

Doubt: `aurc` is the area under the curve of squared error of the least doubtful rows, by all of the variance, its
aleatoric and its epistemic part (less than the MSE where doubt is right); `auroc_book`, `auroc_shuffled` and
`auroc_reader` say how often mutual information is larger for a cold book than for a hot one, for a row whose features
were shuffled among rows, and for a pair when nothing of its reader is shown.

The second table is by group: readers and books by their number of training ratings, and all rows with 0 or 5 ratings of
each reader shown, as if the reader were new.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from data.ratings import Ratings
from flows.progress import TerminalProgress
from flows.tables import write_json, write_table
from models.base import Run
from models.catalogue import KINDS
from pipeline.config import load_settings
from pipeline.rating_columns import GROUPS
from pipeline.rating_features import RatingFeatures, RatingFeaturesConfig
from pipeline.rating_metrics import (
    BOOK_EDGES,
    KNOWN,
    READER_EDGES,
    Figure,
    Forecast,
    auroc,
    grouped_figures,
    known_groups,
    rating_figures,
    risk_coverage,
)
from pipeline.recalibration import ConformalInterval, Scaling
from tests.benchmarks.rating_data import HISTORIES, PARTS, RatingData
from tests.benchmarks.rating_systems import SHOWN, SYSTEMS, Problem, Told

Figures = dict[str, float]
WITH = {"all": "with the unrated reading history", "rated": "spaces of the rated training pairs alone"}
DEFAULT_GROUPS = RatingFeaturesConfig().groups
TABLES = (
    ("rmse", "mae", "nll", "nll_se", "crps", "cover50", "cover80", "cover90", "cover95", "calibration_error"),
    ("sd", "levels90", "nll_scaled", "conf90", "conf_levels", "feature_seconds", "fit_seconds"),
    ("aurc", "aurc_aleatoric", "aurc_epistemic", "auroc_book", "auroc_shuffled", "auroc_reader"),
)
GROUP_FIGURES = ("nll", "crps", "rmse", "cover50", "cover80", "cover90", "cover95", "sd")


@dataclass(frozen=True)
class Measured:
    """Figures of every system, and of systems by group of rows, a value a split."""

    whole: dict[str, list[Figures]]
    parts: dict[tuple[str, str], list[Figures]]

    def record(self) -> dict[str, Any]:
        """Return means over splits, and every split, as JSON values."""
        rows = [{"system": name, **means(figures)} for name, figures in self.whole.items()]
        by_group = [{"system": name, "group": group, **means(some)} for (name, group), some in self.parts.items()]
        return {"mean": rows, "groups": by_group, "per_split": self.whole}


def main(arguments: list[str]) -> int:
    """Run the benchmark and print its tables."""
    chosen = parsed(arguments)
    found = {history: measured(chosen, history) for history in chosen.history}
    report(chosen, found)
    return 0


def measured(chosen: argparse.Namespace, history: str) -> Measured:
    """Return all figures of every system and of groups of rows, a value a split, with the spaces of a history."""
    settings = load_settings(chosen.profile)
    config = RatingFeaturesConfig(groups=tuple(chosen.groups))
    whole: dict[str, list[Figures]] = defaultdict(list)
    parts: dict[tuple[str, str], list[Figures]] = defaultdict(list)
    with TerminalProgress() as progress:
        for split in chosen.splits:
            run = Run(chosen.seed, "benchmark", progress=progress)
            data = RatingData.load(chosen.protocol, split, history)
            context = data.context(chosen.models, settings, chosen.seed, progress)
            started = time.monotonic()
            train, validation = data.parts["train"], data.parts["validation"]
            features = RatingFeatures.fit(train, context, config, chosen.seed)
            problem = Problem(train, validation, data.parts[chosen.part], features, run)
            described = len(problem.examples) and time.monotonic() - started
            for name in chosen.systems:
                figures, groups = judged(data, problem, name, chosen.part)
                whole[name].append({**figures, "feature_seconds": described})
                for group, some in groups.items():
                    parts[name, group].append(some)
    return Measured(whole, parts)


def parsed(arguments: list[str]) -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.ratings",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--protocol", type=Path, required=True, help="path of the neutral protocol of ratings")
    parser.add_argument("--splits", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--part", choices=PARTS[1:], default="test", help="settings are chosen on validation")
    parser.add_argument("--systems", nargs="+", choices=list(SYSTEMS), default=list(SYSTEMS), metavar="NAME")
    parser.add_argument("--models", nargs="*", choices=KINDS, default=["spectral"], metavar="KIND", help="of books")
    parser.add_argument("--history", nargs="+", choices=HISTORIES, default=["all"], help="what spaces are fitted to")
    parser.add_argument("--groups", nargs="+", choices=list(GROUPS), metavar="GROUP", default=DEFAULT_GROUPS)
    parser.add_argument("--profile", default="default")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args(arguments)


def judged(data: RatingData, problem: Problem, name: str, part: str) -> tuple[Figures, dict[str, Figures]]:
    """Return all figures of a system fitted to a problem, and those of groups of rows by name."""
    started = time.monotonic()
    told = SYSTEMS[name](problem)
    seconds = time.monotonic() - started
    asked = problem.asked
    rows = problem.rows_asked[None]
    p = told.p(asked, rows.features)
    forecast = Forecast(p, asked.levels, asked.category)
    figures = values(rating_figures(forecast, asked.reader)) | {"fit_seconds": seconds}
    figures["nll_se"] = rating_figures(forecast, asked.reader)["nll"].se
    check(data, p, asked, figures)
    if part == "test":
        figures |= mended(told, problem, p)
    figures |= doubt(told, problem, rows.features, rows.n_book_ratings)
    groups = grouped_figures(forecast, asked.reader, known(problem.train, asked))
    found = {group: values(some) for group, some in groups.items()}
    for shown in SHOWN[1:]:
        early = Forecast(told.p(asked, problem.rows_asked[shown].features), asked.levels, asked.category)
        found[f"{shown} ratings shown"] = values(rating_figures(early, asked.reader))
    return figures, found


def check(data: RatingData, p: np.ndarray, asked: Ratings, figures: Figures) -> None:
    """Stop if the protocol says anything else than we do."""
    theirs = data.protocol.score(np.asarray(p, np.float64), asked.category + 1)
    for name in ("rmse", "mae", "nll", "crps", "cover90"):
        if not np.isclose(theirs[name], figures[name], atol=1e-5):
            raise SystemExit(f"{name}: the protocol has {theirs[name]}, we have {figures[name]}")


def values(figures: dict[str, Figure]) -> Figures:
    """Return figures without their errors."""
    return {name: figure.value for name, figure in figures.items()}


def known(train: Ratings, asked: Ratings) -> dict[str, np.ndarray]:
    """Return masks of rows, bool (n_asked,), by how many training ratings their readers and books have."""
    n_reader = np.bincount(train.reader, minlength=train.n_readers)[asked.reader]
    n_book = np.bincount(train.book, minlength=train.n_books)[asked.book]
    masks = {"book: unseen": n_book == 0}
    for what, n, edges in (("reader", n_reader, READER_EDGES), ("book", n_book, BOOK_EDGES)):
        group = known_groups(n, edges)
        masks |= {f"{what}: {name}": group == i for i, name in enumerate(KNOWN)}
    return masks


def mended(told: Told, problem: Problem, p: np.ndarray) -> Figures:
    """Return what scaling and conformal intervals, calibrated on validation ratings, come to."""
    held, asked = problem.validation, problem.asked
    said = told.p(held, problem.stop.features)
    scaled = Forecast(Scaling.fit(said, held.category)(p), asked.levels, asked.category)
    first, last = ConformalInterval.fit(said, held.category, 0.9).levels(p)
    inside = (first <= asked.category) & (asked.category <= last)
    return {
        "nll_scaled": rating_figures(scaled, asked.reader)["nll"].value,
        "conf90": float(inside.mean()),
        "conf_levels": float((last - first + 1).mean()),
    }


def doubt(told: Told, problem: Problem, features: np.ndarray, n_book: np.ndarray) -> Figures:
    """Return whether doubt is where errors are, and epistemic doubt where little is known."""
    if told.predictive is None:
        return {}
    said = told.predictive(features)
    square = (said.mean - problem.asked.value) ** 2
    parts = {"aurc": said.sd**2, "aurc_aleatoric": said.aleatoric_var, "aurc_epistemic": said.epistemic_var}
    figures = {name: float(risk_coverage(square, var).mean()) for name, var in parts.items()}
    book = known_groups(n_book, BOOK_EDGES)
    extreme = book != 1
    figures["auroc_book"] = auroc(said.mutual_information[extreme], book[extreme] == 0)
    random = problem.run.generator("shuffled")
    elsewhere = {
        "auroc_shuffled": random.permuted(features, axis=0),
        "auroc_reader": problem.rows_asked[0].features,
    }
    for name, other in elsewhere.items():
        both = np.concatenate([said.mutual_information, told.predictive(other).mutual_information])
        figures[name] = auroc(both, np.arange(len(both)) >= len(features))
    return figures


def report(chosen: argparse.Namespace, found: Mapping[str, Measured]) -> None:
    """Print means over splits by history, as tables or as JSON with every split."""
    if chosen.json:
        write_json({history: one.record() for history, one in found.items()})
        return
    for history, one in found.items():
        print_tables(chosen, history, one.record())


def print_tables(chosen: argparse.Namespace, history: str, record: dict[str, Any]) -> None:
    """Print the tables of one history."""
    rows, by_group = record["mean"], record["groups"]
    title = f"bookcrossing, {chosen.part}, splits {' '.join(map(str, chosen.splits))}, seed {chosen.seed}, "
    title += WITH[history]
    for some in TABLES:
        told = [row for row in rows if any(name in row for name in some)]
        columns = ["system", *(name for name in some if any(name in row for row in told))]
        if told:
            write_table(title, [shown(row, columns) for row in told], {name: name for name in columns})
    columns = ["system", "group", *GROUP_FIGURES]
    write_table(f"{title}, by group", [shown(row, columns) for row in by_group], {name: name for name in columns})


def means(figures: list[Figures]) -> dict[str, Any]:
    """Return means of figures over splits."""
    return {name: float(np.mean([some[name] for some in figures])) for name in figures[0]}


def shown(row: dict[str, Any], columns: list[str]) -> dict[str, Any]:
    """Return the cells of a row of a table."""
    cells = {name: row.get(name) for name in columns}
    return {name: f"{cell:.4f}" if isinstance(cell, float) else cell for name, cell in cells.items()}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
