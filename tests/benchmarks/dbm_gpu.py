"""Steps per second of training a Boltzmann machine on a device, and how much of them is the products they consist of.

    python -m tests.benchmarks.dbm_gpu [--device cuda] [--width N] [--batch N] [--steps N] [--bfloat16] [--seed N]
                                       [--json]

A step is one of persistent contrastive divergence with three layers of one width. Its floating-point operations are
counted by torch (products only); the limit is what one large product of the same type reaches on the device just
before. The share is the rate of the step's products over the whole step relative to that.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from flows.tables import write_json, write_table
from models.dbm_estimators import METHODS, gradient
from models.dbm_machine import Machine
from models.dbm_start import initial_machine
from models.dbm_statistics import moved
from models.training import resolve_device


def main(arguments: list[str]) -> int:
    """Run the benchmark and print its table."""
    chosen = parsed(arguments)
    device = resolve_device(chosen.device)
    dtype = torch.bfloat16 if chosen.bfloat16 else torch.float32
    row = measured(device, dtype, chosen.width, chosen.batch, chosen.steps, chosen.seed)
    if chosen.json:
        write_json(row)
    else:
        shown = {key: f"{value:.3g}" if isinstance(value, float) else value for key, value in row.items()}
        write_table(f"pcd on {device}", [shown], {key: key for key in shown})
    return 0


def parsed(arguments: list[str]) -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.dbm_gpu",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    parser.add_argument("--width", type=int, default=4096)
    parser.add_argument("--batch", type=int, default=4096)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--bfloat16", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args(arguments)


def measured(
    device: torch.device, dtype: torch.dtype, width: int, batch_size: int, n_steps: int, seed: int
) -> dict[str, Any]:
    """Return the row: steps per second, rates in 10^9 operations a second, and the share of the limit."""
    random = torch.Generator(device).manual_seed(seed)
    rows = (torch.rand(batch_size, width, generator=random, device=device) < 0.1).float()
    start = initial_machine((width,) * 3, rows.mean(dim=0), batch_size, random)
    machine = Machine(start.weights, start.biases, dtype)
    method, chains = METHODS["pcd"], gradient(machine, rows, METHODS["pcd"], random).chains

    def step() -> None:
        nonlocal machine, chains
        found = gradient(machine, rows, method, random, chains)
        machine, chains = moved(machine, found.ascent, 0.01), found.chains

    with FlopCounterMode(display=False) as counter:
        step()
    seconds = _seconds(step, n_steps, device)
    square = torch.rand(batch_size, width, generator=random, device=device).to(dtype)
    weight = torch.rand(width, width, generator=random, device=device).to(dtype)
    limit = 2 * batch_size * width**2 / _seconds(lambda: square @ weight, n_steps, device)
    rate = counter.get_total_flops() / seconds
    return {
        "width": width,
        "batch": batch_size,
        "products": str(dtype).removeprefix("torch."),
        "steps_a_second": 1 / seconds,
        "gflops": rate / 1e9,
        "limit_gflops": limit / 1e9,
        "share_of_limit": rate / limit,
    }


def _seconds(work: Callable[[], object], n_times: int, device: torch.device) -> float:
    """Return the seconds of one of `n_times`, after one to warm up."""
    work()
    _wait(device)
    started = time.perf_counter()
    for _ in range(n_times):
        work()
    _wait(device)
    return (time.perf_counter() - started) / n_times


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
