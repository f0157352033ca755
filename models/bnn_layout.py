"""All weights of a net as one flat vector: which part is which, where they start, what the net says of rows.

A net of sizes ``n_0, n_1, .., n_L`` has L layers, ``h_l = f(h_(l-1) W_l + b_l)``, the last without f. The vector has
``W_1, b_1, W_2, b_2, ..``, each matrix (n_in, n_out) by rows. This is NumPy: predicting needs no torch.

Where weights start follows from the activation: of a rectifier, variance 2 / n_in keeps the mean square of what goes
forward (He et al. 2015, equation 10); of tanh, near zero the identity, 2 / (n_in + n_out) keeps about the variance of
what goes forward and of gradients (Glorot and Bengio 2010, equation 12); softplus is started as a rectifier, which it
is far from zero. The last layer, linear, is started after Glorot. Biases start at zero.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

_CHUNK = 4096  # rows whose hidden units stay in the processor's cache


_IN_PLACE: dict[str, Callable[[np.ndarray], object]] = {
    "relu": lambda x: np.maximum(x, 0, out=x),
    "tanh": lambda x: np.tanh(x, out=x),
    "softplus": lambda x: np.logaddexp(x, np.float32(0), out=x),
}
STARTS = {"relu": "he", "tanh": "glorot", "softplus": "he"}


@dataclass(frozen=True)
class Layout:
    """Which part of a flat vector of weights is which.

    Attributes
    ----------
    sizes
        Inputs, hidden units of each layer, outputs.
    activation
        One of `models.bnn_config.ACTIVATIONS`.
    """

    sizes: tuple[int, ...]
    activation: str

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """(n_in, n_out) of every layer."""
        return list(zip(self.sizes[:-1], self.sizes[1:], strict=True))

    @property
    def part_sizes(self) -> list[int]:
        """Lengths of the parts ``W_1, b_1, W_2, ..``."""
        return [size for n_in, n_out in self.shapes for size in (n_in * n_out, n_out)]

    @property
    def n_weights(self) -> int:
        """Length of the vector."""
        return sum(self.part_sizes)

    def layers(self, weights: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return matrix and biases of every layer, views of `weights` (n_weights,)."""
        parts = np.split(weights, np.cumsum(self.part_sizes)[:-1])
        return [(parts[2 * i].reshape(shape), parts[2 * i + 1]) for i, shape in enumerate(self.shapes)]

    def initial(self, random: np.random.Generator, start: str | None = None) -> np.ndarray:
        """Return weights to start from, float32 (n_weights,), normal; `start` (``he``, ``glorot``) overrides."""
        weights = np.zeros(self.n_weights, np.float32)
        for i, (matrix, _) in enumerate(self.layers(weights)):
            n_in, n_out = matrix.shape
            rule = "glorot" if i == len(self.shapes) - 1 else start or STARTS[self.activation]
            variance = 2 / n_in if rule == "he" else 2 / (n_in + n_out)
            matrix[:] = random.normal(0, np.sqrt(variance), matrix.shape)
        return weights

    def units(self) -> np.ndarray:
        """Return which unit each weight leads away from, int64 (n_weights,), over the inputs of all layers.

        Units are numbered from 0 through all layers; biases lead away from none and have the number of units.
        """
        n_units = sum(n_in for n_in, _ in self.shapes)
        unit = np.full(self.n_weights, n_units, np.int64)
        first = 0
        for matrix, _ in self.layers(unit):
            matrix[:] = np.arange(first, first + len(matrix))[:, None]
            first += len(matrix)
        return unit

    def of_units(self, of_layers: Sequence[float]) -> np.ndarray:
        """Return float32 (n_units + 1,), for every unit the number of its layer, and 0 for the biases."""
        return np.repeat(np.array([*of_layers, 0], np.float32), [*self.sizes[:-1], 1])

    def neal_sds(self, prior_sd: float) -> np.ndarray:
        """Return a prior's standard deviation of every weight, float32 (n_weights,), after Neal 1996, section 2.1.

        That of a bias is `prior_sd`, of a matrix (n_in, n_out) ``prior_sd / sqrt(n_in)``: what a layer puts out is then
        of one size however wide it is.
        """
        sds = [sd for n_in, _ in self.shapes for sd in (prior_sd / np.sqrt(n_in), prior_sd)]
        return np.repeat(np.array(sds, np.float32), self.part_sizes)

    def outputs(self, weights: np.ndarray, inputs: np.ndarray) -> np.ndarray:
        """Return what the net of each row of `weights` says of each row of `inputs`.

        Parameters
        ----------
        weights
            float32 (n_draws, n_weights).
        inputs
            float32 (n_rows, n_in).

        Returns
        -------
        ndarray
            float32 (n_draws, n_rows, n_outputs).
        """
        result = np.empty((len(weights), len(inputs), self.sizes[-1]), np.float32)
        layers_of_draws = [self.layers(draw) for draw in weights]
        for start in range(0, len(inputs), _CHUNK):
            chunk = inputs[start : start + _CHUNK]
            for i, layers in enumerate(layers_of_draws):
                hidden = chunk
                for matrix, bias in layers[:-1]:
                    hidden = hidden @ matrix
                    hidden += bias
                    _IN_PLACE[self.activation](hidden)
                matrix, bias = layers[-1]
                result[i, start : start + _CHUNK] = hidden @ matrix + bias
        return result
