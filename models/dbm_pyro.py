"""A Boltzmann machine in Pyro: its energy as a factor, and an objective that ``pyro.infer.SVI`` can drive.

The model of a machine is the factor ``exp(-E(x))`` over complete states, and nothing is left to guide. What an ELBO
estimates from samples of a guide, the objective estimates from the particles of the two phases of a `Method`: the loss

    mean over rows of  sum_i w_i E(x_i) [positive phase]  -  sum_i w_i E(x_i) [negative phase]

has minus the estimator's gradient of the mean log-likelihood as its own, because particles do not depend on parameters
(Hinton 2002, eq. 6). Its value is a difference of energies, not a likelihood: it says nothing of progress.
"""

from __future__ import annotations

from typing import Any

import pyro
import torch
from pyro import poutine
from pyro.infer.elbo import ELBO
from pyro.nn import PyroModule, PyroParam

from models.dbm_estimators import FROM_CHAINS, Method, gradient_particles
from models.dbm_machine import Machine
from models.dbm_state import State
from models.dbm_statistics import Particles, Report


class BoltzmannModel(PyroModule):
    """The parameters of a machine, and its unnormalised density of complete states.

    Parameters
    ----------
    start
        The machine whose parameters it starts from.
    """

    def __init__(self, start: Machine) -> None:
        super().__init__()
        self.n_weights, self.product_dtype = len(start.weights), start.product_dtype
        for kind, tensors in (("weight", start.weights), ("bias", start.biases)):
            for layer, tensor in enumerate(tensors):
                setattr(self, f"{kind}_{layer}", PyroParam(tensor.detach().clone()))

    def machine(self) -> Machine:
        """Return the machine of the current parameters, which autograd follows."""
        weights = tuple(getattr(self, f"weight_{layer}") for layer in range(self.n_weights))
        biases = tuple(getattr(self, f"bias_{layer}") for layer in range(self.n_weights + 1))
        return Machine(weights, biases, self.product_dtype)

    def detached(self) -> Machine:
        """Return the machine of the current parameters, as values that training goes on to change in place."""
        followed = self.machine()
        weights, biases = (tuple(tensor.detach() for tensor in of) for of in (followed.weights, followed.biases))
        return Machine(weights, biases, self.product_dtype)

    def forward(self, particles: Particles) -> None:
        """Score states: the factor is minus the energy, each state by its weight, (n_particles,)."""
        pyro.factor("energy", -particles.weight * self.machine().energy(particles.state))


def no_guide(*arguments: Any) -> None:
    """Guide of a model that has nothing to guess."""


class EnergyDifference(ELBO):
    """The objective whose gradient is a chosen estimator's, with the interface of Pyro's ELBOs.

    Parameters
    ----------
    method
        How the phases are estimated.
    random
        Where all randomness comes from, on the parameters' device.
    n_chains
        Estimates of the negative phase a step; None takes as many as the batch has rows.

    Attributes
    ----------
    reports
        How the positive and the negative phase of the last step went; None before the first.
    chains
        Where the chains of the negative phase were left, for methods whose chains go on.
    """

    def __init__(self, method: Method, random: torch.Generator, n_chains: int | None = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # pyro
        self.method, self.random, self.n_chains = method, random, n_chains
        self.reports: tuple[Report, Report] | None = None
        self.chains: State | None = None

    def _get_trace(self, model: Any, guide: Any, args: Any, kwargs: Any) -> Any:
        """Return the traces of guide and model."""
        guided = poutine.trace(guide).get_trace(*args, **kwargs)
        return poutine.trace(poutine.replay(model, trace=guided)).get_trace(*args, **kwargs), guided

    def differentiable_loss(self, model: BoltzmannModel, guide: Any, visible: torch.Tensor) -> torch.Tensor:
        """Return the loss of a batch, (n_rows, n_visible) of 0 and 1, a scalar that autograd follows."""
        phases = gradient_particles(model.detached(), visible, self.method, self.random, self.chains, self.n_chains)
        self.reports = phases.positive.report, phases.negative.report
        self.chains = phases.negative.end if self.method.starts == FROM_CHAINS else None
        loss = visible.new_zeros(())
        for particles, sign in ((phases.hidden, 1), (phases.negative.particles, -1)):
            scored, _ = self._get_trace(model, guide, (particles,), {})
            loss = loss - sign * scored.log_prob_sum() / particles.n_rows
        return loss

    def loss_and_grads(self, model: BoltzmannModel, guide: Any, visible: torch.Tensor) -> float:
        """Add the gradient to the parameters' and return the loss."""
        loss = self.differentiable_loss(model, guide, visible)
        loss.backward()  # type: ignore[no-untyped-call]  # torch
        return float(loss.detach())

    def loss(self, model: BoltzmannModel, guide: Any, visible: torch.Tensor) -> float:
        """Return the loss."""
        with torch.no_grad():
            return float(self.differentiable_loss(model, guide, visible))
