"""How good a Boltzmann machine of readers is: likelihood, and hidden books found, beside what is simple.

Everything is over the machine's own books, the most read ones of the training readers, and over held-out readers of at
least `min_books` of them. The likelihood is of all that such a reader read of them; books are found from those shown.
Popularity, BM25 item-kNN and EASE are fitted to the training readings of these books alone. For the likelihood
popularity is *independent*: each book is read as often as among the readers the machine learned from, whatever else is.
A machine of one hidden layer, the first one of the machine's, says whether more layers help.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp

from data.artifact import ModelArtifact, read_artifact, write_artifact
from data.corpus import Corpus
from data.errors import EmptyCorpus
from data.seeds import derive_seed
from data.split import HeldOut
from data.vocabulary import Vocabulary
from models.base import Run
from models.catalogue import model_class
from models.dbm_config import DbmConfig
from pipeline.config import EvaluationConfig, Settings
from pipeline.metrics import bootstrap_interval, ranking_metrics
from pipeline.represent import model_config

if TYPE_CHECKING:
    from models.dbm import Dbm

KIND, FORMAT = "boltzmann_quality", 1
DEEP, RESTRICTED, POPULARITY = "dbm", "rbm", "popularity"
YARDSTICKS = (POPULARITY, "item_knn", "ease")
LIKELIHOOD = "log_likelihood"


@dataclass(frozen=True)
class BoltzmannQuality:
    """Figures of several systems on the same held-out readers.

    Attributes
    ----------
    per_reader
        System -> metric -> float64: those of `pipeline.metrics`, of readers with a book hidden, and
        ``log_likelihood``, in nats, of all.
    sampling
        Machine -> what its likelihoods rest on, as in `models.dbm_likelihood.Likelihood`: ``log_z, log_z_error,
        effective_samples, n_samples, effective_samples_of_row``.
    n_books
        Books that were looked at.
    """

    per_reader: Mapping[str, Mapping[str, np.ndarray]]
    sampling: Mapping[str, Mapping[str, Any]]
    n_books: int

    def table(self, config: EvaluationConfig, seed: int) -> list[dict[str, Any]]:
        """Return one row per system and metric: mean and interval, and the paired differences to every other system.

        Returns
        -------
        list of dict
            ``system, metric, n_readers, mean, low, high`` and ``over``: system -> mean, low and high of the difference.
        """
        drawn = derive_seed(seed, "judge/boltzmann")
        interval = partial(bootstrap_interval, n_bootstrap=config.n_bootstrap, level=config.level, seed=drawn)
        rows = []
        for system, metrics in self.per_reader.items():
            for metric, values in metrics.items():
                measured = interval(values)
                others = {name: of for name, of in self.per_reader.items() if name != system and metric in of}
                gains = {name: interval(values - of[metric]) for name, of in others.items()}
                row = {"system": system, "metric": metric, "n_readers": len(values)}
                row |= {"mean": measured.mean, "low": measured.low, "high": measured.high}
                rows.append({**row, "over": {name: [g.mean, g.low, g.high] for name, g in gains.items()}})
        return rows

    def save(self, folder: Path, provenance: Mapping[str, Any]) -> None:
        """Write it as an artifact into an empty folder."""
        arrays = {f"{system}/{metric}": a for system, of in self.per_reader.items() for metric, a in of.items()}
        config = {"sampling": {name: dict(of) for name, of in self.sampling.items()}, "n_books": self.n_books}
        write_artifact(folder, ModelArtifact(KIND, FORMAT, config, arrays, provenance=provenance))

    @classmethod
    def load(cls, folder: Path) -> BoltzmannQuality:
        """Return what is saved in `folder`."""
        artifact = read_artifact(folder, kind=KIND, format=FORMAT)
        per_reader: dict[str, dict[str, np.ndarray]] = {}
        for name, array in artifact.arrays.items():
            system, metric = name.split("/")
            per_reader.setdefault(system, {})[metric] = array
        return cls(per_reader, artifact.config["sampling"], artifact.config["n_books"])


@dataclass(frozen=True)
class Task:
    """What is judged on.

    Attributes
    ----------
    books
        int64 (n,), rows of the machine's books in the corpus, ascending.
    train
        Readings of these books by all training readers.
    visible
        csr (n_asked, n_all_books), all that is shown of held-out readers of at least `min_books` of the books, of which
        one is shown and one hidden.
    hidden
        csr (n_asked, n), the books hidden.
    rows
        csr (n_held_out, n_all_books), all readings of held-out readers of at least `min_books`.
    frequent
        float64 (n,), share of readers of each book among training readers of at least `min_books`.
    """

    books: np.ndarray
    train: Corpus
    visible: sp.csr_matrix
    hidden: sp.csr_matrix
    rows: sp.csr_matrix
    frequent: np.ndarray


def task_of(train: Corpus, held_out: HeldOut, config: DbmConfig, min_readers: int = 1) -> Task:
    """Return what a machine of `config` is judged on.

    Parameters
    ----------
    min_readers
        Readers below which nothing is told of them: the mean of one reader is that reader's own figure.

    Raises
    ------
    EmptyCorpus
        If fewer than `min_readers` held-out readers, or no training reader, have read enough of the books.
    """
    from models.dbm_units import most_read  # here and not above: torch takes a second to load

    books = most_read(train, config.n_visible)
    n_shown, n_hidden = (_n_read(part[:, books]) for part in (held_out.visible, held_out.hidden))
    enough = n_shown + n_hidden >= config.min_books
    asked = enough & (n_shown > 0) & (n_hidden > 0)
    own = of_books(train, books)
    learned = own.counts[_n_read(own.counts) >= config.min_books]
    if np.count_nonzero(asked) < max(1, min_readers) or not learned.shape[0]:
        few = "no" if min_readers <= 1 else f"fewer than {min_readers}"  # how many is told of no few readers either
        raise EmptyCorpus(
            f"{few} held-out readers, or no training reader, of {config.min_books} of the {len(books)} most read "
            "books: lower dbm.min_books"
        )
    n_readers = np.asarray(learned.sum(axis=0), np.float64).reshape(-1)
    frequent = (n_readers + 0.5) / (learned.shape[0] + 1)
    rows = (held_out.visible + held_out.hidden).tocsr()[enough]
    return Task(books, own, held_out.visible[asked], held_out.hidden[asked][:, books].tocsr(), rows, frequent)


def of_books(corpus: Corpus, books: np.ndarray) -> Corpus:
    """Return the readings of some books, int64 rows, ascending; readers of none of them stay."""
    column = np.full(corpus.n_books, -1, np.int32)
    column[books] = np.arange(len(books), dtype=np.int32)
    kept = column[corpus.sequence] >= 0
    counts = corpus.counts[:, books].tocsr()
    counts.sort_indices()
    named = Vocabulary.of(corpus.books.ids[row] for row in books.tolist())
    sequence = column[corpus.sequence[kept]]
    return Corpus(corpus.readers, named, counts, sequence, corpus.read_on[kept], corpus.reader_tokens)


def judge_boltzmann(machines: Mapping[str, Dbm], task: Task, settings: Settings, run: Run) -> BoltzmannQuality:
    """Return how good machines of the same books are, beside the yardsticks."""
    per_reader: dict[str, dict[str, np.ndarray]] = {}
    for kind in YARDSTICKS:
        model = model_class(kind).fit(task.train, model_config(kind, settings), run)
        shown = task.visible[:, task.books].tocsr()
        per_reader[kind] = ranking_metrics(model.score(shown), shown, task.hidden)
    per_reader[POPULARITY][LIKELIHOOD] = _independent(task)
    run.progress.start("judge Boltzmann machines", len(machines))
    sampling = {}
    for name, model in machines.items():
        scores = model.score(task.visible)[:, task.books]
        per_reader[name] = ranking_metrics(scores, task.visible[:, task.books].tocsr(), task.hidden)
        found = model.likelihood(task.rows, run.derive_seed("judge/boltzmann"))
        per_reader[name][LIKELIHOOD] = found.of_rows
        sampling[name] = {name: value for name, value in asdict(found).items() if name != "of_rows"}
        run.progress.advance()
    run.progress.finish(f"{task.rows.shape[0]:,} held-out readers, {len(task.books):,} books")
    return BoltzmannQuality(per_reader, sampling, len(task.books))


def _independent(task: Task) -> np.ndarray:
    """Return the log-likelihood of readers whose books have nothing to do with one another, float64 (n_held_out,)."""
    read = task.rows[:, task.books].toarray()
    logs: np.ndarray = read @ np.log(task.frequent) + (1 - read) @ np.log1p(-task.frequent)
    return logs


def _n_read(rows: sp.csr_matrix) -> np.ndarray:
    n_read: np.ndarray = np.asarray((rows > 0).sum(axis=1)).reshape(-1)
    return n_read
