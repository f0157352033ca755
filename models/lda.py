"""Latent Dirichlet allocation (Blei, Ng and Jordan 2003): a topic is a distribution over books, a reader a mixture.

    theta_d ~ Dirichlet(alpha)     beta_k ~ Dirichlet(eta)     z_i ~ theta_d     book_i ~ beta_z

This file is the model: what was learned (expected counts of topics and books), readers folded in, predictions, order of
books. How it is learned is exchangeable (`LdaConfig.inference`): `models.lda_cvb0`, or gensim in `models.lda_gensim`.

*The order of books within a topic* is by probability, books that are hardly likelier there than elsewhere last
(`models.lda_order`).

Books that nearly everybody reads can be kept from shaping topics (`max_reader_share`). Their readers' topics then say
what they are like: each reading of one is shared by the mixture of its reader. They have probabilities, profiles and
scores like any other book, but stand in no list of a topic: `typical` is ``-inf``, as it is for books without readers.

A corpus may hold counts above 1 (words of documents): `counts` is taken as it is.

    symbol   name            shape
    beta     topics          (n_topics, n_books), (expected + eta) / sum
    alpha    prior           (n_topics,)
    share    topic_shares    (n_topics,), expected readings of each topic over all

Limitations: a mixture of ten or fifty distributions is a coarse model of what a reader reads next; as a recommender it
stays far below the rankers made for that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self, final

import numpy as np
import scipy.sparse as sp

from data.corpus import Corpus
from models import lda_cvb0, lda_gensim
from models.base import Run
from models.lda_config import Judge, LdaConfig, Learned, Task
from models.lda_fold_in import fold_in
from models.lda_order import smoothed, typical_books
from models.topics import TopicModel, TopicPosterior

_INFER = {"cvb0": lda_cvb0.infer, "gensim": lda_gensim.infer}
_P_HIDDEN = 0.2  # share of a validation reader's books that are to be found
_BACKGROUND = 0.01  # weight of books by their readers in perplexity: no book is impossible


@final
class Lda(TopicModel[LdaConfig, Corpus]):
    """Expected counts of topics and books, and the prior of readers."""

    kind = "lda"
    format = 1
    config_type = LdaConfig

    def __init__(
        self, config: LdaConfig, learned: Learned, n_readers: np.ndarray, is_common: np.ndarray | None = None
    ) -> None:
        self.config = config
        self.learned = learned
        self.n_readers = n_readers  # int64 (n_books,)
        self.is_common = np.zeros(len(n_readers), np.bool_) if is_common is None else is_common  # bool (n_books,)
        self._beta = smoothed(learned.expected, config.eta)

    @classmethod
    def fit(cls, data: Corpus, config: LdaConfig, run: Run, *, validation: Corpus | None = None) -> Self:
        """Learn topics from the readings of `data`; with `validation`, stop by the perplexity of its readers."""
        run.progress.start(f"lda, {config.inference} ({run.stage})", config.n_epochs)
        n_readers = data.readers_per_book.astype(np.int64)
        is_common = n_readers > config.max_reader_share * data.n_readers
        counts = sp.csr_matrix(data.counts @ sp.diags_array((~is_common).astype(np.float32)))
        counts.eliminate_zeros()
        judge = None if validation is None else _judge(validation, n_readers, config, run)
        learned = _INFER[config.inference](Task(counts, _weights(counts, config), judge), config, run)
        if is_common.any():
            learned = _with_common(learned, data.counts, is_common, config)
        told = f", perplexity {learned.perplexities[-1]:,.0f}" if len(learned.perplexities) else ""
        run.progress.finish(f"{int((n_readers > 0).sum()):,} books, {config.n_topics} topics{told}")
        return cls(config, learned, n_readers, is_common)

    def arrays(self) -> Mapping[str, np.ndarray]:
        """Return what was learned.

        ``expected`` float64 (n_topics, n_books), ``alpha`` float64 (n_topics,), ``perplexities`` float64 (n_checks,),
        ``n_readers`` int64 (n_books,) and ``is_common`` bool (n_books,), the books that shaped no topic.
        """
        learned = {name: getattr(self.learned, name) for name in ("expected", "alpha", "perplexities")}
        return {**learned, "n_readers": self.n_readers, "is_common": self.is_common}

    @classmethod
    def from_arrays(cls, config: LdaConfig, arrays: Mapping[str, np.ndarray]) -> Self:
        """Return the model of these counts."""
        learned = Learned(arrays["expected"], arrays["alpha"], arrays["perplexities"])
        return cls(config, learned, arrays["n_readers"], arrays["is_common"])

    def topics(self) -> np.ndarray:
        """Return the posterior means of the topics, float32 (n_topics, n_books)."""
        return self._beta.astype(np.float32)

    def typical(self) -> np.ndarray:
        """Return the order of books (`typical_books`), ``-inf`` for those in no list: unread, or left out as common."""
        typical = typical_books(self._beta, self.topic_shares(), self.config.least_lift)
        typical[:, self.is_common | ~self.is_read()] = -np.inf
        return typical

    def topic_shares(self) -> np.ndarray:
        """Return the share of expected readings of each topic; all alike where nobody read anything."""
        size = self.learned.expected.sum(axis=1)
        shares: np.ndarray = size / size.sum() if size.sum() > 0 else np.full(len(size), 1 / len(size))
        return shares.astype(np.float32)

    def reader_topics(self, rows: sp.csr_matrix) -> TopicPosterior:
        """Return the posterior of readers' mixtures by folding in (`models.lda_fold_in`)."""
        return fold_in(self._beta, self.learned.alpha, rows)

    def predict(self, rows: sp.csr_matrix) -> np.ndarray:
        """Return the posterior predictive probability of every book, float32 (n_rows, n_books)."""
        mixtures = self.reader_topics(rows).mean.astype(np.float64)
        predicted: np.ndarray = (mixtures @ self._beta).astype(np.float32)
        return predicted

    def is_read(self) -> np.ndarray:
        """Return which books have readers in the training corpus, bool (n_books,)."""
        is_read: np.ndarray = self.n_readers > 0
        return is_read


