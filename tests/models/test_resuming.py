"""A loop that was killed goes on from its checkpoint as if it had not been."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from data.checkpoint import Checkpoint
from data.errors import BadArtifact
from data.progress import Quiet
from data.store import Store
from models.training import Loop, gradient_step, seeded, train
from tests.killing import Killed, KillsAfter
from tests.models.line import Line


def noisy(line: Line, checkpoint: Checkpoint | None, progress: Quiet, patience: int | None = None) -> np.ndarray:
    """Train with Adam, learning rates that fall, batches, noise of torch's own and a judge; all of it must go on."""
    optimizer = torch.optim.Adam(line.parameters(), lr=0.1)

    def loss(rows: torch.Tensor, done: float) -> torch.Tensor:
        return line.loss(rows, done) + torch.randn(()) * line.coefficients.sum()

    with seeded(7, torch.device("cpu")):
        trained = train(
            line,
            gradient_step(loss, optimizer, decay_from=0.2),
            40,
            Loop(epochs=9, batch_size=8, patience=patience),
            seed=1,
            judge=lambda: float(line.coefficients.detach()[1].abs()),
            progress=progress,
            checkpoint=checkpoint,
            optimizer=optimizer,
        )
    return np.concatenate([line.coefficients.detach(), trained.losses, trained.verdicts, [trained.kept_epoch]])


@pytest.mark.parametrize("n_epochs", [1, 4, 8])
def test_a_killed_loop_goes_on_as_if_it_had_not_been(n_epochs: int, tmp_path: Path) -> None:
    unbroken = noisy(Line(), None, Quiet())
    checkpoint = Checkpoint(Store(tmp_path), "fit")
    with pytest.raises(Killed):
        noisy(Line(), checkpoint, KillsAfter(n_epochs))
    assert checkpoint.path.is_file()
    heard = KillsAfter(10)  # those done and those to do are nine
    np.testing.assert_array_equal(noisy(Line(), checkpoint, heard), unbroken)
    assert heard.left == 1


def test_a_loop_that_was_through_is_not_gone_over_again(tmp_path: Path) -> None:
    checkpoint = Checkpoint(Store(tmp_path), "fit")
    first = noisy(Line(), checkpoint, Quiet(), patience=2)
    np.testing.assert_array_equal(noisy(Line(), checkpoint, Quiet(), patience=2), first)
    checkpoint.drop()
    assert checkpoint.read() is None


def test_a_damaged_checkpoint_is_refused(tmp_path: Path) -> None:
    checkpoint = Checkpoint(Store(tmp_path), "fit")
    checkpoint.write({"a": np.arange(3)})
    checkpoint.path.write_bytes(checkpoint.path.read_bytes()[:40])
    with pytest.raises(BadArtifact, match="delete it"):
        checkpoint.read()


def test_what_another_device_kept_is_begun_anew(tmp_path: Path) -> None:
    checkpoint = Checkpoint(Store(tmp_path), "fit")
    with pytest.raises(Killed):
        noisy(Line(), checkpoint, KillsAfter(4))
    found = checkpoint.read()
    assert found is not None
    other = {**found, "device": np.array("cuda"), "random/order": np.zeros(16, np.uint8)}  # as the state of CUDA's is
    checkpoint.write(other)
    np.testing.assert_array_equal(noisy(Line(), checkpoint, Quiet()), noisy(Line(), None, Quiet()))


def test_what_was_kept_of_another_module_is_refused_with_its_path(tmp_path: Path) -> None:
    checkpoint = Checkpoint(Store(tmp_path), "fit")
    with pytest.raises(Killed):
        noisy(Line(), checkpoint, KillsAfter(1))
    other = nn.Linear(2, 2)
    with pytest.raises(BadArtifact, match="is not of what is being fitted") as raised:
        train(other, lambda _rows, _done: 0.0, 4, Loop(2, 4), seed=0, checkpoint=checkpoint)
    assert str(checkpoint.path) in str(raised.value)
    assert "delete it" in str(raised.value)
