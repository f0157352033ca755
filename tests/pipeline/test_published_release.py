"""What lies in the folder of a release is complete, and is what the queries say."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from data.artifact import read_json
from data.errors import WagahaiError
from data.release import TEXT_COLUMNS, Release
from data.store import Store
from pipeline.assemble import Ingredients
from pipeline.lookup import find_book
from pipeline.publish import publish
from pipeline.query import nearest
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


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


@pytest.fixture
def good(store: Store) -> Ingredients:
    return ingredients(store, write_history(store), write_evaluation(store, "good", spectral=0.5))


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


def test_another_space_that_does_not_beat_popularity_is_left_out(store: Store) -> None:
    evaluation = write_evaluation(store, "mixed", spectral=0.5, word2vec=0.2)
    outcome = publish(store, ingredients(store, write_history(store), evaluation))
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
