"""Sentences about a machine say what its figures come to, whatever they are."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.boltzmann_verdict import verdict
from reports.boltzmann_chains import bin_name, bin_of, course_sentence, shares
from reports.boltzmann_verdict import (
    correction_sentence,
    layers_sentence,
    likelihood_sentence,
    meeting_sentence,
    recall_sentence,
    sampling_sentence,
)
from tests.reports.hand_machine import LIKELY, RECALL, found, met


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
