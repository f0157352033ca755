"""What the figures redone come to, in sentences, each worked out from the results."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from reports.boltzmann_results import Coupled, Digits, Exact
from reports.document import count, decimal, percent

UNBIASED_UP_TO = 1.5  # rms z
PRETRAINED, END_TO_END = "pretrained", "pcd"


def exact_sentences(rows: Sequence[Exact]) -> list[str]:
    """Whether estimators called unbiased pass the test, and others fail it."""
    return [said for said in (_called(rows, unbiased=True), _called(rows, unbiased=False)) if said]


def _called(rows: Sequence[Exact], *, unbiased: bool) -> str:
    some = [row for row in rows if row.unbiased is unbiased]
    if not some:
        return ""
    within = [row for row in some if row.rms_z <= UNBIASED_UP_TO]
    ends = f"rms z {decimal(min(row.rms_z for row in some), 2)} to {decimal(max(row.rms_z for row in some), 2)}"
    named = ", ".join(dict.fromkeys(row.estimator for row in some))
    if unbiased:
        held = "all are" if len(within) == len(some) else f"{len(within)} of {len(some)} are"
        return f"Called unbiased: {named}. By rms z of at most {decimal(UNBIASED_UP_TO, 1)}, {held} ({ends})."
    failed = len(some) - len(within)
    held = "all fail the same test" if failed == len(some) else f"{failed} of {len(some)} fail the same test"
    return f"Called biased: {named}. Of their figures {held} ({ends})."


def coupling_sentences(rows: Sequence[Coupled]) -> list[str]:
    """What becomes of each coupling with more units: from when on nothing is corrected, how tau grows."""
    return [
        _grown([row for row in rows if row.coupling == name]) for name in dict.fromkeys(row.coupling for row in rows)
    ]


def _grown(rows: Sequence[Coupled]) -> str:
    rows = sorted(rows, key=lambda row: row.n_units)
    name, first, last = rows[0].coupling, rows[0], rows[-1]
    n_pairs, n_corrected = sum(row.n_pairs for row in rows), sum(row.n_corrected for row in rows)
    if not n_corrected:
        return (
            f"{name}: no correction occurred in any of {count(n_pairs)} pairs, at any size: the estimator is no better "
            "than its biased start."
        )
    grown = (
        f"{name}: mean τ is {decimal(first.tau, 1)} with {count(first.n_units)} units and {decimal(last.tau, 1)} with "
        f"{count(last.n_units)}, where {percent(last.n_corrected / last.n_pairs)} of the pairs correct something"
    )
    silent = [row for row in rows if not row.n_corrected]
    given_up = [row for row in rows if row.n_truncated]
    if silent:
        of = sum(row.n_pairs for row in silent)
        grown += (
            f"; with {count(silent[0].n_units)} units or more none of {count(of)} pairs does, and the estimator is no "
            "better than its biased start"
            if [row for row in rows if row.n_units >= silent[0].n_units] == silent
            else f"; none does with {', '.join(count(row.n_units) for row in silent)} units"
        )
    if given_up:
        n_given_up, least = sum(row.n_truncated for row in given_up), given_up[0].n_units
        grown += f"; {count(n_given_up)} pairs were given up, from {count(least)} units on"
    return f"{grown}."


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
