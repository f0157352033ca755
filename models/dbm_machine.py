"""A deep Boltzmann machine of binary units, of any number of layers: its energy, its fields, and one sweep.

Layers are coupled to the layers next to them only (Salakhutdinov and Hinton 2009, eq. 10), so given all layers of
odd number those of even number are independent, and the other way round. A machine is therefore kept as two *blocks*,
the layers of one parity side by side, and a sweep is two dense products, however deep the machine is. With one hidden
layer it is a restricted Boltzmann machine. With three or more hidden layers some blocks of the one matrix are zero
(1/4 of it with three, 1/3 with four): a large product of which a part is wasted is faster than several small ones.

One `sweep` serves sampling, mean field, the search of modes and coupled chains: the rule by which a unit is drawn from
its field is an argument (`models.dbm_state`; as in drckf/paysage).

======  ==============  =====================  ======================================================================
symbol  code            shape                  is
======  ==============  =====================  ======================================================================
L       n_layers        -                      layers, the visible one, number 0, among them
n_l     sizes[l]        -                      units of layer l
W_l     weights[l]      (n_l, n_{l+1})         what couples layer l and layer l + 1
b_l     biases[l]       (n_l,)                 biases of layer l; (n_rows, n_l) where rows differ, see `given`
x_l     layers[l]       (n_rows, n_l)          a row's units of layer l, 0 or 1 (mean field: between)
x       State           -                      all layers, as two blocks (n_rows, n_even) and (n_rows, n_odd)
M       coupling        (n_even, n_odd)        all the weights: E(x) = - b'x - x_even' M x_odd
f_l     field           (n_rows, n_l)          b_l + x_{l-1} W_{l-1} + x_{l+1} W_l';  p(x_l = 1 | others) = sigmoid f_l
E(x)    energy          (n_rows,)              - sum_l b_l x_l - sum_l x_l W_l x_{l+1};  p(x) = exp(-E(x)) / Z
log p*  log_marginal    (n_rows,)              log of the sum of exp(-E) over the layers of the other parity
======  ==============  =====================  ======================================================================
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import torch
from torch.nn import functional

from models.dbm_state import EVEN, ODD, Draw, State, coin_flips


@dataclass(frozen=True, eq=False)
class Machine:
    """The parameters of a machine, and what follows from them; a value, on the device its tensors are on.

    Attributes
    ----------
    weights
        Of each pair of neighbouring layers, float32 (n_l, n_{l+1}); none for a machine of one layer.
    biases
        Of each layer, float32 (n_l,), or (n_rows, n_l) where every row has its own.
    product_dtype
        Of products; float32, or bfloat16, which rounds weights and fields to 8 bits: faster, and no longer exact.

    Raises
    ------
    ValueError
        If the shapes do not fit one another.
    """

    weights: tuple[torch.Tensor, ...]
    biases: tuple[torch.Tensor, ...]
    product_dtype: torch.dtype = torch.float32

    def __post_init__(self) -> None:
        sizes = self.sizes
        found = [tuple(weight.shape) for weight in self.weights]
        expected = list(pairwise(sizes))
        if not sizes or found != expected:
            raise ValueError(f"a machine of layers {sizes}: weights {found}, expected {expected}")

    @property
    def sizes(self) -> tuple[int, ...]:
        """Units of each layer, the visible one first."""
        return tuple(bias.shape[-1] for bias in self.biases)

    @property
    def n_layers(self) -> int:
        """Layers, the visible one among them."""
        return len(self.biases)

    @property
    def device(self) -> torch.device:
        """Where the parameters are."""
        return self.biases[0].device

    @cached_property
    def block_sizes(self) -> tuple[int, int]:
        """Units of the even and of the odd block."""
        return sum(self.sizes[EVEN::2]), sum(self.sizes[ODD::2])

    @cached_property
    def columns(self) -> tuple[slice, ...]:
        """Where each layer stands in its block."""
        starts = [sum(self.sizes[layer % 2 : layer : 2]) for layer in range(self.n_layers)]
        return tuple(slice(start, start + size) for start, size in zip(starts, self.sizes, strict=True))

    @cached_property
    def coupling(self) -> torch.Tensor:
        """All the weights as one matrix, (n_even, n_odd)."""
        first = self.biases[0]
        coupling = torch.zeros(self.block_sizes, dtype=first.dtype, device=first.device)
        for layer, weight in enumerate(self.weights):
            here, above = self.columns[layer], self.columns[layer + 1]
            if layer % 2 == EVEN:
                coupling[here, above] = weight
            else:
                coupling[above, here] = weight.T
        return coupling

    @cached_property
    def block_biases(self) -> State:
        """Biases of both blocks, (n_even,) and (n_odd,), or with a row each."""
        return State(*(self._side_by_side(self.biases[parity::2]) for parity in (EVEN, ODD)))

    def _side_by_side(self, layers: Sequence[torch.Tensor]) -> torch.Tensor:
        if not layers:
            return self.biases[0].new_zeros(0)
        n_rows = max((layer.shape[:-1] for layer in layers), key=len)
        return torch.cat([layer.expand(*n_rows, layer.shape[-1]) for layer in layers], dim=-1)

    def state(self, layers: Sequence[torch.Tensor]) -> State:
        """Return the state of `layers`, (n_rows, n_l) each."""
        empty = layers[0].new_zeros(len(layers[0]), 0)
        even, odd = (torch.cat([empty, *layers[parity::2]], dim=1) for parity in (EVEN, ODD))
        return State(even, odd)

    def layers(self, state: State) -> list[torch.Tensor]:
        """Return the layers of `state`, views (n_rows, n_l)."""
        return [state[layer % 2][:, columns] for layer, columns in enumerate(self.columns)]

    def uniform_state(self, n_rows: int, random: torch.Generator) -> State:
        """Return units each 0 or 1 with probability 1/2."""
        even, odd = (coin_flips((n_rows, size), random).to(self.biases[0].dtype) for size in self.block_sizes)
        return State(even, odd)

    def towards(self, parity: int, layers: slice = slice(None)) -> torch.Tensor:
        """Return the weights from the other block into columns of the block `parity`, (n_other, n_units); a view."""
        return self.coupling[:, layers] if parity == ODD else self.coupling[layers].T

    def block_field(self, other: torch.Tensor, parity: int) -> torch.Tensor:
        """Return the fields of the block `parity`, (n_rows, n_units), of the units `other` of the other block."""
        return self._affine(other, self.towards(parity), self.block_biases[parity])

    def field(self, state: State, layer: int) -> torch.Tensor:
        """Return the fields of one layer, (n_rows, n_l): its neighbours stand side by side in the other block."""
        parity = layer % 2
        columns = [self.columns[n] for n in (layer - 1, layer + 1) if 0 <= n < self.n_layers]
        neighbours = slice(columns[0].start, columns[-1].stop) if columns else slice(0, 0)
        weight = self.towards(parity, self.columns[layer])[neighbours]
        return self._affine(state[1 - parity][:, neighbours], weight, self.biases[layer])

    def _affine(self, units: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        if self.product_dtype == bias.dtype:
            return torch.addmm(bias, units, weight)
        return bias + (units.to(self.product_dtype) @ weight.to(self.product_dtype)).to(bias.dtype)

    def sweep(self, state: State, draw: Draw, *, first: int = ODD, clamp: torch.Tensor | None = None) -> State:
        """Return `state` with every unit drawn anew, one block and then the other; the state given is left as it is.

        Parameters
        ----------
        first
            Parity of the block drawn first; what it was is forgotten.
        clamp
            Bool, broadcast to (n_rows, n_visible): visible units that stay as they are. None clamps none.
        """
        blocks = list(state)
        for parity in (first, 1 - first):
            drawn = draw(self.block_field(blocks[1 - parity], parity), parity)
            if clamp is not None and parity == EVEN:
                visible = self.columns[0]
                drawn[:, visible] = torch.where(clamp, state.even[:, visible], drawn[:, visible])
            blocks[parity] = drawn
        return State(*blocks)

    def energy(self, state: State) -> torch.Tensor:
        """Return the energy of every row, (n_rows,)."""
        of_even = (state.even * self.block_biases.even).sum(dim=1)
        return -of_even - (state.odd * self.block_field(state.even, ODD)).sum(dim=1)

    def log_marginal(self, units: torch.Tensor, parity: int) -> torch.Tensor:
        """Return log p* of one block, (n_rows,): all layers of the other parity are summed out exactly.

        Parameters
        ----------
        units
            (n_rows, n_units) of the block `parity`.
        """
        summed_out = functional.softplus(self.block_field(units, 1 - parity)).sum(dim=1)
        return (units * self.block_biases[parity]).sum(dim=1) + summed_out

    def free_energy(self, visible: torch.Tensor) -> torch.Tensor:
        """Return - log sum over hidden units of exp(-E), (n_rows,), exactly: log p(visible) = - free energy - log Z.

        Raises
        ------
        ValueError
            If there is more than one hidden layer: they do not sum out (`log_marginal` sums every other one out).
        """
        if self.n_layers > 2:
            raise ValueError(f"free energy: exact with one hidden layer, this machine has {self.n_layers - 1}")
        return -self.log_marginal(visible, EVEN)

    def given(self, visible: torch.Tensor) -> Machine:
        """Return the machine that the hidden layers are when the visible one is known.

        The visible units only shift the biases of the first hidden layer, a row each: (n_rows, n_1). Layer l of the
        machine returned is layer l + 1 of this one, and its energies lack the constant - b_0'x_0.

        Raises
        ------
        ValueError
            If there is no hidden layer.
        """
        if self.n_layers == 1:
            raise ValueError("given: a machine of one layer has no hidden layers")
        shifted = self._affine(visible, self.weights[0], self.biases[1])
        return Machine(self.weights[1:], (shifted, *self.biases[2:]), self.product_dtype)

    def at(self, rows: torch.Tensor) -> Machine:
        """Return the machine of some rows, by a mask or by numbers, where rows have biases of their own."""
        if all(bias.dim() == 1 for bias in self.biases):
            return self
        biases = (bias[rows] if bias.dim() == 2 else bias for bias in self.biases)
        part = Machine(self.weights, tuple(biases), self.product_dtype)
        part.__dict__["coupling"] = self.coupling
        return part

    def to(self, where: torch.device | torch.dtype) -> Machine:
        """Return the machine on a device, or of another dtype, its products of that dtype too unless rounded."""
        weights, biases = (tuple(tensor.to(where) for tensor in of) for of in (self.weights, self.biases))
        is_rounded = self.product_dtype != self.biases[0].dtype
        return Machine(weights, biases, self.product_dtype if is_rounded else biases[0].dtype)
