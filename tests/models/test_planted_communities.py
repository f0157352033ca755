"""Topics on the readers of the bundled catalogue: the communities that were planted are found, where anybody could."""

from __future__ import annotations

import numpy as np
import pytest

from data.corpus import Corpus
from data.planted import Truth
from models.base import Run
from models.lda import Lda
from models.lda_config import LdaConfig
from models.prodlda import ProdLda
from models.prodlda_config import ProdLdaConfig
from models.topics import TopicModel
from tests.models.planted_topics import INDEPENDENT, LOYAL, cosines_of_true_assignments, matched_cosines, simulated


@pytest.fixture(scope="module")
def independent() -> tuple[Corpus, Truth]:
    return simulated(INDEPENDENT)


@pytest.mark.parametrize(("model", "config", "bar"), [(Lda, LdaConfig, 0.9), (ProdLda, ProdLdaConfig, 0.85)])
def test_planted_communities_of_readers_are_recovered(
    independent: tuple[Corpus, Truth],
    model: type[TopicModel[LdaConfig | ProdLdaConfig, Corpus]],
    config: type[LdaConfig | ProdLdaConfig],
    bar: float,
) -> None:
    corpus, truth = independent
    found = model.fit(corpus, config(n_topics=len(truth.communities)), Run())
    cosines = matched_cosines(found.topics(), truth.community_editions)
    assert cosines.mean() >= bar
    assert np.median(cosines) >= bar
    assert cosines.mean() <= cosines_of_true_assignments(corpus, truth).mean()  # nobody can know better


@pytest.mark.slow
def test_with_loyal_readers_not_even_the_true_assignments_recover_them() -> None:
    corpus, truth = simulated(LOYAL)
    assert cosines_of_true_assignments(corpus, truth).mean() < 0.9
