"""The one gradient loop: epochs of batches, on a device, from a seed, stopped early or when a loss is no number.

What is learned is a `torch.nn.Module`; how it learns is a `Step`, a function that takes one step on a batch of row
numbers and returns the loss. `gradient_step` makes one of a loss and a torch optimiser, which is how a Pyro ELBO's
``differentiable_loss`` is driven; a Pyro ``SVI`` is one as ``lambda rows, done: svi.step(rows)``. Whatever a loss
needs of its rows (csr batches, targets) it gathers itself: the loop knows numbers of rows only.

Pyro's parameters live in their modules, never in its global store, where a second fit would overwrite the first.
"""

from __future__ import annotations

import copy
import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import pyro
import torch

from data.checkpoint import Checkpoint
from data.errors import BadArtifact, BadConfig, NoDevice
from data.progress import Progress, Quiet
from models.resuming import Course, State

pyro.settings.set(module_local_params=True)

DEVICES = ("auto", "cpu", "cuda")
_ONE_AT_A_TIME = threading.RLock()  # flows fit models side by side, in threads

Step = Callable[[torch.Tensor, float], "torch.Tensor | float"]
"""Takes one step on a batch, int64 (n,) row numbers, the given share of all steps being done; returns the loss."""


@dataclass(frozen=True)
class Loop:
    """How long a loop goes, and in which portions.

    Attributes
    ----------
    epochs
        Passes over the rows at most.
    batch_size
        Rows of a step at most; the batches of an epoch differ by one row at most.
    patience
        Epochs without a better verdict after which it stops; None goes on to the end.
    counts_from
        Share of the steps after which a verdict counts: where the loss changes at first (a divergence that gets its
        weight little by little), states of before are fitted to something else. The last epoch always counts.
    """

    epochs: int
    batch_size: int
    patience: int | None = None
    counts_from: float = 0.0

    @property
    def first_counted(self) -> int:
        """The first epoch, from 1, whose verdict counts."""
        return min(max(1, math.ceil(self.counts_from * self.epochs)), max(1, self.epochs))


@dataclass(frozen=True)
class Trained:
    """How a loop went.

    Attributes
    ----------
    losses
        float64 (n_epochs,), the mean loss over the rows of every epoch whose state was kept as good.
    verdicts
        float64 (n_epochs,), what the judge said after each, lower is better; empty without a judge.
    kept_epoch
        The epoch, from 1, whose state the module now has: the last one, or with a judge the best one.
    why
        ``"all epochs"``, ``"no better verdict"`` or ``"loss is no number"``.
    """

    losses: np.ndarray
    verdicts: np.ndarray
    kept_epoch: int
    why: str


class Diverged(FloatingPointError):
    """The loss was no number before a single epoch was through."""


