"""word2vec on reading histories: books read by the same readers get near vectors.

Skip-gram with negative sampling (Mikolov et al. 2013), trained by gensim; a reader is a sentence, a
book a word (item2vec, Barkan and Koenigstein 2016). gensim stays in this file: arrays come out.

Where we deviate from the usual recipe, and why (numbers in CHANGELOG.md):

- *Order*. Reading order is often fake (a file's order), so by default the books of a reader are
  shuffled anew for every epoch and a window samples pairs of the whole history. ``order="as_read"`` keeps the
  order; whether it helps is a question to the data.
- *Bestsellers are thinned out hard* (``subsample``): otherwise they are the context of every book and the
  vectors say little else. The threshold is a multiple of the average book's share of readings, not gensim's
  absolute share: the same setting then suits a thousand books and a hundred thousand.
- *Vectors are centred.* All input vectors share a direction, which says how popular a book is and not what it
  is like; their mean is taken off before they are scaled to length 1 (Mu and Viswanath 2018, first
  step). The same is done with the output vectors.
- *Both sides make a book's vector.* The cosine of input vectors is a likeness of the second order: books read
  with the same others. The product of input and output is of the first: books read with each other. The sum
  of both vectors, the output side weighted by `output_weight`, has both kinds in its cosines (Levy, Goldberg and
  Dagan 2015, section 3.3); lists get nearer (author precision) for a little less recall.
- *A reader is a density, not a point.* Readers have several tastes, and the mean of their books lies between them, near
  none. A reader is the mixture of von Mises-Fisher densities around the books shown, all of one `concentration`
  kappa, and a book scores by the log of the density at its vector (a kernel density estimate on the sphere, Hall,
  Watson and Cabrera 1987). As kappa goes to 0 that ranks by the cosine with the mean; as it grows, by the nearest
  book shown.
- *Popularity comes back by a weight*: `popularity_weight` times the log of the book's readers is added, a prior to a
  power. The product of input and output vectors, the probability the model was trained for, did worse on validation
  on both data sets, at each thinning tried.

Limitations: gensim is reproducible with one worker only, so it runs with one; a book without readers in
the training corpus has no vector and scores ``-inf``.

    symbol   name              shape
    u        input vectors     (n_books, embedding_size)
    v        output vectors    (n_books, embedding_size)
    w        book vectors      (n_books, embedding_size), unit(unit(u - mean u) + a unit(v - mean v))
    a        output_weight     scalar
    kappa    concentration     scalar
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Self, final

import gensim
import numpy as np
import scipy.sparse as sp
from gensim.models.callbacks import CallbackAny2Vec

from data.corpus import Corpus
from data.errors import BadConfig
from data.vectors import unit_rows
from models.base import Encoder, Run
from models.density import MAX_CONCENTRATION, density_scores

ORDERS = ("shuffled", "as_read")
MAX_SENTENCE = 10_000  # gensim silently drops the words of a sentence beyond these


@dataclass(frozen=True)
class Word2VecConfig:
    """Settings of word2vec.

    Attributes
    ----------
    embedding_size
        Dimensions of a vector.
    window
        Books to either side that count as context; gensim draws the reach of each uniformly from 1 to it.
    epochs
        Passes over the readings.
    learning_rate
        Step at the start; it falls linearly to a thousandth of it.
    negative
        Noise books drawn for each pair.
    ns_exponent
        Noise books are drawn by their number of readers to this power.
    subsample
        Books read more often than this multiple of the average book are thinned out; 0 keeps all readings.
    order
        ``shuffled`` anew every epoch, or ``as_read``.
    output_weight
        Weight of the output vectors in a book's vector; 0 is the usual item2vec.
    concentration
        How narrow the density around each book shown is when books are ranked for a reader, above 0, at most 40.
    popularity_weight
        Weight of the log number of readers when books are ranked for a reader; 0 ranks by nearness alone.
    """

    embedding_size: int = 128
    window: int = 5
    epochs: int = 40
    learning_rate: float = 0.1
    negative: int = 5
    ns_exponent: float = 0.75
    subsample: float = 2.0
    order: str = "shuffled"
    output_weight: float = 0.5
    concentration: float = 9.0
    popularity_weight: float = 0.3

    def __post_init__(self) -> None:
        """Refuse impossible settings."""
        if self.order not in ORDERS:
            raise BadConfig(f"word2vec.order: {self.order!r}, expected one of {', '.join(ORDERS)}")
        for name in ("embedding_size", "window", "epochs", "negative"):
            if getattr(self, name) < 1:
                raise BadConfig(f"word2vec.{name}: {getattr(self, name)}, expected at least 1")
        if not 0 < self.learning_rate < 1:
            raise BadConfig(f"word2vec.learning_rate: {self.learning_rate}, expected between 0 and 1")
        if not 0 < self.concentration <= MAX_CONCENTRATION:
            expected = f"above 0, at most {MAX_CONCENTRATION:g}"
            raise BadConfig(f"word2vec.concentration: {self.concentration}, expected {expected}")
        for name in ("subsample", "output_weight"):
            if not 0 <= getattr(self, name) < np.inf:
                raise BadConfig(f"word2vec.{name}: {getattr(self, name)}, expected 0 or more")
        for name in ("ns_exponent", "popularity_weight"):
            if not np.isfinite(getattr(self, name)):
                raise BadConfig(f"word2vec.{name}: {getattr(self, name)}, expected a finite number")


@final
class Word2Vec(Encoder[Word2VecConfig, Corpus]):
    """Input and output vectors of books."""

    kind = "word2vec"
    format = 1
    config_type = Word2VecConfig

    def __init__(self, config: Word2VecConfig, u: np.ndarray, v: np.ndarray, n_readers: np.ndarray) -> None:
        self.config = config
        self.u = u  # float32 (n_books, embedding_size), zero for books without readers
        self.v = v  # float32 (n_books, embedding_size), zero for books without readers
        self.n_readers = n_readers  # int64 (n_books,)
        known = n_readers > 0
        both = _centred(u, known) + np.float32(config.output_weight) * _centred(v, known)
        self._w = unit_rows(both)

    @classmethod
    def fit(cls, data: Corpus, config: Word2VecConfig, run: Run, *, validation: Corpus | None = None) -> Self:
        """Train on the histories of `data`; the same corpus, settings and seed give the same vectors."""
        n_readers = data.readers_per_book.astype(np.int64)
        run.progress.start(f"word2vec ({run.stage})", config.epochs)
        trained = _train(_Histories(data, config.order, run), n_readers, config, run)
        run.progress.finish(f"{int((n_readers > 0).sum()):,} books, {config.embedding_size} dimensions")
        u = np.zeros((data.n_books, config.embedding_size), np.float32)
        v = np.zeros_like(u)
        rows = np.array(trained.wv.index_to_key)
        u[rows], v[rows] = trained.wv.vectors, trained.syn1neg
        if not (np.isfinite(u).all() and np.isfinite(v).all()):
            raise FloatingPointError(f"word2vec diverged with learning_rate {config.learning_rate}")
        return cls(config, u, v, n_readers)

    def arrays(self) -> Mapping[str, np.ndarray]:
        """Return ``u`` and ``v``, float32 (n_books, embedding_size), and ``n_readers``, int64 (n_books,)."""
        return {"u": self.u, "v": self.v, "n_readers": self.n_readers}

    @classmethod
    def from_arrays(cls, config: Word2VecConfig, arrays: Mapping[str, np.ndarray]) -> Self:
        """Return the model of these vectors."""
        return cls(config, arrays["u"], arrays["v"], arrays["n_readers"])

    def transform(self, rows: sp.csr_matrix) -> np.ndarray:
        """Return the mean of the unit vectors of the books of each row."""
        n_shown = np.maximum(rows.getnnz(axis=1), 1).astype(np.float32)
        mean: np.ndarray = np.asarray(rows @ self._w, np.float32) / n_shown[:, None]
        return mean

    def score(self, visible: sp.csr_matrix) -> np.ndarray:
        """Return the log density of the reader at every book, plus the weighted log of the book's readers."""
        weights = self.config.concentration, self.config.popularity_weight
        return density_scores(self._w, visible, self.n_readers, *weights)

    def book_vectors(self) -> np.ndarray:
        """Return the unit vectors; zero for a book without readers."""
        return self._w


