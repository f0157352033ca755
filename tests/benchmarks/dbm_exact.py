"""Are estimators of a Boltzmann machine's expectations what they say: bias, variance and meeting times, exactly judged.

    python -m tests.benchmarks.dbm_exact [--replicates N] [--late N] [--seed N] [--json]

Machines of 12 units with weights and biases of the standard deviation named, and one of 64-12-32 units trained on
digits, whose expectations are enumerated. `--replicates` are of each on a machine of 12 units, but a tenth of them of
`coupled_gibbs as shipped`, of whose chains 100 steps and more are kept. rms z is that of (mean - exact) / standard
error over all statistics: near 1 without bias; at most 1.5 for an estimator called unbiased, and the released one must
be above. The variance of a replicate is relative to that of one independent sample from the machine, which nobody has.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from typing import Any

import numpy as np
import torch

from flows.tables import write_json, write_table
from models.dbm_chains import Gibbs
from models.dbm_estimators import METHODS
from models.dbm_gibbs import CoupledGibbs
from models.dbm_machine import Machine
from models.dbm_metropolis import CoupledMetropolis, LocalMode
from models.dbm_phase import Phase
from tests.benchmarks.digits import trained_on_digits
from tests.models.exactness import exactness
from tests.models.machines import machine_of

BAR = 1.5
SHIPPED = "coupled_gibbs as shipped"
PHASES: dict[str, Phase] = {
    "local_mode": LocalMode(),
    "mode + 1 sweep": Gibbs(n_sweeps=1),
    "coupled_mh": CoupledMetropolis(),
    "gibbs lag 1, no averaging": CoupledGibbs(averages_block=False),
    "gibbs lag 1": CoupledGibbs(),
    "gibbs lag 1, whole blocks": CoupledGibbs(coupling="blocks"),
    "gibbs lag 1, either": CoupledGibbs(coupling="either"),
    "gibbs lag 1, after 2": CoupledGibbs(burn_in=2),
    "gibbs lag 5": CoupledGibbs(lag=5),
    "gibbs lag 3, 3 averaged": METHODS["coupled_gibbs"].positive,
    SHIPPED: METHODS["coupled_gibbs"].negative,
}
LATE: dict[str, Phase] = {
    "local_mode": LocalMode(),
    "mode + 10 sweeps": Gibbs(n_sweeps=10),
    "gibbs lag 1": CoupledGibbs(),
    "gibbs lag 1, either": CoupledGibbs(coupling="either"),
    "gibbs lag 1, after 80": CoupledGibbs(burn_in=80),
    "gibbs lag 20": CoupledGibbs(lag=20),
    "gibbs lag 80": CoupledGibbs(lag=80),
    "gibbs lag 50, 50 averaged": CoupledGibbs(n_averaged=50, lag=50),
    SHIPPED: METHODS["coupled_gibbs"].negative,
}
HEADINGS = {
    "machine": "machine",
    "estimator": "estimator",
    "rms_z": "rms z",
    "relative_var": "variance",
    "tau": "tau",
    "largest_tau": "most",
    "n_corrected": "corrected",
    "n_truncated": "cut",
    "us_each": "us each",
}
_LATE_STEPS = 8000
_LATE_BATCH = 200


def machines() -> dict[str, Machine]:
    """Return the machines of 12 units."""
    return {
        "4-4-4, sd .5": machine_of((4, 4, 4), 3, 0.5),
        "4-4-4, sd 1": machine_of((4, 4, 4), 3, 1.0),
        "4-4-4, sd 1.5": machine_of((4, 4, 4), 3, 1.5),
        "6-6, sd 1": machine_of((6, 6), 5, 1.0),
        "3-3-3-3, sd 1": machine_of((3, 3, 3, 3), 7, 1.0),
    }


def main(arguments: list[str]) -> int:
    """Run the benchmark and print its table; 1 if an estimator is not what it says."""
    chosen = parsed(arguments)
    rows = [
        judged(where, machine, name, phase, *portions(name, chosen.replicates), seed=chosen.seed)
        for where, machine in machines().items()
        for name, phase in PHASES.items()
    ]
    if chosen.late:
        late = trained_on_digits((12, 32), _LATE_STEPS, chosen.seed)
        rows += [
            judged("64-12-32, digits", late, name, phase, chosen.late, _LATE_BATCH, seed=chosen.seed)
            for name, phase in LATE.items()
        ]
    found = verdicts(rows)
    if chosen.json:
        write_json({"rows": rows, "verdicts": found})
    else:
        shown = [
            {key: f"{value:.4g}" if isinstance(value, float) else value for key, value in row.items()} for row in rows
        ]
        title = f"{chosen.replicates:,} replicates ({chosen.late:,} of digits), seed {chosen.seed}"
        write_table(title, shown, HEADINGS)
        sys.stdout.write("".join(f"{name}: {verdict}\n" for name, verdict in found.items()))
    return int(any(verdict.startswith("NOT") for verdict in found.values()))


def parsed(arguments: list[str]) -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.dbm_exact",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--replicates", type=int, default=400_000, help="of every estimator, on machines of 12 units")
    parser.add_argument("--late", type=int, default=4000, help="replicates on the trained machine; 0 leaves it out")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args(arguments)


def portions(name: str, n_replicates: int) -> tuple[int, int]:
    """Return the replicates of an estimator on a machine of 12 units, and how many are in memory at once.

    Of the shipped one, each with 100 states and more, a tenth.
    """
    return (max(1, n_replicates // 10), 5000) if name == SHIPPED else (n_replicates, 50_000)


def judged(
    where: str, machine: Machine, name: str, phase: Phase, n_replicates: int, batch: int, *, seed: int
) -> dict[str, Any]:
    """Return one row of the table."""
    torch.set_num_threads(1)
    found = asdict(exactness(machine, phase, n_replicates, seed, batch))
    microseconds = 1e6 * found.pop("seconds") / n_replicates
    return {"machine": where, "estimator": name, "called": called(phase), **found, "us_each": microseconds}


def called(phase: Phase) -> str:
    """Return what an estimator calls itself."""
    return "unbiased" if phase.unbiased else "biased"


def verdicts(rows: list[dict[str, Any]]) -> dict[str, str]:
    """Return estimator -> whether it is what it is called, by the rms z of all its machines."""
    found = {}
    for name in dict.fromkeys(row["estimator"] for row in rows):
        of_name = [row for row in rows if row["estimator"] == name]
        rms_z = float(np.sqrt(np.mean([row["rms_z"] ** 2 for row in of_name])))
        is_so = (rms_z <= BAR) == (of_name[0]["called"] == "unbiased")
        found[name] = f"{of_name[0]['called']}, and so it is" if is_so else f"NOT {of_name[0]['called']}"
        found[name] += f": rms z {rms_z:.2f}"
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
