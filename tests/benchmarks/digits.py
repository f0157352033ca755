"""The digits of scikit-learn as binary rows: data for benchmarks that is always there."""

from __future__ import annotations

import numpy as np
import torch
from sklearn.datasets import load_digits

from models.dbm_estimators import gradient, method_named
from models.dbm_machine import Machine
from models.dbm_start import initial_machine
from models.dbm_statistics import moved

_THRESHOLD = 8  # of 16 greys


def digits(width: int) -> torch.Tensor:
    """Return float32 (1797, width) of 0 and 1; 64 units as they are, 784 each drawn 4 x 4 and cut to 28 x 28."""
    images = (load_digits().images >= _THRESHOLD).astype(np.float32)
    if width == 784:
        images = np.kron(images, np.ones((1, 4, 4), np.float32))[:, 2:30, 2:30]
    elif width != 64:
        raise ValueError(f"digits: width {width}, expected 64 or 784")
    return torch.tensor(images.reshape(len(images), -1))


def trained_on_digits(hidden: tuple[int, ...], n_steps: int, seed: int) -> Machine:
    """Return a machine of 64 visible units after steps of persistent contrastive divergence on 1437 digits."""
    rows, random = digits(64)[:1437], torch.Generator().manual_seed(seed)
    machine = initial_machine((64, *hidden), rows.mean(dim=0), len(rows), random, weight_sd=0.05)
    method, chains = method_named("pcd"), None
    for step in range(n_steps):
        batch = rows[torch.randint(len(rows), (100,), generator=random)]
        found = gradient(machine, batch, method, random, chains)
        machine, chains = moved(machine, found.ascent, 0.05 * (1 - step / n_steps)), found.chains
    return machine
