"""The log-likelihood of rows under a machine: exact where it can be, else by annealed importance sampling."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from models import dbm_exact
from models.dbm_machine import Machine

MOST_ENUMERATED = 14  # units of the smaller block: 16,384 states


@dataclass(frozen=True)
class Likelihood:
    """Log-likelihoods of rows.

    Attributes
    ----------
    of_rows
        float64 (n_rows,), in nats.
    log_z
        The log normaliser that was subtracted.
    effective_samples
        Of the importance sampling of log Z; None where it is exact.
    n_samples
        Chains of it; 0 where it is exact.
    """

    of_rows: np.ndarray
    log_z: float
    effective_samples: float | None = None
    n_samples: int = 0

    @property
    def mean(self) -> float:
        """Mean over rows."""
        return float(self.of_rows.mean())


def likelihood(machine: Machine, units: torch.Tensor, seed: int) -> Likelihood:
    """Return the log-likelihood of rows, uint8 or float (n_rows, n_visible)."""
    rows = units.float()
    if min(machine.block_sizes) <= MOST_ENUMERATED:
        log_z = dbm_exact.log_z(machine)
        return Likelihood(dbm_exact.log_likelihood(machine, rows, log_z).cpu().numpy(), float(log_z))
    raise NotImplementedError
