"""The similarity report of the half circle says what is known of it, and nothing in a title becomes markup."""

from __future__ import annotations

import csv
import math
import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from selectolax.lexbor import LexborHTMLParser as HTMLParser
from selectolax.lexbor import LexborNode as Node

from data.artifact import read_json, write_json
from data.release import Release
from data.store import Store
from pipeline.metrics import METRICS
from reports.map import Plane
from reports.similarity import similarity_report
from tests.reports.half_circle import (
    ARABIC,
    CLOSING,
    EDITIONS,
    N_BOOKS,
    N_READERS,
    SCRIPT,
    SURE,
    TITLES,
    build,
    interval,
    older_release,
    reader_ids,
    settings,
)
from tests.reports.page_contract import PageContract
from tests.reports.pages import chart_values, rendered, text_of

WATCH = (SCRIPT, "Volume20", "Twice told", "zzzz qqqq")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return build(tmp_path_factory.mktemp("store"), settings(*WATCH))


@pytest.fixture(scope="module")
def page(store: Store) -> str:
    return similarity_report(store, Release.open(store)).read_text(encoding="utf-8")


class TestPage(PageContract):
    name = "similarity"
    report = staticmethod(similarity_report)
    charts = (
        "quality-readers", "quality-time", "reliability", "how-sure", "book-map", "similarity-distribution",
        "readers-per-book",
    )  # fmt: skip
    readers = reader_ids()
    without_words = ("quality-readers", "quality-time")


def card(tree: HTMLParser, title: str) -> Node:
    return next(node for node in tree.css("article.card") if text_of(node, "h3") == title)


def table(node: Node, index: int) -> list[tuple[str, str, str, str]]:
    """Rank, title, readers and similarity of each row of a card's table."""
    rows = node.css("table")[index].css("tbody tr")
    return [
        (
            text_of(row, "td"),
            text_of(row, "td.book > span"),
            text_of(row, "td:nth-child(3)"),
            text_of(row, ".similarity .value"),
        )
        for row in rows
    ]


def numbers(node: Node) -> list[float]:
    """The numbers of a node's inline style."""
    return [float(number) for number in re.findall(r"[\d.]+", node.attributes["style"] or "")]


def test_card_lists_books_in_order_with_their_cosines(tree: HTMLParser) -> None:
    first = card(tree, SCRIPT)
    near = [(str(i), TITLES[i], str(24 + i), f"{math.cos(i * math.pi / 40):.2f}") for i in range(1, 6)]
    assert table(first, 0) == near
    far = [(str(k), TITLES[40 - k], str(64 - k), f"−{math.cos(k * math.pi / 40):.2f}") for k in range(1, 4)]
    assert table(first, 1) == far


def test_card_of_a_book_in_the_middle_looks_both_ways(tree: HTMLParser) -> None:
    rows = table(card(tree, "Volume20"), 0)
    assert [{row[1] for row in rows[i : i + 2]} for i in (0, 2)] == [{"Volume19", "Volume21"}, {"Volume18", "Volume22"}]


def test_bars_start_at_zero_on_one_scale(tree: HTMLParser) -> None:
    widest = math.cos(math.pi / 40)  # also the depth of the farthest, whose interval ends at -1: so does the scale
    bars = [numbers(node) for node in card(tree, SCRIPT).css(".fill")]
    assert numbers(card(tree, SCRIPT).css(".zero")[0]) == [50.0]
    assert bars[0] == [50.0, pytest.approx(50 * widest, abs=0.06)]
    assert bars[5] == [pytest.approx(50 - 50 * widest, abs=0.06), pytest.approx(50 * widest, abs=0.06)]


def test_a_title_that_is_markup_heads_a_card(tree: HTMLParser) -> None:
    assert not tree.css("[href]")
    assert card(tree, SCRIPT).css_first("h3 span[dir=auto]") is not None


