"""The ProdLDA of Pyro's tutorial (pyro.ai/examples/prodlda.html, version 1.9), written again from its description.

The peer of `tests.benchmarks.prodlda`, with the tutorial's choices: dense counts in and out, an encoder of two softplus
layers whose first has a weight per book and unit, a standard normal prior, batch norm without gain and without bias on
both heads and on the decoder's logits, dropout on the encoder's last layer and on the mixture, Adam, batches in the
order of the data. The one thing added is `predict`: the tutorial only prints topics.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field

import numpy as np
import pyro
import pyro.distributions as dist
import scipy.sparse as sp
import torch
from pyro.infer import SVI, TraceMeanField_ELBO
from pyro.optim import PyroOptim
from torch import nn
from torch.nn import functional

from models.training import seeded


@dataclass(frozen=True)
class Tutorial:
    """Settings, at the tutorial's values but for the number of topics, 20 there."""

    n_topics: int = 10
    hidden_size: int = 100
    dropout: float = 0.2
    learning_rate: float = 1e-3
    batch_size: int = 32
    epochs: int = 50


@dataclass
class TutorialProdLda:
    """The trained networks, as the benchmark asks them."""

    networks: _Networks
    epoch_seconds: list[float] = field(default_factory=list)

    def typical(self) -> np.ndarray:
        """Return the decoder's weights, by which the tutorial lists a topic's words."""
        return self.networks.beta.weight.detach().T.numpy()

    def predict(self, rows: sp.csr_matrix) -> np.ndarray:
        """Return the probability of every book at the mean of the posterior."""
        self.networks.eval()
        with torch.no_grad():
            loc, _ = self.networks.encode(torch.tensor(rows.toarray(), dtype=torch.float32))
            return np.asarray(self.networks.decode(functional.softmax(loc, dim=-1)))


class _Networks(nn.Module):
    def __init__(self, n_books: int, settings: Tutorial) -> None:
        super().__init__()
        hidden, n_topics = settings.hidden_size, settings.n_topics
        self.n_topics = n_topics
        self.first, self.second = nn.Linear(n_books, hidden), nn.Linear(hidden, hidden)
        self.loc, self.log_variance = nn.Linear(hidden, n_topics), nn.Linear(hidden, n_topics)
        self.norm_loc = nn.BatchNorm1d(n_topics, affine=False)
        self.norm_log_variance = nn.BatchNorm1d(n_topics, affine=False)
        self.beta = nn.Linear(n_topics, n_books, bias=False)
        self.norm_beta = nn.BatchNorm1d(n_books, affine=False)
        self.drop = nn.Dropout(settings.dropout)

    def encode(self, counts: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        hidden = functional.softplus(self.second(functional.softplus(self.first(counts))))
        hidden = self.drop(hidden)
        log_variance = self.norm_log_variance(self.log_variance(hidden))
        return self.norm_loc(self.loc(hidden)), (0.5 * log_variance).exp()

    def decode(self, theta: torch.Tensor) -> torch.Tensor:
        return functional.softmax(self.norm_beta(self.beta(self.drop(theta))), dim=1)

    def model(self, counts: torch.Tensor) -> None:
        pyro.module("networks", self)
        with pyro.plate("documents", len(counts)):
            prior = dist.Normal(counts.new_zeros(len(counts), self.n_topics), 1.0)
            theta = functional.softmax(pyro.sample("z", prior.to_event(1)), dim=-1)
            largest = int(counts.sum(dim=-1).max())  # Pyro wants one total count; the likelihood does not use it
            pyro.sample("words", dist.Multinomial(largest, self.decode(theta)), obs=counts)

    def guide(self, counts: torch.Tensor) -> None:
        pyro.module("networks", self)
        with pyro.plate("documents", len(counts)):
            pyro.sample("z", dist.Normal(*self.encode(counts)).to_event(1))


def fit_tutorial(counts: sp.csr_matrix, settings: Tutorial, seed: int) -> TutorialProdLda:
    """Return the tutorial's model trained on `counts`, csr (n_documents, n_words), all of it made dense."""
    with seeded(seed, torch.device("cpu")), pyro.settings.context(module_local_params=False):
        pyro.clear_param_store()
        docs = torch.tensor(counts.toarray(), dtype=torch.float32)
        networks = _Networks(counts.shape[1], settings)
        optimizer = PyroOptim(torch.optim.Adam, {"lr": settings.learning_rate})
        svi = SVI(networks.model, networks.guide, optimizer, loss=TraceMeanField_ELBO())
        fitted = TutorialProdLda(networks)
        for _ in range(settings.epochs):
            started = time.perf_counter()
            for batch in range(math.ceil(len(docs) / settings.batch_size)):
                svi.step(docs[batch * settings.batch_size : (batch + 1) * settings.batch_size])
            fitted.epoch_seconds.append(time.perf_counter() - started)
        pyro.clear_param_store()
        return fitted
