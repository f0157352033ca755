"""Bayesian nets by hand in torch, as peers of `tests.benchmarks.bnn_steps`: the same maths, and nothing around it.

A parameter for every matrix and bias, the loss written out, fused Adam. What these cost is what a step has to cost.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch.nn import functional

Step = Callable[[torch.Tensor], None]


def _sizes(n_inputs: int, hidden: int, n_outputs: int) -> list[tuple[int, int]]:
    return [(n_inputs, hidden), (hidden, n_outputs)]


def _log_likelihood(outputs: torch.Tensor, target: torch.Tensor, log_sd: torch.Tensor) -> torch.Tensor:
    """Return the mean log-likelihood: categorical where targets are whole numbers, else Gaussian."""
    if not target.is_floating_point():
        return -functional.cross_entropy(outputs, target)
    squared = ((outputs[:, 0] - target) * torch.exp(-log_sd)).square().mean()
    return -0.5 * squared - log_sd - 0.5 * math.log(2 * math.pi)


def _stepper(parameters: list[torch.Tensor], loss: Callable[[torch.Tensor], torch.Tensor]) -> Step:
    optimizer = torch.optim.Adam(parameters, lr=0.005, fused=True)

    def step(rows: torch.Tensor) -> None:
        optimizer.zero_grad(set_to_none=True)
        loss(rows).backward()  # type: ignore[no-untyped-call]  # torch
        optimizer.step()

    return step


def bayes_by_backprop(inputs: torch.Tensor, target: torch.Tensor, hidden: int, n_outputs: int) -> Step:
    """Return a step of mean-field Gaussians with the local reparameterisation and a Gaussian prior."""
    layers = []
    for n_in, n_out in _sizes(inputs.shape[1], hidden, n_outputs):
        shapes = [(n_in, n_out), (n_out,)]
        means = [torch.randn(shape).mul_(0.1).requires_grad_() for shape in shapes]
        raw_sds = [torch.full(shape, -3.0, requires_grad=True) for shape in shapes]
        layers.append((means, raw_sds, [1 / math.sqrt(n_in), 1.0]))
    log_sd = torch.tensor(-1.0, requires_grad=True)

    def loss(rows: torch.Tensor) -> torch.Tensor:
        hidden_units, divergence = inputs[rows], torch.zeros(())
        for i, (means, raw_sds, prior_sds) in enumerate(layers):
            sds = [functional.softplus(raw) for raw in raw_sds]
            variances = [sd * sd for sd in sds]
            for mean, variance, prior_sd in zip(means, variances, prior_sds, strict=True):
                ratio = variance / prior_sd**2
                divergence = divergence + 0.5 * (ratio + mean * mean / prior_sd**2 - 1 - ratio.log()).sum()
            centre = torch.addmm(means[1], hidden_units, means[0])
            spread = torch.addmm(variances[1], hidden_units * hidden_units, variances[0]).sqrt()
            hidden_units = centre + spread * torch.randn_like(centre)
            if i == 0:
                hidden_units = torch.relu(hidden_units)
        return divergence / len(target) - _log_likelihood(hidden_units, target[rows], log_sd)

    parameters = [value for means, raw_sds, _ in layers for value in (*means, *raw_sds)]
    return _stepper([*parameters, log_sd] if target.is_floating_point() else parameters, loss)


def mc_dropout(inputs: torch.Tensor, target: torch.Tensor, hidden: int, n_outputs: int) -> Step:
    """Return a step of dropout before every layer, with weight decay."""
    rate, decay = 0.05, 0.01**2 / (2 * len(target))
    layers = [
        [torch.randn(n_in, n_out).mul_(0.1).requires_grad_(), torch.zeros(n_out, requires_grad=True)]
        for n_in, n_out in _sizes(inputs.shape[1], hidden, n_outputs)
    ]
    log_sd = torch.tensor(-1.0, requires_grad=True)

    def loss(rows: torch.Tensor) -> torch.Tensor:
        hidden_units, squares = inputs[rows], torch.zeros(())
        for i, (matrix, bias) in enumerate(layers):
            kept = torch.empty_like(hidden_units).bernoulli_(1 - rate)
            hidden_units = torch.addmm(bias, hidden_units * kept, matrix, alpha=1 / (1 - rate))
            squares = squares + (matrix * matrix).sum() / (1 - rate) + (bias * bias).sum()
            if i == 0:
                hidden_units = torch.relu(hidden_units)
        return decay * squares - _log_likelihood(hidden_units, target[rows], log_sd)

    parameters = [value for layer in layers for value in layer]
    return _stepper([*parameters, log_sd] if target.is_floating_point() else parameters, loss)
