"""ProdLDA on reading histories: topics by a variational autoencoder, and the posterior of a reader's mixture.

Srivastava and Sutton 2017, in Pyro (`models.prodlda_network`). A reader's logits z come from a Gaussian, the Laplace
approximation of a Dirichlet; theta = softmax(z) is the mixture; books come from a product of experts or a mixture:

    ``prodlda``   p(book) = softmax(theta beta + background)
    ``nvlda``     p(book) = theta softmax(beta + background)

and an encoder of two softplus layers guesses the posterior of z. What is fitted is numpy arrays: who loads a model to
ask for topics does not load torch.

Why the published recipe fails on readers, and what is different here. Readers are few, long and of very different
lengths, books many and rare. Figures are perplexities of the hidden books of bookcrossing's validation readers, 10
topics, one seed; of the first five each was changed alone, from a random start and alpha 1, where all give 8315.

- *The batch norm of the decoder* divides every book's logit by its spread, so that rare books count like bestsellers
  (9175, annealed over half of the steps). It is off; `decoder_norm` anneals it away (SCHOLAR: Card, Tan, Smith 2018).
- *Dropout on theta* is noise on the one thing a reader is known by (8686 at .2). It is a setting, and off.
- *The encoder learns the readers by heart*: its first layer has a weight per book and unit, hundreds for each reader
  (8612). Here what it sees is not learned: leading right singular vectors of the weighted readings (tf-idf, rows of
  length 1), whitened; and half of a reader's books are hidden from it at every step.
- *Popularity eats the topics* (8439): the log frequencies of books are a fixed background, as in SCHOLAR.
- *Posteriors have no length*: batch norm gives all readers about one width (8368; 8830 to 8612 where the first layer
  is learned). Here a reading adds precision, as in a conjugate model: ``1 / sigma2 = 1 / sigma2_0 + n exp(a)``, a
  from the second head, and the mean is drawn to the prior's by the same precision. Of a reader without books the
  posterior is the prior.
- *Mixtures never get near a topic.* Batch norm gives the logits unit variance whatever the prior says: all readers
  are mixtures of everything, and a topic by itself is an extrapolation that rare books fill. The gain of the batch
  norm is here the prior's standard deviation (with alpha .05, 10354 to 9588).
- *Amortised mixtures lag behind.* EM from the topics of a trained nvlda took 8913 to 8368 without touching them. So
  the encoder also sees the log mixture after five steps of EM under the topics as they stand (`dealt_out`), and adds
  what EM cannot know.
- *Topics have any start.* Beta starts from a non-negative factorisation of the weighted readings, which is also the
  mean of its Gaussian prior (maximum a posteriori). With the settings as they are: 7940, and from ``random`` weights
  9298, at a diversity of .62 instead of .87.

As in the original: the Dirichlet's approximation, softplus layers, batch norm with a bias and without a learned gain
(in Pyro's tutorial it has neither), Adam with momentum .99. As in SCHOLAR: the
divergence's weight grows from 0 (`kl_warmup`).

On 20 Newsgroups: 50 topics, 12 epochs, batches of 256 and a doubt of 1; all else as for readers.

Limitations: a topic of the product of experts is a corner in which few readers sit, so lists of books go by
`typical` and not by `topics`. Counts above 1 are taken as they are; a `Corpus` has ones.

    symbol    name                shape
    alpha     Dirichlet           scalar, the same for every topic
    z         logits              (n_rows, n_topics)
    theta     mixture             (n_rows, n_topics)
    beta      weights             (n_topics, n_books)
    V         projection          (n_books, n_directions)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self, final

import numpy as np
import scipy.sparse as sp

from data.corpus import Corpus
from models.base import Run
from models.logistic_normal import laplace_approximation, mixture_draws, mixture_moments, posterior, softmax
from models.prodlda_config import ProdLdaConfig
from models.prodlda_inputs import dealt_out, weighted
from models.topics import TopicModel, TopicPosterior

N_PREDICTED = 16  # draws from a reader's posterior that a prediction is the mean of, at least two for each topic
_BLOCK = 256  # readers whose books are dense at a time


@final
class ProdLda(TopicModel[ProdLdaConfig, Corpus]):
    """Weights of books in topics, and the encoder of readers."""

    kind = "prodlda"
    format = 2
    config_type = ProdLdaConfig

    def __init__(self, config: ProdLdaConfig, arrays: Mapping[str, np.ndarray]) -> None:
        self.config = config
        self._arrays = dict(arrays)
        self.beta = arrays["beta"]  # float32 (n_topics, n_books)
        self.background = arrays["background"]  # float32 (n_books,)
        prior = laplace_approximation(np.full(config.n_topics, config.alpha))
        self._prior_mean, self._prior_variance = (moment.astype(np.float32) for moment in prior)

    @classmethod
    def fit(cls, data: Corpus, config: ProdLdaConfig, run: Run, *, validation: Corpus | None = None) -> Self:
        """Train on the readings of `data`; the same corpus, settings, seed and device give the same arrays."""
        return cls.fit_counts(data.counts, config, run)

    @classmethod
    def fit_counts(cls, counts: sp.csr_matrix, config: ProdLdaConfig, run: Run) -> Self:
        """Train on any counts, csr (n_readers, n_books): a book, or a word, may count more than once in a row."""
        from models.prodlda_fit import fit_arrays

        return cls(config, fit_arrays(counts, config, run))

    def arrays(self) -> Mapping[str, np.ndarray]:
        """Return ``beta``, ``background``, ``topic_shares``, ``n_readers``, and what the encoder needs."""
        return self._arrays

    @classmethod
    def from_arrays(cls, config: ProdLdaConfig, arrays: Mapping[str, np.ndarray]) -> Self:
        """Return the model of these arrays."""
        return cls(config, arrays)

    def topics(self) -> np.ndarray:
        """Return the distribution of a reader of one topic alone."""
        return softmax(self.beta + self.background)

    def typical(self) -> np.ndarray:
        """Return the term score of every book in every topic (after Blei and Lafferty 2009, equation 3).

        A book's part in how far the topic is from the mean of all topics, ``p log (p / mean p)`` (there the mean is
        geometric): by p alone bestsellers fill all lists, by the ratio alone books of five readers. Before, the beta
        of a book of n readers is multiplied by ``n / (n + c)``, c from `doubt`: what few readers say is believed less.
        """
        p = softmax(self._arrays["trust"] * self.beta + self.background).astype(np.float64)
        score: np.ndarray = (p * np.log(p / p.mean(axis=0))).astype(np.float32)
        return score

    def topic_shares(self) -> np.ndarray:
        """Return the mean mixture of the readers trained on, weighted by their readings."""
        shares: np.ndarray = self._arrays["topic_shares"]
        return shares

    def is_read(self) -> np.ndarray:
        """Return which books have readers in the training corpus."""
        read: np.ndarray = self._arrays["n_readers"] > 0
        return read

    def reader_topics(self, rows: sp.csr_matrix) -> TopicPosterior:
        """Return mean and standard deviation of the mixture, the softmax of the encoder's Gaussian."""
        return TopicPosterior(*mixture_moments(*self._encode(rows)))

    def predict(self, rows: sp.csr_matrix) -> np.ndarray:
        """Return the probability of every book, the mean over draws from the reader's posterior."""
        n_rows = rows.shape[0]
        p = np.zeros((n_rows, self.beta.shape[1]), np.float32)
        topics = self.topics() if self.config.decoder == "nvlda" else None
        for start in range(0, n_rows, _BLOCK):
            block = slice(start, start + _BLOCK)
            encoded = self._encode(rows[block])
            if topics is not None:
                p[block] = mixture_moments(*encoded)[0] @ topics
                continue
            draws = list(mixture_draws(*encoded, n_draws=N_PREDICTED))
            for theta in draws:
                p[block] += softmax(theta @ self.beta + self.background)
            p[block] /= len(draws)
        return p

    def _encode(self, rows: sp.csr_matrix) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and variance of the Gaussian of each row's logits, float32 (n_rows, n_topics)."""
        directions = np.asarray(weighted(rows, self._arrays["idf"]) @ self._arrays["projection"], np.float32)
        dealt = dealt_out(sp.csr_matrix(rows, dtype=np.float32), self.topics(), self.config.alpha)
        hidden = np.concatenate([directions, dealt], axis=1)
        for layer in ("first", "second"):
            hidden = np.logaddexp(self._layer(layer, hidden), np.float32(0))
        n_readings = np.asarray(rows.sum(axis=1), np.float32).reshape(-1, 1)
        precision = n_readings * np.exp(self._layer("log_precision", hidden))
        mean, variance = posterior(
            dealt * self._arrays["dealt_gain"] + self._layer("centre", hidden),
            precision,
            self._prior_mean,
            self._prior_variance,
        )
        return mean, variance

    def _layer(self, name: str, rows: np.ndarray) -> np.ndarray:
        result: np.ndarray = rows @ self._arrays[f"{name}_weight"] + self._arrays[f"{name}_bias"]
        return result
