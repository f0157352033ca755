"""Whom to trust: the rule, case by case, on figures written by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from pipeline.config import EvaluationConfig
from pipeline.judge_topics import JudgedTopics, Lists, TopicQuality
from pipeline.trust_topics import faults, verdict

CONFIG = EvaluationConfig(n_bootstrap=200)
N = 50


def row(**changed: Any) -> dict[str, Any]:
    figures: dict[str, Any] = {
        "n_topics": 10, "npmi_held": [0.3, 0.2, 0.4], "diversity": 0.95, "n_dead": 0, "n_duplicates": 0,
        "stability": [0.6, 0.5, 0.7], "perplexity": [100.0, 90.0, 110.0], "gain": [0.5, 0.4, 0.6],
        "unigram": [200.0, 190.0, 210.0], "random": {"npmi_held": [-0.2, -0.3, -0.1]},
    }  # fmt: skip
    return {**figures, **changed}


def judged(npmi: dict[str, Sequence[float]], log_p: dict[str, float] | None = None) -> TopicQuality:
    """Models with these coherences of topics; of hidden books a log probability, with a little spread."""
    top, spread = np.zeros((10, 25), np.int32), np.linspace(-0.1, 0.1, N)
    models = {
        kind: JudgedTopics(
            Lists(top, np.array(values), np.array(values)),
            (top,),
            np.zeros(10, bool),
            (log_p or {}).get(kind, -5.0) + spread * (1 if kind == "lda" else -1),
        )
        for kind, values in npmi.items()
    }
    return TopicQuality(models, Lists(top, np.zeros(10), np.zeros(10)), np.ones(N, np.int64), np.full(N, -6.0))


HIGH, LOW = [0.4, 0.42, 0.38, 0.41, 0.39] * 2, [0.1, 0.12, 0.08, 0.11, 0.09] * 2


def test_a_good_model_alone_is_trusted_for_both() -> None:
    found = verdict(judged({"lda": HIGH}), {"lda": row()}, CONFIG, 0)
    assert (found["read"], found["predict"]) == ("lda", "lda")
    assert found["to_read"] == (
        "To see which topics there are, trust LDA: on held-out readers its topics hold together (NPMI 0.30, 0.20 to "
        "0.40; random lists −0.20, −0.30 to −0.10)."
    )
    assert found["to_predict"] == (
        "For what a reader reads next, trust LDA: perplexity 100, against frequency of books 200."
    )


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"npmi_held": [0.0, -0.1, 0.1]}, "no better than random lists do (NPMI 0.00, −0.10 to 0.10, random lists"),
        ({"npmi_held": [0.3, -0.2, 0.8]}, "no better than random lists do"),
        ({"diversity": 0.32}, "too much alike (only 32% of their books are different ones)"),
        ({"n_dead": 1, "n_duplicates": 1}, "2 of 10 have hardly a reading or repeat another"),
    ],
)
def test_topics_that_fail_are_not_to_be_read(changed: dict[str, Any], said: str) -> None:
    [fault] = faults(row(**changed))
    assert said in fault
    found = verdict(judged({"lda": HIGH}), {"lda": row(**changed)}, CONFIG, 0)
    assert found["read"] is None
    assert found["to_read"].startswith("LDA’s topics are not to be read: ")
    both = verdict(judged({"lda": HIGH, "prodlda": HIGH}), {"lda": row(**changed), "prodlda": row()}, CONFIG, 0)
    assert both["read"] == "prodlda"
    assert f"LDA’s topics are not to be read: {fault}." in both["to_read"]


def test_a_bar_that_is_just_met_is_met() -> None:
    assert not faults(row(npmi_held=[0.0, -0.099, 0.1], diversity=0.7, n_dead=1))


def test_neither_is_a_possible_answer() -> None:
    bad = row(npmi_held=[-0.2, -0.3, -0.1], gain=[0.1, 0.0, 0.2])
    found = verdict(judged({"lda": LOW, "prodlda": LOW}), {"lda": bad, "prodlda": bad}, CONFIG, 0)
    assert (found["read"], found["predict"]) == (None, None)
    assert found["to_read"].startswith(
        "Neither model’s topics are to be read here. LDA’s topics are not to be read: on"
    )
    assert found["to_predict"] == (
        "For what a reader reads next, neither model says more than the frequency of books does (perplexity LDA 100 "
        "and ProdLDA 100; frequency 200)."
    )


def test_of_two_the_more_coherent_is_read_if_it_is_more_than_chance() -> None:
    table = {"lda": row(npmi_held=[0.1, 0.08, 0.12]), "prodlda": row(npmi_held=[0.4, 0.38, 0.42])}
    found = verdict(judged({"lda": LOW, "prodlda": HIGH}), table, CONFIG, 0)
    assert found["read"] == "prodlda"
    assert "more than LDA’s (0.10, 0.08 to 0.12)." in found["to_read"]


def test_of_two_as_coherent_the_more_stable_is_read() -> None:
    table = {
        "lda": row(npmi_held=[0.39, 0.3, 0.5], stability=[0.8, 0.75, 0.9]),
        "prodlda": row(npmi_held=[0.4, 0.3, 0.5]),
    }
    found = verdict(judged({"lda": HIGH, "prodlda": HIGH}), table, CONFIG, 0)
    assert found["read"] == "lda"
    assert "as do, within chance, ProdLDA’s (0.40, 0.30 to 0.50)" in found["to_read"]
    assert "8.0 return when it is learned again from resampled readers, of ProdLDA’s 6.0." in found["to_read"]


@pytest.mark.parametrize(
    ("of_lda", "of_prodlda"), [(None, None), ([0.7, 0.6, 0.8], [0.6, 0.5, 0.7]), ([0.6, 0.5, 0.7], [0.7, 0.6, 0.8])]
)
def test_as_stable_too_either_will_do_and_the_more_coherent_is_named_first(of_lda: Any, of_prodlda: Any) -> None:
    table = {
        "lda": row(npmi_held=[0.39, 0.3, 0.5], stability=of_lda),
        "prodlda": row(npmi_held=[0.4, 0.3, 0.5], stability=of_prodlda),
    }
    found = verdict(judged({"lda": HIGH, "prodlda": HIGH}), table, CONFIG, 0)
    assert found["read"] == "prodlda"
    assert found["to_read"].startswith("To see which topics there are, trust ProdLDA or LDA: on held-out readers its")
    stable = ", and are as stable," if of_lda else ","
    assert f"as do{stable} within chance, LDA’s (0.39" in found["to_read"]


def test_topics_that_change_with_the_readers_come_with_a_warning() -> None:
    found = verdict(judged({"lda": HIGH}), {"lda": row(stability=[0.3, 0.2, 0.4])}, CONFIG, 0)
    assert found["read"] == "lda"
    assert "only 3.0 of the ten most typical books of a topic return" in found["to_read"]


def test_the_lower_perplexity_predicts_and_a_difference_of_chance_is_said() -> None:
    table = {"lda": row(), "prodlda": row(perplexity=[80.0, 70.0, 90.0])}
    clear = verdict(judged({"lda": HIGH, "prodlda": HIGH}, {"lda": -5.0, "prodlda": -4.8}), table, CONFIG, 0)
    assert clear["predict"] == "prodlda"
    assert clear["to_predict"] == (
        "For what a reader reads next, trust ProdLDA: perplexity 80, against LDA 100, frequency of books 200."
    )
    close = verdict(judged({"lda": HIGH, "prodlda": HIGH}, {"lda": -5.0, "prodlda": -4.999}), table, CONFIG, 0)
    assert close["to_predict"].endswith("frequency of books 200; LDA does as well, within chance.")
