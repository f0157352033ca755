"""Where a gradient loop is, as arrays, so that a killed one goes on and ends as if it had not been (`models.training`).

What it needs to go on is: the module, the moments of its optimiser, the randomness (that of the order of rows and
torch's global one), what was measured so far, and the best state so far. All of it is tensors, kept by name; nothing
is pickled.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

State = dict[str, Any]

_MODULE, _KEPT, _OPTIMIZER = "module", "kept", "optimizer"


@dataclass
class Course:
    """A loop under way.

    Attributes
    ----------
    module
        What is trained, in place; what it keeps beside parameters and buffers (``get_extra_state``) are tensors.
    order
        Randomness of the order of rows.
    optimizer
        Whose moments are kept; None if the step has none, or keeps them in the module.
    kept, kept_epoch
        The best state so far, and the epoch it is of.
    device
        Type of the device it computes on: randomness of one is of no use to another.
    """

    module: torch.nn.Module
    order: torch.Generator
    optimizer: torch.optim.Optimizer | None
    kept: State
    kept_epoch: int = 0
    device: str = "cpu"
    losses: list[float] = field(default_factory=list)
    verdicts: list[float] = field(default_factory=list)

    @property
    def n_epochs(self) -> int:
        """Epochs that are through."""
        return len(self.losses)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return where the loop is."""
        found = {f"{_MODULE}/{name}": value for name, value in self.module.state_dict().items()}
        found |= {f"{_KEPT}/{name}": value for name, value in self.kept.items()}
        if self.optimizer is not None:
            moments = self.optimizer.state_dict()["state"]
            found |= {f"{_OPTIMIZER}/{i}/{name}": value for i, of in moments.items() for name, value in of.items()}
        found |= {"random/order": self.order.get_state(), "random/torch": torch.get_rng_state()}
        if torch.cuda.is_available():
            found["random/cuda"] = torch.cuda.get_rng_state()
        measured = {"losses": np.array(self.losses), "verdicts": np.array(self.verdicts)}
        arrays = {name: value.detach().cpu().numpy() for name, value in found.items()}
        return {**arrays, **measured, "kept_epoch": np.array(self.kept_epoch), "device": np.array(self.device)}

    def can_resume(self, arrays: Mapping[str, np.ndarray]) -> bool:
        """Return whether `arrays` were kept on a device of this type; a loop on another has to begin anew."""
        return str(arrays.get("device")) == self.device

    def resume(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Go on from `arrays`; a RuntimeError of torch if they are of another module."""
        self.module.load_state_dict(_part(arrays, _MODULE))
        self.kept = copy.deepcopy(self.module.state_dict()) | _part(arrays, _KEPT)
        if self.optimizer is not None:
            moments: dict[int, State] = {}
            for name, value in _part(arrays, _OPTIMIZER).items():
                i, moment = name.split("/")
                moments.setdefault(int(i), {})[moment] = value
            self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": moments})
        self.order.set_state(torch.from_numpy(arrays["random/order"]))
        torch.set_rng_state(torch.from_numpy(arrays["random/torch"]))
        if "random/cuda" in arrays and torch.cuda.is_available():
            torch.cuda.set_rng_state(torch.from_numpy(arrays["random/cuda"]))
        self.losses, self.verdicts = arrays["losses"].tolist(), arrays["verdicts"].tolist()
        self.kept_epoch = int(arrays["kept_epoch"])


def _part(arrays: Mapping[str, np.ndarray], name: str) -> State:
    start = f"{name}/"
    return {key.removeprefix(start): torch.from_numpy(value) for key, value in arrays.items() if key.startswith(start)}
