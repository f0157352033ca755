"""When coupled chains would correct anything: how pairs of chains meet, in training and on a machine as it is.

A pair that meets at its first step corrects nothing. Where no pair corrects anything the estimate is that of the start,
biased as it is, and no number of chains mends it. `meetings` asks it of each coupling, whatever estimator the machine
was learned by.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from models.dbm_gibbs import CoupledGibbs
from models.dbm_machine import Machine
from models.dbm_metropolis import CoupledMetropolis, LocalMode
from models.dbm_phase import Phase
from models.dbm_statistics import Report

MOST_STEPS = 1000  # of a pair of chains, which then is given up
# The coupled Gibbs chains here are of lag 1, coupled unit by unit: they say what the simplest correction would do. The
# estimator of that name (`models.dbm_estimators.METHODS`) has a lag of 50 and couples whole blocks where they are near.
PHASES: dict[str, Phase] = {
    "coupled_gibbs": CoupledGibbs(most_steps=MOST_STEPS, keeps_particles=False),
    "coupled_mh": CoupledMetropolis(most_steps=MOST_STEPS),
    "local_mode": LocalMode(most_steps=MOST_STEPS),
}


@dataclass(frozen=True)
class Meetings:
    """How pairs of chains met, of one estimate or of all those of an epoch.

    Attributes
    ----------
    n_pairs
        Pairs.
    tau
        int64 (n_values,), the steps at which pairs met, ascending, each once.
    n_of_tau
        int64 (n_values,), how many pairs did.
    n_corrected
        Pairs whose second chain corrected anything.
    n_truncated
        Pairs that were given up before they met: each may be biased.
    n_proposed, n_accepted
        Metropolis proposals, and those accepted.
    search_steps
        Sweeps of the search of the modes they started at, the mean; None where none was searched.
    """

    n_pairs: int
    tau: np.ndarray
    n_of_tau: np.ndarray
    n_corrected: int
    n_truncated: int
    n_proposed: int
    n_accepted: int
    search_steps: float | None


def meetings_of(reports: Sequence[Report]) -> Meetings:
    """Return what some reports say together; pairs only of those that coupled chains."""
    coupled = [report for report in reports if len(report.tau)]
    taus = torch.cat([report.tau.cpu() for report in coupled]) if coupled else torch.empty(0, dtype=torch.int64)
    tau, n_of_tau = np.unique(taus.numpy(), return_counts=True)
    steps = [report.search_steps.float().cpu() for report in reports if len(report.search_steps)]
    return Meetings(
        len(taus),
        tau,
        n_of_tau,
        n_corrected=sum(report.n_corrected for report in coupled),
        n_truncated=sum(report.n_truncated for report in coupled),
        n_proposed=sum(report.n_proposed for report in coupled),
        n_accepted=sum(report.n_accepted for report in coupled),
        search_steps=float(torch.cat(steps).mean()) if steps else None,
    )


def meetings(machine: Machine, n_pairs: int, seed: int) -> dict[str, Meetings]:
    """Return how `n_pairs` pairs of each of `PHASES` meet on a machine; nothing given, from local modes.

    A machine of one hidden layer is asked like any other: visible and hidden units are its two blocks.
    """
    found = {}
    for name, phase in PHASES.items():
        random = torch.Generator(machine.device).manual_seed(seed)
        found[name] = meetings_of([phase.expectation(machine, n_pairs, random).report])
    return found
