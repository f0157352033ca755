"""What an LDA is asked for, and what an inference hands back: the joint between `models.lda` and its inferences."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from data.errors import BadConfig

INFERENCES = ("cvb0", "gensim")
CHECK_EVERY = 10  # epochs
SETTLING_EPOCHS = 10  # of a start that has cooled, before it is compared with others


@dataclass(frozen=True)
class LdaConfig:
    """Settings of LDA.

    Attributes
    ----------
    n_topics
        Number of topics.
    inference
        ``cvb0`` (`models.lda_cvb0`) or ``gensim`` (`models.lda_gensim`).
    alpha
        Parameter of the Dirichlet of readers' mixtures, of each topic; where it is learnt, the start.
    learn_alpha
        Whether each topic learns its own alpha.
    eta
        Parameter of the Dirichlet of the topics, of each book.
    epochs
        Passes over the readings, at most.
    tolerance
        The fit ends when perplexity falls by less than this share in `CHECK_EVERY` epochs; 0 takes all epochs.
    temperature
        ``cvb0`` starts with responsibilities to the power 1 / temperature and cools to 1; 1 does not anneal. A start
        from a factorisation, which more would melt, begins at `models.lda_cvb0._UNMELTED` at most.
    cooling_epochs
        Epochs until the temperature is 1; alpha is learnt from there on.
    n_starts
        ``cvb0`` cools so many starts, the first from a factorisation and the others random, and goes on with the one
        whose topics are the most coherent.
    n_batches
        ``cvb0`` updates the topics after each of these parts of the readers; ``gensim`` once an epoch.
    reader_exponent
        A reading counts by the reader's number of books to minus this power; 0 counts all alike.
    max_reader_share
        Books that a larger share of the readers read shape no topic (they get a profile all the same); 1 keeps all.
    least_lift
        Books that are less than so many times as likely in a topic as in the others stand after all that are.
    """

    n_topics: int = 20
    inference: str = "cvb0"
    alpha: float = 0.1
    learn_alpha: bool = True
    eta: float = 0.05
    epochs: int = 120
    tolerance: float = 5e-4
    temperature: float = 1.3
    cooling_epochs: int = 60
    n_starts: int = 1
    n_batches: int = 10
    reader_exponent: float = 0.3
    max_reader_share: float = 1.0
    least_lift: float = 2.5

    def __post_init__(self) -> None:
        """Refuse impossible settings."""
        if self.inference not in INFERENCES:
            raise BadConfig(f"lda.inference: {self.inference!r}, expected one of {', '.join(INFERENCES)}")
        for name, least in (
            ("n_topics", 1),
            ("epochs", 1),
            ("n_starts", 1),
            ("n_batches", 1),
            ("cooling_epochs", 0),
            ("temperature", 1),
        ):
            if not least <= getattr(self, name) < np.inf:
                raise BadConfig(f"lda.{name}: {getattr(self, name)}, expected at least {least}")
        for name in ("alpha", "eta"):
            if not 0 < getattr(self, name) < np.inf:
                raise BadConfig(f"lda.{name}: {getattr(self, name)}, expected above 0")
        if not 0 < self.max_reader_share <= 1:
            raise BadConfig(f"lda.max_reader_share: {self.max_reader_share}, expected above 0, at most 1")
        for name, most in (("tolerance", 1), ("reader_exponent", 1), ("least_lift", 1e9)):
            if not 0 <= getattr(self, name) <= most:
                raise BadConfig(f"lda.{name}: {getattr(self, name)}, expected 0 to {most:g}")

    @property
    def trial_epochs(self) -> int:
        """Epochs of each start before one of them is chosen."""
        return min(self.cooling_epochs + SETTLING_EPOCHS, self.epochs)

    @property
    def n_epochs(self) -> int:
        """Epochs of all starts together, at most."""
        return self.epochs + (self.n_starts - 1) * self.trial_epochs if self.inference == "cvb0" else self.epochs


@dataclass(frozen=True)
class Learned:
    """What an inference learned.

    Attributes
    ----------
    expected
        float64 (n_topics, n_books), expected number of readings of each book by each topic, weighted.
    alpha
        float64 (n_topics,), parameters of the Dirichlet of readers' mixtures.
    perplexities
        float64 (n_checks,), perplexity at each check: of validation readers if there are any, else of those trained on.
    """

    expected: np.ndarray
    alpha: np.ndarray
    perplexities: np.ndarray


# expected counts and alpha -> perplexity of held-out readers
Judge = Callable[[np.ndarray, np.ndarray], float]


@dataclass(frozen=True)
class Task:
    """What an inference is given.

    Attributes
    ----------
    counts
        csr (n_readers, n_books), how often the reader read the book; readings are 1, words may be more.
    weights
        float64 (n_readers,), what each reading of the reader adds to the topics.
    judge
        Perplexity of held-out readers; None if there are none.
    """

    counts: sp.csr_matrix
    weights: np.ndarray
    judge: Judge | None


def has_converged(perplexities: list[float], tolerance: float) -> bool:
    """Return whether the last check found perplexity to have fallen by less than `tolerance` since the one before."""
    if len(perplexities) < 2 or tolerance == 0:
        return False
    before, now = perplexities[-2:]
    return before - now < tolerance * before
