"""The page of figures redone says what hand-made results come to, what is missing, and makes no markup of a name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from selectolax.lexbor import LexborHTMLParser as HTMLParser

from data.errors import BadArtifact, WagahaiError
from reports.boltzmann_figures import figures_page
from reports.boltzmann_results import read_results
from reports.digit_picture import picture
from tests.benchmarks.dbm_figures import main
from tests.reports.pages import rendered, text_of

HOSTILE = "</script><img src=x onerror=alert(1)>"


def exact(estimator: str, called: str, *rms_z: float) -> list[dict[str, Any]]:
    rest = {"relative_var": 2.0, "tau": 1.5, "largest_tau": 4, "n_truncated": 0, "n_corrected": 9, "us_each": 1.0}
    return [
        {"estimator": estimator, "machine": f"machine {i}", "called": called, "rms_z": z, **rest}
        for i, z in enumerate(rms_z)
    ]


def coupled(tau: list[float], corrected: list[float], truncated: list[float]) -> dict[str, list[float]]:
    widths = [4 * 4**i for i in range(len(tau))]
    curve = {"width": widths, "search_steps": [3.0] * len(tau), "tau": tau, "largest_tau": [9] * len(tau)}
    return {**curve, "share_corrected": corrected, "share_truncated": truncated, "ms_a_row": [1.0] * len(tau)}


def digits(seeds: dict[str, str]) -> dict[str, Any]:
    def mean(text: str) -> float:
        return sum(map(float, text.split())) / len(text.split())

    rows = [{"system": name, "log_likelihood": mean(text), "seeds": text} for name, text in seeds.items()]
    curves = [{"system": name, "points": [[1, -40.0], [300, mean(text)]]} for name, text in seeds.items()]
    image = [1.0 if i % 2 else 0.0 for i in range(64)]
    pictures = [{"digit": image, "mean": [0.5] * 64, "samples": [image, image]}]
    return {"rows": rows, "curves": curves, "pictures": pictures, "samples": [image, [0.25] * 64]}


RESULTS: dict[str, dict[str, Any]] = {
    "dbm_exact": {
        "rows": [
            *exact("gibbs", "unbiased", 0.6, 1.8),
            *exact(HOSTILE, "unbiased", 1.2),
            *exact("released", "biased", 22.4, 30.0),
        ],
        "verdicts": {},
    },
    "dbm_couplings": {
        "rows": 100,
        "curves": {
            "metropolis": coupled([5.5, 1.2, 1.0, 1.0], [0.8, 0.1, 0, 0], [0, 0, 0, 0]),
            "gibbs, units": coupled([2.0, 4.6, 9.0, 80.0], [0.7, 0.9, 1, 1], [0, 0, 0, 0.03]),
            "released": coupled([1.4, 1.0, 1.0, 1.0], [0, 0, 0, 0], [0, 0, 0, 0]),
        },
    },
    "dbm_digits": digits({"pcd": "-19.4 -19.5 -19.6", "pretrained": "-20.4 -20.5 -20.6", "cd": "-23.0 -23.1 -23.2"}),
}


def folder_of(root: Path, results: dict[str, dict[str, Any]]) -> Path:
    for name, found in results.items():
        (root / f"{name}.json").write_text(json.dumps(found), encoding="utf-8")
    return root


def page_of(root: Path, results: dict[str, dict[str, Any]]) -> HTMLParser:
    return HTMLParser(figures_page(read_results(folder_of(root, results))))


def verdicts(tree: HTMLParser) -> str:
    return " ".join(" ".join(p.text().split()) for p in tree.css("p.verdict"))


def test_sentences_are_worked_out_from_the_results(tmp_path: Path) -> None:
    tree = page_of(tmp_path, RESULTS)
    told = verdicts(tree)
    assert (
        "At 256 units a layer, of the couplings, “gibbs, units” (mean τ at least 80.0) corrects; “metropolis” and "
        "“released” do not" in told
    )
    pooled = ((0.6**2 + 1.8**2) / 2) ** 0.5
    assert f"Of 2 estimators called unbiased, all are, by an rms z of at most 1.5: gibbs ({pooled:.2f})" in told
    assert "Of 1 estimator called biased, all are, by an rms z of more than 1.5: released (26.47)" in told
    told = text_of(tree, "ul.alone")
    assert "Metropolis: mean τ goes from 5.5 with 4 units a layer to 1.0 with 256, where 0 % of the pairs" in told
    assert "from 64 units a layer on no correction occurs, and the estimator is no better than its biased start" in told
    assert "Gibbs, units: mean τ goes from 2.0 with 4 units a layer to at least 80.0 with 256, where 100 %" in told
    assert "up to 3.0 % of the pairs of a size were given up before they met" in told
    assert "Released: no correction occurred at any size: the estimator is no better than its biased start" in told
    told = verdicts(tree)
    assert "likeliest under pcd: −19.50 nats" in told
    assert "Without pre-training a digit is +1.00 nats likelier than with it, more than the spread" in told
    assert "standard error 0.08, 3 seeds" in told


def test_other_results_make_other_sentences(tmp_path: Path) -> None:
    changed = {
        "dbm_exact": {
            "rows": [*exact("gibbs", "unbiased", 2.4), *exact("mh", "unbiased", 1.0), *exact("released", "biased", 1.1)]
        },
        "dbm_digits": digits({"pcd": "-20.4 -19.0", "pretrained": "-19.4 -20.6"}),
    }
    told = verdicts(page_of(tmp_path, changed))
    assert "Of 2 estimators called unbiased, 1 is, by" in told
    assert "Of 1 estimator called biased, 0 are, by" in told
    assert "within the spread of the seeds" in told


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    tree = page_of(tmp_path, {"dbm_exact": RESULTS["dbm_exact"]})
    said = text_of(tree, "main")
    for name in ("dbm_couplings", "dbm_digits"):
        assert f"Not measured: {name}.json is missing" in said
    assert "dbm_exact.json is missing" not in said
    empty = tmp_path / "empty"
    empty.mkdir()
    assert verdicts(page_of(empty, {})) == "Nothing was measured."
    without = {**RESULTS["dbm_digits"], "pictures": None, "samples": []}
    said = text_of(page_of(tmp_path, {"dbm_digits": without}), "main")
    assert "dbm_digits.json has no pictures" in said
    assert "dbm_digits.json has no samples" in said


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadArtifact, match=r"dbm_exact\.json: expected 'rows', found other"):
        page_of(tmp_path, {"dbm_exact": {"other": 1}})
    row = {name: value for name, value in exact("gibbs", "unbiased", 1.0)[0].items() if name != "called"}
    with pytest.raises(BadArtifact, match=r"a row has no called; expected estimator"):
        page_of(tmp_path, {"dbm_exact": {"rows": [row]}})
    with pytest.raises(BadArtifact, match="a picture of 3 pixels, expected 64"):
        page_of(
            tmp_path, {"dbm_exact": RESULTS["dbm_exact"], "dbm_digits": {**RESULTS["dbm_digits"], "samples": [[0] * 3]}}
        )


def test_names_are_text_and_never_markup(tmp_path: Path) -> None:
    tree = page_of(tmp_path, RESULTS)
    assert not tree.css("img")
    assert HOSTILE in verdicts(tree)
    assert not tree.css("[src], link, iframe, object, embed")
    for chart in tree.css("figure.chart script"):
        json.loads(chart.text())


def test_pictures_are_drawn_pixel_by_pixel(tmp_path: Path) -> None:
    drawn = HTMLParser(picture([0.0] * 9 + [1.0, 0.5] + [0.0] * 53, 'a "digit"', 4)).css_first("svg")
    assert drawn is not None
    assert drawn.attributes["aria-label"] == 'a "digit"'
    pixels = [
        (rect.attributes["x"], rect.attributes["y"], rect.attributes.get("fill-opacity")) for rect in drawn.css("rect")
    ]
    assert pixels == [("1", "1", None), ("2", "1", "0.50")]
    assert len(drawn.css("path.edge")) == 1
    tree = page_of(tmp_path, RESULTS)
    assert len(tree.css(".digits.imputed svg.digit")) == 5  # a digit, what is shown, the mean, two samples
    shown = tree.css(".digits.imputed svg.digit")[1]
    assert max(int(rect.attributes["y"] or "0") for rect in shown.css("rect")) == 3
    assert len(tree.css(".digits:not(.imputed) svg.digit")) == 2


def test_the_command_writes_the_page_and_says_what_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder_of(tmp_path, {"dbm_exact": RESULTS["dbm_exact"]})
    page = tmp_path / "pages" / "figures.html"
    assert main(["--results", str(tmp_path), "--page", str(page)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        str(page),
        "missing: dbm_couplings.json",
        "missing: dbm_digits.json",
    ]
    first = page.read_bytes()
    main(["--results", str(tmp_path), "--page", str(page)])
    assert page.read_bytes() == first
    with pytest.raises(WagahaiError, match="no such folder"):
        main(["--results", str(tmp_path / "nowhere"), "--page", str(page)])


@pytest.mark.browser
def test_charts_are_drawn_in_a_browser(tmp_path: Path) -> None:
    folder_of(tmp_path, RESULTS)
    page = tmp_path / "figures.html"
    main(["--results", str(tmp_path), "--page", str(page)])
    tree = rendered(page, tmp_path / "browser")
    assert len(tree.css("figure.chart svg")) == 4
    assert "could not be drawn" not in text_of(tree, "main")
