"""The networks of ProdLDA in Pyro: what generates readings, what guesses a reader's topics, what is maximised.

A batch is rows of the readings, sparse throughout: the encoder sums the directions of the books read, the likelihood
takes the log probabilities of the books read. Only the normaliser of the decoder runs over all books, a batch at a
time. `models.prodlda` has the symbols, and why things are as they are.
"""

from __future__ import annotations

from typing import Any, NamedTuple, cast

import numpy as np
import pyro
import pyro.distributions as dist
import torch
from pyro import poutine
from pyro.infer import TraceMeanField_ELBO
from torch import nn
from torch.nn import functional

from models.csr_rows import Batch, CsrRows
from models.logistic_normal import posterior
from models.prodlda_inputs import N_DEALS

_EPS = 1e-3  # of every batch norm
_FIRST_LOG_PRECISION = -2.0  # what a reading tells of a topic's logit at the start: sd .3 after a hundred


class Data(NamedTuple):
    """What a fit sees of the readings, all of it on one device.

    Attributes
    ----------
    counts
        (n_readers, n_books), the readings.
    inputs
        The same entries, weighted for the encoder.
    n_readings
        float32 (n_readers,).
    weight
        float32 (n_readers,), how much a reading of each reader counts.
    """

    counts: CsrRows
    inputs: CsrRows
    n_readings: torch.Tensor
    weight: torch.Tensor


class _LogSoftmaxOfRead(torch.autograd.Function):
    """The gradient by hand: a third of the passes over (n_rows, n_books), and one such array instead of four."""

    @staticmethod
    def forward(ctx: Any, theta: torch.Tensor, beta: torch.Tensor, background: torch.Tensor, batch: Batch) -> Any:
        logits = torch.addmm(background, theta, beta)  # (n_rows, n_books)
        p = functional.softmax(logits, dim=1)
        log_total = logits.amax(dim=1) - p.amax(dim=1).log()
        ctx.save_for_backward(theta, beta, p)
        ctx.batch = batch
        return logits[batch.row, batch.column] - log_total[batch.row]

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> Any:
        (of_read,) = gradients
        theta, beta, p = ctx.saved_tensors
        batch = ctx.batch
        of_row = torch.zeros(len(theta), dtype=theta.dtype, device=theta.device).index_add_(0, batch.row, of_read)
        of_logits = p.mul_(-of_row[:, None])  # in place: nobody else has p, and a step goes backward once
        of_logits.view(-1).index_add_(0, batch.row * p.shape[1] + batch.column, of_read)
        of_background = of_logits.sum(dim=0) if ctx.needs_input_grad[2] else None
        of_beta = theta.T @ of_logits if ctx.needs_input_grad[1] else None
        return of_logits @ beta.T, of_beta, of_background, None


def log_p_product(theta: torch.Tensor, beta: torch.Tensor, background: torch.Tensor, batch: Batch) -> torch.Tensor:
    """Return log softmax(theta beta + background) at every entry of `batch`, (n_entries,)."""
    return cast("torch.Tensor", _LogSoftmaxOfRead.apply(theta, beta, background, batch))  # type: ignore[no-untyped-call]  # torch


def log_p_mixture(theta: torch.Tensor, beta: torch.Tensor, background: torch.Tensor, batch: Batch) -> torch.Tensor:
    """Return log theta softmax(beta + background) at every entry of `batch`, (n_entries,)."""
    topics = functional.softmax(beta + background, dim=1)
    of_entry = theta[batch.row] * topics.T.contiguous()[batch.column]  # (n_entries, n_topics)
    return torch.log(of_entry.sum(dim=1) + torch.finfo(beta.dtype).tiny)


LOG_P = {"prodlda": log_p_product, "nvlda": log_p_mixture}


