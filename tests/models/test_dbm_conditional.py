"""Conditional probabilities against all states of small machines, enumerated."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.dbm_conditional import LEVEL, Chains, Completion, complete, log_odds, log_odds_of_unknown
from models.dbm_machine import Machine
from tests.models.machines import all_rows, all_states, machine_of


def of_states(machine: Machine) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return probability, visible units and fields of the visible units of every state, float64."""
    states = all_states(machine)
    p = torch.softmax(-machine.energy(states).double(), 0)
    return p.numpy(), machine.layers(states)[0].numpy(), machine.field(states, 0).double().numpy()


def exactly(machine: Machine, visible: np.ndarray, known: np.ndarray) -> Completion:
    """Return what is said of one row, by enumeration: of each unit given all the others that are known."""
    p, units, field = of_states(machine)
    found = []
    for i in range(units.shape[1]):
        others = known & (np.arange(units.shape[1]) != i)
        fits = (units[:, others] == visible[others]).all(axis=1)
        weight, sure = p[fits] / p[fits].sum(), 1 / (1 + np.exp(-field[fits, i]))
        mean = (weight * units[fits, i]).sum()
        np.testing.assert_allclose(mean, (weight * sure).sum(), rtol=1e-5)  # p is the mean of the spread
        order = np.argsort(sure)
        below = np.cumsum(weight[order])
        low, high = (sure[order][(below >= at).argmax()] for at in ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
        found.append((mean, min(low, mean), max(high, mean), np.sqrt((weight * (sure - mean) ** 2).sum()), 0.0))
    return Completion(*np.array(found).T)


def test_with_one_hidden_layer_log_odds_are_exact() -> None:
    machine = machine_of((5, 4), sd=1.5)
    rows = all_rows(5)
    odds = log_odds(machine, rows)
    p, units, _ = of_states(machine)
    p_row = {tuple(row): p[(units == row).all(axis=1)].sum() for row in rows.numpy()}
    for row, found in zip(rows.numpy(), odds.numpy(), strict=True):
        for i in range(5):
            one, zero = row.copy(), row.copy()
            one[i], zero[i] = 1, 0
            np.testing.assert_allclose(found[i], np.log(p_row[tuple(one)] / p_row[tuple(zero)]), rtol=1e-4, atol=1e-4)


def test_with_more_layers_log_odds_are_near() -> None:
    machine = machine_of((5, 4, 3), sd=0.5)
    rows = all_rows(5)
    asked = [(row, exactly(machine, row, np.ones(5, bool)).p) for row in rows.numpy()]
    expected = np.array([np.log(p / (1 - p)) for _, p in asked])
    found = log_odds(machine, rows).numpy()
    zero = rows.numpy() == 0
    assert np.abs(found - expected)[zero].max() < 0.05
    first = machine.field(machine.state([rows, torch.full((32, 4), 0.5), torch.full((32, 3), 0.5)]), 0).numpy()
    assert np.abs(first - expected)[zero].max() > 0.2  # which is no feat of the machine's


def test_rows_of_more_than_a_block_are_those_of_each_alone() -> None:
    machine = machine_of((4, 3, 2))
    rows = all_rows(4).repeat(5, 1)
    np.testing.assert_allclose(log_odds(machine, rows)[64:80], log_odds(machine, rows[:16]), rtol=1e-5)
    assert log_odds(machine, rows[:0]).shape == (0, 4)


@pytest.mark.parametrize("sizes", [(5, 4), (5, 4, 3), (4, 3, 2, 2)])
@pytest.mark.parametrize("is_known", [True, False])
def test_chains_say_what_enumeration_says_and_how_far_off_they_are(sizes: tuple[int, ...], is_known: bool) -> None:
    machine = machine_of(sizes, seed=3)
    visible = torch.zeros(sizes[0])
    visible[1] = 1
    known = torch.full_like(visible, is_known, dtype=torch.bool) | (visible > 0)
    expected = exactly(machine, visible.numpy(), known.numpy())
    asked = (
        np.full(sizes[0], True) if is_known else visible.numpy() == 0
    )  # where all are known, of those that are 1 too
    runs = [complete(machine, visible, known, seed, Chains(16, 60, 30)) for seed in range(40)]
    z = np.array([(run.p - expected.p)[asked] / run.error[asked] for run in runs])
    assert 0.8 < np.sqrt((z**2).mean()) < 1.35  # of 16 chains: Student's t of 15, 1.07
    for name in ("p", "low", "high", "sd"):
        mean = np.mean([getattr(run, name) for run in runs], axis=0)
        np.testing.assert_allclose(mean[asked], getattr(expected, name)[asked], atol=0.03, err_msg=name)
    assert max(run.error[asked].max() for run in runs) < 0.1


def test_more_draws_leave_the_spread_and_shrink_the_error() -> None:
    machine, visible = machine_of((6, 5, 3), seed=1), torch.zeros(6)
    known = torch.ones(6, dtype=torch.bool)
    few, many = (complete(machine, visible, known, 0, Chains(32, n, 20)) for n in (20, 500))
    np.testing.assert_allclose(many.sd, few.sd, rtol=0.2)
    assert many.error.mean() < 0.4 * few.error.mean()


def test_the_same_seed_says_the_same() -> None:
    machine, visible = machine_of((6, 5, 3)), torch.zeros(6)
    runs = [complete(machine, visible, visible > 0, 4) for _ in range(2)]
    np.testing.assert_array_equal(runs[0].p, runs[1].p)


def test_unknown_units_are_summed_out_by_mean_field() -> None:
    machine = machine_of((5, 4, 3), seed=2, sd=0.5)
    visible = torch.zeros(1, 5)
    visible[0, 2] = 1
    odds = log_odds_of_unknown(machine, visible, visible > 0)[0].numpy()
    expected = exactly(machine, visible[0].numpy(), visible[0].numpy() > 0).p
    found = 1 / (1 + np.exp(-odds))
    np.testing.assert_allclose(np.delete(found, 2), np.delete(expected, 2), atol=0.03)
