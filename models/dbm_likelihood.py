"""The log-likelihood of rows under a machine: exact where blocks are small, else by annealed importance sampling.

log p(v) = b_0'v + log p*(hidden units given v) - log Z. With one hidden layer only log Z may have to be estimated; with
more, the hidden units of every row are a machine of their own, which gets chains of its own. Both estimates come with
their effective sample sizes. An estimate of log Z that is too low makes all rows look too likely, one of a row's log p*
too unlikely.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from models.dbm_ais import LogZ, annealed_log_z, known_log_z
from models.dbm_machine import Machine
from models.dbm_start import log_odds
from models.dbm_state import EVEN, mean

MOST_ENUMERATED = 14  # units of the smaller block: 16,384 states, of every row
_SWEEPS = 20
_BLOCK = 64  # rows whose chains are in memory


@dataclass(frozen=True)
class Sampling:
    """How many chains and temperatures estimate log Z, and what each row's hidden units add up to."""

    n_chains: int = 256
    n_steps: int = 1000
    n_chains_of_row: int = 16
    n_steps_of_row: int = 50


@dataclass(frozen=True)
class Likelihood:
    """Log-likelihoods of rows.

    Attributes
    ----------
    of_rows
        float64 (n_rows,), in nats.
    log_z
        log Z, exact or estimated.
    log_z_error
        Its standard error; 0 where it is exact.
    effective_samples, n_samples
        Of log Z; None and 0 where it is exact.
    effective_samples_of_row
        Of what the hidden units of a row add up to, the mean over rows; None where it is exact.
    """

    of_rows: np.ndarray
    log_z: float
    log_z_error: float
    effective_samples: float | None
    n_samples: int
    effective_samples_of_row: float | None

    @property
    def mean(self) -> float:
        """Mean over rows."""
        return float(self.of_rows.mean())


def likelihood(machine: Machine, units: torch.Tensor, seed: int, how: Sampling = Sampling()) -> Likelihood:
    """Return the log-likelihood of rows, (n_rows, n_visible) of 0 and 1, at least one; the same by the same seed."""
    random = torch.Generator(machine.device).manual_seed(seed)
    rows = units.float()
    frequent = log_odds(rows.mean(dim=0), len(rows))
    base = [frequent, *_settled(machine.given(torch.sigmoid(frequent)[None]))]
    normaliser = _log_z(machine, [bias.reshape(-1) for bias in base], random, how.n_chains, how.n_steps)
    parts, effective = [], []
    for block in torch.split(rows, _BLOCK):
        hidden = machine.given(block)
        found = _log_z(hidden, _settled(hidden), random, how.n_chains_of_row, how.n_steps_of_row)
        parts.append(found.value + block.double() @ machine.biases[0].double())
        if found.effective_sample_size is not None:
            effective.append(found.effective_sample_size)
    of_z = normaliser.effective_sample_size
    return Likelihood(
        (torch.cat(parts) - normaliser.value).cpu().numpy(),
        float(normaliser.value),
        float(normaliser.standard_error),
        None if of_z is None else float(of_z),
        normaliser.n_chains,
        float(torch.cat(effective).mean()) if effective else None,
    )


def _log_z(
    machine: Machine, base: Sequence[torch.Tensor], random: torch.Generator, n_chains: int, n_steps: int
) -> LogZ:
    is_small = min(machine.block_sizes) <= MOST_ENUMERATED
    return (known_log_z if is_small else annealed_log_z)(machine, base, random, n_chains, n_steps)


def _settled(hidden: Machine) -> list[torch.Tensor]:
    """Return the fields of the mean field of a machine whose first layer has biases by row, (n_rows, n_l) each."""
    n_rows = len(hidden.biases[0])
    state = hidden.state([torch.sigmoid(bias).expand(n_rows, -1) for bias in hidden.biases])
    for _ in range(_SWEEPS):
        state = hidden.sweep(state, mean, first=1 - EVEN)
    return [hidden.field(state, layer) for layer in range(hidden.n_layers)]
