"""Milliseconds of one training step of a Boltzmann machine: the released code's beside ours, one thread.

    python -m tests.benchmarks.dbm_steps [--width 64 784] [--steps N] [--batch N] [--seed N] [--json]

Three layers of one width, as the released code has them (28 x 28 images: 784-784-784), its initial parameters
(orthogonal weights, zero biases), its batch of 1000 and its learning rate, on binary digits (784: drawn large). Both
take the same step, `local_mode`, in turns; the ratio is the median of the ratios of turns. `cd` and `pcd` are for
comparison: each starts from the same parameters, and takes its own steps. Coupled chains take as long as they take to
meet (`tests.benchmarks.dbm_couplings`).
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from flows.tables import write_json, write_table
from models.dbm_estimators import METHODS, Method, gradient
from models.dbm_machine import Machine
from models.dbm_statistics import moved
from tests.benchmarks.dbm_released import ReleasedMachine, released_step
from tests.benchmarks.digits import digits

LEARNING_RATE = 0.01
BARS = {64: 3.5, 784: 2.5}
OTHERS = ("cd", "pcd")

Step = Callable[[torch.Tensor], str]


def main(arguments: list[str]) -> int:
    """Run the benchmark and print its table; 1 if a bar is missed."""
    chosen = parsed(arguments)
    torch.set_num_threads(1)
    rows = [row for width in chosen.width for row in compared(width, chosen.steps, chosen.batch, chosen.seed)]
    if chosen.json:
        write_json(rows)
    else:
        title = f"one thread, batches of {chosen.batch}, median of {chosen.steps} steps, seed {chosen.seed}"
        shown = [{**row, "ms": f"{row['ms']:.1f}", "ratio": f"{row['ratio']:.2f}"} for row in rows]
        headings = {"machine": "machine", "step": "step", "ms": "ms", "ratio": "times as fast", "last": "its last step"}
        write_table(title, shown, headings)
    return int(any(row["step"] == "local_mode" and row["ratio"] < BARS[row["width"]] for row in rows))


def parsed(arguments: list[str]) -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.dbm_steps",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--width", type=int, nargs="+", default=[64, 784], choices=list(BARS))
    parser.add_argument("--steps", type=int, default=11)
    parser.add_argument("--batch", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args(arguments)


def compared(width: int, n_steps: int, batch_size: int, seed: int) -> list[dict[str, Any]]:
    """Return a row for the released step and for each of ours, which take turns on the same batches."""
    rows = digits(width)
    random = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    released = ReleasedMachine((width,) * 3)
    start = Machine(
        tuple(weight.detach().T.contiguous() for weight in released.weight),
        tuple(bias.detach().clone() for bias in released.bias),
    )
    steps: dict[str, Step] = {"released": _theirs(released)}
    steps |= {name: _ours(start, METHODS[name], random) for name in ("local_mode", *OTHERS)}
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    said = dict.fromkeys(steps, "")
    for _ in range(n_steps):
        batch = rows[torch.randint(len(rows), (batch_size,), generator=random)]
        for name, step in steps.items():
            started = time.perf_counter()
            said[name] = step(batch)
            seconds[name].append(time.perf_counter() - started)
    machine = "-".join([str(width)] * 3)
    return [
        {
            "machine": machine,
            "width": width,
            "step": name,
            "ms": float(np.median(taken)) * 1e3,
            "ratio": float(np.median(np.array(seconds["released"]) / np.array(taken))),
            "last": said[name],
        }
        for name, taken in seconds.items()
    ]


def _theirs(machine: ReleasedMachine) -> Step:
    optimizer = torch.optim.SGD(machine.parameters(), lr=LEARNING_RATE)

    def step(batch: torch.Tensor) -> str:
        released_step(machine, batch, optimizer)
        return ""

    return step


def _ours(start: Machine, method: Method, random: torch.Generator) -> Step:
    machine, chains = start, None

    def step(batch: torch.Tensor) -> str:
        nonlocal machine, chains
        found = gradient(machine, batch, method, random, chains)
        machine, chains = moved(machine, found.ascent, LEARNING_RATE), found.chains
        return found.negative.says()

    return step


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
