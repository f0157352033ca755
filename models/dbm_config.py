"""Settings of Boltzmann machines: of a machine and its training, and of one whose visible units are books."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from data.errors import BadConfig

ESTIMATORS = ("cd", "pcd", "local_mode", "coupled_mh", "coupled_gibbs", "coupled_chains")
ABSENT, UNKNOWN = "absent", "unknown"
TOPICS = ("", "lda", "prodlda")


@dataclass(frozen=True)
class MachineConfig:
    """Settings of a machine and of its training (`models.dbm_training`).

    Attributes
    ----------
    hidden_sizes
        Units of the hidden layers, the one next to the visible units first; one layer makes it restricted.
    estimator
        What estimates the gradient: ``pcd``, ``cd``, ``local_mode``, ``coupled_mh``, ``coupled_gibbs`` or
        ``coupled_chains`` (`models.dbm_estimators` says what each is, and which are unbiased).
    n_chains
        Chains of the negative phase; of every step anew where they are not persistent.
    gibbs_steps
        Sweeps of each chain a step.
    posterior_steps
        Sweeps of the hidden units of a row, which are kept from one visit to the next, before it is learned from.
    epochs, batch_size
        Passes over the rows, and rows of a step.
    learning_rate
        Of Adam, falling linearly to zero from the share `decay_from` of all steps on.
    weight_decay
        Weight of half the sum of the squared weights in what is made small.
    centring
        How fast the offsets of the hidden units follow their means, a share each step; 0 trains without centring.
    patience
        Judgements without a better one after which training stops; 0 goes on to the end. Only with validation rows.
    judge_every
        Epochs between two judgements on the validation rows.
    """

    hidden_sizes: tuple[int, ...] = (200, 100)
    estimator: str = "pcd"
    n_chains: int = 500
    gibbs_steps: int = 1
    posterior_steps: int = 1
    epochs: int = 150
    batch_size: int = 100
    learning_rate: float = 0.002
    decay_from: float = 0.0
    weight_decay: float = 0.003
    centring: float = 0.02
    patience: int = 0
    judge_every: int = 5

    def __post_init__(self) -> None:
        """Refuse impossible settings; a list of sizes, as JSON has it, becomes a tuple."""
        object.__setattr__(self, "hidden_sizes", tuple(self.hidden_sizes))
        sizes = self.hidden_sizes
        _expect(
            "hidden_sizes", sizes, bool(sizes) and all(size >= 1 for size in sizes), "at least one size, of 1 or more"
        )
        _expect("estimator", self.estimator, self.estimator in ESTIMATORS, " or ".join(ESTIMATORS))
        for name in ("n_chains", "gibbs_steps", "posterior_steps", "epochs", "batch_size", "judge_every"):
            _expect(name, getattr(self, name), getattr(self, name) >= 1, "at least 1")
        _expect("learning_rate", self.learning_rate, 0 < self.learning_rate < np.inf, "more than 0")
        _expect("decay_from", self.decay_from, 0 <= self.decay_from <= 1, "between 0 and 1")
        _expect("weight_decay", self.weight_decay, 0 <= self.weight_decay < np.inf, "0 or more")
        _expect("centring", self.centring, 0 <= self.centring <= 1, "between 0 and 1")
        _expect("patience", self.patience, self.patience >= 0, "0 or more")


@dataclass(frozen=True)
class DbmConfig(MachineConfig):
    """Settings of a machine of readers.

    Attributes
    ----------
    n_visible
        Visible units that are books: the most read ones.
    min_books
        Of these books, how many a reader must have read to be learned from.
    unshown
        What a book that a reader does not show is: ``absent``, a 0, or ``unknown``, summed out.
    topics
        Kind of the model of topics whose memberships are visible units too: ``lda`` or ``prodlda``; empty for none.
    n_topics
        Topics of that model.
    topic_threshold
        Share of a topic from which a reader is a member.
    """

    n_visible: int = 500
    min_books: int = 5
    unshown: str = ABSENT
    topics: str = ""
    n_topics: int = 20
    topic_threshold: float = 0.1

    def __post_init__(self) -> None:
        """Refuse impossible settings."""
        super().__post_init__()
        for name in ("n_visible", "min_books", "n_topics"):
            _expect(name, getattr(self, name), getattr(self, name) >= 1, "at least 1")
        _expect("unshown", self.unshown, self.unshown in (ABSENT, UNKNOWN), f"{ABSENT} or {UNKNOWN}")
        _expect("topics", self.topics, self.topics in TOPICS, "lda, prodlda or empty")
        _expect("topic_threshold", self.topic_threshold, 0 < self.topic_threshold <= 1, "above 0, at most 1")

    @property
    def machine(self) -> MachineConfig:
        """Settings of the machine and its training."""
        return MachineConfig(**{f.name: getattr(self, f.name) for f in fields(MachineConfig)})


def _expect(name: str, found: object, holds: bool, expected: str) -> None:
    if not holds:
        raise BadConfig(f"dbm.{name}: {found!r}, expected {expected}")
