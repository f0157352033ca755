"""LDA by collapsed variational Bayes of zeroth order, CVB0 (Asuncion, Welling, Smyth and Teh 2009, equation 19).

For each reading (reader d, book w) the responsibility of topic k is updated to

    g_dwk  ~  (N_wk - g_dwk + eta) / (N_k - g_dwk + V eta)  *  (N_dk - g_dwk + alpha_k)

where the N are sums of g over everything else: the update of a collapsed Gibbs sampler with expected counts in place of
sampled ones. All readings of a part of the readers are updated together, then the topics, then the next part follows.

Where we deviate, and why (numbers in CHANGELOG.md):

- *Annealing.* Deterministic updates stop at the first optimum they meet, where a sampler wanders on. Responsibilities
  are therefore raised to 1 / T, and T falls from `temperature` to 1: deterministic annealing (Ueda and Nakano 1998).
- *Several starts*, if asked for; by default one, as four gained nothing on validation readers. Optima differ in
  coherence far more than in perplexity, and the two go their own ways. Of
  `n_starts` (`models.lda_start`) the one goes on whose topics are the most coherent on the readers trained on. That is
  counted on eighths of them: books that few readers share are coherent only where those few happen to be (over 42 fits
  its correlation with the coherence on validation readers was .77, that of the coherence on all together .56).
- *Heavy readers* may weigh less in N_wk and N_k (`reader_exponent`), never in their own N_dk.
- *alpha* is learnt, one for each topic, by the fixed point of Minka (2000, equation 55) on N_dk.

    symbol   name                 shape
    g        responsibilities     (n_readings, n_topics)
    N_wk     by_book              (n_books, n_topics), weighted
    N_dk     by_reader            (n_readers, n_topics)
    V        books                scalar
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from scipy.special import digamma

from models.base import Run
from models.coherence import N_COHERENT, npmi, top_books
from models.lda_config import CHECK_EVERY, LdaConfig, Learned, Task, has_converged
from models.lda_order import smoothed, typical_books
from models.lda_start import factored_start, random_start

Start = Callable[[sp.csr_matrix, int, np.random.Generator], np.ndarray]

_UNMELTED = 1.15  # temperature at which a factored start can move and does not dissolve
_COHERENCE_PARTS = 8
_ALPHA_STEPS = 5  # of the fixed point, in each epoch
_LEAST_ALPHA = 1e-3  # a topic that nobody reads would otherwise go to 0, where digamma ends


def infer(task: Task, config: LdaConfig, run: Run) -> Learned:
    """Return what CVB0 learns; the same task, settings and seed give the same counts."""
    random = run.generator("fit/lda")
    state = _chosen(task, config, run, random)
    perplexities: list[float] = []
    for epoch in range(config.trial_epochs, config.epochs):
        log_likelihood = state.sweep(config)
        run.progress.advance()
        if (epoch + 1) % CHECK_EVERY == 0:
            own = float(np.exp(-log_likelihood / max(float(task.counts.sum()), 1)))
            perplexities.append(task.judge(state.by_book.T, state.alpha) if task.judge else own)
            if has_converged(perplexities, config.tolerance):
                break
    return Learned(np.ascontiguousarray(state.by_book.T), state.alpha, np.array(perplexities))


def _chosen(task: Task, config: LdaConfig, run: Run, random: np.random.Generator) -> _State:
    """Return the most coherent of some cooled starts: the first from a factorisation, if there can be one."""
    chosen, best = None, -np.inf
    for i in range(config.n_starts):
        is_factored = i == 0 and config.n_topics <= min(task.counts.shape) and task.counts.nnz > 0
        state = _State.started(task, config, random, factored_start if is_factored else random_start)
        hottest = min(config.temperature, _UNMELTED) if is_factored else config.temperature
        for epoch in range(config.trial_epochs):
            cooled = epoch / config.cooling_epochs if config.cooling_epochs else 1.0
            state.sweep(config, max(1.0, hottest - (hottest - 1) * cooled), learns=epoch >= config.cooling_epochs)
            run.progress.advance()
        coherence = _coherence(state, task, config) if config.n_starts > 1 else 0.0
        if chosen is None or coherence > best:
            chosen, best = state, coherence
    assert chosen is not None
    return chosen


def _coherence(state: _State, task: Task, config: LdaConfig) -> float:
    """Return the mean coherence of the topics on parts of the readers trained on."""
    expected = state.by_book.T
    tops = top_books(typical_books(smoothed(expected, config.eta), expected.sum(axis=1), config.least_lift), N_COHERENT)
    parts = (task.counts[i::_COHERENCE_PARTS] for i in range(_COHERENCE_PARTS))
    return float(np.mean([npmi(tops, part).mean() for part in parts if part.shape[0]]))


def minka_alpha(alpha: np.ndarray, by_reader: np.ndarray) -> np.ndarray:
    """Return alpha, float64 (n_topics,), some steps nearer to the likeliest for these counts (n_readers, n_topics)."""
    n_read = by_reader.sum(axis=1)
    if not n_read.any():
        return alpha
    for _ in range(_ALPHA_STEPS):
        total = alpha.sum()
        gain = (digamma(by_reader + alpha) - digamma(alpha)).sum(axis=0)
        alpha = alpha * gain / (digamma(n_read + total) - digamma(total)).sum()
        alpha = np.maximum(alpha, _LEAST_ALPHA)
    return alpha


@dataclass(frozen=True)
class _Part:
    """Some readers: their rows in `by_reader`, and sums over their readings as sparse products."""

    rows: slice
    row: np.ndarray  # (n_readings,) of each reading, within the part
    book: np.ndarray  # (n_readings,)
    weight: np.ndarray  # (n_readings, 1)
    count: np.ndarray  # (n_readings,)
    to_readers: sp.csr_matrix  # (n_readers of the part, n_readings), how often
    to_books: sp.csr_matrix  # (n_books, n_readings), how often, weighted


class _State:
    """Responsibilities and their sums; changed by every update."""

    def __init__(self, parts: list[_Part], g: list[np.ndarray], alpha: np.ndarray, shape: tuple[int, int]) -> None:
        self.parts, self.g, self.alpha = parts, g, alpha
        n_readers, n_books = shape
        self.by_reader = np.zeros((n_readers, len(alpha)))
        self.by_book = np.zeros((n_books, len(alpha)))
        for part, shares in zip(parts, g, strict=True):
            self.by_reader[part.rows] = part.to_readers @ shares
            self.by_book += part.to_books @ shares

    @classmethod
    def started(cls, task: Task, config: LdaConfig, random: np.random.Generator, start: Start) -> _State:
        """Return a start, readers in parts at random."""
        order = random.permutation(task.counts.shape[0])
        counts, weights = task.counts[order], task.weights[order]
        edges = np.linspace(0, len(order), min(config.n_batches, max(len(order), 1)) + 1).astype(int)
        parts = [_part(counts, weights, a, b) for a, b in itertools.pairwise(edges)]
        started = start(counts, config.n_topics, random)
        g = np.split(started, np.cumsum([len(part.row) for part in parts])[:-1])
        return cls(parts, g, np.full(config.n_topics, config.alpha), counts.shape)

    def sweep(self, config: LdaConfig, temperature: float = 1.0, *, learns: bool = True) -> float:
        """Update every part and, if it `learns`, alpha; return the log likelihood of all readings."""
        log_likelihood = 0.0
        for i in range(len(self.parts)):
            log_likelihood += self.update(i, config.eta, temperature)
        if config.learn_alpha and learns:
            self.alpha = minka_alpha(self.alpha, self.by_reader)
        return log_likelihood

    def update(self, i: int, eta: float, temperature: float) -> float:
        """Update the responsibilities of part `i` and the sums; return the log likelihood of its readings."""
        part, g = self.parts[i], self.g[i]
        weighted = part.weight * g
        others = np.maximum(self.by_reader[part.rows][part.row] - g, 0) + self.alpha
        updated = np.maximum(self.by_book[part.book] - weighted, 0) + eta
        updated /= np.maximum(self.by_book.sum(axis=0) - weighted, 0) + len(self.by_book) * eta
        updated *= others
        likelihood = updated.sum(axis=1) / others.sum(axis=1)
        if temperature != 1:
            updated **= 1 / temperature
        updated /= updated.sum(axis=1, keepdims=True)
        self.by_book += part.to_books @ (updated - g)
        np.maximum(self.by_book, 0, out=self.by_book)  # differences of sums round below 0
        self.by_reader[part.rows] = part.to_readers @ updated
        self.g[i] = updated
        return float(part.count @ np.log(likelihood))


def _part(counts: sp.csr_matrix, weights: np.ndarray, first: int, last: int) -> _Part:
    rows = counts[first:last]
    n = np.arange(rows.nnz)
    row = np.repeat(np.arange(last - first), np.diff(rows.indptr))
    count, weight = rows.data.astype(np.float64), weights[first:last][row]
    to_readers = sp.csr_matrix((count, n, rows.indptr), shape=(last - first, rows.nnz))
    to_books = sp.csr_matrix((count * weight, (rows.indices, n)), shape=(rows.shape[1], rows.nnz))
    return _Part(slice(first, last), row, rows.indices, weight[:, None], count, to_readers, to_books)
