"""The similarity report of the half circle says what is known of it, and nothing in a title becomes markup."""

from __future__ import annotations

import json
import math
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from selectolax.lexbor import LexborHTMLParser as HTMLParser
from selectolax.lexbor import LexborNode as Node

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
    TITLES,
    build,
    reader_ids,
    settings,
)

MAX_BYTES = 2_500_000
WATCH = (SCRIPT, "Volume20", "Twice told", "zzzz qqqq")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return build(tmp_path_factory.mktemp("store"), settings(*WATCH))


@pytest.fixture(scope="module")
def page(store: Store) -> str:
    return similarity_report(store, Release.open(store)).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def tree(page: str) -> HTMLParser:
    return HTMLParser(page)


def text_of(node: HTMLParser | Node, selector: str) -> str:
    found = node.css_first(selector)
    assert found is not None, selector
    return " ".join(found.text().split())


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
            text_of(row, ".similarity"),
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
    widest = math.cos(math.pi / 40)  # also the depth of the farthest: the scale runs from -widest to 1
    [zero, *_] = numbers(card(tree, SCRIPT).css(".zero")[0])
    assert zero == pytest.approx(100 * widest / (1 + widest), abs=0.06)
    bars = [numbers(node) for node in card(tree, SCRIPT).css(".fill")]
    assert bars[0] == [zero, pytest.approx(100 * widest / (1 + widest), abs=0.06)]
    assert bars[5] == [0.0, zero]


def test_titles_are_text_and_never_markup(page: str, tree: HTMLParser) -> None:
    assert "&lt;script&gt;alert(" in page
    assert "<script>alert" not in page
    assert not tree.css("img")
    assert card(tree, SCRIPT).css_first("h3 span[dir=auto]") is not None


def test_chart_data_survive_titles_that_close_the_script(tree: HTMLParser) -> None:
    script = tree.css_first("#book-map script")
    assert script is not None
    spec = json.loads(script.text())
    values = spec["data"]["values"] if "values" in spec["data"] else spec["datasets"][spec["data"]["name"]]
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
        f"Release {store.current} was published. It finds 3.0 times as many hidden books as bestsellers do "
        "(0.300 against 0.100, Recall@20). BM25 item-kNN, the yardstick, finds more (0.500)."
    )
    facts = " ".join(text_of(tree, ".facts.large").split())
    n_readings = sum(24 + i for i in range(N_BOOKS))
    assert facts.startswith(f"readers{N_READERS} books{N_BOOKS} readings{n_readings:,} ingested20")


def test_best_model_is_marked_in_each_split(tree: HTMLParser) -> None:
    tables = tree.css("table.quality")
    assert len(tables) == 2
    for quality in tables:
        best = [row for row in quality.css("tbody tr") if row.css(".best")]
        assert [text_of(row, "th") for row in best] == ["BM25 item-kNN (yardstick)"]
        assert len(best[0].css(".best")) == len(METRICS)


def test_hubs_and_distribution_are_those_of_a_half_circle(tree: HTMLParser) -> None:
    main = text_of(tree, "main")
    assert f"nearest book of similarity {math.cos(math.pi / 40):.2f} or more" in main
    assert "each book stands in 10 lists on average" in main
    assert len(tree.css("table.hubs tbody tr")) == 10


def test_page_loads_nothing_and_names_no_reader_and_no_path(store: Store, page: str, tree: HTMLParser) -> None:
    assert not tree.css("[src], [href], link, iframe, object, embed")
    assert text_of(tree, "title")
    policy = tree.css_first("meta[http-equiv='Content-Security-Policy']")
    assert policy is not None
    assert "default-src 'none'" in (policy.attributes["content"] or "")
    assert not [reader for reader in reader_ids() if reader in page]
    assert str(store.root) not in page
    assert page.count("vegaEmbed=") == 1
    assert len(page.encode()) < MAX_BYTES


def test_every_chart_has_words_and_an_accessible_name(tree: HTMLParser) -> None:
    charts = tree.css("figure.chart")
    assert [chart.attributes["id"] for chart in charts] == [
        "quality-readers", "quality-time", "similarity-distribution", "readers-per-book", "book-map",
    ]  # fmt: skip
    for chart in charts:
        frame = chart.css_first("[role=img]")
        assert frame is not None
        assert frame.attributes["aria-label"]
    assert all(chart.css("details table") for chart in charts[2:])


def test_report_repeats_byte_for_byte_and_has_a_stable_copy(store: Store, page: str) -> None:
    path = similarity_report(store, Release.open(store))
    assert path == store.report(str(store.current), "similarity")
    assert path.read_text(encoding="utf-8") == page
    assert (store.root / "reports" / "similarity.html").read_bytes() == path.read_bytes()


def test_refused_release_on_one_split_shows_its_most_read_books(tmp_path: Path) -> None:
    store = build(tmp_path, settings(), gain=0.0, splits=("readers",))
    [folder] = store.releases.iterdir()
    tree = HTMLParser(similarity_report(store, Release.open(store, folder.name)).read_text(encoding="utf-8"))
    assert "was refused." in text_of(tree, ".verdict")
    assert "does not find more hidden books than bestsellers do" in text_of(tree, ".verdict")
    assert "beats popularity" in text_of(tree, "main > p.why")
    assert len(tree.css("table.quality")) == 1
    assert [text_of(node, "h3") for node in tree.css("article.card")] == [TITLES[i] for i in range(39, 27, -1)]


@pytest.mark.browser
def test_browser_draws_every_chart_and_runs_no_title(store: Store, page: str, tmp_path: Path) -> None:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no chromium")
    off = ("gpu", "quic", "sync", "background-networking", "component-update")
    switches = ["--headless", "--no-sandbox", "--no-first-run", "--virtual-time-budget=8000"]
    switches += [f"--disable-{what}" for what in off]
    url = (store.root / "reports" / "similarity.html").as_uri()
    command = [chromium, *switches, f"--user-data-dir={tmp_path}", "--dump-dom", url]
    drawn = HTMLParser(subprocess.run(command, capture_output=True, check=True, timeout=120).stdout.decode())
    charts = drawn.css("figure.chart")
    assert len(charts) == 5
    assert all(chart.css("svg path") for chart in charts)
    assert not drawn.css("img")


def test_a_space_of_one_dimension_still_has_a_map(store: Store) -> None:
    line = Release.open(store)
    line.__dict__["vectors"] = np.sign(line.vectors[:, :1])
    assert Plane.of(line).points.shape == (N_BOOKS, 2)
