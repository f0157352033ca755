"""Fitting a net with a guide: rows to the device, the bound maximised, arrays back."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pyro
import torch

from models.base import Run
from models.bnn_config import NetConfig, TrainedConfig
from models.bnn_layout import Layout
from models.bnn_likelihood import Likelihood
from models.bnn_net import Net
from models.bnn_network import BayesianNetwork, Data
from models.bnn_predictor import layout_of
from models.bnn_prior import prior_of
from models.bnn_scaling import Scaling
from models.predictor import Examples
from models.training import Loop, gradient_step, one_thread, resolve_device, seeded, train

_DECAY_FROM = 0.5

Judge = Callable[[Mapping[str, np.ndarray]], float]
"""What validation rows say of a model of these arrays; lower is better."""


def prepared(examples: Examples, config: NetConfig) -> tuple[Scaling, Layout, Likelihood]:
    """Return scaling, layout and likelihood for `examples`."""
    scaling = Scaling.of(examples, config)
    return scaling, layout_of(config, len(scaling.feature_mean)), Likelihood(config, scaling, examples)


def on_device(examples: Examples, scaling: Scaling, likelihood: Likelihood, device: torch.device) -> Data:
    """Return standardised rows on the device."""
    inputs, offset = scaling.split(examples.features)
    arrays = inputs, offset, likelihood.target(examples.outcome)
    return Data(*(torch.tensor(array, device=device) for array in arrays))


def fit_arrays(
    examples: Examples, config: TrainedConfig, run: Run, name: str, judge: Judge | None
) -> dict[str, np.ndarray]:
    """Return the arrays of a net fitted to `examples`.

    Parameters
    ----------
    name
        Of the fit: its random streams are derived from it.
    judge
        If given, the state it likes best is kept, of those that had the whole divergence from the prior in the loss.

    Raises
    ------
    NoDevice
        If the run asks for a device that is not there.
    """
    device = resolve_device(run.device)
    run.progress.start(f"{name} ({run.stage}, {device.type})", config.epochs)
    scaling, layout, likelihood = prepared(examples, config)
    loc = layout.initial(run.generator(f"{name}/initial"))
    layout.layers(loc)[-1][1][:] = likelihood.bias
    data = on_device(examples, scaling, likelihood, device)
    sds = torch.tensor(config.prior_sds(layout), device=device)
    # Pyro's checks of every value cost a quarter of a step; that losses are numbers is checked by the loop.
    with seeded(run.derive_seed(name), device), one_thread(), pyro.validation_enabled(False):
        guide = config.guide(layout, loc).to(device)
        prior = prior_of(config.prior_name, sds)
        network = BayesianNetwork(Net(layout), prior, likelihood, guide, data, config.kl_share).to(device)
        optimizer = torch.optim.Adam(network.parameters(), lr=config.learning_rate, fused=True)
        trained = train(
            network,
            gradient_step(network.loss, optimizer, decay_from=_DECAY_FROM),
            len(examples),
            Loop(config.epochs, config.batch_size, config.patience or None if judge else None, config.kl_share),
            run.derive_seed(f"{name}/order"),
            device=device,
            judge=(lambda: judge({**scaling.arrays(), **network.arrays()})) if judge else None,
            progress=run.progress,
        )
    how = f"{trained.kept_epoch} epochs on {device.type} ({trained.why})"
    run.progress.finish(f"{how}, bound {-trained.losses[trained.kept_epoch - 1]:.3f} a row")
    return {**scaling.arrays(), **network.arrays()}
