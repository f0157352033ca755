"""What is learned of a Boltzmann machine, and one step of learning it: centred parameters, chains, offsets.

Parameters are kept *centred* (Montavon and Mueller 2012; Melchior, Fischer and Wiskott 2016): in

    E(x) = - sum_l c_l'x_l - sum_l (x_l - o_l)' W_l (x_{l+1} - o_{l+1})

the offsets o_l are near the means of the units, so that the gradient of a weight is a difference of covariances and not
of co-occurrences, to which frequent units and biases would add their own. The distribution is that of the machine of
the same weights and biases  b_l = c_l - W_{l-1}'o_{l-1} - W_l o_{l+1}. What centring gains is measured, and where it
gains nothing (CHANGELOG.md).

Offsets of visible units are their means in the data; those of hidden units follow their means in the positive phase,
and when they move the biases move with them: the machine is the same before and after.

======  ===========  ==============  ====================================================
symbol  code         shape           is
======  ===========  ==============  ====================================================
W_l     weights[l]   (n_l, n_{l+1})  couples layer l and layer l + 1
c_l     biases[l]    (n_l,)          centred biases
o_l     offsets[l]   (n_l,)          offsets
======  ===========  ==============  ====================================================
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import nn

from models.dbm_chains import Gibbs
from models.dbm_config import MachineConfig
from models.dbm_estimators import FROM_CHAINS, FROM_DATA, Method, method_named
from models.dbm_likelihood import Likelihood
from models.dbm_machine import Machine
from models.dbm_start import initial_machine
from models.dbm_state import State, drawn
from models.dbm_statistics import Particles, Report, Statistics, below, statistics

_START = 0.5  # offset of a hidden unit before it is known


class Learner(nn.Module):
    """Centred parameters, and what must go on where a training goes on: chains, the randomness they are drawn by.

    Parameters
    ----------
    units
        uint8 (n_rows, n_visible), the rows to learn from, on the device to learn on.
    seed
        Of weights and of all that is drawn.
    start
        Machine to begin with; None begins with small random weights and the biases of independent units.
    """

    n_epochs: torch.Tensor

    def __init__(self, units: torch.Tensor, config: MachineConfig, seed: int, start: Machine | None = None) -> None:
        super().__init__()
        self.units, self.config = units, config
        self.random = torch.Generator(units.device).manual_seed(seed)
        mean = units.float().mean(dim=0)
        sizes = (units.shape[1], *config.hidden_sizes)
        begun = start or initial_machine(sizes, mean, len(units), self.random)
        for layer, size in enumerate(sizes):
            offset = mean.new_full((size,), _START) if layer else mean
            self.register_buffer(f"offset_{layer}", offset if config.centring else torch.zeros_like(offset))
        self.weights = nn.ParameterList(nn.Parameter(weight.clone()) for weight in begun.weights)
        # where nothing is known the units are as frequent as in the data whatever the weights: biases as if centred
        biases = begun.biases if start is None else centred_biases(begun, self.offsets)
        self.biases = nn.ParameterList(nn.Parameter(bias.clone()) for bias in biases)
        self._keep("chain", self.machine().uniform_state(config.n_chains, self.random))
        hidden = self.machine().given(units[:1].float())
        self._keep("hidden", hidden.uniform_state(len(units), self.random))
        self.register_buffer("n_epochs", torch.zeros((), dtype=torch.int64))  # judged so far
        self.method = learned_by(config)
        self.reports: list[Report] = []
        self.judged: list[Likelihood] = []

    def _keep(self, name: str, state: State) -> None:
        """Keep the units of chains, a byte each."""
        self.register_buffer(f"{name}_even", units_of(state.even))
        self.register_buffer(f"{name}_odd", units_of(state.odd))

    def _kept(self, name: str, rows: torch.Tensor | slice = slice(None)) -> State:
        return State(*(self.get_buffer(f"{name}_{block}")[rows].float() for block in State._fields))

    def _put(self, name: str, state: State, rows: torch.Tensor | slice = slice(None)) -> None:
        for block, units in zip(State._fields, state, strict=True):
            self.get_buffer(f"{name}_{block}")[rows] = units_of(units)

    def get_extra_state(self) -> torch.Tensor:
        """Return the state of the randomness."""
        return self.random.get_state()

    def set_extra_state(self, state: torch.Tensor) -> None:
        """Go on with that randomness."""
        self.random.set_state(state.cpu())

    @property
    def offsets(self) -> list[torch.Tensor]:
        """Offsets of each layer, (n_l,)."""
        return [self.get_buffer(f"offset_{layer}") for layer in range(len(self.config.hidden_sizes) + 1)]

    def machine(self) -> Machine:
        """Return the machine as it stands, with biases that are not centred; nothing of it is differentiated."""
        weights = tuple(weight.detach() for weight in self.weights)
        biases = plain_biases(weights, [bias.detach() for bias in self.biases], self.offsets)
        return Machine(weights, biases)

    def set_gradients(self, rows: torch.Tensor) -> float:
        """Set the gradients of the parameters by a batch of rows, int64 (n,).

        Returns
        -------
        float
            By how much the energy of the machine's states is above that of the rows: no likelihood, but no number
            where learning has diverged.
        """
        machine, visible = self.machine(), self.units[rows].float()
        of_rows = self._positive(machine, visible, rows)
        positive = statistics(machine, of_rows)
        gradient = positive.minus(statistics(machine, self._negative(machine, of_rows)))
        for bias, slope in zip(self.biases, gradient.biases, strict=True):
            bias.grad = -slope
        for weight, slope in zip(self.weights, centred_weights(gradient, self.offsets), strict=True):
            weight.grad = self.config.weight_decay * weight.detach() - slope
        self._means = positive.biases
        pairs = zip((*machine.weights, *machine.biases), (*gradient.weights, *gradient.biases), strict=True)
        return float(sum((parameter * slope).sum() for parameter, slope in pairs))

    def _positive(self, machine: Machine, visible: torch.Tensor, rows: torch.Tensor) -> Particles:
        """Return states of the machine with its visible units as in the rows."""
        hidden, phase = machine.given(visible), self.method.positive
        if not isinstance(phase, Gibbs):
            return below(visible, phase.expectation(hidden, len(rows), self.random).particles)
        found = phase.expectation(hidden, len(rows), self.random, self._kept("hidden", rows))
        self._put("hidden", found.end, rows)
        return below(visible, found.particles)

    def _negative(self, machine: Machine, of_rows: Particles) -> Particles:
        """Return states of the machine."""
        n_chains, start = self.config.n_chains, None
        if self.method.starts == FROM_CHAINS:
            start = self._kept("chain")
        elif self.method.starts == FROM_DATA:
            start, n_chains = sampled_state(of_rows.state, self.random), len(of_rows.state.even)
        found = self.method.negative.expectation(machine, n_chains, self.random, start)
        if self.method.starts == FROM_CHAINS:
            self._put("chain", found.end)
        self.reports.append(found.report)
        return found.particles

    def follow_means(self) -> None:
        """Let the offsets of hidden units follow their means in the batch, and the biases the offsets."""
        if not self.config.centring:
            return
        weights = [weight.detach() for weight in self.weights]
        for layer in range(1, len(self.biases)):
            offset = self.get_buffer(f"offset_{layer}")
            moved = self.config.centring * (self._means[layer] - offset)
            offset += moved
            self.biases[layer - 1].data += weights[layer - 1] @ moved
            if layer < len(weights):
                self.biases[layer + 1].data += moved @ weights[layer]


def learned_by(config: MachineConfig) -> Method:
    """Return the method that `config` names, with as many sweeps as it says.

    Deviates from it in one thing: where chains are not coupled, hidden units given the rows come from chains too, one
    for each row that goes on at the next visit, and not from mean field, whose gradient is that of a bound.
    """
    method = method_named(config.estimator)
    if not isinstance(method.negative, Gibbs):
        return method
    return replace(method, positive=Gibbs(config.posterior_steps), negative=Gibbs(config.gibbs_steps))


def sampled_state(state: State, random: torch.Generator) -> State:
    """Return a state with units drawn from `state`, probabilities or units."""
    return State(drawn(state.even, random), drawn(state.odd, random))


def units_of(block: torch.Tensor) -> torch.Tensor:
    """Return units, 0 or 1, a byte each."""
    return block.to(torch.uint8)


def plain_biases(
    weights: Sequence[torch.Tensor], centred: Sequence[torch.Tensor], offsets: Sequence[torch.Tensor]
) -> tuple[torch.Tensor, ...]:
    """Return the biases b_l of the machine that has these centred ones."""
    biases = [bias.clone() for bias in centred]
    for layer, weight in enumerate(weights):
        biases[layer] -= weight @ offsets[layer + 1]
        biases[layer + 1] -= offsets[layer] @ weight
    return tuple(biases)


def centred_biases(machine: Machine, offsets: Sequence[torch.Tensor]) -> tuple[torch.Tensor, ...]:
    """Return the centred biases c_l of a machine; the inverse of `plain_biases`."""
    return plain_biases(machine.weights, machine.biases, [-offset for offset in offsets])


def centred_weights(gradient: Statistics, offsets: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """Return the gradient of the weights in the centred parameters, from that in the plain ones.

    Between the phases (x - o)(y - o')' differs from x y' by o y' + x o' (Melchior et al. 2016, eq. 7).
    """
    found = []
    for layer, weight in enumerate(gradient.weights):
        here, above = gradient.biases[layer], gradient.biases[layer + 1]
        found.append(weight - torch.outer(offsets[layer], above) - torch.outer(here, offsets[layer + 1]))
    return found