def test_chart_data_survive_titles_that_close_the_script(tree: HTMLParser) -> None:
    values = chart_values(tree, "book-map")
    assert {SCRIPT, CLOSING, ARABIC} <= {value["title"] for value in values}
    assert len(values) == N_BOOKS
    assert max(len(value["title"]) for value in values) == 80


def test_unknown_and_ambiguous_titles_are_said_to_be_so(tree: HTMLParser) -> None:
    said = {text_of(node, "h3"): " ".join(node.text().split()) for node in tree.css(".unresolved")}
    assert set(said) == {"Twice told", "zzzz qqqq"}
    assert "Unknown: no book of this release matches" in said["zzzz qqqq"]
    assert "Ambiguous: 2 books" in said["Twice told"]
    assert all(edition in said["Twice told"] for edition in EDITIONS)
    assert len(tree.css("article.card")) == 2


def test_verdict_says_what_was_measured(store: Store, tree: HTMLParser) -> None:
    assert text_of(tree, ".verdict") == (
        f"Release {store.current} was published. Its ranking for a reader finds 3.0 times as many hidden books as "
        "bestsellers do (0.300 against 0.100, Recall@20); more than BM25 item-kNN (+0.050, +0.050 to +0.050); fewer "
        "than EASE (−0.020, −0.020 to −0.020); its space of books alone finds 2.2 times as many as bestsellers. "
        "How sure neighbours are: of the 10 nearest of a book, 8.0 would be so had others been asked, on average (8.0 "
        "for the 40 most read); of those said to be with 80 % probability, 79 % were (300 judged)."
    )
    facts = " ".join(text_of(tree, ".facts.large").split())
    n_readings = sum(24 + i for i in range(N_BOOKS))
    assert facts.startswith(f"readers{N_READERS} books{N_BOOKS} readings{n_readings:,} ingested20")


def test_best_model_is_marked_in_each_split_and_the_default_space_set_off(tree: HTMLParser) -> None:
    tables = tree.css("table.quality")
    assert len(tables) == 2
    for quality in tables:
        best = [row for row in quality.css("tbody tr") if row.css(".best")]
        assert [text_of(row, "th > span[dir]") for row in best] == ["EASE"]
        assert len(best[0].css(".best")) == len(METRICS)
        roles = {text_of(row, "th > span[dir]"): text_of(row, "th .small") for row in quality.css("tbody tr")}
        assert roles == {
            "Bestsellers": "popularity: the floor",
            "BM25 item-kNN": "yardstick",
            "EASE": "yardstick",
            "Blend": "the release’s ranking for a reader",
            "Spectral": "the default space",
            "PPMI": "space, not published",
            "word2vec": "space",
        }
        assert [text_of(row, "th > span[dir]") for row in quality.css("tr.default")] == ["Spectral"]


def test_differences_to_the_yardsticks_are_those_of_each_reader(tree: HTMLParser) -> None:
    paired = [node for node in tree.css("table") if "less BM25 item-kNN" in node.text()]
    assert len(paired) == 2
    rows = [[" ".join(cell.text().split()) for cell in row.css("td")] for row in paired[0].css("tbody tr")]
    assert ["Blend", "+0.050 (+0.050 to +0.050)", "−0.020 (−0.020 to −0.020)"] in rows
    assert ["EASE", "+0.070 (+0.070 to +0.070)", ""] in rows
    assert not [row for row in rows if row[0] == "Bestsellers"]


def test_intervals_and_certainty_stand_beside_every_neighbour(tree: HTMLParser) -> None:
    rows = card(tree, SCRIPT).css("table")[0].css("tbody tr")
    assert [text_of(row, ".sure") for row in rows] == ["80 %"] * 5
    for apart, row in enumerate(rows, start=1):
        said = [float(end) for end in text_of(row, ".similarity .small").replace("−", "-").split(" to ")]
        assert said == pytest.approx(interval(apart), abs=0.015)  # replicates are kept in whole 127ths
        drawn = row.css_first(".interval")
        assert drawn is not None
        left, width = numbers(drawn)
        [zero, *_] = numbers(row.css(".zero")[0])
        assert left == pytest.approx(zero + said[0] * (100 - zero), abs=0.6)
        assert left + width == pytest.approx(zero + said[1] * (100 - zero), abs=0.6)
    assert not card(tree, SCRIPT).css("table")[1].css(".sure")


