"""The page of a machine shows what was recorded of it, and nothing in a title becomes markup."""

from __future__ import annotations

import copy

import pytest
from selectolax.lexbor import LexborHTMLParser as HTMLParser

from data.release import Release
from data.store import Store
from reports.boltzmann import boltzmann_page, boltzmann_report
from reports.boltzmann_chains import MEETING_COLUMNS
from reports.boltzmann_readers import samples_of
from reports.boltzmann_verdict import (
    correction_sentence,
    layers_sentence,
    likelihood_sentence,
    recall_sentence,
)
from tests.pipeline.machine_release import build, with_machine, without_machine
from tests.pipeline.topic_release import CLOSING, SCRIPT, pseudonyms, raw_ids, store_of
from tests.reports.hand_machine import met
from tests.reports.page_contract import PageContract
from tests.reports.pages import chart_values, rows, text_of

store = store_of(build)


@pytest.fixture(scope="module")
def release(store: Store) -> Release:
    return with_machine(store)


@pytest.fixture(scope="module")
def page(store: Store, release: Release) -> str:
    return boltzmann_report(store, release).read_text(encoding="utf-8")


class TestPage(PageContract):
    name = "boltzmann"
    report = staticmethod(boltzmann_report)
    charts = ("course", "meetings")
    readers = (*raw_ids(), *pseudonyms())


def test_the_verdict_comes_first(release: Release, tree: HTMLParser) -> None:
    first, *others = [" ".join(p.text().split()) for p in tree.css("main > p.verdict")]
    assert first == f"{likelihood_sentence(release.boltzmann)} {recall_sentence(release.boltzmann)}"
    assert others == [layers_sentence(release.boltzmann), correction_sentence(release.boltzmann["portrait"])]
    assert "no correction occurs" in others[1]


def test_every_system_stands_in_the_table_with_its_interval(release: Release, tree: HTMLParser) -> None:
    cells = rows(tree, "table.quality")
    names = ("Bestsellers", "BM25 item-kNN", "EASE", "RBM of 6", "Boltzmann machine of 6–3")
    assert all(line[0].startswith(name) for line, name in zip(cells, names, strict=True))
    likely = next(r for r in release.boltzmann["rows"] if (r["system"], r["metric"]) == ("rbm", "log_likelihood"))
    shown = [f"{likely[name]:.2f}".replace("-", "−") for name in ("mean", "low", "high")]
    assert cells[3][1].startswith(shown[0])
    assert f"{shown[1]} to {shown[2]}" in cells[3][1]
    assert cells[1][1] == cells[2][1] == "has none"


def test_what_was_recorded_is_drawn(release: Release, tree: HTMLParser) -> None:
    course = release.boltzmann["portrait"]["course"]
    values = chart_values(tree, "course")
    assert [value["epoch"] for value in values] == course["epochs"] == list(range(6, 61, 6))
    assert [value["nats"] for value in values] == [round(nats, 3) for nats in course["log_likelihood"]]
    assert {value["effective"] for value in values} == {"exact"}
    heads = [th.text() for th in tree.css("thead th")]
    assert all(column in heads for column in MEETING_COLUMNS)
    assert "no correction occurred in any of 200 pairs" in text_of(tree, "main")


def test_sampled_readers_and_units_are_lists_of_titles(release: Release, tree: HTMLParser) -> None:
    cards = tree.css("article.card")
    known = release.boltzmann["portrait"]
    assert len(cards) == len(known["typical_readers"]) + len(known["hidden_units"])
    titles = release.books.columns["title"]
    first = [span.text() for span in cards[0].css("li > span[dir]")]
    assert first == [titles[book] for book in known["typical_readers"][0][:12]]
    unit = cards[len(known["typical_readers"])]
    assert [td.css_first("span").text() for td in unit.css("td.book")] == [  # type: ignore[union-attr]  # each has one
        titles[book] for book in known["hidden_units"][0]["books"]
    ]


def test_books_of_too_few_readers_are_in_no_list(release: Release) -> None:
    least = int(release.books.n_readers[:4].max())
    (sample,) = samples_of(release.books, [[0, 1, 2, 3]], least)
    assert sample.n_books == sum(release.books.n_readers[book] >= least for book in range(4)) < 4


def test_a_release_without_a_machine_says_so_and_why(
    store: Store, release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    without = without_machine(store)
    tree = HTMLParser(boltzmann_page(without))
    assert text_of(tree, "p.verdict") == f"Release {without.id} has no Boltzmann machine."
    assert "boltzmann.on" in text_of(tree, "main")
    assert not tree.css("article, figure")
    monkeypatch.setitem(without.__dict__, "boltzmann", {"left_out": f"nobody reads {SCRIPT}"})
    said = boltzmann_page(without)
    assert f"Why: nobody reads {SCRIPT}" in text_of(HTMLParser(said), "main")
    assert "<script>alert" not in said


def test_a_machine_learned_by_coupled_chains_shows_them_over_training(
    release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    coupled = copy.deepcopy(release.boltzmann)
    epochs = [{"epoch": epoch, **met({1: 5, 1 + epoch: 5}, 5)} for epoch in (1, 2, 3)]
    coupled["portrait"]["course"] |= {"estimator": "coupled_gibbs", "meetings": epochs, "effective_samples": [2.0] * 10}
    monkeypatch.setitem(release.__dict__, "boltzmann", coupled)
    tree = HTMLParser(boltzmann_page(release))
    assert "50 % of 30 pairs corrected something" in text_of(tree, "main")
    assert "fewer than 10 effective samples" in text_of(tree, "#course")
    drawn = chart_values(tree, "tau-over-training")
    assert [value["tau"] for value in drawn if value["of"] == "largest"] == [2, 3, 4]


def test_titles_that_are_markup_stand_in_a_list(tree: HTMLParser) -> None:
    assert {SCRIPT, CLOSING} <= {span.text() for span in tree.css("span[dir]")}
