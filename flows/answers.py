"""How an answer is put in words: how near, and how sure. Loads numpy and a release, nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from data.release import Release
from pipeline.question import Question

CSV_COLUMNS = (
    "rank",
    "similarity",
    "low",
    "high",
    "p_top",
    "n_readers",
    "title",
    "authors",
    "book",
    "publisher",
    "year",
)
_PLAIN = {"similarity": "similarity", "n_readers": "readers", "title": "title", "authors": "authors"}


def columns(records: Sequence[dict[str, Any]]) -> dict[str, str]:
    """Return the columns of a list of books, as key of a record -> heading."""
    sure = {"sure": "sure"} if any("sure" in record for record in records) else {}
    return {"rank": "rank", **sure, **_PLAIN}


def in_words(records: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return records (`Neighbours.records`) as a person reads them: ``84 %``, ``0.81 (0.62 to 0.84)``."""
    said = []
    for record in records:
        sure = {} if record["p_top"] is None else {"sure": percent(record["p_top"])}
        said.append({**record, **sure, "similarity": between(record["similarity"], record["low"], record["high"])})
    return said


def percent(p: float) -> str:
    """Return a probability in per cent, right-aligned; what is not certain is never said to be."""
    whole = "<1" if p < 0.01 else ">99" if p > 0.99 else f"{100 * p:.0f}"
    return f"{whole:>3} %"


def between(similarity: float, low: float | None, high: float | None) -> str:
    """Return a similarity with its interval, where it was measured."""
    return f"{similarity:.2f}" + ("" if low is None or high is None else f" ({low:.2f} to {high:.2f})")


def how_sure(release: Release, space: str | None, question: Question, *, is_filtered: bool = False) -> str:
    """Return what `sure` and the interval mean, or that they were not measured; one sentence."""
    if space not in (None, release.spaces[0]):
        return f"How sure this is was measured in the space {release.spaces[0]} only."
    if question.new:
        return "How sure this is was not measured: what is warm is placed from its readers, not learned."
    if release.ensemble is None:
        return "How sure this is was not measured for this release."
    calibration = release.ensemble.calibration
    is_one_book = len(question.like) == 1 and not question.unlike
    competing = " of the books that pass" if is_filtered else ""
    beyond = "" if is_one_book and not is_filtered else " (calibrated on lists of all books beside one)"
    return (
        f"sure: chance to be among the {calibration.k} nearest{competing}, and in brackets where the similarity lies "
        f"{100 * calibration.level:.0f} times in 100, had other readers of the same kind been sampled{beyond}."
    )


def listed(texts: Sequence[str]) -> str:
    """Return ``a``, ``a and b`` or ``a, b and c``."""
    return " and ".join(filter(None, (", ".join(texts[:-1]), texts[-1]))) if texts else ""
