"""Publishing: what passes the gates is switched to, all else leaves CURRENT alone; a release is complete."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from data.artifact import read_json
from data.errors import NoRelease, ReleaseRefused, WagahaiError
from data.history import ReadingHistory
from data.release import TEXT_COLUMNS, Release, kept_releases
from data.store import Store
from pipeline.assemble import Ingredients
from pipeline.lookup import find_book
from pipeline.publish import Published, publish
from pipeline.query import nearest
from pipeline.rollback import roll_back
from tests.pipeline.ingredients import (
    N_BOOKS,
    N_READERS,
    RARE_AUTHOR,
    RARE_TITLE,
    UNDESCRIBED,
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


# ---- what lies in the folder -----------------------------------------------------------------


@pytest.fixture
def release(store: Store, good: Ingredients) -> Release:
    return Release.open(store, publish(store, good).release_id)


def test_a_release_is_complete(release: Release) -> None:
    files = sorted(path.relative_to(release.folder).as_posix() for path in release.folder.rglob("*") if path.is_file())
    exported = ["books.parquet", "neighbours.parquet"]
    queried = ["books.json", "manifest.json", "predictors.json", "quality.json"]
    queried += [
        f"spaces/{kind}/{name}" for kind in ("spectral", "word2vec") for name in ("arrays.npz", "manifest.json")
    ]
    assert files == sorted(queried + exported)


def test_the_manifest_says_what_made_the_release(release: Release, good: Ingredients) -> None:
    manifest = release.manifest
    assert manifest["id"] == release.id
    assert (manifest["digest"], manifest["seed"]) == (good.digest, good.seed)
    assert manifest["history"]["digest"] == good.history.digest
    assert manifest["history"]["batches"][0]["files"] == "hand.csv"
    assert manifest["corpus"]["artifact"] == good.corpus.name
    sizes = {"n_readers": N_READERS, "n_books": N_BOOKS, "n_readings": N_READERS * 6}
    assert sizes.items() <= manifest["corpus"].items()
    assert manifest["spaces"] == ["spectral", "word2vec"]
    model = manifest["models"]["word2vec"]
    assert model["artifact"] == good.spaces["word2vec"].name
    assert model["config"]["epochs"] == 2
    assert model["data"]["part"] == "all"
    assert manifest["evaluations"] == ["good"]
    assert manifest["settings"]["publish"]["n_neighbours"] == 4
    assert {"commit", "python", "numpy", "gensim"} <= manifest["made_by"].keys()
    assert manifest["gates"][0]["passed"] is True


def test_the_quality_is_that_of_the_evaluation(release: Release) -> None:
    judged = {row["model"]: row for row in release.quality["rows"] if row["metric"] == "ndcg100"}
    assert judged["spectral"]["mean"] == pytest.approx(0.5)
    assert judged["spectral"]["gain"] == pytest.approx(0.3)


def test_vectors_are_of_length_one(release: Release) -> None:
    assert release.vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(release.vectors, axis=1), np.ones(N_BOOKS), rtol=1e-5)


def test_the_books_are_described_and_found(release: Release) -> None:
    books = release.books
    assert books.columns["book"] == [f"t:{i:02d}" for i in range(N_BOOKS)]
    assert books.n_readers.tolist() == [N_READERS // 2] * N_BOOKS
    assert books.year[:2] == [1905, None]
    assert (books.columns["authors"][3], books.columns["authors"][4]) == ("", "作者 4")
    assert find_book(books, "第4巻") == 4
    assert find_book(books, "作者5") == 5


def test_a_book_that_no_source_describes_is_called_by_its_id(release: Release) -> None:
    row = find_book(release.books, UNDESCRIBED)
    assert release.books.columns["title"][row] == UNDESCRIBED
    assert release.books.columns["work"][row] == UNDESCRIBED


def test_the_exported_books_are_those_queried(release: Release) -> None:
    exported = pl.read_parquet(release.folder / "books.parquet")
    for name in TEXT_COLUMNS:
        assert exported[name].fill_null("").to_list() == release.books.columns[name]
    assert exported["year"].to_list() == release.books.year
    assert exported["n_readers"].to_list() == release.books.n_readers.tolist()


def test_the_exported_neighbours_are_those_queried(release: Release) -> None:
    exported = pl.read_parquet(release.folder / "neighbours.parquet")
    certainty, shared = ["low", "high", "p_top10"], ["n_shared", "lift"]
    assert exported.columns == ["book", "neighbour", "rank", "similarity", *certainty, *shared]
    assert all(exported[name].is_null().all() for name in certainty)  # of a release without an ensemble
    assert len(exported) == N_BOOKS * 4
    for row, book in enumerate(release.books.columns["book"]):
        listed = exported.filter(pl.col("book") == book)
        assert listed["rank"].to_list() == [1, 2, 3, 4]
        found = nearest(release, row, 4)
        np.testing.assert_allclose(listed["similarity"], found.similarity, atol=1e-6)
        rows = [find_book(release.books, id_) for id_ in listed["neighbour"]]
        assert row not in rows
        np.testing.assert_allclose(release.vectors[rows] @ release.vectors[row], found.similarity, atol=1e-6)


def test_of_books_that_all_their_readers_share_no_number_is_told(release: Release) -> None:
    """The 15 readers of a taste have read all its books, and none of the other's."""
    exported = pl.read_parquet(release.folder / "neighbours.parquet")
    assert exported["n_shared"].is_null().all()
    assert exported["lift"].is_null().all()


def test_another_space_that_does_not_beat_popularity_is_left_out(store: Store, history: ReadingHistory) -> None:
    evaluation = write_evaluation(store, "mixed", spectral=0.5, word2vec=0.2)
    outcome = publish(store, ingredients(store, history, evaluation))
    release = Release.open(store, outcome.release_id)
    assert outcome.passed
    assert release.spaces == ("spectral",)
    with pytest.raises(WagahaiError, match=r"has no space 'word2vec'; it has spectral"):
        release.space("word2vec")


def test_rare_books_and_readers_appear_in_no_file_of_a_release(release: Release) -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in release.folder.rglob("*.json"))
    for path in release.folder.glob("*.parquet"):
        text += json.dumps(pl.read_parquet(path).cast(pl.String).rows(), ensure_ascii=False)
    assert "第1巻" in text  # what is published is seen by this test
    for secret in ("t:99", RARE_TITLE, RARE_AUTHOR, f"{0:032x}"):
        assert secret not in text
    assert len(read_json(release.folder / "books.json")["book"]) == N_BOOKS
    assert len(release.vectors) == N_BOOKS