def _centred(u: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return unit rows of `u` without the mean of the known ones; rows that are not known are zero."""
    if not known.any():
        return np.zeros_like(u)
    return unit_rows(np.where(known[:, None], u - u[known].mean(axis=0), np.float32(0)))


class _Histories:
    """The readers' books as gensim wants them, in a new order each time they are walked through."""

    def __init__(self, corpus: Corpus, order: str, run: Run) -> None:
        self._corpus = corpus
        self._random = run.generator("fit/word2vec/order") if order == "shuffled" else None

    @property
    def n_sentences(self) -> int:
        """Sentences of one walk: a reader of more than `MAX_SENTENCE` books makes several."""
        return int(-(-np.diff(self._corpus.counts.indptr) // MAX_SENTENCE).sum())

    def __iter__(self) -> Iterator[list[int]]:
        for row in range(self._corpus.n_readers):
            books = self._corpus.sequence_of(row)
            ordered = books if self._random is None else self._random.permutation(books)
            for start in range(0, len(ordered), MAX_SENTENCE):
                yield ordered[start : start + MAX_SENTENCE].tolist()


class _Epochs(CallbackAny2Vec):  # type: ignore[misc]  # gensim has no types
    def __init__(self, run: Run) -> None:
        self._run = run

    def on_epoch_end(self, model: object) -> None:
        self._run.progress.advance()


def _train(
    histories: _Histories, readers_per_book: np.ndarray, config: Word2VecConfig, run: Run
) -> gensim.models.Word2Vec:
    model = gensim.models.Word2Vec(
        vector_size=config.embedding_size,
        window=config.window,
        alpha=config.learning_rate,
        min_alpha=config.learning_rate / 1000,
        negative=config.negative,
        ns_exponent=config.ns_exponent,
        # gensim takes 1 and more for a count; so few books need no thinning
        sample=share if (share := config.subsample / np.count_nonzero(readers_per_book)) < 1 else 0,
        sg=1,
        min_count=1,
        workers=1,
        seed=run.derive_seed("fit/word2vec"),
    )
    model.build_vocab_from_freq({book: int(n) for book, n in enumerate(readers_per_book) if n})
    model.train(
        histories,
        total_examples=histories.n_sentences,
        total_words=int(readers_per_book.sum()),
        epochs=config.epochs,
        callbacks=[_Epochs(run)],
    )
    return model
