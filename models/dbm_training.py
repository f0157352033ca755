"""Fitting a Boltzmann machine to rows of 0 and 1, all layers at once: no layer is trained before another.

What makes that work without pre-training, each found by leaving it out (figures in CHANGELOG.md): biases that start at
log odds, centred parameters (`models.dbm_learner`), Adam at rates that fall to zero, which chains need in order to keep
up with what is learned (Salakhutdinov and Hinton 2009 let them fall too), and many chains.

The likelihood of validation rows, if there are any, is looked at while it learns, exact where the smaller block can be
enumerated and by annealed importance sampling where not; the machine that was best is kept.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch

from models.base import Run
from models.dbm_config import MachineConfig
from models.dbm_learner import Learner
from models.dbm_likelihood import Likelihood, likelihood
from models.dbm_machine import Machine
from models.dbm_statistics import Report
from models.training import Loop, Step, Trained, decaying, resolve_device, seeded, train

_STREAM = "fit/dbm"


@dataclass(frozen=True)
class FittedMachine:
    """A machine, and how its training went.

    Attributes
    ----------
    machine
        Of tensors on the CPU.
    trained
        Losses are by how much states of the machine have more energy than rows; verdicts are minus the mean
        log-likelihood of the validation rows, infinite of epochs that were not judged.
    reports
        Of the negative phase, one a step since the process began; a resumed training lacks those before.
    judged
        What the likelihoods of the validation rows rest on, one for each epoch judged since the process began.
    """

    machine: Machine
    trained: Trained
    reports: list[Report]
    judged: list[Likelihood] = field(default_factory=list)


def fit_machine(
    units: np.ndarray,
    config: MachineConfig,
    run: Run,
    *,
    validation: np.ndarray | None = None,
    start: Machine | None = None,
) -> FittedMachine:
    """Return the machine fitted to `units`; the same rows, settings, seed and device give the same machine.

    Parameters
    ----------
    units
        uint8 or bool (n_rows, n_visible), 0 or 1.
    validation
        More of them, to stop by and to choose the epoch by; None trains all epochs and keeps the last.
    start
        Machine to begin with, of the layers of `config`; None begins with nothing but how frequent each unit is.

    Raises
    ------
    ValueError
        If a unit is neither 0 nor 1.
    Diverged
        If the first epoch ends in what is no number.
    """
    device = resolve_device(run.device)
    rows = _on_device(units, device)
    learner = Learner(rows, config, run.derive_seed(_STREAM), start and start.to(device))
    optimizer = torch.optim.Adam(learner.parameters(), lr=config.learning_rate)
    judge = None if validation is None else _judge(learner, _on_device(validation, device), run)
    patience = config.patience * config.judge_every if config.patience and judge else None
    run.progress.start(f"Boltzmann machine {'-'.join(map(str, learner.machine().sizes))}", config.epochs)
    # what is gone on from brings torch's global randomness with it, and the caller's is not to change
    with seeded(run.derive_seed(f"{_STREAM}/torch"), device):
        trained = train(
            learner,
            _step(learner, optimizer),
            len(rows),
            Loop(config.epochs, config.batch_size, patience),
            run.derive_seed(f"{_STREAM}/order"),
            device=device,
            judge=judge,
            progress=run.progress,
            checkpoint=run.checkpoint,
            optimizer=optimizer,
        )
    run.progress.finish(f"{trained.kept_epoch} epochs on {device.type} ({trained.why})")
    return FittedMachine(learner.machine().to(torch.device("cpu")), trained, learner.reports, learner.judged)


def _on_device(units: np.ndarray, device: torch.device) -> torch.Tensor:
    if units.ndim != 2 or not np.isin(units, (0, 1)).all():
        raise ValueError(f"units {units.shape}: expected 2 axes of 0 and 1")
    return torch.tensor(units, dtype=torch.uint8, device=device)


def _step(learner: Learner, optimizer: torch.optim.Optimizer) -> Step:
    decay = decaying(optimizer, learner.config.decay_from)

    def step(rows: torch.Tensor, done: float) -> float:
        decay(done)
        gap = learner.set_gradients(rows)
        optimizer.step()
        learner.follow_means()
        return gap

    return step


def _judge(learner: Learner, validation: torch.Tensor, run: Run) -> Callable[[], float]:
    """Return what judges the learner every few epochs, and after the last: minus the mean log-likelihood."""
    config, seed = learner.config, run.derive_seed(f"{_STREAM}/judge")

    def judge() -> float:
        learner.n_epochs += 1
        n_epochs = int(learner.n_epochs)
        if n_epochs % config.judge_every and n_epochs < config.epochs:
            return math.inf
        learner.judged.append(likelihood(learner.machine(), validation, seed))
        return -learner.judged[-1].mean

    return judge