def test_probabilities_are_held_against_what_came_true(tree: HTMLParser) -> None:
    main = text_of(tree, "main")
    assert "learned again from 4 samples of the readers" in main
    assert "On average 8.0 of 10 published neighbours would be, for the 40 most read books 8.0; 100 % of all" in main
    rows = [[" ".join(cell.text().split()) for cell in row.css("td")] for row in tree.css("#reliability tbody tr")]
    assert [row[:2] + row[3:] for row in rows] == [
        ["5.0 %", "4.0 %", "4,000"], ["80 %", "79 %", "300"], ["95 %", "97 %", "700"]
    ]  # fmt: skip
    assert rows[1][2] == "74 % to 83 %"  # Wilson (1927) of 237 in 300: .740 to .832
    assert "1.1 percentage points" in main
    assert "91 % of those of near books and 88 % of far books are inside; in the worst group it is 84 %" in main
    assert "near books of a book with few readers (at most 18)" in main


def test_first_release_has_nothing_to_be_compared_with(tree: HTMLParser) -> None:
    assert "No earlier release that served is kept" in text_of(tree, "main")
    assert not tree.css("table.moves")


def test_map_without_an_attribute_is_coloured_by_clusters(tree: HTMLParser) -> None:
    values = chart_values(tree, "book-map")
    assert len({value["kind"] for value in values}) == 7
    ordered = [value["kind"] for value in sorted(values, key=lambda value: value["x"])]
    assert len([1 for one, other in pairwise(ordered) if one != other]) == 6  # each cluster is one piece of the arc


def test_hubs_and_distribution_are_those_of_a_half_circle(tree: HTMLParser) -> None:
    main = text_of(tree, "main")
    assert f"nearest book of similarity {math.cos(math.pi / 40):.2f} or more" in main
    assert "each book stands in 10 lists on average" in main
    # a binomial count of 39 lists with p = 10/39: (1 - 2p) / sqrt(39 p (1 - p)) = .179
    assert "Lists drawn at random would have a skewness of 0.18; the other spaces have word2vec" in main
    assert len(tree.css("table.hubs tbody tr")) == 10


def test_refused_release_on_one_split_shows_its_most_read_books(tmp_path: Path) -> None:
    store = build(tmp_path, settings(), gain=0.0, splits=("readers",), sure=False)
    [folder] = store.releases.iterdir()
    tree = HTMLParser(similarity_report(store, Release.open(store, folder.name)).read_text(encoding="utf-8"))
    assert "was refused." in text_of(tree, ".verdict")
    assert "does not find more hidden books than bestsellers do" in text_of(tree, ".verdict")
    assert "beats popularity" in text_of(tree, "main > p.why")
    assert len(tree.css("table.quality")) == 1
    assert [text_of(node, "h3") for node in tree.css("article.card")] == [TITLES[i] for i in range(39, 27, -1)]
    assert "made without an ensemble" in text_of(tree, "main")
    assert not tree.css(".sure, .interval, #reliability")
    table = pl.read_parquet(folder.parents[1] / "reports" / folder.name / "similarity.parquet")
    assert table["p_top"].null_count() == len(table)


