"""Sweeps to a local mode and steps until two chains meet, against the size of the machine, by coupling.

    python -m tests.benchmarks.dbm_couplings [--units N ...] [--rows N] [--scale S] [--seed N] [--json]

The figure of Taniguchi et al. 2023 with what it leaves out: beside tau, how often there was anything to correct.
Machines of three layers of equal width, weights normal of standard deviation scale / sqrt(width), biases zero. tau = 1
is not a meeting but the absence of a correction: the proposal was refused and the second chain never left. --json has
the curves, a list a coupling, for the report.
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

import torch

from flows.tables import write_json, write_table
from models.dbm_couplings import COUPLINGS
from models.dbm_gibbs import CoupledGibbs
from models.dbm_machine import Machine
from models.dbm_metropolis import CoupledMetropolis
from models.dbm_phase import Phase

UNITS = (4, 8, 16, 32, 64, 128)
MOST_STEPS = 1000
PHASES: dict[str, Phase] = {
    "metropolis": CoupledMetropolis(MOST_STEPS),
    **{f"gibbs, {coupling}": CoupledGibbs(most_steps=MOST_STEPS, coupling=coupling) for coupling in COUPLINGS},
}
HEADINGS = {
    "width": "units a layer",
    "coupling": "coupling",
    "search_steps": "sweeps to mode",
    "tau": "tau",
    "largest_tau": "largest",
    "share_corrected": "rows corrected",
    "share_truncated": "rows cut off",
    "ms_a_row": "ms a row",
}


def main(arguments: list[str]) -> int:
    """Run the benchmark and print its table."""
    chosen = parsed(arguments)
    torch.set_num_threads(1)
    rows = [measured(width, name, chosen.rows, chosen.scale, chosen.seed) for width in chosen.units for name in PHASES]
    if chosen.json:
        write_json({"rows": chosen.rows, "scale": chosen.scale, "seed": chosen.seed, "curves": curves(rows)})
        return 0
    title = f"{chosen.rows} rows, scale {chosen.scale}, seed {chosen.seed}, pairs cut off after {MOST_STEPS} steps"
    shown = [{key: f"{value:.3g}" if isinstance(value, float) else value for key, value in row.items()} for row in rows]
    write_table(title, shown, HEADINGS)
    return 0


def parsed(arguments: list[str]) -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.dbm_couplings",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--units", type=int, nargs="+", default=list(UNITS))
    parser.add_argument("--rows", type=int, default=200)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args(arguments)


def measured(width: int, name: str, n_rows: int, scale: float, seed: int) -> dict[str, Any]:
    """Return one point of one curve; every coupling gets the same machine."""
    machine = random_machine(width, scale, seed)
    started = time.perf_counter()
    report = PHASES[name].expectation(machine, n_rows, torch.Generator().manual_seed(seed + 1)).report
    seconds = time.perf_counter() - started
    figures = report.figures()
    return {
        "width": width,
        "coupling": name,
        "search_steps": figures["search_steps"],
        "tau": figures["tau"],
        "largest_tau": int(figures["largest_tau"]),
        "share_corrected": report.n_corrected / n_rows,
        "share_truncated": report.n_truncated / n_rows,
        "ms_a_row": seconds * 1e3 / n_rows,
    }


def random_machine(width: int, scale: float, seed: int) -> Machine:
    """Return a machine of three layers of random weights."""
    random = torch.Generator().manual_seed(seed)
    weights = tuple(scale / width**0.5 * torch.randn(width, width, generator=random) for _ in range(2))
    return Machine(weights, tuple(torch.zeros(width) for _ in range(3)))


def curves(rows: list[dict[str, Any]]) -> dict[str, dict[str, list[float]]]:
    """Return coupling -> measure -> values, in the order of widths."""
    return {
        name: {key: [row[key] for row in rows if row["coupling"] == name] for key in HEADINGS if key != "coupling"}
        for name in PHASES
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
