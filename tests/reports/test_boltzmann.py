"""The page of a machine says what its figures come to, whatever they are, and nothing in a title becomes markup."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from selectolax.lexbor import LexborHTMLParser as HTMLParser

from data.pseudonym import pseudonym
from data.release import Release, kept_releases
from data.store import Store
from pipeline.boltzmann_verdict import verdict
from reports.boltzmann import boltzmann_page, boltzmann_report
from reports.boltzmann_chains import MEETING_COLUMNS, bin_name, bin_of, course_sentence, shares
from reports.boltzmann_readers import samples_of
from reports.boltzmann_verdict import (
    correction_sentence,
    layers_sentence,
    likelihood_sentence,
    meeting_sentence,
    recall_sentence,
    sampling_sentence,
)
from tests.pipeline.machine_release import build
from tests.pipeline.topic_release import CLOSING, KEY, SCRIPT, raw_ids
from tests.reports.pages import rendered, text_of

MAX_BYTES = 2_500_000


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    with pytest.MonkeyPatch.context() as patch:
        return build(tmp_path_factory.mktemp("store"), patch)


@pytest.fixture(scope="module")
def release(store: Store) -> Release:
    return next(release for release in kept_releases(store) if release.boltzmann)


@pytest.fixture(scope="module")
def page(store: Store, release: Release) -> str:
    return boltzmann_report(store, release).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def tree(page: str) -> HTMLParser:
    return HTMLParser(page)


def chart_values(tree: HTMLParser, name: str) -> list[dict[str, Any]]:
    """The longest data of a chart: not of a line or a dot beside them."""
    script = tree.css_first(f"#{name} script")
    assert script is not None
    spec = json.loads(script.text())
    parts = [spec, *spec.get("layer", [])]
    found: list[list[dict[str, Any]]] = [p["data"]["values"] for p in parts if "values" in p.get("data", {})]
    return max([*found, *spec.get("datasets", {}).values()], key=len)


# ---- hand-made figures --------------------------------------------------------------------


def row(system: str, metric: str, mean: float, over: dict[str, list[float]]) -> dict[str, Any]:
    return {"system": system, "metric": metric, "n_readers": 300, "mean": mean, "low": mean, "high": mean, "over": over}


def found(
    likely: dict[str, list[float]], recall: dict[str, list[float]], error: float = 0.0, effective: float = 90.0
) -> dict[str, Any]:
    sampling = {"log_z": 9.0, "log_z_error": error, "effective_samples": effective, "n_samples": 256}
    return {
        "n_books": 500,
        "sampling": {name: {**sampling, "effective_samples_of_row": None} for name in ("dbm", "rbm")},
        "rows": [
            row("popularity", "log_likelihood", -86.6, {}),
            row("dbm", "log_likelihood", -75.6, likely),
            *(
                row(name, "recall20", mean, {})
                for name, mean in (("popularity", 0.138), ("item_knn", 0.261), ("ease", 0.297))
            ),
            row("dbm", "recall20", 0.24, recall),
        ],
    }


LIKELY = {"popularity": [11.0, 10.0, 12.0], "rbm": [-1.4, -1.8, -1.0]}
RECALL = {
    "popularity": [0.1, 0.08, 0.12], "item_knn": [-0.02, -0.05, 0.01], "ease": [-0.06, -0.09, -0.03],
    "rbm": [-0.03, -0.05, -0.01],
}  # fmt: skip


def test_sentences_follow_the_figures() -> None:
    good = found(LIKELY, RECALL)
    assert likelihood_sentence(good) == (
        "The machine makes what a reader has read 11.0 nats likelier than independent books do (+10.0 to +12.0): "
        "−75.6 against −86.6 nats a reader, over 300 held-out readers and the 500 most read books."
    )
    assert recall_sentence(good) == (
        "Of hidden books it finds 24 % among the 20 it names first: more than bestsellers (14 %); as many, within "
        "chance, as BM25 item-kNN (26 %); fewer than EASE (30 %) and one hidden layer."
    )
    assert layers_sentence(good).startswith("Hidden layers above the first harm: −1.40 nats a reader (−1.80 to −1.00)")
    worse = found({**LIKELY, "popularity": [-2.0, -3.0, -1.0]}, RECALL)
    assert "2.0 nats less likely than independent books" in likelihood_sentence(worse)
    same = found({"popularity": [0.5, -0.5, 1.5], "rbm": [0.1, -0.2, 0.4]}, {**RECALL, "rbm": [0.0, -0.1, 0.1]})
    assert "no likelier, beyond chance" in likelihood_sentence(same)
    assert layers_sentence(same).startswith("Hidden layers above the first make no difference beyond chance")
    mixed = found({**LIKELY, "rbm": [1.0, 0.5, 1.5]}, RECALL)
    assert "help by one measure only" in layers_sentence(mixed)
    helps = found({**LIKELY, "rbm": [1.0, 0.5, 1.5]}, {**RECALL, "rbm": [0.0, -0.1, 0.1]})
    assert layers_sentence(helps).startswith("Hidden layers above the first help: +1.00 nats")
    assert layers_sentence(found({"popularity": [1.0, 0.5, 1.5]}, {})) == ""


def test_page_and_verdict_say_the_same_whatever_the_error_of_log_z() -> None:
    """Gains of 1 and .5 nats are beyond chance by readers alone, and not beside errors of log Z of one nat."""
    gains = {"popularity": [1.0, 0.5, 1.5], "rbm": [0.5, 0.2, 0.8]}
    for error, likelier, layers in (
        (0.0, "1.0 nats likelier than", "more layers than one help"),
        (1.0, "no likelier, beyond chance, than", "more layers than one make no difference beyond chance"),
    ):
        figures = found(gains, {**RECALL, "rbm": [0.0, -0.1, 0.1]}, error)
        told = verdict(figures)["told"]
        assert f"{likelier} independent books do" in told
        assert f"{likelier} independent books do" in likelihood_sentence(figures)
        assert layers in told
        assert f"above the first {layers.removeprefix('more layers than one ')}" in layers_sentence(figures)


def test_effective_samples_are_told_and_few_are_a_warning() -> None:
    told = sampling_sentence(found(LIKELY, RECALL, error=0.12))
    assert "log Z of the machine on 256 annealed chains worth 90 (standard error 0.120 nats)" in told
    assert "few" not in told
    assert "That is few for the machine and one hidden layer" in sampling_sentence(found(LIKELY, RECALL, effective=3.0))


def test_which_way_annealing_is_off_is_told_where_it_was_used() -> None:
    annealed = found(LIKELY, RECALL)
    assert "a low log Z makes likelihoods too high" in sampling_sentence(annealed)
    assert "makes likelihoods too low" not in sampling_sentence(annealed)
    annealed["sampling"]["dbm"]["effective_samples_of_row"] = 7.0
    assert "makes likelihoods too low" in sampling_sentence(annealed)
    exact = {name: {**of, "effective_samples": None} for name, of in found(LIKELY, RECALL)["sampling"].items()}
    assert "average" not in sampling_sentence({**annealed, "sampling": exact})


@pytest.mark.parametrize(
    ("nats", "said"), [([-9.0, -7.0, -8.0], "are not of that epoch"), ([-9, -8, -7], "last epoch too")]
)
def test_the_best_epoch_is_not_what_is_judged_and_published(nats: list[float], said: str) -> None:
    kept = 5 * (1 + nats.index(max(nats)))
    course = {"kept_epoch": kept, "epochs": [5, 10, 15], "log_likelihood": nats, "independent": -10.0, "n_readers": 90}
    told = course_sentence({**course, "kept": {"effective_samples": None}})
    assert f"Epoch {kept} of 15 is best by validation: +3.0 nats" in told
    assert "by the very readers that chose it" in told
    assert said in told


def portrait(estimator: str, *epochs: tuple[int, int, int]) -> dict[str, Any]:
    names = ("n_pairs", "n_corrected", "n_truncated")
    return {"course": {"estimator": estimator, "meetings": [dict(zip(names, epoch, strict=True)) for epoch in epochs]}}


def test_where_nothing_was_corrected_the_estimator_was_no_better_than_its_start() -> None:
    none = correction_sentence(portrait("coupled_mh", (500, 0, 0), (500, 0, 0)))
    assert "no correction occurred in any of 1,000 pairs" in none
    assert "no better than its biased start" in none
    some = correction_sentence(portrait("coupled_gibbs", (500, 400, 0), (500, 100, 7)))
    assert "50 % of 1,000 pairs corrected something; 7 were given up" in some
    assert "no correction occurs in it" in correction_sentence(portrait("pcd"))


def met(tau: dict[int, int], n_corrected: int, n_truncated: int = 0) -> dict[str, Any]:
    n_pairs = sum(tau.values())
    counts = {"n_pairs": n_pairs, "n_corrected": n_corrected, "n_truncated": n_truncated}
    return {**counts, "tau": list(tau), "n_of_tau": list(tau.values()), "median_tau": 3.0, "mean_tau": 4.0}


def test_meetings_of_the_finished_machine_are_told() -> None:
    gibbs = meeting_sentence("coupled_gibbs", met({1: 20, 3: 60, 1001: 20}, 80, 20))
    assert gibbs.startswith(
        "Coupled Gibbs chains, lag 1, unit by unit: 80 % of 100 pairs correct something; half of all have met by step 3"
    )
    assert "20 did not meet in 1,000 steps" in gibbs
    assert "no correction occurred in any of 50 pairs" in meeting_sentence("coupled_mh", met({1: 50}, 0))
    assert "Nothing is coupled" in meeting_sentence("local_mode", met({1: 50}, 0))


def test_meeting_times_are_counted_by_powers_of_two() -> None:
    assert [bin_of(tau) for tau in (1, 2, 3, 4, 5, 8, 9)] == [0, 1, 2, 2, 3, 3, 4]
    assert [bin_name(place) for place in range(4)] == ["1", "2", "3–4", "5–8"]
    assert shares(met({1: 20, 3: 30, 4: 30, 1001: 20}, 80, 20), 3) == [0.2, 0, 0.6, 0.2]
    assert shares(met({1: 50, 2: 50}, 50), 2) == [0.5, 0.5, 0]


# ---- the page -----------------------------------------------------------------------------


def test_the_verdict_comes_first(release: Release, tree: HTMLParser) -> None:
    first, *others = [" ".join(p.text().split()) for p in tree.css("main > p.verdict")]
    assert first == f"{likelihood_sentence(release.boltzmann)} {recall_sentence(release.boltzmann)}"
    assert others == [layers_sentence(release.boltzmann), correction_sentence(release.boltzmann["portrait"])]
    assert "no correction occurs" in others[1]


def test_every_system_stands_in_the_table_with_its_interval(release: Release, tree: HTMLParser) -> None:
    cells = [[" ".join(cell.text().split()) for cell in tr.css("th, td")] for tr in tree.css("table.quality tbody tr")]
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


def test_titles_are_text_and_never_markup(page: str, tree: HTMLParser) -> None:
    assert "&lt;script&gt;alert(" in page
    assert "<script>alert" not in page
    assert not tree.css("img")
    said = text_of(tree, "main")
    assert SCRIPT in said
    assert CLOSING in said
    for chart in tree.css("figure.chart script"):
        json.loads(chart.text())


def test_page_loads_nothing_and_names_no_reader_and_no_path(store: Store, page: str, tree: HTMLParser) -> None:
    assert not tree.css("[src], link, iframe, object, embed")
    named = [*raw_ids(), *(pseudonym(raw, "t", KEY.encode()) for raw in raw_ids()), str(store.root)]
    assert not [name for name in named if name in page]
    assert len(page.encode()) < MAX_BYTES


def test_every_chart_has_words_and_an_accessible_name(tree: HTMLParser) -> None:
    charts = tree.css("figure.chart")
    assert [chart.attributes["id"] for chart in charts] == ["course", "meetings"]
    for chart in charts:
        frame = chart.css_first("[role=img]")
        assert frame is not None
        assert frame.attributes["aria-label"]
        assert chart.css("details table")


def test_report_repeats_byte_for_byte_and_has_a_stable_copy(store: Store, release: Release, page: str) -> None:
    path = boltzmann_report(store, Release.open(store, release.id))
    assert path == store.report(release.id, "boltzmann")
    assert path.read_text(encoding="utf-8") == page
    assert release.id == store.current
    assert store.current_report("boltzmann").read_bytes() == path.read_bytes()


def test_a_release_without_a_machine_says_so_and_why(
    store: Store, release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    without = next(one for one in kept_releases(store) if one.id != release.id)
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


@pytest.mark.browser
def test_charts_are_drawn_in_a_browser(store: Store, page: str, tmp_path: Path) -> None:
    tree = rendered(store.current_report("boltzmann"), tmp_path)
    assert len(tree.css("figure.chart svg")) == 2
    assert "could not be drawn" not in text_of(tree, "main")
