"""How the training of a Boltzmann machine of readers goes: likelihood of validation readers, how its chains meet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
import torch

from data.corpus import Corpus
from data.errors import EmptyCorpus
from models.base import Run
from models.dbm_config import DbmConfig
from models.dbm_likelihood import Likelihood, likelihood
from models.dbm_meetings import Meetings, meetings_of
from models.dbm_statistics import Report
from models.dbm_training import fit_machine
from models.dbm_units import Units

MOST_JUDGED = 300  # validation readers: of each one the hidden units are annealed, every time it is looked at


@dataclass(frozen=True)
class Course:
    """How a training went.

    Attributes
    ----------
    epochs
        int64 (n_judged,), epochs after which the validation readers were looked at.
    log_likelihood
        float64 (n_judged,), their mean log-likelihood then, in nats a reader.
    effective_samples
        What each rests on: effective samples of log Z; None where it is exact, 0 where that is not known any more,
        because the training was resumed.
    kept_epoch
        The best of them.
    independent
        Their mean log-likelihood if books had nothing to do with one another.
    kept
        Their log-likelihood under the machine of `kept_epoch`, with what it rests on.
    n_readers, n_validation
        Readers learned from, and validation readers.
    meetings
        Epoch -> how the chains of its negative phases met; of a training that was resumed the epochs since.
    """

    epochs: np.ndarray
    log_likelihood: np.ndarray
    effective_samples: Sequence[float | None]
    kept_epoch: int
    independent: float
    kept: Likelihood
    n_readers: int
    n_validation: int
    meetings: Mapping[int, Meetings]


def course(data: Corpus, held: sp.csr_matrix, config: DbmConfig, run: Run) -> Course:
    """Train a machine as `models.dbm.Dbm.fit` does, looking at validation readers on the way, and say how it went.

    Parameters
    ----------
    held
        csr (n_held, n_books), all that validation readers have read; of more than `MOST_JUDGED` some are drawn.

    Raises
    ------
    EmptyCorpus
        If no training reader, or no validation reader, has read `min_books` of the books.
    """
    units = Units.fit(data, config, run)
    rows, judged = (units.of(counts[units.learnable(counts)]) for counts in (data.counts, held))
    judged = judged[np.sort(run.generator("course/validation").permutation(len(judged))[:MOST_JUDGED])]
    if not (len(rows) and len(judged)):
        raise EmptyCorpus(
            f"{len(rows)} training and {len(judged)} validation readers of {config.min_books} of the {units.n_known} "
            "most read books: lower dbm.min_books"
        )
    fitted = fit_machine(rows, config.machine, run, validation=judged)
    verdicts = fitted.trained.verdicts
    looked = np.flatnonzero(np.isfinite(verdicts))
    frequent = (rows.sum(axis=0) + 0.5) / (len(rows) + 1)
    alone = judged @ np.log(frequent) + (1.0 - judged) @ np.log1p(-frequent)
    kept = likelihood(fitted.machine, torch.from_numpy(judged), run.derive_seed("course/judge"))
    n_batches = max(1, -(-len(rows) // config.batch_size))
    met = meetings_by_epoch(fitted.reports, n_batches, len(verdicts))
    known = [of.effective_samples for of in fitted.judged]
    effective = [0.0] * (len(looked) - len(known)) + known
    told = (looked + 1, -verdicts[looked], effective, fitted.trained.kept_epoch, float(alone.mean()), kept)
    return Course(*told, len(rows), len(judged), met)


def meetings_by_epoch(reports: Sequence[Report], n_batches: int, n_epochs: int) -> dict[int, Meetings]:
    """Return epoch -> how the chains of its `n_batches` steps met, of the last epochs that all reports are there of."""
    n_whole = min(len(reports) // n_batches, n_epochs)
    recent = reports[len(reports) - n_whole * n_batches :]
    return {
        n_epochs - n_whole + 1 + i: meetings_of(recent[i * n_batches : (i + 1) * n_batches]) for i in range(n_whole)
    }