def normalised(
    theta: torch.Tensor, beta: torch.Tensor, bias: torch.Tensor, share: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return beta and offset whose logits are a share of batch-normed logits and the rest plain ones.

    The batch norm of ``theta beta`` over rows needs no array (n_rows, n_books): mean and variance of a book's logit
    are ``mean(theta) beta_j`` and ``beta_j' cov(theta) beta_j``.
    """
    mean = theta.mean(dim=0)
    centred = theta - mean
    variance = ((centred.T @ centred / len(theta)) @ beta * beta).sum(dim=0)
    scaled = beta / torch.sqrt(variance + _EPS)
    return share * scaled + (1 - share) * beta, share * (bias - mean @ scaled)


def dealt_out(batch: Batch, n_rows: int, topics: torch.Tensor, alpha: float) -> torch.Tensor:
    """Return the centred log of each row's mixture, (n_rows, n_topics), after some steps of expectation maximisation.

    `topics` (n_topics, n_books) are taken as they are; no gradient flows through.
    """
    p = topics.T.contiguous()[batch.column]  # (n_entries, n_topics); gathered by rows: three times as fast
    theta = torch.full((n_rows, len(topics)), 1 / len(topics), dtype=p.dtype, device=p.device)
    for _ in range(N_DEALS):
        share = p * theta[batch.row]
        share *= (batch.value / share.sum(dim=1))[:, None]
        theta = torch.full_like(theta, alpha).index_add_(0, batch.row, share)
        theta /= theta.sum(dim=1, keepdim=True)
    log_theta = torch.log(theta)
    return log_theta - log_theta.mean(dim=1, keepdim=True)


class Encoder(nn.Module):
    """From weighted readings to the Gaussian of a reader's logits."""

    projection: torch.Tensor
    prior_mean: torch.Tensor
    prior_variance: torch.Tensor

    def __init__(self, projection: np.ndarray, hidden_size: int, prior: tuple[np.ndarray, np.ndarray]) -> None:
        super().__init__()
        n_topics = len(prior[0])
        for name, array in (("projection", projection), ("prior_mean", prior[0]), ("prior_variance", prior[1])):
            self.register_buffer(name, torch.tensor(np.asarray(array, np.float32)))
        self.first = nn.Linear(projection.shape[1] + n_topics, hidden_size)
        self.second = nn.Linear(hidden_size, hidden_size)
        self.centre, self.centre_norm = nn.Linear(hidden_size, n_topics), nn.BatchNorm1d(n_topics, _EPS)
        self.log_precision, self.precision_norm = nn.Linear(hidden_size, n_topics), nn.BatchNorm1d(n_topics, _EPS)
        # As in the original a batch norm learns its bias and not its gain, which is here what the prior says of spread.
        for norm, gain in ((self.centre_norm, self.prior_variance.sqrt()), (self.precision_norm, torch.ones(n_topics))):
            norm.weight.data.copy_(gain)
            norm.weight.requires_grad_(False)
        nn.init.constant_(self.precision_norm.bias, _FIRST_LOG_PRECISION)

    def forward(self, batch: Batch, dealt: torch.Tensor, n_readings: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return mean and variance of the posterior, (n_rows, n_topics) each.

        Parameters
        ----------
        batch
            The readings, weighted.
        dealt
            (n_rows, n_topics), what `dealt_out` says of them.
        n_readings
            (n_rows,).
        """
        of_entry = self.projection[batch.column] * batch.value[:, None]
        directions = of_entry.new_zeros(len(dealt), of_entry.shape[1]).index_add_(0, batch.row, of_entry)
        seen = torch.cat([directions, dealt], dim=1)
        hidden = functional.softplus(self.second(functional.softplus(self.first(seen))))
        centre = self.prior_mean + self.centre_norm(dealt + self.centre(hidden))
        precision = n_readings[:, None] * torch.exp(self.precision_norm(self.log_precision(hidden)))
        return cast(
            "tuple[torch.Tensor, torch.Tensor]", posterior(centre, precision, self.prior_mean, self.prior_variance)
        )


class ProdLdaNetwork(nn.Module):
    """Model and guide; `loss` is the negative evidence lower bound of a batch.

    A plain module with Pyro's statements in it: a `PyroModule`'s look-ups cost as much as the rest of the encoder, and
    there is no random parameter to look up.

    Parameters
    ----------
    encoder
        The guide's network.
    beta
        float32 (n_topics, n_books), the weights to start from, and mean of their prior.
    background
        float32 (n_books,), log frequencies or zero.
    config
        A `models.prodlda.ProdLdaConfig`.
    data
        All readings.
    """

    background: torch.Tensor
    prior_beta: torch.Tensor

    def __init__(self, encoder: Encoder, beta: np.ndarray, background: np.ndarray, config: Any, data: Data) -> None:
        super().__init__()
        self.encoder = encoder
        self.register_buffer("background", torch.tensor(np.asarray(background, np.float32)))
        self.register_buffer("prior_beta", torch.tensor(np.asarray(beta, np.float32)))
        self.beta = nn.Parameter(self.prior_beta.clone())
        self.bias = nn.Parameter(torch.zeros(len(background)))  # of the decoder's batch norm
        self.dropout = nn.Dropout(config.dropout)
        self._config, self._data = config, data
        self._elbo = TraceMeanField_ELBO()

    def loss(self, rows: torch.Tensor, done: float) -> torch.Tensor:
        """Return the negative bound of the readers `rows`, scaled up to all, when `done` of the training is done."""
        return cast("torch.Tensor", self._elbo.differentiable_loss(self.model, self.guide, rows, done))

    def model(self, rows: torch.Tensor, done: float) -> None:
        """Draw logits from the prior, and score the readings of the readers `rows`."""
        config, encoder = self._config, self.encoder
        if done >= config.hold:
            away = functional.mse_loss(self.beta, self.prior_beta, reduction="sum")
            pyro.factor("beta prior", -0.5 * away / config.prior_sd**2)
        with pyro.plate("readers", len(self._data.weight), subsample=rows):
            with poutine.scale(scale=self._kl_weight(done)):
                prior = dist.Normal(encoder.prior_mean, encoder.prior_variance.sqrt())
                z = pyro.sample("z", prior.expand((len(rows), config.n_topics)).to_event(1))
            theta = self.dropout(functional.softmax(z, dim=-1))
            pyro.factor("readings", self._data.weight[rows] * self._log_likelihood(theta, rows, done))

    def guide(self, rows: torch.Tensor, done: float) -> None:
        """Draw logits from the posterior that the encoder gives."""
        mean, variance = self.encode(rows)
        plate = pyro.plate("readers", len(self._data.weight), subsample=rows)
        with plate, poutine.scale(scale=self._kl_weight(done)):
            pyro.sample("z", dist.Normal(mean, variance.sqrt()).to_event(1))

    def encode(self, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return mean and variance of the posterior of the readers `rows`; in training it sees some of their books."""
        counts, inputs = self._data.counts[rows], self._data.inputs[rows]
        if self.training and self._config.input_dropout:
            kept = torch.rand_like(inputs.value) >= self._config.input_dropout
            counts, inputs = (batch.thinned(kept, self._config.input_dropout) for batch in (counts, inputs))
        with torch.no_grad():
            topics = functional.softmax(self.beta + self.background, dim=1)
            dealt = dealt_out(counts, len(rows), topics, self._config.alpha)
        return cast("tuple[torch.Tensor, torch.Tensor]", self.encoder(inputs, dealt, self._data.n_readings[rows]))

    def _log_likelihood(self, theta: torch.Tensor, rows: torch.Tensor, done: float) -> torch.Tensor:
        """Return the log likelihood of each reader's readings, (n_rows,)."""
        batch, until = self._data.counts[rows], self._config.decoder_norm
        beta: torch.Tensor = self.beta if done >= self._config.hold else self.beta.detach()
        background = self.background
        if done < until:
            beta, offset = normalised(theta, beta, self.bias, 1 - done / until)
            background = background + offset
        log_p = LOG_P[self._config.decoder](theta, beta, background, batch)
        return torch.zeros_like(theta[:, 0]).index_add(0, batch.row, batch.value * log_p)

    def _kl_weight(self, done: float) -> float:
        """Return the weight of the divergence from the prior: it grows from almost 0 to 1."""
        return min(1.0, max(done, 1e-4) / self._config.kl_warmup) if self._config.kl_warmup else 1.0
