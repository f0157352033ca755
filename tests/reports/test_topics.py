"""The page of topics of hand-made models says what is known of them, and nothing in a title becomes markup."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from selectolax.lexbor import LexborHTMLParser as HTMLParser
from selectolax.lexbor import LexborNode as Node

from data.release import Release
from data.store import Store
from data.topics import topics_of
from reports.topic_cards import within
from reports.topic_plane import Plane, classical, least_distorted, stress, upright
from reports.topics import topics_report
from tests.pipeline.topic_release import (
    CLOSING,
    N_READERS,
    SCRIPT,
    TITLES,
    build,
    pseudonyms,
    raw_ids,
    readers_of,
    store_of,
    without_topics,
)
from tests.reports.page_contract import PageContract
from tests.reports.pages import chart_values, rendered, rows, text_of

store = store_of(build)


@pytest.fixture(scope="module")
def page(store: Store) -> str:
    return topics_report(store, Release.open(store)).read_text(encoding="utf-8")


class TestPage(PageContract):
    name = "topics"
    report = staticmethod(topics_report)
    charts = ("topic-map", "shares-lda", "shares-prodlda")
    readers = (*raw_ids(), *pseudonyms())


def card(tree: HTMLParser, anchor: str) -> Node:
    found = tree.css_first(f"article#{anchor}")
    assert found is not None, anchor
    return found


def test_the_verdict_comes_first(store: Store, tree: HTMLParser) -> None:
    verdict = Release.open(store).topic_quality["verdict"]
    first, second = tree.css("main > p.verdict")
    assert first.text() == verdict["to_read"]
    assert second.text() == verdict["to_predict"]
    assert first.text().startswith("To see which topics there are, trust LDA")
    [trusted, other] = [h2.text() for h2 in tree.css("h2") if h2.text().startswith("Topics of")]
    assert "the ones to read" in trusted
    assert "the ones to read" not in other


def test_figures_stand_side_by_side_with_their_intervals_and_chance(store: Store, tree: HTMLParser) -> None:
    table = {row[0]: row[1:] for row in rows(tree, "table.measures")}
    headings = [" ".join(th.text().split()) for th in tree.css("table.measures thead th")]
    assert headings == ["measured", "LDA", "ProdLDA"]
    quality = Release.open(store).topic_quality["models"]
    found = next(cells for name, cells in table.items() if name.startswith("coherence on held-out readers"))
    for cell, kind in zip(found, ("lda", "prodlda"), strict=True):
        mean, low, high = (f"{end:.2f}".replace("-", "−") for end in quality[kind]["npmi_held"])
        random = f"{quality[kind]['random']['npmi_held'][0]:.2f}".replace("-", "−")
        assert cell.startswith(mean)
        assert f"{low} to {high}" in cell
        assert f"random lists {random}" in cell
    stable = next(cells for name, cells in table.items() if name.startswith("stable"))
    assert [cell.split(" %")[0] for cell in stable] == [
        f"{100 * quality[kind]['stability'][0]:.0f}" for kind in ("lda", "prodlda")
    ]
    perplexities = next(cells for name, cells in table.items() if name.startswith("perplexity"))
    lower = min(("lda", "prodlda"), key=lambda kind: float(quality[kind]["perplexity"][0]))
    assert ["★" in cell for cell in perplexities] == [lower == "lda", lower == "prodlda"]
    assert any(name.startswith("NDCG@100") and "bestsellers" in cells[0] for name, cells in table.items())


def test_a_card_lists_the_books_of_its_topic(store: Store, tree: HTMLParser) -> None:
    topics = Release.open(store).topics("lda")
    second = card(tree, "lda-2")
    probable = topics.most_probable(1, 10).tolist()
    listed = [row.css("td") for row in second.css("table")[0].css("tbody tr")]
    assert [text_of(cells[1], "span") for cells in listed] == [TITLES[row] for row in probable]
    assert [cells[2].text() for cells in listed] == [str(readers_of(row)) for row in probable]
    lifted = topics.largest_lift(1, 10)
    values = [row.css("td")[3].css_first(".value") for row in second.css("table")[1].css("tbody tr")]
    assert [value.text() for value in values if value] == [f"{lift:.1f} ×" for lift in topics.lift(1, lifted)]
    note = text_of(second, "p.note")
    assert f"main topic of {N_READERS // 2} readers (50 %)" in note
    assert f"{10 * topics.stability[1]:.1f} of its 10 most typical books return when it is learned again" in note
    assert "readers whose number is not told" in text_of(tree, "main")


def test_matched_topics_name_each_other(store: Store, tree: HTMLParser) -> None:
    """Most readings of LDA's tastes are in their first halves, ProdLDA's topics 1 and 3; 2 and 4 have no match."""
    assert "matches ProdLDA’s 1 " in text_of(card(tree, "lda-1"), "p.note")
    assert "matches LDA’s 2 " in text_of(card(tree, "prodlda-3"), "p.note")
    assert "no topic of the other model matches" in text_of(card(tree, "prodlda-4"), "p.note")
    assert "2 of 2 topics of LDA and of 4 of ProdLDA have one" in text_of(tree, "main")
    pairs = rows(tree, "table.sides")
    assert sorted((row[0].split()[0], row[1].split()[0]) for row in pairs) == [("1", "1"), ("2", "3")]
    one, other = (Release.open(store).topics(kind).p for kind in ("lda", "prodlda"))
    shared = {str(k + 1): np.minimum(one[k], other[2 * k]).sum() for k in (0, 1)}
    assert {row[0].split()[0]: row[2] for row in pairs} == {k: f"{100 * found:.0f} %" for k, found in shared.items()}
    of_lda, of_prodlda = tree.css("ul.alone")
    assert text_of(of_lda, "li") == "nothing that the other has not"
    assert sorted(li.text().split()[0] for li in of_prodlda.css("li")) == ["2", "4"]


def test_charts_call_topics_by_number_and_name(tree: HTMLParser) -> None:
    bars = chart_values(tree, "shares-lda")
    assert sum(bar["share"] for bar in bars) == pytest.approx(1, abs=1e-4)
    assert sorted(bar["topic"].split()[0] for bar in bars) == ["1", "2"]
    assert any("夏目 漱石" in bar["topic"] for bar in bars)
    dots = chart_values(tree, "topic-map")
    assert [dot["topic"] for dot in dots] == ["LDA 1", "LDA 2", *(f"ProdLDA {i}" for i in range(1, 5))]
    at = {dot["topic"]: np.array([dot["x"], dot["y"]]) for dot in dots}
    apart = {name: float(np.linalg.norm(at["LDA 1"] - place)) for name, place in at.items() if name != "LDA 1"}
    assert min(apart, key=lambda name: apart[name]) == "ProdLDA 1"


def test_a_release_without_topics_says_so_under_the_lasting_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = build(tmp_path, monkeypatch, without_topics())
    path = topics_report(store, Release.open(store))
    tree = HTMLParser(path.read_text(encoding="utf-8"))
    assert "was made without topics" in text_of(tree, "p.verdict")
    assert not tree.css("article, figure")
    assert store.current_report("topics").read_bytes() == path.read_bytes()


def test_points_that_fit_a_plane_keep_their_distances() -> None:
    """A rectangle of 3 by 4 has diagonals of 5."""
    corners = np.array([[0.0, 0.0], [3.0, 0.0], [3.0, 4.0], [0.0, 4.0]])
    distances = np.linalg.norm(corners[:, None] - corners[None], axis=2)
    found = least_distorted(distances, classical(distances**2))
    np.testing.assert_allclose(np.linalg.norm(found[:, None] - found[None], axis=2), distances, atol=1e-9)


def test_each_step_lowers_the_stress() -> None:
    """Six points, all one apart, fit no plane; eight, of which two are near, come out with the two near."""
    distances = 1 - np.eye(6)
    start = classical(distances**2)
    assert stress(distances, least_distorted(distances, start)) < stress(distances, start)
    distances = 1 - np.eye(8)
    distances[0, 7] = distances[7, 0] = 0.3
    found = least_distorted(distances, np.random.default_rng(0).normal(size=(8, 2)))
    apart = np.linalg.norm(found[:, None] - found[None], axis=2) + 9 * np.eye(8)
    assert np.unravel_index(apart.argmin(), apart.shape) in ((0, 7), (7, 0))
    assert apart.min() == pytest.approx(0.3, abs=0.05)


def test_a_map_is_turned_and_flipped_in_one_way() -> None:
    points = np.random.default_rng(0).normal(size=(9, 2)) * [3, 1]
    turn = np.array([[np.cos(1), -np.sin(1)], [np.sin(1), np.cos(1)]])
    np.testing.assert_allclose(upright(points @ turn * [1, -1] + 5), upright(points), atol=1e-9)


def test_distances_are_hellingers() -> None:
    """Two topics without a common book are 1 apart; half in common: sqrt(1 - 1/2)."""
    p = np.array([[0.5, 0.5, 0, 0], [0, 0, 0.5, 0.5], [0, 0.5, 0.5, 0]])
    order, even = np.argsort(-p, axis=1, kind="stable"), np.full(3, 1 / 3)
    topics = topics_of(
        "lda", p=p, typical_rows=order, typicality=order, shares=even, n_main=even, npmi=even, stability=even
    )
    distances = Plane.of([topics]).distances
    np.testing.assert_allclose(distances, [[0, 1, 0.5**0.5], [1, 0, 0.5**0.5], [0.5**0.5, 0.5**0.5, 0]], atol=1e-6)
    np.testing.assert_allclose(Plane.of([topics]).distortion, 0, atol=1e-6)


@pytest.mark.parametrize(
    ("text", "cut"), [("吾輩は猫", "吾輩は猫"), ("吾輩は猫である", "吾輩は…"), ("I am a cat", "I am a…"), ("", "")]
)
def test_labels_are_cut_by_their_width(text: str, cut: str) -> None:
    assert within(text, 8) == cut


def test_titles_that_are_markup_stand_in_a_list(tree: HTMLParser) -> None:
    assert {SCRIPT, CLOSING} <= {span.text() for span in card(tree, "lda-1").css("td.book > span")}


def test_topics_are_linked_to_their_cards(tree: HTMLParser) -> None:
    anchors = {link.attributes["href"] or "" for link in tree.css("[href]")}
    assert anchors
    assert all(tree.css_first(f"article{anchor}") for anchor in anchors)


@pytest.mark.browser
def test_a_bar_is_called_as_its_topic(store: Store, page: str, tmp_path: Path) -> None:
    assert "夏目 漱石" in text_of(rendered(store.current_report("topics"), tmp_path), "#shares-lda svg")
