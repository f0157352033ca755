"""How a training is told: the curve is that of the machine, pairs are counted epoch by epoch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from data.errors import EmptyCorpus
from models.base import Run
from models.dbm import Dbm
from models.dbm_course import MOST_JUDGED, course, meetings_by_epoch
from models.dbm_exact import log_likelihood
from models.dbm_statistics import Report
from tests.models.test_dbm import SMALL, blocks

CONFIG = replace(SMALL, n_visible=15, epochs=6, judge_every=2, estimator="coupled_gibbs", n_chains=20, batch_size=300)


def test_the_best_epoch_is_the_machine_that_a_fit_with_validation_keeps() -> None:
    train, held = blocks(900), blocks(90, seed=1)
    found = course(train, held.counts, CONFIG, Run(0))
    assert found.epochs.tolist() == [2, 4, 6]
    model = Dbm.fit(train, CONFIG, Run(0), validation=held)
    rows = model.units.of(held.counts[model.units.learnable(held.counts)])
    exact = float(log_likelihood(model.machine, torch.from_numpy(rows)).mean())
    assert found.n_validation == len(rows)
    assert found.kept.mean == pytest.approx(exact, rel=1e-5)
    assert found.log_likelihood.max() == pytest.approx(exact, rel=1e-5)
    assert found.log_likelihood[found.epochs == found.kept_epoch][0] == found.log_likelihood.max()
    assert found.kept.effective_samples is None
    assert found.log_likelihood.max() > found.independent
    p = (train.counts.toarray()[model.units.learnable(train.counts)] > 0).mean(axis=0)[model.units.books]
    alone = (rows * np.log(p) + (1 - rows) * np.log1p(-p)).sum(axis=1).mean()
    assert found.independent == pytest.approx(alone, abs=0.02)
    assert sorted(found.meetings) == [1, 2, 3, 4, 5, 6]
    n_steps = -(-found.n_readers // 300)
    assert {of.n_pairs for of in found.meetings.values()} == {20 * n_steps}
    assert all(of.n_corrected > 0 for of in found.meetings.values())


def test_of_many_validation_readers_some_are_looked_at() -> None:
    held = blocks(600, seed=1)
    found = course(blocks(300), held.counts, replace(CONFIG, estimator="pcd", epochs=1), Run(0))
    assert found.n_validation == MOST_JUDGED
    assert all(of.n_pairs == 0 for of in found.meetings.values())


def test_epochs_whose_reports_were_lost_with_a_killed_process_are_left_out() -> None:
    reports = [Report(1, torch.empty(0), torch.tensor([step])) for step in range(1, 8)]
    found = meetings_by_epoch(reports, n_batches=3, n_epochs=5)
    assert {epoch: of.tau.tolist() for epoch, of in found.items()} == {4: [2, 3, 4], 5: [5, 6, 7]}
    assert sorted(meetings_by_epoch(reports, n_batches=7, n_epochs=1)) == [1]


def test_without_readers_of_the_books_nothing_is_told() -> None:
    train = blocks(300)
    with pytest.raises(EmptyCorpus, match=r"0 validation readers .* lower dbm\.min_books"):
        course(train, train.counts[:0], CONFIG, Run(0))
