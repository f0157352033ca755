"""Figures of a machine, written by hand."""

from __future__ import annotations

from typing import Any

LIKELY = {"popularity": [11.0, 10.0, 12.0], "rbm": [-1.4, -1.8, -1.0]}
RECALL = {
    "popularity": [0.1, 0.08, 0.12], "item_knn": [-0.02, -0.05, 0.01], "ease": [-0.06, -0.09, -0.03],
    "rbm": [-0.03, -0.05, -0.01],
}  # fmt: skip


def row(system: str, metric: str, mean: float, over: dict[str, list[float]]) -> dict[str, Any]:
    return {"system": system, "metric": metric, "n_readers": 300, "mean": mean, "low": mean, "high": mean, "over": over}


def found(
    likely: dict[str, list[float]], recall: dict[str, list[float]], error: float = 0.0, effective: float = 90.0
) -> dict[str, Any]:
    sampling = {"log_z": 9.0, "log_z_error": error, "effective_samples": effective, "n_samples": 256}
    return {
        "n_books": 500,
        "sampling": {name: {**sampling, "effective_samples_of_row": None} for name in ("dbm", "rbm")},
        "rows": [
            row("popularity", "log_likelihood", -86.6, {}),
            row("dbm", "log_likelihood", -75.6, likely),
            *(
                row(name, "recall20", mean, {})
                for name, mean in (("popularity", 0.138), ("item_knn", 0.261), ("ease", 0.297))
            ),
            row("dbm", "recall20", 0.24, recall),
        ],
    }


def met(tau: dict[int, int], n_corrected: int, n_truncated: int = 0) -> dict[str, Any]:
    n_pairs = sum(tau.values())
    counts = {"n_pairs": n_pairs, "n_corrected": n_corrected, "n_truncated": n_truncated}
    return {**counts, "tau": list(tau), "n_of_tau": list(tau.values()), "median_tau": 3.0, "mean_tau": 4.0}
