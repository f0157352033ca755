"""The benchmarks of Boltzmann machines: their data, their tables and what their pictures show, by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from models.base import Run
from models.dbm import Dbm
from models.dbm_config import DbmConfig
from models.dbm_machine import Machine
from models.dbm_statistics import Report
from models.dbm_training import FittedMachine
from models.dbm_units import Units
from models.training import Trained
from pipeline.judge_boltzmann import BoltzmannQuality
from tests.benchmarks import dbm_digits, dbm_readers
from tests.models.corpora import corpus_of
from tests.models.machines import machine_of

TRAINED = Trained(np.empty(0), np.empty(0), 1, "all epochs")


def test_digits_judged_are_not_learned_from() -> None:
    train, test = dbm_digits.digits("test")
    fitted_to, validation = dbm_digits.digits("validation")
    assert [len(part) for part in (train, test, fitted_to, validation)] == [1437, 360, 1150, 287]
    every = np.concatenate([train, test])
    assert set(np.unique(every)) == {0, 1}
    both = np.concatenate([fitted_to, validation])
    np.testing.assert_array_equal(np.sort(both.sum(axis=1)), np.sort(train.sum(axis=1)))


def test_the_table_of_digits_says_means_of_seeds_and_what_chains_did() -> None:
    machine = Machine((torch.zeros(64, 2),), (torch.zeros(64), torch.zeros(2)))
    report = Report(2, torch.tensor([2, 3]), torch.tensor([1, 5]), n_truncated=1)
    fits = [
        dbm_digits.Fit("coupled_gibbs", seed, np.full(3, mean), FittedMachine(machine, TRAINED, [report]), 2.0)
        for seed, mean in ((0, -20.0), (1, -22.0))
    ]
    ones = np.ones((3, 64), np.uint8)
    alone, row = dbm_digits.table(fits, ones, ones)
    assert alone["log_likelihood"] == pytest.approx(64 * np.log(3.5 / 4))
    assert (row["log_likelihood"], row["seeds"], row["seconds"]) == (-21.0, "-20.00 -22.00", 2.0)
    assert row["of_train"] == pytest.approx(-64 * np.log(2))
    assert row["chains"] == "tau 3.0, 5 at most, corrected 50%, 2 truncated"


def test_pictures_keep_the_upper_half_and_complete_the_lower_one() -> None:
    weight, bias = torch.zeros(64, 1), torch.zeros(64)
    weight[0], weight[63], bias[63] = 20, 6, -3  # the first pixel turns the unit on, and that the last pixel
    machine = Machine((weight,), (bias, torch.full((1,), -13.0)))
    digits = np.zeros((2, 64), np.uint8)
    digits[1, 0] = 1
    dark, light = dbm_digits.pictures(machine, digits)
    for picture, digit in ((dark, digits[0]), (light, digits[1])):
        assert picture["digit"] == digit.tolist()
        assert picture["mean"][:32] == digit[:32].tolist()
        assert [sample[:32] for sample in picture["samples"]] == [digit[:32].tolist()] * 3
    assert dark["mean"][63] < 0.1 < 0.9 < light["mean"][63]
    assert dark["mean"][32:63] == light["mean"][32:63] == [0.5] * 31


def test_pretraining_makes_a_machine_of_all_layers() -> None:
    rows = (np.arange(40)[:, None] % 2 == np.arange(64) % 2).astype(np.uint8)
    config = replace(dbm_digits.PCD, hidden_sizes=(4, 3), epochs=4, n_chains=20)
    machine = dbm_digits.pretrained(rows, config, Run(0))
    assert machine.sizes == (64, 4, 3)
    assert all(float(weight.abs().max()) > 0.01 for weight in machine.weights)


def test_settings_are_changed_as_in_toml() -> None:
    config = dbm_readers.changed(DbmConfig(epochs=7), ["hidden_sizes=[5, 4]", "n_visible=9"])
    assert config == DbmConfig(epochs=7, hidden_sizes=(5, 4), n_visible=9)


def test_the_table_of_readers_has_gains_over_independent_books() -> None:
    def quality(likely: list[float], effective: float) -> BoltzmannQuality:
        found = {metric: np.array([0.0, 1.0]) for metric in ("recall20", "recall50", "ndcg100")}
        systems = {"popularity": {**found, "log_likelihood": np.array([-10.0, -30.0])}, "ease": found}
        sampling = {"effective_samples": effective, "n_samples": 256, "effective_samples_of_row": None}
        return BoltzmannQuality(
            {**systems, "dbm": {**found, "log_likelihood": np.array(likely)}}, {"dbm": sampling}, 500
        )

    results = [
        dbm_readers.Judged(0, quality([-8.0, -26.0], 200.0), {"dbm": 3.0}, []),
        dbm_readers.Judged(1, quality([-10.0, -28.0], 100.0), {"dbm": 5.0}, []),
    ]
    popularity, ease, dbm = dbm_readers.table(results)
    assert (popularity["gain"], ease["gain"], dbm["gain"]) == (0, None, 2.0)
    assert dbm["share"] == pytest.approx(2 / 20)
    assert (dbm["log_likelihood"], dbm["least_effective"], dbm["fit_seconds"]) == (-18.0, 100.0, 4.0)
    assert dbm["recall20"] == 0.5


def test_typical_readers_are_samples_of_the_machine() -> None:
    corpus = corpus_of([[0, 1, 2, 3]], 5)
    likely = machine_of((4, 2), sd=0.0)
    machine = Machine(likely.weights, (torch.tensor([20.0, -20.0, 20.0, -20.0]), likely.biases[1]))
    config = DbmConfig(hidden_sizes=(2,))
    model = Dbm(config, Units(config, np.arange(4), 5), machine)
    assert dbm_readers.typical_readers(model, corpus, 0) == [["book0", "book2"]] * 12
