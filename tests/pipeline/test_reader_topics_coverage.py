"""Do a reader's topics lie in their intervals? On readers drawn from known topics, with known mixtures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from data.vectors import unit_rows
from models.base import Run
from models.lda import Lda
from models.lda_config import LdaConfig
from models.prodlda import ProdLda
from models.prodlda_config import ProdLdaConfig
from models.topics import TopicPosterior
from pipeline.reader_topics import of_posterior
from tests.models.planted_topics import counted

N_TOPICS, N_BOOKS, N_READ, ALPHA = 4, 80, 40, 0.3


def drawn(n_readers: int, topics: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return counts (n_readers, n_books) and the mixtures they were drawn from, (n_readers, n_topics)."""
    random = np.random.default_rng(seed)
    mixtures = random.dirichlet(np.full(N_TOPICS, ALPHA), n_readers)
    return np.array([random.multinomial(N_READ, p / p.sum()) for p in mixtures @ topics]), mixtures


@pytest.mark.parametrize(
    ("model", "config"),
    [
        (Lda, LdaConfig(n_topics=N_TOPICS, eta=0.1, alpha=ALPHA, reader_exponent=0.0)),
        (ProdLda, ProdLdaConfig(n_topics=N_TOPICS, alpha=ALPHA, decoder="nvlda", input_size=20, epochs=30)),
    ],
)
def test_eight_shares_in_ten_lie_in_their_intervals(model: Any, config: Any) -> None:
    """Of nine promised: the topics are learned, and taken for known. What is printed says eight."""
    topics = np.random.default_rng(0).dirichlet(np.full(N_BOOKS, 0.1), N_TOPICS)
    fitted = model.fit(counted(drawn(600, topics, 1)[0]), config, Run())
    _, matched = linear_sum_assignment(-(unit_rows(topics) @ unit_rows(fitted.topics()).T))
    counts, true = drawn(200, topics, 2)
    posterior = fitted.reader_topics(counted(counts).counts)
    inside = []
    for row in range(200):
        found = of_posterior(TopicPosterior(posterior.mean[[row]], posterior.sd[[row]]))
        inside.append((found.low[matched] <= true[row]) & (true[row] <= found.high[matched]))
    assert float(np.mean(inside)) == pytest.approx(0.8, abs=0.05)
