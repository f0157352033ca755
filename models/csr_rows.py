"""Rows of a csr matrix as tensors on a device: batches are gathered there, and nothing is ever dense."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
import scipy.sparse as sp
import torch


class Batch(NamedTuple):
    """Some rows, their non-zero entries one after another.

    Attributes
    ----------
    row, column
        int64 (n_entries,), where each entry stands; rows count from 0 within the batch.
    value
        float32 (n_entries,).
    """

    row: torch.Tensor
    column: torch.Tensor
    value: torch.Tensor

    def thinned(self, kept: torch.Tensor, dropped_share: float) -> Batch:
        """Return the entries where `kept`, bool (n_entries,), their values raised by what was dropped on average."""
        return Batch(self.row[kept], self.column[kept], self.value[kept] / (1 - dropped_share))


@dataclass(frozen=True)
class CsrRows:
    """A csr matrix on a device: 12 bytes an entry.

    Attributes
    ----------
    indptr
        int64 (n_rows + 1,).
    indices
        int32 (n_entries,).
    values
        float32 (n_entries,).
    """

    indptr: torch.Tensor
    indices: torch.Tensor
    values: torch.Tensor

    @classmethod
    def of(cls, matrix: sp.csr_matrix, device: torch.device) -> Self:
        """Return a copy of `matrix` on `device`."""
        return cls(
            torch.tensor(np.asarray(matrix.indptr, np.int64), device=device),
            torch.tensor(np.asarray(matrix.indices, np.int32), device=device),
            torch.tensor(np.asarray(matrix.data, np.float32), device=device),
        )

    def __getitem__(self, rows: torch.Tensor) -> Batch:
        """Return the rows of these numbers, int64 (n_rows,), in this order."""
        sizes = self.indptr[rows + 1] - self.indptr[rows]
        starts = torch.cumsum(sizes, 0) - sizes
        row = torch.repeat_interleave(sizes)
        entry = torch.arange(len(row), device=row.device) + (self.indptr[rows] - starts)[row]
        return Batch(row, self.indices[entry].long(), self.values[entry])
