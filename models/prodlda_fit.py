"""Fitting ProdLDA: readings to the device, the networks trained, arrays back."""

from __future__ import annotations

import warnings

import numpy as np
import pyro
import scipy.sparse as sp
import torch
from torch import nn

from models.base import Run
from models.csr_rows import CsrRows
from models.logistic_normal import laplace_approximation, mixture_moments
from models.prodlda_config import ProdLdaConfig
from models.prodlda_inputs import inverse_frequencies, weighted
from models.prodlda_network import Data, Encoder, ProdLdaNetwork
from models.spectral import leading_directions
from models.training import Loop, gradient_step, resolve_device, seeded, train

_SMOOTHING = 0.5  # readings given to every book, so that one without any has a log frequency
_DECAY_FROM = 0.5
_MIXED = 0.1  # share of all readings in a topic to start from
_RANDOM_SD = 0.02


def fit_arrays(counts: sp.csr_matrix, config: ProdLdaConfig, run: Run) -> dict[str, np.ndarray]:
    """Return the arrays of a `models.prodlda.ProdLda` trained on `counts`, csr (n_readers, n_books).

    Raises
    ------
    NoDevice
        If the run asks for a device that is not there.
    """
    device = resolve_device(run.device)
    run.progress.start(f"prodlda ({run.stage}, {device.type})", config.epochs)
    idf = inverse_frequencies(counts)
    inputs = weighted(counts, idf)
    projection = whitened_directions(inputs, config.input_size, run.derive_seed("fit/prodlda/directions"))
    background = _log_frequencies(counts) if config.background else np.zeros(counts.shape[1], np.float32)
    prior = laplace_approximation(np.full(config.n_topics, config.alpha))
    beta = initial_beta(counts, inputs, config, run)
    data = _on_device(counts, inputs, config, device)
    # Pyro's checks of every value cost a quarter of a step; that losses are numbers is checked by the loop.
    with seeded(run.derive_seed("fit/prodlda"), device), pyro.validation_enabled(False):
        encoder = Encoder(projection, config.hidden_size, prior)
        network = ProdLdaNetwork(encoder, beta, background, config, data).to(device)
        step = gradient_step(network.loss, _adam(network, config), decay_from=_DECAY_FROM)
        loop = Loop(config.epochs, config.batch_size)
        order = run.derive_seed("fit/prodlda/order")
        trained = train(network, step, counts.shape[0], loop, order, device=device, progress=run.progress)
    per_reading = trained.losses[-1] / counts.sum()
    how = f"{trained.kept_epoch} epochs on {device.type} ({trained.why})"
    run.progress.finish(f"{how}, bound {-per_reading:.3f} a reading")
    layers = _encoder_arrays(network.encoder)
    n_readers = np.asarray((counts > 0).sum(axis=0), np.int64).reshape(-1)
    trust = n_readers / (n_readers + config.doubt * counts.shape[0] / config.n_topics**2)
    shares = _topic_shares(network, data)
    beta = network.beta.detach().cpu().numpy()
    known = {"beta": beta, "background": background, "topic_shares": shares, "n_readers": n_readers, "idf": idf}
    return {**known, "trust": trust.astype(np.float32), "projection": projection, **layers}


def whitened_directions(inputs: sp.csr_matrix, n_directions: int, seed: int) -> np.ndarray:
    """Return leading right singular vectors of `inputs`, scaled so that each has mean square 1 over the readers."""
    v, s = leading_directions(inputs, n_directions, seed)
    whitened: np.ndarray = v * (np.sqrt(np.float32(inputs.shape[0])) / s)
    return whitened


