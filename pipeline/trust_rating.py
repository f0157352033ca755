"""Whether to trust the predictor of ratings, by rule, and all that a release says of how well it predicts.

Two things are asked, by mean negative log likelihood. It is published if it says more than how often levels are given,
by more than chance. If it is not *better* than biases with a spread for each reader, the best of what is simple, by
more than chance, that is said with every answer: what it adds is then why it is unsure, and of whom.
Differences are of the same ratings; their errors are clustered by reader.
"""

from __future__ import annotations

from statistics import NormalDist
from typing import Any

import numpy as np

from pipeline.config import EvaluationConfig
from pipeline.judge_rating import NET, SHARES, STRONGEST, RatingQuality
from pipeline.rating_doubt import Parts, doubt_map, parts_of
from pipeline.rating_metrics import (
    Figure,
    clustered,
    pit_histogram,
    rating_figures,
    reliability,
    risk_coverage,
    row_scores,
)

_N_RISK = 20  # points of the risk-coverage curve


def rating_record(quality: RatingQuality, config: EvaluationConfig, seed: int, min_readers: int) -> dict[str, Any]:
    """Return all that a release says of how well ratings are predicted, as JSON values.

    Parameters
    ----------
    min_readers
        Readers below which a group is not told.

    Returns
    -------
    dict
        ``n``, ``n_readers``, ``levels``; ``systems`` (system -> figure -> value and standard error,
        `rating_figures`), ``over`` (figure -> mean, low and high of the predictor's difference to `STRONGEST`),
        ``verdict``, ``groups`` (one record of each group of readers and books that may be told, `doubt_map`), ``pit``
        (histogram), ``reliability`` (of every level's probability), ``risk_coverage`` (RMSE of the least doubtful
        share), ``doubt`` (its parts).
    """
    systems = {system: rating_figures(quality.forecast(system), quality.reader, seed) for system in quality.p}
    scores = {system: row_scores(quality.forecast(system), seed) for system in (NET, STRONGEST, SHARES)}
    shares = _interval(clustered(scores[NET]["nll"] - scores[SHARES]["nll"], quality.reader), config.level)
    over = {
        name: _interval(clustered(scores[NET][name] - scores[STRONGEST][name], quality.reader), config.level)
        for name in ("nll", "crps", "square")
    }
    return {
        "n": len(quality.category),
        "n_readers": len(np.unique(quality.reader)),
        "levels": [float(level) for level in quality.levels],
        "systems": {system: _values(figures) for system, figures in systems.items()},
        "strongest": STRONGEST,
        "over": over,
        "verdict": _verdict(systems, over, shares),
        "groups": _groups(quality, seed, min_readers),
        "pit": pit_histogram(scores[NET]["pit"]).tolist(),
        "reliability": _reliability(quality),
        "risk_coverage": _risk_coverage(quality, scores[NET]["square"]),
        "doubt": _shares(parts_of(quality)),
    }


def _verdict(
    systems: dict[str, dict[str, Figure]], over: dict[str, list[float]], shares: list[float]
) -> dict[str, Any]:
    mean, low, high = over["nll"]
    nll, covered = systems[NET]["nll"].value, systems[NET]["cover90"].value
    said = f"{nll:.3f} nats a rating, {mean:+.3f} ({low:+.3f} to {high:+.3f}) against biases with an sd per reader"
    is_published, is_better = shares[2] < 0, high < 0
    if not is_published:
        told = f"Left out: says no more than how often each rating is given, {said}."
    elif is_better:
        told = f"Better than what is simple: {said}; nine-in-ten sets hold {100 * covered:.0f} of 100 ratings."
    else:
        told = f"{'Worse' if low > 0 else 'No better, within chance,'} than what is simple: {said}."
    return {"is_published": is_published, "is_better": is_better, "told": told}


def _interval(figure: Figure, level: float) -> list[float]:
    """Return mean, low and high; of one reader alone, who has no error, everything is possible."""
    half = NormalDist().inv_cdf((1 + level) / 2) * figure.se
    half = half if np.isfinite(half) else 1e9
    return [figure.value, figure.value - half, figure.value + half]


def _values(figures: dict[str, Figure]) -> dict[str, dict[str, float | None]]:
    return {
        name: {"value": figure.value, "se": figure.se if np.isfinite(figure.se) else None}
        for name, figure in figures.items()
    }


def _groups(quality: RatingQuality, seed: int, min_readers: int) -> list[dict[str, Any]]:
    return [
        {"readers": list(cell.readers), "books": cell.books, "n": cell.n, "n_readers": cell.n_readers, "sd": cell.sd}
        | _values({"rmse": cell.rmse, "cover90": cell.cover90})
        | _shares(cell.parts)
        for cell in doubt_map(quality, min_readers, seed)
        if cell.is_told
    ]


def _shares(parts: Parts) -> dict[str, float]:
    """Return shares of the mean variance: of the model, of what is unknown of book and reader, and what stays."""
    return {name: getattr(parts, name) for name in ("of_model", "of_book", "of_reader", "stays")}


def _reliability(quality: RatingQuality) -> list[dict[str, float]]:
    """Probabilities of every level of every rating, and how often it was that level."""
    p = quality.p[NET].astype(np.float64)
    happened = np.zeros(p.shape, bool)
    happened[np.arange(len(p)), quality.category] = True
    found = reliability(p.ravel(), happened.ravel())
    return [
        {"p": float(found.forecast[i]), "frequency": float(found.frequency[i]), "n": int(found.n[i])}
        | {"low": float(found.low[i]), "high": float(found.high[i])}
        for i in range(len(found.n))
    ]


def _risk_coverage(quality: RatingQuality, square: np.ndarray) -> list[dict[str, float]]:
    curve = risk_coverage(square, quality.epistemic_var + quality.aleatoric_var)
    at = np.unique(np.linspace(1, len(curve), _N_RISK).round().astype(np.int64))
    return [{"share": float(n / len(curve)), "rmse": float(np.sqrt(curve[n - 1]))} for n in at]
