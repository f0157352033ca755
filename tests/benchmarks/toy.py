"""The toy of the 2017 blog: x + sin 5x, a hundred points with a gap between them, and who doubts where there are none.

    python -m tests.benchmarks.toy [--seed N ...] [--only NAME ...] [--json]

Points lie in [-1.5, -.5] and [.5, 1.5], their noise is .1. What is measured is the epistemic standard deviation, over
a grid, near (on the points' intervals), in the gap (-.4 to .4) and far (1 to 2.5 beyond the points):

    far / near      how much more it doubts where nothing is known; below 1 it doubts less, which is wrong
    gap / near      the same between the points, where it is hard: mean-field posteriors and dropout are blind there
    AUROC           of far grid points against near ones, by that standard deviation; .5 is chance
    RMSE near       of the mean, against the curve without noise: a doubt of a model that fits nothing is worth nothing

`gp` is an exact Gaussian process, and `nuts` the same net as `bayes_by_backprop tanh` with its posterior sampled; those
two nets know the noise, dropout and the ensemble learn it. With
--json the curves come too: for every system the mean and the epistemic standard deviation over the grid.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from flows.tables import write_json, write_table
from models.base import Run
from models.bayes_by_backprop import BayesByBackprop, BayesByBackpropConfig
from models.deep_ensemble import DeepEnsemble, DeepEnsembleConfig
from models.mc_dropout import McDropout, McDropoutConfig
from models.nuts import Nuts, NutsConfig
from models.predictor import Examples

NOISE_SD = 0.1
GRID = np.linspace(-4, 4, 321, dtype=np.float32)
IS_NEAR = (np.abs(GRID) >= 0.5) & (np.abs(GRID) <= 1.5)
IS_GAP = np.abs(GRID) <= 0.4
IS_FAR = np.abs(GRID) >= 2.5
N_DRAWS = 400
FAILING = 0.75  # AUROC below which a system does not know where it has seen no points

Curves = tuple[np.ndarray, np.ndarray]
"""Mean and epistemic standard deviation, float32 (n_grid,) each."""


def main(arguments: list[str]) -> int:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.toy",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seed", type=int, nargs="+", default=[0], help="of the points and of every fit")
    parser.add_argument("--only", nargs="+", choices=tuple(SYSTEMS), metavar="NAME")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args(arguments)
    rows, curves = [], dict[str, Any]()
    for name in chosen.only or SYSTEMS:
        measured = []
        for seed in chosen.seed:
            mean, sd = SYSTEMS[name](points(seed), seed)
            measured.append(measures(mean, sd))
            curves.setdefault(name, {"mean": mean.tolist(), "sd": sd.tolist()})
        rows.append({"system": name, **{key: float(np.mean([row[key] for row in measured])) for key in measured[0]}})
    if chosen.json:
        shown = points(chosen.seed[0])
        drawn = {"x": shown.features[:, 0].tolist(), "y": shown.outcome.tolist(), "grid": GRID.tolist()}
        write_json({"table": rows, "seeds": chosen.seed, **drawn, "truth": curve(GRID).tolist(), "curves": curves})
        return 0
    shown_rows = [
        {key: f"{value:.3g}" if isinstance(value, float) else value for key, value in row.items()} for row in rows
    ]
    write_table(f"x + sin 5x, seeds {' '.join(map(str, chosen.seed))}", shown_rows, {key: key for key in rows[0]})
    for warning in warnings_of(rows):
        sys.stdout.write(warning + "\n")
    return 0


def curve(x: np.ndarray) -> np.ndarray:
    """Return the curve without noise."""
    y: np.ndarray = x + np.sin(5 * x)
    return y


def points(seed: int) -> Examples:
    """Return a hundred points on both sides of the gap."""
    random = np.random.default_rng(seed)
    x = random.uniform(0.5, 1.5, 100) * np.repeat([-1, 1], 50)
    y = curve(x) + random.normal(0, NOISE_SD, 100)
    return Examples(x[:, None].astype(np.float32), y.astype(np.float32))


def measures(mean: np.ndarray, sd: np.ndarray) -> dict[str, float]:
    """Return what is measured of one system's curves."""
    near, far = sd[IS_NEAR], sd[IS_FAR]
    wins = (far[:, None] > near).mean() + 0.5 * (far[:, None] == near).mean()
    rmse = np.sqrt(np.mean((mean - curve(GRID))[IS_NEAR] ** 2))
    return {
        "far_near": float(far.mean() / near.mean()),
        "gap_near": float(sd[IS_GAP].mean() / near.mean()),
        "auroc": float(wins),
        "near_sd": float(near.mean()),
        "near_rmse": float(rmse),
    }


