"""Books that are missing of what a reader has read, with their probabilities, by the machine of a release.

The machine knows the most read books, and says of each one that the reader did not read how likely it is
(`models.dbm_conditional`): given all that the reader did and did not read of them or, where its settings take what is
not shown for unknown, given those read alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data.corpus import binary_rows
from data.errors import WagahaiError
from data.release import Release
from data.store import Store
from models.dbm import Dbm
from models.dbm_conditional import LEVEL as LEVEL
from models.dbm_config import ABSENT
from pipeline.stored_models import stored_model


@dataclass(frozen=True)
class Missing:
    """Books that a reader has not read, the likeliest first.

    Attributes
    ----------
    rows
        int64 (n,), of the books in the release.
    p
        float64 (n,), how likely each is, given the others.
    low, high
        float64 (n,), between which `p` would lie with probability `LEVEL`, were the machine's hidden units known.
    sd
        float64 (n,), standard deviation of the same.
    error
        float64 (n,), standard error of `p`, from sampling alone.
    n_known
        Books the reader has read of those that the machine knows.
    """

    rows: np.ndarray
    p: np.ndarray
    low: np.ndarray
    high: np.ndarray
    sd: np.ndarray
    error: np.ndarray
    n_known: int


def machine_of(store: Store, release: Release) -> Dbm:
    """Return the machine of a release.

    Raises
    ------
    WagahaiError
        If it was made without, its machine is no longer in the store, or cannot be read.
    """
    found = release.boltzmann
    if "artifact" not in found:
        why = found.get("left_out", "it was made without (boltzmann.on in the profile)")
        raise WagahaiError(f"release {release.id} has no Boltzmann machine: {why}")
    model = stored_model(store, release, Dbm.kind, found["artifact"], told="what is missing of a reader")
    assert isinstance(model, Dbm)
    return model


def condition(model: Dbm) -> str:
    """Return in words what the chances that a machine gives are conditional on."""
    n_books = f"{model.units.n_known:,}"
    if model.config.unshown == ABSENT:
        return f"given which of the {n_books} books are read and which are not"
    return f"given which of the {n_books} books are known to be read; whether the others are is taken for unknown"


def missing_books(model: Dbm, rows: np.ndarray, n_books: int, allowed: np.ndarray, seed: int) -> Missing:
    """Return what a machine says of the books that a reader of the books in `rows` has not read.

    Parameters
    ----------
    rows
        int64, rows of books in the release.
    n_books
        Books of the release.
    allowed
        bool (n_books,), of which books is asked.
    seed
        Of the sampling.

    Raises
    ------
    WagahaiError
        If the machine knows none of the reader's books.
    """
    read = np.unique(rows)
    known = model.units.books
    n_known = int(np.isin(known, read).sum())
    if not n_known:
        raise WagahaiError(f"unknown: none of the reader's books is among the {len(known):,} that the machine knows")
    found = model.complete(binary_rows(np.zeros(len(read), np.int64), read, (1, n_books)), seed)
    asked = np.flatnonzero(allowed[known] & ~np.isin(known, read))
    order = asked[np.argsort(-found.p[asked], kind="stable")]
    p, low, high, sd, error = (getattr(found, name)[order] for name in ("p", "low", "high", "sd", "error"))
    return Missing(known[order], p, low, high, sd, error, n_known)
