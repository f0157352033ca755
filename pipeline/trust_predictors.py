"""Whether to trust a predictor, by rule: it must be better than what is simple, by more than chance.

*Will read.* It is published if it says more of what is read than popularity does: its log loss over all books is
smaller, and the paired interval of the difference lies below 0. Books are ranked by it if its ranking is better than
the base ranker's (the interval of the gain lies above 0); if not, by the base ranker, and the predictor only says how
probable it is.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from data.seeds import derive_seed
from pipeline.config import EvaluationConfig
from pipeline.disclosure import runs_told
from pipeline.judge_will_read import CURVE, LOG_LOSS, N_SHOWN_EDGES, NET, P_EDGES, POPULARITY, WillReadQuality
from pipeline.metrics import METRICS, bootstrap_interval

GROUPS = ("cold", "warm", "hot")
LIKELY = 0.1  # probability of a book to be read from which it is called likely; one of `P_EDGES`


def will_read_table(quality: WillReadQuality, config: EvaluationConfig, seed: int) -> list[dict[str, Any]]:
    """Return one row per system and metric: ``system, metric, n_readers, mean, low, high``, and of the predictor's.

    Those of the predictor also have ``over``: system -> mean, low and high of the difference, paired by reader. The
    log loss is in nats for each book read, of all systems over the same books.
    """
    interval = partial(
        bootstrap_interval,
        n_bootstrap=config.n_bootstrap,
        level=config.level,
        seed=derive_seed(seed, "will_read/table"),
    )
    per_book = len(quality.n_hidden) / quality.n_hidden.sum()  # the mean over readers times it is the mean over books
    rows = []
    for metric, systems in {
        **dict.fromkeys(METRICS, (NET, quality.base, POPULARITY)),
        LOG_LOSS: (NET, CURVE, POPULARITY),
    }.items():
        scale = per_book if metric == LOG_LOSS else 1.0
        values = {system: scale * quality.per_reader[f"{system}/{metric}"] for system in systems}
        for system in systems:
            found = interval(values[system])
            row = {"system": system, "metric": metric, "n_readers": len(values[system])}
            row |= {"mean": found.mean, "low": found.low, "high": found.high}
            if system == NET:
                over = {other: interval(values[NET] - values[other]) for other in systems[1:]}
                row["over"] = {other: [gain.mean, gain.low, gain.high] for other, gain in over.items()}
            rows.append(row)
    return rows


def will_read_verdict(quality: WillReadQuality, table: list[dict[str, Any]], metric: str) -> dict[str, Any]:
    """Return whether the predictor is published, what books are ranked by, and both in words.

    Parameters
    ----------
    metric
        Of the ranking, that decides.
    """
    rows = {row["metric"]: row for row in table if row["system"] == NET}
    gain, low, high = rows[LOG_LOSS]["over"][POPULARITY]
    is_published = high < 0
    better, better_low, better_high = rows[metric]["over"][quality.base]
    rank_by = NET if is_published and better_low > 0 else quality.base
    said = f"{rows[LOG_LOSS]['mean']:.3f} nats a book read, {gain:+.3f} ({low:+.3f} to {high:+.3f}) against popularity"
    ranked = f"{metric} {rows[metric]['mean']:.3f}, {better:+.3f} ({better_low:+.3f} to {better_high:+.3f})"
    against = f"against {quality.base}"
    by = (
        f"Books are ranked by it: {ranked} {against}."
        if rank_by == NET
        else f"Books are ranked by {quality.base}: the predictor's ranking is not better by more than chance, {ranked}."
    )
    told = f"{_likely(quality)}; {said}."
    if not is_published:
        told = f"Left out: what is read is not said better than by popularity, {said}."
    return {"is_published": is_published, "rank_by": rank_by, "told": f"{told} {by}" if is_published else told}


def _likely(quality: WillReadQuality) -> str:
    """What became of the pairs that were called likely. Of all pairs together it would say nothing.

    Probabilities of a reader's books sum to how many they read by design (`WillRead.shifts`).
    """
    n, p, read = quality.bins[:, P_EDGES[:-1] > LIKELY - 1e-9].sum(axis=1)
    if not n:
        return f"No book is said to be read with {100 * LIKELY:.0f} % or more"
    said, true = (100 * total / n for total in (p, read))
    return f"Of books said to be read with {said:.1f} % ({100 * LIKELY:.0f} % or more), {true:.1f} % were"


def will_read_record(
    quality: WillReadQuality, config: EvaluationConfig, metric: str, seed: int, min_readers: int
) -> dict[str, Any]:
    """Return all that a release says of how well it is predicted what is read, as JSON values.

    Parameters
    ----------
    metric
        Of the ranking, that decides what books are ranked by.
    min_readers
        Held-out readers below which a group is not told.

    Returns
    -------
    dict
        ``rows`` (`will_read_table`), ``verdict``, ``reliability`` (one record per interval of probabilities that has
        pairs: ``low, high, n, p`` (mean), ``read`` (share)), ``groups`` (readers, some of `GROUPS` that follow each
        other, by books, one of them, where there are pairs: whether it ``is_told``, and then ``n``, mean ``p``, share
        ``read``, ``epistemic``, the share of the doubt that more data would take away).
    """
    table = will_read_table(quality, config, seed)
    n, p, read = quality.bins
    reliability = [
        {"low": float(P_EDGES[i]), "high": float(P_EDGES[i + 1]), "n": int(n[i])}
        | {"p": float(p[i] / n[i]), "read": float(read[i] / n[i])}
        for i in np.flatnonzero(n)
    ]
    verdict = will_read_verdict(quality, table, metric)
    return {"rows": table, "verdict": verdict, "reliability": reliability, "groups": _groups(quality, min_readers)}


def _groups(quality: WillReadQuality, min_readers: int) -> list[dict[str, Any]]:
    """Groups of too few readers go together with the next; of one that stays too small nothing is told."""
    of_reader = np.searchsorted(N_SHOWN_EDGES, quality.n_shown, side="right")
    counts = np.bincount(of_reader, minlength=len(GROUPS))
    records = []
    for run in runs_told(counts, min_readers):
        is_told = int(counts[run].sum()) >= min_readers
        for j, books in enumerate(GROUPS):
            n, p, read, entropy, shared = quality.groups[:, run, j].sum(axis=1).tolist()
            if not n:
                continue
            record = {"readers": [GROUPS[i] for i in run], "books": books, "is_told": is_told}
            told = {"n": int(n), "p": p / n, "read": read / n, "epistemic": shared / max(entropy, 1e-12)}
            records.append(record | (told if is_told else {}))
    return records
