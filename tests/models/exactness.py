"""Whether an estimator's mean is what enumeration says: many replicates, and z of every statistic."""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch

from models.dbm_exact import exact_expectations, exact_hidden
from models.dbm_machine import Machine
from models.dbm_phase import Phase
from models.dbm_state import State
from models.dbm_statistics import Statistics, below, one_each, statistics, statistics_by_row

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


def exactness(machine: Machine, phase: Phase, n_replicates: int, seed: int) -> Exactness:
    """Return how replicates of the negative phase compare with the exact expectations."""
    exact = exact_expectations(machine)
    return _judged(machine, machine, None, phase, n_replicates, seed, exact)


def hidden_exactness(machine: Machine, visible: torch.Tensor, phase: Phase, n_replicates: int, seed: int) -> Exactness:
    """Return how replicates of the positive phase of one row, (n_visible,), compare with the exact expectations."""
    exact = statistics(machine.to(torch.float64), exact_hidden(machine, visible[None]))
    return _judged(machine, machine.given(visible.expand(BATCH, -1)), visible, phase, n_replicates, seed, exact)


def _judged(
    machine: Machine,
    asked: Machine,
    visible: torch.Tensor | None,
    phase: Phase,
    n_replicates: int,
    seed: int,
    exact: Statistics,
) -> Exactness:
    random = torch.Generator().manual_seed(seed)
    total, squares = (torch.zeros(len(exact.flat()), dtype=torch.float64) for _ in range(2))
    taus, n_truncated, n_corrected, seconds = [], 0, 0, 0.0
    for start in range(0, n_replicates, BATCH):
        n_rows = min(BATCH, n_replicates - start)
        part = asked.at(torch.arange(n_rows))
        started = time.perf_counter()
        estimate = phase.expectation(part, n_rows, random)
        seconds += time.perf_counter() - started
        particles = estimate.particles
        if visible is not None:
            particles = below(visible.expand(n_rows, -1), particles)
        each = statistics_by_row(machine, particles).double()
        total, squares = total + each.sum(dim=0), squares + each.square().sum(dim=0)
        taus.append(estimate.report.tau)
        n_truncated, n_corrected = n_truncated + estimate.report.n_truncated, n_corrected + estimate.report.n_corrected
    mean = total / n_replicates
    var = squares / n_replicates - mean.square()
    varies = var > 1e-9  # a visible unit that is given does not
    torch.testing.assert_close(mean[~varies], exact.flat()[~varies], atol=1e-5, rtol=0)
    z = ((mean - exact.flat()) / (var / n_replicates).sqrt())[varies]
    tau = torch.cat(taus)
    return Exactness(
        float(z.square().mean().sqrt()),
        float(var.sum() / independent_var(machine, visible).sum()),
        float(tau.double().mean()) if len(tau) else 0.0,
        int(tau.max()) if len(tau) else 0,
        n_truncated,
        n_corrected,
        seconds,
    )


def independent_var(machine: Machine, visible: torch.Tensor | None) -> torch.Tensor:
    """Return the variance of every statistic of one exact sample, from all states of a machine of a few units."""
    from tests.models.machines import all_states

    states = all_states(machine)
    log_p = -machine.energy(states).double()
    if visible is not None:
        log_p[(machine.layers(states)[0] != visible).any(dim=1)] = -torch.inf
    p = torch.softmax(log_p, dim=0)
    each = statistics_by_row(machine, one_each(State(states.even.double(), states.odd.double())))
    var: torch.Tensor = p @ each.square() - (p @ each).square()
    return var
