"""Works in a release: which books are one, by an id that anybody may see."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from data.release import Release
from data.store import Store
from data.works.table import Works
from pipeline.assemble import Ingredients
from pipeline.make_works import make_works
from pipeline.publish import publish
from tests.pipeline.ingredients import UNDESCRIBED, ingredients, write_evaluation, write_history


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


@pytest.fixture
def good(store: Store) -> Ingredients:
    return ingredients(store, write_history(store), write_evaluation(store, "good", spectral=0.5))


def published_works(store: Store, release_id: str) -> dict[str, str]:
    columns = Release.open(store, release_id).books.columns
    return dict(zip(columns["book"], columns["work"], strict=True))


def test_a_persons_word_makes_another_release_of_the_same_models(store: Store, good: Ingredients) -> None:
    first = publish(store, good)
    assert published_works(store, first.release_id)["t:05"] == "t:05"
    store.overrules.write_text(f'same = [["t:05", "t:02", "{UNDESCRIBED}"]]')
    overruled = replace(good, works=make_works(store, good.history)[0])
    second = publish(store, overruled)
    assert second.made
    works = published_works(store, second.release_id)
    assert {works[book] for book in ("t:02", "t:05", UNDESCRIBED)} == {"t:02"}
    assert works["t:03"] == "t:03"
    assert Release.open(store, second.release_id).manifest["works"] == overruled.works.name


def test_a_work_is_not_called_by_a_book_that_is_not_published(store: Store, good: Ingredients, tmp_path: Path) -> None:
    works = Works.load(good.works)
    of_rare = pl.when(pl.col("book").is_in(["t:03", "t:04"])).then(pl.lit("a:rare")).otherwise("work")
    folder = tmp_path / "renamed"
    folder.mkdir()
    replace(works, books=works.books.with_columns(of_rare.alias("work"))).save(folder, {})
    published = publish(store, replace(good, works=folder))
    found = published_works(store, published.release_id)
    assert (found["t:03"], found["t:04"], found["t:05"]) == ("t:03", "t:03", "t:05")
    books = store.release(published.release_id) / "books.parquet"
    assert "a:rare" not in str(pl.read_parquet(books).rows())


def test_a_setting_that_an_older_release_did_not_know_is_no_difference(store: Store, good: Ingredients) -> None:
    first = publish(store, good)
    manifest = store.release(first.release_id) / "manifest.json"
    manifest.write_text(older := manifest.read_text().replace(',\n   "unit": "edition"', ""))
    assert '"unit"' not in older.partition('"settings"')[2].partition('"split"')[0]
    second = publish(store, replace(good, seed=1))
    gates = Release.open(store, second.release_id).manifest["gates"]
    assert gates[2]["detail"].endswith("(judged with another seed)")
    of_works = replace(good.settings, corpus=replace(good.settings.corpus, unit="work"))
    third = publish(store, replace(good, settings=of_works, seed=1))
    assert Release.open(store, third.release_id).manifest["gates"][2]["detail"].endswith("(judged with another corpus)")
