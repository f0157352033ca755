"""Publishing: what passes the gates is switched to, all else leaves CURRENT alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from data.errors import NoRelease, ReleaseRefused
from data.history import ReadingHistory
from data.release import Release, kept_releases
from data.store import Store
from pipeline.assemble import Ingredients
from pipeline.publish import Published, publish
from pipeline.rollback import roll_back
from tests.pipeline.ingredients import (
    N_BOOKS,
    ingredients,
    write_evaluation,
    write_history,
)


def test_a_comparison_of_unlike_judgements_says_so(store: Store, good: Ingredients) -> None:
    assert publish(store, good).passed
    again = publish(store, replace(good, seed=1))
    gates = Release.open(store, again.release_id).manifest["gates"]
    assert gates[2]["detail"].endswith("(judged with another seed)")


def test_a_release_left_between_its_making_and_the_switch_is_switched_to(store: Store, good: Ingredients) -> None:
    made = publish(store, good)
    assert made.passed
    (store.root / "CURRENT").unlink()  # as if killed before the switch
    (store.root / "switches.jsonl").unlink()
    again = publish(store, good)
    assert (again.release_id, again.passed, again.made) == (made.release_id, True, False)
    assert store.current == made.release_id


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


@pytest.fixture
def history(store: Store) -> ReadingHistory:
    return write_history(store)


@pytest.fixture
def good(store: Store, history: ReadingHistory) -> Ingredients:
    return ingredients(store, history, write_evaluation(store, "good", spectral=0.5))


@pytest.fixture
def better(store: Store, history: ReadingHistory) -> Ingredients:
    return ingredients(store, history, write_evaluation(store, "better", spectral=0.6))


@pytest.fixture
def worse(store: Store, history: ReadingHistory) -> Ingredients:
    return ingredients(store, history, write_evaluation(store, "worse", spectral=0.4))


@pytest.fixture
def useless(store: Store, history: ReadingHistory) -> Ingredients:
    return ingredients(store, history, write_evaluation(store, "useless", spectral=0.2))


def n_switches(store: Store) -> int:
    return len((store.root / "switches.jsonl").read_text(encoding="utf-8").splitlines())


def test_a_good_release_serves(store: Store, good: Ingredients) -> None:
    published = publish(store, good)
    assert published.passed
    assert published.made
    assert store.current == published.release_id
    assert [release.id for release in kept_releases(store)] == [published.release_id]


def test_the_same_ingredients_make_nothing_and_switch_nothing(store: Store, good: Ingredients) -> None:
    first = publish(store, good)
    again = publish(store, good)
    assert (again.release_id, again.passed, again.made) == (first.release_id, True, False)
    assert "it serves" in again.verdict
    assert n_switches(store) == 1
    assert len(kept_releases(store)) == 1


def test_another_seed_is_another_release(store: Store, good: Ingredients) -> None:
    other = Ingredients(**{**good.__dict__, "seed": 1})
    assert other.digest != good.digest
    assert publish(store, other).release_id != publish(store, good).release_id


def test_how_settings_were_found_makes_no_other_release(good: Ingredients) -> None:
    searched = replace(good.settings, searched={"spectral": {"seed": 0, "winner": 0.3}})
    assert replace(good, settings=searched).digest == good.digest
    assert replace(good, settings=replace(good.settings, models={})).digest != good.digest


def test_a_release_rolled_back_from_is_not_switched_to_again(
    store: Store, good: Ingredients, better: Ingredients
) -> None:
    first, second = publish(store, good), publish(store, better)
    roll_back(store, first.release_id)
    again = publish(store, better)
    assert (again.release_id, again.made) == (second.release_id, False)
    assert "rolled back" in again.verdict
    assert store.current == first.release_id


def assert_refused(store: Store, serving: str | None, refused: Published, because: str) -> None:
    assert not refused.passed
    assert refused.made
    assert because in refused.verdict
    assert store.current == serving
    kept = Release.open(store, refused.release_id)
    assert kept.manifest["passed"] is False
    assert because in kept.manifest["verdict"]
    assert len(kept.vectors) == N_BOOKS  # it is kept whole, to be looked at


def test_a_release_no_better_than_popularity_is_kept_and_not_switched_to(store: Store, useless: Ingredients) -> None:
    assert_refused(store, None, publish(store, useless), "beats popularity")


def test_a_release_worse_than_the_one_that_serves_is_kept_and_not_switched_to(
    store: Store, good: Ingredients, worse: Ingredients
) -> None:
    serving = publish(store, good).release_id
    assert_refused(store, serving, publish(store, worse), "holds against the current release")
    again = publish(store, worse)
    assert (again.passed, again.made) == (False, False)
    assert "refused" in again.verdict


def test_a_release_is_judged_against_the_one_that_serves_not_the_best_kept(
    store: Store, good: Ingredients, better: Ingredients, worse: Ingredients
) -> None:
    serving = publish(store, worse).release_id
    publish(store, better)
    roll_back(store, serving)
    assert publish(store, good).passed  # .5 holds against .4; against .6 it would not


def test_rolling_back_serves_the_kept_release_and_can_be_undone(
    store: Store, good: Ingredients, better: Ingredients
) -> None:
    first, second = publish(store, good).release_id, publish(store, better).release_id
    roll_back(store, first)
    assert store.current == first
    roll_back(store, second)
    assert store.current == second
    assert n_switches(store) == 4


def test_the_lasting_page_follows_a_rollback(store: Store, good: Ingredients, better: Ingredients) -> None:
    first, second = publish(store, good).release_id, publish(store, better).release_id
    for release_id in (first, second):
        store.write_whole(store.report(release_id, "similarity"), release_id)
    roll_back(store, first)
    assert store.current_report("similarity").read_text() == first


def test_a_refused_release_is_not_rolled_back_to(store: Store, good: Ingredients, useless: Ingredients) -> None:
    serving, refused = publish(store, good).release_id, publish(store, useless).release_id
    with pytest.raises(ReleaseRefused, match="a refused release does not serve"):
        roll_back(store, refused)
    assert store.current == serving


def test_the_release_that_serves_is_not_rolled_back_to(store: Store, good: Ingredients) -> None:
    serving = publish(store, good).release_id
    with pytest.raises(ReleaseRefused, match="serves already"):
        roll_back(store, serving)
    assert n_switches(store) == 1


@pytest.mark.parametrize("unknown", ["nonsense", "", ".", "..", "{}/", "./{}"])
def test_only_an_id_can_be_rolled_back_to(store: Store, good: Ingredients, better: Ingredients, unknown: str) -> None:
    other, serving = publish(store, good).release_id, publish(store, better).release_id
    with pytest.raises(NoRelease, match="no release"):
        roll_back(store, unknown.format(other))
    assert store.current == serving