def test_what_changed_names_the_pairs_of_the_book_that_moved(tmp_path: Path) -> None:
    store = build(tmp_path, settings("Volume20"), splits=("readers",))
    older_release(store, {20: 0.0})
    release = Release.open(store)
    path = similarity_report(store, release)
    tree = HTMLParser(path.read_text(encoding="utf-8"))
    main = text_of(tree, "main")
    assert (
        "Compared with the release before, 20000101T000000Z-00000000: 0 books came and 0 went; 40 are in both." in main
    )
    assert "10 of 215 neighbouring pairs (4.7 %) moved by more than their uncertainty" in main
    assert "10 came nearer and 0 went apart" in main
    rows = [[" ".join(cell.text().split()) for cell in row.css("td")] for row in tree.css("table.moves tbody tr")]
    assert {*rows[0][:2]} == {"Volume20", "Volume25"}
    before, now = math.cos(25 * math.pi / 40), math.cos(5 * math.pi / 40)
    assert rows[0][3:5] == [f"{before:.2f}".replace("-", "−"), f"{now:.2f}"]
    assert similarity_report(store, release).read_bytes() == path.read_bytes()


def test_exports_hold_the_watch_list_and_start_no_formula(tmp_path: Path) -> None:
    store = build(tmp_path, settings("Volume20", SCRIPT), splits=("readers",))
    current = Release.open(store)
    titles = read_json(current.folder / "books.json")
    titles["title"][1] = "=HYPERLINK(1)"
    write_json(current.folder / "books.json", titles)
    neighbours = pl.read_parquet(current.folder / "neighbours.parquet")
    rank = pl.col("rank")  # as a release older than the rule would tell it
    shared = pl.when(rank == 1).then(4).when(rank == 2).then(20).otherwise(19).cast(pl.Int32)
    neighbours.with_columns(n_shared=shared, lift=pl.lit(1.5, pl.Float32)).write_parquet(
        current.folder / "neighbours.parquet"
    )
    page = similarity_report(store, Release.open(store))
    table = pl.read_parquet(page.with_suffix(".parquet"))
    first = table.filter((pl.col("title") == SCRIPT) & (pl.col("side") == "near"))
    assert first["neighbour"].to_list() == [f"hand:{i:02d}" for i in range(1, 6)]
    assert first["neighbour_title"][0] == "=HYPERLINK(1)"
    # 4 are too few to be told, and 20 leave too few of the 24 readers of the first book
    assert first["n_shared"].to_list() == [None, None, 19, 19, 19]
    assert first["lift"].to_list() == [None, None, 1.5, 1.5, 1.5]
    assert first["p_top"].to_list() == [SURE] * 5
    assert table.filter(pl.col("side") == "far")["p_top"].null_count() == 6
    text = page.with_suffix(".csv").read_text(encoding="utf-8")
    assert text.startswith("\ufeffbook,title,")
    cells = [row["neighbour_title"] for row in csv.DictReader(text[1:].splitlines())]
    assert "'=HYPERLINK(1)" in cells
    assert "=HYPERLINK(1)" not in cells
    assert len(cells) == len(table)
    assert not [reader for reader in reader_ids() if reader in text]


@pytest.mark.browser
def test_hovering_over_a_dot_of_the_map_shows_its_title(page: str, tmp_path: Path) -> None:
    hover = """<script>setTimeout(() => {
      const dot = [...document.querySelectorAll("#book-map .mark-symbol path")]
        .find((one) => one.__data__ && one.__data__.datum.title === "Volume20");
      const at = dot.getBoundingClientRect();
      const where = { bubbles: true, clientX: at.x + at.width / 2, clientY: at.y + at.height / 2 };
      for (const name of ["pointerover", "pointermove", "mouseover", "mousemove"])
        dot.dispatchEvent(name.startsWith("p") ? new PointerEvent(name, where) : new MouseEvent(name, where));
    }, 4000);</script></body>"""
    path = tmp_path / "page.html"
    before, _, after = page.rpartition("</body>")  # the chart library holds another
    path.write_text(before + hover + after, encoding="utf-8")
    drawn = rendered(path, tmp_path)
    tooltip = text_of(drawn, "#vg-tooltip-element")
    assert "Volume20" in tooltip
    assert "Author20" in tooltip


def test_a_space_of_one_dimension_still_has_a_map(store: Store) -> None:
    line = Release.open(store)
    line.__dict__["vectors"] = np.sign(line.vectors[:, :1])
    assert Plane.of(line).points.shape == (N_BOOKS, 2)