def initial_beta(counts: sp.csr_matrix, inputs: sp.csr_matrix, config: ProdLdaConfig, run: Run) -> np.ndarray:
    """Return the weights to start from, float32 (n_topics, n_books).

    Of ``nmf``: the readings are dealt out by each reader's shares of the factors, and beta is the log of how much
    more often a topic has a book than all readings have it, the topic mixed with a share of all readings.
    """
    size = config.n_topics, counts.shape[1]
    if config.initial == "random":
        return run.generator("fit/prodlda/initial").normal(0, _RANDOM_SD, size).astype(np.float32)
    from sklearn.decomposition import NMF
    from sklearn.exceptions import ConvergenceWarning

    factors = NMF(config.n_topics, init="nndsvd", random_state=run.derive_seed("fit/prodlda/initial"))
    with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):  # near enough to start from
        shares = factors.fit_transform(inputs)
    shares /= np.maximum(shares.sum(axis=1, keepdims=True), np.finfo(np.float32).tiny)
    dealt = np.asarray(counts.T @ shares, np.float64).T
    overall = np.asarray(counts.sum(axis=0), np.float64).reshape(-1) + _SMOOTHING
    overall /= overall.sum()
    topics = (1 - _MIXED) * dealt / np.maximum(dealt.sum(axis=1, keepdims=True), 1e-12) + _MIXED * overall
    beta: np.ndarray = np.log(topics / overall).astype(np.float32)
    return beta


def _log_frequencies(counts: sp.csr_matrix) -> np.ndarray:
    """Return the log of every book's share of the readings, float32 (n_books,)."""
    n_readings = np.asarray(counts.sum(axis=0), np.float64).reshape(-1) + _SMOOTHING
    frequencies: np.ndarray = np.log(n_readings / n_readings.sum()).astype(np.float32)
    return frequencies


def _on_device(counts: sp.csr_matrix, inputs: sp.csr_matrix, config: ProdLdaConfig, device: torch.device) -> Data:
    """Return the readings on the device; the weights leave the sum over all readings as it is."""
    n_readings = np.asarray(counts.sum(axis=1), np.float32).reshape(-1)
    weight = np.maximum(n_readings, 1) ** -np.float32(config.reader_exponent)
    weight *= n_readings.sum() / (weight * n_readings).sum()
    on_device = (torch.tensor(array, device=device) for array in (n_readings, weight))
    return Data(CsrRows.of(counts, device), CsrRows.of(inputs, device), *on_device)


def _adam(network: nn.Module, config: ProdLdaConfig) -> torch.optim.Optimizer:
    learned = [parameter for parameter in network.parameters() if parameter.requires_grad]
    return torch.optim.Adam(learned, lr=config.learning_rate, betas=(config.momentum, 0.999), fused=True)


def _encoder_arrays(encoder: Encoder) -> dict[str, np.ndarray]:
    """Return weights (n_in, n_out) and biases of the encoder's layers, batch norm folded in."""
    arrays: dict[str, torch.Tensor] = {}
    for name, norm in (
        ("first", None),
        ("second", None),
        ("centre", encoder.centre_norm),
        ("log_precision", encoder.precision_norm),
    ):
        layer = getattr(encoder, name)
        weight, bias = layer.weight.detach().T, layer.bias.detach()
        if norm is not None and norm.running_mean is not None and norm.running_var is not None:
            scale = norm.weight.detach() / torch.sqrt(norm.running_var + norm.eps)
            weight, bias = weight * scale, (bias - norm.running_mean) * scale + norm.bias.detach()
        if name == "centre":
            bias = bias + encoder.prior_mean
            arrays["dealt_gain"] = scale
        arrays |= {f"{name}_weight": weight, f"{name}_bias": bias}
    return {name: np.ascontiguousarray(array.cpu().numpy()) for name, array in arrays.items()}


def _topic_shares(network: ProdLdaNetwork, data: Data) -> np.ndarray:
    """Return the mean mixture of all readers, a reading a vote, float32 (n_topics,)."""
    with torch.no_grad():
        rows = torch.arange(len(data.weight), device=data.weight.device)
        moments = network.encode(rows)
    mixtures = mixture_moments(*(moment.cpu().numpy() for moment in moments))[0]
    shares: np.ndarray = data.n_readings.cpu().numpy() @ mixtures
    shares /= shares.sum()
    return shares
