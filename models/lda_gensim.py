"""LDA by variational Bayes as gensim has it (Hoffman, Blei and Bach 2010), in batch and in float64.

The whole corpus is one update (``update_every=0``, ``decay=0``), so that an epoch is a step of batch variational Bayes
and not of its online version, whose decaying steps need many small batches that a few thousand readers do not fill. By
itself gensim decays in batch too, and every call of ``update`` takes the readers for new ones and scales counts up: its
counters are put back before each. gensim stays in this file: counts and alpha come out, and readers are folded in as
for any other inference.

On reading histories it stays behind CVB0 whatever eta (CHANGELOG.md): perplexity of hidden books a sixth to a quarter
higher, coherence on held-out readers half of it or less.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from models.base import Run
from models.lda_config import CHECK_EVERY, LdaConfig, Learned, Task, has_converged

_READER_STEPS = 50  # of variational Bayes for a reader, in each epoch


def infer(task: Task, config: LdaConfig, run: Run) -> Learned:
    """Return what gensim learns; the same task, settings and seed give the same counts."""
    from gensim.models import LdaModel

    documents = _documents(task.counts, task.weights)
    model = LdaModel(
        num_topics=config.n_topics,
        id2word=dict.fromkeys(range(task.counts.shape[1]), ""),
        alpha=np.full(config.n_topics, config.alpha),
        eta=config.eta,
        update_every=0,
        iterations=_READER_STEPS,
        eval_every=None,
        random_state=run.derive_seed("fit/lda"),
        dtype=np.float64,
    )
    model.optimize_alpha = config.learn_alpha and config.n_topics > 1  # the Newton step divides by 0 for one topic
    perplexities: list[float] = []
    for first in range(0, config.epochs, CHECK_EVERY):
        n_epochs = min(CHECK_EVERY, config.epochs - first)
        model.state.numdocs = model.num_updates = 0
        model.update(documents, chunksize=max(len(documents), 1), passes=n_epochs, decay=0.0)
        run.progress.advance(n_epochs)
        perplexities.append(_perplexity(model, documents, task))
        if has_converged(perplexities, config.tolerance):
            break
    return Learned(np.array(model.state.sstats), np.array(model.alpha), np.array(perplexities))


def _documents(counts: sp.csr_matrix, weights: np.ndarray) -> list[list[tuple[int, float]]]:
    """Return the readers as gensim wants them, each reading with its weight."""
    documents = []
    for row, weight in enumerate(weights.tolist()):
        part = slice(counts.indptr[row], counts.indptr[row + 1])
        documents.append(list(zip(counts.indices[part].tolist(), (weight * counts.data[part]).tolist(), strict=True)))
    return documents


def _perplexity(model: Any, documents: list[list[tuple[int, float]]], task: Task) -> float:
    """Return that of held-out readers, else gensim's bound on that of those trained on."""
    if task.judge:
        return task.judge(model.state.sstats, model.alpha)
    n_read = sum(count for document in documents for _, count in document)
    return float(np.exp(-model.bound(documents) / max(n_read, 1)))
