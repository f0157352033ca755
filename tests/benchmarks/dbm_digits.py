"""Boltzmann machines 64-12-32 on digits of 8 x 8 pixels: exact log-likelihood by estimator, pre-training, imputation.

    python -m tests.benchmarks.dbm_digits [--seed N ...] [--systems NAME ...] [--part validation] [--json]

The digits are scikit-learn's, a pixel 1 from 8 of 16 on: 1,437 to learn from and 360 to test, drawn once
(``random_state`` 0). The smaller block has 12 units, so log Z and every likelihood is exact, by enumeration. A seed is
a fit; figures are means over seeds. The settings of `SYSTEMS` were chosen by ``--part validation``, which learns from
1,150 digits and judges on the 287 left; for the test all 1,437 are learned from, for the same epochs.

`pretrained` learns the lower two layers as a machine of one hidden layer, then the upper two from samples of the
hidden units, halves the weights, as layer 1 then hears from both sides (Salakhutdinov and Hinton 2009, section 3.1),
and goes on as `pcd` for half of the epochs, so that all have as many.

With --json there are curves (epochs and likelihood of the digits judged, of a second fit that looks at them) and
pictures: digits, their lower halves hidden, and what the machine of `pcd` puts there, mean and samples, as lists of 64;
and samples, digits that it draws.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from flows.tables import write_json, write_table
from models.base import Run
from models.dbm_config import MachineConfig
from models.dbm_exact import log_likelihood
from models.dbm_learner import sampled_state
from models.dbm_machine import Machine
from models.dbm_state import State, mean, sampled
from models.dbm_training import FittedMachine, fit_machine

N_TRAIN, N_FIT = 1437, 1150
HIDDEN = (12, 32)
PCD = MachineConfig(
    hidden_sizes=HIDDEN, epochs=300, learning_rate=0.02, n_chains=500, weight_decay=0.001, judge_every=20
)
COUPLED = replace(PCD, estimator="coupled_gibbs", epochs=60, n_chains=30, judge_every=5)  # a row: a hundred states
SYSTEMS: dict[str, MachineConfig] = {
    "pcd": PCD,
    "pcd, not centred": replace(PCD, centring=0.0),
    "pretrained": PCD,
    "restricted": replace(PCD, hidden_sizes=(44,)),
    "cd": replace(PCD, estimator="cd"),
    "coupled_gibbs": COUPLED,
    "coupled_chains": replace(COUPLED, estimator="coupled_chains"),
    "local_mode": replace(COUPLED, estimator="local_mode", epochs=100, learning_rate=0.01, n_chains=100),
}
_N_PICTURES, _N_SAMPLES, _SWEEPS = 10, 3, 200
_N_SAMPLED = 30


@dataclass(frozen=True)
class Fit:
    """One fit: the log-likelihood of each digit judged, how it came about and how long it took."""

    system: str
    seed: int
    of_digits: np.ndarray
    fitted: FittedMachine
    seconds: float


def main(arguments: list[str]) -> int:
    """Run the benchmark and print its table."""
    chosen = parsed(arguments)
    train, judged = digits(chosen.part)
    fits = [fit(name, train, judged, seed) for name in chosen.systems for seed in chosen.seed]
    rows = table(fits, train, judged)
    if chosen.json:
        curves = [{"system": name, "points": curve(name, train, judged)} for name in chosen.systems]
        pictured = next((f.fitted.machine for f in fits if f.system == "pcd"), None)
        drawn = pictured and {"pictures": pictures(pictured, judged), "samples": sampled_digits(pictured)}
        write_json({"rows": rows, "curves": curves, **(drawn or {"pictures": None, "samples": None})})
        return 0
    title = f"digits, {len(train)} to learn from, {len(judged)} judged, seeds {' '.join(map(str, chosen.seed))}"
    cells = [{key: f"{v:.3f}" if isinstance(v, float) else v for key, v in row.items()} for row in rows]
    write_table(title, cells, {key: key for key in rows[-1]})
    return 0


def parsed(arguments: list[str]) -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.dbm_digits",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seed", type=int, nargs="+", default=[0, 1, 2], help="one fit for each (default 0 1 2)")
    parser.add_argument("--systems", nargs="+", choices=list(SYSTEMS), default=list(SYSTEMS), metavar="NAME")
    parser.add_argument("--part", choices=("validation", "test"), default="test")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args(arguments)


def digits(part: str) -> tuple[np.ndarray, np.ndarray]:
    """Return digits to learn from and digits to judge on, uint8 (n, 64)."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    units = (load_digits().data >= 8).astype(np.uint8)
    train, test = train_test_split(units, train_size=N_TRAIN, random_state=0)
    if part == "test":
        return train, test
    order = np.random.default_rng(1).permutation(N_TRAIN)
    return train[order[N_TRAIN - N_FIT :]], train[order[: N_TRAIN - N_FIT]]


def fit(name: str, train: np.ndarray, judged: np.ndarray, seed: int) -> Fit:
    """Return a fit, of the last epoch, and the likelihood of the digits judged."""
    started = time.monotonic()
    fitted = learned(name, train, Run(seed))
    seconds = time.monotonic() - started
    return Fit(name, seed, log_likelihood(fitted.machine, torch.from_numpy(judged)).numpy(), fitted, seconds)


