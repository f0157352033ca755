"""The toy's command writes its page; what is fitted is replaced by curves that are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.predictor import Examples
from tests.benchmarks import toy


def surer_outside(examples: Examples, seed: int) -> toy.Curves:
    """The truth, with a tenth of the doubt among the points, and a hundredth far from them."""
    sd = np.where(toy.IS_FAR, 0.01, 0.1).astype(np.float32)
    return toy.curve(toy.GRID), sd


def test_the_page_tells_what_was_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toy, "SYSTEMS", {"mc_dropout tanh": surer_outside})
    page = tmp_path / "toy.html"
    assert toy.main(["--seed", "3", "--page", str(page)]) == 0
    told = page.read_text(encoding="utf-8")
    assert '<p class="verdict">MC dropout (tanh) fails: far from all points it is surer than among them (0.10' in told
    assert told.count('<figure class="chart"') == 1
