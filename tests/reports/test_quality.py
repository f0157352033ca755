"""The verdict on quality says which of two is better only where that is more than chance."""

from __future__ import annotations

from typing import Any

from reports.quality import quality_by_split, verdict_on_quality

SPACES = ("spectral", "word2vec")


def row(model: str, mean: float, *, over: dict[str, tuple[float, float, float]] | None = None) -> dict[str, Any]:
    """A row of ``quality.json`` whose intervals are .02 wide; bestsellers find .1."""
    found: dict[str, Any] = {"split": "readers", "model": model, "metric": "recall20", "n_readers": 50}
    found |= {"mean": mean, "low": mean - 0.01, "high": mean + 0.01}
    if model != "popularity":
        found |= {"gain": mean - 0.1, "gain_low": mean - 0.11, "gain_high": mean - 0.09}
    return found if over is None else {**found, "over": over}


FLOOR = row("popularity", 0.1)


def test_a_paired_interval_around_zero_is_within_chance() -> None:
    over = {"item_knn": (0.02, 0.01, 0.03), "ease": (0.004, -0.002, 0.01)}
    rows = [FLOOR, row("item_knn", 0.28), row("ease", 0.296), row("blend", 0.3, over=over), row("spectral", 0.25)]
    assert verdict_on_quality(rows, SPACES) == (
        "Its ranking for a reader finds 3.0 times as many hidden books as bestsellers do (0.300 against 0.100, "
        "Recall@20); more than BM25 item-kNN (+0.020, +0.010 to +0.030); as many, within chance, as EASE (+0.004, "
        "−0.002 to +0.010); its space of books alone finds 2.5 times as many as bestsellers."
    )


def test_without_pairs_the_direction_is_said_and_that_it_is_not_paired() -> None:
    rows = [FLOOR, row("item_knn", 0.31), row("blend", 0.3), row("spectral", 0.105)]
    assert verdict_on_quality(rows, SPACES) == (
        "Its ranking for a reader finds 3.0 times as many hidden books as bestsellers do (0.300 against 0.100, "
        "Recall@20); fewer than BM25 item-kNN (0.310, not paired); its space of books alone does not find more than "
        "bestsellers, beyond chance."
    )


def test_without_a_ranking_the_default_space_is_judged() -> None:
    assert verdict_on_quality([FLOOR, row("spectral", 0.2)], SPACES) == (
        "It finds 2.0 times as many hidden books as bestsellers do (0.200 against 0.100, Recall@20)."
    )
    assert "fewer hidden books" in verdict_on_quality([FLOOR, row("spectral", 0.05)], SPACES)
    assert verdict_on_quality([], SPACES) == "Its quality was not measured."


def test_a_line_of_the_chart_is_named_for_every_model() -> None:
    [split] = quality_by_split([FLOOR, row("ease", 0.2), row("spectral", 0.15), row("own", 0.1)], SPACES)
    assert [model.name for model in split.models] == ["Bestsellers", "EASE", "Spectral", "own"]
    assert split.paired is None
    assert all(f"Recall@20|{name}" in split.chart for name in ("Bestsellers", "EASE", "Spectral", "own"))
