"""Flows fit models in threads, side by side: each is what it is alone. gensim's and ours keep to their own randomness;
torch's and Pyro's is the process's.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from models.base import Run
from models.lda import Lda
from models.lda_config import LdaConfig
from models.prodlda import ProdLda
from models.prodlda_config import ProdLdaConfig
from models.word2vec import Word2Vec, Word2VecConfig
from tests.models.corpora import tastes
from tests.models.model_contract import assert_same_arrays

CORPUS = tastes(seed=1, n_readers=200)


@pytest.mark.parametrize(
    ("model", "config"),
    [
        (ProdLda, ProdLdaConfig(n_topics=3, input_size=7, hidden_size=9, epochs=15, batch_size=16)),
        (Lda, LdaConfig(n_topics=3, epochs=10, cooling_epochs=2)),
        (Lda, LdaConfig(n_topics=3, epochs=3, cooling_epochs=2, inference="gensim")),
        (Word2Vec, Word2VecConfig(embedding_size=8, epochs=4)),
    ],
)
def test_fits_in_threads_are_those_made_alone(model: type[Any], config: Any) -> None:
    seeds = (1, 2, 3, 4)
    alone = [model.fit(CORPUS, config, Run(seed)).arrays() for seed in seeds]
    with ThreadPoolExecutor(len(seeds)) as threads:
        beside = list(threads.map(lambda seed: model.fit(CORPUS, config, Run(seed)).arrays(), seeds))
    for one, other in zip(alone, beside, strict=True):
        assert_same_arrays(other, one)
