"""The signs of a file's order, on orders that are known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tests.benchmarks.order import signs_of_order, verdict
from tests.models.corpora import corpus_of

N_BOOKS = 50
TITLE_RANK = np.random.default_rng(1).permutation(N_BOOKS)
ORDERS: dict[str, tuple[Callable[[list[int]], list[int]], tuple[float, float, float], str]] = {
    "rising ids": (sorted, (1, 1, 1), "the order of the ids"),
    "falling ids": (lambda books: sorted(books, reverse=True), (0, 1, 1), "the order of the ids"),
    "titles": (lambda books: sorted(books, key=lambda b: TITLE_RANK[b]), (0.5, 0.17, 1), "agree on it beyond belief"),
    "each their own": (list, (0.5, 0.17, 0.5), "does not look like a file's"),
}


@pytest.mark.parametrize("order", ORDERS)
def test_an_order_that_no_reader_made_is_seen(order: str) -> None:
    arranged, expected, said = ORDERS[order]
    random = np.random.default_rng(0)
    drawn = [random.choice(N_BOOKS, random.integers(5, 20), replace=False).tolist() for _ in range(300)]
    signs = signs_of_order(corpus_of([arranged(books) for books in drawn], N_BOOKS), seed=0)
    assert [sign["found"] for sign in signs] == pytest.approx(expected, abs=0.025)
    n = np.array([len(books) for books in drawn])
    assert [sign["shuffled"] for sign in signs] == pytest.approx([0.5, (2 * (n - 1) / n).sum() / (n - 1).sum(), 0.5])
    assert said in verdict({"ndcg100": 0.0, "low": -0.01, "high": 0.01}, signs)


@pytest.mark.parametrize(("low", "high", "said"), [(0.01, 0.02, "carries something"), (-0.02, -0.01, "misleads")])
def test_a_difference_beyond_chance_is_called_one(low: float, high: float, said: str) -> None:
    signs = [{"sign": name, "found": 0.5, "shuffled": 0.5} for name in ("rising", "next_id", "agreeing")]
    assert said in verdict({"ndcg100": 0.0, "low": low, "high": high}, signs)
