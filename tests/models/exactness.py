"""Whether an estimator's mean is what enumeration says: many replicates, and z of every statistic."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch

from models.dbm_exact import exact_expectations, exact_hidden
from models.dbm_machine import Machine
from models.dbm_phase import Phase
from models.dbm_statistics import below, statistics, statistics_by_row

BATCH = 50_000


@dataclass(frozen=True)
class Exactness:
    """What replicates of an estimator come to.

    Attributes
    ----------
    rms_z
        Root mean square over the statistics of (mean - exact) / standard error; near 1 without bias.
    relative_var
        Variance of a replicate, summed over statistics, relative to one independent sample from the machine.
    tau, largest_tau, n_truncated, n_corrected
        Of all replicates; tau 0 where no chains are coupled.
    seconds
        What the replicates took.
    """

    rms_z: float
    relative_var: float
    tau: float
    largest_tau: int
    n_truncated: int
    n_corrected: int
    seconds: float


def exactness(machine: Machine, phase: Phase, n_replicates: int, seed: int, batch: int = BATCH) -> Exactness:
    """Return how replicates of the negative phase compare with the exact expectations."""
    return _judged(machine, phase, n_replicates, seed, exact_expectations(machine).flat(), batch, None)


def hidden_exactness(machine: Machine, visible: torch.Tensor, phase: Phase, n_replicates: int, seed: int) -> Exactness:
    """Return how replicates of the positive phase of one row, (n_visible,), compare with the exact expectations."""
    exact = statistics(machine.to(torch.float64), exact_hidden(machine, visible[None])).flat()
    return _judged(machine, phase, n_replicates, seed, exact, BATCH, visible)


def _judged(
    machine: Machine,
    phase: Phase,
    n_replicates: int,
    seed: int,
    exact: torch.Tensor,
    batch: int,
    visible: torch.Tensor | None,
) -> Exactness:
    random = torch.Generator().manual_seed(seed)
    total, squares = torch.zeros_like(exact), torch.zeros_like(exact)
    taus, n_truncated, n_corrected, seconds = [], 0, 0, 0.0
    for start in range(0, n_replicates, batch):
        n_rows = min(batch, n_replicates - start)
        shown = None if visible is None else visible.expand(n_rows, -1)
        asked = machine if shown is None else machine.given(shown)
        started = time.perf_counter()
        estimate = phase.expectation(asked, n_rows, random)
        seconds += time.perf_counter() - started
        particles = estimate.particles if shown is None else below(shown, estimate.particles)
        each = statistics_by_row(machine, particles).double()
        total, squares = total + each.sum(dim=0), squares + each.square().sum(dim=0)
        taus.append(estimate.report.tau)
        n_truncated, n_corrected = n_truncated + estimate.report.n_truncated, n_corrected + estimate.report.n_corrected
    mean = total / n_replicates
    var = squares / n_replicates - mean.square()
    of_sample = exact * (1 - exact)  # every statistic of a sample is 0 or 1
    varies, known = of_sample > 1e-3, of_sample < 1e-9  # what is rarer has no normal mean; what is given does not vary
    torch.testing.assert_close(mean[known], exact[known], atol=1e-5, rtol=0)
    z = ((mean - exact) / (var / n_replicates).clamp(min=1e-12).sqrt())[varies]
    tau = torch.cat(taus)
    return Exactness(
        float(z.square().mean().sqrt()),
        float(var.sum() / of_sample.sum()),
        float(tau.double().mean()) if len(tau) else 0.0,
        int(tau.max()) if len(tau) else 0,
        n_truncated,
        n_corrected,
        seconds,
    )


def pooled_rms_z(found: Iterable[Exactness]) -> float:
    """Return the rms over machines and seeds: the statistics of one machine move together, so one rms z varies much."""
    return float(np.sqrt(np.mean([part.rms_z**2 for part in found])))
