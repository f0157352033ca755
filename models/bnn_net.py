"""The net in torch: what goes forward with given weights, with weights drawn for every row, with units left out.

All three are one pass (`_through`) that differ in what a layer does. A row's pre-activations ``a = h W + b`` are

    given weights     as they are
    drawn locally     normal with mean ``h M + m`` and variance ``h^2 S + s``, if W and b are independent normals with
                      means M, m and variances S, s (Kingma, Salimans, Welling 2015, equation 6): every row has weights
                      of its own, so that the noise of a gradient averages out over the rows of a batch
    with units out    ``(h * mask / (1 - rate)) W + b``, a mask for every row
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch.nn import functional

from models.bnn_layout import Layout

_ACTIVATION: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "relu": torch.relu,
    "tanh": torch.tanh,
    "softplus": functional.softplus,
}
Layers = list[tuple[torch.Tensor, torch.Tensor]]


class Net:
    """The net of a layout; it has no weights, they are given."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self._sizes, self._shapes = layout.part_sizes, layout.shapes
        self._activation = _ACTIVATION[layout.activation]

    def layers(self, weights: torch.Tensor) -> Layers:
        """Return matrix and biases of every layer, views of `weights` (n_weights,)."""
        parts = torch.split(weights, self._sizes)
        return [(parts[2 * i].view(shape), parts[2 * i + 1]) for i, shape in enumerate(self._shapes)]

    def __call__(self, inputs: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """Return outputs, (n_rows, n_outputs), of one vector of weights for all rows."""
        layers = self.layers(weights)
        return self._through(inputs, lambda i, hidden: torch.addmm(layers[i][1], hidden, layers[i][0]))

    def drawn_locally(self, inputs: torch.Tensor, loc: torch.Tensor, sd: torch.Tensor) -> torch.Tensor:
        """Return outputs, (n_rows, n_outputs), of weights drawn for every row from normals, loc and sd (n_weights,)."""
        means, variances = self.layers(loc), self.layers(sd * sd)

        def drawn(i: int, hidden: torch.Tensor) -> torch.Tensor:
            mean = torch.addmm(means[i][1], hidden, means[i][0])
            variance = torch.addmm(variances[i][1], hidden * hidden, variances[i][0])
            return torch.addcmul(mean, variance.sqrt(), torch.randn_like(mean))

        return self._through(inputs, drawn)

    def with_units_out(self, inputs: torch.Tensor, weights: torch.Tensor, rates: Sequence[float]) -> torch.Tensor:
        """Return outputs, (n_rows, n_outputs), the units before layer i left out of a row with probability rates[i]."""
        layers = self.layers(weights)

        def masked(i: int, hidden: torch.Tensor) -> torch.Tensor:
            kept = 1 - rates[i]
            if kept < 1:
                hidden = hidden * torch.empty_like(hidden).bernoulli_(kept)
            return torch.addmm(layers[i][1], hidden, layers[i][0], alpha=1 / kept)

        return self._through(inputs, masked)

    def _through(self, inputs: torch.Tensor, layer: Callable[[int, torch.Tensor], torch.Tensor]) -> torch.Tensor:
        hidden = inputs
        for i in range(len(self._shapes) - 1):
            hidden = self._activation(layer(i, hidden))
        return layer(len(self._shapes) - 1, hidden)
