"""The whole pipeline on simulated readers: what was planted is found, what was damaged is rejected."""

from __future__ import annotations

import html
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from data.history import History
from data.release import Release
from data.sample_files import read_truth
from data.store import Store
from pipeline.config import SampleConfig
from pipeline.lookup import find_book
from pipeline.query import farthest, nearest
from tests.refreshing import SMALL, refresh

SETTINGS = replace(
    SMALL, sample=SampleConfig(n_readers=1200), models={"word2vec": {"embedding_size": 64, "epochs": 30}}
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    opened = Store(tmp_path_factory.mktemp("planted"))
    assert refresh(opened, SETTINGS).passed
    return opened


@pytest.fixture(scope="module")
def release(store: Store) -> Release:
    return Release.open(store)


@pytest.fixture(scope="module")
def sample(store: Store) -> Path:
    return next((store.root / "artifacts" / "sample").iterdir())


def near(release: Release, title: str, k: int = 10) -> list[tuple[str, str]]:
    """Authors and imprint of the nearest books."""
    rows = nearest(release, find_book(release.books, title), k).rows
    return [(release.books.columns["authors"][i], release.books.columns["imprint"][i]) for i in rows]


def test_near_the_shinchosha_cat_are_the_other_soseki_of_that_imprint(release: Release) -> None:
    assert near(release, "吾輩は猫である(新潮文庫)").count(("夏目漱石", "新潮文庫")) >= 8


def test_the_iwanami_cat_lives_elsewhere(release: Release) -> None:
    imprints = [imprint for _, imprint in near(release, "吾輩は猫である(岩波文庫)")]
    assert imprints.count("岩波文庫") >= 8
    iwanami = find_book(release.books, "吾輩は猫である(岩波文庫)")
    shincho = find_book(release.books, "吾輩は猫である(新潮文庫)")
    assert iwanami not in nearest(release, shincho, 10).rows


def test_far_from_the_cat_is_another_world(release: Release) -> None:
    books = release.books.columns
    far = farthest(release, find_book(release.books, "吾輩は猫である(新潮文庫)"), 10).rows
    other = [
        i for i in far if books["language"][i] == "en" or books["format"][i] == "comic" or "電撃" in books["title"][i]
    ]
    assert len(other) >= 8
    assert not any(books["imprint"][i] == "新潮文庫" for i in far)


def test_neighbours_share_the_planted_community(release: Release, sample: Path) -> None:
    truth = read_truth(sample)
    main = dict(zip(truth.editions, truth.community_editions.argmax(axis=0).tolist(), strict=True))
    community = np.array([main[book.split(":", 1)[1]] for book in release.books.columns["book"]])
    top = np.array([nearest(release, row, 10).rows for row in range(len(release.books))])
    shared = (community[top] == community[:, None]).mean()
    by_chance = np.square(np.bincount(community) / len(community)).sum()
    assert shared > 8 * by_chance


def test_every_damaged_row_is_rejected_and_every_other_row_counted(store: Store, sample: Path) -> None:
    told = json.loads((sample / "truth.json").read_text(encoding="utf-8"))
    account = History(store.history).latest().batches.row(0, named=True)
    assert account["n_rows"] == told["n_rows"]
    assert account["n_rejected"] == told["n_rejected"]
    assert account["n_kept"] == told["n_readings"]


def test_titles_survive_every_step_as_written(release: Release, sample: Path) -> None:
    written = pl.read_csv(sample / "books.csv", infer_schema=False)
    titles = dict(zip(written["book"], written["title"], strict=True))
    for book, title in zip(release.books.columns["book"], release.books.columns["title"], strict=True):
        assert title == html.unescape(titles[book.split(":", 1)[1]]).strip()
