"""What replicates of a space say of a neighbour, put into a probability and an interval. numpy only.

From similarities in the replicates to a probability: for a candidate and a replicate b, d_b is its similarity
less the k-th largest of the *other* allowed books. Its mean over replicates, in units of its sd (half the candidate's
own variance, half the usual one: a dozen replicates measure an sd badly), is z, and
``p_top = sigmoid(intercept + slope * asinh(z) + log_readers * log(n_readers))``; asinh, because agreement of
replicates beyond some sd says little more. To an interval: from how far the similarity moves, in units of its sd. A
near book was chosen for being near and falls back, by fewer sd the more readers the asked book has; a far one rises, by
about a constant. So each has its own (`Ends`).

The numbers in `Calibration` come from random halves of the readers (`pipeline.ensemble`): p_top is how often such a
candidate is in the top k of the same model learned from as many other readers, and the interval holds its similarity
there. They were learned where all books compete. Where filters leave few, k places are shared by so few that their
probabilities must sum to k, and are made to (`summing_to`).

Margins over bootstrap samples follow Efron and Tibshirani (1998, "The problem of regions"), but are calibrated,
not counted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Z_LIMIT = 12.0  # replicates that all agree say "sure", not "infinitely sure"
FEW = 3  # times k: with fewer allowed books their probabilities are made to sum to k
_TINY = 1e-30
_HALVINGS = 60


@dataclass(frozen=True)
class Ends:
    """The ends of an interval less the similarity: ``(sd + sd_log_readers * log(n_readers)) * sd + constant``.

    Each is of the low and of the high end; `sd` is of the similarity over replicates, `n_readers` of the asked book.
    """

    sd: tuple[float, float] = (-2.0, 2.0)
    sd_log_readers: tuple[float, float] = (0.0, 0.0)
    constant: tuple[float, float] = (0.0, 0.0)

    def around(
        self, similarity: np.ndarray, sd: np.ndarray, n_readers: np.ndarray | float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return low and high, float32, within [-1, 1]; `similarity` is always between them."""
        known = np.log(np.maximum(n_readers, 1))
        parts = zip(self.sd, self.sd_log_readers, self.constant, strict=True)
        below, above = ((multiple + more * known) * sd + added for multiple, more, added in parts)
        similarity = np.asarray(similarity, np.float32)
        low = np.minimum(np.maximum(similarity + below, -1), similarity).astype(np.float32)
        high = np.maximum(np.minimum(similarity + above, 1), similarity).astype(np.float32)
        return low, high


@dataclass(frozen=True)
class Calibration:
    """What turns margins into probabilities, and deviations into intervals.

    Attributes
    ----------
    intercept, slope, log_readers
        Of the logit of p, see the head of this file; `log_readers` is of the readers of the asked book.
    near, far
        Intervals of the similarities of near and of far books: a near book was chosen for being near and falls back, a
        far one for being far.
    level
        Share of similarities that lie in the interval in the same model learned from other readers.
    k
        Length of the list that p is about.
    margin_sd
        The usual sd of a margin over replicates.
    """

    intercept: float = 0.0
    slope: float = 1.0
    log_readers: float = 0.0
    near: Ends = Ends()
    far: Ends = Ends()
    level: float = 0.9
    k: int = 10
    margin_sd: float = 0.0

    def p_top(self, mean: np.ndarray, sd: np.ndarray, n_readers: np.ndarray | float) -> np.ndarray:
        """Return the probability of being in the top k, float32, from the mean and sd of margins (`margins`)."""
        return _sigmoid(self.logit(mean, sd, n_readers)).astype(np.float32)

    def logit(self, mean: np.ndarray, sd: np.ndarray, n_readers: np.ndarray | float) -> np.ndarray:
        """Return the logit of `p_top`, float64."""
        known = self.log_readers * np.log(np.maximum(n_readers, 1))
        logit: np.ndarray = self.intercept + self.slope * np.arcsinh(self.z(mean, sd)) + known
        return logit

    def among(self, replicates: np.ndarray, candidates: np.ndarray, n_readers: float) -> np.ndarray:
        """Return the probability of some candidates to be in the top k of the allowed books, float32 (n,).

        Parameters
        ----------
        replicates
            float32 (n_replicates, n_allowed), similarities of all allowed books.
        candidates
            int64 (n,), columns of `replicates`.
        n_readers
            Readers of the asked book.
        """
        n_allowed = replicates.shape[1]
        if self.k >= n_allowed:  # the list has room for all
            return np.ones(len(candidates), np.float32)
        edges = thresholds(replicates, self.k)
        if n_allowed >= FEW * self.k:
            return self.p_top(*margins(replicates[:, candidates], edges), n_readers)
        logit = summing_to(self.k, self.logit(*margins(replicates, edges), n_readers))
        return _sigmoid(logit[candidates]).astype(np.float32)

    def z(self, mean: np.ndarray, sd: np.ndarray) -> np.ndarray:
        """Return margins in units of their sd, float64, within `Z_LIMIT` of 0."""
        usual = np.sqrt((np.square(sd, dtype=np.float64) + self.margin_sd**2) / 2)
        z: np.ndarray = mean / np.maximum(usual, np.maximum(np.abs(mean), _TINY) / Z_LIMIT)
        return z


@dataclass(frozen=True)
class Certainty:
    """How sure some candidates are, each float32 of one shape.

    Attributes
    ----------
    low, high
        Interval of the similarity.
    p_top
        Probability of being in the top k.
    """

    low: np.ndarray
    high: np.ndarray
    p_top: np.ndarray


def thresholds(replicates: np.ndarray, k: int) -> np.ndarray:
    """Return the k-th and the (k+1)-th largest along the last axis, (..., 2); there must be more than k."""
    n = replicates.shape[-1]
    two: np.ndarray = np.partition(replicates, (n - k - 1, n - k), axis=-1)[..., [n - k, n - k - 1]]
    return two


def margins(chosen: np.ndarray, edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean and the sd over replicates of each candidate's margin to the k-th of the other books.

    Parameters
    ----------
    chosen
        (n_replicates, ..., n), similarities of candidates.
    edges
        (n_replicates, ..., 2), `thresholds`: who is among the first k is measured against the (k+1)-th.

    Returns
    -------
    mean, sd
        float64 (..., n).
    """
    kth, after = edges[..., :1], edges[..., 1:]
    margin = np.asarray(chosen - np.where(chosen >= kth, after, kth), np.float64)
    return margin.mean(axis=0), margin.std(axis=0, ddof=1)


def summing_to(total: float, logit: np.ndarray) -> np.ndarray:
    """Return the logits (n,) plus the number that makes their probabilities sum to `total`, between 0 and n."""
    low, high = -100.0 - logit.max(), 100.0 - logit.min()
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if _sigmoid(logit + middle).sum() < total else (low, middle)
    shifted: np.ndarray = logit + high
    return shifted


def _sigmoid(logit: np.ndarray) -> np.ndarray:
    p: np.ndarray = 0.5 * (1 + np.tanh(logit / 2))  # cannot overflow
    return p
