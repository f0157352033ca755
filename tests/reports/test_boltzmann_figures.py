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


def exact(estimator: str, unbiased: bool, rms_z: float) -> dict[str, Any]:
    return {"estimator": estimator, "machine": "4-4-4", "unbiased": unbiased, "rms_z": rms_z, "relative_var": 2.0}


def coupled(coupling: str, n_units: int, tau: float, n_corrected: int, n_truncated: int = 0) -> dict[str, Any]:
    counts = {"n_pairs": 100, "n_corrected": n_corrected, "n_truncated": n_truncated, "acceptance": None}
    return {"coupling": coupling, "n_units": n_units, "search_steps": 3.0, "tau": tau, **counts}


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
        "rows": [exact("gibbs", True, 0.93), exact(HOSTILE, True, 1.21), exact("released", False, 22.4)],
        "seeds": [1],
    },
    "dbm_couplings": {
        "rows": [
            coupled("coupled_mh", 12, 5.5, 80),
            coupled("coupled_mh", 96, 1.0, 0),
            coupled("coupled_mh", 384, 1.0, 0),
            coupled("coupled_gibbs", 12, 2.0, 70),
            coupled("coupled_gibbs", 384, 4.6, 95, 3),
            coupled("released", 12, 1.4, 0),
        ]
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
    told = verdicts(page_of(tmp_path, RESULTS))
    assert "By rms z of at most 1.5, all are (rms z 0.93 to 1.21)" in told
    assert "Called biased: released. Of their figures all fail the same test (rms z 22.40 to 22.40)" in told
    assert "coupled_mh: mean τ is 5.5 with 12 units and 1.0 with 384, where 0 % of the pairs correct something" in told
    assert "with 96 units or more none of 200 pairs does, and the estimator is no better than its biased start" in told
    assert "coupled_gibbs: mean τ is 2.0 with 12 units and 4.6 with 384" in told
    assert "3 pairs were given up, from 384 units on" in told
    assert "released: no correction occurred in any of 100 pairs, at any size" in told
    assert "likeliest under pcd: −19.50 nats" in told
    assert "Without pre-training a digit is +1.00 nats likelier than with it, more than the spread" in told
    assert "standard error 0.08, 3 seeds" in told


def test_other_results_make_other_sentences(tmp_path: Path) -> None:
    changed = {
        "dbm_exact": {"rows": [exact("gibbs", True, 2.4), exact("mh", True, 1.0), exact("released", False, 1.1)]},
        "dbm_digits": digits({"pcd": "-20.4 -19.0", "pretrained": "-19.4 -20.6"}),
    }
    told = verdicts(page_of(tmp_path, changed))
    assert "1 of 2 are (rms z 1.00 to 2.40)" in told
    assert "0 of 1 fail the same test" in told
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
    row = {name: value for name, value in exact("gibbs", True, 1.0).items() if name != "unbiased"}
    with pytest.raises(BadArtifact, match=r"a row has no unbiased; expected estimator"):
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
