"""What the benchmarks of Bayesian nets count."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from models.mc_dropout import McDropout, McDropoutConfig
from models.predictor import Draws, Examples
from tests.benchmarks import bnn_raw
from tests.benchmarks.depth import kept
from tests.benchmarks.toy import GRID, IS_FAR, IS_GAP, IS_NEAR, curve, measures, points, warnings_of
from tests.benchmarks.uci import choose, load, scheduled, summary
from tests.benchmarks.uci import measures as uci_measures


def test_the_toys_points_leave_a_gap_and_have_their_noise() -> None:
    shown = points(3)
    x = shown.features[:, 0]
    assert len(x) == 100
    assert ((np.abs(x) >= 0.5) & (np.abs(x) <= 1.5)).all()
    assert (shown.outcome - curve(x)).std() == pytest.approx(0.1, rel=0.2)


def test_the_toys_measures_by_hand() -> None:
    sd = np.where(IS_FAR, 3.0, np.where(IS_GAP, 2.0, 0.5))
    found = measures(curve(GRID) + np.where(IS_NEAR, 0.2, 9.0), sd)
    assert found == pytest.approx(
        {"far_near": 6, "gap_near": 4, "auroc": 1, "near_sd": 0.5, "near_rmse": 0.2}, rel=1e-4
    )
    flat = measures(curve(GRID), np.ones_like(GRID))
    assert flat["auroc"] == 0.5
    assert len(warnings_of([{"system": "a", **found}, {"system": "flat", **flat}])) == 1


def test_depth_keeps_signals_with_the_right_start_and_loses_them_with_the_wrong_one() -> None:
    for part in kept(22, "relu", "he", width=200, seed=0):
        assert 0.2 < part < 5
    for part in kept(22, "relu", "glorot", width=200, seed=0):
        assert part == pytest.approx(0.5**21, rel=0.9)
    assert kept(30, "tanh", "he", width=200, seed=0)[1] > 3


def test_measures_of_a_known_gaussian() -> None:
    random = np.random.default_rng(0)
    outcome = random.normal(5, 2, 20_000).astype(np.float32)
    test = Examples(np.zeros((20_000, 1), np.float32), outcome)
    found = uci_measures(Draws(np.full((2, 20_000), 5.0), np.full((2, 20_000), 4.0)), test)
    assert found["rmse"] == pytest.approx(2, rel=0.02)
    assert found["ll"] == pytest.approx(-0.5 * np.log(2 * np.pi * 4) - 0.5, rel=0.01)
    assert found["cover90"] == pytest.approx(0.9, abs=0.01)


def test_a_mixture_covers_by_its_own_quantiles() -> None:
    """Half of the mass at -10 and half at 10: zero is its median, and 10 lies inside."""
    draws = Draws(np.array([[-10.0, -10, -10], [10, 10, 10]]), np.full((2, 3), 1.0))
    test = Examples(np.zeros((3, 1), np.float32), np.array([0, 10, 14], np.float32))
    assert uci_measures(draws, test)["cover90"] == pytest.approx(2 / 3)


def test_settings_are_chosen_by_rows_that_are_not_trained_on() -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=(150, 1)).astype(np.float32)
    train = Examples(x, (3 * x[:, 0] + 0.5 * random.normal(size=150)).astype(np.float32))
    candidates = [McDropoutConfig((10,), dropout=rate, input_dropout=rate) for rate in (0.01, 0.7)]
    chosen = choose(McDropout, candidates, train, 300, seed=0)
    assert chosen.dropout == 0.01
    assert chosen.noise_sd == pytest.approx(0.5, rel=0.4)


def test_epochs_follow_from_steps() -> None:
    small, large = (scheduled(McDropoutConfig(), n_rows, 1000) for n_rows in (300, 5120))
    assert (small.batch_size, small.epochs) == (128, 334)
    assert (large.batch_size, large.epochs) == (512, 100)


def test_a_summary_says_whether_the_published_figures_are_reached() -> None:
    records = [
        {"set": "yacht", "system": "a", "rmse": 0.6 + share, "ll": -1.3 + share, "cover90": 0.9}
        for share in (0.0, 0.08)
    ]
    (row,) = summary(records, "yacht")
    assert row["rmse"] == "0.640 ± 0.040"
    assert row["reached"]
    (worse,) = summary([{**record, "ll": -1.5} for record in records], "yacht")
    assert not worse["reached"]


@pytest.mark.realdata
def test_the_splits_are_read(shared: Path) -> None:
    train, test = load(shared / "data" / "uci_bnn" / "yacht", 0)
    assert (len(train), len(test), train.features.shape[1]) == (277, 31, 6)


@pytest.mark.parametrize("kind", ["bayes_by_backprop", "mc_dropout"])
def test_the_peers_learn_what_ours_learn(kind: str) -> None:
    """The peer's step goes down: its loss on all rows ends where least squares are."""
    torch.manual_seed(0)
    inputs = torch.randn(200, 2)
    target = inputs[:, 0] - inputs[:, 1] + 0.1 * torch.randn(200)
    step = getattr(bnn_raw, kind)(inputs, target, 20, 1)
    closure = dict(zip(step.__code__.co_freevars, step.__closure__, strict=True))
    loss = closure["loss"].cell_contents
    before = loss(torch.arange(200)).item()
    for _ in range(600):
        step(torch.arange(200))
    assert loss(torch.arange(200)).item() < min(0.5, before - 0.5)