def warnings_of(rows: list[dict[str, Any]]) -> list[str]:
    """Return what has to be said out loud: who doubts less where nothing is known."""
    return [
        f"{row['system']} FAILS: far from all points it hardly doubts more than among them "
        f"({row['far_near']:.2f} of the doubt there; far and near are told apart at AUROC {row['auroc']:.2f})"
        for row in rows
        if row["auroc"] < FAILING
    ]


def of_model(model: Any, config: Any) -> Callable[[Examples, int], Curves]:
    """Return what fits a predictor and returns its curves."""

    def fit(examples: Examples, seed: int) -> Curves:
        said = model.fit(examples, config, Run(seed, "benchmark")).predict(GRID[:, None], N_DRAWS)
        return said.mean, np.sqrt(said.epistemic_var)

    return fit


def gaussian_process(examples: Examples, seed: int) -> Curves:
    """Return the curves of a Gaussian process whose kernel maximises the evidence."""
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

    kernel = ConstantKernel(1.0) * RBF(1.0) + WhiteKernel(0.01)
    process = GaussianProcessRegressor(kernel, normalize_y=True, n_restarts_optimizer=2, random_state=seed)
    process.fit(examples.features.astype(np.float64), examples.outcome)
    noise = process.kernel_.k2.noise_level * examples.outcome.var()
    mean, sd = process.predict(GRID[:, None].astype(np.float64), return_std=True)
    return mean.astype(np.float32), np.sqrt(np.maximum(sd**2 - noise, 1e-12)).astype(np.float32)


_DROPOUT: dict[str, Any] = {
    "hidden_sizes": (100, 100),
    "dropout": 0.1,
    "input_dropout": 0.0,  # there is but one
    "length_scale": 0.1,
    "epochs": 2000,
    "batch_size": 100,
    "learning_rate": 0.005,
}
_NET: dict[str, Any] = {"hidden_sizes": (50,), "prior_sd": 5.0, "noise_sd": NOISE_SD}
_LONG: dict[str, Any] = {
    "epochs": 5000,
    "batch_size": 100,
    "learning_rate": 0.01,
    "initial_sd": 0.002,
    "kl_warmup": 1.0,
}

SYSTEMS: dict[str, Callable[[Examples, int], Curves]] = {
    "mc_dropout relu": of_model(McDropout, McDropoutConfig(**_DROPOUT)),
    "mc_dropout tanh": of_model(McDropout, McDropoutConfig(**_DROPOUT, activation="tanh")),
    "bayes_by_backprop relu": of_model(BayesByBackprop, BayesByBackpropConfig(**_NET, **_LONG)),
    "bayes_by_backprop tanh": of_model(BayesByBackprop, BayesByBackpropConfig(**_NET, **_LONG, activation="tanh")),
    "deep_ensemble relu": of_model(
        DeepEnsemble, DeepEnsembleConfig((50, 50), epochs=1500, batch_size=100, prior_sd=1.0, n_members=5)
    ),
    "nuts tanh": of_model(Nuts, NutsConfig(**_NET, activation="tanh", n_warmup=200, n_samples=150)),
    "gp": gaussian_process,
}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
