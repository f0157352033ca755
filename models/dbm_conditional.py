"""Conditional probabilities of visible units of a machine, given others: in closed form or mean field, and by chains.

What is asked is p(v_i = 1 | the other visible units), for every i at once. Let h be the hidden units, f_i(h) the field
of unit i, b_i + W_0[i] h_1, and E_0 the expectation over h given the others and v_i = 0. Then

    p_i / (1 - p_i) = E_0[exp f_i(h)]                                                                        (1)

because p(v_i = 1, h, others) / p(v_i = 0, h, others) = exp f_i(h). With one hidden layer (1) is in closed form,

    log odds_i = b_i + sum_j softplus(g_j + W_ij) - softplus(g_j),    g the fields of layer 1 with v_i = 0   (2)

and with more it is (2) averaged over layer 2, of which `log_odds` takes the mean field. `complete` draws h by chains
instead. Its draws are of h given the others and v_i as it is; divided by the p(v_i | h) that this has put into them, so
weighted by 1 + exp f_i(h) where v_i = 0 and by 1 + exp(-f_i(h)) where v_i = 1, they are of h given the others alone,
and the weighted mean of sigmoid f_i(h) is then p_i of (1) exactly. So the *spread* of sigmoid f_i over these draws says
how much depends on hidden units that nobody has seen, and the *Monte Carlo error* is what is left because draws are
few: the standard error of p_i between independent chains.

Where units are unknown they are drawn like hidden ones, and draws need no weights.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import torch
from torch.nn import functional

from models.dbm_machine import Machine
from models.dbm_state import ODD, State, mean, sampled

LEVEL = 0.9
_MEAN_FIELD_SWEEPS = 50
_BLOCK = 32  # rows whose pairs of visible and hidden units are in memory


@dataclass(frozen=True)
class Chains:
    """How conditional probabilities are sampled.

    Attributes
    ----------
    n_chains
        Independent chains, at least two: the error is what they disagree by.
    n_draws
        Draws kept of each, one a sweep.
    burn_in
        Sweeps before them.
    """

    n_chains: int = 32
    n_draws: int = 100
    burn_in: int = 50


@dataclass(frozen=True)
class Completion:
    """What is said of every visible unit of one row.

    Attributes
    ----------
    p
        float64 (n_visible,), probability to be 1 given what is known of the others.
    low, high
        float64 (n_visible,), between which it lies with at least probability `LEVEL`, were the hidden units known: the
        middle quantiles, drawn out to hold `p` where a few draws far off have moved it beyond them.
    sd
        float64 (n_visible,), standard deviation of the same.
    error
        float64 (n_visible,), Monte Carlo standard error of `p`.
    """

    p: np.ndarray
    low: np.ndarray
    high: np.ndarray
    sd: np.ndarray
    error: np.ndarray

    def of(self, n: int) -> Completion:
        """Return what is said of the first `n` units."""
        return Completion(*(getattr(self, f.name)[:n] for f in fields(self)))


def log_odds(machine: Machine, visible: torch.Tensor) -> torch.Tensor:
    """Return the log odds of every visible unit given all the others as they are, float32 (n_rows, n_visible).

    Exact with one hidden layer; with more, layers above the first have their mean field given the row.
    """
    found = [_log_odds(machine, rows) for rows in torch.split(visible, _BLOCK)]
    return torch.cat(found) if found else visible.clone()


def _log_odds(machine: Machine, visible: torch.Tensor) -> torch.Tensor:
    weight, bias = machine.weights[0], machine.biases[0]
    field = machine.field(_settled(machine, visible, clamp=None), 1)  # (n_rows, n_1)
    others = field[:, None, :] - visible[:, :, None] * weight  # without the unit itself
    return bias + (functional.softplus(others + weight) - functional.softplus(others)).sum(dim=2)


def log_odds_of_unknown(machine: Machine, visible: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    """Return the mean-field log odds of every visible unit, those not `known`, bool (n_rows, n_visible), being free."""
    return machine.field(_settled(machine, visible, clamp=known), 0)


def _settled(machine: Machine, visible: torch.Tensor, clamp: torch.Tensor | None) -> State:
    """Return the mean field of what is not visible; with `clamp`, of the visible units that it leaves free as well."""
    everything = torch.ones_like(visible, dtype=torch.bool)
    hidden = [torch.sigmoid(bias).expand(len(visible), -1) for bias in machine.biases[1:]]
    state = machine.state([visible, *hidden])
    n_sweeps = 1 if machine.n_layers == 2 and clamp is None else _MEAN_FIELD_SWEEPS
    for _ in range(n_sweeps):
        state = machine.sweep(state, mean, first=ODD, clamp=everything if clamp is None else clamp)
    return state


def complete(
    machine: Machine, visible: torch.Tensor, known: torch.Tensor, seed: int, how: Chains = Chains()
) -> Completion:
    """Return what chains say of every visible unit of one row.

    Parameters
    ----------
    visible
        float32 (n_visible,), 0 or 1.
    known
        bool (n_visible,), whether it is as in `visible`; if all are, each unit is asked of given all the others.
    """
    random = torch.Generator(machine.device).manual_seed(seed)
    all_known = bool(known.all())
    state = machine.uniform_state(how.n_chains, random)
    columns = machine.columns[0]
    state.even[:, columns] = torch.where(known, visible, state.even[:, columns])
    fields = []
    for sweep in range(how.burn_in + how.n_draws):
        state = machine.sweep(state, sampled(random), first=ODD, clamp=known)
        if sweep >= how.burn_in:
            fields.append(machine.field(state, 0))
    field = torch.stack(fields, dim=1).double().cpu().numpy()  # (n_chains, n_draws, n_visible)
    if not all_known:
        return _completion(field, np.ones_like(field))
    is_one = visible.cpu().numpy() > 0
    return _completion(field, 1 + np.exp(np.where(is_one, -field, field)))


def _completion(field: np.ndarray, weight: np.ndarray) -> Completion:
    p_draw = 1 / (1 + np.exp(-field))
    of_chain = (weight * p_draw).sum(axis=1) / weight.sum(axis=1)
    flat, weights = (array.reshape(-1, array.shape[2]) for array in (p_draw, weight))
    weights = weights / weights.sum(axis=0)
    p = (weights * flat).sum(axis=0)
    sd = np.sqrt((weights * (flat - p) ** 2).sum(axis=0))
    order = np.argsort(flat, axis=0)
    below = np.cumsum(np.take_along_axis(weights, order, axis=0), axis=0)
    ranked = np.take_along_axis(flat, order, axis=0)
    low, high = (
        np.take_along_axis(ranked, (below >= at - 1e-12).argmax(axis=0)[None], axis=0)[0]
        for at in ((1 - LEVEL) / 2, (1 + LEVEL) / 2)
    )
    error = of_chain.std(axis=0, ddof=1) / np.sqrt(len(of_chain))
    return Completion(p, np.minimum(low, p), np.maximum(high, p), sd, error)
