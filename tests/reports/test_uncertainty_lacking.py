"""The page of predictions says what a release lacks, and what changed since the one before."""

from __future__ import annotations

import shutil
from pathlib import Path

from selectolax.lexbor import LexborHTMLParser as HTMLParser

from data.release import Release
from data.store import Store
from pipeline.judge_rating import NET
from reports.uncertainty import uncertainty_report
from tests.reports.half_circle import SCRIPT, build, older_release, settings
from tests.reports.hand_predictions import change, predict
from tests.reports.pages import rows, text_of


def page_of(store: Store) -> HTMLParser:
    return HTMLParser(uncertainty_report(store, Release.open(store)).read_text(encoding="utf-8"))


def test_a_release_without_predictors_says_so(tmp_path: Path) -> None:
    store = build(tmp_path, settings())
    release = Release.open(store)
    tree = page_of(store)
    told = [" ".join(p.text().split()) for p in tree.css("main > p.verdict")]
    assert told == [
        f"It is not predicted how a book is liked: release {release.id} was made without.",
        f"It is not predicted what is read next: release {release.id} was made without.",
    ]
    assert not tree.css("figure")
    assert "Where it comes from" in text_of(tree, "main")
    (release.folder / "predictors.json").unlink()  # as releases of before have it
    assert [" ".join(p.text().split()) for p in page_of(store).css("main > p.verdict")] == told


def test_a_task_that_is_left_out_says_why_and_what_was_measured(tmp_path: Path) -> None:
    store = build(tmp_path, settings())
    release = Release.open(store)
    told = predict(store, release)
    path = release.folder / "predictors.json"
    change(path, left_out={"rating": f"Left out: worse than what is simple, {SCRIPT}."})
    tree = page_of(store)
    assert text_of(tree, "p.verdict").startswith("It is not predicted how a book is liked: Left out: worse than what")
    assert SCRIPT in text_of(tree, "p.verdict")
    assert len(tree.css("table.systems")) == 2
    assert [chart.attributes["id"] for chart in tree.css("figure.chart")] == ["reading-reliability"]
    change(path, tasks={"will_read": told["tasks"]["will_read"]}, left_out={"rating": "the readings have no ratings"})
    tree = page_of(store)
    assert text_of(tree, "p.verdict") == "It is not predicted how a book is liked: the readings have no ratings."
    assert len(tree.css("table.systems")) == 1


def test_forecasts_that_are_gone_are_said_to_be(tmp_path: Path) -> None:
    store = build(tmp_path, settings())
    predict(store, Release.open(store))
    shutil.rmtree(store.root / "artifacts" / "rating_quality")
    tree = page_of(store)
    told = text_of(tree, "p.verdict")
    assert "cannot be worked out any more" in told
    assert "wagahai refresh" in told
    assert len(tree.css("table.systems")) == 2, "what was measured is told all the same"
    assert "is not published" not in text_of(tree, "main")
    assert [chart.attributes["id"] for chart in tree.css("figure.chart")] == ["reading-reliability"]


def test_what_changed_is_said_with_intervals_and_chance(tmp_path: Path) -> None:
    store = build(tmp_path, settings())
    assert "No earlier release" not in text_of(page_of(store), "main")  # nothing is predicted
    told = predict(store, Release.open(store))
    assert "No earlier release that served is kept" in text_of(page_of(store), "main")
    older = older_release(store, {})
    assert "No figure changed by more than chance." in text_of(page_of(store), "main")
    systems = told["tasks"]["rating"]["systems"]
    systems[NET]["nll"]["value"] += 1.0
    systems[NET]["sd"]["value"] += 1.0
    change(older.folder / "predictors.json", tasks=told["tasks"])
    tree = page_of(store)
    table = {row[1]: row for nth in range(len(tree.css("table"))) for row in rows(tree, "table", nth) if len(row) == 6}
    assert table["NLL, nats"][4].startswith("−1.000, ")
    assert table["NLL, nats"][5] == "better"
    assert table["sd said, points"][5] == "less"
    assert table["CRPS, points"][5] == "within chance"
    assert f"Compared with the release before, {older.id}" in text_of(tree, "main")
    change(older.folder / "predictors.json", tasks={"rating": {**told["tasks"]["rating"], "levels": [1.0, 2.0]}})
    main = text_of(page_of(store), "main")
    assert "Ratings had other levels before" in main
    assert "Predicted now and not before: what is read next." in main
