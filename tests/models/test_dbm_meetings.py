"""How chains meet: counts by hand, a machine on which nothing is corrected, and one on which much is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from models.dbm_gibbs import CoupledGibbs
from models.dbm_machine import Machine
from models.dbm_meetings import PHASES, meetings, meetings_of
from models.dbm_statistics import Report
from tests.models.machines import machine_of

NONE = torch.empty(0, dtype=torch.int64)


def test_reports_are_put_together() -> None:
    one = Report(3, torch.tensor([1, 2, 3]), torch.tensor([1, 4, 4]), 1, 0, 7, 2)
    other = Report(2, torch.tensor([2, 7]), torch.tensor([1, 9]), 1, 1, 3, 1)
    uncoupled = Report(5, NONE, NONE)
    found = meetings_of([one, uncoupled, other])
    assert found.n_pairs == 5
    assert found.tau.tolist() == [1, 4, 9]
    assert found.n_of_tau.tolist() == [2, 2, 1]
    assert (found.n_corrected, found.n_truncated, found.n_proposed, found.n_accepted) == (3, 1, 10, 3)
    assert found.search_steps == 3
    nothing = meetings_of([uncoupled])
    assert (nothing.n_pairs, nothing.n_corrected, nothing.search_steps) == (0, 0, None)


def test_of_independent_units_gibbs_chains_meet_at_once_by_common_random_numbers() -> None:
    """Without weights both chains draw the same probabilities by the same numbers: tau is 2 or, by luck, 1."""
    machine = Machine((torch.zeros(9, 8), torch.zeros(8, 7)), tuple(torch.zeros(n) for n in (9, 8, 7)))
    met = meetings(machine, 500, seed=0)["coupled_gibbs"]
    assert met.n_pairs == met.n_of_tau.sum() == 500
    assert met.tau.tolist() in ([2], [1, 2])
    p_same = 0.5**8  # the first draw is the start, units of the smaller block
    assert met.n_corrected == pytest.approx(500 * (1 - p_same), abs=10)


def test_uniform_proposals_are_not_accepted_on_a_wide_machine_and_are_on_a_small_one() -> None:
    wide = meetings(machine_of((60, 60, 60), 0), 100, seed=0)
    assert wide["coupled_mh"].tau.tolist() == [1]
    assert wide["coupled_mh"].n_corrected == wide["coupled_mh"].n_accepted == 0
    small = meetings(machine_of((3, 3, 3), 0, sd=0.3), 400, seed=0)
    assert small["coupled_mh"].n_accepted > 50
    assert small["coupled_mh"].n_corrected > 50
    for met in (wide["local_mode"], small["local_mode"]):
        assert met.n_corrected == 0, "what is not coupled corrects nothing, however long the chain"


def test_pairs_that_do_not_meet_are_given_up() -> None:
    machine, phase = machine_of((40, 40), 0), CoupledGibbs(most_steps=2)
    met = meetings_of([phase.expectation(machine, 50, torch.Generator().manual_seed(0)).report])
    assert met.tau.tolist() == [1, 2, 3]
    assert met.n_truncated == met.n_of_tau[-1] > 5  # a tau of 3 is that of those who had not met in 2


def test_the_same_seed_gives_the_same_meetings() -> None:
    machine = machine_of((6, 5, 4), 0)
    one, other = (meetings(machine, 50, seed=3) for _ in range(2))
    assert set(one) == set(PHASES)
    for name in PHASES:
        np.testing.assert_array_equal(one[name].n_of_tau, other[name].n_of_tau)


def test_the_states_of_coupled_gibbs_chains_are_not_kept_and_meet_as_if_they_were() -> None:
    machine, phase = machine_of((12, 10, 8), 0), PHASES["coupled_gibbs"]
    assert isinstance(phase, CoupledGibbs)
    found = [
        how.expectation(machine, 50, torch.Generator().manual_seed(3))
        for how in (phase, replace(phase, keeps_particles=True))
    ]
    assert len(found[0].particles.weight) == 0
    assert len(found[1].particles.weight) > 100
    assert torch.equal(found[0].report.tau, found[1].report.tau)
    assert torch.equal(found[0].end.even, found[1].end.even)
    assert found[0].particles.n_rows == 50
