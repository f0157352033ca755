"""The page of the toy says out loud who does not know where it has seen nothing, and draws what was measured."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from selectolax.lexbor import LexborHTMLParser as HTMLParser

from reports.toy import toy_page, verdict
from tests.reports.pages import chart_sets, rows, text_of

GRID = np.linspace(-4, 4, 33)
SD = {"mc_dropout relu": (4.0, 1.2), "mc_dropout tanh": (0.67, 0.9), "nuts tanh": (8.0, 10.0)}  # far, gap; near is .1


def measured(sd: dict[str, tuple[float, float]] = SD) -> dict[str, Any]:
    curves, table = {}, []
    for system, (far, gap) in sd.items():
        at = np.where(np.abs(GRID) >= 2.5, far, np.where(np.abs(GRID) <= 0.4, gap, 1.0)) * 0.1
        curves[system] = {"mean": GRID.tolist(), "sd": at.tolist()}
        auroc = 1.0 if far > 1 else 0.01
        table.append(
            {"system": system, "far_near": far, "gap_near": gap, "auroc": auroc, "near_sd": 0.1, "near_rmse": 0.02}
        )
    truth = GRID + np.sin(5 * GRID)
    drawn = {"x": [-1.0, 1.0], "y": [-0.04, 0.04], "grid": GRID.tolist(), "truth": truth.tolist()}
    return {"table": table, "seeds": [0, 1], "curves": curves, **drawn}


@pytest.fixture(scope="module")
def tree() -> HTMLParser:
    return HTMLParser(toy_page(measured()))


def test_the_failure_is_said_in_the_first_sentence_where_the_figures_show_it(tree: HTMLParser) -> None:
    told = text_of(tree, "p.verdict")
    assert told.startswith(
        "MC dropout (tanh) fails: far from all points it is surer than among them (0.67 times the doubt"
    )
    assert "MC dropout (ReLU) 4.0 times, NUTS (tanh) 8.0 times" in told
    assert told.endswith(
        "Between the points, which is harder: NUTS (tanh) 10.0 times, MC dropout (ReLU) 1.2 times, MC dropout (tanh) "
        "0.90 times."
    )
    failing = [node.parent.text().split("\n")[0] for node in tree.css("h3 .fails") if node.parent]
    assert [name.split(" does")[0] for name in failing] == ["MC dropout (tanh)"]


def test_a_tanh_dropout_that_does_not_fail_is_not_said_to() -> None:
    table = {row["system"]: row for row in measured({**SD, "mc_dropout tanh": (2.0, 1.0)})["table"]}
    assert verdict(table)[0].startswith("MC dropout (tanh) does not fail here")
    table["nuts tanh"] |= {"far_near": 1.1, "auroc": 0.6}
    assert verdict(table)[0].startswith("NUTS (tanh) fails: far from all points it hardly doubts more than among them")


def test_every_method_has_a_panel_with_its_points_and_bands(tree: HTMLParser) -> None:
    charts = tree.css("figure.chart")
    assert [chart.attributes["id"] for chart in charts] == [
        f"toy-{kind.replace('_', '-').replace(' ', '-')}" for kind in SD
    ]
    for chart, (far, _) in zip(charts, SD.values(), strict=True):
        sets = chart_sets(chart)
        curves = max(sets, key=len)
        assert curves[0]["high2"] - curves[0]["mean"] == pytest.approx(0.2 * far, abs=1e-3)
        assert {"x": 1.0, "y": 0.04} in min(sets, key=len)
        assert chart.css("details table")


def test_figures_stand_beside_their_bars(tree: HTMLParser) -> None:
    figures = rows(tree, "table.quality")
    assert figures[0] == ["MC dropout (ReLU)", "4.00 bar 3.00: met", "1.20", "1.00 bar 0.95: met", "0.020"]
    assert figures[1][1] == "0.67 elsewhere 0.67"
    assert figures[2][2] == "10.00 elsewhere 10.80"
    worse = HTMLParser(toy_page(measured({"mc_dropout relu": (2.0, 1.0)})))
    assert text_of(worse, ".missed") == "bar 3.00: missed"


def test_nothing_measured_is_no_page() -> None:
    with pytest.raises(ValueError, match="nothing was measured"):
        toy_page({**measured(), "table": []})