def _weights(counts: sp.csr_matrix, config: LdaConfig) -> np.ndarray:
    """Return what a reading of each reader counts, float64 (n_readers,); all readings together count as many."""
    n_read = np.asarray(counts.sum(axis=1), np.float64).ravel()
    weights = np.maximum(n_read, 1) ** -config.reader_exponent
    total = weights @ n_read
    return weights * (n_read.sum() / total) if total > 0 else weights


def _judge(validation: Corpus, n_readers: np.ndarray, config: LdaConfig, run: Run) -> Judge:
    """Return the perplexity of books hidden from validation readers, mixed with a smoothed unigram, as a function."""
    counts = validation.counts
    is_hidden = run.generator("fit/lda/hidden").random(counts.nnz) < _P_HIDDEN
    row = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    row, book, times = row[is_hidden], counts.indices[is_hidden], counts.data[is_hidden].astype(np.float64)
    visible = counts.copy()
    visible.data = np.where(is_hidden, np.float32(0), counts.data)
    visible.eliminate_zeros()
    background = (n_readers + 0.5) / (n_readers + 0.5).sum()

    def perplexity(expected: np.ndarray, alpha: np.ndarray) -> float:
        beta = smoothed(expected, config.eta)
        mixtures = fold_in(beta, alpha, visible).mean.astype(np.float64)
        p = np.einsum("ik,ik->i", mixtures[row], beta.T[book])
        log_p = np.log((1 - _BACKGROUND) * p + _BACKGROUND * background[book])
        return float(np.exp(-(times @ log_p) / times.sum())) if len(times) else float("nan")

    return perplexity


def _with_common(learned: Learned, counts: sp.csr_matrix, is_common: np.ndarray, config: LdaConfig) -> Learned:
    """Return what was learned with counts of the common books, each reading shared by the mixture of its reader."""
    columns = sp.diags_array(is_common.astype(np.float32))
    common, others = sp.csr_matrix(counts @ columns), sp.csr_matrix(counts - counts @ columns)
    others.eliminate_zeros()
    mixtures = fold_in(smoothed(learned.expected, config.eta), learned.alpha, others).mean
    weighted = sp.diags_array(_weights(others, config)) @ common
    expected = learned.expected + np.asarray(weighted.T @ mixtures.astype(np.float64)).T
    return Learned(expected, learned.alpha, learned.perplexities)
