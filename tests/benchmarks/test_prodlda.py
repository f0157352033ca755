"""What the benchmark counts, and that its peer is a model at all."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from tests.benchmarks.prodlda import mean_rows
from tests.benchmarks.prodlda_tutorial import Tutorial, fit_tutorial


def test_means_are_over_seeds_and_faults_are_the_worst_of_them() -> None:
    names = ("npmi_all", "npmi_held", "diversity25", "irbo10", "perplexity_raw")
    rows = [
        {"system": "a", "seed": seed, **dict.fromkeys(names, float(seed)), "dead": seed, "duplicates": 3 - seed}
        for seed in (1, 3)
    ]
    (mean,) = mean_rows(rows)
    assert mean == {"system": "a", **dict.fromkeys(names, 2.0), "dead": 3, "duplicates": 2}


def test_the_tutorials_model_predicts_distributions_and_is_timed() -> None:
    counts = sp.csr_matrix(np.random.default_rng(0).poisson(0.5, (40, 30)), dtype=np.float32)
    fitted = fit_tutorial(counts, Tutorial(n_topics=3, epochs=2), seed=0)
    assert fitted.typical().shape == (3, 30)
    np.testing.assert_allclose(fitted.predict(counts).sum(axis=1), 1, rtol=1e-5)
    assert len(fitted.epoch_seconds) == 2
