"""The page of predictions of known quality says what is known of them, and nothing in a title becomes markup."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from selectolax.lexbor import LexborHTMLParser as HTMLParser

from data.artifact import read_json
from data.corpus import Corpus
from data.release import Release
from data.store import Store
from pipeline.judge_rating import NET, STRONGEST
from pipeline.rating_doubt import doubt_map, parts_of
from reports.uncertainty import uncertainty_page, uncertainty_report
from tests.pipeline.hand_quality import N_READERS, PER_READER, hand_quality
from tests.reports.half_circle import CLOSING, N_BOOKS, SCRIPT, TITLES, build, reader_ids, settings
from tests.reports.hand_predictions import N_RATINGS, OF_BOOK, STAYS, change, predict
from tests.reports.page_contract import PageContract
from tests.reports.pages import chart_values, parsed, rows, said, text_of


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = build(tmp_path_factory.mktemp("store"), settings())
    predict(store, Release.open(store))
    return store


@pytest.fixture(scope="module")
def page(store: Store) -> str:
    return uncertainty_report(store, Release.open(store)).read_text(encoding="utf-8")


class TestPage(PageContract):
    name = "uncertainty"
    report = staticmethod(uncertainty_report)
    charts = ("rating-reliability", "rating-coverage", "rating-pit", "risk-coverage", "reading-reliability")
    readers = reader_ids()


def test_the_verdict_comes_first_with_its_figures(store: Store, tree: HTMLParser) -> None:
    record = Release.open(store).predictor_quality["tasks"]["rating"]
    rating, more, reading = (" ".join(p.text().split()) for p in tree.css("main > p.verdict"))
    assert rating.startswith("The rating predictor is better calibrated than biases with an sd per reader")
    mine, other = (100 * record["systems"][name]["calibration_error"]["value"] for name in (NET, STRONGEST))
    assert f"off by {mine:.1f} percentage points on average, for these by {other:.1f}" in rating
    assert "It says more of what readers then think" in rating
    assert f"Its 90 % sets hold {100 * record['systems'][NET]['cover90']['value']:.1f} %" in rating
    assert "as they should" in rating
    helped = parts_of(hand_quality())
    assert more.startswith(f"More data would help: of the doubt about a rating {100 * helped.helped:.0f} % would go")
    assert "more than popularity does (−2.000, −2.000 to −2.000)" in reading
    assert "ranked by it, which is better than Blend by more than chance (NDCG@100 0.400, +0.100" in reading


def test_what_the_predictor_is_better_by_is_told_with_chance(store: Store, tree: HTMLParser) -> None:
    table = {row[0]: row[1:] for row in rows(tree, "table.gains")}
    assert list(table) == ["All alike", "Biases", "Biases, sd per reader"]
    over = Release.open(store).predictor_quality["tasks"]["rating"]["over"]
    for score, cell in (("nll", 0), ("crps", 2)):
        told = "{}, {} to {}".format(*(f"{end:+.3f}".replace("-", "−") for end in over[score]))
        assert table["Biases, sd per reader"][cell] == told
        assert table["Biases, sd per reader"][cell + 1] == "better, more than chance"


def test_the_set_that_answers_name_is_judged(tree: HTMLParser) -> None:
    told = next(text for text in map(said, tree.css("main > p")) if text.startswith("An answer names whole levels"))
    assert "these hold 95.0 %" in told
    assert "with 4.0 of 5 levels on average" in told


def test_a_predictor_that_is_too_sure_is_said_to_be(tmp_path: Path) -> None:
    store, quality = build(tmp_path, settings()), hand_quality()
    swapped = {**quality.p, NET: quality.p[STRONGEST], STRONGEST: quality.p[NET]}
    predict(store, Release.open(store), replace(quality, p=swapped))
    change(Release.open(store).folder / "predictors.json", left_out={})  # as if it were published all the same
    verdict = text_of(parsed(uncertainty_report(store, Release.open(store))), "p.verdict")
    assert "is worse calibrated than" in verdict
    assert "It says less of what readers then think" in verdict
    assert "too few: it is too sure of itself" in verdict
    assert "Biases, sd per reader (the yardstick) says more than the predictor, by more than chance (+" in verdict


def test_systems_stand_side_by_side_with_their_intervals(store: Store, tree: HTMLParser) -> None:
    systems = Release.open(store).predictor_quality["tasks"]["rating"]["systems"]
    table = rows(tree, "table.systems")
    assert [row[0].split(" ")[0] for row in table] == ["All", "Biases", "Biases,", "The"]
    assert table[-1][0].startswith("The predictor")
    nll = systems[NET]["nll"]
    low, high = (nll["value"] + sign * 1.959964 * nll["se"] for sign in (-1, 1))
    assert table[-1][1] == f"{nll['value']:.3f} ★ {low:.3f} to {high:.3f}"
    assert ["★" in row[1] for row in table] == [False, False, False, True]
    assert not any("★" in row[5] for row in table)  # more covered is not better
    reading = rows(tree, "table.systems", 1)
    assert [row[1].split(" ")[0] for row in reading] == ["—", "5.000", "3.200", "3.000"]


def test_charts_have_the_figures(tree: HTMLParser) -> None:
    assert sum(one["share"] for one in chart_values(tree, "rating-pit")) == pytest.approx(1, abs=1e-4)
    gaps = {(one["system"], one["said"]): one["gap"] for one in chart_values(tree, "rating-coverage")}
    assert gaps["biases, sd per reader", 0.5] < -3 < gaps["the predictor", 0.5]
    risk = {(one["kind"], one["share"]): one["rmse"] for one in chart_values(tree, "risk-coverage")}
    assert risk["all doubt", 0.5] < 0.9 * risk["all doubt", 1.0]
    drawn = chart_values(tree, "reading-reliability")
    assert [one["read"] for one in drawn] == [None, 8e-4, 0.07, 0.84]
    assert "1 in 1,250" in text_of(tree, "#reading-reliability details")


def test_the_map_tells_groups_and_puts_those_of_few_readers_together(tree: HTMLParser) -> None:
    cells = {(cell.readers, cell.books): cell for cell in doubt_map(hand_quality(), 5, seed=0)}
    cold, others = rows(tree, "table.doubts")
    cell = cells[("cold",), "cold"]
    assert cold[0] == "cold readers (under 20 ratings)"
    assert cold[1].startswith(f"± {cell.sd:.2f}")
    assert f"{100 * cell.parts.helped:.0f} % would go with more data" in cold[1]
    assert f"errors {cell.rmse.value:.2f}; 90 % sets hold {100 * cell.cover90.value:.0f} %" in cold[1]
    assert f"{18 * PER_READER // 3:,} ratings, 18 readers" in cold[1]
    assert others[0] == "warm and hot readers (20 or more ratings)"  # four are hot
    assert all(f"{22 * PER_READER // 3:,} ratings, 22 readers" in square for square in others[1:])
    spans = tree.css("table.doubts")[0].css("tbody tr")[0].css("td")[0].css(".parts span")
    widths = [float((span.attributes["style"] or "")[6:-1]) for span in spans]
    widest = max(one.sd for one in cells.values()) ** 2
    assert sum(widths) == pytest.approx(100 * cell.sd**2 / widest, abs=0.3)
    assert widths[1] / sum(widths) == pytest.approx(cell.parts.of_book, abs=0.01)
    few, many = rows(tree, "table.doubts", 1)
    assert few[0] == "cold and warm readers (under 50 books shown)"  # three have shown less than ten
    assert few[1].startswith("× 0.65 said 26, read 40 25 % of the doubt would go with more data 2,000 pairs")
    assert many[0] == "hot readers (50 or more books shown)"
    assert many[1].startswith("× 0.65 said 13, read 20")


def test_books_are_apart_by_the_reason_of_the_doubt(tree: HTMLParser) -> None:
    few, disagree = (rows(tree, "table.near", nth) for nth in range(len(tree.css("table.near"))))
    titles = [" ".join(title.split()) for title in TITLES]
    unrated = [i for i in range(N_BOOKS) if N_RATINGS[i] == 0]
    expected = [*sorted(unrated, key=lambda i: -i), *range(len(unrated), N_BOOKS)][:12]  # of equal ones the most read
    assert [row[1].removesuffix(f" Author{i}") for row, i in zip(few, expected, strict=True)] == [
        titles[i] for i in expected
    ]
    assert few[0][3] == "under 5"  # none, which a release does not know
    assert few[-1][3] == N_RATINGS[expected[-1]].astype(str)
    assert few[len(unrated)][3] == "under 5"  # one rating
    assert few[0][4] == f"± {np.sqrt(OF_BOOK[0] + 0.01):.2f}"
    known = [i for i in range(N_BOOKS) if N_RATINGS[i] >= 5][:12]
    assert [row[1].removesuffix(f" Author{i}") for row, i in zip(disagree, known, strict=True)] == [
        titles[i] for i in known
    ]
    assert disagree[0][4] == f"± {np.sqrt(STAYS[known[0]]):.2f}"


def test_books_of_few_readers_are_in_no_list(tmp_path: Path) -> None:
    store = build(tmp_path, settings())
    release = Release.open(store)
    predict(store, release)
    manifest = read_json(release.folder / "manifest.json")
    manifest["settings"]["corpus"]["min_readers"] = 30  # book i has 24 + i readers
    change(release.folder / "manifest.json", settings=manifest["settings"])
    tree = parsed(uncertainty_report(store, Release.open(store)))
    listed = [" ".join(node.text().split()) for node in tree.css("table.near td.book > span[dir]")]
    assert len(listed) == 12 + (N_BOOKS - 34)
    assert set(listed) <= set(TITLES[6:])
    assert [row[0] for row in rows(tree, "table.doubts")] == ["all readers"]  # eighteen are too few then


def test_what_is_foreign_is_told_with_its_interval(tree: HTMLParser) -> None:
    table = rows(tree, "table.foreign")
    assert len(table) == 2
    assert table[0][0].startswith(f"books that nobody else rated ({N_READERS * PER_READER // 3:,})")
    assert all(" to " in cell for cell in table[0][1:])


def test_predictors_stand_in_the_provenance(tree: HTMLParser) -> None:
    assert "rating (hand)" in text_of(tree, "main")


def test_a_release_of_simulated_readers_has_its_page_and_it_names_none_of_them(predicting: Store) -> None:
    release = Release.open(predicting)
    page = uncertainty_page(predicting, release, None)
    tree = HTMLParser(page)
    told = release.predictor_quality["left_out"].get("rating", "The rating predictor is ")
    assert told.rstrip(".") in text_of(tree, "p.verdict")
    assert [row[0].split(" ")[:2] for row in rows(tree, "table.systems")][3] == ["Bayesian", "ridge"]
    corpus = Corpus.load(predicting.artifact("corpus", release.manifest["corpus"]["artifact"]))
    assert not [reader for reader in corpus.readers.ids if reader in page]
    assert uncertainty_page(predicting, Release.open(predicting), None) == page


def test_titles_that_are_markup_stand_in_a_list(tree: HTMLParser) -> None:
    assert {SCRIPT, CLOSING} <= {span.text() for span in tree.css("table.near td.book > span[dir]")}
