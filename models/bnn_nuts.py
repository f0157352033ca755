"""Sampling the weights of a net with Pyro's No-U-Turn sampler, in double precision, all weights at one site."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyro
import pyro.distributions as dist
import torch
from pyro.infer import MCMC, NUTS

from data.progress import Progress
from models.base import Run
from models.bnn_fit import on_device, prepared
from models.bnn_likelihood import Likelihood
from models.bnn_net import Net
from models.bnn_network import Data
from models.bnn_prior import prior_of
from models.predictor import Examples
from models.training import resolve_device, seeded


def sample_arrays(examples: Examples, config: Any, run: Run) -> dict[str, np.ndarray]:
    """Return the arrays of a `models.nuts.Nuts`, chain after chain.

    Beside samples: ``chain`` int64 (n_samples,), which chain each is of, and ``n_divergent`` int64 (n_chains,), how
    many of its steps after warm-up left the path that energy allows.

    Raises
    ------
    NoDevice
        If the run asks for a device that is not there.
    """
    device = resolve_device(run.device)
    run.progress.start(f"nuts ({run.stage}, {device.type})", config.n_chains * (config.n_warmup + config.n_samples))
    scaling, layout, likelihood = prepared(examples, config)
    data = _doubled(on_device(examples, scaling, likelihood, device))
    sds = torch.tensor(layout.neal_sds(config.prior_sd), dtype=torch.float64, device=device)
    posterior = _Posterior(Net(layout), sds, likelihood, data)
    samples: list[dict[str, np.ndarray]] = []
    for chain in range(config.n_chains):
        start = layout.initial(run.generator(f"fit/nuts/{chain}/initial"))
        with seeded(run.derive_seed(f"fit/nuts/{chain}"), device), pyro.validation_enabled(False):
            samples.append(_chain(posterior, start, config, run.progress))
    n_divergent = np.array([int(of_chain.pop("n_divergent")) for of_chain in samples])
    run.progress.finish(f"{config.n_chains} chains on {device.type}, {n_divergent.sum()} divergent steps")
    stacked = {name: np.concatenate([of_chain[name] for of_chain in samples]) for name in samples[0]}
    chain_of = np.repeat(np.arange(config.n_chains), config.n_samples)
    return {**scaling.arrays(), **stacked, "chain": chain_of, "n_divergent": n_divergent}


class _Posterior:
    """The Pyro model: weights, what is free of the likelihood's parameters, and all outcomes."""

    def __init__(self, net: Net, sds: torch.Tensor, likelihood: Likelihood, data: Data) -> None:
        self._net, self._prior, self._likelihood, self._data = net, prior_of("gaussian", sds), likelihood, data
        self._is_free = torch.tensor(likelihood.is_free, device=sds.device)
        self._initial = torch.tensor(likelihood.initial, dtype=sds.dtype, device=sds.device)

    def __call__(self) -> None:
        weights = pyro.sample("weights", self._prior)
        parameters = self._initial
        if self._is_free.any():
            free = self._initial[self._is_free]
            drawn = pyro.sample("free", dist.Normal(free, torch.ones_like(free)).to_event(1))
            parameters = parameters.masked_scatter(self._is_free, drawn)
        outcome = self._likelihood.distribution(self._net(self._data.inputs, weights), self._data.offset, parameters)
        with pyro.plate("rows", len(self._data.target)):
            pyro.sample("outcome", outcome, obs=self._data.target)

    def parameters(self, samples: dict[str, torch.Tensor]) -> torch.Tensor:
        """Return the likelihood's parameters of every sample, (n_samples, n_parameters)."""
        parameters = self._initial.repeat(len(samples["weights"]), 1)
        if "free" in samples:
            parameters[:, self._is_free] = samples["free"]
        return parameters

    def start(self, weights: np.ndarray) -> dict[str, torch.Tensor]:
        """Return values of the sites to start from."""
        start = {"weights": torch.tensor(weights).to(self._initial)}
        return {**start, "free": self._initial[self._is_free]} if self._is_free.any() else start


def _chain(posterior: _Posterior, start: np.ndarray, config: Any, progress: Progress) -> dict[str, np.ndarray]:
    """Return the samples of one chain, and its number of divergent steps."""
    kernel = NUTS(posterior, max_tree_depth=config.max_tree_depth)
    mcmc = MCMC(
        kernel,
        num_samples=config.n_samples,
        warmup_steps=config.n_warmup,
        initial_params=posterior.start(start),
        disable_progbar=True,
        hook_fn=lambda *_: progress.advance(),
    )
    mcmc.run()
    samples = mcmc.get_samples()
    divergent = mcmc.diagnostics()["divergences"]["chain 0"]
    arrays = {"weights": samples["weights"], "parameters": posterior.parameters(samples)}
    as_numpy = {name: value.cpu().numpy().astype(np.float32) for name, value in arrays.items()}
    return {**as_numpy, "n_divergent": np.array(len(divergent))}


def _doubled(data: Data) -> Data:
    """Return the rows in double precision; which outcome a row has stays a number of an outcome."""
    inputs, offset, target = (value.double() if value.is_floating_point() else value for value in data)
    return Data(inputs, offset, target)
