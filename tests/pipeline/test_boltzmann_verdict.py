"""What figures of a machine come to: more than chance or not, with the error of log Z in every likelihood."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.boltzmann_verdict import gain_over, verdict

RECALL = {"popularity": 0.1, "item_knn": 0.2, "ease": 0.25, "dbm": 0.3}
SURELY = {"popularity": [0.2, 0.1, 0.3], "item_knn": [0.1, 0.05, 0.15], "ease": [0.05, 0.01, 0.09]}


def figures(
    over: dict[str, list[float]],
    layers: list[float] | None = None,
    independent: tuple[float, float, float] = (9.0, 8.0, 10.0),
    error: float = 0.0,
) -> dict[str, Any]:
    gains = {"popularity": list(independent)} | ({"rbm": layers} if layers else {})
    rows = [{"system": name, "metric": "recall20", "mean": mean, "over": over} for name, mean in RECALL.items()]
    likely = {"system": "dbm", "metric": "log_likelihood", "mean": -70.0, "over": gains}
    return {"rows": [*rows, likely], "sampling": {name: {"log_z_error": error} for name in ("dbm", "rbm")}}


def test_it_finds_most_if_it_beats_every_yardstick_beyond_chance() -> None:
    found = verdict(figures(SURELY))
    assert (found["finds_most"], found["layers_help"]) == (True, None)
    assert "9.0 nats likelier than independent books do (8.0 to 10.0 nats)" in found["told"]
    assert "30.0 % among 20, ease 25.0 %" in found["told"]
    assert not verdict(figures({**SURELY, "ease": [0.05, -0.01, 0.09]}))["finds_most"]


@pytest.mark.parametrize(
    ("independent", "error", "said"),
    [
        ((-2.0, -3.0, -1.0), 0.0, "2.0 nats less likely than independent books do (-3.0 to -1.0 nats)"),
        ((0.5, -0.5, 1.5), 0.0, "no likelier, beyond chance, than independent books do"),
        ((9.0, 8.0, 10.0), 5.0, "no likelier, beyond chance, than independent books do"),  # 1.96 * 5 > 9
        ((-2.0, -3.0, -1.0), 5.0, "no likelier, beyond chance, than independent books do"),
    ],
)
def test_a_gain_is_a_gain_a_loss_or_neither(independent: tuple[float, float, float], error: float, said: str) -> None:
    assert said in verdict(figures(SURELY, independent=independent, error=error))["told"]


@pytest.mark.parametrize(
    ("layers", "error", "helps", "said"),
    [
        ([0.5, 0.1, 0.9], 0.0, True, "one help: +0.50 nats (+0.10 to +0.90)"),
        ([0.5, -0.1, 0.9], 0.0, False, "make no difference beyond chance"),
        ([-0.5, -0.9, -0.1], 0.0, False, "harm"),
        ([0.5, 0.1, 0.9], 0.3, False, "make no difference beyond chance"),
        ([-0.5, -0.9, -0.1], 0.3, False, "make no difference beyond chance"),
    ],
)
def test_more_layers_help_beyond_chance_and_the_error_of_log_z(
    layers: list[float], error: float, helps: bool, said: str
) -> None:
    found = verdict(figures(SURELY, layers, error=error))
    assert found["layers_help"] is helps
    assert said in found["told"]


def test_an_uncertain_normaliser_widens_what_likelihoods_differ_by() -> None:
    """Errors of .3 and .3 nats: 1.96 sqrt(.18) = .832 beside half a width of .3 makes .884."""
    gain = gain_over(figures(SURELY, [0.5, 0.2, 0.8], error=0.3), "dbm", "rbm")
    assert gain == pytest.approx((0.5, 0.5 - 0.884, 0.5 + 0.884), abs=1e-3)
    exact = gain_over(figures(SURELY, [0.5, 0.2, 0.8]), "dbm", "rbm")
    assert exact == pytest.approx((0.5, 0.2, 0.8))
