"""What a draw of a net says of an outcome: its mean, its variance, its probabilities. NumPy only.

`models.bnn_likelihood` has the same formulas in torch, where they are learned; a test holds the two together.
The ordinal likelihood is a cumulative link model with location f and scale s (McCullagh 1980, equation 6.1):
``P(y <= k) = sigmoid((c_k - f) / s)``, in logs by ``sigmoid(a) - sigmoid(b) = sigmoid(a) sigmoid(-b) (1 - e^(b - a))``.
"""

from __future__ import annotations

import numpy as np

from models.bnn_config import NetConfig
from models.bnn_scaling import Scaling
from models.predictor import Draws

SD_FLOOR = 1e-3  # of the noise of a row, in standard units
_LOG_2PI = float(np.log(2 * np.pi))


def answers(
    config: NetConfig, scaling: Scaling, outputs: np.ndarray, offset: np.ndarray, parameters: np.ndarray
) -> Draws:
    """Return what every draw says, in the units of the outcome.

    Parameters
    ----------
    outputs
        float32 (n_draws, n_rows, n_outputs), of the nets.
    offset
        float32 (n_rows, n_offset_features), standardised.
    parameters
        float32 (n_draws, n_parameters), those of the likelihood, as `models.bnn_likelihood` has them.
    """
    added = parameters[:, -1:, None] * offset if config.n_offset_features else np.float32(0)
    values = config.values
    if values is None:
        mean, var = _numbers(config, outputs, added, parameters)
        sd = np.float32(scaling.outcome_sd)
        return Draws(mean * sd + np.float32(scaling.outcome_mean), var * sd**2)
    if config.likelihood == "bernoulli":
        logit = outputs[..., :1] + added
        logits = np.concatenate([np.zeros_like(logit), logit], axis=2)
    elif config.likelihood == "ordinal":
        logits = ordinal_log_p(outputs, parameters[:, : len(values) - 1]) + added
    else:
        logits = outputs + added
    p = _softmax(logits)
    mean = p @ values
    return Draws(mean, np.maximum(p @ values**2 - mean**2, 0), p)


def ordinal_log_p(outputs: np.ndarray, parameters: np.ndarray) -> np.ndarray:
    """Return log probabilities of the outcomes, float32 (n_draws, n_rows, n_outcomes).

    Parameters
    ----------
    outputs
        float32 (n_draws, n_rows, 2), location and log scale.
    parameters
        float32 (n_draws, n_outcomes - 1), the first cut point, and the logs of the steps to the following.
    """
    cuts = np.concatenate([parameters[:, :1], np.exp(parameters[:, 1:])], axis=1).cumsum(axis=1)[:, None]
    at = (cuts - outputs[..., :1]) * np.exp(-outputs[..., 1:])  # (n_draws, n_rows, n_outcomes - 1)
    below, above = -np.logaddexp(0, -at), -np.logaddexp(0, at)
    between = np.log(-np.expm1(np.minimum(at[..., :-1] - at[..., 1:], -np.finfo(np.float32).tiny)))
    log_p = np.concatenate([below, np.zeros_like(at[..., :1])], axis=2)
    log_p[..., 1:] += above
    log_p[..., 1:-1] += between
    return log_p.astype(np.float32)


def log_scores(draws: Draws, outcome: np.ndarray, values: np.ndarray | None) -> np.ndarray:
    """Return the log density, or log probability, of each outcome under the mixture of equally likely draws.

    Parameters
    ----------
    outcome
        float32 (n_rows,).
    values
        The values an outcome can have; None where outcomes are numbers.

    Returns
    -------
    ndarray
        float64 (n_rows,).
    """
    if values is None:
        var = draws.var.astype(np.float64)
        logs = -0.5 * (_LOG_2PI + np.log(var) + (outcome - draws.mean.astype(np.float64)) ** 2 / var)
        mixed: np.ndarray = np.logaddexp.reduce(logs, axis=0) - np.log(len(logs))
        return mixed
    assert draws.p is not None
    p = draws.p[:, np.arange(len(outcome)), outcome_index(outcome, values)].mean(axis=0, dtype=np.float64)
    logs_of_p: np.ndarray = np.log(np.maximum(p, np.finfo(np.float64).tiny))
    return logs_of_p


def outcome_index(outcome: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return which of `values` each outcome is, int64 (n_rows,).

    Raises
    ------
    ValueError
        If an outcome is none of them.
    """
    index = np.minimum(np.searchsorted(values, outcome), len(values) - 1)
    if len(strange := outcome[values[index] != outcome]):
        raise ValueError(f"outcome {strange[0]:g}, expected one of {', '.join(f'{value:g}' for value in values)}")
    return index.astype(np.int64)


def _numbers(
    config: NetConfig, outputs: np.ndarray, added: np.ndarray | np.float32, parameters: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and variance of every draw, (n_draws, n_rows) each, in standard units."""
    mean = (outputs[..., :1] + added)[..., 0]
    if config.likelihood == "gaussian":
        return mean, np.broadcast_to(np.exp(2 * parameters[:, :1]), mean.shape)
    sd = np.logaddexp(outputs[..., 1], np.float32(0)) + np.float32(SD_FLOOR)
    return mean, np.square(sd)


def _softmax(logits: np.ndarray) -> np.ndarray:
    p: np.ndarray = logits - logits.max(axis=-1, keepdims=True)
    np.exp(p, out=p)
    p /= p.sum(axis=-1, keepdims=True)
    return p