def resolve_device(asked: str) -> torch.device:
    """Return the device that `asked` names: "auto" is CUDA where there is one, else the CPU.

    Raises
    ------
    BadConfig
        If there is no device of that name.
    NoDevice
        If CUDA was asked for by name and there is none.
    """
    if asked not in DEVICES:
        raise BadConfig(f"device: {asked!r}, expected one of {', '.join(DEVICES)}")
    found = torch.cuda.is_available()
    if asked == "cuda" and not found:
        raise NoDevice(
            "device: cuda was asked for, and torch finds no CUDA device.\n"
            "  to do: ask for auto or cpu (WAGAHAI_DEVICE), or install a CUDA build of torch and its driver"
        )
    return torch.device("cuda" if found and asked != "cpu" else "cpu")


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Make torch's global randomness, which layers, dropout and Pyro draw from, that of `seed`; then as it was before.

    Neither Python's nor NumPy's is touched, unlike by ``pyro.set_rng_seed``, nor that of another device. That
    randomness, and the stack of Pyro's handlers, are the process's: one thread at a time is let in, others wait.
    """
    with _ONE_AT_A_TIME, torch.random.fork_rng(devices=[torch.cuda.current_device()] if device.type == "cuda" else []):
        torch.default_generator.manual_seed(seed)
        if device.type == "cuda":
            torch.cuda.manual_seed(seed)
        yield


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch compute on one thread of the CPU; then on as many as before.

    For nets so small that threads wait for each other longer than they compute: on a busy machine by much.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def gradient_step(
    loss: Callable[[torch.Tensor, float], torch.Tensor], optimizer: torch.optim.Optimizer, *, decay_from: float = 1.0
) -> Step:
    """Return the step that moves `optimizer`'s parameters down the gradient of `loss`.

    Parameters
    ----------
    decay_from
        Share of the steps after which the learning rates fall linearly to zero; 1 keeps them.
    """
    decay = decaying(optimizer, decay_from)

    def step(rows: torch.Tensor, done: float) -> torch.Tensor:
        decay(done)
        optimizer.zero_grad(set_to_none=True)
        value = loss(rows, done)
        value.backward()  # type: ignore[no-untyped-call]  # torch
        optimizer.step()
        return value.detach()

    return step


def decaying(optimizer: torch.optim.Optimizer, decay_from: float) -> Callable[[float], None]:
    """Return what sets the learning rates when a share of the steps is done: they fall linearly to zero.

    Parameters
    ----------
    decay_from
        Share of the steps after which they fall; 1 keeps them.
    """
    rates = [group["lr"] for group in optimizer.param_groups]

    def decay(done: float) -> None:
        if decay_from < 1:
            share = min(1.0, (1 - done) / (1 - decay_from))
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = rate * share

    return decay


def train(
    module: torch.nn.Module,
    step: Step,
    n_rows: int,
    loop: Loop,
    seed: int,
    *,
    device: torch.device | None = None,
    judge: Callable[[], float] | None = None,
    progress: Progress | None = None,
    checkpoint: Checkpoint | None = None,
    optimizer: torch.optim.Optimizer | None = None,
) -> Trained:
    """Train `module` in place, an epoch a step of `progress`, which the caller starts and finishes.

    After every epoch the loss and all parameters are looked at. If one is no number the loop ends, with the state of
    the last epoch that was good. The order of rows comes from `seed` alone, the same on every device.

    Parameters
    ----------
    judge
        Called after each epoch with the module in evaluation mode; returns what is to be small. The best state of those
        that count is kept.
    checkpoint
        Where the loop is kept after every epoch. What is kept there is gone on from, and ends with the same parameters
        as a loop that was never killed. What another type of device left there is not: the loop begins anew.
    optimizer
        The one `step` uses, whose moments a checkpoint has to keep.

    Raises
    ------
    Diverged
        If no epoch was good.
    BadArtifact
        If what the checkpoint keeps cannot be read, or is of another module.
    """
    order, on = torch.Generator().manual_seed(seed), device.type if device else "cpu"
    course = Course(module, order, optimizer, _state(module), device=on)
    told = progress or Quiet()
    if checkpoint is not None:
        _resume(course, checkpoint)
        told.advance(course.n_epochs)
    why = _stop(course, loop)
    while not why:
        loss = _epoch(course, step, n_rows, loop, device)
        if not (math.isfinite(loss) and _is_finite(module)):
            why = "loss is no number"
            break
        _look(course, loss, judge, loop)
        if checkpoint is not None:
            checkpoint.write(course.arrays())
        told.advance()
        why = _stop(course, loop)
    if course.kept_epoch == 0 and loop.epochs:
        raise Diverged(f"the loss is no number in the first of {loop.epochs} epochs: try a smaller learning_rate")
    module.load_state_dict(course.kept)
    module.eval()
    return Trained(np.array(course.losses), np.array(course.verdicts), course.kept_epoch, why)


def _resume(course: Course, checkpoint: Checkpoint) -> None:
    """Go on from what is kept, if anything is, and by a device of the same type."""
    found = checkpoint.read()
    if found is None or not course.can_resume(found):
        return
    try:
        course.resume(found)
    except (RuntimeError, KeyError, ValueError) as error:
        raise BadArtifact(
            f"{checkpoint.path}: is not of what is being fitted: {error}\n  to do: delete it; the fit begins anew"
        ) from error


def _epoch(course: Course, step: Step, n_rows: int, loop: Loop, device: torch.device | None) -> float:
    """Take the steps of the next epoch; return the mean loss over its rows."""
    course.module.train()
    permuted = torch.randperm(n_rows, generator=course.order).to(device or "cpu")
    n_batches = max(1, math.ceil(n_rows / loop.batch_size))
    total: torch.Tensor | float = 0.0
    for i, rows in enumerate(torch.tensor_split(permuted, n_batches)):
        done = (course.n_epochs * n_batches + i) / (loop.epochs * n_batches)
        total = total + step(rows, done) * (len(rows) / n_rows)
    return float(total)


def _look(course: Course, loss: float, judge: Callable[[], float] | None, loop: Loop) -> None:
    """Count a good epoch; keep its state if it is the best that counts, or if none does yet or there is no judge."""
    course.losses.append(loss)
    if judge is not None:
        course.module.eval()
        course.verdicts.append(judge())
    verdicts = course.verdicts
    none_counted = judge is None or course.n_epochs <= loop.first_counted
    if none_counted or verdicts[-1] < verdicts[course.kept_epoch - 1]:
        course.kept, course.kept_epoch = _state(course.module), course.n_epochs


def _stop(course: Course, loop: Loop) -> str:
    """Return why the loop is over; empty if it goes on."""
    if course.n_epochs >= loop.epochs:
        return "all epochs"
    if loop.patience is not None and course.n_epochs and course.n_epochs - course.kept_epoch >= loop.patience:
        return "no better verdict"
    return ""


def _state(module: torch.nn.Module) -> State:
    """Return a copy of all parameters and buffers."""
    return copy.deepcopy(module.state_dict())


def _is_finite(module: torch.nn.Module) -> bool:
    return all(bool(torch.isfinite(value).all()) for value in module.parameters())
