"""Every estimator called unbiased has the mean that enumeration says; the released one does not."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch

from data.errors import BadConfig
from models.dbm_chains import Gibbs, MeanField
from models.dbm_couplings import BLOCKS, COUPLINGS, EITHER
from models.dbm_estimators import FROM_CHAINS, METHODS, Method, gradient, method_named
from models.dbm_exact import exact_expectations, exact_gradient, log_z
from models.dbm_gibbs import CoupledGibbs
from models.dbm_machine import Machine
from models.dbm_metropolis import CoupledMetropolis, LocalMode
from models.dbm_phase import Phase
from models.dbm_state import State
from models.dbm_statistics import moved, one_each, statistics, statistics_by_row
from tests.models.exactness import exactness, hidden_exactness, pooled_rms_z
from tests.models.machines import all_rows, machine_of

REPLICATES = 20_000
SEEDS = (1, 2)
UNBIASED_UP_TO = 1.5
UNBIASED: dict[str, Phase] = {
    "metropolis": CoupledMetropolis(),
    "gibbs": CoupledGibbs(),
    "gibbs, draws": CoupledGibbs(averages_block=False),
    "gibbs, blocks": CoupledGibbs(coupling=BLOCKS),
    "gibbs, either": CoupledGibbs(coupling=EITHER),
    "gibbs, after 2": CoupledGibbs(burn_in=2),
    "gibbs, after 1, 3 averaged": CoupledGibbs(burn_in=1, n_averaged=3),
    "gibbs, lag 3": CoupledGibbs(lag=3),
    "gibbs, lag 2, after 1, 4 averaged": CoupledGibbs(burn_in=1, n_averaged=4, lag=2),
}
BIASED: dict[str, Phase] = {"released": LocalMode(), "a sweep from the mode": Gibbs()}
MACHINES = {"4-4-4": machine_of((4, 4, 4), 3), "6-6": machine_of((6, 6), 5), "3-3-3-3": machine_of((3, 3, 3, 3), 7)}


@pytest.mark.parametrize("phase", UNBIASED.values(), ids=UNBIASED)
def test_estimators_called_unbiased_are(phase: Phase) -> None:
    assert phase.unbiased
    found = [exactness(machine, phase, REPLICATES, seed) for machine in MACHINES.values() for seed in SEEDS]
    assert pooled_rms_z(found) <= UNBIASED_UP_TO
    for part in found:
        assert part.n_truncated == 0
        assert part.n_corrected > 0


@pytest.mark.parametrize("phase", BIASED.values(), ids=BIASED)
@pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES)
def test_the_released_estimator_and_others_called_biased_fail_the_same_test(machine: Machine, phase: Phase) -> None:
    assert not phase.unbiased
    assert exactness(machine, phase, REPLICATES, seed=1).rms_z > 4 * UNBIASED_UP_TO


@pytest.mark.parametrize("phase", UNBIASED.values(), ids=UNBIASED)
def test_the_positive_phase_is_unbiased_too(phase: Phase) -> None:
    visible = torch.tensor([1.0, 0.0, 1.0, 1.0])
    found = [
        hidden_exactness(machine, visible[: machine.sizes[0]], phase, REPLICATES, seed)
        for machine in (MACHINES["4-4-4"], MACHINES["3-3-3-3"])
        for seed in SEEDS
    ]
    assert pooled_rms_z(found) <= UNBIASED_UP_TO


def test_the_released_positive_phase_is_biased_too() -> None:
    visible = torch.tensor([1.0, 0.0, 1.0, 1.0])
    found = hidden_exactness(MACHINES["4-4-4"], visible, LocalMode(), REPLICATES, seed=1)
    assert found.rms_z > 4 * UNBIASED_UP_TO


@pytest.mark.parametrize("name", METHODS)
def test_with_one_hidden_layer_every_positive_phase_is_exact(name: str) -> None:
    machine = machine_of((4, 3))
    visible = all_rows(4)
    random = torch.Generator().manual_seed(0)
    hidden = METHODS[name].positive.expectation(machine.given(visible), 16, random).particles
    torch.testing.assert_close(hidden.state.even, torch.sigmoid(visible @ machine.weights[0] + machine.biases[1]))


@pytest.mark.parametrize("name", METHODS)
def test_gradients_of_unbiased_methods_are_those_of_the_likelihood_and_no_others(name: str) -> None:
    method = METHODS[name]
    assert method.unbiased == name.startswith("coupled_")
    machine = machine_of((3, 3, 3), 11)
    visible = all_rows(3)[[0, 3, 5, 5]]
    random = torch.Generator().manual_seed(3)
    exact = exact_gradient(machine, visible).flat()
    chains, found = None, []
    for _ in range(60):
        estimate = gradient(machine, visible.repeat(60, 1), method, random, chains)
        chains = estimate.chains if method.starts == FROM_CHAINS else None
        found.append(estimate.ascent.flat().double())
    estimates = torch.stack(found)
    z = (estimates.mean(dim=0) - exact) / (estimates.std(dim=0) / 60**0.5)
    rms_z = float(z.square().mean().sqrt())
    assert rms_z <= UNBIASED_UP_TO if method.unbiased else rms_z > 2 * UNBIASED_UP_TO


def test_averaging_over_a_block_and_starting_later_lower_the_variance() -> None:
    var = {
        name: exactness(MACHINES["4-4-4"], UNBIASED[name], REPLICATES, seed=1).relative_var
        for name in (
            "metropolis",
            "gibbs, draws",
            "gibbs",
            "gibbs, after 2",
            "gibbs, after 1, 3 averaged",
            "gibbs, lag 3",
        )
    }
    assert var["metropolis"] > 50
    assert var["gibbs"] < 0.6 * var["gibbs, draws"]
    assert var["gibbs, after 2"] < 0.9 * var["gibbs"]
    assert var["gibbs, after 1, 3 averaged"] < 0.6 * var["gibbs"]
    assert var["gibbs, lag 3"] < 0.9 * var["gibbs"]


def test_weights_of_corrections_are_those_summed_by_hand() -> None:
    for burn_in, n_averaged, lag in itertools.product(range(4), range(1, 7), range(1, 5)):
        phase = CoupledGibbs(burn_in, n_averaged, lag)
        for t in range(40):
            # H_s, the estimate from time s, corrects at s + L, s + 2 L, ...; the average is over s = k .. m
            starts = range(burn_in, burn_in + n_averaged)
            n_corrections = sum(t > s and (t - s) % lag == 0 for s in starts)
            assert phase.correction_weight(t) == pytest.approx(n_corrections / n_averaged)
            assert phase.weight(t) == pytest.approx((t in starts) / n_averaged)


def test_a_longer_lag_cuts_the_variance_where_chains_meet_late() -> None:
    machine = Machine((torch.ones(6, 6),), (torch.full((6,), -3.0), torch.full((6,), -3.0)))  # two modes, all 0, all 1
    found = {lag: exactness(machine, CoupledGibbs(lag=lag), REPLICATES, seed=1) for lag in (1, 10)}
    assert found[1].largest_tau > 50
    assert found[10].relative_var < 0.2 * found[1].relative_var


@pytest.mark.parametrize(
    ("wrong", "why"), [({"lag": 0}, "lag 0"), ({"n_averaged": 0}, "n_averaged 0"), ({"coupling": "none"}, "'none'")]
)
def test_settings_out_of_range_are_refused(wrong: dict[str, Any], why: str) -> None:
    with pytest.raises(BadConfig, match=why):
        CoupledGibbs(**wrong)


def test_pairs_given_up_are_counted() -> None:
    machine = machine_of((4, 4, 4), 3)
    found = exactness(machine, CoupledGibbs(most_steps=1), 1000, seed=1)
    assert found.n_truncated > 0
    assert found.largest_tau == 2
    found = exactness(machine, CoupledMetropolis(most_steps=2), 1000, seed=1)
    assert found.n_truncated > 0
    assert found.largest_tau == 3


@pytest.mark.parametrize("coupling", COUPLINGS)
def test_every_row_of_a_wide_machine_has_weights_that_add_up_to_one(coupling: str) -> None:
    machine = machine_of((30, 40, 35, 20), 1, sd=0.3)
    upper = machine.given(machine.uniform_state(9, torch.Generator().manual_seed(0)).even[:, :30])
    for burn_in, n_averaged in ((0, 1), (2, 1), (1, 5)):
        phase = CoupledGibbs(burn_in, n_averaged, coupling=coupling)
        found = phase.expectation(upper, 9, torch.Generator().manual_seed(1))
        assert int(found.report.tau.min()) > 1, "no pair has met after the first step"
        weight = torch.zeros(9).index_add_(0, found.particles.row, found.particles.weight)
        torch.testing.assert_close(weight, torch.ones(9))


def test_a_report_says_when_no_correction_occurred() -> None:
    wide = machine_of((60, 60, 60), 0)
    random = torch.Generator().manual_seed(0)
    report = CoupledMetropolis().expectation(wide, 100, random).report
    assert report.n_corrected == 0
    assert report.figures()["tau"] == 1
    assert report.figures()["acceptance"] == 0
    assert report.says().endswith("no correction occurred")
    corrected = CoupledGibbs().expectation(machine_of((4, 4, 4), 3), 100, random).report
    assert f"corrected {corrected.n_corrected} of 100 rows" in corrected.says()
    assert corrected.figures()["search_steps"] > 1


def test_chains_that_go_on_start_where_they_were_left() -> None:
    machine = machine_of((5, 4, 3), 1)
    random = torch.Generator().manual_seed(0)
    method = method_named("pcd")
    first = gradient(machine, all_rows(5), method, random, n_chains=7)
    assert len(first.chains.even) == 7
    frozen = Method(MeanField(), Gibbs(n_sweeps=0), FROM_CHAINS)
    second = gradient(machine, all_rows(5), frozen, random, first.chains)
    assert torch.equal(second.chains.even, first.chains.even)
    assert torch.equal(second.chains.odd, first.chains.odd)


@pytest.mark.parametrize("name", [name for name in METHODS if name != "coupled_mh"])  # there a proposal turns it all
def test_rounded_products_give_nearly_the_same_gradient(name: str) -> None:
    machine = machine_of((5, 4, 3), 1)
    rounded = Machine(machine.weights, machine.biases, torch.bfloat16)
    visible = all_rows(5).repeat(30, 1)
    exact, near = (
        gradient(which, visible, METHODS[name], torch.Generator().manual_seed(4)).ascent.flat()
        for which in (machine, rounded)
    )
    assert near.dtype == torch.float32
    torch.testing.assert_close(near, exact, atol=0.1, rtol=0)


def test_parameters_that_autograd_follows_are_no_obstacle() -> None:
    machine = machine_of((5, 4, 3), 1)
    weights, biases = (tuple(t.clone().requires_grad_() for t in of) for of in (machine.weights, machine.biases))
    followed = Machine(weights, biases)
    one, other = (
        gradient(which, all_rows(5), METHODS["coupled_gibbs"], torch.Generator().manual_seed(4)).ascent.flat()
        for which in (machine, followed)
    )
    assert not other.requires_grad
    assert torch.equal(one, other)


def test_the_same_seed_gives_the_same_gradient() -> None:
    machine = machine_of((5, 4, 3), 1)
    for method in METHODS.values():
        one, other = (
            gradient(machine, all_rows(5), method, torch.Generator().manual_seed(4)).ascent.flat() for _ in range(2)
        )
        assert torch.equal(one, other)


def test_one_step_up_an_exact_gradient_raises_what_it_should() -> None:
    machine = machine_of((4, 4, 4), 2)
    step = exact_expectations(machine)
    gained = log_z(moved(machine, step, 1e-3)) - log_z(machine)
    assert float(gained) == pytest.approx(1e-3 * float(step.flat().square().sum()), rel=0.01)


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(BadConfig, match=r"estimator: 'cdk', expected one of cd, pcd"):
        method_named("cdk")


def test_statistics_of_many_particles_are_not_rounded_by_their_sum() -> None:
    machine, random = machine_of((5, 4, 3), 1), torch.Generator().manual_seed(0)
    drawn = machine.uniform_state(300_001, random)
    p = torch.sigmoid(machine.block_field(drawn.odd, 0))  # as chains leave it: one block averaged over
    particles = one_each(State(p, drawn.odd))
    expected = statistics_by_row(machine, particles).double().mean(dim=0)
    torch.testing.assert_close(
        statistics(machine, particles).flat().double(), expected, atol=0, rtol=5e-5
    )  # .001 and more without blocks
