"""The logistic normal: a mixture of topics as the softmax of a Gaussian, in the place of a Dirichlet.

Symbols of the papers, used in this file only.

    symbol   name        shape
    alpha    Dirichlet   (n_topics,)
    mu       mean        (n_rows, n_topics), of the Gaussian
    sigma2   variance    (n_rows, n_topics), of the Gaussian, diagonal
    theta    mixture     (n_rows, n_topics), softmax of a draw
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from data.seeds import generator

N_DRAWS = 2000  # about: means are then right to .03 of their sd, sds to .02 of themselves (20 or 50 topics)


def laplace_approximation(alpha: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and variance, float64 (n_topics,), of the Gaussian whose softmax approximates a Dirichlet.

    Laplace's approximation in the basis of the softmax (MacKay 1998; Hennig et al. 2012), its covariance diagonal as
    in Srivastava and Sutton 2017, section 3.2:

        mu_k = log alpha_k - 1/K sum_i log alpha_i
        sigma2_k = 1/alpha_k (1 - 2/K) + 1/K^2 sum_i 1/alpha_i

    Parameters
    ----------
    alpha
        Concentrations of the Dirichlet, above 0, (n_topics,).
    """
    n_topics = len(alpha)
    log_alpha, inverse = np.log(alpha), 1 / np.asarray(alpha, np.float64)
    return log_alpha - log_alpha.mean(), inverse * (1 - 2 / n_topics) + inverse.sum() / n_topics**2


def posterior(centre: Any, precision: Any, prior_mean: Any, prior_variance: Any) -> tuple[Any, Any]:
    """Return mean and variance of the posterior of a Gaussian's mean: the one place that says what they are.

    `centre` is where the readings point and `precision` how much they tell, an inverse variance; with a precision of
    0 it is the prior. Arrays and tensors alike, (n_rows, n_topics).
    """
    variance = 1 / (1 / prior_variance + precision)
    return prior_mean + variance * precision * (centre - prior_mean), variance


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return the softmax of every row."""
    weights: np.ndarray = np.exp(logits - logits.max(axis=1, keepdims=True))
    weights /= weights.sum(axis=1, keepdims=True)
    return weights


def mixture_draws(mean: np.ndarray, variance: np.ndarray, n_draws: int = N_DRAWS) -> Iterator[np.ndarray]:
    """Yield about `n_draws` mixtures of every row, each (n_rows, n_topics), the same at every call and for every row.

    The same normal draws serve all rows, so their error would be the same for all: a topic whose numbers happen to be
    large would seem everybody's. So every draw comes turned round the topics once, with both signs, and the draws
    have variance 1: no topic is favoured, and of equal topics each has exactly its share. At least two for each topic.
    """
    n_topics = mean.shape[1]
    base = generator(0, "logistic_normal").standard_normal((max(1, n_draws // (2 * n_topics)), n_topics))
    base /= np.sqrt(np.square(base).mean())
    sd = np.sqrt(variance)
    for draw in base.astype(mean.dtype):
        for turn in range(n_topics):
            step = sd * np.roll(draw, turn)
            yield softmax(mean + step)
            yield softmax(mean - step)


def mixture_moments(mean: np.ndarray, variance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of the mixtures of every row, by `mixture_draws`, of `mean`'s dtype."""
    first, second, n_draws = np.zeros(mean.shape), np.zeros(mean.shape), 0
    for theta in mixture_draws(mean, variance):
        first += theta
        second += np.square(theta, dtype=np.float64)
        n_draws += 1
    first /= max(n_draws, 1)
    sd = np.sqrt(np.maximum(second / max(n_draws, 1) - first**2, 0))
    return first.astype(mean.dtype), sd.astype(mean.dtype)
