"""What the figures redone come to, in sentences, each worked out from the results."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from reports.boltzmann_results import Coupled, Digits, Exact
from reports.boltzmann_verdict import listed
from reports.document import count, decimal, percent

UNBIASED_UP_TO = 1.5  # rms z
RELEASED = {"local_mode": "local_mode, which the released code has"}
PRETRAINED, END_TO_END = "pretrained", "pcd"


def exact_sentences(rows: Sequence[Exact]) -> list[str]:
    """Whether estimators called unbiased pass the test, and others fail it, by the rms z over all their machines."""
    z = {name: _pooled(rows, name) for name in dict.fromkeys(row.estimator for row in rows)}
    called = {row.estimator: row.called for row in rows}
    told = []
    for word in ("unbiased", "biased"):
        some = {name: value for name, value in z.items() if called[name] == word}
        if not some:
            continue
        so = [name for name, value in some.items() if (value <= UNBIASED_UP_TO) == (word == "unbiased")]
        held = "all are" if len(so) == len(some) else f"{len(so)} {'is' if len(so) == 1 else 'are'}"
        test = f"rms z of {'at most' if word == 'unbiased' else 'more than'} {decimal(UNBIASED_UP_TO, 1)}"
        of_each = ", ".join(f"{RELEASED.get(name, name)} ({decimal(value, 2)})" for name, value in some.items())
        n = "1 estimator" if len(some) == 1 else f"{len(some)} estimators"
        told.append(f"Of {n} called {word}, {held}, by an {test}: {of_each}.")
    return told


def _pooled(rows: Sequence[Exact], name: str) -> float:
    return float(np.sqrt(np.mean([row.rms_z**2 for row in rows if row.estimator == name])))


def coupling_sentences(rows: Sequence[Coupled]) -> list[str]:
    """What becomes of each coupling with more units: from when on nothing is corrected, how tau grows."""
    return [
        _grown([row for row in rows if row.coupling == name]) for name in dict.fromkeys(row.coupling for row in rows)
    ]


def coupling_verdict(rows: Sequence[Coupled]) -> str:
    """Which couplings go on correcting at every size that was measured, and which cease to."""
    widest = max(row.width for row in rows)
    last = [row for row in rows if row.width == widest]
    silent = [f"“{row.coupling}”" for row in last if not row.share_corrected]
    speaking = [f"“{row.coupling}” (mean τ {_tau(row)})" for row in last if row.share_corrected]
    parts = [
        f"{listed(speaking)} {'corrects' if len(speaking) == 1 else 'correct'}" if speaking else "",
        f"{listed(silent)} {'does' if len(silent) == 1 else 'do'} not" if silent else "",
    ]
    told = "; ".join(part for part in parts if part)
    return f"At {count(widest)} units a layer, of the couplings, {told}; τ = 1 is the absence of a correction."


def _grown(rows: Sequence[Coupled]) -> str:
    rows = sorted(rows, key=lambda row: row.width)
    first, last = rows[0], rows[-1]
    name = first.coupling[0].upper() + first.coupling[1:]
    if not any(row.share_corrected for row in rows):
        return f"{name}: no correction occurred at any size: the estimator is no better than its biased start."
    grown = f"{name}: mean τ goes from {_tau(first)} with {count(first.width)} units a layer to {_tau(last)} with "
    grown += f"{count(last.width)}, where {percent(last.share_corrected)} of the pairs correct something"
    silent = [row for row in rows if row.width > max(r.width for r in rows if r.share_corrected)]
    if silent:
        grown += f"; from {count(silent[0].width)} units a layer on no correction occurs, and the estimator is no "
        grown += "better than its biased start"
    given_up = [row for row in rows if row.share_truncated]
    if given_up:
        most = max(row.share_truncated for row in given_up)
        grown += f"; up to {percent(most)} of the pairs of a size were given up before they met"
    return f"{grown}."


def _tau(row: Coupled) -> str:
    """Return the mean tau; a lower bound where pairs were given up."""
    return f"{'at least ' if row.share_truncated else ''}{decimal(row.tau, 1)}"


def digits_sentences(digits: Digits) -> list[str]:
    """Which system makes digits likeliest, and whether pre-training helps."""
    if not digits.rows:
        return []
    best = max(digits.rows, key=lambda row: row.log_likelihood)
    found = [f"Test digits are likeliest under {best.system}: {decimal(best.log_likelihood, 2)} nats a digit."]
    of = {row.system: row for row in digits.rows}
    if {PRETRAINED, END_TO_END} <= of.keys():
        found.append(_pretraining(_seeds(of[END_TO_END].seeds), _seeds(of[PRETRAINED].seeds)))
    return found


def _seeds(text: str) -> np.ndarray:
    return np.array([float(value) for value in text.split()])


def _pretraining(end_to_end: np.ndarray, pretrained: np.ndarray) -> str:
    """Compare by the seeds' spread: the difference of the means against twice its standard error."""
    gap = float(end_to_end.mean() - pretrained.mean())
    n = min(len(end_to_end), len(pretrained))
    said = f"Without pre-training a digit is {decimal(gap, 2, sign=True)} nats likelier than with it"
    if n < 2:
        return f"{said}; of one seed each, which says nothing of chance."
    error = float(np.sqrt(end_to_end.var(ddof=1) / len(end_to_end) + pretrained.var(ddof=1) / len(pretrained)))
    beyond = "more than" if abs(gap) > 2 * error else "within"
    return f"{said}, {beyond} the spread of the seeds (standard error {decimal(error, 2)}, {n} seeds)."
