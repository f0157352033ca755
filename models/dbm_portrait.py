"""What a Boltzmann machine of readers is like: readers it samples, and what its hidden units are about."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from models.dbm import Dbm
from models.dbm_machine import Machine
from models.dbm_state import ODD, sampled

_SWEEPS = 500  # before a sample


@dataclass(frozen=True)
class Unit:
    """What one hidden unit is about.

    Attributes
    ----------
    layer, number
        Which it is, both from 1.
    speaks_on
        Whether it speaks for books when it is on; of a unit whose weights are large below zero it is when it is off.
    p_speaks
        Share of sampled readers of whom it does.
    books
        int64 (n_books,), the books that it then makes most likely, the most so first, as rows of the corpus.
    weights
        float64 (n_books,), by how much it raises their log odds; of a layer above the first, through the layers below
        as if these were linear.
    """

    layer: int
    number: int
    speaks_on: bool
    p_speaks: float
    books: np.ndarray
    weights: np.ndarray


@dataclass(frozen=True)
class Samples:
    """States of a machine, each from a chain of its own.

    Attributes
    ----------
    layers
        Of each layer, 0 or 1, (n_samples, n_l).
    field
        float32 (n_samples, n_visible), the fields by which visible units were drawn.
    """

    layers: tuple[np.ndarray, ...]
    field: np.ndarray


def samples(machine: Machine, n_samples: int, seed: int) -> Samples:
    """Return states after so many sweeps of block Gibbs sampling from uniform ones; no reader is among them."""
    random = torch.Generator(machine.device).manual_seed(seed)
    state, draw = machine.uniform_state(n_samples, random), sampled(random)
    for _ in range(_SWEEPS):
        state = machine.sweep(state, draw, first=ODD)
    field = machine.field(state, 0)  # the odd block is as it was when the visible units were drawn
    return Samples(tuple(layer.cpu().numpy() for layer in machine.layers(state)), field.cpu().numpy())


def typical_readers(model: Dbm, drawn: Samples) -> list[np.ndarray]:
    """Return the books that each sample reads, int64 rows of the corpus, the likeliest by its hidden units first."""
    found = []
    for units, field in zip(drawn.layers[0], drawn.field, strict=True):
        read = np.flatnonzero(units[: model.units.n_known])
        found.append(model.units.books[read[np.argsort(-field[read], kind="stable")]])
    return found


def hidden_units(model: Dbm, drawn: Samples, n_units: int, n_books: int) -> list[Unit]:
    """Return the units of every hidden layer that differ most between sampled readers, `n_units` a layer at most.

    A unit that is always on, or always off, tells nothing of a reader however large its weights. They are ordered by
    the spread of what they add to the log odds of books: sd of the unit times the norm of its weights.
    """
    found, towards = [], np.eye(len(drawn.field[0]))
    for layer, weight in enumerate(model.machine.weights, 1):
        towards = towards @ weight.double().cpu().numpy()  # (n_visible, n_l)
        of_books = towards[: model.units.n_known]
        p_on = drawn.layers[layer].mean(axis=0)
        differs = np.sqrt(p_on * (1 - p_on)) * np.linalg.norm(of_books, axis=0)
        for unit in np.argsort(-differs, kind="stable")[:n_units].tolist():
            weights = of_books[:, unit]
            ranked = np.sort(weights)
            speaks_on = bool(ranked[-n_books:].sum() >= -ranked[:n_books].sum())
            towards_read = weights if speaks_on else -weights
            first = np.argsort(-towards_read, kind="stable")[:n_books]
            p_speaks = float(p_on[unit] if speaks_on else 1 - p_on[unit])
            rows = model.units.books[first]
            found.append(Unit(layer, unit + 1, speaks_on, p_speaks, rows, towards_read[first]))
    return found
