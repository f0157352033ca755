"""A deep Boltzmann machine of readers: which books are read together, as one distribution over all of them.

Visible units are the most read books (`models.dbm_units`), and memberships in topics if asked for. Every layer is
learned at once, without pre-training (`models.dbm_training`), from the readers of at least a few of the books. What
the machine then says of a reader is the conditional probability of each book not shown, given all the others
(`models.dbm_conditional`).

What is not shown is taken for not read (`unshown` = ``absent``). Taking it for unknown, the proper thing if histories
had holes at random, finds fewer hidden books: that a reader of forty bestsellers did not read another one tells much,
and a machine that sums over it must guess it (CHANGELOG.md has both).

Limitations. Books beyond the most read ones have no unit and no score. A machine is small, and a reader of a
thousand books is unlike what it learned from. A membership in a topic is worked out from the books shown, the
book asked about among them while it is learned: what it says is a little too good in training.

======  ===============  ====================  ==================================
symbol  code             shape                 is
======  ===============  ====================  ==================================
v       units            (n_rows, n_visible)   books, then topics, 0 or 1
W_l     weights_<l>      (n_l, n_{l+1})        couples layer l and layer l + 1
b_l     biases_<l>       (n_l,)                biases of layer l
======  ===============  ====================  ==================================
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self, final

import numpy as np
import scipy.sparse as sp
import torch

from data.corpus import Corpus
from data.errors import EmptyCorpus
from models.base import Ranker, Run
from models.dbm_conditional import Completion, complete, log_odds, log_odds_of_unknown
from models.dbm_config import ABSENT, DbmConfig
from models.dbm_likelihood import Likelihood, likelihood
from models.dbm_machine import Machine
from models.dbm_training import fit_machine
from models.dbm_units import Units, without_tail

_BLOCK = 256  # readers at a time


@final
class Dbm(Ranker[DbmConfig, Corpus]):
    """A machine and what its visible units are."""

    kind = "dbm"
    format = 1
    config_type = DbmConfig

    def __init__(self, config: DbmConfig, units: Units, machine: Machine) -> None:
        self.config = config
        self.units = units
        self.machine = machine

    @classmethod
    def fit(cls, data: Corpus, config: DbmConfig, run: Run, *, validation: Corpus | None = None) -> Self:
        """Learn from the readers of `data`; with `validation`, keep the epoch that is best by its likelihood.

        Raises
        ------
        EmptyCorpus
            If nobody has read `min_books` of the books.
        """
        units = Units.fit(data, config, run)
        rows = data.counts[units.learnable(data.counts)]
        if not rows.shape[0]:
            raise EmptyCorpus(
                f"nobody has read {config.min_books} of the {units.n_known} most read books: lower dbm.min_books"
            )
        held = None if validation is None else units.of(validation.counts[units.learnable(validation.counts)])
        fitted = fit_machine(units.of(rows), config.machine, run, validation=held)
        return cls(config, units, fitted.machine)

    def arrays(self) -> Mapping[str, np.ndarray]:
        """Return ``weights_<l>``, ``biases_<l>`` float32 of every layer, ``books`` int64 and what topics need."""
        machine = {
            f"{name}_{layer}": tensor.numpy()
            for name in ("weights", "biases")
            for layer, tensor in enumerate(getattr(self.machine, name))
        }
        return machine | self.units.arrays()

    @classmethod
    def from_arrays(cls, config: DbmConfig, arrays: Mapping[str, np.ndarray]) -> Self:
        """Return the model of these arrays."""
        n_layers = len(config.hidden_sizes) + 1
        weights = tuple(torch.tensor(arrays[f"weights_{layer}"]) for layer in range(n_layers - 1))
        biases = tuple(torch.tensor(arrays[f"biases_{layer}"]) for layer in range(n_layers))
        return cls(config, Units.from_arrays(config, arrays), Machine(weights, biases))

    def score(self, visible: sp.csr_matrix) -> np.ndarray:
        """Return the log odds of every book given all others (see the module); ``-inf`` of books without a unit."""
        scores = np.full((visible.shape[0], self.units.n_books), -np.inf, np.float32)
        for start in range(0, visible.shape[0], _BLOCK):
            block = slice(start, min(start + _BLOCK, visible.shape[0]))
            shown = torch.from_numpy(self.units.of(visible[block])).float()
            odds = self._log_odds(shown)[:, : self.units.n_known]
            scores[block, self.units.books] = odds.numpy()
        return scores

    def _log_odds(self, shown: torch.Tensor) -> torch.Tensor:
        if self.config.unshown == ABSENT:
            return log_odds(self.machine, shown)
        return log_odds_of_unknown(self.machine, shown, self._known(shown))

    def _known(self, shown: torch.Tensor) -> torch.Tensor:
        """Return which units are known: all, or the books shown and the topics."""
        known = torch.full_like(shown, self.config.unshown == ABSENT, dtype=torch.bool) | (shown > 0)
        known[:, self.units.n_known :] = True
        return known

    def likelihood(self, rows: sp.csr_matrix, seed: int) -> Likelihood:
        """Return the log-likelihoods of all that readers read of the books with a unit; topics are summed out.

        Parameters
        ----------
        rows
            csr (n_rows, n_books), at least one row.
        """
        read = torch.from_numpy((rows[:, self.units.books].toarray() > 0).astype(np.uint8))
        return likelihood(without_tail(self.machine, self.units.n_known), read, seed)

    def complete(self, visible: sp.csr_matrix, seed: int = 0) -> Completion:
        """Return what sampling says of every book with a unit, in the order of ``units.books``, of one reader.

        Parameters
        ----------
        visible
            csr (1, n_books), what the reader shows; of these books themselves nothing is asked.
        seed
            Of the chains.
        """
        shown = torch.from_numpy(self.units.of(visible)).float()
        return complete(self.machine, shown[0], self._known(shown)[0], seed).of(self.units.n_known)