def learned(name: str, train: np.ndarray, run: Run, judged: np.ndarray | None = None) -> FittedMachine:
    """Return the machine of a system."""
    config = SYSTEMS[name]
    if name != "pretrained":
        return fit_machine(train, config, run, validation=judged)
    begun = pretrained(train, replace(config, epochs=config.epochs // 4), run)
    return fit_machine(train, replace(config, epochs=config.epochs // 2), run, start=begun, validation=judged)


def curve(name: str, train: np.ndarray, judged: np.ndarray) -> list[list[float]]:
    """Return epochs and mean log-likelihoods of the digits judged."""
    verdicts = learned(name, train, Run(0), judged).trained.verdicts
    return [[epoch + 1, -float(verdict)] for epoch, verdict in enumerate(verdicts) if np.isfinite(verdict)]


def pretrained(train: np.ndarray, config: MachineConfig, run: Run) -> Machine:
    """Return a machine of two hidden layers, learned one after the other."""
    lower_size, upper_size = config.hidden_sizes
    lower = fit_machine(train, replace(config, hidden_sizes=(lower_size,)), run).machine
    random = torch.Generator().manual_seed(run.derive_seed("pretrained"))
    p = torch.sigmoid(torch.from_numpy(train).float() @ lower.weights[0] + lower.biases[1])
    hidden = sampled_state(State(p, p[:, :0]), random).even.numpy().astype(np.uint8)
    upper = fit_machine(hidden, replace(config, hidden_sizes=(upper_size,)), run).machine
    weights = (lower.weights[0] / 2, upper.weights[0] / 2)
    return Machine(weights, (lower.biases[0], (lower.biases[1] + upper.biases[0]) / 2, upper.biases[1]))


def table(fits: Sequence[Fit], train: np.ndarray, judged: np.ndarray) -> list[dict[str, Any]]:
    """Return one row per system: mean over seeds and digits, the seeds' means, what the chains did."""
    p = (train.sum(axis=0) + 0.5) / (len(train) + 1)
    alone = float((judged @ np.log(p) + (1 - judged) @ np.log1p(-p)).mean())
    empty = {"seeds": "", "of_train": None, "seconds": None, "chains": ""}
    rows: list[dict[str, Any]] = [{"system": "independent", "log_likelihood": alone, **empty}]
    for system in dict.fromkeys(one.system for one in fits):
        some = [one for one in fits if one.system == system]
        of_train = [float(log_likelihood(one.fitted.machine, torch.from_numpy(train)).mean()) for one in some]
        means = [float(one.of_digits.mean()) for one in some]
        row: dict[str, Any] = {"system": system, "log_likelihood": float(np.mean(means))}
        row |= {"seeds": " ".join(f"{of_seed:.2f}" for of_seed in means), "of_train": float(np.mean(of_train))}
        rows.append({**row, "seconds": float(np.mean([one.seconds for one in some])), "chains": said(some)})
    return rows


def said(fits: Sequence[Fit]) -> str:
    """Return what the chains of the negative phase did, over all steps of all fits."""
    tau = [report.tau for one in fits for report in one.fitted.reports if len(report.tau)]
    if not tau:
        return ""
    every = torch.cat(tau).float()
    n_truncated = sum(report.n_truncated for one in fits for report in one.fitted.reports)
    n_corrected = sum(report.n_corrected for one in fits for report in one.fitted.reports)
    return (
        f"tau {float(every.mean()):.1f}, {float(every.max()):.0f} at most, corrected {n_corrected / len(every):.0%}, "
        f"{n_truncated} truncated"
    )


def pictures(machine: Machine, judged: np.ndarray) -> list[dict[str, Any]]:
    """Return digits, and what the machine puts into their hidden lower halves."""
    chosen = torch.from_numpy(judged[:_N_PICTURES]).float()
    known = torch.zeros(64, dtype=torch.bool)
    known[:32] = True
    random = torch.Generator().manual_seed(0)
    found = []
    for digit in chosen:
        rows = digit.expand(100, -1)
        state = machine.uniform_state(len(rows), random)
        state.even[:, :64] = torch.where(known, rows, state.even[:, :64])
        for _ in range(_SWEEPS):
            state = machine.sweep(state, sampled(random), clamp=known)
        expected = machine.layers(machine.sweep(state, mean, clamp=known))[0].mean(dim=0)
        samples = machine.layers(state)[0][:_N_SAMPLES]
        found.append({"digit": digit.tolist(), "mean": expected.tolist(), "samples": samples.tolist()})
    return found


def sampled_digits(machine: Machine) -> list[list[float]]:
    """Return digits that the machine samples, each from a chain of its own."""
    random = torch.Generator().manual_seed(0)
    state = machine.uniform_state(_N_SAMPLED, random)
    for _ in range(5 * _SWEEPS):
        state = machine.sweep(state, sampled(random))
    found: list[list[float]] = machine.layers(state)[0].tolist()
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
