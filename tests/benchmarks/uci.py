"""Bayesian nets on the standard splits of UCI's regression sets, beside published figures: one row a set and system.

    python -m tests.benchmarks.uci --data ../shared/data/uci_bnn [--sets NAME ...] [--splits N ...] [--only SYSTEM ...]
                                   [--n-steps N] [--seed N] [--json]

One hidden layer of 50 units. Settings are chosen for each split by the log-likelihood of the last fifth of its training
rows, after a fit to the others; then a net is fitted to all training rows. Of MC dropout it is the rate and, as its
authors do, the precision of the noise: a noise learned under masks holds what the masks add. Of Bayes by Backprop it is
the prior. `rmse` is of the predictive mean, `ll` the mean log density of the mixture of draws (higher is better),
`cover90` the share of outcomes between its 5 % and 95 % quantiles; each with the standard error over splits.

`published` is tuned MC dropout in its authors' re-run of 2018, trained for 4,000 passes over four fifths of the
training rows: means of 20 splits, of which 10 to 19 are held back here. Ours are trained on all training rows.
`reached` says whether both figures are within one of our standard errors of it, or better.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import ndtr

from flows.progress import TerminalProgress
from flows.tables import write_json, write_table
from models.base import Run
from models.bayes_by_backprop import BayesByBackpropConfig
from models.bnn_answers import log_scores
from models.bnn_predictor import NetPredictor
from models.catalogue import predictor_class
from models.deep_ensemble import DeepEnsembleConfig
from models.mc_dropout import McDropoutConfig
from models.predictor import Draws, Examples

FOLDERS = {"concrete": "concrete", "energy": "energy", "kin8nm": "kin8nm", "power": "power-plant", "yacht": "yacht"}
PUBLISHED = {
    "concrete": (4.83, -2.937),
    "energy": (0.539, -1.212),
    "kin8nm": (0.0789, 1.136),
    "power": (4.01, -2.808),
    "yacht": (0.666, -1.250),
}
SYSTEMS = ("mc_dropout", "bayes_by_backprop", "deep_ensemble", "bayesian_ridge")
MEASURES = ("rmse", "ll", "cover90")
N_STEPS = 12_000
N_CHOOSING, N_JUDGING = 100, 500  # draws
NOISES = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2, 1.5, 2.0)  # of MC dropout, in units of the learned noise
CANDIDATES: dict[str, list[Any]] = {
    "mc_dropout": [McDropoutConfig(dropout=rate, input_dropout=rate) for rate in (0.005, 0.01, 0.05)],
    "bayes_by_backprop": [BayesByBackpropConfig(prior_sd=sd, kl_warmup=1.0) for sd in (1.0, 3.0)],
    "deep_ensemble": [DeepEnsembleConfig(likelihood="heteroscedastic")],
}


def main(arguments: list[str]) -> int:
    """Run the benchmark and print its table."""
    chosen = parsed(arguments)
    records = []
    with TerminalProgress() as progress:
        progress.start("UCI", len(chosen.sets) * len(chosen.splits) * len(chosen.only))
        for name in chosen.sets:
            for split in chosen.splits:
                train, test = load(chosen.data / FOLDERS[name], split)
                for system in chosen.only:
                    found = judged(system, train, test, chosen.n_steps, chosen.seed + split)
                    records.append({"set": name, "split": split, "system": system, **found})
                    progress.advance()
        progress.finish()
    rows = [row for name in chosen.sets for row in summary(records, name)]
    if chosen.json:
        write_json({"table": rows, "per_split": records, "n_steps": chosen.n_steps, "seed": chosen.seed})
    else:
        write_table(
            f"splits {' '.join(map(str, chosen.splits))}, seed {chosen.seed}", rows, {key: key for key in rows[0]}
        )
    return 0


def parsed(arguments: list[str]) -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.uci",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the sets, each with its splits")
    parser.add_argument("--sets", nargs="+", choices=tuple(FOLDERS), default=tuple(FOLDERS), metavar="NAME")
    parser.add_argument("--splits", nargs="+", type=int, default=list(range(5)), metavar="N")
    parser.add_argument("--only", nargs="+", choices=SYSTEMS, default=SYSTEMS, metavar="SYSTEM")
    parser.add_argument("--n-steps", type=int, default=N_STEPS, help="gradient steps of a fit, about")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args(arguments)


def load(folder: Path, split: int) -> tuple[Examples, Examples]:
    """Return training and test rows of a split."""
    data = np.loadtxt(folder / "data" / "data.txt")
    columns = np.loadtxt(folder / "data" / "index_features.txt").astype(np.int64)
    target = int(np.loadtxt(folder / "data" / "index_target.txt"))
    features, outcome = data[:, columns].astype(np.float32), data[:, target].astype(np.float32)
    train, test = (
        np.loadtxt(folder / "data" / f"index_{part}_{split}.txt").astype(np.int64) for part in ("train", "test")
    )
    return Examples(features[train], outcome[train]), Examples(features[test], outcome[test])


def judged(system: str, train: Examples, test: Examples, n_steps: int, seed: int) -> dict[str, Any]:
    """Return the measures of one system on one split, and the settings that were chosen."""
    if system == "bayesian_ridge":
        return {**measures(ridge_draws(train, test), test), "chosen": None}
    candidates = CANDIDATES[system]
    model: Any = predictor_class(system)
    config = choose(model, candidates, train, n_steps, seed)
    fitted = model.fit(train, scheduled(config, len(train), n_steps), Run(seed, "benchmark"))
    settings = {name: getattr(config, name) for name in ("dropout", "noise_sd", "prior_sd") if hasattr(config, name)}
    return {**measures(fitted.draws(test.features, N_JUDGING), test), "chosen": settings}


def scheduled(config: Any, n_rows: int, n_steps: int) -> Any:
    """Return the settings with batches by the number of rows, and epochs by the number of steps."""
    batch_size = 128 if n_rows < 2000 else 512
    epochs = math.ceil(n_steps / math.ceil(n_rows / batch_size))
    return replace(config, batch_size=batch_size, epochs=epochs, learning_rate=0.01)


@dataclass(frozen=True)
class Tried:
    """Settings, and the mean log density of the rows held out of training."""

    ll: float
    config: Any


def choose(model: type[NetPredictor[Any]], candidates: Sequence[Any], train: Examples, n_steps: int, seed: int) -> Any:
    """Return the settings under which the last fifth of the training rows is likeliest."""
    if len(candidates) == 1:
        return candidates[0]
    n_inner = int(0.8 * len(train))
    inner, held = train.rows(np.arange(n_inner)), train.rows(np.arange(n_inner, len(train)))
    tried = []
    for config in candidates:
        fitted = model.fit(inner, scheduled(config, n_inner, n_steps), Run(seed, "benchmark"))
        draws = fitted.draws(held.features, N_CHOOSING)
        for share in NOISES if isinstance(config, McDropoutConfig) else (None,):
            factor = np.float32(share or 1)
            ll = float(log_scores(Draws(draws.mean, draws.var * factor**2), held.outcome, None).mean())
            known = replace(config, noise_sd=float(np.sqrt(draws.var[0, 0]) * factor)) if share else config
            tried.append(Tried(ll, known))
    return max(tried, key=lambda one: one.ll).config


def ridge_draws(train: Examples, test: Examples) -> Draws:
    """Return the predictive Gaussian of Bayesian ridge regression, as a single draw."""
    from sklearn.linear_model import BayesianRidge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), BayesianRidge())
    model.fit(train.features.astype(np.float64), train.outcome)
    mean, sd = model.predict(test.features.astype(np.float64), return_std=True)
    return Draws(mean[None], sd[None] ** 2)


def measures(draws: Draws, test: Examples) -> dict[str, float]:
    """Return RMSE, mean log density and 90 % coverage of the mixture of draws."""
    level = ndtr((test.outcome - draws.mean) / np.sqrt(draws.var)).mean(axis=0)
    return {
        "rmse": float(np.sqrt(np.mean((draws.mean.mean(axis=0) - test.outcome) ** 2))),
        "ll": float(log_scores(draws, test.outcome, None).mean()),
        "cover90": float(((level >= 0.05) & (level <= 0.95)).mean()),
    }


def summary(records: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    """Return one row a system: means and standard errors over splits, beside what was published."""
    rows = []
    rmse, ll = PUBLISHED[name]
    for system in dict.fromkeys(record["system"] for record in records):
        of_system = [record for record in records if record["system"] == system and record["set"] == name]
        shown, found = {}, {}
        for measure in MEASURES:
            values = np.array([record[measure] for record in of_system])
            error = float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("nan")
            shown[measure] = f"{values.mean():.3f} ± {error:.3f}"
            found[measure] = float(values.mean()), error
        beats = found["rmse"][0] <= rmse + found["rmse"][1] and found["ll"][0] >= ll - found["ll"][1]
        rows.append({"set": name, "system": system, **shown, "published": f"{rmse} / {ll}", "reached": beats})
    return rows


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
