"""What a release says of topics: artifacts, tables for other systems, and nothing of a few readers or of rare books."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from data.errors import BadConfig, WagahaiError
from data.release import Release
from data.store import Store
from data.topics import NOT_TOLD
from pipeline.assemble_topics import MIN_P
from pipeline.config import CorpusConfig, PublishConfig, TopicsConfig
from pipeline.disclosure import parts_told
from pipeline.publish import publish
from pipeline.query import nearest
from tests.pipeline.hand_topics import LEAK, take_the_place
from tests.pipeline.topic_release import (
    HISTORIES,
    N_BOOKS,
    N_READERS,
    SETTINGS,
    TASTE,
    build,
    ingredients,
    readers_of,
    store_of,
    without_topics,
)

_OPEN = """
import sys
from pathlib import Path
from data.release import Release
from data.store import Store
release = Release.open(Store(Path(sys.argv[1])))
topics = release.topics("lda")
print(topics.profile(0).argmax(), sorted({"polars", "scipy", "gensim", "torch", "models"} & set(sys.modules)))
"""


store = store_of(build)


@pytest.fixture(scope="module")
def release(store: Store) -> Release:
    return Release.open(store)


def test_the_topics_are_those_of_the_model_fitted_to_everybody(release: Release) -> None:
    topics = release.topics("lda")
    counts = np.array([readers_of(book) for book in range(N_BOOKS)])
    for k in (0, 1):
        own = np.where(np.arange(N_BOOKS) // TASTE == k, counts, 0)
        np.testing.assert_allclose(topics.p[k], (1 - LEAK) * own / own.sum() + LEAK / N_BOOKS, rtol=1e-5)
        assert topics.shares[k] == pytest.approx(own.sum() / counts.sum())
    assert topics.n_main.tolist() == [N_READERS // 2, N_READERS // 2]
    assert len(release.topics("prodlda")) == 4


def test_a_topic_is_as_stable_as_models_learned_again_find_it(release: Release) -> None:
    """The fit to resampled readers has its blocks five books later: about half of the ten return."""
    stability = release.topics("lda").stability
    assert ((stability > 0.3) & (stability < 0.6)).all()
    np.testing.assert_array_less(0.8, release.topics("prodlda").stability)


def test_a_topic_that_is_the_main_one_of_too_few_is_not_counted(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the halves of a taste the second is the main one of few readers: below `min_readers` it is not told."""
    take_the_place(monkeypatch)
    halves = [np.bincount([book // 10 for book in read], minlength=4).argmax() for read in HISTORIES]
    n_main = np.bincount(halves, minlength=4)
    told = Release.open(store).topics("prodlda").n_main
    may = parts_told(n_main, SETTINGS.corpus.min_readers)
    assert told.tolist() == [n if is_told else NOT_TOLD for n, is_told in zip(n_main.tolist(), may, strict=True)]
    assert NOT_TOLD in told.tolist()


def test_the_spaces_of_topics_are_published_beside_the_default(release: Release) -> None:
    assert release.spaces == ("spectral", "lda", "prodlda")
    near = nearest(release, 3, 19, space="lda")
    assert sorted(near.rows.tolist()) == [book for book in range(TASTE) if book != 3]
    assert (near.similarity > 0.9).all()
    assert {"lda", "prodlda"} < release.manifest["models"].keys()


def test_a_space_that_does_not_rank_is_left_out_and_its_topics_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = replace(SETTINGS, models={**SETTINGS.models, "lda": {"n_topics": 1}})
    release = Release.open(build(tmp_path, monkeypatch, settings))
    assert release.spaces == ("spectral", "prodlda")
    assert release.topic_models == ("lda", "prodlda")
    assert release.manifest["models"]["lda"]["config"]["n_topics"] == 1


def test_tables_for_other_systems_say_the_same(release: Release) -> None:
    topics = release.topics("lda")
    table = pl.read_parquet(release.folder / "topics.parquet")
    assert table.columns == ["model", "topic", "rank", "book", "p", "typical", "lift"]
    second = table.filter((pl.col("model") == "lda") & (pl.col("topic") == 2))
    rows = np.array([release.books.columns["book"].index(book) for book in second["book"]])
    assert rows.tolist() == topics.typical_rows[1].tolist()
    assert second["rank"].to_list() == list(range(1, N_BOOKS + 1))
    np.testing.assert_allclose(second["p"], topics.p[1, rows])
    np.testing.assert_allclose(second["lift"], topics.lift(1, rows), rtol=1e-6)
    of_books = pl.read_parquet(release.folder / "book_topics.parquet")
    assert of_books.columns == ["model", "book", "topic", "p"]
    assert (of_books["p"] >= MIN_P).all()
    first = of_books.filter((pl.col("model") == "lda") & (pl.col("book") == release.books.columns["book"][0]))
    np.testing.assert_allclose(first["p"], np.sort(topics.profile(0))[::-1][: len(first)], rtol=1e-6)
    assert first["topic"][0] == 1


def test_rare_books_are_in_no_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = replace(SETTINGS, corpus=CorpusConfig(min_readers=10))
    release = Release.open(build(tmp_path, monkeypatch, settings))
    rare = {f"t:{book:02d}" for book in range(N_BOOKS) if readers_of(book) < 10}
    assert rare
    for name in ("topics.parquet", "book_topics.parquet"):
        assert not rare & set(pl.read_parquet(release.folder / name)["book"])


def test_topics_are_opened_with_numpy_alone(store: Store) -> None:
    command = [sys.executable, "-c", _OPEN, str(store.root)]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=root, timeout=60)
    assert done.stdout == "0 []\n"


def test_the_same_ingredients_make_no_second_release(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    take_the_place(monkeypatch)
    assert not publish(store, ingredients(store)).made
    other = replace(SETTINGS, topics=TopicsConfig(n_seeds=1))
    made = publish(store, ingredients(store, other))
    assert made.made
    release = Release.open(store, made.release_id)
    assert release.topics("lda").stability.shape == (0,)  # the model of the training readers is no other model
    assert release.topic_quality["models"]["lda"]["stability"] is None
    store.switch(next(id_ for id_ in (path.name for path in store.releases.iterdir()) if id_ != release.id), "test")


def test_a_release_without_topics_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    release = Release.open(build(tmp_path, monkeypatch, without_topics()))
    assert (release.topic_models, release.topic_quality, release.spaces) == ((), {}, ("spectral",))
    assert not (release.folder / "topics.parquet").exists()
    with pytest.raises(WagahaiError, match="no topics of 'lda'; it was made without"):
        release.topics("lda")


def test_a_model_of_topics_is_never_the_default_space() -> None:
    with pytest.raises(BadConfig, match=r"publish\.spaces"):
        PublishConfig(spaces=("lda",))
    with pytest.raises(BadConfig, match=r"topics\.models"):
        TopicsConfig(models=("spectral",))
    with pytest.raises(BadConfig, match=r"topics\.models"):
        TopicsConfig(models=("lda", "lda"))
    with pytest.raises(BadConfig, match=r"topics\.n_seeds"):
        TopicsConfig(n_seeds=0)
