"""Vectors whose products are cosines."""

from __future__ import annotations

import numpy as np


def unit_rows(vectors: np.ndarray) -> np.ndarray:
    """Return float32 rows of length 1 (zero rows stay zero)."""
    norms = np.sqrt(np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64))[:, None]  # float32 squares underflow
    scaled: np.ndarray = (vectors / np.where(norms > 0, norms, 1)).astype(np.float32, copy=False)
    return scaled
