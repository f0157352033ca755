"""What a training step of our Bayesian nets costs beside the same maths by hand in torch, and what predicting costs.

    python -m tests.benchmarks.bnn_steps [--steps N] [--rounds N] [--n-rows N] [--seed N] [--only WHAT] [--json]

Steps: ours go through Pyro's evidence bound with one site for all weights (`models.bnn_network`), theirs are
`tests.benchmarks.bnn_raw`. Both are timed in turns, some steps each, in this process, on one thread, by the processor's
time, which other processes of the machine change least; the ratio is the median of those of the rounds. The bar is 1.5.
Prediction: a process of its own predicts `--n-rows` rows of 64 features and 10 outcomes with 32 draws; its peak memory
is beside that of one that only holds the rows.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pyro
import torch

from flows.tables import write_json, write_table
from models.bayes_by_backprop import BayesByBackpropConfig
from models.bnn_fit import on_device, prepared
from models.bnn_net import Net
from models.bnn_network import BayesianNetwork
from models.bnn_prior import prior_of
from models.mc_dropout import McDropoutConfig
from models.predictor import Examples
from models.training import gradient_step
from tests.benchmarks import bnn_raw

HIDDEN = 50
CASES = {"8 features, number": (8, 0, 128), "100 features, 10 outcomes": (100, 10, 512)}  # features, outcomes, batch
KINDS: dict[str, Any] = {"bayes_by_backprop": BayesByBackpropConfig, "mc_dropout": McDropoutConfig}
N_TRAINING = 5000

_PREDICT = """
import json, resource, sys, time
import numpy as np
from models.bayes_by_backprop import BayesByBackprop, BayesByBackpropConfig
n_rows, is_predicting = int(sys.argv[1]), sys.argv[2] == "predict"
config = BayesByBackpropConfig(likelihood="categorical", outcomes=tuple(range(1, 11)))
n_weights = 64 * 50 + 50 + 50 * 10 + 10
random = np.random.default_rng(0)
model = BayesByBackprop.from_arrays(config, {
    "feature_mean": np.zeros(64, np.float32), "feature_sd": np.ones(64, np.float32),
    "outcome_scale": np.array([0, 1], np.float32), "parameters": np.zeros(0, np.float32),
    "loc": random.normal(0, 0.2, n_weights).astype(np.float32), "sd": np.full(n_weights, 0.05, np.float32),
})
features = random.standard_normal((n_rows, 64), np.float32)
started = time.process_time()
if is_predicting:
    assert np.isfinite(model.predict(features, 32).mean).all()
seconds = time.process_time() - started
print(json.dumps({"seconds": seconds, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
"""


def main(arguments: list[str]) -> int:
    """Run the benchmark and print its tables."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.bnn_steps",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--steps", type=int, default=200, help="of a round")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--n-rows", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=("steps", "prediction"))
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(1)
    torch.manual_seed(chosen.seed)
    steps = []
    if chosen.only != "prediction":
        steps = [compared(kind, case, chosen.steps, chosen.rounds) for kind in KINDS for case in CASES]
    prediction = [predicted(chosen.n_rows)] if chosen.only != "steps" else []
    if chosen.json:
        write_json({"steps": steps, "prediction": prediction})
        return 0
    for title, rows in (("microseconds of a step", steps), ("prediction with 32 draws", prediction)):
        if rows:
            write_table(title, rows, {key: key for key in rows[0]})
    return 0


def compared(kind: str, case: str, n_steps: int, n_rounds: int) -> dict[str, Any]:
    """Return microseconds of a step of ours and of the peer, medians over rounds in turns, and their ratio."""
    batch_size = CASES[case][2]
    rows = torch.randint(N_TRAINING, (n_steps, batch_size))
    ours, theirs = both(kind, case)
    times = np.array([(timed(ours, rows), timed(theirs, rows)) for _ in range(n_rounds)])[1:]
    of_ours, of_theirs = np.median(times, axis=0) / n_steps * 1e6
    ratio = float(np.median(times[:, 0] / times[:, 1]))
    return {
        "kind": kind,
        "case": case,
        "wagahai": f"{of_ours:.0f}",
        "raw torch": f"{of_theirs:.0f}",
        "ratio": round(ratio, 2),
    }


def timed(step: bnn_raw.Step, rows: torch.Tensor) -> float:
    """Return seconds of the processor of one step on each of the batches `rows`."""
    started = time.process_time()
    with pyro.validation_enabled(False):
        for batch in rows:
            step(batch)
    return time.process_time() - started


def both(kind: str, case: str) -> tuple[bnn_raw.Step, bnn_raw.Step]:
    """Return a step of ours and of the peer on the same rows."""
    n_features, n_outcomes, _ = CASES[case]
    random = np.random.default_rng(0)
    features = random.standard_normal((N_TRAINING, n_features), np.float32)
    outcome = random.integers(1, n_outcomes + 1, N_TRAINING) if n_outcomes else random.standard_normal(N_TRAINING)
    examples = Examples(features, outcome.astype(np.float32))
    config = KINDS[kind]()
    if n_outcomes:
        config = KINDS[kind](likelihood="categorical", outcomes=tuple(range(1, n_outcomes + 1)))
    scaling, layout, likelihood = prepared(examples, config)
    data = on_device(examples, scaling, likelihood, torch.device("cpu"))
    guide = config.guide(layout, layout.initial(random))
    prior = prior_of(config.prior_name, torch.tensor(config.prior_sds(layout)))
    with pyro.validation_enabled(False):
        network = BayesianNetwork(Net(layout), prior, likelihood, guide, data, config.kl_share)
    step = gradient_step(network.loss, torch.optim.Adam(network.parameters(), lr=0.005, fused=True), decay_from=0.5)
    peer: Callable[..., bnn_raw.Step] = getattr(bnn_raw, kind)
    raw = peer(data.inputs, data.target, HIDDEN, n_outcomes or 1)
    return (lambda rows: _ignored(step(rows, 0.7))), raw


def _ignored(_: object) -> None:
    """Drop what a step returns."""


def predicted(n_rows: int) -> dict[str, Any]:
    """Return seconds and peak memory of predicting `n_rows` rows in a process of its own."""
    found = {}
    for what in ("hold", "predict"):
        command = [sys.executable, "-c", _PREDICT, str(n_rows), what]
        found[what] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    peak, held = (round(found[what]["peak_mb"]) for what in ("predict", "hold"))
    return {"rows": n_rows, "seconds": round(found["predict"]["seconds"], 1), "peak_mb": peak, "of_rows_mb": held}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
