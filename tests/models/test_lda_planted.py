"""LDA on the readers of the bundled catalogue: the communities that were planted are found, where anybody could."""

from __future__ import annotations

import numpy as np
import pytest

from models.base import Run
from models.lda import Lda
from models.lda_config import LdaConfig
from tests.models.planted_topics import INDEPENDENT, LOYAL, cosines_of_true_assignments, matched_cosines, simulated


@pytest.mark.slow
def test_planted_communities_of_readers_are_recovered() -> None:
    corpus, truth = simulated(INDEPENDENT)
    model = Lda.fit(corpus, LdaConfig(n_topics=len(truth.communities)), Run())
    cosines = matched_cosines(model.topics(), truth.community_editions)
    assert cosines.mean() >= 0.9
    assert np.median(cosines) >= 0.9
    assert cosines.mean() <= cosines_of_true_assignments(corpus, truth).mean()  # nobody can know better


@pytest.mark.slow
def test_with_loyal_readers_not_even_the_true_assignments_recover_them() -> None:
    corpus, truth = simulated(LOYAL)
    assert cosines_of_true_assignments(corpus, truth).mean() < 0.9
