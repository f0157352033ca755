"""What deep nets do to signals at the start: variance of activations and gradients through 22 and 30 layers.

    python -m tests.benchmarks.depth [--seed N] [--width N] [--json]

A net of equal layers gets standard normal inputs, and standard normal gradients at its last layer. `forward` is the
mean square of the pre-activations of the last layer over that of the first, `backward` that of the gradients of the
first over that of the last. *ours* is the start that `models.bnn_layout` takes for the activation: with a rectifier it
keeps both, and with tanh, whose slope is below 1 wherever it is not at rest, it loses them slowly. `glorot` for a
rectifier halves both at every layer; `he` for tanh drives units into saturation and lets gradients grow; weights of one
size whatever the width (`normal .05`) lose both by that size.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

import numpy as np

from flows.tables import write_json, write_table
from models.bnn_layout import STARTS, Layout

DEPTHS = (22, 30)
CASES = (("relu", "he"), ("relu", "glorot"), ("relu", "normal .05"), ("tanh", "glorot"), ("tanh", "he"))
N_ROWS = 500


def main(arguments: list[str]) -> int:
    """Run the experiment and print its table."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.depth",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args(arguments)
    rows = []
    for depth in DEPTHS:
        for activation, start in CASES:
            forward, backward = kept(depth, activation, start, chosen.width, chosen.seed)
            ours = "ours" if STARTS[activation] == start else ""
            rows.append({"layers": depth, "activation": activation, "start": start, "": ours, "forward": forward})
            rows[-1]["backward"] = backward
    if chosen.json:
        write_json(rows)
        return 0
    shown = [{**row, "forward": f"{row['forward']:.2g}", "backward": f"{row['backward']:.2g}"} for row in rows]
    write_table(f"mean squares kept, width {chosen.width}, seed {chosen.seed}", shown, {key: key for key in shown[0]})
    return 0


def kept(depth: int, activation: str, start: str, width: int, seed: int) -> tuple[float, float]:
    """Return how much of the mean square goes forward through `depth` layers, and back.

    The rules are those for hidden layers: a layer more is made, so that the last, which starts otherwise, is left out.
    """
    random = np.random.default_rng(seed)
    layout = Layout((width,) * (depth + 2), activation)
    layers = layout.layers(started(layout, start, random))[:depth]
    hidden = random.standard_normal((N_ROWS, width))
    sizes, slopes = [], []
    for matrix, _ in layers:
        before = hidden @ matrix
        sizes.append(np.mean(before**2))
        slopes.append(1 - np.tanh(before) ** 2 if activation == "tanh" else (before > 0).astype(np.float64))
        hidden = np.tanh(before) if activation == "tanh" else np.maximum(before, 0)
    gradient = random.standard_normal((N_ROWS, width))
    for (matrix, _), slope in zip(layers[:0:-1], slopes[-2::-1], strict=True):
        gradient = gradient @ matrix.T * slope
    return float(sizes[-1] / sizes[0]), float(np.mean(gradient**2))


def started(layout: Layout, start: str, random: np.random.Generator) -> Any:
    """Return weights by the named rule, float32 (n_weights,)."""
    if start.startswith("normal"):
        return random.normal(0, float(start.split()[1]), layout.n_weights).astype(np.float32)
    return layout.initial(random, start)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
