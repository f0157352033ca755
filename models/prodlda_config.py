"""Settings of ProdLDA."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data.errors import BadConfig

DECODERS = ("prodlda", "nvlda")
INITIALS = ("nmf", "random")


@dataclass(frozen=True)
class ProdLdaConfig:
    """What a ProdLDA is.

    Attributes
    ----------
    n_topics
        Number of topics, at least 2.
    decoder
        ``prodlda``, the product of topics, or ``nvlda``, their mixture as in LDA.
    alpha
        Concentration of the Dirichlet that the prior approximates, the same for every topic.
    prior_sd
        Standard deviation of the Gaussian prior on beta.
    background
        Whether the log frequencies of books are added in the decoder.
    initial
        ``nmf``, topics of a non-negative factorisation of the weighted readings, or ``random``.
    hold
        Share of the steps for which the topics stay as they began and only the encoder learns.
    doubt
        When books are listed, half of what beta says is believed of a book that has this many times ``n_readers /
        n_topics ** 2`` readers. On validation readers finer topics wanted less doubt, at 10 and 50 about so; above 0.
    input_size
        Directions of the readings that the encoder sees; fewer where the readings have a lower rank.
    hidden_size
        Units of each of its two layers.
    epochs, batch_size
        Passes over the readers, and readers of a step.
    learning_rate
        Of Adam at the start; it falls linearly to zero over the second half.
    momentum
        Adam's first decay; the original found that topics collapse without a high one.
    reader_exponent
        A reading counts by the number of its reader's readings to minus this power: 0 weighs all readings alike, 1 all
        readers.
    dropout
        Share of a mixture's entries left out at a step.
    input_dropout
        Share of a reader's books hidden from the encoder at a step.
    kl_warmup
        Share of the steps over which the divergence from the prior gets its weight; 0 gives it at once.
    decoder_norm
        Share of the steps over which a batch norm of the decoder is annealed away; 0 has none.
    """

    n_topics: int = 20
    decoder: str = "prodlda"
    alpha: float = 0.3
    prior_sd: float = 2.0
    background: bool = True
    initial: str = "nmf"
    hold: float = 0.1
    doubt: float = 2.5
    input_size: int = 50
    hidden_size: int = 100
    epochs: int = 40
    batch_size: int = 128
    learning_rate: float = 0.02
    momentum: float = 0.99
    reader_exponent: float = 0.0
    dropout: float = 0.0
    input_dropout: float = 0.5
    kl_warmup: float = 0.3
    decoder_norm: float = 0.0

    def __post_init__(self) -> None:
        """Refuse impossible settings."""
        if self.decoder not in DECODERS:
            raise BadConfig(f"prodlda.decoder: {self.decoder!r}, expected one of {', '.join(DECODERS)}")
        if self.initial not in INITIALS:
            raise BadConfig(f"prodlda.initial: {self.initial!r}, expected one of {', '.join(INITIALS)}")
        if self.decoder == "nvlda" and self.decoder_norm:
            raise BadConfig(f"prodlda.decoder_norm: {self.decoder_norm}, expected 0: nvlda's decoder has no batch norm")
        self._refuse_impossible_numbers()

    def _refuse_impossible_numbers(self) -> None:
        for name, least in (("n_topics", 2), ("input_size", 1), ("hidden_size", 1), ("epochs", 1), ("batch_size", 2)):
            if getattr(self, name) < least:
                raise BadConfig(f"prodlda.{name}: {getattr(self, name)}, expected at least {least}")
        for name in ("alpha", "prior_sd", "doubt", "learning_rate"):
            if not 0 < getattr(self, name) < np.inf:
                raise BadConfig(f"prodlda.{name}: {getattr(self, name)}, expected above 0")
        for name in ("momentum", "dropout", "input_dropout", "hold", "decoder_norm"):
            if not 0 <= getattr(self, name) < 1:
                raise BadConfig(f"prodlda.{name}: {getattr(self, name)}, expected 0 or more and below 1")
        for name in ("kl_warmup", "reader_exponent"):
            if not 0 <= getattr(self, name) <= 1:
                raise BadConfig(f"prodlda.{name}: {getattr(self, name)}, expected 0 to 1")
